"""Having a signed transaction mined: handed in, waited for, and handed in again where the node has lost it.

In come its bytes and a way to ask a node; out comes what its receipt says. Answers may be lost, late or false; the transaction's hash is
reckoned here and never taken from the node.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from memsync.chain.answers import read_receipt
from memsync.crypto.secp256k1 import keccak
from memsync.errors import ChainError, ChainUnreachable

Ask = Callable[..., Any]
"""One JSON-RPC request: method and parameters in, the result out; raises ``ChainError`` and its kin."""

MINED_SECONDS = 300.0
_PAUSE, _LONGEST_PAUSE = 0.005, 1.0  # seconds between two questions


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction that was mined: its hash, whether it passed, the number of its block, the gas it used."""

    transaction: bytes
    passed: bool
    block: int
    gas_used: int


def have_mined(ask: Ask, raw: bytes) -> Mined | None:
    """Hand a signed transaction in until it is mined; None if another of the same account and nonce was.

    ``ChainError`` when that takes more than ``MINED_SECONDS``: it may yet be.
    """
    transaction = keccak(raw)
    named = "0x" + transaction.hex()
    until, pause = time.monotonic() + MINED_SECONDS, _PAUSE
    stands = _hand_in(ask, raw, named)
    while time.monotonic() < until:
        found = ask("eth_getTransactionReceipt", named)
        if found is not None:
            return Mined(transaction, *read_receipt(found, transaction))
        if stands == "over":
            return None
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
        if stands == "behind" or (pause == _LONGEST_PAUSE and not _is_known(ask, named)):
            stands = _hand_in(ask, raw, named)
    raise ChainError(
        f"transaction {named} was not mined within {MINED_SECONDS:.0f} s; it may yet be: push again later"
    )


def _hand_in(ask: Ask, raw: bytes, named: str) -> Literal["there", "behind", "over"]:
    """Send it: it is *there* in the node's pool, *behind* another of its nonce, or such another was mined and it is *over*."""
    try:
        ask("eth_sendRawTransaction", "0x" + raw.hex())
    except ChainUnreachable as err:
        if "nonce too low" in str(err):
            return "over"
        if "underpriced" in str(err):
            return "behind"
        # The answer may have been lost, not the question.
        with suppress(ChainError):
            if _is_known(ask, named):
                return "there"
        raise
    return "there"


def _is_known(ask: Ask, named: str) -> bool:
    """Whether the node has it, mined or not."""
    return ask("eth_getTransactionByHash", named) is not None
