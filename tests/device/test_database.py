"""The encrypted database: its key, its transactions, other processes, a full disk, and what newer versions may do."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import apsw
import pytest

from memsync.device.database import Database
from memsync.device.meta import Meta
from memsync.errors import FormatError, InputError, StorageError

KEY = os.urandom(32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


def names(database: Database) -> list[str]:
    return Meta(database).names()


def test_what_was_kept_is_there_again_under_the_same_key(path: Path):
    first = Database.open(path, KEY)
    Meta(first).put("a", b"1")
    first.close()
    again = Database.open(path, KEY)
    assert Meta(again).get("a") == b"1"
    Meta(again).delete("a")
    assert Meta(again).get("a") is None


def test_another_key_opens_nothing_and_changes_nothing(path: Path):
    first = Database.open(path, KEY)
    Meta(first).put("a", b"1")
    first.close()
    before = path.read_bytes()
    with pytest.raises(FormatError, match="damaged, or of another keystore"):
        Database.open(path, os.urandom(32))
    assert path.read_bytes() == before
    assert names(Database.open(path, KEY)) == ["a"]


def test_a_key_of_another_length_is_refused(path: Path):
    for length in (0, 16, 31, 33):
        with pytest.raises(InputError):
            Database.open(path, bytes(length))
    assert not path.exists()


def read_all(path: Path) -> None:
    database = Database.open(path, KEY)
    database.run("PRAGMA integrity_check")
    database.run("SELECT name, value FROM meta")


def test_one_bit_turned_anywhere_is_noticed(path: Path):
    database = Database.open(path, KEY)
    for at in range(40):
        Meta(database).put(f"{at}", os.urandom(4000))
    database.close()
    whole = path.read_bytes()
    for at in range(4096 * 3, len(whole), 8192 * 3):
        damaged = bytearray(whole)
        damaged[at] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(FormatError, match="damaged"):
            read_all(path)
    path.write_bytes(whole)
    read_all(path)


def test_only_its_user_may_read_it_and_its_log(path: Path):
    old_mask = os.umask(0)
    try:
        database = Database.open(path, KEY)
        Meta(database).put("a", b"1")
        files = sorted(path.parent.iterdir())
        assert [file.name for file in files] == ["vault.db", "vault.db-shm", "vault.db-wal"]
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        database.close()
    finally:
        os.umask(old_mask)


def test_it_flushes_each_commit_and_keeps_temporary_things_in_memory(path: Path):
    database = Database.open(path, KEY)
    wanted: dict[str, int | str] = {
        "synchronous": 2,
        "temp_store": 2,
        "secure_delete": 1,
        "foreign_keys": 1,
        "journal_mode": "wal",
    }
    assert {name: database.run(f"PRAGMA {name}")[0][0] for name in wanted} == wanted


def test_a_transaction_is_all_or_nothing(path: Path):
    database = Database.open(path, KEY)

    def put_both(*, fail: bool) -> None:
        with database.transaction():
            Meta(database).put("a", b"1")
            if fail:
                raise RuntimeError
            Meta(database).put("b", b"2")

    with pytest.raises(RuntimeError):
        put_both(fail=True)
    assert names(database) == []
    put_both(fail=False)
    assert names(database) == ["a", "b"]


def test_an_inner_transaction_that_failed_takes_only_itself_back(path: Path):
    database = Database.open(path, KEY)

    def fail_inside() -> None:
        with database.transaction():
            Meta(database).put("b", b"2")
            with database.transaction():
                Meta(database).put("c", b"3")
            raise RuntimeError

    with database.transaction():
        Meta(database).put("a", b"1")
        with pytest.raises(RuntimeError):
            fail_inside()
        Meta(database).put("d", b"4")
    assert names(database) == ["a", "d"]


def test_a_writing_thread_keeps_others_out_of_its_transaction(path: Path):
    database = Database.open(path, KEY)

    def add(name: str) -> None:
        for at in range(30):
            with database.transaction():
                count = len(names(database))
                Meta(database).put(f"{name}{at}", b"")
                assert len(names(database)) == count + 1

    threads = [threading.Thread(target=add, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names(database)) == 90


WRITING = """
import pathlib, sys
from memsync.device.database import Database
from memsync.device.meta import Meta
database = Database.open(pathlib.Path(sys.argv[1]), bytes.fromhex(sys.argv[2]))
for at in range(int(sys.argv[4])):
    with database.transaction():
        Meta(database).put(f"{sys.argv[3]}{at}", b"x" * 100)
