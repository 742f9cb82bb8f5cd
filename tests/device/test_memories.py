"""The merge: a union of versions, edits, conflicts and tombstones, in any order; and what is known of segments."""

import itertools
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsync.device.database import Database
from memsync.device.memories import Memories
from memsync.device.segments import Held, Segments
from memsync.errors import NotFoundError
from memsync.memory import Memory, Source, Tombstone

SCOPE, OTHER = b"s" * 16, b"o" * 16


def uuid(kind: int, number: int) -> bytes:
    """A UUIDv7 that sorts by ``number``."""
    return number.to_bytes(6, "big") + bytes((0x70, kind, 0x80, 0, 0, 0, 0, 0, 0, 0))


def memory(number: int, version: int, *, replaces: tuple[int, ...] = (), text: str = "", **content) -> Memory:
    return Memory(
        id=uuid(1, number),
        version=uuid(2, version),
        kind="semantic",
        text=text or f"memory {number} in version {version}",
        created=content.pop("created", version),
        replaces=tuple(sorted(uuid(2, old) for old in replaces)),
        **content,
    )


def tombstone(number: int, version: int = 99) -> Tombstone:
    return Tombstone(id=uuid(1, number), version=uuid(2, version), forgotten=version)


def held(name: str) -> Held:
    return Held(name.encode().ljust(32), name.encode().ljust(16), b"e" * 16)


@pytest.fixture
def database() -> Database:
    return Database.in_memory()


@pytest.fixture
def memories(database: Database) -> Memories:
    return Memories(database)


def versions(memories: Memories, number: int, scope: bytes = SCOPE) -> set[int]:
    """The numbers of a memory's current versions; none when it is not there."""
    try:
        return {int.from_bytes(one.version[:6], "big") for one in memories.get(scope, uuid(1, number))}
    except NotFoundError:
        return set()


def test_a_memory_comes_back_with_everything_it_said(tmp_path: Path):
    everything = Memory(
        id=uuid(1, 1),
        version=uuid(2, 1),
        kind="procedural",
        text="ein Text \u202e שלום 🏳️‍🌈\r\n\0 end",
        created=-5,
        tags=("a", "b c"),
        source=Source(tool="chatgpt", conversation="c", turn="3", role="user"),
        happened=7,
        valid_from=1,
        valid_until=9,
        supersedes=(uuid(1, 8),),
        replaces=(uuid(2, 0),),
        unknown={"later": [1, {"x": b"y"}]},
    )
    first = Database.open(tmp_path / "v.db", b"k" * 32)
    Memories(first).write(SCOPE, [everything])
    first.close()
    again = Memories(Database.open(tmp_path / "v.db", b"k" * 32))
    assert again.get(SCOPE, everything.id) == (everything,)
    assert [found.memory for found in again.latest()] == [everything]


def test_an_edit_takes_the_place_of_what_it_edited(memories: Memories):
    memories.write(SCOPE, [memory(1, 1)])
    assert versions(memories, 1) == {1}
    memories.write(SCOPE, [memory(1, 2, replaces=(1,))])
    assert versions(memories, 1) == {2}
    assert [one.version for one in memories.versions(SCOPE, uuid(1, 1))] == [uuid(2, 1), uuid(2, 2)]
    assert memories.count() == 1
    assert memories.conflicts() == []


def test_two_edits_of_one_version_both_stay_until_a_third_settles_it(memories: Memories):
    memories.write(
        SCOPE, [memory(1, 1), memory(1, 2, replaces=(1,)), memory(1, 3, replaces=(1,)), memory(2, 1)]
    )
    assert versions(memories, 1) == {2, 3}
    assert memories.conflicts([SCOPE]) == [(SCOPE, uuid(1, 1))]
    memories.write(SCOPE, [memory(1, 4, replaces=(2, 3))])
    assert versions(memories, 1) == {4}
    assert memories.conflicts() == []


def test_an_edit_may_come_before_what_it_edited(memories: Memories):
    memories.write(SCOPE, [memory(1, 2, replaces=(1,))])
    memories.write(SCOPE, [memory(1, 1)])
    assert versions(memories, 1) == {2}


