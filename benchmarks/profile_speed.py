"""How fast a profile is made of many memories: the first time, again, and after a write.

    python benchmarks/profile_speed.py --memories 100000

Texts as in ``recall_speed.py``; one in ``--share`` says something lasting about the person instead, in a few hundred wordings, so that
there is something to rank, to tell apart and to leave out. ``again``: nothing was written; ``written``: one memory was; ``edited``: one was
replaced. The last line is one JSON object; times in ms, ``cpu`` what the process itself used (others may share the machine).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from recall_speed import SCOPE, Language, memories, peak_mb, percentile

from memsync.device.database import Database
from memsync.device.memories import Memories
from memsync.memory import Memory, new_id
from memsync.recall import TextIndex, refresh
from memsync.recall.profile import Profile, Profiles

KEY = b"k" * 32
_SAID = (
    "I live in {0}, close to the {1}.", "I prefer {1} to {2} for work.", "My sister {0} works with {1}.", "I work as a {1} at {0}.",
    "We decided to keep the {1} in {0}.", "I never eat {1}.", "My favourite {1} is {2}.", "Decision: the {1} goes to {0}.",
    "I moved to {0} last year.", "I'm writing a book about {1} and {2}.", "Please never use {1} in a {2}.", "I am allergic to {1}.",
)  # fmt: skip


def _texts(language: Language, chance: random.Random, count: int, share: int) -> Iterator[Memory]:
    for number, one in enumerate(memories(language, chance, count)):
        text = one.text
        if number % share == 0:
            words = language.text(3).split()
            text = chance.choice(_SAID).format(words[0].title(), *words[1:])
        yield Memory(
            id=one.id, version=one.version, kind="episodic", text=text, created=one.created, source=one.source
        )


def measure(path: Path, count: int, share: int) -> dict[str, float]:
    chance = random.Random(5)
    language = Language(chance)
    database = Database.open(path, KEY)
    store, index = Memories(database), TextIndex(database)
    some = list(_texts(language, chance, count, share))
    store.write(SCOPE, some)
    refresh(store, index)
    profiles = Profiles(database, index)

    def make() -> Profile:
        return profiles.make([SCOPE], name=None, now=2_000_000_000_000)

    figures: dict[str, float] = {"memories": count, "lasting": len(some[::share])}
    figures["first"], figures["first_cpu"] = _timed(make)
    again = [_timed(make) for _ in range(20)]
    written, edited = [], []
    for number in range(20):
        one = Memory(
            id=new_id(number, os.urandom),
            version=new_id(number, os.urandom),
            kind="semantic",
            text=f"I like {number} {language.text(2)}.",
            created=1,
        )
        for times, memory in ((written, one), (edited, _edit(one))):
            store.write(SCOPE, [memory])
            refresh(store, index)
            times.append(_timed(make))
    for name, times in (("again", again), ("written", written), ("edited", edited)):
        wall, cpu = zip(*times, strict=True)
        figures |= {f"{name}_p50": percentile(wall, 0.5), f"{name}_p95": percentile(wall, 0.95)}
        figures[f"{name}_cpu_p95"] = percentile(cpu, 0.95)
    made = make()
    print(made.text)
    database.close()
    return figures | {"lines": len(made.lines), "tokens": made.tokens, "peak_mb": peak_mb()}


def _edit(one: Memory) -> Memory:
    return Memory(
        id=one.id,
        version=new_id(9, os.urandom),
        kind="semantic",
        text=one.text + " Often.",
        created=1,
        replaces=(one.version,),
    )


def _timed(make: Callable[[], Profile]) -> tuple[float, float]:
    start, busy = time.perf_counter(), time.process_time()
    make()
    return round(1000 * (time.perf_counter() - start), 1), round(1000 * (time.process_time() - busy), 1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--memories", type=int, default=20_000)
    parser.add_argument("--share", type=int, default=10)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder) / "profile.db", asked.memories, asked.share)))


if __name__ == "__main__":
    main()
