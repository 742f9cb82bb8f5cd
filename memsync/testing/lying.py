"""A badly behaved store, for tests of whoever must survive one.

It stands in front of a good store and, when told to, loses, alters, swaps or withholds blocks, forgets what it is given, or fails.
Its ``get_many`` is *not* checked: this is what a store somebody else wrote may do, so its user must put ``memsync.store.checked``
around it, as for any foreign store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from memsync.errors import StorageError
from memsync.ipld.cid import CID
from memsync.store.port import Block, BlockStore, missing


class LyingStore:
    """``inner`` as a store that can't be trusted. Without a lie told to it, it behaves."""

    def __init__(self, inner: BlockStore) -> None:
        self.inner = inner
        self.puts = 0
        self.gets = 0
        self._lost: set[CID] = set()
        self._altered: set[CID] = set()
        self._withheld: set[CID] = set()
        self._swapped: dict[CID, CID] = {}
        self._failure: StorageError | None = None
        self._drops = False

    @property
    def place(self) -> str:
        return f"lying {self.inner.place}"

    def lose(self, *cids: CID) -> None:
        """It has them no longer, and says so."""
        self._lost.update(cids)

    def alter(self, *cids: CID) -> None:
        """It gives them with one bit turned."""
        self._altered.update(cids)

    def swap(self, one: CID, other: CID) -> None:
        """It gives each in the place of the other."""
        self._swapped |= {one: other, other: one}

    def withhold(self, *cids: CID) -> None:
        """It says that it has them, and does not give them."""
        self._withheld.update(cids)

    def drop_puts(self) -> None:
        """From now on it takes blocks, reports success, and keeps nothing."""
        self._drops = True

    def fail(self, error: StorageError | None) -> None:
        """From now on every call raises ``error``; None ends that."""
        self._failure = error

    def behave(self) -> None:
        """Take all lies back; what was put while it dropped stays lost."""
        for lies in (self._lost, self._altered, self._withheld, self._swapped):
            lies.clear()
        self._failure, self._drops = None, False

    def put_many(self, blocks: Iterable[Block]) -> None:
        self._may_fail()
        for cid, block in blocks:
            self.puts += 1
            if not self._drops:
                self.inner.put_many([(cid, block)])
                self._lost.discard(cid)
                self._altered.discard(cid)

    def get_many(self, cids: Iterable[CID]) -> Iterator[Block]:
        self._may_fail()
        for cid in dict.fromkeys(cids):
            self.gets += 1
            if cid in self._lost | self._withheld:
                raise missing(self.place, cid)
            [(_, block)] = self.inner.get_many([self._swapped.get(cid, cid)])
            if cid in self._altered:
                block = block[:-1] + bytes([block[-1] ^ 1])
            yield cid, block

    def has_many(self, cids: Iterable[CID]) -> set[CID]:
        self._may_fail()
        return self.inner.has_many(cids) - self._lost

    def delete(self, cids: Iterable[CID]) -> None:
        self._may_fail()
        self.inner.delete(cids)

    def iter(self) -> Iterator[CID]:
        self._may_fail()
        return (cid for cid in self.inner.iter() if cid not in self._lost)

    def _may_fail(self) -> None:
        if self._failure is not None:
            raise self._failure
