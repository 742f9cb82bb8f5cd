"""Fit the ranker's weights to conversations with known evidence: prints the line for ``memsync/recall/rank.py``.

    python benchmarks/recall_fit.py --data locomo.json

A listwise softmax over each question's pool (the measures are linear, so 16 numbers are fitted to a thousand questions), by Adam. What is
reported elsewhere is fitted without the conversation that is asked (``benchmarks/recall.py``).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from recall_data import SCOPE, Case, read_locomo

from memsync.recall import rank
from memsync.recall.measures import MEASURES
from memsync.recall.times import spans

Example = tuple[np.ndarray, np.ndarray]


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


def _by_row(case: Case):
    memories = case.index._memories  # noqa: SLF001
    return {one.row: one for one in memories.latest(limit=1_000_000)}


def fit(
    data: list[Example], *, steps: int = 300, rate: float = 0.08, decay: float = 1e-3
) -> tuple[float, ...]:
    """Weights under which evidence comes first."""
    sizes = [len(measures) for measures, _ in data]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    which = np.repeat(np.arange(len(sizes)), sizes)
    values = np.concatenate([measures for measures, _ in data])
    spread = values.std(0) + 1e-6
    values = values / spread
    wanted = np.concatenate([each / each.sum() for _, each in data]).astype(np.float32)
    weights = first = second = np.zeros(values.shape[1], np.float32)
    for step in range(1, steps + 1):
        raw = values @ weights
        chance = np.exp(raw - np.maximum.reduceat(raw, starts)[which])
        chance /= np.add.reduceat(chance, starts)[which]
        slope = values.T @ (chance - wanted) / len(sizes) + decay * weights
        first, second = 0.9 * first + 0.1 * slope, 0.99 * second + 0.01 * slope**2
        weights = weights - rate * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
    return tuple(float(round(one, 3)) for one in weights / spread)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path)
    path, data = parser.parse_args().data, []
    if path is None:
        print("no LoCoMo file: nothing to fit to")
        return
    for case in read_locomo(path):
        case.fill()
        data += examples(case)
    weights = fit(data)
    print(dict(zip(MEASURES, weights, strict=True)))
    print("WEIGHTS: Final = (\n    " + ", ".join(str(one) for one in weights) + ",\n)")


if __name__ == "__main__":
    main()
