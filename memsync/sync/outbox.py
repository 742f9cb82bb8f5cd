"""A tool's side of the way back: what it proposes, kept until the owner has it, sealed in parcels and placed in its grant's inbox.

A proposal is kept before it is sent. If nothing was sent for sure it is forgotten again; if that can't be told, the next parcel carries
it too. A parcel repeats what the owner has not taken in, as far as the tool knows, for an inbox holds one parcel only. One that may
only write never learns what was taken in: when its parcel is full, it leaves out the oldest that it has sent before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from memsync.chain.registry import GrantState, Receipt
from memsync.crypto.tree import DeviceKey
from memsync.device.proposals import Proposals, Proposed
from memsync.errors import (
    AccessError,
    CallRefused,
    ChainError,
    InputError,
    PayerError,
    Stale,
    StorageError,
)
from memsync.format.envelope import Envelope
from memsync.format.rights import READ, WRITE
from memsync.memory import Draft
from memsync.store.port import BlockStore
from memsync.sync.inbox import submit_parcel
from memsync.sync.reading import check_grant
from memsync.sync.replica import Replica

ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Outbox:
    """The proposals of one grant: the tool's replica and key, the terms, the envelope's digest (32 bytes), the store for parcels."""

    replica: Replica
    key: DeviceKey
    envelope: Envelope
    link: bytes
    store: BlockStore

    def propose(self, drafts: list[Draft]) -> Receipt:
        """Send these and what waits. A draft that waits already, whenever it was made, is not added again.

        ``AccessError``, ``InputError`` for more than a parcel holds, ``StorageError``, ``ChainError`` and its kin.
        """
        self._inbox()
        new = self._keep(drafts)
        for _ in range(ROUNDS):
            try:
                return self._send(*self._inbox())
            except Stale:
                continue
            except (AccessError, CallRefused, InputError, PayerError, StorageError):
                self._proposals.remove(new)
                raise
        raise ChainError(f"other programs proposed under this grant {ROUNDS} times in a row; propose again")

    @property
    def _grant(self) -> bytes:
        return self.envelope.grant_id(self.link)

    @property
    def _proposals(self) -> Proposals:
        return Proposals(self.replica.database)

    def _inbox(self) -> tuple[GrantState, int]:
        """The inbox as it stands, if the grant may write, and the time."""
        snapshot = self.replica.registry.snapshot(self.envelope.vault, [self._grant])
        now = self.replica.time_at(snapshot)
        return check_grant(self.envelope, self._grant, snapshot, now=now, rights=WRITE)[1], now

    def _keep(self, drafts: list[Draft]) -> list[Proposed]:
        grant, author = self._grant, self.key.author().public
        with self.replica.database.transaction():
            waits = [
                replace(one.draft, created=0) for one in self._proposals.all(state="pending", grant=grant)
            ]
            new = [
                Proposed(grant, 0, self.replica.random(16), author, draft, b"", draft.created)
                for draft in drafts
                if replace(draft, created=0) not in waits
            ]
            self._proposals.add_many(new)
        return new

    def _send(self, state: GrantState, now: int) -> Receipt:
        again = self._proposals.all(state="sent", grant=self._grant)
        fresh = self._proposals.all(state="pending", grant=self._grant)
        left_out: list[Proposed] = []
        while True:
            try:
                number, receipt = submit_parcel(
                    [*again, *fresh],
                    envelope=self.envelope,
                    grant_id=self._grant,
                    grant_salt=self.envelope.secret.grant_salt(self.link),
                    state=state,
                    author=self.key.author(),
                    registry=self.replica.registry,
                    store=self.store,
                    now=now,
                )
            except InputError as full:
                if not again:
                    raise
                if self.envelope.rights & READ:
                    raise InputError(
                        f"{full}: it repeats {len(again)} that the owner has not taken in yet, as far as is known here; "
                        "pull to learn of it, then propose again"
                    ) from full
                left_out.append(again.pop(0))
            else:
                self._note(left_out, [*again, *fresh], number)
                return receipt

    def _note(self, left_out: list[Proposed], sent: list[Proposed], number: int) -> None:
        with self.replica.database.transaction():
            self._proposals.remove(left_out)
            for one in sent:
                self._proposals.sent_in(one, number, b"")
