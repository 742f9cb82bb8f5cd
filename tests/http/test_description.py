"""The tools' API does what its description says: Schemathesis asks it all that the description allows, and what it does not.

With ``--hypothesis-profile torture`` over 5,000 cases; in the usual run a few of each verb.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from memsync.http.serving import served
from memsync.http.tools import tools_app
from memsync.keeper.verb import SERVED
from tests.people import Person, short_folder

TORTURE = settings.default.max_examples > 1000


@pytest.fixture
def person() -> Iterator[Person]:
    with short_folder() as folder:
        found = Person(Path(folder))
        found.make_vault()
        found.says("unlock")
        found.says("scope", "add", "work")
        for number in range(3):
            found.says(
                "remember", f"Launch {number} is on the ninth of May.", "--scope", "work", "--tag", "launch"
            )
        found.says("grant", "agent", "--scope", "work", "--can", "read+write", "--yes")
        yield found
        found.leaves()


def asked(url: str, token: str, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            Path(sys.executable).with_name("st"), "run", f"{url}/openapi.json", "--url", url, "--checks", "all",
            "--header", f"Authorization: Bearer {token}", "--no-color", "--continue-on-failure", *more,
        ],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip


def test_what_is_asked_by_the_description_is_answered_by_it(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    token = person.says("client", "token", "agent", "--show").strip()
    few = ("--phases", "fuzzing,stateful", "--max-examples", "6", "--seed", "7", "--generation-deterministic")
    with served(tools_app(person.home)) as url:
        done = asked(url, token, *(("--max-examples", "400") if TORTURE else few))
    assert done.returncode == 0, done.stdout[done.stdout.find("FAILURES") :][:8000]
    assert "No issues found" in done.stdout and f"Tested: {len(SERVED)}" in done.stdout


def test_the_look_finds_a_description_that_is_not_kept(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A twin whose answers have a key that its description doesn't know."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "memsync.http.tools.call_served",
        lambda *_, **__: {"client": "x", "version": "1", "scopes": [], "waiting": 0, "next": None, "more": 1},
    )
    with served(tools_app(person.home)) as url:
        done = asked(url, "x", "--phases", "fuzzing", "--max-examples", "1", "--include-path", "/v1/status")
    assert done.returncode == 1
    assert "more" in done.stdout
