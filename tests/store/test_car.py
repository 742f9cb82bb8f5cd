"""CAR files out, in, and as a store: whole or not at all."""

import os
from pathlib import Path

import pytest

from memsync.errors import BlockMissing, FormatError, StorageError
from memsync.ipld.car import read_complete
from memsync.ipld.cid import CID
from memsync.store import CarStore, DirectoryStore, export_car, get_block, import_car
from memsync.testing import LyingStore, MemoryStore


def block(size: int = 4096) -> tuple[CID, bytes]:
    data = os.urandom(size)
    return CID.of(data), data


@pytest.fixture
def full() -> MemoryStore:
    store = MemoryStore()
    store.put_many([block() for _ in range(20)] + [block(262_144)])
    return store


def test_what_is_exported_is_imported(full: MemoryStore, tmp_path: Path):
    cids = list(full.iter())
    assert export_car(full, cids, tmp_path / "out.car", roots=cids[:1]) == 21
    other = DirectoryStore(tmp_path / "blocks")
    done = import_car(tmp_path / "out.car", other, needed=cids)
    assert (done.roots, done.blocks) == (tuple(cids[:1]), 21)
    assert dict(other.get_many(cids)) == full.blocks
    with (tmp_path / "out.car").open("rb") as file:
        assert read_complete(file.read, cids) == full.blocks


def test_only_the_blocks_named_are_exported(full: MemoryStore, tmp_path: Path):
    some = list(full.iter())[:3]
    export_car(full, some, tmp_path / "out.car")
    assert set(CarStore(tmp_path / "out.car").iter()) == set(some)


def test_a_car_cut_anywhere_brings_nothing(full: MemoryStore, tmp_path: Path):
    cids = list(full.iter())
    whole = tmp_path / "whole.car"
    export_car(full, cids, whole)
    data = whole.read_bytes()
    sizes = [0, 1, 30, 5000, len(data) // 2, len(data) - 1]
    for size in sizes:
        (tmp_path / "cut.car").write_bytes(data[:size])
        other = MemoryStore()
        with pytest.raises(FormatError):
            import_car(tmp_path / "cut.car", other, needed=cids)
        assert other.blocks == {}
    other = MemoryStore()
    import_car(whole, other, needed=cids)
    assert other.blocks == full.blocks


def test_a_car_cut_between_blocks_is_whole_in_itself_but_lacks_what_is_needed(
    full: MemoryStore, tmp_path: Path
):
    cids = list(full.iter())
    export_car(full, cids[:-1], tmp_path / "short.car")
    other = MemoryStore()
    with pytest.raises(FormatError, match=str(cids[-1])) as caught:
        import_car(tmp_path / "short.car", other, needed=cids)
    assert (caught.value.what, caught.value.fault) == ("car", "missing")
    assert other.blocks == {}
    import_car(tmp_path / "short.car", other, needed=cids[:-1])
    assert len(other.blocks) == 20


def test_a_car_with_an_altered_block_brings_nothing(full: MemoryStore, tmp_path: Path):
    export_car(full, full.iter(), tmp_path / "out.car")
    data = bytearray((tmp_path / "out.car").read_bytes())
    data[-1] ^= 1
    (tmp_path / "out.car").write_bytes(data)
    other = MemoryStore()
    with pytest.raises(FormatError):
        import_car(tmp_path / "out.car", other)
    assert other.blocks == {}


@pytest.mark.parametrize("lie", ["lose", "alter"])
def test_an_export_that_fails_leaves_the_older_file_as_it_was(lie: str, full: MemoryStore, tmp_path: Path):
    path = tmp_path / "out.car"
    cids = list(full.iter())
    liar = LyingStore(full)
    export_car(liar, cids, path)
    before = path.read_bytes()
    getattr(liar, lie)(cids[-1])
    with pytest.raises((BlockMissing, FormatError), match=str(cids[-1])):
        export_car(liar, cids, path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["out.car"]


def test_a_car_store_sees_what_another_wrote(tmp_path: Path):
    mine, theirs = CarStore(tmp_path / "x.car"), CarStore(tmp_path / "x.car")
    one, other = block(), block()
    mine.put_many([one])
    assert list(theirs.iter()) == [one[0]]
    theirs.put_many([other])
    assert dict(mine.get_many([one[0], other[0]])) == dict([one, other])


def test_a_car_store_keeps_its_roots(tmp_path: Path):
    one, other = block(), block()
    store = CarStore(tmp_path / "x.car", roots=[one[0]])
    store.put_many([one])
    again = CarStore(tmp_path / "x.car")
    again.put_many([other])
    again.delete([other[0]])
    assert CarStore(tmp_path / "x.car").roots == (one[0],)
    assert get_block(again, one[0]) == one[1]


def test_a_file_that_is_no_car_is_named(tmp_path: Path):
    (tmp_path / "x.car").write_text("a diary")
    with pytest.raises(FormatError):
        list(CarStore(tmp_path / "x.car").iter())
    assert (tmp_path / "x.car").read_text() == "a diary"


def test_a_car_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(StorageError, match=r"CAR file .*none\.car can't be read: no such file"):
        import_car(tmp_path / "none.car", MemoryStore())
    with pytest.raises(StorageError, match=r"CAR file .*x\.car can't be written"):
        export_car(MemoryStore(), [], tmp_path / "nowhere" / "x.car")
