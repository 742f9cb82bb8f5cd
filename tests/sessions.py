"""The sessions that a page shows, played as it tells them: each person at a terminal of their own, all in one folder.

``<!-- session: NAME -->`` before a console block says whose terminal it is, ``<!-- file: NAME -->`` before any block that the file is
there, ``<!-- night -->`` that before it every terminal is closed and every program ended. What differs from run to run (ids, hashes, links,
words, figures, dates, where the home is) is masked on both sides; what one person hands to another by copying it from the page, a link or
a node's address, is what was really shown.
"""

from __future__ import annotations

import re
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.shell import ROOT
from tests.terminal import Terminal

_BLOCK = re.compile(
    r"^(?:(<!-- night -->)\n)?<!-- (session|file): ([\w.]+) -->\n+```\w+\n(.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_LINK = re.compile(r"memsync:1:[0-9a-fx:]+:bafk[a-z2-7]+")
_NODE = re.compile(r"http://127\.0\.0\.1:\d+")
_ASKED = re.compile(
    r"^(?:(?:New p|P)assphrase[^\n:]*|Repeat for confirmation|The 24 words): ?$", re.MULTILINE
)
_PROMPT = re.compile(r"^(?:(?:Word \d+: )+|[^\n]*\[y/N\]: )|\x1b\[\d+m", re.MULTILINE)
_MASKS = [
    (_LINK, "LINK"),
    (re.compile(r"memsync (?:[a-z]+\s+){23}[a-z]+"), "WORDS"),
    (re.compile(r"\b[0-9a-f]{4}(?: [0-9a-f]{4}){7}\b"), "FINGERPRINT"),
    (re.compile(r"\b0x[0-9a-f]{40,}\b|\b0x[0-9a-fA-F]{40}\b|\b0x[0-9a-f]{10}\b"), "HEX"),
    (re.compile(r"\b[0-9a-f]{32,}\b"), "ID"),
    (re.compile(r"\d[\d,.:-]*"), "#"),
]


@dataclass(frozen=True)
class Step:
    """A line that ``who`` types, and what the page shows for it; whether a night lies before it."""

    who: str
    typed: str
    shown: str
    next_day: bool = False


def steps_of(page: str) -> tuple[list[Step], dict[str, str]]:
    """The steps in the page's order, and the files by name."""
    steps, files = [], {}
    for night, kind, name, text in _BLOCK.findall(page):
        if kind == "file":
            files[name] = text
            continue
        for number, step in enumerate(re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]):
            typed, _, shown = step.partition("\n")
            steps.append(Step(name, typed, shown, next_day=bool(night) and number == 0))
    return steps, files


def play(page: str) -> list[str]:
    """What each step really shows, as the page would: prompts left out, the home as ``~``, files of the folder by their names."""
    steps, files = steps_of(page)
    told: list[str] = []
    with tempfile.TemporaryDirectory(prefix="m-") as name, ExitStack() as stack:
        folder = Path(name)
        for file, text in files.items():
            (folder / file).write_text(text)
        terminals: dict[str, Terminal] = {}
        before: dict[str, str] = {}
        link = node = ""
        try:
            for step in steps:
                if step.next_day:
                    for who, terminal in terminals.items():
                        terminal.type("memsync lock --all; memsync node stop")
                        terminal.close()
                        before[who] = terminal.shown
                    terminals.clear()
                if step.who not in terminals:
                    home = folder / f"home-{step.who}"
                    home.mkdir(exist_ok=True)
                    where = ROOT if step.who == "deployer" else folder
                    terminals[step.who] = stack.enter_context(
                        Terminal(where, home, APE_DATA_FOLDER=str(home / ".ape"))
                    )
                    terminals[step.who].shown = before.get(step.who, "")
                typed = _NODE.sub(node, _LINK.sub(link, step.typed))
                shown = terminals[step.who].type(typed)
                link, node = _last(_LINK, shown, link), _last(_NODE, shown, node)
                shown = _ASKED.sub(
                    "", shown.replace(str(folder / f"home-{step.who}"), "~").replace(f"{folder}/", "")
                )
                told.append(_PROMPT.sub("", shown.lstrip("\n")))
        finally:
            for terminal in terminals.values():
                terminal.type("memsync lock --all; memsync node stop")
    return told


def masked(text: str) -> list[str]:
    """The words of what was shown, without what differs from run to run."""
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text.split()


def _last(pattern: re.Pattern[str], text: str, before: str) -> str:
    found = pattern.findall(text)
    return str(found[-1]) if found else before
