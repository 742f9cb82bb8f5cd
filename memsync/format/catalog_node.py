"""One node of a catalog: rows of segments in a leaf, rows of children above (``docs/format.md`` §5).

In comes a list of rows; out goes one sealed block of at most 16 KiB, and back. A reader checks all that a node can show against the row
that points to it, and the rows against each other; what lies below or beside it is ``catalog``'s. Nothing here fetches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

from memsync.crypto.epochs import ContentKey
from memsync.crypto.randomness import Random
from memsync.crypto.sealing import OVERHEAD, Kind, aad, open_block, seal_block
from memsync.errors import FormatError, InputError
from memsync.format.block import Block, Ref, check_digest
from memsync.format.fields import as_bytes, as_list, as_ms, as_uint, check_version
from memsync.format.proofread import proofread
from memsync.ipld.dagcbor import Value, decode, encode

NODE_SIZE: Final = 16384
"""Bytes that a sealed node may have."""
NODE_ROOM: Final = NODE_SIZE - OVERHEAD
LEAF: Final = 0
MAX_LEVEL: Final = 255

Order: TypeAlias = tuple[int, int]
"""(sequence of the root that attached a segment, index in that push)."""
Keys: TypeAlias = Mapping[bytes, ContentKey]
"""Content keys by epoch id."""

_WHAT: Final = "catalog"


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch by number (u32) and id (16 bytes)."""

    number: int
    id: bytes

    @classmethod
    def of(cls, key: ContentKey) -> Epoch:
        """The epoch of a content key."""
        return cls(key.number, key.id)


@dataclass(frozen=True, slots=True)
class CatalogRoot:
    """Where a scope's catalog begins: its top node and the epoch under whose content key that is sealed."""

    ref: Ref
    epoch: Epoch

    def to_value(self) -> list[bytes | int]:
        """``[object id, digest, epoch number, epoch id]``, as it stands in a root's entry."""
        return [self.ref.object_id, self.ref.digest, self.epoch.number, self.epoch.id]

    @classmethod
    def from_value(cls, value: Value, *, what: str) -> CatalogRoot:
        """Read such a list; ``FormatError(what, …)`` for anything else."""
        object_id, digest, number, epoch_id = as_list(value, 4, what=what, name="catalog")
        return cls(
            Ref.from_value([object_id, digest], what=what, name="catalog"),
            Epoch(
                as_uint(number, 32, what=what, name="epoch number"),
                as_bytes(epoch_id, 16, what=what, name="epoch id"),
            ),
        )


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A segment in the catalog: its place, where it is, and the count and time range (ms, inclusive) of its records.

    Without records, when all were dropped, ``earliest`` and ``latest`` are 0.
    """

    order: Order
    ref: Ref
    epoch: Epoch
    count: int
    earliest: int
    latest: int


@dataclass(frozen=True, slots=True)
class ChildRow:
    """A node below: ``order`` of the first segment under it, ``epoch`` the newest there, count and time range of all."""

    order: Order
    ref: Ref
    epoch: Epoch
    count: int
    earliest: int
    latest: int


Row: TypeAlias = SegmentRow | ChildRow


@dataclass(frozen=True, slots=True)
class Node:
    """A node's ``level`` (0: a leaf) and rows: ``SegmentRow`` in a leaf, ``ChildRow`` above."""

    level: int
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a node's place in the tree asks of it: the ``row`` that points to it and its ``level`` (both None for the top node), the
    ``floor`` epoch of the rows before it, and the order ``until`` which its rows lie."""

    row: ChildRow | None = None
    level: int | None = None
    floor: Epoch | None = None
    until: Order | None = None


ANYWHERE: Final = Bounds()
"""Where the top node stands."""


def tally(rows: Sequence[Row]) -> tuple[int, int, int]:
    """(count, earliest, latest) over ``rows``; rows without records don't touch the range."""
    full = [row for row in rows if row.count]
    if not full:
        return 0, 0, 0
    return sum(row.count for row in full), min(row.earliest for row in full), max(row.latest for row in full)


