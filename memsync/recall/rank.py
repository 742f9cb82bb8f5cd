"""The order of what words find: BM25 (Robertson and Zaragoza 2009) first, then what surrounds the words.

In comes a question and one scope's view, out come places with scores. The best by BM25, and what stands beside them in their conversations,
are weighed by a sum of a few measures of each: how much of the question it covers together with its neighbours, how well its whole
conversation fits, whether its time is one that the question names, whose turn it is if the question names a speaker, and how an answer to
such a question looks (``signs``). Words near in meaning stand in for the question's (``related``). The weights are
``benchmarks/recall_fit.py``'s; statistics are of this scope alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from memsync.recall.measures import BY_TITLE, MEASURES, REACH, Question, among, favoured, measure
from memsync.recall.related import related
from memsync.recall.shelf import TITLE
from memsync.recall.signs import named
from memsync.recall.times import Span
from memsync.recall.view import SATURATION, Floats, Ints, View, neighbours
from memsync.recall.words import stem, terms

WEIGHTS: Final = (
    1.05, 0.39, 1.22, 12.17, 1.31, 0.94, 1.08, 6.03, -2.58, 2.07, 1.41, 1.49, 0.23, 1.50, 1.20, 0.04, -4.83, 1.32,
)  # fmt: skip
"""One for each of ``MEASURES``."""

POOL: Final = 150
"""The best by BM25 that are looked at closely, with their neighbours."""
_BLOCK: Final = 64
_FEW: Final = 30
_FAR: Final = 10
"""About the very best, so far is looked for what belongs to them."""
_RELATED: Final = np.float32(0.7)
"""How much a word counts that only stands for one of the question's."""
_USUAL: Final = 0.05
_FEWEST: Final = 3
"""Such a word says nothing once it stands in more than this share of all documents, and more than so many."""
_WIDE: Final = 4
"""Letters that a word nobody wrote must share with one that was written, to be taken for it."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Places that may be answers, with their measures, one column for each of ``MEASURES``."""

    places: Ints
    measures: Floats


def read_question(view: View, text: str, spans: list[Span]) -> Question:
    """Take a question apart for this scope.

    The name of somebody who speaks more than they are spoken of is no word to look for: their own turns don't say it.
    """
    asked = terms(text)
    speakers = {word: named(word) for word in asked}
    names = {word for word in asked if speakers[word] in view.speakers}
    silent = {word for word in names if _speaks(view, speakers[word], word)}
    found = [stem(word) for word in asked if word not in silent] or [stem(word) for word in asked]
    words = tuple(dict.fromkeys(one for one in found if one is not None))
    return Question(text, words, frozenset(speakers[word] for word in names), tuple(spans))


def pool(
    view: View,
    question: Question,
    *,
    since: int | None = None,
    until: int | None = None,
    wanted: int = 10,
    also: Ints | None = None,
) -> Pool:
    """The documents worth weighing, with their measures; ``also``: places to weigh whatever words they have."""
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
    inside = bounds(view, since, until)
    first = scores
    if hints:
        first = scores.copy()
        for titled, weight in hints:
            first[titled] += BY_TITLE * weight
    best = _best(first if inside is None else np.where(inside, first, 0), max(POOL, 2 * wanted))
    near = [best, *_beside(view, best, REACH), *_beside(view, best[np.argsort(-first[best])[:_FEW]], _FAR)]
    if question.spans:
        named = favoured(view, question, None)
        then = np.where((named > 0) & (True if inside is None else inside), first + named, 0)
        near.append(_best(then, max(POOL, 2 * wanted)))
    if also is not None:
        near.append(also)
    places = np.unique(np.concatenate(near))
    places = places[places >= 0]
    places = places[view.row[places] != 0]
    if inside is not None:
        places = places[inside[places]]
    if not len(places):
        return Pool(places, np.zeros((0, len(MEASURES)), np.float32))
    return Pool(places, measure(view, question, places, scores, first, postings, titles, idf / whole))


def weigh(found: Pool, more: Floats | None = None) -> Floats:
    """A score for each place of a pool, above 0; ``more`` is added before."""
    raw = found.measures @ np.asarray(WEIGHTS, np.float32)
    if more is not None:
        raw = raw + more
    return np.logaddexp(0, raw).astype(np.float32)


def time_of(view: View, happening: str) -> int | None:
    """When something happened (ms), if a memory is plainly about it: one that has most of its words itself."""
    asked = read_question(view, happening, [])
    found = pool(view, asked, wanted=1)
    if not len(found.places) or len(asked.words) < 1:
        return None
    best = int(np.argmax(found.measures[:, 0]))
    words = list(asked.words)
    has = matching(view, [int(found.places[best])], terms(happening))[0]
    return int(view.at[found.places[best]]) if 2 * len(has) > len(words) else None


def matching(view: View, places: list[int], words: list[str]) -> list[list[int]]:
    """For each of these places, which of the words the document has, by their positions."""
    asked = np.asarray(places, np.int32)
    found: list[list[int]] = [[] for _ in places]
    for at, word in enumerate(words):
        one = stem(word)
        if one is not None:
            for which in np.flatnonzero(among(asked, view.documents_with(one)[0])):
                found[which].append(at)
    return found


def _speaks(view: View, speaker: int, name: str) -> bool:
    """Whether somebody has at least as many turns as others have that say their name."""
    places = view.documents_with(stem(name) or "")[0]
    by_others = np.count_nonzero(view.speaker[places] != speaker)
    return bool(np.count_nonzero(view.speaker == speaker) >= by_others)


def _found(view: View, word: str) -> tuple[Ints, Floats]:
    """The documents with a word, or with related ones that are not everywhere, and how often: below 1 where only those."""
    found = _written(view, word)
    others = [view.documents_with(one)[0] for one in related(word)]
    others = [one for one in others if 0 < len(one) <= max(_FEWEST, _USUAL * view.alive)]
    if not others:
        return found
    there, often = np.zeros(view.count, np.bool_), np.empty(view.count, np.float32)
    for one in others:
        there[one], often[one] = True, _RELATED
    there[found[0]], often[found[0]] = True, found[1]
    places = np.flatnonzero(there).astype(np.int32)
    return places, often[places]


def _written(view: View, word: str) -> tuple[Ints, Floats]:
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
    """Where the ``count`` highest scores above 0 are, in no order: they lie in the ``count`` blocks whose highest is highest."""
    at = np.arange(len(scores))
    if len(scores) > count * _BLOCK:
        whole = len(scores) // _BLOCK * _BLOCK
        peaks = scores[:whole].reshape(-1, _BLOCK).max(1)
        blocks = np.argpartition(peaks, -count)[-count:]
        at = np.concatenate([(blocks[:, None] * _BLOCK + np.arange(_BLOCK)).ravel(), at[whole:]])
    found: Ints = at[np.argpartition(scores[at], -count)[-count:]] if len(at) > count else at
    return found[scores[found] > 0].astype(np.int32)


def bounds(view: View, since: int | None, until: int | None) -> npt.NDArray[np.bool_] | None:
    """Which places lie between two times, the first inclusive; None where neither is given."""
    if since is None and until is None:
        return None
    inside = np.ones(view.count, np.bool_)
    if since is not None:
        inside &= view.at >= since
    if until is not None:
        inside &= view.at < until
    return inside


def _beside(view: View, places: Ints, reach: int) -> list[Ints]:
    return [each for steps in (-reach, reach) for each in neighbours(view, places, steps)]
