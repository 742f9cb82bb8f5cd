"""What is measured of each document that may be an answer: 18 numbers, of the words it has and of what surrounds it.

In come places of a view with the question's words and where they stand, out comes a row of numbers for each place. Nothing is weighed
here. Measures of how an answer looks (``timed``, ``naming`` and their like) are 0 unless the question asks in that way.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from memsync.recall.signs import NAMING, NUMBERED, TIMED, kinds_asked
from memsync.recall.times import Span
from memsync.recall.view import BY_LENGTH, SATURATION, Floats, Ints, View, neighbours
from memsync.recall.words import stems

MEASURES: Final = (
    "own", "before", "before2", "covered", "session", "around", "speaker", "time", "asking", "timed", "numbered", "naming", "length",
    "answers", "opens", "kind", "whole", "guess",
)  # fmt: skip
REACH: Final = 3
"""Neighbours of a document that are looked at, on either side."""
BY_TITLE: Final = np.float32(0.5)
"""How much a word counts that stands in the conversation's title."""
_DECAY: Final = {-1: 0.8, 1: 0.6, -2: 0.5, 2: 0.4, -3: 0.3}
"""How much a word counts that a neighbour has: what was said just before, most."""
_WHEN: Final = re.compile(r"^(when|what (year|month|date|day)|which (year|month|week))|how long")
_COUNT: Final = re.compile(r"how (many|much|long|old|often)|what (year|time)")
_NAME: Final = re.compile(
    r"^(who|where|which|what (is|was) the name|what (city|country|book|movie|game|band|company|state))"
)


@dataclass(frozen=True, slots=True)
class Question:
    """A question as one scope sees it: its words without the speakers' names, the speakers it names, and spans of time."""

    text: str
    words: tuple[str, ...]
    speakers: frozenset[int]
    spans: tuple[Span, ...]


def measure(
    view: View,
    question: Question,
    places: Ints,
    scores: Floats,
    hinted: Floats,
    postings: list[tuple[Ints, Floats]],
    titles: list[Ints],
    idf: Floats,
) -> Floats:
    """The measures of these places: ``scores`` are BM25 of all places, ``hinted`` with the titles' share; ``idf`` adds up to 1."""
    asked = question.text.lower()
    own = scores[places]
    back, ahead = neighbours(view, places, -REACH), neighbours(view, places, REACH)
    before, before2 = (np.where(one >= 0, scores[one], 0) for one in back[:2])
    base = hinted[places] + 0.5 * before + 0.25 * np.where(ahead[0] >= 0, scores[ahead[0]], 0)
    groups, group = _conversations(view, places)
    flags = view.flags[places]
    nothing = np.zeros(len(places), np.float32)
    measures: dict[str, Floats] = {
        "own": own,
        "before": before,
        "before2": before2,
        "covered": _covered(places, back, ahead, postings, titles, idf),
        "session": _sessions(view, places, groups, group, postings, titles, idf),
        "around": _around(base, group, len(groups) - len(groups[groups > 0])),
        "speaker": _by_speaker(view, places, question),
        "time": favoured(view, question, places),
        "asking": view.asking[places] / 255,
        "timed": flags & TIMED != 0 if _WHEN.search(asked) else nothing,
        "numbered": flags & NUMBERED != 0 if _COUNT.search(asked) else nothing,
        "naming": flags & NAMING != 0 if _NAME.search(asked) else nothing,
        "length": np.log1p(view.length[places]),
        "answers": np.where(back[0] >= 0, view.asking[back[0]], 0) / 255,
        # Between people the first turn brings the news; to an assistant it is a task like any other.
        "opens": ((back[0] < 0) & (ahead[0] >= 0) & (view.speaker[places] != 0)).astype(np.float32),
        "kind": _kind(view, places, question),
    }
    covered = measures["covered"]
    measures["whole"] = covered**2
    # Where no memory has much of the question, what kind of thing it asks for is worth more.
    measures["guess"] = measures["kind"] * (1 - covered.max())
    return np.stack([np.asarray(measures[name], np.float32) for name in MEASURES], axis=1)


def favoured(view: View, question: Question, places: Ints | None) -> Floats:
    """How well each place's time (None: of every place) fits what the question names, 0 to 1."""
    at = view.at if places is None else view.at[places]
    found = np.zeros(len(at), np.float32)
    for span in question.spans:
        np.maximum(found, np.float32(span.weight) * ((at >= span.start) & (at < span.end)), out=found)
    return found


