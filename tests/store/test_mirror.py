"""Several places as one: how many must take a put, whose copy is read, who is repaired, and what is said of it."""

import os

import pytest

from memsync.errors import BlockMissing, FormatError, InputError, StorageError
from memsync.ipld.cid import CID
from memsync.store import MirrorStore, Trouble, get_block
from memsync.testing import LyingStore, MemoryStore


def block() -> tuple[CID, bytes]:
    data = os.urandom(4096)
    return CID.of(data), data


def pair(*names: str) -> list[LyingStore]:
    return [LyingStore(MemoryStore(name)) for name in names or ("first", "second")]


DOWN = StorageError("that place does not answer")


def test_every_place_gets_every_block():
    stores = pair()
    blocks = [block() for _ in range(300)]
    MirrorStore(stores).put_many(blocks)
    assert [store.inner.blocks for store in stores] == [dict(blocks)] * 2


def test_one_place_down_is_enough_for_a_minimum_of_one_and_is_told():
    first, second = pair()
    mirror = MirrorStore([first, second])
    first.fail(DOWN)
    mirror.put_many([block()])
    assert mirror.troubles == (Trouble("lying first", str(DOWN)),)
    assert len(second.inner.blocks) == 1
    mirror.clear_troubles()
    first.fail(None)
    mirror.put_many([block()])
    assert mirror.troubles == ()


def test_fewer_places_than_the_minimum_is_an_error_that_says_which_and_why():
    first, second = pair()
    mirror = MirrorStore([first, second], minimum=2)
    first.fail(DOWN)
    with pytest.raises(StorageError, match=r"1 of 2 copies needed were made: that place does not answer"):
        mirror.put_many([block()])
    first.fail(None)
    mirror.put_many([block()])


@pytest.mark.parametrize("minimum", [0, 3])
def test_a_minimum_that_can_never_be_met_is_refused(minimum: int):
    with pytest.raises(InputError):
        MirrorStore(pair(), minimum=minimum)


@pytest.mark.parametrize("lie", ["lose", "alter", "withhold"])
def test_a_bad_first_copy_is_passed_over_repaired_and_told(lie: str):
    first, second = pair()
    mirror = MirrorStore([first, second])
    good, bad = block(), block()
    mirror.put_many([good, bad])
    getattr(first, lie)(bad[0])
    assert list(mirror.get_many([good[0], bad[0]])) == [good, bad]
    assert [trouble.place for trouble in mirror.troubles] == ["lying first"]
    assert str(bad[0]) in mirror.troubles[0].what
    mirror.clear_troubles()
    if lie != "withhold":  # a liar that says it has it, and never gives it, can't be repaired
        second.fail(DOWN)
        assert get_block(mirror, bad[0]) == bad[1]
        assert mirror.troubles == ()


def test_swapped_copies_are_passed_over():
    first, second = pair()
    mirror = MirrorStore([first, second])
    one, other = block(), block()
    mirror.put_many([one, other])
    first.swap(one[0], other[0])
    assert list(mirror.get_many([one[0], other[0]])) == [one, other]
    assert len(mirror.troubles) == 2


def test_blocks_scattered_over_the_places_are_all_found():
    first, second = pair()
    blocks = [block() for _ in range(6)]
    first.put_many(blocks[::2])
    second.put_many(blocks[1::2])
    assert list(MirrorStore([first, second]).get_many(cid for cid, _ in blocks)) == blocks
    assert first.inner.blocks == dict(blocks)  # the first was asked for all, so it was repaired


def test_a_place_that_dies_while_reading_is_left_out_for_the_rest():
    first, second = pair()
    mirror = MirrorStore([first, second])
    blocks = [block() for _ in range(600)]
    mirror.put_many(blocks)
    answers = mirror.get_many(cid for cid, _ in blocks)
    got = [next(answers)]
    first.fail(DOWN)
    got += answers
    assert got == blocks
    assert mirror.troubles == (Trouble("lying first", str(DOWN)),)


def test_a_block_that_every_place_altered_is_refused():
    first, second = pair()
    mirror = MirrorStore([first, second])
    cid, data = block()
    mirror.put_many([(cid, data)])
    first.alter(cid)
    assert get_block(mirror, cid) == data
    first.alter(cid)
    second.alter(cid)
    with pytest.raises(FormatError, match=str(cid)):
        get_block(mirror, cid)


def test_lost_everywhere_is_missing_and_lost_where_reachable_is_not():
    first, second = pair()
    mirror = MirrorStore([first, second])
    cid, data = block()
    mirror.put_many([(cid, data)])
    first.lose(cid)
    second.fail(DOWN)
    with pytest.raises(StorageError, match="that place does not answer") as caught:
        get_block(mirror, cid)
    assert not isinstance(caught.value, BlockMissing)
    second.fail(None)
    assert get_block(mirror, cid) == data
    first.lose(cid)
    second.lose(cid)
    with pytest.raises(BlockMissing):
        get_block(mirror, cid)


