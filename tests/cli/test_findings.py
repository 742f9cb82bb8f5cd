"""What was found by attacking the command line, each as a test of what must be instead."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from memsync.chain.naming import without_keys
from memsync.cli.frame import shown
from tests.people import Person


@pytest.fixture
def owner(tmp_path: Path) -> Person:
    person = Person(tmp_path / "person")
    person.make_vault()
    return person


def typed(
    owner: Person, *args: str | bytes, stdin: bytes = b"", before: str = "", **env: str
) -> subprocess.CompletedProcess[bytes]:
    """A command in a process of its own, by bytes; ``before``: what the shell does first, such as closing stderr."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MEMSYNC_")}
    clean.pop("PYTHONUNBUFFERED", None)  # what is written must wait for its flush, as at a user's
    return subprocess.run(
        ["sh", "-c", f'{before} exec "$@"', "sh", sys.executable, "-m", "memsync", *args],
        env={**clean, **owner.env, **env},
        input=stdin,
        capture_output=True,
        check=False,
        cwd=owner.folder,
        timeout=60,
    )


NONSENSE: list[tuple[list[str | bytes], bytes]] = [
    (["history", "--limit", "9" * 30], b""),
    (["grant", "x" * 65536], b""),
    (["grant", b"\xff"], b""),
    (["grant", "-"], b"\xff"),
    (["store", "add", "~nobody-of-this-name/x"], b""),
    (["store", "add", b"/tmp/\xff"], b""),
    (["list", "--store", "~nobody-of-this-name/x"], b""),
    (["list", "--store", "http://127.0.0.1:1", "--token-file", "/dev/zero"], b""),
    (["config", "set", "scope", b"\xff"], b""),
    (["store", "serve", "--token-file", "/nonexistent/x"], b""),
    (["store", "serve", "--public", "--host", "x" * 300], b""),
    (["remember"], b"\xff"),
    (["remember", b"\xff"], b""),
    (["list", "--limit", "x"], b""),
    (["list", "--nothing"], b""),
    (["--nothing"], b""),
    (["scope", "add", "x" * 65536], b""),
]


@pytest.mark.parametrize(("args", "stdin"), NONSENSE, ids=range(len(NONSENSE)))
def test_nonsense_is_one_short_line_or_one_json_object_and_never_a_traceback(
    owner: Person, args: list[str | bytes], stdin: bytes
):
    plain = typed(owner, *args, stdin=stdin)
    assert plain.returncode in (2, 4, 6, 7)
    assert plain.stdout == b""
    assert plain.stderr.startswith(b"memsync: ")
    assert plain.stderr.count(b"\n") == 1
    assert len(plain.stderr) < 5000
    as_json = typed(owner, *args, "--json", stdin=stdin)
    told = json.loads(as_json.stdout)
    assert told["ok"] is False
    assert as_json.returncode == plain.returncode
    assert as_json.stderr == b""


NOWHERE = {"MEMSYNC_HOME": "~nobody-of-this-name/x"}


@pytest.mark.parametrize(
    "env",
    [
        NOWHERE,
        {"MEMSYNC_HOME": "", "XDG_DATA_HOME": "data"},
        {"MEMSYNC_PASSPHRASE_FILE": "/dev/zero"},
        {"MEMSYNC_PASSPHRASE_FILE": "/"},
        {"MEMSYNC_PASSPHRASE_FILE": "~nobody-of-this-name/x"},
        {"MEMSYNC_PASSPHRASE_FD": "9" * 30},
        {"MEMSYNC_PASSPHRASE_FD": "a secret"},
        {"MEMSYNC_VAULT": "../x"},
        {"MEMSYNC_SCOPE": "\x1b[31m"},
        {"MEMSYNC_STORE": "ftp://x"},
    ],
    ids=range(10),
)
def test_variables_with_nonsense_are_one_line(owner: Person, env: dict[str, str]):
    done = typed(owner, "list", "--json", **env)
    assert json.loads(done.stdout)["ok"] is False
    assert done.returncode in (2, 4)
    assert done.stderr == b""
    assert b"a secret" not in done.stdout


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_who_has_closed_a_stream_gets_the_rest(owner: Person, closed: str):
    done = typed(owner, "remember", "A text.", before=f"exec {closed};")
    assert done.returncode == 0
    assert (b"Traceback" in done.stderr, len(done.stdout) > 10) == (
        False,
        ">" not in closed or closed[:2] == "2>",
    )
    assert owner.gets("list")["count"] == 1


def test_a_terminal_that_knows_few_characters_gets_the_rest_and_json_is_ascii(owner: Person):
    owner.says("remember", "Zürich \u202eturned")
    done = typed(owner, "list", PYTHONIOENCODING="koi8-r")
    assert b"Z\\xfcrich" in done.stdout
    told = typed(owner, "list", "--json").stdout
    assert told.isascii()
    assert json.loads(told)["memories"][0]["text"] == "Zürich \u202eturned"