"""


def writer(path: Path, name: str, count: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WRITING, str(path), KEY.hex(), name, str(count)])


def test_processes_that_make_and_write_it_at_once_lose_nothing(path: Path):
    writers = [writer(path, name, 40) for name in "abc"]
    assert [one.wait() for one in writers] == [0, 0, 0]
    assert len(names(Database.open(path, KEY))) == 120


def test_a_foreign_write_is_noticed_and_an_own_one_is_not(path: Path):
    database = Database.open(path, KEY)
    Meta(database).put("mine", b"")
    assert not database.changed_elsewhere()
    assert writer(path, "theirs", 1).wait() == 0
    assert database.changed_elsewhere()
    assert not database.changed_elsewhere()
    assert names(database) == ["mine", "theirs0"]


def test_a_write_that_waits_too_long_for_another_is_named(path: Path):
    one, other = Database.open(path, KEY), Database.open(path, KEY)
    other.run("PRAGMA busy_timeout = 20")
    with one.transaction():
        with pytest.raises(StorageError, match="in use by another process"):
            Meta(other).put("a", b"")
        assert names(other) == []
    Meta(other).put("a", b"")


def test_a_full_disk_is_named_and_leaves_everything_as_it_was(path: Path):
    database = Database.open(path, KEY)
    Meta(database).put("a", b"1")
    [(pages,)] = database.run("PRAGMA page_count")
    database.run(f"PRAGMA max_page_count = {pages}")

    def put_much() -> None:
        with database.transaction():
            Meta(database).put("b", b"2")
            Meta(database).put("c", os.urandom(100_000))

    with pytest.raises(StorageError, match="disk is full; make room"):
        put_much()
    assert names(database) == ["a"]
    database.run("PRAGMA max_page_count = 1000000")
    put_much()
    assert names(database) == ["a", "b", "c"]


def test_a_database_of_a_newer_version_is_left_alone(path: Path):
    database = Database.open(path, KEY)
    database.run("PRAGMA user_version = 999")
    database.close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match="newer MemSync"):
        Database.open(path, KEY)
    assert path.read_bytes() == before


def test_a_folder_in_its_place_is_named(path: Path):
    path.mkdir()
    with pytest.raises(StorageError, match=r"database .* can't be opened"):
        Database.open(path, KEY)


def test_a_closed_one_says_so(path: Path):
    database = Database.open(path, KEY)
    database.close()
    database.close()
    with pytest.raises(StorageError, match="is closed"):
        names(database)


def test_one_in_memory_makes_no_file(path: Path, monkeypatch):
    monkeypatch.chdir(path.parent)
    database = Database.in_memory()
    Meta(database).put("a", b"1")
    assert names(database) == ["a"]
    assert list(path.parent.iterdir()) == []


def test_sqlite_without_the_key_reads_nothing(path: Path):
    database = Database.open(path, KEY)
    Meta(database).put("a", b"1")
    database.close()
    with pytest.raises(apsw.NotADBError):
        apsw.Connection(str(path)).execute("SELECT * FROM meta").fetchall()


def test_a_deleted_secret_is_in_no_file_once_the_log_was_truncated(path: Path):
    database = Database(apsw.Connection(str(path)), "not encrypted, so that the test can look inside")
    secret = os.urandom(32)

    def files_with_it() -> set[str]:
        return {file.name for file in path.parent.iterdir() if secret in file.read_bytes()}

    Meta(database).put("words", secret)
    database.truncate_log()
    assert files_with_it() == {"vault.db"}
    Meta(database).put("words", secret[::-1])
    Meta(database).put("words", secret)
    Meta(database).delete("words")
    assert files_with_it() == {"vault.db", "vault.db-wal"}
    database.truncate_log()
    assert files_with_it() == set()
