"""``docs/for-tools.md``: its sessions are typed as a person would, and what they show is compared."""

from __future__ import annotations

import json
import re
import shutil
import socket
import sys
from pathlib import Path

import pytest

import memsync.keeper.served  # noqa: F401 - fills SERVED
from memsync.cli import cli
from memsync.keeper.verb import SERVED
from tests import sessions
from tests.shell import ROOT

PAGE = (ROOT / "docs/for-tools.md").read_text(encoding="utf-8")
PORTS = ("8766", "8041")


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return str(found.getsockname()[1])


@pytest.fixture(scope="module")
def played() -> list[str]:
    if shutil.which("curl") is None:
        pytest.skip("curl asks the server over HTTP on this page; install it to have the page checked")
    page = PAGE
    for port in PORTS:
        page = page.replace(port, free_port())
    told = sessions.play(page)
    here = str(Path(sys.executable).parent)
    return [one.replace(here, "~/.local/bin") for one in told]


def test_the_page_shows_what_the_commands_show(played: list[str]):
    steps, files = sessions.steps_of(PAGE)
    assert files.keys() == {"hello.jsonl"} and len(steps) == len(re.findall(r"^\$ ", PAGE, re.MULTILINE))
    told = [(step.typed, sessions.masked(actual)) for step, actual in zip(steps, played, strict=True)]
    assert told == [(step.typed, sessions.masked(step.shown)) for step in steps]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('"isError":false', '"isError":true'),
        ("cursor (mcp)", "cursor (http)"),
        ('"--client",', '"--name",'),
    ],
)
def test_a_wrong_page_would_be_noticed(played: list[str], right: str, wrong: str):
    assert right in PAGE
    steps, _ = sessions.steps_of(PAGE.replace(right, wrong))
    assert [sessions.masked(one) for one in played] != [sessions.masked(step.shown) for step in steps]


def test_the_page_names_each_tool_and_no_command_that_is_not_there():
    tools = PAGE.partition("- **Tools**")[2].partition("- **Resources**")[0]
    assert set(re.findall(r"`([a-z]+)`", tools)) == SERVED.keys()
    assert json.loads(PAGE.partition("```json\n")[2].partition("\n")[0])["method"] == "initialize"
    named = set(re.findall(r"`memsync ([a-z]+)", PAGE))
    assert named <= cli.modules.keys(), named
