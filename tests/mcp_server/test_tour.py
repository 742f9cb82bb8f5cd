"""``docs/tour.md`` is one evening as it was: a person at a terminal and three tools over MCP, played and compared.

``MEMSYNC_WRITE_TOUR=1 pytest tests/mcp_server/test_tour.py`` writes what is shown there anew. Ids, dates and folders differ from run to run
and are masked; an id that is typed on the page stands for the one that was really shown.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.mcp_server.wire import Wire
from tests.people import Person, short_folder

PAGE = Path(__file__).parents[2] / "docs" / "tour.md"
BLOCK = re.compile(r"(^<!-- ([\w-]+) -->\n```(?:console|json)\n)(.*?)(^```$)", re.MULTILINE | re.DOTALL)
ID = re.compile(r"\b[0-9a-f]{32}\b")
SHORT = re.compile(r"\bid [0-9a-f]{12}\b")
MASKS = (
    (ID, "ID"),
    (SHORT, "id ID"),
    (re.compile(r"\d{4}-\d\d-\d\d[T \d:.Z]*"), "DATE"),
    (re.compile(r"\d+(?:\.\d+)?"), "#"),
)


class Evening:
    """The person and the tools' sessions, each begun when it is first needed."""

    def __init__(self, person: Person, stack: ExitStack) -> None:
        self._person, self._stack = person, stack
        self._sessions: dict[str, Wire] = {}

    def answer(self, who: str, line: str) -> str:
        return self._type(line) if who == "vera" else self._ask(who, line)

    def _type(self, line: str) -> str:
        words = shlex.split(line)
        assert words[0] == "memsync"
        result = self._person.run(*words[1:])
        assert result.exit_code == 0, (line, result.stdout, result.stderr)
        return (result.stderr + result.stdout).replace(f"{self._person.home}/", "~/.local/share/memsync/")

    def _ask(self, who: str, line: str) -> str:
        if who not in self._sessions:
            self._sessions[who] = self._stack.enter_context(Wire(self._person, "--client", who))
            self._sessions[who].begin()
        tool, _, given = line.partition(" ")
        found = self._sessions[who].call(tool, **json.loads(given))
        if found.get("isError"):
            return found["content"][0]["text"] + "\n"
        told = found["structuredContent"]
        if "text" in told and len(told) > 1 and tool in {"context", "profile"}:
            return told["text"]
        return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def played(page: str) -> Iterator[tuple[str, str, str, str]]:
    """For each line on the page: who, the line as it was typed, what the page shows, what was really shown."""
    with short_folder() as folder, ExitStack() as stack:
        person = Person(Path(folder))
        person.make_vault()
        person.says("unlock")
        evening = Evening(person, stack)
        real: dict[str, str] = {}
        for _, who, text, _ in BLOCK.findall(page):
            for step in re.split(r"^[$>] ", text, flags=re.MULTILINE)[1:]:
                line, _, shown = step.partition("\n")
                really = line
                for on_page, there in real.items():
                    really = really.replace(on_page, there)
                was = evening.answer(who, really)
                real |= dict(zip(ID.findall(shown), ID.findall(was), strict=False))
                yield who, really, shown, was
        person.leaves()


def masked(text: str) -> str:
    for pattern, word in MASKS:
        text = pattern.sub(word, text)
    return text


def written_anew(page: str) -> str:
    answers = iter([(who, line, was) for who, line, _, was in played(page)])

    def block(found: re.Match[str]) -> str:
        mark = ">" if "json" in found[1] else "$"
        steps = [next(answers) for _ in re.findall(r"^[$>] ", found[3], re.MULTILINE)]
        return found[1] + "".join(f"{mark} {line}\n{was}" for _, line, was in steps) + found[4]

    return BLOCK.sub(block, page)


def test_the_evening_is_as_the_page_tells_it():
    if os.environ.get("MEMSYNC_WRITE_TOUR"):
        PAGE.write_text(written_anew(PAGE.read_text()))
    steps = list(played(PAGE.read_text()))
    assert len(steps) > 15
    for who, line, shown, was in steps:
        assert masked(shown) == masked(was), (who, line)
    told = {(who, line.split()[0]): was for who, line, _, was in steps}
    assert "Runa" not in told["cursor", "status"] and "novel" not in told["cursor", "status"]
