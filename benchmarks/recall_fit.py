"""Fit the ranker's weights to conversations with known evidence: prints the line for ``memsync/recall/rank.py``.

    python benchmarks/recall_fit.py --data locomo.json
    python benchmarks/recall_fit.py --data locomo.json --embedder minilm    the line for ``memsync/recall/meaning.py``, the words' weights
                                                                            as they are; with and without 28,000 foreign facts

A listwise softmax over each question's pool (the measures are linear, so 16 numbers are fitted to a thousand questions), by Adam. What is
reported elsewhere is fitted without the conversation that is asked (``benchmarks/recall.py``).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from recall_data import SCOPE, Case, foreign_facts, read_locomo
from recall_embedders import named_embedder

from memsync.recall import meaning, rank
from memsync.recall.measures import MEASURES
from memsync.recall.times import spans
from memsync.recall.words import terms

Example = tuple[np.ndarray, np.ndarray]
ExampleOfMeaning = tuple[np.ndarray, np.ndarray, np.ndarray]
FOREIGN = 28_000


def examples(case: Case) -> list[Example]:
    """For each question of a filled case, the measures of its pool, and which rows are evidence."""
    view = case.index._view(SCOPE)  # noqa: SLF001 the fit looks inside
    rows = {row: case.ids.get(one.memory.id) for row, one in _by_row(case).items()}
    found = []
    for asked in case.questions:
        times = spans(asked.text, now=case.now, first=view.first, last=view.last)
        pool = rank.pool(view, rank.read_question(view, asked.text, times), wanted=50)
        is_evidence = np.array([rows.get(int(view.row[place])) in asked.evidence for place in pool.places])
        if is_evidence.any():
            found.append((pool.measures, is_evidence))
    return found


def examples_of_meaning(case: Case) -> list[ExampleOfMeaning]:
    """For each question of a case with vectors, both kinds of measures of its pool, and which rows are evidence; none without vectors."""
    index = case.index
    if index.meanings.embedder is None:
        return []
    view = index._view(SCOPE)  # noqa: SLF001
    rows = {row: case.ids.get(one.memory.id) for row, one in _by_row(case).items()}
    found = []
    for asked in case.questions:
        times = spans(asked.text, now=case.now, first=view.first, last=view.last)
        vector = index.meanings.ask(index._as_meant([SCOPE], terms(asked.text)))[SCOPE]  # noqa: SLF001
        near = index.meanings.near(view, 1, vector, (None, None))
        pool = rank.pool(view, rank.read_question(view, asked.text, times), wanted=50, also=near.places)
        is_evidence = np.array([rows.get(int(view.row[place])) in asked.evidence for place in pool.places])
        if is_evidence.any():
            found.append((pool.measures, meaning.measure(view, pool, near), is_evidence))
    return found


def _by_row(case: Case):
    memories = case.index._memories  # noqa: SLF001
    return {one.row: one for one in memories.latest(limit=1_000_000)}


def fit_meaning(data: list[ExampleOfMeaning], of_words: tuple[float, ...]) -> tuple[float, ...]:
    """Weights of the measures of meaning under which evidence comes first, those of words being given."""
    known = [of_words_and @ np.asarray(of_words, np.float32) for of_words_and, _, _ in data]
    return fit([(near, evidence) for _, near, evidence in data], known)


def fit(
    data: list[Example],
    known: list[np.ndarray] | None = None,
    *,
    steps: int = 300,
    rate: float = 0.08,
    decay: float = 1e-3,
) -> tuple[float, ...]:
    """Weights under which evidence comes first; ``known`` is added to each row's sum."""
    sizes = [len(measures) for measures, _ in data]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    which = np.repeat(np.arange(len(sizes)), sizes)
    values = np.concatenate([measures for measures, _ in data])
    spread = values.std(0) + 1e-6
    values = values / spread
    given = np.concatenate(known) if known else np.float32(0)
    wanted = np.concatenate([each / each.sum() for _, each in data]).astype(np.float32)
    weights = first = second = np.zeros(values.shape[1], np.float32)
    for step in range(1, steps + 1):
        raw = values @ weights + given
        chance = np.exp(raw - np.maximum.reduceat(raw, starts)[which])
        chance /= np.add.reduceat(chance, starts)[which]
        slope = values.T @ (chance - wanted) / len(sizes) + decay * weights
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2
        weights = weights - rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
    return tuple(round(float(one), 3) for one in weights / spread)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path)
    parser.add_argument("--embedder", metavar="NAME")
    given = parser.parse_args()
    path, data, near, embedder = given.data, [], [], named_embedder(given.embedder)
    if path is None:
        print("no LoCoMo file: nothing to fit to")
        return
    for case in read_locomo(path) if embedder else ():
        for foreign in ([], foreign_facts(FOREIGN)):
            case.fill(foreign, embedder)
            near += examples_of_meaning(case)
    if near:
        weights = fit_meaning(near, rank.WEIGHTS)
        print(dict(zip(meaning.MEASURES, weights, strict=True)))
        print(f"WEIGHTS: Final = ({', '.join(str(one) for one in weights)})")
        return
    for case in read_locomo(path):
        case.fill()
        data += examples(case)
    weights = fit(data)
    print(dict(zip(MEASURES, weights, strict=True)))
    print("WEIGHTS: Final = (\n    " + ", ".join(str(one) for one in weights) + ",\n)")


if __name__ == "__main__":
    main()
