"""What may contradict a text: guesses, for the person to judge.

In comes a text with what was found about the same thing; out come those that undo it or that it undoes, each with a reason. Three shapes
are known: one of the two says that something changed; both fill the same place ("lives in", "moved to") with different things; both say the
same in other figures. Nothing is changed by this: ``supersedes`` is the person's decision.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from memsync.memory import Memory
from memsync.recall.port import Hit
from memsync.recall.words import stem, terms

_CHANGED: Final = re.compile(
    r"\b(revers\w+|chang\w+|no longer|not any ?more|instead|in place of|back to|now called|renamed|new (title|name|date|deadline|plan)"
    r"|new official \w+"
    r"|withdrawn|moved? (to|from)|extends?|after all|contradict\w*|took it back|was wrong|replaced|cancel\w+|dropped)\b",
    re.IGNORECASE,
)
_PLACES: Final = (
    (
        "where somebody lives",
        re.compile(r"\b(?:lives?|living|resides?|moved|moving|relocated) (?:in|to|at) ([A-Z][\w-]+)"),
    ),
    ("where somebody works", re.compile(r"\b(?:works?|working|employed|hired) (?:at|for|by) ([A-Z][\w-]+)")),
    ("what somebody likes best", re.compile(r"\bfavou?rite \w+ (?:is|are|was) (?:the |an? )?(\w+)")),
    ("what it is called", re.compile(r"\b(?:is|are|now) called (?:the )?([A-Z][\w-]+)")),
)
_FILLING: Final = frozenset("live resid move reloc work emploi hire favourit favorit call".split())
"""Stems of the words that lead to such a place; who is meant must be shared besides."""
_FIGURE: Final = re.compile(r"\d[\d.,:]*\d|\d")
_ENOUGH: Final = 2
"""Words of some weight that two memories must share to be about the same thing."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A memory that may speak against another, and why that is thought."""

    memory: Memory
    reason: str


def contradictions(text: str, hits: Sequence[Hit], memory: Memory | None = None) -> list[Contradiction]:
    """Those of ``hits`` that may contradict ``text`` (of ``memory``, if it is one), the likeliest first."""
    found: list[tuple[float, Contradiction]] = []
    mine = _words(text)
    for hit in hits:
        theirs = _words(hit.memory.text)
        common = mine & theirs
        share = len(common) / max(1, min(len(mine), len(theirs)))
        reason, weight = _reason(text, hit.memory.text, common, share, later=_later(hit.memory, memory))
        if reason:
            found.append((weight + share, Contradiction(hit.memory, reason)))
    found.sort(key=lambda one: -one[0])
    return [one for _, one in found]


def _reason(
    text: str, other: str, common: set[str], share: float, *, later: bool | None
) -> tuple[str, float]:
    for name, pattern in _PLACES:
        mine, theirs = pattern.findall(text), pattern.findall(other)
        if (
            mine
            and theirs
            and not {*map(str.casefold, mine)} & {*map(str.casefold, theirs)}
            and common - _FILLING
        ):
            return f"says differently {name}", 2.0
    if len(common) < _ENOUGH:
        return "", 0.0
    undoing = _CHANGED.search(other) if later is not False else _CHANGED.search(text)
    if undoing:
        return f"“{undoing[0]}”, said {'later' if later is not False else 'of it here'}", 1.0
    figures, theirs_too = set(_FIGURE.findall(text)), set(_FIGURE.findall(other))
    if share >= 0.6 and figures and theirs_too and not figures & theirs_too:
        return "says the same in other figures", 0.5
    return "", 0.0


def _words(text: str) -> set[str]:
    return {one for word in terms(text) if not word.isdigit() and (one := stem(word)) is not None}


def _later(other: Memory, memory: Memory | None) -> bool | None:
    return None if memory is None else other.when >= memory.when
