"""README shows what happens: its console blocks are typed as a person would, and what they show is compared."""

from __future__ import annotations

import re

import pytest

from tests import sessions
from tests.shell import ROOT, type_once

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^<!-- runs -->\n+```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
STEADY = {"0", "47", "351", "353"}


def steps_of(page: str) -> list[tuple[str, str]]:
    """Each command of the blocks that are run, without its comment, and what the page shows for it."""
    steps = []
    for block in BLOCK.findall(page):
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            typed, _, shown = step.partition("\n")
            steps.append((typed.partition("  #")[0].strip(), shown))
    return steps


def masked(text: str) -> list[str]:
    """The words, with # for figures that differ from run to run; where lines break depends on them too."""
    return NUMBER.sub(lambda number: number[0] if number[0] in STEADY else "#", text).split()


@pytest.fixture(scope="module")
def shown() -> list[str]:
    done = [type_once(typed) for typed, _ in steps_of(README)]
    assert [(one.code, one.err) for one in done] == [(0, "")] * len(done)
    return [one.out for one in done]


def test_the_readme_shows_what_the_commands_show(shown: list[str]) -> None:
    steps = steps_of(README)
    assert [typed for typed, _ in steps] == ["make demo"]
    assert [masked(actual) for actual in shown] == [masked(expected) for _, expected in steps]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("0 of 396", "1 of 396"),
        ("351 memories in", "350 memories in"),
        (" 9 Revoked", " 9 Ended"),
        ("30 June 2025", "30 July 2025"),
    ],
)
def test_a_wrong_readme_would_be_noticed(shown: list[str], right: str, wrong: str) -> None:
    assert right in README
    wrongly = steps_of(README.replace(right, wrong, 1))
    assert masked(shown[0]) != masked(wrongly[0][1])


@pytest.fixture(scope="module")
def played() -> list[str]:
    return sessions.play(README)


def test_the_first_sessions_show_what_the_readme_shows(played: list[str]) -> None:
    steps, _ = sessions.steps_of(README)
    assert {step.who for step in steps} == {"ada", "inkwell", "backend", "deployer"}
    told = [(step.typed, sessions.masked(actual)) for step, actual in zip(steps, played, strict=True)]
    assert told == [(step.typed, sessions.masked(step.shown)) for step in steps]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("vault default is open until", "vault default is closed until"),
        ("personal: 1 memory, 1 new", "personal: no memory, 1 new"),
        ("ended; new keys for personal", "ended; new keys for work"),
    ],
)
def test_a_wrong_session_would_be_noticed(played: list[str], right: str, wrong: str) -> None:
    assert right in README
    steps, _ = sessions.steps_of(README.replace(right, wrong))
    assert [sessions.masked(one) for one in played] != [sessions.masked(step.shown) for step in steps]