def test_versions_that_replace_each_other_do_not_vanish(memories: Memories):
    memories.write(SCOPE, [memory(1, 1, replaces=(2,)), memory(1, 2, replaces=(1,))])
    assert versions(memories, 1) == {2}
    memories.write(SCOPE, [memory(1, 3)])
    assert versions(memories, 1) == {3}


def test_a_forgotten_memory_stays_forgotten_whatever_comes_later(memories: Memories):
    memories.write(SCOPE, [memory(1, 1), memory(2, 1)])
    memories.write(SCOPE, [tombstone(1)])
    assert memories.is_forgotten(SCOPE, uuid(1, 1))
    assert not memories.is_forgotten(SCOPE, uuid(1, 2))
    late = [memory(1, 1), memory(1, 5, replaces=(1,)), memory(1, 6)]
    for records in ([late[0]], [late[1]], late):
        memories.write(SCOPE, records)
        memories.attach(SCOPE, held(f"late {records[0].version[5]}"), records)
        assert versions(memories, 1) == set()
        assert memories.versions(SCOPE, uuid(1, 1)) == []
    assert versions(memories, 2) == {1}
    assert [found.memory.id for found in memories.latest()] == [uuid(1, 2)]


def test_an_id_is_forgotten_in_its_scope_only(memories: Memories):
    for scope in (SCOPE, OTHER):
        memories.write(scope, [memory(1, 1)])
    memories.write(SCOPE, [tombstone(1)])
    assert versions(memories, 1) == set()
    assert versions(memories, 1, OTHER) == {1}


def test_a_segment_of_memories_that_are_kept_is_held_without_being_read(
    database: Database, memories: Memories
):
    memories.write(SCOPE, [memory(1, 1), memory(1, 2, replaces=(1,)), memory(2, 3), memory(3, 4)])
    some = [(uuid(1, 1), uuid(2, 1)), (uuid(1, 1), uuid(2, 2)), (uuid(1, 2), uuid(2, 3))]
    assert memories.attach_known(SCOPE, held("a"), some)
    assert memories.attach_known(SCOPE, held("a"), some)
    assert list(Segments(database).held(SCOPE)) == [held("a").digest]
    assert memories.unreached(SCOPE) == {(uuid(1, 3), uuid(2, 4))}
    assert memories.detach(SCOPE, [held("a").digest]) == set(some)


def test_a_segment_with_a_memory_that_is_not_kept_or_was_forgotten_since_is_not_held_unread(
    database: Database, memories: Memories
):
    memories.write(SCOPE, [memory(1, 1), memory(2, 2)])
    some = [(uuid(1, 1), uuid(2, 1)), (uuid(1, 2), uuid(2, 2))]
    assert not memories.attach_known(SCOPE, held("a"), [*some, (uuid(1, 3), uuid(2, 3))])
    assert not memories.attach_known(OTHER, held("a"), some)
    memories.write(SCOPE, [tombstone(2)])
    assert not memories.attach_known(SCOPE, held("a"), some)
    assert list(Segments(database).held(SCOPE)) == []
    memories.attach(SCOPE, held("a"), [memory(1, 1), memory(2, 2)])
    assert memories.forgotten_in(SCOPE) == {held("a").digest: {some[1]}}


def test_a_forgotten_text_leaves_the_database_once_the_index_let_go(database: Database, memories: Memories):
    memories.attach(SCOPE, held("a"), [memory(1, 1, text="xyzzy")])
    memories.write(SCOPE, [memory(2, 1, text="plugh")])

    def kept() -> set[str]:
        return {str(row[0]) for row in database.run("SELECT text FROM memory")}

    added, gone = memories.unindexed()
    assert ({one.text for one in added}, gone) == ({"xyzzy", "plugh"}, [])
    memories.mark_indexed(added)
    memories.write(SCOPE, [tombstone(1), tombstone(2)])
    assert kept() == {"xyzzy", "plugh"}
    added, gone = memories.unindexed()
    assert (added, {one.text for one in gone}) == ([], {"xyzzy", "plugh"})
    memories.mark_indexed(gone)
    assert kept() == {""}  # the row stays: its segment must still be rewritten
    assert memories.forgotten_in(SCOPE) == {held("a").digest: {(uuid(1, 1), uuid(2, 1))}}
    assert memories.detach(SCOPE, [held("a").digest]) == set()
    assert kept() == set()


