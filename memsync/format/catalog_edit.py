"""Writing a catalog: append segments, replace or remove some, in one new tree that shares every node it can with the old one.

In come the old top node, the rows to put in the place of others, and rows to append; out come the new top node and the blocks that are
new. Only nodes on a path to a change are sealed again: an append of one segment writes the right edge, one block a level; a replaced
segment one path. A node that outgrows 16 KiB is split, leftmost full where the tree grows at its end, else evenly; one that lost most of
its rows joins a neighbour. Nothing is stored or deleted here; what a tree must be is checked by ``catalog`` on the way down.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import ceil

from memsync.crypto.randomness import Random, system_random
from memsync.errors import InputError
from memsync.format.block import Block
from memsync.format.catalog import Catalog, children
from memsync.format.catalog_node import (
    ANYWHERE,
    LEAF,
    Bounds,
    CatalogRoot,
    ChildRow,
    Epoch,
    Node,
    Order,
    Row,
    SegmentRow,
    room_of,
    row_size,
    seal_node,
    tally,
)


@dataclass(frozen=True, slots=True)
class Edited:
    """A new catalog: its top node (None: empty) and the blocks that the old one did not have."""

    root: CatalogRoot | None
    blocks: tuple[Block, ...]


def edit_catalog(
    catalog: Catalog,
    root: CatalogRoot | None,
    *,
    replace: Mapping[Order, SegmentRow | None] | None = None,
    append: Sequence[SegmentRow] = (),
    random: Random = system_random,
) -> Edited:
    """Put rows in the place of others (by order; None removes) and append rows after the last, in order.

    A row that replaces another keeps its order and epoch. ``catalog`` must have the content keys of every epoch on the paths that are
    written. ``InputError`` for an order that is not there, rows that are not in order, or a key that lacks.
    """
    return _Editor(catalog, random).edit(root, dict(replace or {}), tuple(append))


@dataclass(frozen=True, slots=True)
class _Piece:
    """A node of the new tree. ``rows`` is None while it is not opened; ``kept`` is its row if the old tree has it as it is."""

    rows: tuple[Row, ...] | None
    kept: ChildRow | None = None
    bounds: Bounds = ANYWHERE
    shrunk: bool = False


class _Editor:
    """One edit: what is still to be replaced, and the blocks sealed so far."""

    def __init__(self, catalog: Catalog, random: Random) -> None:
        self._fetch = catalog.fetch
        self._catalog = dataclasses.replace(catalog, fetch=self._sealed_or_fetched)
        self._random = random
        self._blocks: dict[bytes, Block] = {}
        self._replace: dict[Order, SegmentRow | None] = {}
        self._orders: list[Order] = []

    def edit(
        self,
        root: CatalogRoot | None,
        replace: dict[Order, SegmentRow | None],
        append: tuple[SegmentRow, ...],
    ) -> Edited:
        self._replace = replace
        self._orders = sorted(replace)
        level = LEAF
        if any(left.order >= right.order for left, right in pairwise(append)):
            raise InputError("segments are appended in strictly increasing order")
        if root is None:
            pieces = _split(LEAF, append, grows=True)
        elif (top := self._catalog.open_top(root)) is None:
            raise InputError("a catalog is edited by who has the key of its top node")
        else:
            level = top.level
            row = ChildRow(top.rows[0].order, root.ref, root.epoch, *tally(top.rows))
            pieces = self._rewrite(top, row, ANYWHERE, append)
        if replace:
            raise InputError(f"no segment of order {min(replace)} is in the catalog")
        while len(pieces) > 1:
            level += 1
            pieces = _split(level, tuple(self._row(level - 1, piece) for piece in pieces), grows=True)
        new = self._top(level, pieces[0]) if pieces else None
        return Edited(new, tuple(self._blocks.values()))

    def _rewrite(
        self, node: Node, row: ChildRow, bounds: Bounds, tail: tuple[SegmentRow, ...]
    ) -> list[_Piece]:
        """The nodes that take the place of ``node``, whose row is ``row``; ``tail`` is appended if it is at the right edge."""
        if node.level == LEAF:
            rows = (*self._replaced(node), *tail)
            if tail and tail[0].order <= node.rows[-1].order:
                raise InputError("a segment is appended after the last in order")
        else:
            below: list[_Piece] = []
            for child, place in children(node, bounds):
                below += self._child(child, place, tail if child == node.rows[-1] else ())
            self._join(node.level - 1, below)
            rows = tuple(self._row(node.level - 1, piece) for piece in below)
        return _split(node.level, rows, grows=bool(tail), old=node, kept=row)

    def _child(self, row: ChildRow, place: Bounds, tail: tuple[SegmentRow, ...]) -> list[_Piece]:
        first = bisect_left(self._orders, row.order)
        end = len(self._orders) if place.until is None else bisect_left(self._orders, place.until)
        if first == end and not tail:
            return [_Piece(None, row, place)]
        node = self._catalog.open(row.ref, row.epoch, place)
        if node is None:
            raise InputError("a segment is replaced by who has the key of its epoch")
        return self._rewrite(node, row, place, tail)

    def _replaced(self, leaf: Node) -> Iterator[Row]:
        for row in leaf.rows:
            if row.order not in self._replace:
                yield row
            elif (other := self._replace.pop(row.order)) is not None:
                if (other.order, other.epoch) != (row.order, row.epoch):
                    raise InputError("a segment that replaces another keeps its order and epoch")
                yield other

    def _join(self, level: int, pieces: list[_Piece]) -> None:
        """Let each piece that shrank below a quarter of its room join a neighbour, if both fit in one node."""
        index = 0
        while index < len(pieces):
            if _is_small(level, pieces[index]):
                for left in (index, index - 1):
                    if 0 <= left < len(pieces) - 1 and (one := self._joined(level, *pieces[left : left + 2])):
                        pieces[left : left + 2] = [one]
                        index = left - 1
                        break
            index += 1

    def _joined(self, level: int, left: _Piece, right: _Piece) -> _Piece | None:
        both: list[Row] = []
        for piece in (left, right):
            rows = piece.rows
            if rows is None and piece.kept is not None:
                node = self._catalog.open(piece.kept.ref, piece.kept.epoch, piece.bounds)
                rows = node.rows if node is not None else None
            if rows is None:
                return None
            both += rows
        pieces = _split(level, tuple(both), grows=True)
        return dataclasses.replace(pieces[0], shrunk=True) if len(pieces) == 1 else None

    def _row(self, level: int, piece: _Piece) -> ChildRow:
        return piece.kept or self._seal(level, piece.rows or ())

    def _seal(self, level: int, rows: tuple[Row, ...]) -> ChildRow:
        epoch = rows[-1].epoch
        key = self._catalog.keys.get(epoch.id)
        if key is None:
            raise InputError(f"the content key of epoch {epoch.number} lacks")
        block, row = seal_node(
            Node(level, rows),
            key=key,
            vault=self._catalog.vault,
            scope=self._catalog.scope,
            random=self._random,
        )
        self._blocks[block.digest] = block
        return row

    def _top(self, level: int, piece: _Piece) -> CatalogRoot:
        """The new top node; one with a single child gives way to that."""
        row, rows = piece.kept, piece.rows or ()
        while level > LEAF and len(rows) == 1 and isinstance(rows[0], ChildRow):
            if row is not None:
                self._blocks.pop(row.ref.digest, None)
            row = rows[0]
            level -= 1
            node = self._catalog.open(row.ref, row.epoch, Bounds(row, level))
            rows = () if node is None else node.rows
        if row is None:
            row = self._seal(level, rows)
        return CatalogRoot(row.ref, row.epoch)

    def _sealed_or_fetched(self, digest: bytes) -> bytes:
        block = self._blocks.get(digest)
        return self._fetch(digest) if block is None else block.data


def _split(
    level: int, rows: tuple[Row, ...], *, grows: bool, old: Node | None = None, kept: ChildRow | None = None
) -> list[_Piece]:
    """Rows in nodes that they fit in: as full as can be from the left if the tree ``grows`` at its end, else evenly full."""
    shrunk = old is not None and len(rows) < len(old.rows)
    pieces = []
    for _, group in groupby(rows, key=_leaf_epoch) if level == LEAF else [(None, iter(rows))]:
        for chunk in _chunks(level, tuple(group), grows=grows):
            same = kept if old is not None and chunk == old.rows else None
            pieces.append(_Piece(chunk, same, shrunk=shrunk))
    return pieces


def _chunks(level: int, rows: tuple[Row, ...], *, grows: bool) -> Iterator[tuple[Row, ...]]:
    room = room_of(level)
    sizes = [row_size(row) for row in rows]
    total = sum(sizes)
    enough = room if grows or total <= room else total / ceil(total / room)
    start = used = 0
    for index, size in enumerate(sizes):
        if index > start and (used + size > room or used >= enough):
            yield rows[start:index]
            start, used = index, 0
        used += size
    if start < len(rows):
        yield rows[start:]


def _leaf_epoch(row: Row) -> Epoch:
    return row.epoch


def _is_small(level: int, piece: _Piece) -> bool:
    return piece.shrunk and piece.rows is not None and 4 * sum(map(row_size, piece.rows)) < room_of(level)
