"""Everything about a vault that anybody can get: the calls, logs and storage words of a chain, and the bytes of every stored block.

In go a node's RPC and a store, out come :class:`Part` after :class:`Part`. Storage is what each transaction changed, before and after, so
what was overwritten is there too. The names of blocks are no part: a block is filed under the hash of its bytes, whoever keeps it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from memsync.store.port import BlockStore

CALLS, LOGS, STORAGE, BLOCKS = PLACES = ("calls", "logs", "storage", "blocks")

_STORAGE_BEFORE_AND_AFTER: Final = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}


@dataclass(frozen=True, slots=True)
class Part:
    """Some public bytes: one call (calldata, who called whom), one log, one word of storage with its slot, or one block."""

    place: str
    data: bytes


class Node(Protocol):
    """A node that traces."""

    def rpc(self, method: str, *params: object) -> Any:
        """One JSON-RPC request."""
        ...


def chain_parts(node: Node) -> Iterator[Part]:
    """What the chain has kept of every transaction so far."""
    for number in range(int(node.rpc("eth_blockNumber"), 16) + 1):
        with_transactions = True
        block = node.rpc("eth_getBlockByNumber", hex(number), with_transactions)
        for transaction in block["transactions"]:
            yield from _transaction_parts(node, transaction)


def block_parts(store: BlockStore) -> Iterator[Part]:
    """The bytes of every block of a store."""
    for _, data in store.get_many(sorted(store.iter())):
        yield Part(BLOCKS, data)


def _transaction_parts(node: Node, transaction: dict[str, Any]) -> Iterator[Part]:
    people = b"".join(_bytes(transaction[side] or "0x") for side in ("from", "to"))
    yield Part(CALLS, people + _bytes(transaction["input"]))
    for log in node.rpc("eth_getTransactionReceipt", transaction["hash"])["logs"]:
        yield Part(LOGS, b"".join(map(_bytes, (log["address"], *log["topics"], log["data"]))))
    changed = node.rpc("debug_traceTransaction", transaction["hash"], _STORAGE_BEFORE_AND_AFTER)
    for side in ("pre", "post"):
        for account in changed[side].values():
            for slot, word in account.get("storage", {}).items():
                yield Part(STORAGE, _bytes(slot) + _bytes(word))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
