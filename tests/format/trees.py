"""A scope to grow catalogs in: epochs with keys, blocks in a dict, rows made up, and nodes forged past every check of the builder."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator

from memsync.crypto.epochs import ContentKey
from memsync.crypto.sealing import Kind, aad, open_block, seal_block
from memsync.errors import BlockMissing
from memsync.format.block import Block, Ref
from memsync.format.catalog import Catalog
from memsync.format.catalog_edit import Edited, edit_catalog
from memsync.format.catalog_node import (
    LEAF,
    CatalogRoot,
    ChildRow,
    Epoch,
    Node,
    Order,
    SegmentRow,
    encode_node,
    read_node,
    tally,
)
from memsync.ipld.dagcbor import encode

VAULT, SCOPE = b"v" * 32, b"s" * 16


def digest(*what: object) -> bytes:
    return hashlib.sha256(repr(what).encode()).digest()


class Scope:
    """A vault's scope with ``epochs`` epochs; ``fetched`` counts the blocks asked for."""

    def __init__(self, epochs: int = 3) -> None:
        self.keys = [ContentKey(number, digest("key", number)) for number in range(epochs)]
        self.blocks: dict[bytes, bytes] = {}
        self.fetched: list[bytes] = []
        self._made = 0

    def random(self, length: int) -> bytes:
        self._made += 1
        return hashlib.shake_256(repr(("random", self._made)).encode()).digest(length)

    def fetch(self, wanted: bytes) -> bytes:
        self.fetched.append(wanted)
        if wanted not in self.blocks:
            raise BlockMissing("no such block")
        return self.blocks[wanted]

    def catalog(self, epochs: Iterable[int] | None = None) -> Catalog:
        """As seen by a reader with the content keys of these epochs, or of all."""
        numbers = range(len(self.keys)) if epochs is None else epochs
        return Catalog(VAULT, SCOPE, {self.keys[n].id: self.keys[n] for n in numbers}, self.fetch)

    def epoch(self, number: int) -> Epoch:
        return Epoch.of(self.keys[number])

    def row(
        self,
        order: Order,
        *,
        epoch: int = 0,
        count: int = 2,
        earliest: int = 5,
        latest: int = 9,
        version: int = 0,
    ) -> SegmentRow:
        seed = digest("segment", order, version)
        return SegmentRow(order, Ref(seed[:16], digest(seed)), self.epoch(epoch), count, earliest, latest)

    def rows(self, count: int, *, sequence: int = 1, epoch: int = 0) -> list[SegmentRow]:
        return [self.row((sequence, index), epoch=epoch) for index in range(count)]

    def edit(
        self,
        root: CatalogRoot | None,
        *,
        replace: dict[Order, SegmentRow | None] | None = None,
        append: Iterable[SegmentRow] = (),
    ) -> Edited:
        """Edit and store what is new."""
        edited = edit_catalog(self.catalog(), root, replace=replace, append=tuple(append), random=self.random)
        self.blocks.update((block.digest, block.data) for block in edited.blocks)
        return edited

    def forge(
        self, plaintext: bytes, epoch: int = 0, *, kind: Kind = Kind.CATALOG, scope: bytes = SCOPE
    ) -> Ref:
        """Seal any plaintext as a node."""
        object_id = self.random(16)
        key = self.keys[epoch]
        block = Block.of(seal_block(key.secret, aad(VAULT, scope, key.id, kind, object_id), plaintext))
        self.blocks[block.digest] = block.data
        return Ref(object_id, block.digest)

    def leaf(self, *rows: SegmentRow, **other: object) -> ChildRow:
        """A leaf of any rows; the row that points to it, with ``other`` values for some of its fields."""
        return self._pointed(Node(LEAF, rows), other)

    def inner(self, level: int, *rows: ChildRow, **other: object) -> ChildRow:
        """An inner node of any rows; the row that points to it, with ``other`` values for some of its fields."""
        return self._pointed(Node(level, rows), other)

    def _pointed(self, node: Node, other: dict[str, object]) -> ChildRow:
        epoch = node.rows[-1].epoch
        ref = self.forge(encode_node(node), epoch.number)
        row = ChildRow(node.rows[0].order, ref, epoch, *tally(node.rows))
        return dataclasses.replace(row, **other)

    def forged_leaf(self, values: list[object], epoch: int = 0) -> CatalogRoot:
        """A top node whose rows are any values."""
        key = self.keys[epoch]
        return CatalogRoot(
            self.forge(encode([1, LEAF, key.number, key.id, values]), epoch), self.epoch(epoch)
        )


def top(row: ChildRow) -> CatalogRoot:
    return CatalogRoot(row.ref, row.epoch)


def nodes(scope: Scope, root: CatalogRoot | None) -> Iterator[tuple[int, Node]]:
    """Every node of a tree and its sealed size, the top node first; read without the checks of ``Catalog``."""
    todo = [] if root is None else [(root.ref, root.epoch)]
    while todo:
        ref, epoch = todo.pop()
        key = scope.keys[epoch.number]
        data = scope.blocks[ref.digest]
        node = read_node(
            open_block(
                key.secret, aad(VAULT, SCOPE, key.id, Kind.CATALOG, ref.object_id), data, what="catalog"
            )
        )
        yield len(data), node
        todo += [(row.ref, row.epoch) for row in node.rows if isinstance(row, ChildRow)]
