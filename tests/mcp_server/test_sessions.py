"""One session over stdio through all that can happen meanwhile: locked, revoked, renewed, killed, given up; and how it begins and ends."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from memsync.keeper.client import NoKeeper
from memsync.mcp_server.calls import TOGETHER, WAITING
from tests.mcp_server.wire import LAUNCH, PATIENCE, Wire, environment, grant, token
from tests.people import Person, short_folder


@contextlib.contextmanager
def stopped(person: Person) -> Iterator[int]:
    """The keeper's process, which answers nothing meanwhile."""
    pid = person.asks("about")["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def recalled(wire: Wire) -> list[str]:
    return [hit["text"] for hit in wire.call("recall", question="launch")["structuredContent"]["hits"]]


def test_it_starts_before_all_else_and_says_at_each_step_what_to_type():
    with short_folder() as folder:
        person = Person(Path(folder))
        with Wire(person, "--client", "cursor") as wire:
            wire.begin()
            assert len(wire.ask("tools/list")["result"]["tools"]) >= 9
            assert wire.refusal("status").endswith("; have the person say `memsync init`")
            person.make_vault()
            person.says("scope", "add", "work")
            person.says("remember", LAUNCH, "--scope", "work")
            assert wire.refusal("status").endswith(
                "; have the person say `memsync grant cursor --scope SCOPE --for 30d`"
            )
            person.says("client", "token", "cursor")
            assert wire.refusal("status").endswith("; have the person say `memsync unlock`")
            person.unlock()
            try:
                assert wire.call("status")["structuredContent"]["scopes"] == []
                assert "memsync grant cursor --scope" in wire.refusal("recall", question="launch")
                grant(person, "cursor")
                assert recalled(wire) == [LAUNCH]
            finally:
                person.leaves()


def test_without_a_name_or_with_a_token_of_nobody_it_says_so(keeper: Person):
    grant(keeper, "cursor")
    with Wire(keeper) as wire:
        wire.begin()
        assert wire.refusal("status").endswith("; start it as `memsync mcp --client NAME`")
    file = keeper.folder / "a token"
    with Wire(keeper, "--token-file", str(file)) as wire:
        wire.begin()
        said = wire.refusal("status")
        assert "can't be read" in said and str(keeper.folder) not in said
        for content in (b"", b"\n", b"\xff\xfe", b"x" * 2000, b"a\nb"):
            file.write_bytes(content)
            assert "holds no token" in wire.refusal("status")
        file.write_text("memsync_" + "A" * 43)
        assert "opens nothing here" in wire.refusal("status")
        file.write_text(token(keeper, "cursor") + "\n")
        assert recalled(wire) == [LAUNCH]
    with Wire(keeper, MEMSYNC_TOKEN=token(keeper, "cursor")) as wire:
        wire.begin()
        assert recalled(wire) == [LAUNCH]


def test_revoked_renewed_locked_and_unlocked_in_one_session(keeper: Person):
    grant(keeper, "cursor")
    with Wire(keeper, "--client", "cursor") as wire, Wire(keeper, "--client", "cursor") as second:
        for one in (wire, second):
            one.begin()
            assert recalled(one) == [LAUNCH]
        keeper.says("revoke", "cursor")
        for one in (wire, second):
            assert "memsync grant cursor" in one.refusal("recall", question="launch")
        grant(keeper, "cursor")
        assert recalled(wire) == [LAUNCH]
        old = token(keeper, "cursor")
        assert token(keeper, "cursor", "--renew") != old
        for one in (wire, second):
            assert recalled(one) == [LAUNCH]
        with Wire(keeper, MEMSYNC_TOKEN=old) as third:
            third.begin()
            assert "opens nothing here" in third.refusal("status")
        keeper.says("lock")
        assert wire.refusal("recall", question="launch").endswith("; have the person say `memsync unlock`")
        keeper.says("unlock")
        assert recalled(wire) == recalled(second) == [LAUNCH]


def test_a_keeper_killed_in_mid_call_is_a_sentence_and_the_next_keeper_answers(keeper: Person):
    grant(keeper, "cursor")
    with Wire(keeper, "--client", "cursor") as wire:
        wire.begin()
        with stopped(keeper) as pid:
            asked = wire.post_call("recall", question="launch")
            time.sleep(0.5)
            os.kill(pid, signal.SIGKILL)
        found = wire.answer(asked)["result"]
        assert found["isError"] is True
        assert "say" in found["content"][0]["text"] and "Traceback" not in found["content"][0]["text"]
        until = time.monotonic() + PATIENCE
        with contextlib.suppress(NoKeeper):
            while time.monotonic() < until:
                keeper.asks("about")
        assert wire.refusal("status").endswith("; have the person say `memsync unlock`")
        keeper.says("unlock")
        assert recalled(wire) == [LAUNCH]


def test_while_the_keeper_answers_nothing_the_server_does_and_a_call_given_up_is_dropped(keeper: Person):
    grant(keeper, "cursor")
    with Wire(keeper, "--client", "cursor") as wire:
        wire.begin()
        with stopped(keeper):
            calls = [wire.post_call("recall", question=f"launch {number}") for number in range(5)]
            assert wire.ask("ping")["result"] == {}
            assert wire.ask("tools/list")["result"]["tools"]
            wire.send(
                {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": calls[2]}}
            )
            assert wire.ask("ping")["result"] == {}
        for number in (*calls[:2], *calls[3:]):
            assert wire.answer(number)["result"]["structuredContent"]["hits"]
        assert recalled(wire) == [LAUNCH]
        with pytest.raises(queue.Empty):
            wire.answer(calls[2], 0.5)


def test_a_flood_of_calls_is_bounded_and_none_is_lost(keeper: Person):
    grant(keeper, "cursor")
    with Wire(keeper, "--client", "cursor") as wire:
        wire.begin()
        with stopped(keeper):
            calls = [wire.post_call("status") for _ in range(TOGETHER + WAITING + 28)]
            refused = 0
            until = time.monotonic() + PATIENCE
            while refused < 28 and time.monotonic() < until:
                found = json.loads(wire.lines.get(timeout=PATIENCE))
                assert "too many calls at once" in found["result"]["content"][0]["text"]
                calls.remove(found["id"])
                refused += 1
            if sys.platform == "linux":
                threads = len(list(Path(f"/proc/{wire.process.pid}/task").iterdir()))
                assert threads <= TOGETHER + 8
        for number in calls:
            assert wire.answer(number)["result"]["structuredContent"]["client"] == "cursor"


@pytest.mark.skipif(sys.platform != "linux", reason="what a process has loaded is read from /proc")
def test_the_server_holds_no_vault_open_and_loads_nothing_that_could(keeper: Person):
    grant(keeper, "cursor")
    with Wire(keeper, "--client", "cursor") as wire:
        wire.begin()
        assert recalled(wire) == [LAUNCH]
        loaded = Path(f"/proc/{wire.process.pid}/maps").read_text()
        assert not re.search(r"numpy|apsw|sqlite", loaded)
        opened = [str(one.readlink()) for one in Path(f"/proc/{wire.process.pid}/fd").iterdir()]
        assert not [one for one in opened if one.startswith(str(keeper.home))]


STRAY = """
import os, sys, threading, time
def stray():
    while True:
        print("stray"); sys.stdout.flush(); os.system("echo stray of a child"); os.write(1, b"stray bytes\\n"); time.sleep(0.02)
import memsync.mcp_server.stdio as stdio
run = stdio._Wire.run
async def begun(wire):
    threading.Thread(target=stray, daemon=True).start()
    return await run(wire)
stdio._Wire.run = begun
sys.argv[0] = "memsync"
from memsync.cli import main
main()
"""


def test_a_stray_print_does_not_reach_the_client(keeper: Person):
    grant(keeper, "cursor")
    with Wire(keeper, "--client", "cursor", program=STRAY) as wire:
        wire.begin()
        for _ in range(20):
            assert recalled(wire) == [LAUNCH]
        assert wire.end() == 0
        while line := wire.lines.get(timeout=PATIENCE):
            json.loads(line)
    assert b"stray of a child" in wire.said and b"stray bytes" in wire.said


def test_it_ends_with_its_input_once_all_is_answered(keeper: Person):
    grant(keeper, "cursor")
    with Wire(keeper, "--client", "cursor") as wire:
        wire.begin()
        asked = wire.post_call("recall", question="launch")
        assert wire.end() == 0
        assert wire.answer(asked)["result"]["structuredContent"]["hits"]
    assert wire.said == b""
    with Wire(keeper, "--client", "cursor") as wire:
        assert wire.end() == 0
    with Wire(keeper, "--client", "cursor") as wire:
        wire.begin()
        with stopped(keeper):
            wire.post_call("recall", question="launch")
            assert wire.end() == 0


def test_it_ends_when_the_client_reads_no_more(keeper: Person):
    ours, theirs = os.pipe()
    command = [sys.executable, "-m", "memsync", "mcp"]
    with subprocess.Popen(
        command, env=environment(keeper), stdin=subprocess.PIPE, stdout=theirs, stderr=subprocess.PIPE
    ) as process:
        os.close(theirs)
        os.close(ours)
        process.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n' * 2)
        process.stdin.flush()
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_whatever_it_waits_for(keeper: Person, number: int):
    grant(keeper, "cursor")
    with Wire(keeper, "--client", "cursor") as wire:
        wire.begin()
        with stopped(keeper):
            wire.post_call("recall", question="launch")
            assert wire.ask("ping")["result"] == {}
            wire.process.send_signal(number)
            assert wire.process.wait(PATIENCE) == -number
    assert wire.said == b""


@pytest.mark.parametrize(
    ("line", "code", "number"),
    [
        (b"{", -32700, None),
        (b"\xff\xfe", -32700, None),
        (b"[" * 100_000, -32700, None),
        (b"null", -32600, None),
        (b"[]", -32600, None),
        (b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', -32600, None),
        (b'{"jsonrpc": "1.0", "id": 7, "method": "ping"}', -32600, 7),
        (b'{"jsonrpc": "2.0", "id": "x", "method": 5}', -32600, "x"),
        (b'{"jsonrpc": "2.0", "id": "\\ud800", "method": "ping"}', -32600, None),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": "' + b"x" * (5 << 20) + b'"}', -32600, None),
        (b'{"jsonrpc": "2.0", "id": 9, "method": "nothing"}', -32601, 9),
        (b'{"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": {"name": 5}}', -32602, 9),
    ],
    ids=range(12),
)  # fmt: skip
def test_a_line_that_is_no_message_is_answered_and_the_next_one_too(
    keeper: Person, line: bytes, code: int, number: object
):
    with Wire(keeper) as wire:
        wire.begin()
        wire.send(line + b"\n" + b"\n")
        found = wire.answer(number)
        assert found["error"]["code"] == code, found
        assert wire.ask("ping")["result"] == {}


def test_it_tells_what_it_did_on_stderr_if_asked_and_never_what_was_said(keeper: Person):
    grant(keeper, "cursor")
    with Wire(keeper, "--client", "cursor", "--log") as wire:
        wire.begin()
        wire.call("recall", question="xyzzy launch")
        wire.refusal("get", memory="ab" * 16)
        assert wire.end() == 0
    assert re.search(rb"recall ok \d+ ms\n", wire.said) and b"get NotFoundError" in wire.said
    for word in ("xyzzy", "launch", "ninth", "abab", token(keeper, "cursor")):
        assert word.encode() not in wire.said


def test_without_the_sdk_it_says_how_to_install_it(person: Person):
    program = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "mcp" else found(name, *rest)
sys.argv[0] = "memsync"
from memsync.cli import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program, "mcp", "--client", "cursor"],
        env=environment(person),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "memsync: the Model Context Protocol's SDK is not installed; pip install 'memsync[mcp]'\n"
    )


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (("--client", "Cursor IDE"), "client's name"),
        (("--client", "../x"), "client's name"),
        (("--client", "x", "--token-file", "y"), "one of the two"),
        (("--http", "--client", "x"), "brings its token"),
        (("--http", "--host", "0.0.0.0"), "from elsewhere"),  # noqa: S104 - it is refused
        (("--http", "--host", "192.0.2.1"), "from elsewhere"),
        (("--http", "--host", "example.org"), "from elsewhere"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(person: Person, args: tuple[str, ...], word: str):
    assert word in person.fails(2, "mcp", *args)
