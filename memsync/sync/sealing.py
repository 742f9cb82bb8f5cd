"""A scope's new segments and catalog: what a push writes below the root.

In come memories and tombstones, the scope's present catalog and keys; out come blocks, the new catalog and the witness leaves of what is
new. Forgotten versions are left out of the segments that still have them; the newest segment is sealed again together with the new
records while both fit in 4 KiB, and small segments at the right edge become one once they are 32 KiB together, so that small pushes don't
leave a trail of small segments. Nothing is stored here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from memsync.crypto.epochs import ContentKey
from memsync.crypto.randomness import Random
from memsync.errors import FormatError
from memsync.format.block import Block
from memsync.format.catalog import Catalog, children
from memsync.format.catalog_edit import edit_catalog
from memsync.format.catalog_node import ANYWHERE, LEAF, CatalogRoot, Order, Row, SegmentRow, tally
from memsync.format.records import EncodedRecord
from memsync.format.segment import (
    Contents,
    SealedSegment,
    build_segments,
    carry,
    open_segment,
    rewrite_segment,
)

SMALL = 4096
MERGED = 32_768
"""Bytes from which segments of one epoch are merged, and which their merged one has at most: a push of one memory stays below 64 KiB, and
a record is rewritten once."""
Forgotten = Mapping[bytes, Collection[tuple[bytes, bytes]]]
"""By digest of a segment: id and version of what it must no longer have."""


@dataclass(frozen=True, slots=True)
class SealedScope:
    """The scope's new catalog, how many records it has in all, the new blocks, the witness leaves of the new records, and how its new
    segments are known again."""

    catalog: CatalogRoot | None
    count: int
    blocks: tuple[Block, ...] = ()
    leaves: tuple[bytes, ...] = ()
    contents: tuple[Contents, ...] = ()


@dataclass(slots=True)
class _Change:
    """One change of a catalog while it is made."""

    catalog: Catalog
    blocks: dict[bytes, Block] = field(default_factory=dict)
    replace: dict[Order, SegmentRow | None] = field(default_factory=dict)

    def fetch(self, digest: bytes) -> bytes:
        made = self.blocks.get(digest)
        return self.catalog.fetch(digest) if made is None else made.data


def seal_scope(
    catalog: Catalog,
    root: CatalogRoot | None,
    records: Sequence[bytes],
    *,
    key: ContentKey,
    sequence: int,
    index: int = 0,
    forgotten: Forgotten,
    random: Random,
) -> SealedScope:
    """Seal ``records``, memories and tombstones in bytes, under ``key``, the scope's current content key, for the root of ``sequence``;
    segments take ``index`` and on.

    ``catalog`` must have the content keys of every epoch. Raises ``BlockMissing`` and ``FormatError`` for what must be read.
    """
    salts = [random(16) for _ in records]
    change = _Change(catalog)
    if forgotten and root is not None:
        _leave_out(change, root, forgotten, random)
    sealed: list[SealedSegment] = []
    if records:
        sealed = _with_newest(change, root, records, salts, key, random)
        if not sealed:
            sealed = list(
                build_segments(
                    _made(records, salts), key=key, vault=catalog.vault, scope=catalog.scope, random=random
                )
            )
            _merge_tail(change, root, key, random)
    if not sealed and not change.replace:
        return SealedScope(root, count_records(catalog, root))
    orders = [(sequence, index + place) for place in range(len(sealed))]
    rows = [segment.row(order) for segment, order in zip(sealed, orders, strict=True)]
    contents = [segment.contents(order) for segment, order in zip(sealed, orders, strict=True)]
    edited = edit_catalog(
        Catalog(catalog.vault, catalog.scope, catalog.keys, change.fetch),
        root,
        replace=change.replace,
        append=rows,
        random=random,
    )
    blocks = {
        block.digest: block for block in (*change.blocks.values(), *edited.blocks, *(s.block for s in sealed))
    }
    after = Catalog(catalog.vault, catalog.scope, catalog.keys, _first_in(blocks, catalog.fetch))
    return SealedScope(
        edited.root,
        count_records(after, edited.root),
        tuple(blocks.values()),
        tuple(leaf for segment in sealed for leaf in segment.leaves),
        tuple(one for one in contents if one is not None),
    )


def count_records(catalog: Catalog, root: CatalogRoot | None) -> int:
    """How many records the catalog has."""
    if root is None or (top := catalog.open_top(root)) is None:
        return 0
    return tally(top.rows)[0]


def last_segment(catalog: Catalog, root: CatalogRoot) -> SegmentRow | None:
    """The newest segment; None if its epoch has no key here."""
    rows = last_leaf(catalog, root)
    return rows[-1] if rows and isinstance(rows[-1], SegmentRow) else None


def last_leaf(catalog: Catalog, root: CatalogRoot) -> tuple[Row, ...]:
    """The rows of the rightmost leaf; none if its epoch has no key here."""
    node, bounds = catalog.open_top(root), ANYWHERE
    while node is not None and node.level > LEAF:
        child, bounds = list(children(node, bounds))[-1]
        node = catalog.open(child.ref, child.epoch, bounds)
    return () if node is None else node.rows


def _leave_out(change: _Change, root: CatalogRoot, forgotten: Forgotten, random: Random) -> None:
    """Rewrite each segment that still has what was forgotten; each keeps its epoch and its place."""
    catalog = change.catalog
    for row in catalog.rows(root):
        if not isinstance(row, SegmentRow) or row.ref.digest not in forgotten:
            continue
        gone = forgotten[row.ref.digest]
        key = catalog.keys[row.epoch.id]
        segment = open_segment(
            catalog.fetch(row.ref.digest), row, key=key, vault=catalog.vault, scope=catalog.scope
        )
        block, other = rewrite_segment(
            [(row, segment)],
            drop=lambda record, gone=gone: (record.memory.id, record.memory.version) in gone,  # type: ignore[misc]
            key=key,
            vault=catalog.vault,
            scope=catalog.scope,
            random=random,
        )
        change.blocks[block.digest] = block
        change.replace[row.order] = other


def _with_newest(
    change: _Change,
    root: CatalogRoot | None,
    records: Sequence[bytes],
    salts: Sequence[bytes],
    key: ContentKey,
    random: Random,
) -> list[SealedSegment]:
    """The newest segment and the new records as one small segment; none if it is of another epoch or they don't fit in 4 KiB."""
    catalog = change.catalog
    if root is None or sum(map(len, records)) > 4 * SMALL:
        return []
    last = last_segment(catalog, root)
    if last is None or last.epoch.id != key.id:
        return []
    last = change.replace.get(last.order, last)
    if last is None or len(data := change.fetch(last.ref.digest)) != SMALL:
        return []
    segment = open_segment(data, last, key=key, vault=catalog.vault, scope=catalog.scope)
    kept, dropped = carry([(last, segment)], lambda _: False)
    both = list(
        build_segments(
            [*kept, *_made(records, salts)],
            key=key,
            vault=catalog.vault,
            scope=catalog.scope,
            dropped=dropped,
            random=random,
        )
    )
    if len(both) != 1 or len(both[0].block.data) != SMALL:
        return []
    change.blocks.pop(last.ref.digest, None)
    change.replace[last.order] = None
    return both


