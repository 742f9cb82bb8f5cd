"""A scope's catalog as a reader sees it: every segment in order, by time, or as the difference of two roots (``docs/format.md`` §5).

In come the top node's ref, content keys by epoch id and ``fetch``, which gives a block by its digest or raises ``BlockMissing``; out come
rows, each checked on the way down against all that the tree says of it. A part of an epoch without a key is not damage: it comes out as
:class:`NotForMe` with what its row says. A top node that can't be opened reads as empty, for so a scope looks to a reader from now on
until the first push after its grant. Nothing is kept between calls; ``catalog_edit`` writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from memsync.errors import FormatError
from memsync.format.block import Ref
from memsync.format.catalog_node import (
    ANYWHERE,
    LEAF,
    Bounds,
    CatalogRoot,
    ChildRow,
    Epoch,
    Keys,
    Node,
    Row,
    SegmentRow,
    open_node,
    tally,
)

Fetch: TypeAlias = Callable[[bytes], bytes]
"""A block's bytes by its digest; raises ``BlockMissing``."""


@dataclass(frozen=True, slots=True)
class NotForMe:
    """A part of the catalog of an epoch that the reader has no key for: how many records, and from when to when (ms, inclusive)."""

    epoch: Epoch
    count: int
    earliest: int
    latest: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What one catalog has that another has not: rows in order, and parts that can't be opened."""

    added: tuple[SegmentRow | NotForMe, ...]
    removed: tuple[SegmentRow | NotForMe, ...]


@dataclass(frozen=True, slots=True)
class _Branch:
    """A node and what its place asks of it; ``node`` if it was opened already."""

    row: ChildRow
    level: int
    bounds: Bounds
    node: Node | None = None