def test_what_was_forgotten_is_known_in_every_segment_that_holds_it(database: Database, memories: Memories):
    memories.attach(SCOPE, held("a"), [memory(1, 1), memory(2, 1)])
    memories.attach(SCOPE, held("b"), [memory(2, 1), memory(1, 2, replaces=(1,))])
    memories.write(SCOPE, [tombstone(1)])
    memories.attach(SCOPE, held("late"), [memory(1, 3), memory(3, 1)])
    assert memories.forgotten_in(SCOPE) == {
        held("a").digest: {(uuid(1, 1), uuid(2, 1))},
        held("b").digest: {(uuid(1, 1), uuid(2, 2))},
        held("late").digest: {(uuid(1, 1), uuid(2, 3))},
    }
    assert sorted(memories.held_in(SCOPE, uuid(1, 2))) == sorted([held("a").digest, held("b").digest])
    memories.attach(SCOPE, held("rewritten"), [memory(2, 1)])
    memories.detach(SCOPE, [held("a").digest, held("b").digest])
    assert set(memories.forgotten_in(SCOPE)) == {held("late").digest}
    assert memories.held_in(SCOPE, uuid(1, 2)) == [held("rewritten").digest]
    assert memories.forgotten_in(OTHER) == {}


def test_what_no_segment_holds_is_told(database: Database, memories: Memories):
    memories.write(SCOPE, [memory(1, 1), memory(2, 1), tombstone(3)])
    memories.attach(SCOPE, held("a"), [memory(4, 1), memory(1, 1)])
    assert memories.unreached(SCOPE) == {(uuid(1, 2), uuid(2, 1)), (uuid(1, 3), uuid(2, 99))}
    memories.attach(SCOPE, held("b"), [memory(2, 1), tombstone(3, 98)])  # another device forgot the same
    assert memories.unreached(SCOPE) == set()
    left = {(uuid(1, 2), uuid(2, 1)), (uuid(1, 3), uuid(2, 98)), (uuid(1, 3), uuid(2, 99))}
    assert memories.detach(SCOPE, [held("b").digest]) == left - {(uuid(1, 3), uuid(2, 99))}
    assert memories.unreached(SCOPE) == left
    unknown = [(uuid(1, 9), uuid(2, 1)), (uuid(1, 1), uuid(2, 1))]
    assert memories.unreached_among(SCOPE, [*left, *unknown]) == left
    assert memories.unreached_among(OTHER, left) == set()
    memories.write(SCOPE, [tombstone(2)])
    assert (uuid(1, 2), uuid(2, 1)) not in memories.unreached(
        SCOPE
    )  # nobody needs to attach what is forgotten


def test_what_an_undone_root_brought_is_let_go_and_own_work_is_kept(database: Database, memories: Memories):
    memories.write(SCOPE, [memory(1, 1), memory(2, 1)])
    memories.attach(SCOPE, held("good"), [memory(1, 1)])
    memories.attach(SCOPE, held("undone"), [memory(3, 1), memory(1, 2, replaces=(1,)), tombstone(4)])
    memories.attach(SCOPE, held("four"), [memory(4, 1)])
    assert (versions(memories, 1), versions(memories, 4)) == ({2}, set())
    mine = (uuid(1, 2), uuid(2, 1))
    gone = memories.detach(SCOPE, [held("undone").digest])
    assert (gone, len(gone)) == (memories.unreached(SCOPE) - {mine}, 3)
    assert memories.drop(SCOPE, gone) == 3
    assert [versions(memories, number) for number in (1, 2, 3)] == [{1}, {1}, set()]
    assert not memories.is_forgotten(SCOPE, uuid(1, 4))
    assert memories.unreached(SCOPE) == {mine}


def test_attaching_a_segment_again_changes_nothing(database: Database, memories: Memories):
    records = [memory(1, 1), memory(1, 2, replaces=(1,)), tombstone(2)]
    for _ in range(2):
        memories.attach(SCOPE, held("a"), records)
        assert versions(memories, 1) == {2}
        assert list(Segments(database).held(SCOPE)) == [held("a").digest]
        assert database.run("SELECT count(*) FROM memory") == [(2,)]


