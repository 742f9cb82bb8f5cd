"""The keeper: unlocked once, one for each user, turned off by idleness, and nothing lost when it is killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from memsync.errors import InputError, LockedError, MemSyncError, NotFoundError, NotOpen, WrongPassphrase
from memsync.keeper.client import NoKeeper, call
from memsync.keeper.socket_path import LONGEST, socket_path
from memsync.vault import Vault
from tests.people import PASSPHRASE, Person, short_folder


def wait_until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.02)


def runs(pid: int) -> bool:
    """Whether any thread of it lives; its first may have ended before the others."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == 0
    except ChildProcessError:
        tasks = Path(f"/proc/{pid}/task").glob("*/stat")
        return any(_state(task) not in ("Z", "X", "") for task in tasks)


def _state(task: Path) -> str:
    try:
        return task.read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


def test_once_unlocked_every_command_works_without_the_passphrase(person: Person):
    pid = person.unlock()
    person.forgets_the_passphrase()
    memory = person.says("remember", "The tide turns at noon.").strip()
    assert "noon" in person.says("recall", "tide")
    assert "noon" in person.types("recall", "tide").stdout
    assert person.gets("get", memory[:10])["memory"]["text"] == "The tide turns at noon."
    assert person.asks("about")["vaults"] == ["default"]
    assert person.says("lock") == "locked\n"
    wait_until(lambda: not runs(pid))
    assert "can't be read" in person.fails(2, "recall", "tide")


def test_a_keeper_and_no_keeper_say_the_same(person: Person):
    person.says("remember", "The tide turns at noon.", "--tag", "novel")
    alone = [person.gets(*args) for args in (("list",), ("scope", "list"), ("status",), ("recall", "tide"))]
    errors = [person.fails(4, "get", "00ff"), person.fails(4, "remember", "x", "--scope", "nowhere")]
    person.unlock()
    assert [
        person.gets(*args) for args in (("list",), ("scope", "list"), ("status",), ("recall", "tide"))
    ] == alone
    assert [person.fails(4, "get", "00ff"), person.fails(4, "remember", "x", "--scope", "nowhere")] == errors


def test_a_wrong_passphrase_opens_nothing_and_leaves_no_keeper(person: Person):
    (person.folder / "passphrase").write_text("wrong\n")
    assert "passphrase" in person.fails(3, "unlock")
    wait_until(lambda: not socket_path(person.home).exists())
    with pytest.raises(NoKeeper):
        person.asks("about")
    assert "no vault 'other'" in person.fails(4, "unlock", "--vault", "other")


def test_a_wrong_passphrase_for_a_second_vault_leaves_the_first_open(person: Person):
    person.unlock()
    with pytest.raises(WrongPassphrase):
        person.asks("unlock", vault="default", passphrase="wrong")
    assert person.asks("about")["vaults"] == ["default"]
    with pytest.raises(NotFoundError):
        person.asks("unlock", vault="other", passphrase="wrong")
    Vault.create("other", passphrase="x", home=person.home).close()
    with pytest.raises(NotOpen):
        person.asks("list", vault="other")


def test_two_that_unlock_at_once_are_one_keeper(person: Person):
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "memsync", "unlock", "--json"],
            env=os.environ | person.env,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    pids = {json.loads(one.communicate()[0])["pid"] for one in started}
    assert len(pids) == 1
    assert runs(*pids)


def test_a_killed_keeper_has_lost_nothing(person: Person):
    pid = person.unlock()
    kept = [person.says("remember", f"Memory {number}.").strip() for number in range(5)]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not runs(pid))
    assert {one["id"] for one in person.gets("list")["memories"]} == set(kept)
    assert person.unlock() != pid
    person.forgets_the_passphrase()
    assert person.gets("list")["count"] == 5


def test_a_keeper_killed_in_the_middle_of_a_call_leaves_all_or_nothing(person: Person):
    for _ in range(3):
        pid = person.unlock()
        caller = threading.Thread(target=lambda: person.types("remember", "Perhaps."))
        caller.start()
        time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
        caller.join()
        wait_until(lambda pid=pid: not runs(pid))
    with person.opened() as vault:
        assert vault.count() == sum(1 for _ in vault.memories())


