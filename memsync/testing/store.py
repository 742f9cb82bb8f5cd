"""Blocks in memory, for tests and for vaults that leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from memsync.ipld.cid import CID
from memsync.store.port import Block, Place


class MemoryStore(Place):
    """A store that is gone when the process is. ``blocks`` is what it holds."""

    def __init__(self, name: str = "memory") -> None:
        self.blocks: dict[CID, bytes] = {}
        self._name = name

    @property
    def place(self) -> str:
        return self._name

    def _keep(self, blocks: Iterator[Block]) -> None:
        for cid, block in blocks:
            self.blocks[cid] = bytes(block)

    def has_many(self, cids: Iterable[CID]) -> set[CID]:
        return {cid for cid in cids if cid in self.blocks}

    def delete(self, cids: Iterable[CID]) -> None:
        for cid in cids:
            self.blocks.pop(cid, None)

    def iter(self) -> Iterator[CID]:
        yield from list(self.blocks)

    def _fetch(self, cids: list[CID]) -> Iterator[bytes | None]:
        for cid in cids:
            yield self.blocks.get(cid)
