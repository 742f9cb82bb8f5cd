"""What a vault costs on a real chain: import, push, pull, restore and recall, on a Foundry node with blocks in a directory.

    python benchmarks/flow.py [memories, default 10000]

Memories are the texts of ``format_size.py``, 300 bytes each, 200 a conversation. Times in seconds, one run, block time of the
node not taken out (it mines at once). The last line is one JSON object.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from pathlib import Path

from format_size import Author

from memsync.chain.ape import connect
from memsync.chain.node import local_node
from memsync.device.keystore_file import CHEAP_COST
from memsync.memory import Draft, Source
from memsync.store.directory import DirectoryStore
from memsync.vault import Vault

PASSPHRASE = "benchmark"  # noqa: S105


def main(count: int) -> None:
    chance = random.Random(7)
    author = Author(7)
    texts = [author.text(300) for _ in range(count)]
    figures: dict[str, float | int] = {"memories": count, "bytes_of_text": sum(map(len, texts))}

    def measure(name: str, start: float) -> None:
        figures[name] = round(time.perf_counter() - start, 3)

    with (
        tempfile.TemporaryDirectory() as folder,
        local_node() as node,
        connect(node.url, payer="TEST::0") as registry,
    ):
        store = DirectoryStore(Path(folder) / "blocks")
        where = {"store": store, "registry": registry}
        vault = Vault.create(passphrase=PASSPHRASE, home=Path(folder) / "one", cost=CHEAP_COST, **where)
        words = vault.words
        start = time.perf_counter()
        vault.remember_many(
            Draft(
                kind="episodic",
                text=one,
                created=n,
                source=Source(conversation=str(n // 200), turn=str(n % 200)),
            )
            for n, one in enumerate(texts)
        )
        measure("remember_all", start)
        start = time.perf_counter()
        receipt = vault.push()
        measure("push_all", start)
        figures |= {
            "blocks": receipt.blocks,
            "bytes_stored": receipt.size,
            "bytes_a_memory": round(receipt.size / count, 1),
        }
        start = time.perf_counter()
        other = Vault.restore(
            words, passphrase=PASSPHRASE, home=Path(folder) / "two", cost=CHEAP_COST, **where
        )
        hits = other.recall(texts[count // 2][:60])
        measure("restore_to_first_recall", start)
        assert hits[0].memory.text == texts[count // 2]
        vault.remember("One memory more, about a lighthouse.")
        start = time.perf_counter()
        one = vault.push()
        measure("push_one", start)
        figures |= {"push_one_bytes": one.size, "push_one_blocks": one.blocks}
        start = time.perf_counter()
        pulled = other.pull()
        measure("pull_one", start)
        figures["pull_one_segments"] = pulled.segments
        times = []
        for _ in range(50):
            start = time.perf_counter()
            other.recall(texts[chance.randrange(count)][:40])
            times.append(time.perf_counter() - start)
        figures["recall_p95_ms"] = round(sorted(times)[47] * 1000, 1)
        vault.close()
        other.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