def _covered(
    places: Ints,
    back: list[Ints],
    ahead: list[Ints],
    postings: list[tuple[Ints, Floats]],
    titles: list[Ints],
    idf: Floats,
) -> Floats:
    """The share of the question, by rarity, that a document, its neighbours and its conversation's title have together."""
    total = np.zeros(len(places), np.float32)
    around = [(1.0, places)] + [
        (share, (back if steps < 0 else ahead)[abs(steps) - 1]) for steps, share in _DECAY.items()
    ]
    for (having, often), titled, weight in zip(postings, titles, idf, strict=True):
        best = BY_TITLE * among(places, titled)
        known = np.minimum(often, 1)
        for share, beside in around:
            np.maximum(best, np.float32(share) * _share(beside, having, known), out=best)
        total += weight * best
    return total


def among(places: Ints, having: Ints) -> Floats:
    """1 for each place that is among ``having``, ascending, else 0."""
    return _share(places, having, np.ones(len(having), np.float32))


def _share(places: Ints, having: Ints, known: Floats) -> Floats:
    """For each place its number in ``known``, which goes with ``having``, ascending; 0 for those that are not in it."""
    if not len(having):
        return np.zeros(len(places), np.float32)
    at = np.minimum(np.searchsorted(having, places), len(having) - 1)
    found: Floats = np.where(having[at] == places, known[at], np.float32(0))
    return found


def _conversations(view: View, places: Ints) -> tuple[Ints, Ints]:
    """The conversations of these places, and which of them each is in; a memory of none is one by itself (negative)."""
    number = view.conversation[places]
    return np.unique(np.where(number == 0, -1 - places, number), return_inverse=True)


def _sessions(
    view: View,
    places: Ints,
    names: Ints,
    group: Ints,
    postings: list[tuple[Ints, Floats]],
    titles: list[Ints],
    idf: Floats,
) -> Floats:
    """BM25 of the whole conversation that each place is in, the best one being 1."""
    count, known = len(names), names[names > 0]
    loners = count - len(known)
    lengths = np.bincount(group, view.length[places], count)
    lengths[loners:] = view.conversation_length[known]
    norm = SATURATION * (1 - BY_LENGTH + BY_LENGTH * lengths / (float(lengths.mean()) or 1.0))
    slot = np.full(len(view.conversation_length), count, np.int32)
    slot[known] = np.arange(loners, count)
    scores = np.zeros(count, np.float64)
    for (having, often), titled, weight in zip(postings, titles, idf, strict=True):
        total: npt.NDArray[np.float64] = np.zeros(count, np.float64)
        total += np.bincount(slot[view.conversation[having]], often, count + 1)[:count]
        total += np.bincount(slot[view.conversation[titled]], minlength=count + 1)[:count] > 0
        if len(having):
            total += _alone(places, group, loners, having, often, count)
        scores += weight * total * (SATURATION + 1) / (total + norm)
    found: Floats = (scores / (scores.max() or 1.0))[group].astype(np.float32)
    return found


def _alone(
    places: Ints, group: Ints, loners: int, having: Ints, often: Floats, count: int
) -> npt.NDArray[np.float64]:
    """How often a word stands in each memory that is a conversation by itself."""
    at = np.minimum(np.searchsorted(having, places), len(having) - 1)
    alone = (having[at] == places) & (group < loners)
    found: npt.NDArray[np.float64] = np.bincount(group[alone], often[at[alone]], count).astype(np.float64)
    return found


def _around(base: Floats, group: Ints, loners: int) -> Floats:
    """How much of the best fifty lies in each place's conversation, the most being 1; what stands alone is measured by itself."""
    order = np.argsort(-base, kind="stable")[:50]
    shares = np.bincount(group[order], base[order] / np.sqrt(1 + np.arange(len(order))), int(group.max()) + 1)
    found: Floats = (shares / (shares.max() or 1.0))[group].astype(np.float32)
    alone = base / (float(base.max()) or 1.0)
    return np.where(group < loners, np.maximum(found, alone), found).astype(np.float32)


def _by_speaker(view: View, places: Ints, question: Question) -> Floats:
    """Whose turn it is, where the question names one speaker: of two it says nothing."""
    if len(question.speakers) != 1:
        return np.zeros(len(places), np.float32)
    return np.isin(view.speaker[places], list(question.speakers)).astype(np.float32)


def _kind(view: View, places: Ints, question: Question) -> Floats:
    kinds = view.kinds[places]
    found = np.zeros(len(places), np.float32)
    for bit in kinds_asked(stems(question.text)):
        found += (kinds >> np.uint64(bit)) & np.uint64(1)
    return np.minimum(found, 2)
