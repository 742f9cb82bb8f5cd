"""What every store must do, run over every adapter, each also as a stranger's store inside ``checked``."""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from memsync.errors import BlockMissing, FormatError, InputError, StorageError
from memsync.ipld.cid import CID, DAG_CBOR, RAW
from memsync.store import BlockStore, CarStore, DirectoryStore, MirrorStore, checked, get_block
from memsync.testing import LyingStore, MemoryStore

Made = Callable[[], BlockStore]


class Stranger:
    """Somebody else's store: the port, and no base class of ours."""

    def __init__(self) -> None:
        self.kept: dict[CID, bytes] = {}
        self.place = "a stranger's store"

    def put_many(self, blocks: Iterable[tuple[CID, bytes]]) -> None:
        self.kept.update(blocks)

    def get_many(self, cids: Iterable[CID]) -> Iterator[tuple[CID, bytes]]:
        for cid in cids:
            if cid not in self.kept:
                raise BlockMissing(f"{self.place} has no block {cid}")
            yield cid, self.kept[cid]

    def has_many(self, cids: Iterable[CID]) -> set[CID]:
        return {cid for cid in cids if cid in self.kept}

    def delete(self, cids: Iterable[CID]) -> None:
        for cid in cids:
            self.kept.pop(cid, None)

    def iter(self) -> Iterator[CID]:
        return iter(list(self.kept))


ADAPTERS: dict[str, Callable[[Path], BlockStore]] = {
    "memory": lambda _: MemoryStore(),
    "directory": lambda folder: DirectoryStore(folder / "blocks"),
    "car": lambda folder: CarStore(folder / "vault.car"),
    "mirror of two": lambda folder: MirrorStore(
        [MemoryStore(), DirectoryStore(folder / "second")], minimum=2
    ),
    "mirror with one dead place": lambda folder: MirrorStore([dead(), DirectoryStore(folder / "alive")]),
    "honest liar": lambda _: checked(LyingStore(MemoryStore())),
    "stranger": lambda _: checked(Stranger()),
}


def dead() -> BlockStore:
    store = LyingStore(MemoryStore())
    store.fail(StorageError("that place does not answer"))
    return store


@pytest.fixture(params=ADAPTERS)
def store(request, tmp_path: Path) -> BlockStore:
    return ADAPTERS[request.param](tmp_path)


def block(size: int = 4096, codec: int = RAW) -> tuple[CID, bytes]:
    data = os.urandom(size)
    return CID.of(data, codec), data


def delete(store: BlockStore, cid: CID) -> None:
    """A mirror that could not delete at a dead place says so; the living ones have deleted."""
    if isinstance(store, MirrorStore) and "lying" in store.place:
        with pytest.raises(StorageError, match="not deleted everywhere"):
            store.delete([cid])
    else:
        store.delete([cid])


def test_it_is_a_block_store_and_says_which(store: BlockStore):
    assert isinstance(store, BlockStore)
    assert store.place


def test_what_was_put_comes_back_in_the_order_asked(store: BlockStore):
    blocks = [block(), block(100, DAG_CBOR), block(262_144), block(1)]
    store.put_many(iter(blocks))
    assert list(store.get_many(cid for cid, _ in reversed(blocks))) == blocks[::-1]
    assert get_block(store, blocks[1][0]) == blocks[1][1]


def test_a_block_asked_for_twice_comes_once(store: BlockStore):
    one, other = block(), block()
    store.put_many([one, other])
    assert list(store.get_many([one[0], other[0], one[0]])) == [one, other]


def test_putting_again_changes_nothing(store: BlockStore):
    blocks = [block() for _ in range(3)]
    store.put_many(blocks)
    store.put_many(blocks + blocks)
    assert sorted(store.iter()) == sorted(cid for cid, _ in blocks)
    assert dict(store.get_many(cid for cid, _ in blocks)) == dict(blocks)


def test_an_empty_store_holds_nothing_and_takes_nothing(store: BlockStore):
    assert list(store.iter()) == []
    assert store.has_many([block()[0]]) == set()
    assert list(store.get_many([])) == []
    store.put_many([])
    delete(store, block()[0])
    assert list(store.iter()) == []


def test_a_missing_block_is_named_and_what_came_before_is_good(store: BlockStore):
    kept, lost = block(), block()
    store.put_many([kept])
    answers = store.get_many([kept[0], lost[0]])
    assert next(answers) == kept
    with pytest.raises((BlockMissing, StorageError), match=str(lost[0])):
        next(answers)


def test_a_block_that_no_place_answers_for_is_missing_only_where_all_answered(tmp_path: Path):
    cid, _ = block()
    with pytest.raises(BlockMissing):
        get_block(MirrorStore([MemoryStore(), MemoryStore()]), cid)
    with pytest.raises(StorageError) as caught:
        get_block(MirrorStore([MemoryStore(), dead()]), cid)
    assert not isinstance(caught.value, BlockMissing)


