"""The whole demo, as a person runs it: what it prints, and what it leaves behind."""

from __future__ import annotations

import json
import re
import signal
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from memsync.cli import cli
from memsync.demo import demo_tool, demo_vault, run_demo
from memsync.demo.outsider import KINDS
from memsync.demo.story import ANSWER, QUESTION
from memsync.errors import InputError
from tests.shell import Room, Typed, type_once

ACTS = (
    "Imported Sealed Stored Anchored Recalled Granted Read Proposed Revoked Closed Restored Watched".split()
)


on_linux = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="processes are looked for in Linux's /proc"
)


@pytest.fixture(scope="module")
def told() -> Typed:
    return type_once("make demo")


def test_the_demo_tells_twelve_acts_with_their_figures(told: Typed):
    assert (told.code, told.err) == (0, "")
    lines = told.out.splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 100
    acts = [found for line in lines if (found := re.match(r"([ 1]\d) (\w+) ", line))]
    assert [(int(act[1]), act[2]) for act in acts] == list(enumerate(ACTS, start=1))
    for figure in (
        ANSWER,
        r"351 memories",
        r"(\d+) of \1 blocks in both",
        r"Vera [1-9]\d*, Inkwell 0",
        r"0 of [1-9]\d* since, ([1-9]\d*) of \1 before",
        r"353 of 353",
        r"\(([1-9]\d*) of \1 calls\)",
    ):
        assert re.search(figure, told.out), figure


def test_the_outsider_found_nothing_where_the_same_search_finds_all(told: Typed):
    table = re.findall(r"^ {14}(\S.*?)  +(\d+) of (\d+)  +(\d+) of (\d+)$", told.out, re.MULTILINE)
    assert [row[0] for row in table] == list(KINDS)
    for _, found, looked_for, found_open, open_ in table:
        assert (int(found), found_open) == (0, open_)
        assert int(looked_for) > 0 < int(open_)


@on_linux
def test_the_demo_leaves_no_process_and_no_file(told: Typed):
    assert told.still_runs == frozenset()
    assert told.left == ()


@on_linux
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_demo_that_is_ended_leaves_no_process_and_no_file_either(tmp_path: Path, how: signal.Signals):
    room = Room(tmp_path)
    with room.running(sys.executable, "-m", "memsync", "demo") as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith(" 2 "):
                assert "anvil" in room.programs()
                assert room.left()
                demo.send_signal(how)
                break
        _, complaint = demo.communicate(timeout=60)
    assert demo.returncode == 128 + how, complaint
    assert complaint.strip() in {"", "memsync: stopped"}
    assert room.programs() == frozenset()
    assert room.left() == ()


def test_what_is_kept_can_be_played_with(tmp_path: Path):
    lines: list[str] = []
    folder = tmp_path / "kept"
    run_demo(lines.append, keep=folder)
    assert len(lines) <= 60
    settings = dict(
        line.removeprefix("export ").split("=", 1) for line in (folder / "settings").read_text().splitlines()
    )
    assert str(folder / "settings") in "\n".join(lines)
    for secret in ("words", "passphrase"):
        assert (folder / secret).stat().st_mode & 0o777 == 0o600
    found = CliRunner().invoke(cli, ["recall", "--json", QUESTION], env=settings)
    assert ANSWER in json.loads(found.stdout)["hits"][0]["text"], found.output
    assert not (folder / "laptop").exists()
    assert (folder / "chain.json").stat().st_size > 10_000
    with pytest.raises(InputError, match="not empty"):
        run_demo(lines.append, keep=folder)


def test_a_vault_and_a_tool_to_play_with_need_no_chain():
    vault = demo_vault()
    assert vault.scopes() == ("novel", "personal", "project", "research")
    assert vault.status().waiting == 0
    shared = demo_tool(vault)
    assert ANSWER in shared.recall(QUESTION)[0].memory.text
    other = demo_tool(vault, scope="research")
    assert not any(ANSWER in memory.text for memory in other.memories())
    shared.propose("A thought.")
    assert vault.collect().new == 1
    for one in (shared, other, vault):
        one.close()
