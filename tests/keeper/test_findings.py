"""What was found by attacking the keeper, each as a test of what must be instead."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from memsync.errors import InputError, MemSyncError, NotOpen
from memsync.keeper.client import NoKeeper
from memsync.keeper.held import Open
from memsync.keeper.house import House
from memsync.keeper.process import running
from memsync.keeper.socket_path import socket_path
from tests.keeper.test_keeper import runs, wait_until
from tests.people import PASSPHRASE, Person


def test_calls_go_on_with_the_vault_they_have_and_new_ones_get_none(person: Person):
    held = Open(person.home)
    held.unlock_vault("default", PASSPHRASE)
    with held.open_vault("default", None, None) as vault:
        held.let_go("default")
        vault.remember("Still written.")
        with pytest.raises(NotOpen), held.open_vault("default", None, None):
            pass
    with pytest.raises(MemSyncError):  # closed by the last that had it
        vault.count()
    with person.opened() as vault:
        assert vault.count() == 1


def test_nothing_is_written_to_a_vault_that_was_put_away_and_made_anew(person: Person):
    person.unlock()
    person.says("remember", "In the old one.")
    shutil.move(person.home / "vaults" / "default", person.folder / "put-away")
    person.make_vault()
    person.says("remember", "In the new one.")
    with person.opened() as vault:
        assert [memory.text for memory in vault.memories()] == ["In the new one."]
    person.says("unlock")
    assert [one["text"] for one in person.gets("list")["memories"]] == ["In the new one."]


def test_a_key_of_the_settings_that_is_wrong_ends_no_keeper_and_still_lets_it_be_locked(person: Person):
    pid = person.unlock()
    (person.home / "config.toml").write_text('idle = "soon"\n')
    time.sleep(2.5)  # it looks at the settings once a second
    assert runs(pid)
    assert person.asks("about")["idle_after"] == 8 * 3600
    assert "no span of time" in person.fails(2, "list")
    person.says("lock", "--all")
    wait_until(lambda: not runs(pid))


@contextmanager
def chain_that_never_answers() -> Iterator[str]:
    """The URL of an RPC that takes every connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


SHORT_GRACE = """
import sys
from memsync.keeper import house
from memsync.keeper.process import main
house.GRACE = 3
main()
"""


def test_a_chain_that_never_answers_keeps_nobody_from_local_verbs_nor_from_locking(person: Person):
    keeper = subprocess.Popen([sys.executable, "-c", SHORT_GRACE, str(person.home)])
    wait_until(lambda: running(person.home))
    person.asks("unlock", passphrase=PASSPHRASE)
    ends: list[Exception] = []

    def push(url: str) -> None:
        with pytest.raises(MemSyncError) as caught:
            person.asks("push", network=url)
        ends.append(caught.value)

    with chain_that_never_answers() as url:
        pushing = [threading.Thread(target=push, args=(url,)) for _ in range(2)]
        for one in pushing:
            one.start()
        time.sleep(3)
        assert person.asks("remember", text="Meanwhile.")["memory"]
        assert person.asks("lock") == {"vaults": [], "keys": []}
        with pytest.raises(NoKeeper):
            person.asks("list")
        assert keeper.wait(20) == 0
        for one in pushing:
            one.join()
    assert len(ends) == 2
    assert "broken off" in (person.home / "keeper" / "log").read_text()
    assert person.gets("list")["count"] == 1


def test_what_waits_behind_another_call_when_the_keeper_ends_is_told_so(tmp_path: Path):
    house, said = House(tmp_path), []
    first, second = threading.Event(), threading.Event()

    async def both() -> None:
        async def ask(work: Callable[[], object]) -> None:
            said.append(await house.on_main_thread(work))

        waiting = asyncio.gather(ask(lambda: (first.set(), second.wait(10))), ask(lambda: "its turn"))
        await asyncio.to_thread(first.wait, 10)
        house.ended = True
        second.set()
        await waiting

    asking = threading.Thread(target=lambda: asyncio.run(both()))
    asking.start()
    house.live()
    asking.join(10)
    assert said[1:] == ["its turn"]


def test_one_that_is_started_where_the_socket_is_out_of_sight_ends_by_itself(person: Person):
    code = "import memsync.keeper.process as p; p.PATIENCE = 1; p.main()"
    folder = person.home / "keeper"
    folder.mkdir(mode=0o700)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run([sys.executable, "-c", code, str(person.home)], check=False, timeout=30)
    assert done.returncode == 0


class Answering:
    """Something at the keeper's socket that gives each caller this answer."""

    def __init__(self, home: Path, answer: bytes) -> None:
        self.path, self._answer = socket_path(home), answer
        self.path.parent.mkdir(mode=0o700)

    def __enter__(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + self._answer)

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.path.unlink()


@pytest.mark.parametrize(
    "answer", [b"Not Found", b"[]", b"{}", b'{"ok": false}', b'{"ok": false, "error": 5}', b"\xff"]
)
def test_what_no_keeper_of_this_release_says_is_told_in_one_line(person: Person, answer: bytes):
    with Answering(person.home, answer):
        assert "of another release" in person.fails(7, "list")


AS_NOBODY = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(sys.argv[1])
    listener.listen()
    print("ready", flush=True)
    connection, _ = listener.accept()
    print(connection.recv(65536))
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_who_answers_at_the_socket_is_told_nothing(person: Person):
    path = socket_path(person.home)
    path.parent.mkdir()
    for one in path.parents[:4]:
        one.chmod(0o777)
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", AS_NOBODY, str(path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
        os.chown(path, os.getuid(), os.getgid())  # as if it had taken the place of one of ours
        with pytest.raises(InputError, match="another user answers"):
            person.asks("unlock", passphrase=PASSPHRASE)
        assert other.stdout.read() == "b''\n"