@dataclass(frozen=True, slots=True)
class Catalog:
    """The catalogs of one scope of one vault (ids of 32 and 16 bytes), seen with ``keys`` through ``fetch``."""

    vault: bytes
    scope: bytes
    keys: Keys
    fetch: Fetch

    def open(self, ref: Ref, epoch: Epoch, bounds: Bounds) -> Node | None:
        """The node there, checked; None if it is not for this reader."""
        if (key := self.keys.get(epoch.id)) is None:
            return None
        return open_node(
            self.fetch(ref.digest),
            ref,
            key=key,
            vault=self.vault,
            scope=self.scope,
            epoch=epoch,
            bounds=bounds,
        )

    def open_top(self, root: CatalogRoot, count: int | None = None) -> Node | None:
        """The top node, which must hold ``count`` records if given; None if it is not for this reader."""
        node = self.open(root.ref, root.epoch, ANYWHERE)
        if node is not None and count is not None and tally(node.rows)[0] != count:
            raise FormatError(
                "catalog", "count", "the catalog has not as many records as the root's entry says"
            )
        return node

    def rows(
        self,
        root: CatalogRoot | None,
        *,
        earliest: int | None = None,
        latest: int | None = None,
        count: int | None = None,
    ) -> Iterator[SegmentRow | NotForMe]:
        """Every segment in order, or those with a record that may lie between ``earliest`` and ``latest`` (ms, inclusive).

        ``count``: how many records the root's entry says there are. A block is fetched when iteration reaches it.
        """
        top = None if root is None else self.open_top(root, count)
        if top is not None:
            yield from self._within(top, ANYWHERE, earliest, latest)

    def digests(self, root: CatalogRoot | None) -> Iterator[bytes]:
        """The digest of every block of the catalog that this reader can name: nodes and segments, the top node first."""
        if root is None:
            return
        yield root.ref.digest
        top = self.open_top(root)
        if top is not None:
            yield from self._digests(top, ANYWHERE)

    def changes(self, old: CatalogRoot | None, new: CatalogRoot | None) -> Changes:
        """What ``new`` has that ``old`` has not, and the reverse; what both share is neither fetched nor opened."""
        added: list[SegmentRow | NotForMe] = []
        removed: list[SegmentRow | NotForMe] = []
        if old != new:
            left, right = self._frontier(old), self._frontier(new)
            while left or right:
                self._step(left, right, removed, added)
        return Changes(tuple(added), tuple(removed))

    def _step(
        self,
        left: list[SegmentRow | _Branch],
        right: list[SegmentRow | _Branch],
        removed: list[SegmentRow | NotForMe],
        added: list[SegmentRow | NotForMe],
    ) -> None:
        """Take the first of what is left on either side; both sides are stacks, first on top.

        A node shared by both trees begins with the same order in both, so what begins first is on one side only; of two that begin
        together the higher is opened, and two alike are dropped unread.
        """
        a, b = left[-1] if left else None, right[-1] if right else None
        if a is not None and b is not None and _order(a) == _order(b):
            if _row(a).ref == _row(b).ref:
                if _row(a) != _row(b):
                    raise FormatError("catalog", "value", "two catalogs say different things of one block")
                left.pop()
                right.pop()
                return
            heights = _level(a), _level(b)
            if heights[0] >= heights[1]:
                self._take(left, removed)
            if heights[1] >= heights[0]:
                self._take(right, added)
        elif b is None or (a is not None and _order(a) < _order(b)):
            self._take(left, removed)
        else:
            self._take(right, added)

    def _take(self, stack: list[SegmentRow | _Branch], found: list[SegmentRow | NotForMe]) -> None:
        """Open the node on top of ``stack``, or move what can't be opened further to ``found``."""
        first = stack.pop()
        if isinstance(first, SegmentRow):
            found.append(first)
        elif (node := first.node or self.open(first.row.ref, first.row.epoch, first.bounds)) is None:
            found.append(_not_for_me(first.row))
        else:
            stack.extend(reversed(list(_below(node, first.bounds))))

    def _frontier(self, root: CatalogRoot | None) -> list[SegmentRow | _Branch]:
        """The top node, as if a row pointed to it: it may stand anywhere in the other tree."""
        if root is None or (top := self.open_top(root)) is None:
            return []
        row = ChildRow(top.rows[0].order, root.ref, root.epoch, *tally(top.rows))
        return [_Branch(row, top.level, ANYWHERE, top)]

    def _within(
        self, node: Node, bounds: Bounds, earliest: int | None, latest: int | None
    ) -> Iterator[SegmentRow | NotForMe]:
        for item in _below(node, bounds):
            row = _row(item)
            if earliest is not None and (row.latest < earliest or not row.count):
                continue
            if latest is not None and (row.earliest > latest or not row.count):
                continue
            if isinstance(item, SegmentRow):
                yield item
            elif (child := self.open(item.row.ref, item.row.epoch, item.bounds)) is None:
                yield _not_for_me(item.row)
            else:
                yield from self._within(child, item.bounds, earliest, latest)

    def _digests(self, node: Node, bounds: Bounds) -> Iterator[bytes]:
        for item in _below(node, bounds):
            yield _row(item).ref.digest
            if isinstance(item, _Branch):
                child = self.open(item.row.ref, item.row.epoch, item.bounds)
                if child is not None:
                    yield from self._digests(child, item.bounds)


def children(node: Node, bounds: Bounds) -> Iterator[tuple[ChildRow, Bounds]]:
    """The children of a ``node`` that was itself checked against ``bounds``, and what each one's place asks of it."""
    rows = [row for row in node.rows if isinstance(row, ChildRow)]
    floor = bounds.floor
    for index, row in enumerate(rows):
        until = rows[index + 1].order if index + 1 < len(rows) else bounds.until
        yield row, Bounds(row, node.level - 1, floor, until)
        floor = row.epoch


def _below(node: Node, bounds: Bounds) -> Iterator[SegmentRow | _Branch]:
    yield from (row for row in node.rows if isinstance(row, SegmentRow))
    yield from (_Branch(row, node.level - 1, place) for row, place in children(node, bounds))


def _row(item: SegmentRow | _Branch) -> Row:
    return item if isinstance(item, SegmentRow) else item.row


def _order(item: SegmentRow | _Branch) -> tuple[int, int]:
    return _row(item).order


def _level(item: SegmentRow | _Branch) -> int:
    return LEAF - 1 if isinstance(item, SegmentRow) else item.level


def _not_for_me(row: ChildRow) -> NotForMe:
    return NotForMe(row.epoch, row.count, row.earliest, row.latest)