def row_size(row: Row) -> int:
    """Bytes that a row takes in its node."""
    numbers = (*row.order, row.count, row.earliest, row.latest)
    size = 1 + 17 + 34 + sum(map(_number_size, numbers))
    return size + _number_size(row.epoch.number) + 17 if isinstance(row, ChildRow) else size


def room_of(level: int) -> int:
    """Bytes that the rows of a node at ``level`` may have together, encoded."""
    return NODE_ROOM - (len("\x85\x01\x00") + 5 + 17 + 3 if level == LEAF else len("\x83\x01") + 2 + 3)


def seal_node(
    node: Node, *, key: ContentKey, vault: bytes, scope: bytes, random: Random
) -> tuple[Block, ChildRow]:
    """Seal a node under the content key of its newest epoch; the row is what its parent holds.

    ``InputError`` for rows that a reader would refuse.
    """
    epoch = Epoch.of(key)
    if not node.rows or node.rows[-1].epoch != epoch:
        raise InputError("a node is sealed under the content key of the newest epoch among its rows")
    plaintext = encode_node(node)
    if len(plaintext) > NODE_ROOM:
        raise InputError(f"{len(node.rows)} rows are more than a node holds")
    proofread(lambda: _check_rows(read_node(plaintext)))
    object_id = random(16)
    place = aad(vault, scope, epoch.id, Kind.CATALOG, object_id)
    block = Block.of(seal_block(key.secret, place, plaintext, random=random))
    return block, ChildRow(node.rows[0].order, Ref(object_id, block.digest), epoch, *tally(node.rows))


def open_node(
    data: bytes, ref: Ref, *, key: ContentKey, vault: bytes, scope: bytes, epoch: Epoch, bounds: Bounds
) -> Node:
    """Open, read and check the node that ``ref`` names; ``FormatError("catalog", …)`` for any rule it breaks.

    Faults: ``hash``, ``size``, ``key``, ``tag`` … of the block; ``version``, ``type``, ``length``, ``value``; ``depth`` (level),
    ``count`` (no rows, or a count that differs from its row), ``order``, ``duplicate``.
    """
    check_digest(data, ref.digest, what=_WHAT)
    if len(data) > NODE_SIZE:
        raise FormatError(_WHAT, "size", f"a node has {len(data)} bytes; at most {NODE_SIZE} are allowed")
    if key.number != epoch.number or key.id != epoch.id:
        raise FormatError(_WHAT, "value", "the epoch's number is not that of its key")
    plaintext = open_block(
        key.secret, aad(vault, scope, epoch.id, Kind.CATALOG, ref.object_id), data, what=_WHAT
    )
    node = read_node(plaintext)
    _check_rows(node)
    _check_place(node, epoch, bounds)
    return node


def encode_node(node: Node) -> bytes:
    """The plaintext of a node."""
    if node.level == LEAF:
        epoch = node.rows[0].epoch
        return encode([1, LEAF, epoch.number, epoch.id, [_row_value(row) for row in node.rows]])
    return encode([1, node.level, [_row_value(row) for row in node.rows]])


def read_node(plaintext: bytes) -> Node:
    """The node in a plaintext, its fields typed and in range; what they say is not yet checked."""
    fields = as_list(decode(plaintext, what=_WHAT), what=_WHAT, name="a node")
    check_version(fields[0] if fields else None, what=_WHAT)
    level = as_uint(fields[1] if len(fields) > 1 else None, 8, what=_WHAT, name="level")
    as_list(fields, 5 if level == LEAF else 3, what=_WHAT, name="a node")
    values = as_list(fields[-1], what=_WHAT, name="rows")
    if level != LEAF:
        return Node(level, tuple(_read_child_row(value) for value in values))
    epoch = Epoch(
        as_uint(fields[2], 32, what=_WHAT, name="epoch number"),
        as_bytes(fields[3], 16, what=_WHAT, name="epoch id"),
    )
    return Node(level, tuple(_read_segment_row(value, epoch) for value in values))


