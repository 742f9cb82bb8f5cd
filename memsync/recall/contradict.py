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
from functools import cached_property
from typing import Final

from memsync.memory import Memory
from memsync.recall.alike import DAYS, ENOUGH, Reading
from memsync.recall.port import Hit
from memsync.recall.words import stems

CHANGED: Final = re.compile(
    r"\b(revers\w+|chang\w+|no longer|not any ?more|instead|in place of|back to|now called|renamed|new (title|name|date|deadline|plan)"
    r"|new official \w+|stopped|quit|gave up|withdrawn|moved? (to|from)|extend(s|ed)|after all|contradict\w*|took it back|was wrong"
    r"|replaced|cancel\w+|dropped)\b",
    re.IGNORECASE,
)
_REVERSING: Final = re.compile(
    r"(?:Reversed|Changed decision|Cancelled|Withdrawn|Decision reversed|No longer)\b"
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
        "what its title is",
        re.compile(r"\b(?i:(?:working|new|final) title)(?: is|:|, [^:.]{1,40}:) [\"“]?(?:The |An? )?(\w+)"),
    ),
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
    r"\d[\d.,:]*\d|\d|\b(?:January|February|March|April|May|June|July|August|September|October|November|December|[A-Z][a-z]+days?)\b"
)
_ENOUGH: Final = 2
"""Words of some weight that two memories must share to be about the same thing."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A memory that may speak against another, and why that is thought."""

    memory: Memory
    reason: str


class Statement(Reading):
    """A text to be held against many: what it says of known places, found once."""

    @cached_property
    def places(self) -> dict[str, tuple[frozenset[str], frozenset[bool]]]:
        """By the name of a place that the text fills: with what, in lower case, and whether for the person. A question fills none."""
        text, found = self.text, {}
        for name, pattern in () if text.rstrip().endswith("?") else _PLACES:
            if there := list(pattern.finditer(text)):
                found[name] = (
                    frozenset(one[1].casefold() for one in there),
                    frozenset(
                        bool(_SELF.search(text[max(0, one.start() - 60) : one.start()])) for one in there
                    ),
                )
        return found

    @cached_property
    def change(self) -> re.Match[str] | None:
        """The first words that say that something is otherwise."""
        return CHANGED.search(self.text)

    @cached_property
    def labels(self) -> dict[str, set[str]]:
        """The numbers that tell things of one kind apart, by the kind."""
        found: dict[str, set[str]] = {}
        for name, number in _LABEL.findall(self.text):
            if name.casefold() not in DAYS:
                found.setdefault(name.casefold(), set()).add(number)
        return found


def contradictions(text: str, hits: Sequence[Hit], memory: Memory | None = None) -> list[Contradiction]:
    """Those of ``hits`` that may contradict ``text`` (of ``memory``, if it is one), the likeliest first."""
    found: list[tuple[float, Contradiction]] = []
    mine = Statement(text)
    for hit in hits:
        reason, weight = clash(mine, Statement(hit.memory.text), later=_later(hit.memory, memory))
        if reason:
            found.append((weight, Contradiction(hit.memory, reason)))
    found.sort(key=lambda one: -one[0])
    return [one for _, one in found]


def rivals(text: str) -> str:
    """A question for what may fill the same place as a text in other words ("lives in", "moved to"); empty where that has none."""
    return " ".join(_ASKED[name] for name, pattern in _PLACES if name in _ASKED and pattern.search(text))


def clash(mine: Statement, theirs: Statement, *, later: bool | None) -> tuple[str, float]:
    """Why two texts may contradict each other, and how likely that is (0 to 3); an empty reason for not at all.

    ``later``: whether the second was said later than the first; None for not known, which counts as later.
    """
    common, text, other = mine.words & theirs.words, mine.text, theirs.text
    share = len(common) / max(1, min(len(mine.words), len(theirs.words)))
    if place := _placed(mine, theirs):
        return f"says differently {place}", 2.0 + share
    if not common:
        return "", 0.0
    if _opposed(mine, theirs):
        return "one says the opposite of the other", 1.5 + share
    if len(common) < _ENOUGH or _labelled(mine, theirs):
        return "", 0.0
    here, there = (theirs.change, mine.change) if later is not False else (mine.change, theirs.change)
    if here and not (there and there[0].casefold() == here[0].casefold()):
        weight = 0.7 if _MERELY.fullmatch(here[0]) and here.start() else 1.0
        return f"“{here[0]}”, said {'later' if later is not False else 'of it here'}", weight + share
    if share >= 0.6 and not (_once(text) or _once(other)) and not mine.wording.names ^ theirs.wording.names:
        figures, too = ({one.casefold() for one in _FIGURE.findall(which)} for which in (text, other))
        if figures - too and too - figures:
            return "says the same in other figures", 0.5 + share
    return "", 0.0


def reverses(later: Statement, earlier: Statement) -> bool:
    """Whether a text that opens by saying that something is undone names what an earlier decision named."""
    if not _REVERSING.match(later.text):
        return False
    return bool(
        {*later.wording.cast} & {*earlier.wording.cast} - {*stems("Decision Changed Reversed Rule Owner")}
    )


def _labelled(mine: Statement, theirs: Statement) -> bool:
    """Whether the two are about things of one kind that a number tells apart: chapter 4, chapter 7."""
    return any(mine.labels[name] != theirs.labels[name] for name in mine.labels.keys() & theirs.labels.keys())


def _placed(mine: Statement, theirs: Statement) -> str:
    """The name of a place that both fill, for the same person, with different things."""
    for name in mine.places.keys() & theirs.places.keys() if mine.places else ():
        (what, own), (too, whose) = mine.places[name], theirs.places[name]
        if not what & too and (
            own | whose == {True} or (own | whose == {False} and mine.words & theirs.words - _FILLING)
        ):
            return name
    return ""


def _opposed(mine: Statement, theirs: Statement) -> bool:
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
