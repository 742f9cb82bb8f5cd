"""Small segments at the right edge become one: a life of single pushes leaves few, loses nothing and never mixes epochs."""

from __future__ import annotations

import random
from itertools import groupby

from hypothesis import given, settings
from hypothesis import strategies as st

from memsync.crypto.epochs import ContentKey
from memsync.format.catalog import Catalog
from memsync.format.catalog_node import SegmentRow
from memsync.format.records import encode_memory
from memsync.format.segment import open_segment
from memsync.memory import Memory, Tombstone, new_id
from memsync.sync.sealing import MERGED, SMALL, seal_scope
from tests.flow.actions import World, texts
from tests.flow.checks import segments_of

VAULT, SCOPE = bytes(32), bytes(16)


class Scope:
    """One scope at the level of its catalog, and what was put into it, in order."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.keys = [ContentKey(0, self.chance.randbytes(32))]
        self.blocks: dict[bytes, bytes] = {}
        self.root, self.sequence = None, 0
        self.put: list[tuple[bytes, int]] = []
        self.gone: set[bytes] = set()
        self.opened = 0  # large segments from which something was forgotten, which may be small since

    @property
    def catalog(self) -> Catalog:
        return Catalog(VAULT, SCOPE, {key.id: key for key in self.keys}, self.blocks.__getitem__)

    def rotate(self) -> None:
        self.keys.append(ContentKey(len(self.keys), self.chance.randbytes(32)))

    def memory(self, size: int) -> Memory:
        now = 1_750_000_000_000 + self.sequence
        return Memory(
            id=new_id(now, self.chance.randbytes),
            version=new_id(now, self.chance.randbytes),
            kind="semantic",
            text=self.chance.randbytes(size // 2).hex(),
            created=now,
        )

    def push(self, count: int, size: int, forget: int = 0) -> int:
        self.sequence += 1
        memories = [self.memory(size) for _ in range(count)]
        gone = set(self.chance.sample([one for one, _ in self.put if one not in self.gone], forget))
        forgotten: dict[bytes, list[tuple[bytes, bytes]]] = {}
        for row, segment in self.segments():
            found = [(one.memory.id, one.memory.version) for one in segment.records if one.memory.id in gone]
            if found:
                forgotten[row.ref.digest] = found
                self.opened += len(self.blocks[row.ref.digest]) >= MERGED
        sealed = seal_scope(
            self.catalog,
            self.root,
            [encode_memory(memory) for memory in memories],
            key=self.keys[-1],
            sequence=self.sequence,
            forgotten=forgotten,
            random=self.chance.randbytes,
        )
        self.blocks |= {block.digest: block.data for block in sealed.blocks}
        self.root = sealed.catalog
        self.gone |= gone
        self.put += [(memory.id, len(self.keys) - 1) for memory in memories]
        return sum(len(block.data) for block in sealed.blocks)

    def segments(self) -> list:
        rows = [] if self.root is None else list(self.catalog.rows(self.root))
        return [
            (
                row,
                open_segment(
                    self.blocks[row.ref.digest],
                    row,
                    key=self.catalog.keys[row.epoch.id],
                    vault=VAULT,
                    scope=SCOPE,
                ),
            )
            for row in rows
            if isinstance(row, SegmentRow)
        ]

    def check(self) -> None:
        found = [
            (record.memory.id, row.epoch.number)
            for row, segment in self.segments()
            for record in segment.records
            if not isinstance(record.memory, Tombstone)
        ]
        assert found == [one for one in self.put if one[0] not in self.gone], "in order, each in its epoch"

    def small(self) -> int:
        """The longest row of small segments of one epoch."""
        sizes = [(row.epoch.id, len(self.blocks[row.ref.digest])) for row, _ in self.segments()]
        rows = groupby(sizes, key=lambda one: (one[0], one[1] < MERGED))
        return max((sum(1 for _ in group) for (_, small), group in rows if small), default=0)


PUSHES = st.lists(
    st.tuples(
        st.sampled_from([1, 1, 1, 3, 20]),
        st.sampled_from([40, 300, 1500]),
        st.integers(0, 2),
        st.integers(0, 9),
    ),
    min_size=1,
    max_size=60,
)


@settings(deadline=None)
@given(pushes=PUSHES, seed=st.integers(0, 2**32))
def test_any_life_keeps_every_record_in_order_and_in_its_epoch(pushes: list, seed: int) -> None:
    scope = Scope(seed)
    for count, size, forget, rotate in pushes:
        if rotate == 0:
            scope.rotate()
        scope.push(count, size, min(forget, len(scope.put) - len(scope.gone)))
    scope.check()
    # A large segment that becomes small joins the rows on both sides of it.
    assert scope.small() <= 9 + 10 * scope.opened


def test_single_pushes_leave_few_segments_and_each_writes_the_right_edge_only() -> None:
    scope = Scope(1)
    written = [scope.push(1, 300) for _ in range(600)]
    scope.check()
    sizes = [len(scope.blocks[row.ref.digest]) for row, _ in scope.segments()]
    assert sum(sizes) > 3 * MERGED
    assert len(sizes) <= 8 + sum(sizes) // MERGED
    assert max(sizes) == MERGED
    assert max(written) <= 65_536 - 4096
    assert sorted(written)[len(written) // 2] == 2 * SMALL


def test_devices_and_readers_follow_a_merge(world: World) -> None:
    first, second = world.two_devices()
    tool, grant = world.granted(first)
    shared = world.accepted(tool, grant)
    chance = random.Random(2)
    kept = first.remember("To be forgotten.")
    for number in range(30):
        first.remember(f"{number} " + chance.randbytes(1500).hex())
        first.push()
        if number == 20:
            second.pull()
            shared.pull()
    assert max(len(data) for _, data in segments_of(first)) == MERGED
    first.forget(kept)
    first.push()
    second.pull()
    shared.pull()
    assert len(texts(first)) == 30
    assert texts(first) == texts(second) == texts(shared)
    for vault in (first, second):
        assert vault.verify(deep=True).ok
