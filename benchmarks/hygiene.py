"""How well and how fast a vault knows at the door what a text is in relation to what is kept.

    python benchmarks/hygiene.py --memories 100000

Well: pairs by hand (``tests/intake/hygiene/``), all of a file in one scope beside two workflows; a class counts as found where both the
word and the memory that was meant are right. ``unseen`` and ``fresh`` were each written before anything was tried on them. Their first
figures: of echoes 12 of 14 and 6 of 12 found, of contradictions 10 of 12 and 8 of 10, nothing wrongly taken for either; what was learned
from them is in the code since. Then three workflows: each text among all, and among all others. Fast: texts as in ``recall_speed.py``, one
in three a memory of the scope as it is, or led in as a tool would. The last line is one JSON object; times in ms.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

from recall_speed import SCOPE, Language, build, memories, peak_mb, percentile

from memsync.device.database import Database
from memsync.device.memories import Memories
from memsync.intake.hygiene import CANDIDATES, Standing, examine, questions
from memsync.memory import Memory, new_id
from memsync.recall import TextIndex, refresh
from memsync.recall.fuse import fuse

TESTS = Path(__file__).parents[1] / "tests"
CLASSES = ("same", "near", "echo", "supersedes", "new")


def pairs(name: str) -> list[dict[str, str]]:
    return [
        json.loads(line)
        for line in (TESTS / "intake" / "hygiene" / f"{name}.jsonl").read_text("utf-8").splitlines()
    ]


def _memory(text: str) -> Memory:
    return Memory(
        id=new_id(1, os.urandom), version=new_id(1, os.urandom), kind="semantic", text=text, created=1
    )


def judge(name: str) -> list[tuple[dict[str, str], Standing, bool]]:
    """Each pair of a file with its standing, and whether the memory that was meant is the one that is named."""
    database = Database.in_memory()
    store, index = Memories(database), TextIndex(database)
    kept = {one["kept"]: _memory(one["kept"]) for one in pairs(name)}
    workflows = [TESTS / "recall" / "workflows" / f"{one}.jsonl" for one in ("novel", "project")]
    beside = [
        json.loads(line).get("text") for file in workflows for line in file.read_text("utf-8").splitlines()
    ]
    store.write(SCOPE, [*kept.values(), *(_memory(text) for text in beside if text)])
    refresh(store, index)
    found = []
    for one in pairs(name):
        asked = questions(one["text"])
        standing = examine(
            one["text"],
            fuse(
                [index.search(some, [SCOPE], k=CANDIDATES, clock=0) for some in asked],
                len(asked) * CANDIDATES,
            ),
        )
        named = [
            standing.exact,
            *standing.near,
            *standing.echoed,
            *(which for which, _ in standing.supersedes),
        ]
        found.append(
            (
                one,
                standing,
                standing.relation == "new" or kept[one["kept"]].id in named or "<mem" in one["text"],
            )
        )
    database.close()
    return found


def again(workflow: str) -> tuple[Counter[str], Counter[str]]:
    """What each text of a workflow is held for among all of them, and what those that stand there once are among all others."""
    database = Database.in_memory()
    store, index = Memories(database), TextIndex(database)
    file = TESTS / "recall" / "workflows" / f"{workflow}.jsonl"
    texts = [json.loads(line).get("text") for line in file.read_text("utf-8").splitlines()]
    kept = [_memory(text) for text in texts if text]
    store.write(SCOPE, kept)
    refresh(store, index)
    often, itself, without = Counter(texts), Counter(), Counter()
    for one in kept:
        hits = [
            hit for some in questions(one.text) for hit in index.search(some, [SCOPE], k=CANDIDATES, clock=0)
        ]
        itself[examine(one.text, hits).relation] += 1
        if often[one.text] == 1:
            without[examine(one.text, [hit for hit in hits if hit.memory != one]).relation] += 1
    database.close()
    return itself, without


def scores(judged: list[tuple[dict[str, str], Standing, bool]]) -> dict[str, tuple[float, float, int]]:
    """Of each class: precision, recall, and how many pairs it has."""
    said = Counter(standing.relation for _, standing, _ in judged)
    meant = Counter(one["is"] for one, _, _ in judged)
    right = Counter(one["is"] for one, standing, named in judged if standing.relation == one["is"] and named)
    return {
        name: (round(right[name] / max(1, said[name]), 3), round(right[name] / meant[name], 3), meant[name])
        for name in CLASSES
    }


def speed(path: Path, key: bytes, count: int) -> dict[str, float]:
    chance = random.Random(9)
    language = Language(random.Random(5))
    database = Database.open(path, key)
    index = TextIndex(database)
    kept = [one.text for one in memories(language, random.Random(5), 300)]
    texts = [language.text(chance.randrange(8, 42)) for _ in range(200)]
    texts += kept[:50] + [f"You told me that {text}" for text in kept[50:100]]
    chance.shuffle(texts)
    index.search("nothing of all this", [SCOPE])
    recall, whole = [], []
    for again in (False, True):
        for text in texts:
            start = time.perf_counter()
            hits = index.search(text, [SCOPE], k=CANDIDATES)
            middle = time.perf_counter()
            examine(text, hits)
            if again:
                recall.append(1000 * (middle - start))
                whole.append(1000 * (time.perf_counter() - start))
    database.close()
    return {
        "memories": count,
        "recall_p50": percentile(recall, 0.5),
        "recall_p95": percentile(recall, 0.95),
        "examine_p50": percentile(whole, 0.5),
        "examine_p95": percentile(whole, 0.95),
        "peak_mb": peak_mb(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--memories", type=int, default=20_000)
    parser.add_argument("--keep", type=Path, help="A folder for the database, reused when it is there.")
    parser.add_argument("--wrong", action="store_true", help="Print what was judged wrongly.")
    asked = parser.parse_args()
    figures: dict[str, object] = {}
    for name in ("pairs", "unseen", "fresh"):
        judged = judge(name)
        figures[name] = {
            one: {"precision": p, "recall": r, "pairs": n} for one, (p, r, n) in scores(judged).items()
        }
        for one, standing, named in judged:
            if asked.wrong and (standing.relation != one["is"] or not named):
                print(
                    name,
                    one["is"],
                    "taken for",
                    standing.relation,
                    "" if named else "(of another)",
                    one["kept"],
                    "|",
                    one["text"],
                )
    for name in ("novel", "research", "project"):
        itself, without = again(name)
        figures[name] = {"itself": itself, "among_others": without}
    with tempfile.TemporaryDirectory() as folder:
        path = (asked.keep or Path(folder)) / f"recall-{asked.memories}.db"
        key = b"k" * 32
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            build(path, key, asked.memories)
        figures |= speed(path, key, asked.memories)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