def test_segments_and_nodes_are_known_by_scope(database: Database, memories: Memories):
    segments = Segments(database)
    memories.attach(SCOPE, held("a"), [memory(1, 1)])
    memories.attach(OTHER, held("b"), [])
    memories.attach(SCOPE, held("c"), [memory(2, 1)])
    assert list(segments.held(SCOPE).values()) == [held("a"), held("c")]
    assert segments.scope_of(held("b").digest) == OTHER
    assert segments.scope_of(b"x" * 32) is None
    segments.add_nodes(SCOPE, [b"n" * 32, b"m" * 32])
    segments.add_nodes(OTHER, [b"o" * 32])
    segments.keep_nodes(SCOPE, [b"m" * 32])
    assert (segments.nodes(SCOPE), segments.nodes(OTHER)) == ({b"m" * 32}, {b"o" * 32})
    memories.detach(SCOPE, [held("a").digest])
    assert list(segments.held(SCOPE)) == [held("c").digest]


def test_listing_goes_back_in_time_page_by_page(memories: Memories):
    memories.write(SCOPE, [memory(n, 1, created=n // 2) for n in range(20)])
    memories.write(OTHER, [memory(30, 1, created=4, happened=100)])
    memories.write(SCOPE, [tombstone(7), memory(8, 2, replaces=(1,), created=4)])
    pages: list[list[bytes]] = []
    last = None
    while page := memories.latest(limit=6, after=last):
        pages.append([found.memory.id for found in page])
        last = page[-1]
    assert [len(page) for page in pages] == [6, 6, 6, 2]
    listed = list(itertools.chain(*pages))
    assert listed[0] == uuid(1, 30)  # by when it happened
    assert set(listed) == {uuid(1, n) for n in (*range(20), 30)} - {uuid(1, 7)}
    times = [found.memory.when for found in memories.latest(limit=50)]
    assert times == sorted(times, reverse=True)
    assert {found.memory.id for found in memories.latest([SCOPE], since=3, until=5)} == {
        uuid(1, n) for n in (6, 8, 9)
    }
    assert {found.scope for found in memories.latest([OTHER])} == {OTHER}
    assert memories.latest([]) == []


def test_a_memory_is_found_by_the_beginning_of_its_id(memories: Memories):
    memories.write(SCOPE, [memory(n, 1) for n in (1, 2, 256)])
    memories.write(OTHER, [memory(1, 1)])

    def found(prefix: bytes, scopes=None) -> list[bytes]:
        return [one.memory.id for one in memories.starting_with(prefix, scopes)]

    assert found(uuid(1, 1)[:6]) == [uuid(1, 1)] * 2
    assert found(uuid(1, 1), [SCOPE]) == [uuid(1, 1)]
    assert found(bytes(4), [SCOPE]) == [uuid(1, n) for n in (1, 2, 256)]
    assert found(b"", [SCOPE]) == found(bytes(4), [SCOPE])
    assert found(b"\xff") == []
    memories.write(SCOPE, [tombstone(2)])
    assert found(bytes(4), [SCOPE]) == [uuid(1, n) for n in (1, 256)]


def test_rows_come_back_in_the_order_asked_without_those_that_are_over(memories: Memories):
    memories.write(SCOPE, [memory(n, 1) for n in range(1200)])
    rows = {found.memory.id: found.row for found in memories.latest(limit=2000)}
    memories.write(SCOPE, [tombstone(3)])
    asked = [rows[uuid(1, n)] for n in (1199, 3, 0, *range(4, 700))]
    assert [one.memory.id for one in memories.in_rows(asked)] == [
        uuid(1, n) for n in (1199, 0, *range(4, 700))
    ]


def test_an_index_that_is_thrown_away_learns_everything_anew(memories: Memories):
    memories.write(SCOPE, [memory(1, 1), memory(1, 2, replaces=(1,)), memory(2, 1), tombstone(2)])
    added, _ = memories.unindexed()
    assert [one.text for one in added] == ["memory 1 in version 2"]
    memories.mark_indexed(added)
    assert memories.unindexed() == ([], [])
    memories.write(SCOPE, [memory(1, 3, replaces=(2,), tags=("x", "y"))])
    added, gone = memories.unindexed()
    assert ([one.tags for one in added], [one.text for one in gone]) == (["x y"], ["memory 1 in version 2"])
    memories.mark_indexed(added + gone)
    memories.mark_unindexed()
    assert [one.text for one in memories.unindexed()[0]] == ["memory 1 in version 3"]


def test_a_failed_attach_leaves_nothing(database: Database, memories: Memories):
    def broken():
        yield memory(1, 1)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        memories.attach(SCOPE, held("a"), broken())
    assert memories.count() == 0
    assert Segments(database).held(SCOPE) == {}
    memories.attach(SCOPE, held("a"), [memory(1, 1)])
    assert memories.count() == 1


@st.composite
def stories(draw):
    """Records of three memories, cut into segments and local writes, in some order, some more than once."""
    records: list[Memory | Tombstone] = []
    for number in range(3):
        for version in range(draw(st.integers(0, 4))):
            others = [old for old in range(5) if old != version]
            replaces = draw(st.lists(st.sampled_from(others), max_size=2, unique=True))
            records.append(memory(number, version, replaces=tuple(replaces)))
        if draw(st.integers(0, 3)) == 0:
            records.append(tombstone(number))
    repeated = records + draw(st.lists(st.sampled_from(records), max_size=4) if records else st.just([]))
    order = draw(st.permutations(repeated))
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=4)))
    parts = [order[start:end] for start, end in itertools.pairwise([0, *cuts, len(order)])]
    return records, [(part, draw(st.booleans())) for part in parts]


