"""How fast the vectors near a question's are found, and how many of the true nearest: signs first, bytes of the best few hundred.

    python benchmarks/recall_nearest.py [--vectors 1000000] [--dimensions 384]

Vectors in clusters, by a seed, in an encrypted file, as the index keeps them. ``found@10``: the share of the ten highest cosines, by the
full numbers, that are among the ten highest found. The last line is one JSON object; times in ms, ``cpu`` what the process itself used.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from recall_speed import peak_mb, percentile

from memsync.device.database import Database
from memsync.device.vectors import Vector, Vectors
from memsync.recall.meaning import RESCORED
from memsync.recall.nearest import Signs, quantise

QUESTIONS = 100
PART = 50_000


def rows(count: int, dimensions: int):
    """Vectors near 2,000 centres, a part at a time."""
    chance = np.random.default_rng(4)
    centres = chance.normal(size=(2000, dimensions)).astype(np.float32)
    for start in range(0, count, PART):
        size = min(PART, count - start)
        noise = chance.normal(size=(size, dimensions)).astype(np.float32)
        yield centres[chance.integers(0, len(centres), size)] + noise


def fill(database: Database, count: int, dimensions: int) -> float:
    """Write memories without texts, and their vectors; the seconds that the vectors took."""
    with database.transaction():
        database.run("INSERT INTO scope (number, id) VALUES (1, x'01')")
        database.run_many(
            "INSERT INTO memory (row, scope, id, version, at, current, dead, indexed, text, tags, rest)"
            " VALUES (?, 1, ?, x'', 0, 1, 0, 1, '', '', x'')",
            ((row, row.to_bytes(8, "big")) for row in range(1, count + 1)),
        )
    vectors, row, start = Vectors(database), 1, time.perf_counter()
    number = vectors.use("made up", dimensions)
    for part in rows(count, dimensions):
        vectors.put(number, (Vector(row + at, 1, *one) for at, one in enumerate(quantise(part))))
        row += len(part)
    return time.perf_counter() - start


def nearest_by_all_numbers(questions: np.ndarray, count: int, dimensions: int) -> list[set[int]]:
    """The rows of the ten highest cosines of each question."""
    best = [np.zeros((0, 2))] * len(questions)
    base = 1
    for part in rows(count, dimensions):
        cosines = questions @ (part / np.linalg.norm(part, axis=1, keepdims=True)).T
        for at, values in enumerate(cosines):
            top = np.argpartition(values, -10)[-10:]
            both = np.concatenate([best[at], np.stack([values[top], top + base], axis=1)])
            best[at] = both[np.argsort(-both[:, 0])[:10]]
        base += len(part)
    return [set(one[:, 1].astype(int).tolist()) for one in best]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vectors", type=int, default=20_000)
    parser.add_argument("--dimensions", type=int, default=384)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.db"
        if os.fork() == 0:
            database = Database.open(path, b"k" * 32)
            print({"write_s": round(fill(database, asked.vectors, asked.dimensions), 1)}, flush=True)
            database.close()
            os._exit(0)
        os.wait()
        questions = next(rows(1, asked.dimensions)) + np.random.default_rng(9).normal(
            size=(QUESTIONS, asked.dimensions)
        ).astype(np.float32)
        questions /= np.linalg.norm(questions, axis=1, keepdims=True)
        database = Database.open(path, b"k" * 32)
        start = time.perf_counter()
        signs = Signs(Vectors(database), 1, 1, asked.dimensions)
        signs.refresh(b"", b"")
        loaded = time.perf_counter() - start
        counting, whole, cpu, found = [], [], [], []
        for question in questions:
            start, busy = time.perf_counter(), time.process_time()
            distances = signs.distances(question)
            counted = time.perf_counter()
            few = np.argpartition(distances, min(RESCORED, signs.count - 1))[:RESCORED]
            cosines = signs.cosines(question, few)
            best = few[np.argsort(-cosines)[:10]]
            counting.append(1000 * (counted - start))
            whole.append(1000 * (time.perf_counter() - start))
            cpu.append(1000 * (time.process_time() - busy))
            found.append(set(signs.row[best].tolist()))
        memory, size = peak_mb(), path.stat().st_size >> 20
        database.close()
    true = nearest_by_all_numbers(questions, asked.vectors, asked.dimensions)
    figures: dict[str, object] = {"vectors": asked.vectors, "dimensions": asked.dimensions}
    figures |= {"mb_on_disk": size, "load_s": round(loaded, 2), "peak_mb": memory}
    for name, times in (("signs", counting), ("all", whole), ("all_cpu", cpu)):
        figures |= {f"{name}_p50": percentile(times, 0.5), f"{name}_p95": percentile(times, 0.95)}
    shares = [len(one & two) / 10 for one, two in zip(found, true, strict=True)]
    print(json.dumps(figures | {"found@10": round(sum(shares) / len(shares), 3)}))


if __name__ == "__main__":
    main()
