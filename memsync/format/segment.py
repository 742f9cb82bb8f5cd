"""Segments: many records of one epoch in one block, and back (``docs/format.md`` §4).

In come records in the order in which they shall stand; out come sealed segments, each as full as 256 KiB allow, with what the catalog and
the witness need of them. A reader takes a block and the catalog's row for it and gives the records, or refuses the whole. A rewrite
leaves records out, never adds, and keeps the witness leaves of what it left out. Nothing here decides what is merged or forgotten.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, TypeAlias

from memsync.crypto.epochs import ContentKey
from memsync.crypto.randomness import Random, system_random
from memsync.crypto.sealing import MAX_PLAINTEXT, Kind, aad, open_block, seal_block
from memsync.errors import FormatError, InputError
from memsync.format.block import Block, Ref, check_digest
from memsync.format.catalog_node import Epoch, Order, SegmentRow
from memsync.format.fields import as_bytes, as_list, as_uint, check_version
from memsync.format.records import EncodedRecord, Record
from memsync.format.stream import MAX_INFLATED, StreamWriter, inflate, read_stream
from memsync.ipld.dagcbor import MAX_ITEMS, Value, decode, encode

Dropped: TypeAlias = tuple[int, bytes]
"""(batch, witness leaf) of a record that a rewrite left out."""

_WHAT: Final = "segment"
_GROWTH: Final = 4
"""Bytes kept free for each record, since a rewrite puts its batch, up to 4 bytes longer, in the place of 0."""
_FULL: Final = 6144
"""A segment with less room than this is full: closer packing costs a flush for each record."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What a segment holds: records in order, and the dropped, sorted."""

    records: tuple[Record, ...]
    dropped: tuple[Dropped, ...] = ()


@dataclass(frozen=True, slots=True)
class Contents:
    """What a segment was sealed from, so that who sealed it knows it again without reading its records: its row in the catalog, the
    SHA-256 of its one stream, inflated, and of each record the memory's id and version, 32 bytes together."""

    row: SegmentRow
    inflated: bytes
    packed: bytes = field(repr=False)

    def identities(self) -> Iterator[tuple[bytes, bytes]]:
        """Id and version of each, in order."""
        for at in range(0, len(self.packed), 32):
            yield self.packed[at : at + 16], self.packed[at + 16 : at + 32]


@dataclass(frozen=True, slots=True)
class SealedSegment:
    """A new segment: its block and ref, what its row says, the witness leaves of the records that are new with it, and, where all are
    memories of the owner's and none was dropped, digest and identities for its :class:`Contents`."""

    block: Block
    ref: Ref
    epoch: Epoch
    count: int
    earliest: int
    latest: int
    leaves: tuple[bytes, ...]
    inflated: bytes | None = None
    packed: bytes = field(default=b"", repr=False)

    def row(self, order: Order) -> SegmentRow:
        """Its row in the catalog, at ``order``."""
        return SegmentRow(order, self.ref, self.epoch, self.count, self.earliest, self.latest)

    def contents(self, order: Order) -> Contents | None:
        """How it is known again where it stands at ``order``; None for one whose records must be read."""
        return None if self.inflated is None else Contents(self.row(order), self.inflated, self.packed)


def build_segments(
    records: Iterable[Record | EncodedRecord],
    *,
    key: ContentKey,
    vault: bytes,
    scope: bytes,
    dropped: Iterable[Dropped] = (),
    random: Random = system_random,
) -> Iterator[SealedSegment]:
    """Seal ``records`` of the epoch of ``key`` in segments as full as can be, in order; the first carries ``dropped``.

    ``InputError`` when one (id, version) stands twice in a segment; ``InvalidMemory`` for a memory above 192 KiB.
    """
    filling = _Filling(dropped)
    for record in records:
        encoded = EncodedRecord.of(record) if isinstance(record, Record) else record
        if not filling.has_room(encoded):
            yield filling.seal(key, vault, scope, random)
            filling = _Filling()
        filling.add(encoded)
    if not filling.is_empty():
        yield filling.seal(key, vault, scope, random)


def carry(
    old: Iterable[tuple[SegmentRow, Segment]], drop: Callable[[Record], bool]
) -> tuple[list[Record], list[Dropped]]:
    """The records that a rewrite of ``old`` keeps and the leaves of all that it leaves out; a batch of 0 becomes the row's sequence."""
    kept: list[Record] = []
    dropped: set[Dropped] = set()
    for row, segment in old:
        dropped.update(segment.dropped)
        for record in segment.records:
            batch = record.batch or row.order[0]
            if drop(record):
                dropped.add((batch, record.leaf()))
            else:
                kept.append(dataclasses.replace(record, batch=batch))
    return kept, sorted(dropped)


