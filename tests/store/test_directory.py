"""A directory of blocks: what lies on the disk, and what a crash, a full disk or a stranger's file does to it."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from memsync.errors import FormatError, StorageError
from memsync.ipld.cid import CID
from memsync.store import DirectoryStore, get_block


def block(size: int = 4096) -> tuple[CID, bytes]:
    data = os.urandom(size)
    return CID.of(data), data


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_block_is_a_file_that_sha256sum_can_check(tmp_path: Path):
    cid, data = block()
    DirectoryStore(tmp_path).put_many([(cid, data)])
    [file] = files(tmp_path)
    assert file.relative_to(tmp_path).parts == (cid.digest[:1].hex(), str(cid))
    assert hashlib.sha256(file.read_bytes()).digest() == cid.digest


def test_nothing_is_made_before_the_first_put(tmp_path: Path):
    store = DirectoryStore(tmp_path / "blocks")
    assert not list(store.iter())
    assert store.has_many([block()[0]]) == set()
    assert not (tmp_path / "blocks").exists()
    store.put_many([block()])
    assert (tmp_path / "blocks").is_dir()


def test_no_temporary_file_is_left(tmp_path: Path):
    store = DirectoryStore(tmp_path)
    blocks = [block() for _ in range(600)]
    store.put_many(blocks)
    assert {file.name for file in files(tmp_path)} == {str(cid) for cid, _ in blocks}


def test_a_block_that_went_bad_is_healed_by_putting_it_again(tmp_path: Path):
    store = DirectoryStore(tmp_path)
    cid, data = block()
    store.put_many([(cid, data)])
    files(tmp_path)[0].write_bytes(b"rot")
    with pytest.raises(FormatError):
        get_block(store, cid)
    store.put_many([(cid, data)])
    assert get_block(store, cid) == data


def test_files_that_are_no_blocks_are_left_alone(tmp_path: Path):
    store = DirectoryStore(tmp_path)
    cid, data = block()
    store.put_many([(cid, data)])
    shelf = tmp_path / cid.digest[:1].hex()
    strangers = [
        tmp_path / "README",
        tmp_path / ".stfolder",
        shelf / f"{cid}.sync-conflict-20260101",
        shelf / "notes.txt",
    ]
    for stranger in strangers:
        stranger.write_text("mine")
    other_shelf = tmp_path / f"{cid.digest[0] ^ 1:02x}"
    other_shelf.mkdir()
    (other_shelf / str(cid)).write_bytes(data)  # a true block on the wrong shelf would never be found by name
    assert list(store.iter()) == [cid]
    store.put_many([block()])
    store.delete([cid])
    assert all(stranger.read_text() == "mine" for stranger in strangers)


def test_only_old_leftovers_of_a_crash_are_swept(tmp_path: Path):
    DirectoryStore(tmp_path).put_many([block()])
    fresh, old = tmp_path / ".incoming-1-aa", tmp_path / ".incoming-1-bb"
    for leftover in (fresh, old):
        leftover.write_bytes(b"half")
    os.utime(old, (time.time() - 2 * 86400,) * 2)
    DirectoryStore(tmp_path).put_many([block()])
    assert fresh.exists()
    assert not old.exists()


PUTTING = """
import os, sys
from memsync.ipld.cid import CID
from memsync.store import DirectoryStore

def endless():
    while True:
        data = os.urandom(65536)
        yield CID.of(data), data
        print("put", flush=True)

DirectoryStore(sys.argv[1]).put_many(endless())
"""


def test_a_process_killed_while_putting_leaves_only_whole_blocks(tmp_path: Path):
    child = subprocess.Popen(
        [sys.executable, "-c", PUTTING, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    for _ in range(700):  # beyond two batches, into the third
        child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    store = DirectoryStore(tmp_path)
    kept = list(store.iter())
    assert len(kept) >= 256
    assert len(list(store.get_many(kept))) == len(kept)
    assert store.has_many(kept) == set(kept)
    cid, data = block()
    store.put_many([(cid, data)])
    assert get_block(store, cid) == data


LIMITED = """
import os, resource, sys
from memsync.errors import StorageError
from memsync.ipld.cid import CID
from memsync.store import DirectoryStore

resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))
small, large = os.urandom(4096), os.urandom(65536)
store = DirectoryStore(sys.argv[1])
store.put_many([(CID.of(small), small)])
try:
    store.put_many([(CID.of(large), large)])
except StorageError as error:
    assert "make room" in str(error) and sys.argv[1] in str(error), error
    assert list(store.iter()) == [CID.of(small)]
    print("refused")
"""


def test_a_file_system_that_takes_no_more_is_named_and_nothing_is_left_behind(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "refused\n"
    assert len(files(tmp_path)) == 1


def test_a_place_that_is_a_file_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        StorageError, match=r"directory .*/file/blocks can't be written: not a directory; check the path"
    ):
        DirectoryStore(tmp_path / "file" / "blocks").put_many([block()])


@pytest.mark.skipif(
    not Path("/sys/kernel").is_dir(), reason="needs Linux's /sys, where nobody may make a folder"
)
def test_a_place_where_nothing_may_be_written_is_named():
    with pytest.raises(StorageError, match=r"can't be written: .*; check who owns it"):
        DirectoryStore("/sys/kernel/memsync").put_many([block()])


def test_two_processes_may_put_the_same_blocks_at_once(tmp_path: Path):
    script = """
import random, sys
from memsync.ipld.cid import CID
from memsync.store import DirectoryStore
chance = random.Random(7)
blocks = [chance.randbytes(4096) for _ in range(400)]
for _ in range(3):
    DirectoryStore(sys.argv[1]).put_many((CID.of(data), data) for data in blocks)
"""
    children = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) for _ in range(2)]
    assert [child.wait() for child in children] == [0, 0]
    store = DirectoryStore(tmp_path)
    kept = list(store.iter())
    assert len(kept) == 400
    assert len(dict(store.get_many(kept))) == 400
    assert len(files(tmp_path)) == 400