def _number_size(number: int) -> int:
    argument = number if number >= 0 else -1 - number
    return (
        1
        if argument < 24
        else 2
        if argument < 1 << 8
        else 3
        if argument < 1 << 16
        else 5
        if argument < 1 << 32
        else 9
    )


def _row_value(row: Row) -> list[int | bytes]:
    value: list[int | bytes] = [*row.order, row.ref.object_id, row.ref.digest]
    if isinstance(row, ChildRow):
        value += [row.epoch.number, row.epoch.id]
    return [*value, row.count, row.earliest, row.latest]


def _read_segment_row(value: Value, epoch: Epoch) -> SegmentRow:
    fields = as_list(value, 7, what=_WHAT, name="a row")
    return SegmentRow(*_place(fields), epoch, *_tallied(fields))


def _read_child_row(value: Value) -> ChildRow:
    fields = as_list(value, 9, what=_WHAT, name="a row")
    epoch = Epoch(
        as_uint(fields[4], 32, what=_WHAT, name="epoch number"),
        as_bytes(fields[5], 16, what=_WHAT, name="epoch id"),
    )
    return ChildRow(*_place(fields), epoch, *_tallied(fields))


def _place(fields: list[Value]) -> tuple[Order, Ref]:
    sequence = as_uint(fields[0], 32, what=_WHAT, name="sequence")
    index = as_uint(fields[1], 32, what=_WHAT, name="index")
    return (sequence, index), Ref.from_value(fields[2:4], what=_WHAT, name="a row's ref")


def _tallied(fields: list[Value]) -> tuple[int, int, int]:
    count = as_uint(fields[-3], 32, what=_WHAT, name="count")
    earliest = as_ms(fields[-2], what=_WHAT, name="earliest")
    latest = as_ms(fields[-1], what=_WHAT, name="latest")
    if earliest > latest or (not count and (earliest or latest)):
        raise FormatError(_WHAT, "value", "a time range that ends before it begins, or one of no records")
    return count, earliest, latest


def _check_rows(node: Node) -> None:
    if not node.rows:
        raise FormatError(_WHAT, "count", "a node without rows")
    for left, right in pairwise(node.rows):
        if left.order >= right.order:
            raise FormatError(_WHAT, "order", "rows are not in strictly increasing order")
        check_rise(left.epoch, right.epoch)
    for seen in ({row.ref.object_id for row in node.rows}, {row.ref.digest for row in node.rows}):
        if len(seen) < len(node.rows):
            raise FormatError(_WHAT, "duplicate", "an id or digest stands twice in a node")


def check_rise(left: Epoch, right: Epoch) -> None:
    """Refuse epochs that fall from ``left`` to ``right``, or one number with two ids: ``FormatError("catalog", "order" | "value")``."""
    if left.number > right.number:
        raise FormatError(_WHAT, "order", "epochs fall along the tree")
    if (left.number == right.number) != (left.id == right.id):
        raise FormatError(_WHAT, "value", "one epoch with two ids, or one id with two numbers")


def _check_place(node: Node, epoch: Epoch, bounds: Bounds) -> None:
    if node.rows[-1].epoch != epoch:
        raise FormatError(
            _WHAT, "value", "the newest epoch among a node's rows is not the one it is sealed under"
        )
    if bounds.floor is not None:
        check_rise(bounds.floor, node.rows[0].epoch)
    if bounds.until is not None and node.rows[-1].order >= bounds.until:
        raise FormatError(_WHAT, "order", "a node reaches into the order of the one after it")
    if bounds.level is not None and node.level != bounds.level:
        raise FormatError(_WHAT, "depth", f"a node of level {node.level} stands where {bounds.level} is due")
    if (row := bounds.row) is None:
        return
    if node.rows[0].order != row.order:
        raise FormatError(_WHAT, "order", "a node's first order is not its row's")
    count, earliest, latest = tally(node.rows)
    if count != row.count:
        raise FormatError(_WHAT, "count", f"{count} records below where its row says {row.count}")
    if (earliest, latest) != (row.earliest, row.latest):
        raise FormatError(_WHAT, "value", "the time range below is not its row's")