def test_unused_for_the_idle_time_it_locks_by_itself(person: Person):
    person.says("config", "set", "idle", "2s")
    pid = person.unlock()
    for _ in range(4):  # used, it stays
        time.sleep(0.8)
        person.says("list")
    assert runs(pid)
    wait_until(lambda: not runs(pid))
    assert "idle for" in (person.home / "keeper" / "log").read_text()


def test_the_socket_is_for_its_user_alone(person: Person):
    person.unlock()
    path = socket_path(person.home)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


AS_NOBODY = """
import os, socket, sys
os.setgid(65534); os.setuid(int(sys.argv[2]))
with socket.socket(socket.AF_UNIX) as connection:
    connection.settimeout(5)
    connection.connect(sys.argv[1])
    try:
        connection.sendall(b"POST /v1/about HTTP/1.0\\r\\nContent-Length: 0\\r\\n\\r\\n")
        print(connection.recv(1000)[:15])
    except (BrokenPipeError, ConnectionResetError):
        print(b"")
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_another_user_is_turned_away_even_where_the_file_lets_it_in(person: Person):
    person.unlock()
    path = socket_path(person.home)
    for one in (*path.parents[:4], path):
        one.chmod(0o777)

    def asked_by(uid: int) -> str:
        return subprocess.run(
            [sys.executable, "-I", "-S", "-c", AS_NOBODY, str(path), str(uid)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert asked_by(65534) == "b''\n"
    assert asked_by(os.getuid()) == "b'HTTP/1.1 200 OK'\n"
    assert "another user was turned away" in (person.home / "keeper" / "log").read_text()


def test_a_command_does_not_tell_the_passphrase_to_something_that_is_no_socket(person: Person):
    path = socket_path(person.home)
    path.parent.mkdir(mode=0o700)
    path.write_text("a trap")
    assert "is not this user's socket" in person.fails(2, "list")
    path.unlink()


def test_its_memory_can_not_be_dumped():
    code = """
import ctypes, resource
from memsync.hardening import harden
asked = lambda: (ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE)[0])
resource.setrlimit(resource.RLIMIT_CORE, (1000, 1000))
print(asked()); harden(); print(asked())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "(1, 1000)\n(0, 0)\n"


def test_a_running_keeper_is_hardened(person: Person):
    pid = person.unlock()
    [core] = [line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if "core file" in line]
    assert core.split()[4:6] == ["0", "0"]


def test_no_secret_is_on_the_disk_while_it_is_open(person: Person):
    pid = person.unlock()
    person.says("remember", "The safe is behind the map.")
    os.kill(pid, signal.SIGSTOP)
    with person.opened() as vault:
        secrets = [vault._secrets.database, vault._secrets.device, vault.words.encode(), PASSPHRASE.encode()]
    secrets += [secret.hex().encode() for secret in secrets[:2]] + [b"behind the map"]

    def on_disk() -> int:
        files = [file.read_bytes() for file in person.home.rglob("*") if file.is_file()]
        return sum(secret in data for data in files for secret in secrets)

    assert on_disk() == 0
    (person.home / "keeper" / "planted").write_bytes(b"x" * 999 + secrets[0] + secrets[-1])
    assert on_disk() == 2
    os.kill(pid, signal.SIGCONT)


def test_the_log_says_what_was_done_and_nothing_about_what(person: Person):
    person.unlock()
    memory = person.says("remember", "The safe is behind the map.", "--tag", "canary").strip()
    person.says("recall", "where is the safe")
    person.says("scope", "add", "secretplans")
    person.run("get", "00ff")
    person.run("remember", "x", "--scope", "nowhere")
    log = (person.home / "keeper" / "log").read_text()
    assert "remember ok" in log
    assert "get NotFoundError" in log
    words = (
        "safe",
        "map",
        "canary",
        "secretplans",
        "nowhere",
        "00ff",
        memory,
        memory[:8],
        str(person.home),
        "0x",
        "bafk",
    )
    assert [word for word in words if word in log] == []
    assert len(log.splitlines()) >= 7


def test_a_fault_of_its_own_is_one_line_and_does_not_end_it(person: Person):
    person.unlock()
    with person.opened() as vault:
        vault._replica.database.run("DROP TABLE scope")
    with pytest.raises(MemSyncError, match="a fault of MemSync's own"):
        person.asks("scope list")
    assert person.asks("about")["vaults"] == ["default"]
    log = (person.home / "keeper" / "log").read_text()
    assert "scope list FormatError" in log or "scope list SQLError at " in log
    assert "no such table" not in log


