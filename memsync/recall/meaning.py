"""Likeness of meaning beside likeness of words: what vectors add to the ranking of one scope.

In come a view, the signs of its vectors and a question's vector; out come places that are near in meaning, and measures of each place of a
pool: how far its likeness stands above what is usual in this scope, and its neighbours'. They are added to the sum of the other measures;
where no memory has much of the question's words, they weigh more. Statistics are of this scope alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from memsync.recall.measures import MEASURES as OF_WORDS
from memsync.recall.nearest import Signs
from memsync.recall.rank import Pool
from memsync.recall.view import Floats, Ints, View, neighbours

MEASURES: Final = ("near", "before", "after", "wordless")
WEIGHTS: Final = (0.26, 0.33, 0.41, 1.74)
"""One for each of ``MEASURES``; ``benchmarks/recall_fit.py --embedder minilm``'s."""
NEAREST: Final = 150
"""Places that may be answers by their meaning alone."""
RESCORED: Final = 400
_PEAK: Final = 6.0
_LEAST: Final = 0.02
"""A spread of cosines below which nothing is usual."""
_SCALE: Final = 4.0
_COVERED: Final = OF_WORDS.index("covered")


@dataclass(frozen=True, slots=True)
class Near:
    """The nearest places, and of every place of the view how far its likeness is above the usual, 0 for those without a vector."""

    places: Ints
    likeness: Floats


class Places:
    """Which place of a view each vector is of; made anew when either has changed."""

    def __init__(self) -> None:
        self._rows: tuple[Ints, Ints] | None = None
        self.place: Ints = np.zeros(0, np.int64)

    def refresh(self, view: View, signs: Signs) -> None:
        if self._rows is None or view.row is not self._rows[0] or signs.row is not self._rows[1]:
            order = np.argsort(view.row, kind="stable")
            at = np.searchsorted(view.row[order], signs.row)
            at = order[np.minimum(at, max(0, view.count - 1))] if view.count else at
            there = view.row[at] == signs.row if view.count else np.zeros(len(at), np.bool_)
            self.place = np.where(there, at, -1)
            self._rows = (view.row, signs.row)


def near(
    view: View, signs: Signs, place: Ints, question: Floats, inside: npt.NDArray[np.bool_] | None
) -> Near:
    """What lies near a question's vector (of length 1); ``inside``: the places that may be answers."""
    likeness = np.zeros(view.count, np.float32)
    if not (place >= 0).any():
        return Near(np.zeros(0, np.int32), likeness)
    there = place >= 0
    open_to = there if inside is None else there & inside[np.maximum(place, 0)]
    distances = signs.distances(question).astype(np.float32)
    few = _most(np.where(open_to, -distances, -np.inf), RESCORED)
    few = few[open_to[few]]
    cosines, (some, usual) = signs.cosines(question, few), signs.usual(question, place)
    # What no bytes were read of is told from its signs, on the line that the others are on: it differs from model to model.
    known, told = np.concatenate([distances[few], distances[some]]), np.concatenate([cosines, usual])
    slope = float(np.mean((known - known.mean()) * told) / (known.var() or 1))
    alike = (told.mean() + slope * (distances - known.mean())).astype(np.float32)
    alike[few] = cosines
    above = (alike - usual.mean()) / max(float(usual.std()), _LEAST)
    above[some] = _above_others(usual)
    likeness[place[there]] = np.clip(above[there], 0, _PEAK) / _SCALE
    return Near(place[few[_most(cosines, NEAREST)]].astype(np.int32), likeness)


def _above_others(values: Floats) -> Floats:
    """How many standard deviations each value is above the mean of the others: among few, one that stands out would hide itself."""
    others = max(1, len(values) - 1)
    mean = (values.sum() - values) / others
    spread = np.sqrt(np.maximum(((values**2).sum() - values**2) / others - mean**2, 0))
    found: Floats = (values - mean) / np.maximum(spread, _LEAST)
    return found


def weigh(view: View, pool: Pool, found: Near) -> Floats:
    """What meaning adds to the raw score of each place of a pool."""
    added: Floats = measure(view, pool, found) @ np.asarray(WEIGHTS, np.float32)
    return added


def measure(view: View, pool: Pool, found: Near) -> Floats:
    """The measures of each place of a pool, a column for each of ``MEASURES``."""
    own = found.likeness[pool.places]
    [before], [after] = neighbours(view, pool.places, -1), neighbours(view, pool.places, 1)
    beside = [np.where(one >= 0, found.likeness[one], 0) for one in (before, after)]
    covered = pool.measures[:, _COVERED]
    wordless = own * (1 - (covered.max() if len(covered) else 0))
    found_of_all: Floats = np.stack([own, *beside, wordless], axis=1).astype(np.float32)
    return found_of_all


def _most(values: Floats, count: int) -> Ints:
    """Where the ``count`` highest are, in no order."""
    if len(values) <= count:
        return np.arange(len(values))
    found: Ints = np.argpartition(values, -count)[-count:]
    return found
