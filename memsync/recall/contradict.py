"""What may contradict a text: guesses, for the person to judge.

In comes a text with what was found about the same thing; out come those that undo it or that it undoes, each with a reason. Four shapes
are known: one of the two says that something changed; both fill the same place ("lives in", "moved to") of the same person with different
things; one denies what the other says; both say the same in other figures, and neither tells of something that happened once. Nothing is
changed by this: ``supersedes`` is the person's decision.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from memsync.memory import Memory
from memsync.recall.alike import DAYS, ENOUGH, Reading
from memsync.recall.port import Hit

_CHANGED: Final = re.compile(
    r"\b(revers\w+|chang\w+|no longer|not any ?more|instead|in place of|back to|now called|renamed|new (title|name|date|deadline|plan)"
    r"|new official \w+|stopped|quit|gave up|withdrawn|moved? (to|from)|extend(s|ed)|after all|contradict\w*|took it back|was wrong"
    r"|replaced|cancel\w+|dropped)\b",
    re.IGNORECASE,
)
_MERELY: Final = re.compile(
    r"(?:changed|dropped|renamed|stopped|quit|moved|cancel\w+)(?: (?:to|from))?", re.IGNORECASE
)
"""Of these, those that are said of things as well: somebody changed the batteries."""
_LABEL: Final = re.compile(
    r"\b([A-Z]\w+|box|room|gate|platform|page|line|figure|chapter|build|version|part|step|item|number) #?(\d+)\b"
)
_HELD: Final = "name|boss|manager|editor|landlord|dentist|doctor|employer|deadline|e-?mail|phone number|address|birthday|title|job"
_PLACES: Final = (
    (
        "where somebody lives",
        re.compile(
            r"\b(?i:lives?|living|resides?|based|moved|moving|relocated|home is)(?: back)?(?: now)? (?:in|to|at) (?:the )?([A-Z][\w-]+)"
        ),
    ),
    (
        "where somebody works",
        re.compile(
            r"\b(?i:works?|working|employed|hired|job)(?: now)? (?:at|for|by|with) (?:the )?([A-Z][\w-]+)"
        ),
    ),
    (
        "what somebody likes best",
        re.compile(r"\b(?i:favou?rite) \w+ (?:is|are|was) (?:now )?(?:the |an? )?(\w+)"),
    ),
    ("what it is called", re.compile(r"\b(?:is|are|now) called (?:the )?([A-Z][\w-]+)")),
    (
        "who or what it is",
        re.compile(
            rf"\b(?i:(?:my|our|your|user's|his|her|their) (?:new )?(?:{_HELD})) (?:is|will be)(?: now)? (?:an? |the )?(\w[\w@.+-]*)"
        ),
    ),
)
_ASKED: Final = {
    "where somebody lives": "live lives living moved moving based",
    "where somebody works": "work works working employed job",
}
_FILLING: Final = frozenset(
    "live resid base move reloc home work emploi hire job favourit favorit call new now user back".split()
)
"""Stems of the words that lead to such a place; who is meant must be shared besides."""
_SELF: Final = re.compile(
    r"(?:^|[.!?:;,]|\b(?:I|[Ww]e|[Yy]ou|[Tt]hey|[Uu]ser|[Pp]erson)(?:['’](?:m|ve|re|s|d))?(?: (?!and\b|that\b)\w+){0,2})\s*$"
)
"""What stands before such a place when the person themself is meant."""
_EVENT: Final = re.compile(
    r"\b(?:\w{2,}ed|wrote|bought|went|ran|sent|read|met|saw|took|made|got|found|lost|paid|ate|drank|had|did|came|gave|spent|sold)\b",
    re.IGNORECASE,
)
_STATE: Final = re.compile(
    r"\b(?:is|are|am|costs?|has|have|starts?|begins?|leaves?|ends?|opens?|closes|stands?|weighs?|needs?|takes?|lasts?|meets?|goes|due|owes?"
    r"|gets?|must|will|may|allows?|planned|scheduled|limited|booked|kept|valid)\b|\b(?:it|that|he|she|there|who|i|you|we|they)['’](?:s|m|re|ll)\b",
    re.IGNORECASE,
)
_FIGURE: Final = re.compile(
    r"\d[\d.,:]*\d|\d|\b(?:January|February|March|April|May|June|July|August|September|October|November|December|[A-Z][a-z]+day)\b"
)
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
    mine = Reading(text)
    for hit in hits:
        reason, weight = clash(mine, Reading(hit.memory.text), later=_later(hit.memory, memory))
        if reason:
            found.append((weight, Contradiction(hit.memory, reason)))
    found.sort(key=lambda one: -one[0])
    return [one for _, one in found]


def rivals(text: str) -> str:
    """A question for what may fill the same place as a text in other words ("lives in", "moved to"); empty where that has none."""
    return " ".join(_ASKED[name] for name, pattern in _PLACES if name in _ASKED and pattern.search(text))


def clash(mine: Reading, theirs: Reading, *, later: bool | None) -> tuple[str, float]:
    """Why two texts may contradict each other, and how likely that is (0 to 3); an empty reason for not at all.

    ``later``: whether the second was said later than the first; None for not known, which counts as later.
    """
    common, text, other = mine.words & theirs.words, mine.text, theirs.text
    share = len(common) / max(1, min(len(mine.words), len(theirs.words)))
    if place := _placed(text, other, common):
        return f"says differently {place}", 2.0 + share
    if _opposed(mine, theirs):
        return "one says the opposite of the other", 1.5 + share
    if len(common) < _ENOUGH:
        return "", 0.0
    if _labelled(text, other):
        return "", 0.0
    here, there = (
        (_CHANGED.search(other), _CHANGED.search(text))
        if later is not False
        else (_CHANGED.search(text), _CHANGED.search(other))
    )
    if here and not (there and there[0].casefold() == here[0].casefold()):
        weight = 0.7 if _MERELY.fullmatch(here[0]) and here.start() else 1.0
        return f"“{here[0]}”, said {'later' if later is not False else 'of it here'}", weight + share
    if share >= 0.6 and not (_once(text) or _once(other)) and not mine.wording.names ^ theirs.wording.names:
        figures, too = ({one.casefold() for one in _FIGURE.findall(which)} for which in (text, other))
        if figures - too and too - figures:
            return "says the same in other figures", 0.5 + share
    return "", 0.0


def _labelled(text: str, other: str) -> bool:
    """Whether the two are about things of one kind that a number tells apart: chapter 4, chapter 7."""
    mine, theirs = ({(name.casefold(), at) for name, at in _LABEL.findall(which)} for which in (text, other))
    return any(
        name == too and at != that
        for name, at in mine - theirs
        for too, that in theirs - mine
        if name not in DAYS
    )


def _placed(text: str, other: str, common: frozenset[str]) -> str:
    """The name of a place that both fill, for the same person, with different things."""
    if text.rstrip().endswith("?") or other.rstrip().endswith("?"):
        return ""
    for name, pattern in _PLACES:
        mine, theirs = list(pattern.finditer(text)), list(pattern.finditer(other))
        named, too = ({one[1].casefold() for one in found} for found in (mine, theirs))
        if not named or not too or named & too:
            continue
        own = {_own(text, one) for one in mine} | {_own(other, one) for one in theirs}
        if own == {True} or (own == {False} and common - _FILLING):
            return name
    return ""


def _own(text: str, found: re.Match[str]) -> bool:
    return bool(_SELF.search(text[max(0, found.start() - 60) : found.start()]))


def _opposed(mine: Reading, theirs: Reading) -> bool:
    """Whether two statements have about the same words, and one denies them, or the same words the other way round."""
    if abs(len(mine.words) - len(theirs.words)) > _ENOUGH + 1 or not mine.words & theirs.words:
        return False
    one, other = mine.wording, theirs.wording
    if one.asks or other.asks or len(one.weight & other.weight) < 2:
        return False
    shared, every = one.weight & other.weight, one.weight | other.weight
    if one.denials % 2 != other.denials % 2 and shared in (one.weight, other.weight):
        return True
    return len(shared) >= ENOUGH * len(every) and (one.denials % 2 != other.denials % 2 or one.turned(other))


def _once(text: str) -> bool:
    """Whether a text tells of something that happened once, rather than of how things are."""
    return bool(_EVENT.search(text)) and not _STATE.search(text)


def _later(other: Memory, memory: Memory | None) -> bool | None:
    return None if memory is None else other.when >= memory.when