def expected(records) -> dict[int, set[int]]:
    """The merge rule in its plainest words."""
    current: dict[int, set[int]] = {}
    for number in range(3):
        mine = [one for one in records if one.id == uuid(1, number)]
        if any(isinstance(one, Tombstone) for one in mine):
            current[number] = set()
            continue
        replaced = {old for one in mine for old in one.replaces}
        kept = {one.version for one in mine if one.version not in replaced}
        kept = kept or {max((one.version for one in mine), default=b"")} - {b""}
        current[number] = {int.from_bytes(version[:6], "big") for version in kept}
    return current


@settings(max_examples=150, deadline=None)
@given(stories())
def test_the_outcome_does_not_depend_on_order_repetition_or_segments(story):
    records, parts = story
    memories = Memories(Database.in_memory())
    for at, (part, is_segment) in enumerate(parts):
        if is_segment:
            memories.attach(SCOPE, held(f"{at}"), part)
        else:
            memories.write(SCOPE, part)
        if at % 2:
            added, gone = memories.unindexed()
            memories.mark_indexed(added + gone)
    assert {number: versions(memories, number) for number in range(3)} == expected(records)
    assert memories.count() == sum(map(len, expected(records).values()))


def test_a_second_connection_sees_what_was_written(tmp_path: Path):
    key = os.urandom(32)
    mine, theirs = Database.open(tmp_path / "v.db", key), Database.open(tmp_path / "v.db", key)
    Memories(mine).write(SCOPE, [memory(1, 1)])
    assert theirs.changed_elsewhere()
    assert versions(Memories(theirs), 1) == {1}


def test_asking_about_a_scope_that_is_not_there_writes_nothing(database: Database, memories: Memories):
    memories.write(SCOPE, [memory(1, 1)])
    [(before,)] = database.run("SELECT total_changes()")
    segments = Segments(database)
    assert (
        memories.latest([OTHER]) == memories.starting_with(b"", [OTHER]) == memories.conflicts([OTHER]) == []
    )
    assert (memories.count([OTHER]), memories.unreached(OTHER), memories.forgotten_in(OTHER)) == (
        0,
        set(),
        {},
    )
    assert (segments.held(OTHER), segments.nodes(OTHER), memories.held_in(OTHER, uuid(1, 1))) == (
        {},
        set(),
        [],
    )
    assert database.run("SELECT total_changes()") == [(before,)]
    memories.write(OTHER, [memory(1, 1)])
    assert memories.count([OTHER]) == 1