@pytest.mark.parametrize(
    ("verb", "given", "part"),
    [
        ("remember", {}, "needs text"),
        ("remember", {"text": 5}, "must be a text"),
        ("remember", {"text": "x", "colour": "red"}, "takes no 'colour'"),
        ("remember", {"text": "x", "kind": "odd"}, "one of semantic, episodic, procedural"),
        ("remember", {"text": "x", "tags": ["a", 1]}, "a list of texts"),
        ("recall", {"question": "x", "k": True}, "a whole number"),
        ("recall", {"question": "x", "vault": 7}, "'vault' must be a text"),
        ("list", {"stores": "x"}, "'stores' must be a list of texts"),
        ("unlock", {}, "takes vault or key, and passphrase"),
        ("lock", {"everything": True}, "takes vault"),
        ("about", {"x": 1}, "takes nothing"),
    ],
)
def test_an_argument_that_is_not_the_verbs_is_refused_in_one_line(
    person: Person, verb: str, given: dict, part: str
):
    person.unlock()
    with pytest.raises(InputError, match=part):
        person.asks(verb, **given)
    assert person.gets("list")["count"] == 0


def sent(home: Path, request: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(socket_path(home)))
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


@pytest.mark.parametrize(
    ("request_line", "body", "status"),
    [
        (b"POST /v1/list", b"[]", b"400"),
        (b"POST /v1/list", b"{", b"400"),
        (b"POST /v1/list", b"\xff", b"400"),
        (b"POST /v1/list", b"[" * 100_000, b"400"),
        (b"POST /v1/nothing", b"{}", b"404"),
        (b"GET /v1/list", b"", b"405"),
        (b"POST /v1/list", b"{}", b"200"),
    ],
)
def test_what_is_no_call_is_refused_and_the_next_is_served(
    person: Person, request_line: bytes, body: bytes, status: bytes
):
    person.unlock()
    head = request_line + b" HTTP/1.0\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n"
    assert sent(person.home, head + body).split()[1] == status
    assert person.gets("list")["count"] == 0


def test_a_body_without_end_is_cut_off(person: Person):
    person.unlock()
    with pytest.raises(InputError, match="at most 4 MiB"):
        person.asks("remember", text="x" * (5 << 20))


def test_where_the_folders_path_is_too_long_the_socket_is_elsewhere_and_still_private():
    with short_folder() as folder:
        person = Person(Path(folder) / ("long" * 30))
        person.make_vault()
        path = socket_path(person.home)
        assert len(str(path)) <= LONGEST
        assert person.home not in path.parents
        person.unlock()
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        person.forgets_the_passphrase()
        assert person.gets("list")["count"] == 0
        person.leaves()
        wait_until(lambda: not path.exists())
        path.parent.rmdir()


def test_progress_comes_before_the_answer(person: Person, tmp_path: Path):
    from memsync.intake import write_sample_export

    person.unlock()
    told: list[tuple[str, int, int | None]] = []
    export = write_sample_export(tmp_path / "export.zip")
    found = call(
        "import",
        {"format": "chatgpt", "file": str(export)},
        person.home,
        progress=lambda *one: told.append(one),
    )
    assert found["report"]["memories"] == 351
    assert told
    assert told[-1][0] == "taking in memories"
    assert told[-1][1] == 351


def test_without_a_keeper_an_open_descriptor_gives_the_passphrase(person: Person):
    person.forgets_the_passphrase()
    del person.env["MEMSYNC_PASSPHRASE_FILE"]
    read, write = os.pipe()
    os.write(write, PASSPHRASE.encode() + b"\n")
    os.close(write)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MEMSYNC_")}
    done = subprocess.run(
        [sys.executable, "-m", "memsync", "list", "--json"],
        env={**clean, **person.env, "MEMSYNC_PASSPHRASE_FD": str(read)},
        pass_fds=[read],
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(read)
    assert json.loads(done.stdout)["count"] == 0
    person.env["MEMSYNC_PASSPHRASE_FD"] = "77"
    assert "no open descriptor" in person.fails(2, "list")
    assert LockedError.exit_code == 3