def rewrite_segment(
    old: Sequence[tuple[SegmentRow, Segment]],
    *,
    drop: Callable[[Record], bool],
    key: ContentKey,
    vault: bytes,
    scope: bytes,
    random: Random = system_random,
) -> tuple[Block, SegmentRow]:
    """One segment in the place of ``old`` ones, of one epoch, without the records to ``drop``; its row has the order of the newest.

    ``InputError`` when what is left does not fit in one segment; of a single old one it does.
    """
    if {row.epoch for row, _ in old} != {Epoch.of(key)}:
        raise InputError("a rewrite keeps the epoch, and segments of two epochs are never merged")
    records, dropped = carry(old, drop)
    filling = _Filling(dropped)
    for record in records:
        filling.add(EncodedRecord.of(record))
    sealed = filling.seal(key, vault, scope, random)
    return sealed.block, sealed.row(max(row.order for row, _ in old))


def open_segment(data: bytes, row: SegmentRow, *, key: ContentKey, vault: bytes, scope: bytes) -> Segment:
    """The segment in a block, which must be the one that ``row`` names, with its count and time range.

    ``FormatError("segment", …)`` else: ``hash``, ``key``, ``tag`` … of the block, and those of :func:`read_segment`.
    """
    segment = read_segment(_open(data, row, key, vault, scope))
    times = [record.memory.when for record in segment.records]
    if len(times) != row.count:
        raise FormatError(_WHAT, "count", f"{len(times)} records where its row says {row.count}")
    if (min(times, default=0), max(times, default=0)) != (row.earliest, row.latest):
        raise FormatError(_WHAT, "value", "the time range of its records is not its row's")
    return segment


def check_contents(data: bytes, contents: Contents, *, key: ContentKey, vault: bytes, scope: bytes) -> None:
    """Refuse a block that does not open, as for any reader, to the very bytes that it was sealed from.

    ``FormatError("segment", …)``: those of the block and of what it inflates to, ``value`` for other bytes.
    """
    streams, dropped = _read_outline(_open(data, contents.row, key, vault, scope))
    if dropped or [hashlib.sha256(inflate(*stream)).digest() for stream in streams] != [contents.inflated]:
        raise FormatError(_WHAT, "value", "it holds something else than was sealed")


def read_segment(plaintext: bytes) -> Segment:
    """The segment in a plaintext.

    ``FormatError("segment", …)``: faults of DAG-CBOR and of records; ``inflate`` (more than 4 MiB, or not as declared), ``duplicate``,
    ``order``, ``count`` (nothing in it), ``value`` (two authors in one stream).
    """
    streams, dropped = _read_outline(plaintext)
    records = [record for length, data in streams for record in read_stream(length, data)]
    leaves = [_read_dropped(value) for value in dropped]
    for left, right in pairwise(leaves):
        if left >= right:
            raise FormatError(
                _WHAT, "duplicate" if left == right else "order", "dropped is sorted and unique"
            )
    if not records and not leaves:
        raise FormatError(_WHAT, "count", "a segment without records and dropped leaves")
    if len({(record.memory.id, record.memory.version) for record in records}) < len(records):
        raise FormatError(_WHAT, "duplicate", "a version of a memory stands twice")
    return Segment(tuple(records), tuple(leaves))


def _open(data: bytes, row: SegmentRow, key: ContentKey, vault: bytes, scope: bytes) -> bytes:
    """The plaintext of the block that ``row`` names."""
    check_digest(data, row.ref.digest, what=_WHAT)
    if Epoch.of(key) != row.epoch:
        raise InputError("a segment is opened with the content key of its epoch")
    place = aad(vault, scope, key.id, Kind.SEGMENT, row.ref.object_id)
    return open_block(key.secret, place, data, what=_WHAT)


def _read_outline(plaintext: bytes) -> tuple[list[tuple[int, bytes]], list[Value]]:
    """The streams of a segment, each with the length that it says it inflates to, within bounds, and what it says was dropped."""
    fields = as_list(decode(plaintext, what=_WHAT), what=_WHAT, name="a segment")
    check_version(fields[0] if fields else None, what=_WHAT)
    _, values, dropped = as_list(fields, 3, what=_WHAT, name="a segment")
    streams: list[tuple[int, bytes]] = []
    for value in as_list(values, what=_WHAT, name="streams"):
        length, data = as_list(value, 2, what=_WHAT, name="a stream")
        streams.append(
            (as_uint(length, 32, what=_WHAT, name="length"), as_bytes(data, what=_WHAT, name="stream"))
        )
    if sum(length for length, _ in streams) > MAX_INFLATED:
        raise FormatError(_WHAT, "inflate", f"streams inflate to more than {MAX_INFLATED} bytes")
    return streams, as_list(dropped, what=_WHAT, name="dropped")


