"""How like two texts are: the same but for case and spaces, or near enough to say the same thing.

In come two texts, out comes a yes or no; nothing is stored. Near means: about the same words of weight, in whatever order, with the same
figures, the same names, as many denials and the same person speaking. A word put in place of another is taken for another fact unless the
two are spellings or everyday synonyms of one word (English, by hand).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Final

from memsync.recall.words import NAMELESS, STOP, stem, stems

ENOUGH: Final = 0.8
"""The share of their words of weight that near texts have in common."""
_COUNTED: Final = "two three four five six seven eight nine ten eleven twelve"
_NUMBERS: Final = frozenset(
    "one thirteen fourteen fifteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million half dozen first "
    "second third once twice".split()
)
_DENIAL: Final = re.compile(
    r"\b(?:not|never|no|none|nothing|nobody|without|cannot|hates?|dislikes?|loathes?)\b|n['’]t\b",
    re.IGNORECASE,
)
_ORDERED: Final = re.compile(
    r"\b(?:than|over|before|after|instead|rather|from|to|owes|replaced?s?|beats?)\b", re.IGNORECASE
)
_NAME: Final = re.compile(r"(?<=[\w,;:)] )[A-Z][\w'’-]*\w|\b[A-Z]{2,}\b")
_CAPITAL: Final = re.compile(r"\b[A-Z][\w'’-]*\w")
DAYS: Final = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays sundays january "
    "february march april may june july august september october november december".split()
)
"""Names of days and months in lower case: they are written like names and name no one."""
_OWN: Final = re.compile(r"\b(?:I|[Mm]e|[Mm]y|[Mm]ine|[Mm]yself|[Ww]e|[Uu]s|[Oo]urs?)\b(?!\.)")
_OTHERS: Final = re.compile(r"\b(?:he|him|his|she|her|hers)\b", re.IGNORECASE)
_EMPTY: Final = frozenset(
    "really very just also please still quite ok okay well too now s t m re ve ll d don doesn didn isn aren wasn won "
    "can not never no longer cannot anymore any more".split()
)
_KEPT: Final = frozenset({"like", "long", "many", "much", "during", "between", "both"})
"""Words that say little in a question, and something in a statement."""
_SAME: Final = """\
like love enjoy hate dislike loathe; start begin commence; end finish; buy bought purchase; get receive; choose pick select; prefer favour;
stay remain; keep retain; need require; show display; organise organize; reply answer; large big; small little; quick fast; every each;
child children kid; mother mom mum; father dad; doctor physician; boss manager; job position; movie film; flat apartment; phone telephone;
photo picture; car automobile; bike bicycle; holiday vacation; autumn fall; meeting call; favourite favorite; colour color; grey gray;
theatre theater; centre center; email e-mail mail""".replace("\n", " ")


@dataclass(frozen=True, slots=True)
class Wording:
    """A text as it is compared: ``folded`` whole; ``weight`` its words of weight as stems; ``figures`` and ``names`` among them; ``order``
    those words in a row where the order says something; ``denials`` how many; ``person`` is ``own``, ``other`` or neither; ``asks`` whether
    it is a question; ``cast`` the names in a row, with the first word if it may be one."""

    folded: str
    weight: frozenset[str]
    figures: frozenset[str]
    names: frozenset[str]
    order: tuple[str, ...]
    denials: int
    person: str
    asks: bool
    cast: tuple[str, ...]

    def turned(self, other: Wording) -> bool:
        """Whether both compare the same things ("more than", "instead of"), and not in the same order."""
        mine, theirs = (
            [one for one in which.order if one in self.weight & other.weight] for which in (self, other)
        )
        return bool(mine and theirs) and mine != theirs


class Reading:
    """A text to be compared with many: taken apart when that is first asked for, in one place."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def words(self) -> frozenset[str]:
        """The stems of its words, without figures and the commonest."""
        return frozenset(one for one in stems(self.text) if not one.isdigit()) - _common()

    @cached_property
    def wording(self) -> Wording:
        """The text as it reads beside another."""
        return read(self.text)


def fold(text: str) -> str:
    """The text in Unicode's NFC, without case, every run of white space one space."""
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold()).split())


def read(text: str) -> Wording:
    """Take a text apart for comparing."""
    text = text.replace("’", "'")
    found = [_alias().get(one, one) for one in stems(text) if one not in _dull()]
    own, other = bool(_OWN.search(text)), bool(_OTHERS.search(text))
    return Wording(
        folded=fold(text),
        weight=frozenset(found),
        figures=frozenset(one for one in found if one in _number_stems() or any(map(str.isdigit, one))),
        names=frozenset(one for name in _NAME.findall(text) for one in stems(name)) - _dull() - _days(),
        order=tuple(found) if _ORDERED.search(text) else (),
        denials=len(_DENIAL.findall(text)),
        person="own" if own and not other else "other" if other and not own else "",
        asks=text.rstrip().endswith("?"),
        cast=tuple(
            one
            for name in _CAPITAL.findall(text)
            for one in stems(name)
            if one not in _dull() and one not in _days()
        ),
    )


def near(one: Wording, other: Wording) -> bool:
    """Whether two texts say the same thing, the exactly same among them."""
    if one.folded == other.folded:
        return True
    if one.asks != other.asks or {one.person, other.person} == {"own", "other"}:
        return False
    return len(one.weight) > 1 and agree(one, other) and _alike(one, other)


def agree(one: Wording, other: Wording) -> bool:
    """Whether nothing that near-equal texts differ in tells them apart: figures, denials, the order of names and of what is compared."""
    mine, theirs = (
        [name for name in which.cast if name in {*one.cast} & {*other.cast}] for which in (one, other)
    )
    if one.figures != other.figures or one.denials % 2 != other.denials % 2 or mine != theirs:
        return False
    return not one.turned(other)


def _alike(one: Wording, other: Wording) -> bool:
    mine, theirs = one.weight - other.weight, other.weight - one.weight
    if len(one.weight & other.weight) < ENOUGH * len(one.weight | other.weight):
        return False
    if mine and theirs and not all(any(_spelling(a, b) for b in theirs) for a in mine):
        return False
    return not (mine | theirs) & (one.names | other.names)


def _spelling(one: str, other: str) -> bool:
    """Whether two words may be one, spelt or ended otherwise."""
    if min(len(one), len(other)) < 5 or one[:3] != other[:3]:
        return False
    return sum((Counter(one) - Counter(other)).values()) + sum((Counter(other) - Counter(one)).values()) <= 2


@cache
def _common() -> frozenset[str]:
    return STOP | frozenset(stems(" ".join(STOP | NAMELESS)))


@cache
def _dull() -> frozenset[str]:
    words = (STOP | _EMPTY) - _KEPT
    return frozenset(found for word in words if (found := stem(word))) | words


@cache
def _days() -> frozenset[str]:
    return frozenset(stems(" ".join(DAYS)))


@cache
def _number_stems() -> frozenset[str]:
    return frozenset(found for word in _NUMBERS if (found := stem(word)))


@cache
def _alias() -> dict[str, str]:
    known = {
        one: group.split()[0] for group in _SAME.split(";") for word in group.split() for one in stems(word)
    }
    return known | {one: str(at) for at, word in enumerate(_COUNTED.split(), 2) for one in stems(word)}
