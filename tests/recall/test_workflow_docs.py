"""``docs/workflows.md`` shows what the commands show: each is asked of a vault that holds the workflow named above it, and compared.

``python tests/recall/test_workflow_docs.py`` writes the page's answers anew.
"""

from __future__ import annotations

import json
import random
import re
import tempfile
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from memsync.cli import cli
from memsync.device.keystore_file import CHEAP_COST
from memsync.memory import Memory, Source, new_id
from memsync.vault import Vault

PAGE = Path(__file__).parents[2] / "docs" / "workflows.md"
DATA = Path(__file__).parent / "workflows"
BLOCK = re.compile(r"(^<!-- (\w+) -->\n```console\n)(.*?)(^```$)", re.MULTILINE | re.DOTALL)
PASSPHRASE = "correct horse battery staple"


def fill(home: Path, name: str) -> dict[str, str]:
    """A vault with that workflow, each memory written when it happened; the environment that leads to it."""
    chance = random.Random(7)
    vault = Vault.create(passphrase=PASSPHRASE, home=home, cost=CHEAP_COST)
    memories = []
    for line in (DATA / f"{name}.jsonl").read_text("utf-8").splitlines():
        one = json.loads(line)
        if "text" not in one:
            continue
        at = int(datetime.fromisoformat(one["happened"]).timestamp() * 1000)
        place = {key: str(one[key]) for key in ("conversation", "title", "turn", "role") if key in one}
        memories.append(
            Memory(
                id=new_id(at, chance.randbytes),
                version=new_id(at, chance.randbytes),
                kind="episodic",
                text=one["text"],
                created=at,
                source=Source(**place) if place else None,
            )
        )
    with vault, vault._working("remember") as at:
        vault._write(at, at.scopes.id_of("personal"), memories)
    (home / "passphrase").write_text(PASSPHRASE + "\n")
    return {"MEMSYNC_HOME": str(home), "MEMSYNC_PASSPHRASE_FILE": str(home / "passphrase")}


class Typist:
    """Types commands at vaults, each made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._homes = folder, {}

    def type(self, workflow: str, typed: str) -> str:
        if workflow not in self._homes:
            (self._folder / workflow).mkdir()
            self._homes[workflow] = fill(self._folder / workflow, workflow)
        words = [one[1:-1] if one[0] == '"' else one for one in re.findall(r'"[^"]*"|\S+', typed)][1:]
        done = CliRunner().invoke(cli, words, env=self._homes[workflow], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output


def answered(page: str, typist: Typist) -> str:
    """The page with the answers that the commands give now."""

    def block(match: re.Match[str]) -> str:
        commands = [line for line in match[3].splitlines() if line.startswith("$ ")]
        return match[1] + "".join(f"{one}\n{typist.type(match[2], one[2:])}" for one in commands) + match[4]

    return BLOCK.sub(block, page)


@pytest.fixture(scope="module")
def typist(tmp_path_factory: pytest.TempPathFactory) -> Typist:
    return Typist(tmp_path_factory.mktemp("workflows"))


def test_the_page_shows_what_the_commands_show(typist: Typist):
    page = PAGE.read_text("utf-8")
    assert len(BLOCK.findall(page)) >= 5
    assert answered(page, typist) == page
    assert answered(page.replace("Baltipay", "Nordpay"), typist) != page.replace("Baltipay", "Nordpay")


def test_what_changed_is_found_by_when_it_was_written_down(typist: Typist):
    shown = typist.type("project", "memsync changed 2025-12-15")
    assert "Harriet took the maintenance contract" in shown and "the kiosks at Lund" in shown
    assert "Retrospective" not in shown and "I was against Baltipay" not in shown


def test_a_decision_comes_with_its_reason_and_with_what_undid_it(typist: Typist):
    shown = typist.type("project", 'memsync recall "Which payment provider did we decide on, and why?" -k 8')
    assert "Decision: payment through Nordpay, because they take the local bank cards" in shown
    assert "Reversed: we leave Nordpay for Baltipay" in shown


def test_what_contradicts_a_decision_is_named(typist: Typist):
    shown = typist.type("project", 'memsync contradicting "Scanners must work offline for four hours"')
    assert "scanners must work offline for twelve hours, no longer four" in shown
    shown = typist.type("novel", 'memsync contradicting "The book is written in the past tense"')
    assert "Tried chapter one in the present tense" in shown or "Back to past tense for good" in shown


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        PAGE.write_text(answered(PAGE.read_text("utf-8"), Typist(Path(scratch))), "utf-8")
