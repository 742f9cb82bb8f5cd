"""The badly behaved store must be good until told, and then as bad as told: other tests stand on it."""

import os

import pytest

from memsync.errors import BlockMissing, FormatError, StorageError
from memsync.ipld.cid import CID
from memsync.store import checked, get_block
from memsync.testing import LyingStore, MemoryStore


@pytest.fixture
def told():
    store = LyingStore(MemoryStore())
    blocks = [(CID.of(data), data) for data in (os.urandom(4096) for _ in range(2))]
    store.put_many(blocks)
    assert list(store.get_many(cid for cid, _ in blocks)) == blocks
    return store, blocks


def test_unchecked_it_hands_out_what_is_not_the_block(told):
    store, [(one, data), (other, other_data)] = told
    store.alter(one)
    [(_, got)] = store.get_many([one])
    assert got != data
    store.behave()
    store.swap(one, other)
    assert [got for _, got in store.get_many([one, other])] == [other_data, data]


def test_checked_every_lie_is_a_named_error(told):
    store, [(one, data), (other, _)] = told
    safe = checked(store)
    for lie, error in (
        (store.lose, BlockMissing),
        (store.withhold, BlockMissing),
        (store.alter, FormatError),
    ):
        lie(one)
        with pytest.raises(error, match=str(one)):
            get_block(safe, one)
        store.behave()
        assert get_block(safe, one) == data
    store.swap(one, other)
    with pytest.raises(FormatError):
        get_block(safe, one)


def test_it_says_it_has_what_it_withholds_and_not_what_it_lost(told):
    store, [(one, _), (other, _)] = told
    store.withhold(one)
    assert store.has_many([one, other]) == {one, other}
    store.lose(one)
    assert store.has_many([one, other]) == {other}
    assert list(store.iter()) == [other]


def test_dropped_puts_report_success(told):
    store, _ = told
    data = os.urandom(4096)
    store.drop_puts()
    store.put_many([(CID.of(data), data)])
    assert store.has_many([CID.of(data)]) == set()
    store.behave()
    store.put_many([(CID.of(data), data)])
    assert store.has_many([CID.of(data)]) == {CID.of(data)}


def test_a_failure_is_raised_by_every_call(told):
    store, [(one, _), _] = told
    store.fail(StorageError("gone"))
    for call in (
        lambda: store.put_many([]),
        lambda: list(store.get_many([one])),
        lambda: store.has_many([one]),
        lambda: store.delete([one]),
        lambda: list(store.iter()),
    ):
        with pytest.raises(StorageError, match="gone"):
            call()
