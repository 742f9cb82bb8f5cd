"""A registry that can lose a call on the way there, or the answer on the way back."""

from __future__ import annotations

from memsync.chain.calls import SignedCall
from memsync.chain.registry import Receipt
from memsync.errors import ChainUnreachable, PayerError
from memsync.testing import MemoryRegistry


class Moody(MemoryRegistry):
    """``sent`` is the last call that somebody tried to send; a registry that is ``poor`` can't pay for it."""

    lose_call = lose_answer = poor = False
    overtaken = False
    """Somebody else saw the call on its way and had it mined first."""

    def send(self, signed: SignedCall) -> Receipt:
        self.sent = signed
        if self.poor:
            raise PayerError("no funds")
        if self.lose_call:
            raise ChainUnreachable("lost on the way there")
        if self.overtaken:
            super().send(signed)
        receipt = super().send(signed)
        if self.lose_answer:
            raise ChainUnreachable("lost on the way back")
        return receipt