def test_same_bytes_under_two_codecs_are_two_blocks(store: BlockStore):
    data = os.urandom(500)
    raw, cbor = CID.of(data, RAW), CID.of(data, DAG_CBOR)
    store.put_many([(raw, data)])
    assert store.has_many([raw, cbor]) == {raw}
    store.put_many([(cbor, data)])
    assert store.has_many([raw, cbor]) == {raw, cbor}


def test_has_many_tells_what_is_kept_and_no_more(store: BlockStore):
    kept, other, never = block(), block(), block()
    store.put_many([kept, other])
    assert store.has_many([kept[0], never[0]]) == {kept[0]}


def test_a_deleted_block_is_gone_and_no_other(store: BlockStore):
    one, other = block(), block()
    store.put_many([one, other])
    delete(store, one[0])
    assert list(store.iter()) == [other[0]]
    with pytest.raises(StorageError, match=str(one[0])):
        get_block(store, one[0])
    assert get_block(store, other[0]) == other[1]


def test_bytes_under_anothers_name_are_not_taken(store: BlockStore):
    one, other = block(), block()
    with pytest.raises(InputError):
        store.put_many([(one[0], other[1])])
    assert store.has_many([one[0]]) == set()
    store.put_many([one])  # and the right bytes are
    assert get_block(store, one[0]) == one[1]


def test_a_source_that_breaks_off_leaves_a_store_that_works(store: BlockStore):
    blocks = [block() for _ in range(4)]

    def broken() -> Iterator[tuple[CID, bytes]]:
        yield from blocks[:2]
        raise RuntimeError("the reader died")

    with pytest.raises(RuntimeError):
        store.put_many(broken())
    store.put_many(blocks)
    assert dict(store.get_many(cid for cid, _ in blocks)) == dict(blocks)
    assert sorted(store.iter()) == sorted(cid for cid, _ in blocks)


def test_a_thousand_blocks_go_in_and_come_out(store: BlockStore):
    blocks = [block(4096) for _ in range(1000)]
    store.put_many(iter(blocks))
    assert sum(1 for found in store.get_many(cid for cid, _ in blocks) if found in blocks[:1]) == 1
    assert store.has_many(cid for cid, _ in blocks) == {cid for cid, _ in blocks}


SPOILED: dict[str, Callable[[Path], tuple[BlockStore, Callable[[CID, bytes], None]]]] = {}


def spoiled(make):
    SPOILED[make.__name__.replace("_", " ")] = make
    return make


@spoiled
def memory(folder: Path):
    store = MemoryStore()
    return store, store.blocks.__setitem__


@spoiled
def directory(folder: Path):
    store = DirectoryStore(folder / "blocks")

    def write(cid: CID, data: bytes) -> None:
        [file] = (folder / "blocks").rglob(str(cid))
        file.write_bytes(data)

    return store, write


@spoiled
def car(folder: Path):
    store = CarStore(folder / "vault.car")

    def write(cid: CID, data: bytes) -> None:
        whole = (folder / "vault.car").read_bytes()
        old = get_block(store, cid)
        (folder / "vault.car").write_bytes(whole.replace(old, data))

    return store, write


@spoiled
def stranger(folder: Path):
    inner = Stranger()
    return checked(inner), inner.kept.__setitem__


@spoiled
def mirror_of_one(folder: Path):
    inner = MemoryStore()
    return MirrorStore([inner]), inner.blocks.__setitem__


@pytest.mark.parametrize("kind", SPOILED)
@pytest.mark.parametrize("fault", ["altered", "swapped", "cut", "emptied"])
def test_bytes_that_went_bad_are_refused_by_name(kind: str, fault: str, tmp_path: Path):
    store, overwrite = SPOILED[kind](tmp_path)
    one, other = block(), block()
    store.put_many([one, other])
    bad = {
        "altered": one[1][:-1] + bytes([one[1][-1] ^ 1]),
        "swapped": other[1],
        "cut": one[1][:-1],
        "emptied": b"",
    }[fault]
    assert get_block(store, one[0]) == one[1]
    overwrite(one[0], bad)
    with pytest.raises(FormatError) as caught:
        get_block(store, one[0])
    assert caught.value.what in ("block", "car")


def test_a_strangers_answers_out_of_order_are_refused():
    inner = Stranger()
    one, other = block(), block()
    inner.put_many([one, other])
    inner.get_many = lambda cids: iter([other, one])  # type: ignore[method-assign]
    with pytest.raises(FormatError):
        list(checked(inner).get_many([one[0], other[0]]))


def test_a_strangers_operating_system_errors_are_named():
    inner = Stranger()

    def full(blocks):
        raise OSError(28, "No space left on device")

    inner.put_many = full  # type: ignore[method-assign]
    with pytest.raises(StorageError, match="a stranger's store can't be written: no space left"):
        checked(inner).put_many([block()])
