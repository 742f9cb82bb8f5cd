"""The order of what words find: BM25 (Robertson and Zaragoza 2009) first, then what surrounds the words.

In comes a question and one scope's view, out come places with scores. The best by BM25, and what stands beside them in their
conversations, are weighed by a sum of a few measures of each: how much of the question it covers together with its neighbours, how well
its whole conversation fits, whether its time is one that the question names, whose turn it is if the question names a speaker, and how an
answer to such a question looks (``signs``). The weights are ``benchmarks/recall_fit.py``'s; statistics are of this scope alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from memsync.recall.shelf import TITLE
from memsync.recall.signs import NAMING, NUMBERED, TIMED, kinds_asked, named
from memsync.recall.times import Span
from memsync.recall.view import BY_LENGTH, SATURATION, Floats, Ints, View, neighbours
from memsync.recall.words import stem, stems, terms

MEASURES: Final = (
    "own", "before", "before2", "covered", "session", "around", "speaker", "time", "asking", "timed", "numbered", "naming", "length",
    "answers", "opens", "kind", "whole", "guess",
)  # fmt: skip
WEIGHTS: Final = (
    1.05, 0.39, 1.22, 12.17, 1.31, 0.94, 1.08, 6.03, -2.58, 2.07, 1.41, 1.49, 0.23, 1.50, 1.20, 0.04, -4.83, 1.32,
)  # fmt: skip
"""One for each of ``MEASURES``."""

POOL: Final = 150
"""The best by BM25 that are looked at closely, with their neighbours."""
_REACH: Final = 3
_FEW: Final = 30
_FAR: Final = 10
"""About the very best, so far is looked for what belongs to them."""
_BY_TITLE: Final = np.float32(0.5)
"""How much a word counts that stands in the conversation's title."""
_DECAY: Final = {-1: 0.8, 1: 0.6, -2: 0.5, 2: 0.4, -3: 0.3}
"""How much a word counts that a neighbour has: what was said just before, most."""
_WHEN: Final = re.compile(r"^(when|what (year|month|date|day)|which (year|month|week))|how long")
_COUNT: Final = re.compile(r"how (many|much|long|old|often)|what (year|time)")
_NAME: Final = re.compile(
    r"^(who|where|which|what (is|was) the name|what (city|country|book|movie|game|band|company|state))"
)
_WIDE: Final = 4
"""Letters that a word nobody wrote must share with one that was written, to be taken for it."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question as one scope sees it: its words without the speakers' names, the speakers it names, and spans of time."""

    text: str
    words: tuple[str, ...]
    speakers: frozenset[int]
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Pool:
    """Places that may be answers, with their measures, one column for each of ``MEASURES``."""

    places: Ints
    measures: Floats


def read_question(view: View, text: str, spans: list[Span]) -> Question:
    """Take a question apart for this scope."""
    asked = terms(text)
    speakers = {word: named(word) for word in asked}
    names = {word for word in asked if speakers[word] in view.speakers}
    found = [stem(word) for word in asked if word not in names] or [stem(word) for word in asked]
    words = tuple(dict.fromkeys(one for one in found if one is not None))
    return Question(text, words, frozenset(speakers[word] for word in names), tuple(spans))


def pool(
    view: View, question: Question, *, since: int | None = None, until: int | None = None, wanted: int = 10
) -> Pool:
    """The documents worth weighing, with their measures."""
    known = [(_found(view, word), view.documents_with(TITLE + word)[0]) for word in question.words]
    postings, titles = [one for one, _ in known], [titled for _, titled in known]
    idf = np.array([_rarity(view, max(len(one[0]), len(titled))) for one, titled in known], np.float32)
    whole = float(idf.sum()) or 1.0
    scores = np.zeros(view.count, np.float32)
    hints = []
    for (places, often), titled, weight in zip(postings, titles, idf / whole, strict=True):
        scores[places] += weight * (SATURATION + 1) * often / (often + view.norm[places])
        if len(titled):
            hints.append((titled, weight))
    inside = _bounds(view, since, until)
    first = scores
    if hints:
        first = scores.copy()
        for titled, weight in hints:
            first[titled] += _BY_TITLE * weight
    best = _best(first if inside is None else np.where(inside, first, 0), max(POOL, 2 * wanted))
    near = [best, *_beside(view, best, _REACH), *_beside(view, best[np.argsort(-first[best])[:_FEW]], _FAR)]
    if question.spans:
        named = _time(view, question, None)
        then = np.where((named > 0) & (True if inside is None else inside), first + named, 0)
        near.append(_best(then, max(POOL, 2 * wanted)))
    places = np.unique(np.concatenate(near))
    places = places[places >= 0]
    places = places[view.row[places] != 0]
    if inside is not None:
        places = places[inside[places]]
    if not len(places):
        return Pool(places, np.zeros((0, len(MEASURES)), np.float32))
    return Pool(places, _measure(view, question, places, scores, first, postings, titles, idf / whole))


