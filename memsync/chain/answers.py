"""What an RPC answers, made into values or into the one error that says what is wrong with it.

In comes the JSON of any server that listens at a URL: a node's, a broken proxy's, a liar's. Out come bytes, numbers, blocks, receipts and
errors by name. Nothing here asks anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memsync.chain.artifact import load_artifact
from memsync.chain.naming import without_keys
from memsync.chain.registry import BlockStamp, VaultState
from memsync.errors import CallRefused, ChainError, ChainUnreachable, PayerError, Stale

_STALE = {"StaleSequence", "StaleEpoch", "StaleDigest"}
_SHOWN = 200


def read_bytes(answer: Any) -> bytes:
    """The bytes of an answer in hex, with or without 0x; ``ChainUnreachable`` for anything else."""
    if isinstance(answer, (bytes, bytearray)):
        return bytes(answer)
    try:
        return bytes.fromhex(str(answer).removeprefix("0x"))
    except ValueError as err:
        raise ChainUnreachable("the RPC answered something that is no hex data; try another RPC") from err


def read_number(answer: Any) -> int:
    """The number of an answer in hex; ``ChainUnreachable`` for anything else."""
    try:
        return int(answer, 16)
    except (TypeError, ValueError) as err:
        raise ChainUnreachable("the RPC answered something that is no number; try another RPC") from err


def read_block(answer: Any, number: int | str) -> BlockStamp:
    """The block that was asked for by ``number``; ``ChainUnreachable`` for anything else."""
    try:
        stamp = BlockStamp(
            int(answer["number"], 16), read_bytes(answer["hash"]), int(answer["timestamp"], 16)
        )
    except (TypeError, KeyError, ValueError) as err:
        raise ChainUnreachable(f"the RPC has no block {number}; try another RPC") from err
    if isinstance(number, int) and stamp.number != number:
        raise ChainUnreachable(f"the RPC answered another block than {number}; try another RPC")
    return stamp


def read_receipt(answer: Any, transaction: bytes) -> tuple[bool, int, int]:
    """Of the receipt of this transaction (32 bytes): whether it passed, block number, gas used. ``ChainUnreachable`` for anything else."""
    try:
        told = read_bytes(answer["transactionHash"])
        found = (
            int(answer["status"], 16) == 1,
            int(answer["blockNumber"], 16),
            int(answer["gasUsed"], 16),
        )
    except (TypeError, KeyError, ValueError) as err:
        raise ChainUnreachable("the RPC's receipt makes no sense; try another RPC, then push again") from err
    if told != transaction:
        raise ChainUnreachable("the RPC's receipt is another transaction's; try another RPC, then push again")
    return found


def read_log(log: Any, contract: bytes, vault: bytes) -> tuple[str, dict[str, object], int, bytes]:
    """Of a log of this contract (20 bytes) about this vault (32 bytes): name, values, block number, transaction. ``ChainUnreachable`` for
    anything else."""
    try:
        topics = [read_bytes(topic) for topic in log["topics"]]
        address, data = read_bytes(log["address"]), read_bytes(log["data"])
        number, transaction = int(log["blockNumber"], 16), read_bytes(log["transactionHash"])
    except (TypeError, KeyError, ValueError) as err:
        raise ChainUnreachable("the RPC's log makes no sense; try another RPC") from err
    if address != contract or topics[1:2] != [vault]:
        raise ChainUnreachable("the RPC answered a log about something else; try another RPC")
    name, values = load_artifact().decode_event(topics, data)
    return name, values, number, transaction


def read_vault(row: tuple[Any, ...]) -> VaultState | None:
    """The vault in the contract's decoded answer; None where there is no such vault."""
    signer = read_bytes(row[0])
    return VaultState(signer, row[1], row[2], row[3], bytes(row[4])) if any(signer) else None


def read_answer(answer: Any, method: str) -> Any:
    """The result in a JSON-RPC answer. ``CallRefused`` for a revert, ``PayerError`` for a payer without funds, ``ChainUnreachable`` for all
    else that is no result."""
    if not isinstance(answer, Mapping) or ("error" not in answer and "result" not in answer):
        raise ChainUnreachable(f"the RPC's answer to {method} makes no sense; try another RPC")
    if "error" in answer:
        raise _refusal(answer["error"], method)
    return answer["result"]


def _refusal(error: Any, method: str) -> ChainError:
    data = error.get("data") if isinstance(error, Mapping) else None
    if isinstance(data, Mapping):
        data = data.get("data")
    if isinstance(data, str) and data.startswith("0x") and len(data) >= 10:
        found = load_artifact().decode_error(read_bytes(data))
        if found is not None:
            name, values = found
            return Stale(name, values) if name in _STALE else CallRefused(name, values)
    message = str(error.get("message", "")) if isinstance(error, Mapping) else str(error)
    if "insufficient funds" in message.lower() or "exceeds allowance" in message.lower():
        return no_funds("the payer")
    return ChainUnreachable(
        f"the RPC refused {method}: {shown(message)}; repeat it later, or try another RPC"
    )


def no_funds(payer: str) -> PayerError:
    """That this account can't pay."""
    return PayerError(f"{payer} has no funds for this; send it some, or name another payer")


def shown(said: object) -> str:
    """The first line of what somebody else said, without keys in URLs, and not all of it if it is long."""
    lines = str(said).strip().splitlines()
    line = without_keys(lines[0]) if lines else type(said).__name__
    return line if len(line) <= _SHOWN else line[:_SHOWN] + "…"
