"""How fast a vault of many memories is searched: opening, answering, and finding what was just written.

    python benchmarks/recall_speed.py --memories 100000 [--embedder hashing] [--related 3]

Made-up texts of about 25 words, drawn from 40,000 words as a language draws them (Zipf), 20 turns a conversation, in an encrypted file. A
question has 4 to 9 words, each drawn the same way, common ones among them; all are asked twice. With ``--embedder`` all is embedded and
asked again with vectors (``with_vectors``, in which ``write`` embeds nothing). No word of this language has related ones; with
``--related`` each has so many, common words among them, which is more than any question in English has. ``write``: until a new memory is in
the index. The last line is one JSON object; times in ms, ``cpu`` what the process itself used (others may share the machine).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import tempfile
import time
from itertools import accumulate
from pathlib import Path

from recall_embedders import named_embedder

from memsync.device.database import Database
from memsync.device.memories import Memories
from memsync.memory import Memory, Source, new_id
from memsync.recall import TextIndex, rank, refresh
from memsync.recall.embedder import Embedder
from memsync.recall.words import stem

SCOPE = b"benchmark recall"
QUESTIONS = 300
_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "ol")]


class Language:
    """Words of a made-up language, the commonest first."""

    def __init__(self, chance: random.Random, size: int = 40_000) -> None:
        self._chance = chance
        words: dict[str, None] = {}
        while len(words) < size:
            words["".join(chance.choices(_SYLLABLES, k=chance.randrange(2, 5)))] = None
        self._words = list(words)
        self._weights = list(accumulate(1 / (rank + 3) for rank in range(size)))

    def text(self, length: int) -> str:
        return " ".join(self._chance.choices(self._words, cum_weights=self._weights, k=length))

    def relate(self, each: int) -> dict[str, tuple[str, ...]]:
        """For the stem of each word those of others, drawn as a text draws them, the ten commonest aside."""
        others = self._chance.choices(
            self._words[10:],
            [1 / (place + 13) for place in range(len(self._words) - 10)],
            k=each * len(self._words),
        )
        stems = [stem(one) or "" for one in others]
        return {
            stem(one) or "": tuple(dict.fromkeys(stems[each * at : each * (at + 1)]))
            for at, one in enumerate(self._words)
        }


def memories(language: Language, chance: random.Random, count: int):
    begin = 1_600_000_000_000
    for number in range(count):
        at = begin + number * 60_000
        source = Source(
            conversation=str(number // 20), turn=str(number % 20), role=("user", "assistant")[number % 2]
        )
        yield Memory(
            id=new_id(at, os.urandom),
            version=new_id(at, os.urandom),
            kind="episodic",
            text=language.text(chance.randrange(8, 42)),
            created=at,
            source=source,
        )


def percentile(times: list[float], share: float) -> float:
    return round(sorted(times)[min(len(times) - 1, int(share * len(times)))], 2)


def peak_mb() -> int:
    """Resident at most, so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def build(path: Path, key: bytes, count: int) -> dict[str, float]:
    chance = random.Random(5)
    language = Language(chance)
    database = Database.open(path, key)
    store, index = Memories(database), TextIndex(database)
    writing = indexing = 0.0
    source, left = memories(language, chance, count), count
    while left:
        some = [next(source) for _ in range(min(left, 20_000))]
        left -= len(some)
        start = time.perf_counter()
        store.write(SCOPE, some)
        middle = time.perf_counter()
        refresh(store, index)
        writing, indexing = writing + middle - start, indexing + time.perf_counter() - middle
    database.close()
    return {"write_s": round(writing, 1), "index_s": round(indexing, 1)}


def embed(path: Path, key: bytes, embedder: Embedder) -> None:
    database = Database.open(path, key)
    meanings = TextIndex(database).meanings
    meanings.embedder = embedder
    start = time.perf_counter()
    done = meanings.embed()
    print({"embedded": done, "embed_s": round(time.perf_counter() - start, 1)}, flush=True)
    database.close()


def measure(path: Path, key: bytes, embedder: Embedder | None = None) -> dict[str, float]:
    chance = random.Random(6)
    language = Language(random.Random(5))
    start = time.perf_counter()
    database = Database.open(path, key)
    store, index = Memories(database), TextIndex(database)
    index.meanings.embedder = embedder
    index.search("nothing of all this", [SCOPE])
    figures: dict[str, float] = {"open_ms": round(1000 * (time.perf_counter() - start), 1)}
    cold, warm, fresh, cpu = [], [], [], []
    questions = [language.text(chance.randrange(4, 10)) for _ in range(QUESTIONS)]
    for times in (cold, warm):
        for question in questions:
            start, busy = time.perf_counter(), time.process_time()
            index.search(question, [SCOPE])
            times.append(1000 * (time.perf_counter() - start))
            if times is warm:
                cpu.append(1000 * (time.process_time() - busy))
    for number in range(50):
        [one] = memories(language, chance, 1)
        words = f"{one.text} unheard{number}"
        start = time.perf_counter()
        store.write(
            SCOPE, [Memory(id=one.id, version=one.version, kind="semantic", text=words, created=one.created)]
        )
        refresh(store, index)
        fresh.append(1000 * (time.perf_counter() - start))
        assert index.search(f"unheard{number}", [SCOPE])[0].memory.text == words
    database.close()
    for name, times in (("first", cold), ("again", warm), ("again_cpu", cpu), ("write", fresh)):
        figures |= {f"{name}_p50": percentile(times, 0.5), f"{name}_p95": percentile(times, 0.95)}
    return figures | {"peak_mb": peak_mb()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--memories", type=int, default=20_000)
    parser.add_argument(
        "--embedder", metavar="NAME", help="`hashing`, `minilm`, or what `recall.embedder` takes."
    )
    parser.add_argument("--related", type=int, default=0, metavar="N")
    parser.add_argument("--keep", type=Path, help="A folder for the database, reused when it is there.")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = (asked.keep or Path(folder)) / f"recall-{asked.memories}.db"
        figures: dict[str, object] = {"memories": asked.memories}
        key = b"k" * 32
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            if os.fork() == 0:
                print(build(path, key, asked.memories), flush=True)
                os._exit(0)
            os.wait()
        figures["mb_on_disk"] = path.stat().st_size >> 20
        if asked.related:
            known = Language(random.Random(5)).relate(asked.related)
            rank.related = lambda word: known.get(word, ())
            figures["related"] = asked.related
        figures |= measure(path, key)
        if embedder := named_embedder(asked.embedder):
            if os.fork() == 0:
                embed(path, key, embedder)
                os._exit(0)
            os.wait()
            figures["mb_with_vectors"] = path.stat().st_size >> 20
            figures["with_vectors"] = measure(path, key, embedder)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