def _read_dropped(value: Value) -> Dropped:
    batch, leaf = as_list(value, 2, what=_WHAT, name="a dropped leaf")
    if (number := as_uint(batch, 32, what=_WHAT, name="batch")) == 0:
        raise FormatError(_WHAT, "value", "a dropped leaf names the batch it was of")
    return number, as_bytes(leaf, 32, what=_WHAT, name="leaf")


class _Filling:
    """A segment being filled: a stream for each author, and a bound on its size that is made exact when it gets tight."""

    def __init__(self, dropped: Iterable[Dropped] = ()) -> None:
        self._dropped = sorted(set(dropped))
        self._streams: dict[bytes | None, StreamWriter] = {}
        self._identities: set[tuple[bytes, bytes]] = set()
        self._times: list[int] = []
        self._leaves: list[bytes] = []
        self._packed = bytearray()
        self._known_again = not self._dropped
        self._base = len(encode([1, [], self._dropped])) + 4
        self._inflated = 0
        self._size = self._base

    def is_empty(self) -> bool:
        return not self._times and not self._dropped

    def has_room(self, record: EncodedRecord) -> bool:
        """Whether the record fits; always when there is nothing yet."""
        if self.is_empty():
            return True
        data, items = record.data, record.items
        stream = self._streams.get(record.author)
        if (
            self._inflated + len(data) + 16 > MAX_INFLATED
            or items + (stream.items if stream else 1) > MAX_ITEMS
        ):
            return False
        if self._bound(stream, len(data)) <= MAX_PLAINTEXT:
            return True
        self._measure()
        if self._bound(stream, len(data)) <= MAX_PLAINTEXT:
            return True
        left = MAX_PLAINTEXT - self._size
        if left < _FULL:
            return False
        before, stream = (stream.size(), stream) if stream else (0, StreamWriter())
        return stream.size_with(data) + _GROWTH - before <= left

    def add(self, record: EncodedRecord) -> None:
        data = record.data
        if record.identity in self._identities:
            raise InputError("one version of a memory is given twice")
        if (stream := self._streams.get(record.author)) is None:
            stream = self._streams[record.author] = StreamWriter()
            before = 0
        else:
            before = stream.size()
        stream.add(data, record.items)
        self._size += stream.size() - before + _GROWTH
        self._inflated += len(data) + _GROWTH + (0 if before else 9)
        self._identities.add(record.identity)
        self._packed += b"".join(record.identity)
        self._known_again &= record.is_memory and record.author is None
        self._times.append(record.when)
        if record.is_new:
            self._leaves.append(record.leaf)

    def seal(self, key: ContentKey, vault: bytes, scope: bytes, random: Random) -> SealedSegment:
        streams = [stream.finish() for stream in self._streams.values()]
        if self._inflated > MAX_INFLATED and sum(length for length, _ in streams) > MAX_INFLATED:
            raise InputError(f"records of more than {MAX_INFLATED} bytes are more than a segment holds")
        if any(stream.items > MAX_ITEMS for stream in self._streams.values()):
            raise InputError(f"records of more than {MAX_ITEMS} items are more than a stream holds")
        object_id = random(16)
        place = aad(vault, scope, key.id, Kind.SEGMENT, object_id)
        block = Block.of(seal_block(key.secret, place, encode([1, streams, self._dropped]), random=random))
        return SealedSegment(
            block,
            Ref(object_id, block.digest),
            Epoch.of(key),
            len(self._times),
            min(self._times, default=0),
            max(self._times, default=0),
            tuple(self._leaves),
            *self._how_known_again(),
        )

    def _how_known_again(self) -> tuple[bytes | None, bytes]:
        if not self._known_again:
            return None, b""
        (stream,) = self._streams.values()
        return stream.digest, bytes(self._packed)

    def _bound(self, stream: StreamWriter | None, more: int) -> int:
        before, stream = (stream.size(), stream) if stream else (0, StreamWriter())
        return self._size + stream.size(more) + _GROWTH - before

    def _measure(self) -> None:
        self._size = self._base + _GROWTH * len(self._times)
        for stream in self._streams.values():
            stream.measure()
            self._size += stream.size()
