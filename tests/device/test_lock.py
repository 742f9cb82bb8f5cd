"""One operation at a time: between processes, between threads, and after a process died."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from memsync.device import lock as lock_module
from memsync.device.lock import Holder, VaultLock
from memsync.errors import StorageError

HOLDING = """
import pathlib, sys
from memsync.device.lock import VaultLock
with VaultLock(pathlib.Path(sys.argv[1])).hold("push"):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


@pytest.fixture
def other(path: Path):
    """Another process that has the lock until it reads a line."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdin is not None
    assert child.stdout.readline() == "held\n"
    yield child
    child.kill()
    child.wait()
    child.stdin.close()
    child.stdout.close()


def test_another_process_is_named_to_who_gives_up(path: Path, other):
    with (
        pytest.raises(StorageError, match=rf"in use by process {other.pid} \(memsync push\)"),
        VaultLock(path).hold("pull", timeout=0.1),
    ):
        pass


def test_who_waits_long_is_told_the_holder_once_and_then_gets_it(path: Path, other, monkeypatch):
    monkeypatch.setattr(lock_module, "PATIENCE", 0.05)
    told: list[Holder] = []

    def waiting(holder: Holder) -> None:
        told.append(holder)
        other.stdin.write("\n")
        other.stdin.flush()

    with VaultLock(path).hold("pull", waiting=waiting):
        assert VaultLock(path).holder().pid == os.getpid()
    assert [(holder.pid, holder.doing) for holder in told] == [(other.pid, "push")]


def test_nobody_is_told_anything_when_the_lock_is_free(path: Path, monkeypatch):
    monkeypatch.setattr(lock_module, "PATIENCE", 0.0)
    told: list[Holder] = []
    with VaultLock(path).hold("pull", waiting=told.append):
        pass
    assert told == []


def test_a_process_that_died_holds_nothing(path: Path, other):
    other.kill()
    other.wait()
    with VaultLock(path).hold("pull", timeout=5):
        assert VaultLock(path).holder().doing == "pull"


def test_a_thread_may_take_it_again_and_keeps_it_until_the_outer_end(path: Path):
    lock = VaultLock(path)
    with lock.hold("push"):
        with lock.hold("pull"):
            pass
        with pytest.raises(StorageError), VaultLock(path).hold("x", timeout=0.05):
            pass
    with VaultLock(path).hold("x", timeout=1):
        pass


@pytest.mark.parametrize("locks", ["one lock", "a lock each"])
def test_threads_wait_for_each_other(path: Path, locks: str):
    one = VaultLock(path)
    inside = overlaps = 0

    def work() -> None:
        nonlocal inside, overlaps
        for _ in range(20):
            with (one if locks == "one lock" else VaultLock(path)).hold("count"):
                inside += 1
                overlaps += inside != 1
                threading.Event().wait(0.0005)
                inside -= 1

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert overlaps == 0


def test_an_error_inside_frees_it(path: Path):
    lock = VaultLock(path)
    with pytest.raises(RuntimeError), lock.hold("push"):
        raise RuntimeError
    with VaultLock(path).hold("pull", timeout=1):
        pass


def test_it_holds_no_more_than_pid_verb_and_time(path: Path):
    with VaultLock(path).hold("push"):
        holder = VaultLock(path).holder()
        assert path.stat().st_size < 100
    assert (holder.pid, holder.doing) == (os.getpid(), "push")
    assert path.read_bytes() == b""
    assert str(VaultLock(path).holder()) == "another process"


def test_a_lock_that_cannot_be_made_is_named(tmp_path: Path):
    with (
        pytest.raises(StorageError, match=r"lock .* can't be taken"),
        VaultLock(tmp_path / "no" / "lock").hold("push"),
    ):
        pass


ON_A_FULL_DISK = """
import pathlib, resource, sys
from memsync.device.lock import VaultLock
lock = VaultLock(pathlib.Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
with lock.hold("push"):
    print(lock.holder())
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
with lock.hold("push", timeout=0):
    print(lock.holder().doing)
"""


def test_a_full_disk_takes_the_note_of_the_holder_and_not_the_lock(path: Path):
    done = subprocess.run(
        [sys.executable, "-c", ON_A_FULL_DISK, str(path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "another process\npush\n"