def test_a_survey_says_who_holds_what_and_who_is_silent():
    first, second, third = pair("first", "second", "third")
    mirror = MirrorStore([first, second, third])
    one, other, none = block(), block(), block()
    first.put_many([one])
    second.put_many([one, other])
    third.fail(DOWN)
    survey = mirror.survey([one[0], other[0], none[0]])
    assert survey.holders == {
        one[0]: ("lying first", "lying second"),
        other[0]: ("lying second",),
        none[0]: (),
    }
    assert survey.unreachable == (Trouble("lying third", str(DOWN)),)
    assert survey.scarce == [other[0], none[0]]


def test_held_means_held_by_the_minimum():
    first, second = pair()
    one, other = block(), block()
    first.put_many([one, other])
    second.put_many([one])
    asked = [one[0], other[0]]
    assert MirrorStore([first, second]).has_many(asked) == set(asked)
    assert MirrorStore([first, second], minimum=2).has_many(asked) == {one[0]}


def test_no_place_answering_is_an_error_not_an_empty_store():
    stores = pair()
    mirror = MirrorStore(stores)
    mirror.put_many([block()])
    assert len(list(mirror.iter())) == 1
    for store in stores:
        store.fail(DOWN)
    for ask in (lambda: list(mirror.iter()), lambda: mirror.has_many([block()[0]])):
        with pytest.raises(StorageError, match="no store of the mirror can be read"):
            ask()


def test_a_deletion_that_one_place_missed_is_told_and_done_elsewhere():
    first, second = pair()
    mirror = MirrorStore([first, second])
    cid, data = block()
    mirror.put_many([(cid, data)])
    first.fail(DOWN)
    with pytest.raises(StorageError, match="not deleted everywhere: that place does not answer"):
        mirror.delete([cid])
    assert (cid in first.inner.blocks, cid in second.inner.blocks) == (True, False)


def test_a_source_is_read_after_the_stores_heals_them_and_is_never_written():
    first, source = pair("first", "source")
    mirror = MirrorStore([first], sources=[source])
    near, far, new = block(), block(), block()
    first.put_many([near])
    source.put_many([far])
    puts = source.puts
    assert list(mirror.get_many([near[0], far[0]])) == [near, far]
    mirror.put_many([new])
    assert first.inner.blocks == dict([near, far, new])
    assert (source.inner.blocks, source.puts) == (dict([far]), puts)
    mirror.delete([far[0]])
    assert set(mirror.iter()) == {near[0], new[0]}
    assert far[0] in source.inner.blocks
    assert MirrorStore([first, source]).has_many([far[0]]) == {far[0]}  # as a store it would count
    assert mirror.has_many([far[0], near[0]]) == {near[0]}


def test_a_source_that_lacks_a_block_is_no_trouble_and_one_that_alters_it_is():
    first, one, other = pair("first", "one", "other")
    mirror = MirrorStore([first], sources=[one, other])
    cid, data = block()
    other.put_many([(cid, data)])
    assert get_block(mirror, cid) == data
    assert [trouble.place for trouble in mirror.troubles] == ["lying first"]
    mirror.clear_troubles()
    first.lose(cid)
    one.put_many([(cid, data)])
    one.alter(cid)
    assert get_block(mirror, cid) == data
    assert [trouble.place for trouble in mirror.troubles] == ["lying first", "lying one"]
    assert one.inner.blocks == {cid: data} and one.puts == 1


def test_sources_alone_make_a_mirror_that_is_only_read():
    first, second = pair()
    mirror = MirrorStore([], sources=[first, second])
    one, other = block(), block()
    second.put_many([one])
    assert get_block(mirror, one[0]) == one[1]
    assert (mirror.has_many([one[0], other[0]]), list(mirror.iter())) == ({one[0]}, [one[0]])
    for refused in (lambda: mirror.put_many([other]), lambda: mirror.delete([one[0]])):
        with pytest.raises(StorageError, match="is read only"):
            refused()
    with pytest.raises(BlockMissing):
        get_block(mirror, other[0])
    with pytest.raises(InputError, match="no place"):
        MirrorStore([])


def test_a_place_that_lacks_many_blocks_is_asked_for_them_once():
    class Counting(MemoryStore):
        asked = 0

        def _fetch(self, cids):
            self.asked += 1
            return super()._fetch(cids)

    sparse, full = Counting("sparse"), MemoryStore("full")
    blocks = [block() for _ in range(200)]
    sparse.put_many(blocks[50:60])
    full.put_many(blocks)
    assert list(MirrorStore([sparse, full]).get_many(cid for cid, _ in blocks)) == blocks
    assert sparse.asked == 2
    assert sparse.blocks == dict(blocks)
