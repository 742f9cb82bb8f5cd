"""Copying what one store lacks from another: a store that is new, or that lost something.

In go the names of blocks and two stores, out comes how many were copied, how many were there, and which the source does not have either.
Blocks go through in batches, each compared with its name on the way; none is deleted, and what was copied before an error stays copied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from memsync.errors import BlockMissing, FormatError
from memsync.ipld.cid import CID
from memsync.store.port import Block, BlockStore, checked

BATCH: Final = 256

Progress = Callable[[int, int], None]
"""Called with how many blocks are dealt with, and how many there are in all."""


@dataclass(frozen=True, slots=True)
class Copied:
    """How many blocks were copied, how many were there before, and those for which the source has no good copy."""

    copied: int
    present: int
    missing: tuple[CID, ...]


def copy_missing(
    cids: Iterable[CID],
    source: BlockStore,
    target: BlockStore,
    *,
    deep: bool = False,
    progress: Progress | None = None,
) -> Copied:
    """Put into ``target`` those of ``cids`` that it does not have.

    ``deep`` reads the blocks that it says it has, and copies one again whose bytes went bad. ``StorageError`` when either can't be read or
    written, which leaves the blocks copied so far.
    """
    good_source, good_target = checked(source), checked(target)
    asked = list(dict.fromkeys(cids))
    copied = present = 0
    missing: list[CID] = []
    for start in range(0, len(asked), BATCH):
        batch = asked[start : start + BATCH]
        held = good_target.has_many(batch)
        if deep:
            held = {cid for cid, _ in readable(good_target, [cid for cid in batch if cid in held])}
        lacking = [cid for cid in batch if cid not in held]
        blocks = list(readable(good_source, lacking))
        good_target.put_many(blocks)
        present += len(held)
        copied += len(blocks)
        found = {cid for cid, _ in blocks}
        missing += [cid for cid in lacking if cid not in found]
        if progress:
            progress(start + len(batch), len(asked))
    return Copied(copied, present, tuple(missing))


def readable(store: BlockStore, cids: list[CID]) -> Iterator[Block]:
    """Those of ``cids`` of which ``store`` has a good copy."""
    at = 0
    while at < len(cids):
        try:
            for cid, block in store.get_many(cids[at:]):
                at += 1
                yield cid, block
        except (BlockMissing, FormatError):
            at += 1
