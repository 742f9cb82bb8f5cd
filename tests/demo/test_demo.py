"""The whole demo, as a person runs it: what it prints, and what it leaves behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from memsync.cli import cli
from memsync.demo import demo_tool, demo_vault, run_demo
from memsync.demo.story import ANSWER, QUESTION
from memsync.errors import InputError

ACTS = (
    "Imported Sealed Stored Anchored Recalled Granted Read Proposed Revoked Closed Restored Watched".split()
)
ROOT = Path(__file__).parents[2]


def surroundings(folder: Path) -> dict[str, str]:
    """An empty home and an empty place for temporary files, by which processes started from here are known."""
    for name in ("home", "temporary"):
        (folder / name).mkdir()
    env = {name: value for name, value in os.environ.items() if not name.startswith(("APE_", "MEMSYNC_"))}
    return env | {"HOME": str(folder / "home"), "TMPDIR": str(folder / "temporary")}


def start_demo(env: dict[str, str], *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "memsync", "demo", *options]
    return subprocess.Popen(
        command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def running_with(env: dict[str, str]) -> set[str]:
    """The programs whose temporary files go where ``env`` says."""
    mark = f"TMPDIR={env['TMPDIR']}".encode()
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.add((process / "comm").read_text().strip())
        except OSError:
            continue
    return found


def left_in(folder: Path) -> list[Path]:
    """All that is there but the two empty places."""
    return [path for path in folder.rglob("*") if path.parent != folder]


@pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="processes are looked for in Linux's /proc"
)
def test_the_demo_tells_twelve_acts_and_leaves_nothing(tmp_path: Path):
    env = surroundings(tmp_path)
    demo = start_demo(env)
    assert demo.stdout is not None
    assert demo.stderr is not None
    lines = []
    for line in demo.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith(" 1 "):
            assert "anvil" in running_with(env)
            assert left_in(tmp_path)
    assert (demo.wait(), demo.stderr.read()) == (0, "")
    demo.stdout.close()
    demo.stderr.close()
    assert running_with(env) == set()
    assert left_in(tmp_path) == []
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 100
    acts = [found for line in lines if (found := re.match(r"([ 1]\d) (\w+) ", line))]
    assert [(int(act[1]), act[2]) for act in acts] == list(enumerate(ACTS, start=1))
    told = "\n".join(lines)
    assert ANSWER in told
    for figure in (
        r"351 memories",
        r"(\d+) of \1 blocks in both",
        r"0 of [1-9]\d* since, (\d+) of \1 before",
        r"353 of 353",
    ):
        assert re.search(figure, told), figure
    table = re.findall(r"^ {14}(\S.*?)  +(\d+) of (\d+)  +(\d+) of (\d+)$", told, re.MULTILINE)
    assert len(table) == 5
    for _, found, looked_for, found_open, open_ in table:
        assert (int(found), found_open) == (0, open_)
        assert int(looked_for) > 0


@pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="processes are looked for in Linux's /proc"
)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_demo_that_is_ended_leaves_nothing(tmp_path: Path, how: signal.Signals):
    env = surroundings(tmp_path)
    demo = start_demo(env)
    assert demo.stdout is not None
    assert demo.stderr is not None
    for line in demo.stdout:
        if line.startswith(" 4 "):
            assert "anvil" in running_with(env)
            demo.send_signal(how)
            break
    _, complaint = demo.communicate(timeout=60)
    assert demo.returncode == 128 + how, complaint
    assert complaint.strip() in {"", "memsync: stopped"}
    assert running_with(env) == set()
    assert left_in(tmp_path) == []


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