def test_an_end_of_input_or_ctrl_c_is_one_json_object_too(owner: Person):
    waiting = subprocess.Popen(
        [sys.executable, "-m", "memsync", "store", "serve", "--port", "0", "--public"],
        env=os.environ | owner.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert waiting.stdout is not None
    assert b"is at http" in waiting.stdout.readline()
    waiting.send_signal(signal.SIGINT)
    out, err = waiting.communicate(timeout=20)
    assert (out, err) == (b"", b"")

    code = (
        "import click, memsync.cli.memories as m; from memsync.cli import main\n"
        "def stop(*_, **__): raise click.Abort\n"
        "m.call = stop; main()"
    )
    done = subprocess.run([sys.executable, "-c", code, "list", "--json"], capture_output=True, check=False)
    assert json.loads(done.stdout)["error"] == {"name": "Stopped", "message": "stopped", "next": ""}
    assert (done.returncode, done.stderr) == (130, b"")


def test_a_fault_of_its_own_says_where_and_not_what(owner: Person):
    code = (
        "import memsync.cli.memories as m; from memsync.cli import main\n"
        "def fail(*_, **__): raise KeyError('a secret')\n"
        "m.call = fail; main()"
    )
    done = subprocess.run([sys.executable, "-c", code, "list"], capture_output=True, check=False, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("memsync: a fault of MemSync's own, KeyError at ")
    assert "secret" not in done.stderr


def test_what_follows_two_dashes_asks_for_no_json(owner: Person):
    assert not owner.says("remember", "--", "--json").startswith("{")
    assert owner.gets("list")["memories"][0]["text"] == "--json"


def test_nothing_that_drives_a_terminal_or_breaks_a_line_is_shown():
    assert shown("a\x1b[31m\u202e\u2028\udcff\x9bb\tc\n") == "a\ufffd[31m\ufffd\ufffd\ufffd\ufffdb\tc\n"


def test_a_scope_with_braces_in_its_name_can_be_moved_to(owner: Person):
    owner.says("scope", "add", "{x}{0}")
    owner.says("remember", "A meeting.")
    done = owner.run("move", "--query", "meeting", "--to", "{x}{0}")
    assert (done.exit_code, "nobody here to ask" in done.stderr) == (2, True)
    assert owner.gets("move", "--query", "meeting", "--to", "{x}{0}", "--yes")["moved"] == 1


IN_MEMORY = Path("/dev/shm")  # noqa: S108 - where the editor's file is

EDITING = """
import sys
from memsync.cli.editor import write_in_editor
from memsync.errors import InputError
try:
    print(write_in_editor("before"))
except InputError as error:
    print("refused:", error)
"""


@pytest.mark.parametrize("editor", ["no-such-editor", "vi '", "rm", "sh -c 'mkdir $0.d; rm $0'", "false"])
def test_an_editor_that_fails_keeps_nothing_and_is_one_line(editor: str):
    before = set(IN_MEMORY.glob("memsync-*"))
    done = subprocess.run(
        [sys.executable, "-c", EDITING],
        env=os.environ | {"VISUAL": editor},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("refused: ")
    assert done.stderr == ""
    assert set(IN_MEMORY.glob("memsync-*")) == before


def test_a_terminal_that_is_closed_while_the_editor_is_open_leaves_no_text(tmp_path: Path):
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\necho $1 > {tmp_path}/where\nexec sleep 60\n")
    editor.chmod(0o700)
    with subprocess.Popen(
        [sys.executable, "-c", EDITING], env=os.environ | {"VISUAL": str(editor)}, start_new_session=True
    ) as process:
        until = time.monotonic() + 20
        while not (tmp_path / "where").exists() or not (tmp_path / "where").read_text():
            assert time.monotonic() < until
            time.sleep(0.02)
        file = Path((tmp_path / "where").read_text().strip())
        assert file.exists()
        os.killpg(process.pid, signal.SIGHUP)
    assert not file.parent.exists()


def test_a_vault_whose_words_did_not_arrive_is_not_made_and_what_lay_there_stays(tmp_path: Path):
    person = Person(tmp_path / "person")
    blocks = person.home / "vaults" / "default" / "blocks"
    blocks.mkdir(parents=True)
    (blocks / "brought").write_bytes(b"a block")
    for option in ("--yes", "--json"):
        done = typed(person, "init", option, "--store", "blocks", before="exec 1> /dev/full;")
        assert done.returncode == 1
        assert b"Traceback" not in done.stderr
        assert {one.name for one in person.home.rglob("*") if one.is_file()} <= {"brought", "config.toml"}
        assert person.gets("config", "list")["settings"] == {}
    assert person.gets("init", "--yes")["words"]


KEY = "sEcReTkEy"


@pytest.mark.parametrize(
    "network",
    [
        f"http://127.0.0.1:1/v3/{KEY}",
        f"http://ada:{KEY}@127.0.0.1:1",
        f"http://127.0.0.1:1?token={KEY}",
        f"ws://127.0.0.1:1/{KEY}",
        f"ethereum:mainnet:https://127.0.0.1:1/{KEY}",
    ],
)
def test_the_key_of_an_rpc_is_shown_nowhere(owner: Person, network: str):
    owner.says("config", "set", "chain.network", network)
    for args in (["status"], ["config", "list"], ["init", "--vault", "second", "--yes"], ["push"], ["chain"]):
        done = owner.run(*args)
        assert KEY not in done.stdout + done.stderr, args
        assert "127.0.0.1:1" in done.stdout + done.stderr
    assert KEY in owner.says("config", "get", "chain.network")


def test_the_key_of_an_rpc_is_not_in_what_libraries_say_of_it():
    said = f"HTTPConnectionPool(host='x.y', port=1): Max retries exceeded with url: /{KEY} (Caused by Z)"
    assert without_keys(said) == said.replace(KEY, "…")
    said = f"401 Client Error: Unauthorized for url: https://x.y/v3/{KEY}"
    assert without_keys(said) == "401 Client Error: Unauthorized for url: https://x.y/…"
    assert without_keys("node") == "node"