def _merge_tail(change: _Change, root: CatalogRoot | None, key: ContentKey, random: Random) -> None:
    """Merge the small segments at the right edge of the present epoch, in the last leaf, once they have ``MERGED`` bytes together.

    What would not fit in as many is left as it is, the oldest first. The merged one stands where the newest of them stood.
    """
    catalog = change.catalog
    run: list[tuple[SegmentRow, bytes]] = []
    for row in reversed(() if root is None else last_leaf(catalog, root)):
        if not isinstance(row, SegmentRow) or row.epoch.id != key.id:
            break
        now = change.replace.get(row.order, row)
        if now is None:
            continue
        data = change.fetch(now.ref.digest)
        if len(data) >= MERGED or sum(len(small) for _, small in run) >= MERGED:
            break
        run.insert(0, (now, data))
    if sum(len(small) for _, small in run) < MERGED:
        return
    old = [
        (row, open_segment(data, row, key=key, vault=catalog.vault, scope=catalog.scope)) for row, data in run
    ]
    for first in range(len(old) - 1):
        block, merged = rewrite_segment(
            old[first:],
            drop=lambda _: False,
            key=key,
            vault=catalog.vault,
            scope=catalog.scope,
            random=random,
        )
        if len(block.data) <= MERGED:
            for row, _ in old[first:]:
                change.blocks.pop(row.ref.digest, None)
                change.replace[row.order] = None
            change.blocks[block.digest] = block
            change.replace[merged.order] = merged
            return


def _made(records: Sequence[bytes], salts: Sequence[bytes]) -> Iterator[EncodedRecord]:
    """The records one after the other: a first push may have a million, and none is needed for long."""
    for salt, record in zip(salts, records, strict=True):
        yield EncodedRecord.of_new(salt, record, what="journal")


def _first_in(blocks: Mapping[bytes, Block], fetch: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def look(digest: bytes) -> bytes:
        return blocks[digest].data if digest in blocks else fetch(digest)

    return look


def need_key(keys: Mapping[bytes, ContentKey], epoch_id: bytes) -> ContentKey:
    """The content key of an epoch; ``FormatError("catalog", "key")`` if the lockbox has lost it."""
    key = keys.get(epoch_id)
    if key is None:
        raise FormatError("catalog", "key", f"no key of epoch {epoch_id.hex()[:8]} is left in the lockbox")
    return key
