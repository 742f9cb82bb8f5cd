"""The port to wherever blocks live, and the boundary at which every block is checked against its name.

A ``BlockStore`` keeps blocks under their CIDs. ``Place`` is the base of every store here: an adapter says how bytes are fetched, kept,
looked for and removed, and ``Place`` compares each block with its CID on the way in and on the way out. ``checked`` puts the same
boundary around a store that somebody else wrote. A place never sees plaintext, and errors never hold its credentials.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Protocol, runtime_checkable

from memsync.errors import BlockMissing, FormatError, InputError
from memsync.ipld.cid import CID
from memsync.store.faults import named

Block = tuple[CID, bytes]


@runtime_checkable
class BlockStore(Protocol):
    """Blocks under their CIDs.

    Every method raises ``StorageError`` when the place can't be read or written.
    """

    @property
    def place(self) -> str:
        """Which store this is, for a person: ``"directory /home/ada/blocks"``. Never credentials."""
        ...

    def put_many(self, blocks: Iterable[Block]) -> None:
        """Keep these blocks. They survive a power cut once this returns; before, any part of them may be kept."""
        ...

    def get_many(self, cids: Iterable[CID]) -> Iterator[Block]:
        """These blocks in the order asked for, each different one once.

        ``BlockMissing`` for a block that is not there, ``FormatError("block", "hash")`` for bytes that are not the block; what was
        yielded before is good.
        """
        ...

    def has_many(self, cids: Iterable[CID]) -> set[CID]:
        """Those of ``cids`` that are kept. Only the names are looked at."""
        ...

    def delete(self, cids: Iterable[CID]) -> None:
        """Keep these no longer. One that is not there is no error."""
        ...

    def iter(self) -> Iterator[CID]:
        """Every CID that is kept, in no order."""
        ...


class Place(ABC):
    """The base of the stores here: fetched bytes pass one check, whatever the adapter does."""

    @property
    @abstractmethod
    def place(self) -> str: ...

    @abstractmethod
    def has_many(self, cids: Iterable[CID]) -> set[CID]: ...

    @abstractmethod
    def delete(self, cids: Iterable[CID]) -> None: ...

    @abstractmethod
    def iter(self) -> Iterator[CID]: ...

    @abstractmethod
    def _keep(self, blocks: Iterator[Block]) -> None:
        """Keep these blocks, durably when it returns."""

    @abstractmethod
    def _fetch(self, cids: list[CID]) -> Iterator[bytes | None]:
        """The bytes kept under each of these different CIDs, in this order, unchecked; None for one that is not there."""

    def size_many(self, cids: Iterable[CID]) -> dict[CID, int]:
        """How many bytes each of ``cids`` that is kept has. Here they are read; a place that can tell without says so itself."""
        held = list(self.has_many(cids))
        return {
            cid: len(block) for cid, block in zip(held, self._fetch(held), strict=True) if block is not None
        }

    def put_many(self, blocks: Iterable[Block]) -> None:
        self._keep(_true(blocks))

    def get_many(self, cids: Iterable[CID]) -> Iterator[Block]:
        asked = list(dict.fromkeys(cids))
        for cid, block in zip(asked, self._fetch(asked), strict=True):
            if block is None:
                raise missing(self.place, cid)
            if CID.of(block, cid.codec) != cid:
                raise altered(self.place, cid)
            yield cid, block


def _true(blocks: Iterable[Block]) -> Iterator[Block]:
    for cid, block in blocks:
        if CID.of(block, cid.codec) != cid:
            raise InputError(f"these {len(block)} bytes are not block {cid}")
        yield cid, block


def missing(place: str, cid: CID) -> BlockMissing:
    """The error for a block that a place does not have."""
    return BlockMissing(
        f"block {cid} is not in {place}; ask another store of this vault, or put it there again from one"
    )


def altered(place: str, cid: CID) -> FormatError:
    """The error for bytes that are not the block under whose name they were kept."""
    return FormatError(
        "block", "hash", f"{place} keeps other bytes under {cid}; get it from another store of this vault"
    )


def get_block(store: BlockStore, cid: CID) -> bytes:
    """One block, checked; raises as ``get_many`` does."""
    for _, block in checked(store).get_many((cid,)):
        return block
    raise missing(store.place, cid)


def checked(store: BlockStore) -> Place:
    """The same store with the boundary around it; a ``Place`` has it already."""
    return store if isinstance(store, Place) else _Checked(store)


class _Checked(Place):
    """A store that somebody else wrote, whose answers are put in order and compared with what was asked for."""

    def __init__(self, store: BlockStore) -> None:
        self._store = store

    @property
    def place(self) -> str:
        return self._store.place

    def has_many(self, cids: Iterable[CID]) -> set[CID]:
        asked = set(cids)
        with named(self.place, "read"):
            return self._store.has_many(asked) & asked

    def delete(self, cids: Iterable[CID]) -> None:
        with named(self.place, "written"):
            self._store.delete(cids)

    def iter(self) -> Iterator[CID]:
        with named(self.place, "read"):
            yield from self._store.iter()

    def _keep(self, blocks: Iterator[Block]) -> None:
        with named(self.place, "written"):
            self._store.put_many(blocks)

    def _fetch(self, cids: list[CID]) -> Iterator[bytes | None]:
        with named(self.place, "read"):
            answers = iter(self._store.get_many(cids))
        for cid in cids:
            with named(self.place, "read"):
                answer = next(answers, None)
            if answer is None:
                yield None
            elif answer[0] != cid:
                raise altered(self.place, cid)
            else:
                yield answer[1]
