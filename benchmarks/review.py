"""How long a person waits for the review where a tool has flooded it, in a vault of many memories.

    python benchmarks/review.py --memories 100000

As many proposals as a tool may have waiting, about 25 words each, texts as in ``recall_speed.py``; one in three is a memory as it is kept.
``door``: a proposal of a tool that reads the scope. ``list``: who waits, nothing looked at; ``look``: a hundred proposals, each beside what
is kept; ``accept``: one of them; ``accept_many``: fifty in one transaction. The last line is one JSON object; times in ms.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from recall_speed import Language, peak_mb, percentile

from memsync.device.keystore_file import CHEAP_COST
from memsync.device.pending import MOST
from memsync.memory import Draft
from memsync.vault import Decision, ServedVault, Vault


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def flooded(vault: Vault, count: int) -> tuple[ServedVault, list[str]]:
    """A vault with that many memories, a tool with as many proposals as may wait, and what else it could say."""
    chance = random.Random(5)
    language = Language(chance)
    kept = [language.text(chance.randrange(8, 42)) for _ in range(count)]
    vault.remember_many(Draft(kind="semantic", text=one, created=1) for one in kept)
    names = ("flood", "reader")
    for name, can in zip(names, ("write", "read+write"), strict=True):
        token = vault.add_client(name)
        vault.grant_served(name, scope="personal", can=can)
        tool = vault.serve(token)
        if name == "flood":
            for number in range(MOST):
                tool.remember(chance.choice(kept) if number % 3 == 0 else language.text(25))
    return tool, [language.text(25) for _ in range(100)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--memories", type=int, default=20_000)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Vault.create(passphrase="only for measuring", home=Path(folder), cost=CHEAP_COST) as vault,  # noqa: S106
    ):
        tool, texts = flooded(vault, asked.memories)
        door = [timed(lambda text=text: tool.remember(text)) for text in texts]
        vault.proposals(limit=1)
        listed = timed(lambda: vault.proposals(examined=False))
        looked = timed(lambda: vault.proposals(limit=100))
        waiting = [one.id for one in vault.proposals(examined=False) if one.who == "flood"]
        accept = [timed(lambda one=one: vault.decide(Decision(one, "accept"))) for one in waiting[:30]]
        many = timed(lambda: vault.decide(*(Decision(one, "accept") for one in waiting[30:80])))
    figures = {
        "memories": asked.memories,
        "waiting": MOST + len(texts),
        "door_p50": percentile(door, 0.5),
        "door_p95": percentile(door, 0.95),
        "list": round(listed, 1),
        "look_100": round(looked, 1),
        "accept_p50": percentile(accept, 0.5),
        "accept_p95": percentile(accept, 0.95),
        "accept_many_50": round(many, 1),
        "peak_mb": peak_mb(),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