def _measure(
    view: View,
    question: Question,
    places: Ints,
    scores: Floats,
    hinted: Floats,
    postings: list[tuple[Ints, Floats]],
    titles: list[Ints],
    idf: Floats,
) -> Floats:
    asked = question.text.lower()
    own = scores[places]
    back, ahead = neighbours(view, places, -_REACH), neighbours(view, places, _REACH)
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
        "around": _around(base, group),
        "speaker": _by_speaker(view, places, question),
        "time": _time(view, question, places),
        "asking": view.asking[places] / 255,
        "timed": flags & TIMED != 0 if _WHEN.search(asked) else nothing,
        "numbered": flags & NUMBERED != 0 if _COUNT.search(asked) else nothing,
        "naming": flags & NAMING != 0 if _NAME.search(asked) else nothing,
        "length": np.log1p(view.length[places]),
        "answers": np.where(back[0] >= 0, view.asking[back[0]], 0) / 255,
        "opens": ((back[0] < 0) & (ahead[0] >= 0)).astype(np.float32),
        "kind": _kind(view, places, question),
    }
    covered = measures["covered"]
    measures["whole"] = covered**2
    # Where no memory has much of the question, what kind of thing it asks for is worth more.
    measures["guess"] = measures["kind"] * (1 - covered.max())
    return np.stack([np.asarray(measures[name], np.float32) for name in MEASURES], axis=1)


def weigh(found: Pool) -> Floats:
    """A score for each place of a pool, above 0."""
    raw = found.measures @ np.asarray(WEIGHTS, np.float32)
    return np.logaddexp(0, raw).astype(np.float32)


def matching(view: View, place: int, words: list[str]) -> list[int]:
    """Which of these words the document has, by their positions."""
    found = []
    for at, word in enumerate(words):
        one = stem(word)
        places = view.documents_with(one)[0] if one else ()
        i = int(np.searchsorted(places, place))
        if i < len(places) and places[i] == place:
            found.append(at)
    return found


def _found(view: View, word: str) -> tuple[Ints, Floats]:
    """The documents with a word; of one that nobody wrote, those with words that begin alike."""
    found = view.documents_with(word)
    if len(found[0]) or len(word) <= _WIDE or not word.isalpha():
        return found
    beginning = word[: max(_WIDE, len(word) - 2)]
    like = [view.documents_with(one) for one in view.words_like(beginning)]
    if not like:
        return found
    places, at = np.unique(np.concatenate([one[0] for one in like]), return_inverse=True)
    return places, np.bincount(at, np.concatenate([one[1] for one in like])).astype(np.float32) / 2


def _rarity(view: View, having: int) -> float:
    return float(np.log(1 + (view.alive - having + 0.5) / (having + 0.5))) if having <= view.alive else 0.01


def _best(scores: Floats, count: int) -> Ints:
    found: Ints = np.argpartition(scores, -count)[-count:] if len(scores) > count else np.arange(len(scores))
    return found[scores[found] > 0].astype(np.int32)


def _bounds(view: View, since: int | None, until: int | None) -> npt.NDArray[np.bool_] | None:
    if since is None and until is None:
        return None
    inside = np.ones(view.count, np.bool_)
    if since is not None:
        inside &= view.at >= since
    if until is not None:
        inside &= view.at < until
    return inside


def _time(view: View, question: Question, places: Ints | None) -> Floats:
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
    for (having, _), titled, weight in zip(postings, titles, idf, strict=True):
        best = _BY_TITLE * _among(places, titled)
        for share, beside in around:
            np.maximum(best, np.float32(share) * _among(beside, having), out=best)
        total += weight * best
    return total


def _among(places: Ints, having: Ints) -> Floats:
    """1 for each place that is among ``having``, ascending, else 0."""
    if not len(having):
        return np.zeros(len(places), np.float32)
    at = np.minimum(np.searchsorted(having, places), len(having) - 1)
    found: Floats = (having[at] == places).astype(np.float32)
    return found


def _beside(view: View, places: Ints, reach: int) -> list[Ints]:
    return [each for steps in (-reach, reach) for each in neighbours(view, places, steps)]


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


def _around(base: Floats, group: Ints) -> Floats:
    """How much of the best fifty lies in each place's conversation, the most being 1."""
    order = np.argsort(-base, kind="stable")[:50]
    shares = np.bincount(group[order], base[order] / np.sqrt(1 + np.arange(len(order))), int(group.max()) + 1)
    found: Floats = (shares / (shares.max() or 1.0))[group].astype(np.float32)
    return found


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
