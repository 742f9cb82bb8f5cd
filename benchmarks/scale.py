"""What a vault costs at any size, on a real chain: moving in, pushing, restoring, one memory more, pulling it.

    python benchmarks/scale.py --memories 100000 [1000000 …] [--texts FILE] [--results FILE] [--plot FILE.svg]

A file of JSON Lines (text and date) is imported, screening on, and pushed to a directory and a Foundry node that mines at once; a second
device is restored from the 24 words; the first pushes one memory, five times, and the second pulls each. Each step runs in a process of its
own, so that ``peak_mb`` (resident at most) is that step's. ``s`` is wall clock, ``cpu_s`` what the process itself used on all cores: others
may share the machine. ``push_one_s`` and ``push_s`` leave out the wait for the block.

The texts are those of ``format_size.py``, seeded; their lengths are drawn log-normally with the median (110 bytes) and spread (0.56) of the
turns of published long conversations, or from those of the texts in ``--texts FILE`` (JSON: every string under a key ``text``). Beside it,
on the same texts: plain SQLite, age, restic (``scale_peers.py``), or why not. ``--results`` adds a line of JSON a size to FILE, of which
``--plot`` draws all, also with no size after ``--memories``. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import scale_peers
from format_size import Author
from scale_plot import write_plot

from memsync.chain.ape import connect
from memsync.chain.node import local_node
from memsync.device.keystore_file import CHEAP_COST
from memsync.ipld.cid import CID
from memsync.store.directory import DirectoryStore
from memsync.vault import Vault

BEGUN = datetime(2020, 1, 1, tzinfo=UTC)
PASSPHRASE = "benchmark"  # noqa: S105
MEDIAN, SPREAD, SHORTEST, LONGEST = 110, 0.56, 20, 2000
PUSHES = 5
EXTRA = "One memory more, number {}, about a lighthouse keeper named Thorvald{}."


class Counting(DirectoryStore):
    """A directory that counts the blocks fetched from it."""

    fetched = 0

    def _fetch(self, cids: list[CID]) -> Iterator[bytes | None]:
        self.fetched += len(cids)
        return super()._fetch(cids)


class Clock:
    """Seconds since it was last asked: wall clock, and what this process used."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def lap(self, name: str, *, aside: float = 0.0) -> dict[str, float]:
        wall, cpu = time.perf_counter() - self._wall - aside, time.process_time() - self._cpu
        self.__init__()  # type: ignore[misc]
        return {f"{name}_s": round(wall, 4), f"{name}_cpu_s": round(cpu, 4)}


def peak_mb() -> int:
    """Resident at most in this program; ``getrusage`` would count the one that started it, too."""
    status = Path("/proc/self/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) // 1024 if found else 0


def timed_sends(registry: Any) -> list[float]:
    """Have a registry note how long each of its calls takes to be mined."""
    times: list[float] = []
    send = registry.send

    def timed(call: Any) -> Any:
        start = time.perf_counter()
        try:
            return send(call)
        finally:
            times.append(time.perf_counter() - start)

    registry.send = timed
    return times


def lengths_of(path: Path) -> list[int]:
    def walk(value: Any) -> Iterator[int]:
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(item, dict | list):
                yield from walk(item)
            elif name == "text" and isinstance(item, str) and item:
                yield len(item)

    return list(walk(json.loads(path.read_text())))


def write_texts(path: Path, count: int, like: Path | None) -> dict[str, Any]:
    author, chance = Author(7), random.Random(8)
    lengths = None if like is None else lengths_of(like)
    size = 0
    with path.open("w") as file:
        for number in range(count):
            length = chance.choice(lengths) if lengths else int(MEDIAN * chance.lognormvariate(0, SPREAD))
            text = author.text(max(SHORTEST, min(length, LONGEST)))
            size += len(text)
            when = BEGUN + timedelta(minutes=number)
            file.write(json.dumps({"text": text, "date": when.isoformat()}) + "\n")
    return {"text_bytes": size, "file_bytes": path.stat().st_size}


def move_in(folder: Path, url: str) -> dict[str, Any]:
    with connect(url, payer="TEST::0") as registry:
        waits, store = timed_sends(registry), DirectoryStore(folder / "blocks")
        vault = Vault.create(
            passphrase=PASSPHRASE, home=folder / "one", cost=CHEAP_COST, store=store, registry=registry
        )
        words, clock = vault.words, Clock()
        vault.import_file(folder / "texts.jsonl", "jsonl")
        figures = clock.lap("import") | {"import_peak_mb": peak_mb()}
        receipt = vault.push()
        figures |= clock.lap("push", aside=sum(waits)) | {"push_peak_mb": peak_mb()}
        vault.close()
    database = sum(one.stat().st_size for one in (folder / "one").rglob("*.db*"))
    return figures | {
        "words": words,
        "blocks": receipt.blocks,
        "stored_bytes": receipt.size,
        "database_bytes": database,
    }


def bring_back(folder: Path, url: str, words: str) -> dict[str, Any]:
    texts = (folder / "texts.jsonl").read_text().splitlines()
    wanted = json.loads(texts[len(texts) // 2])["text"]
    del texts
    with connect(url, payer="TEST::0") as registry:
        clock = Clock()
        vault = Vault.restore(
            words,
            passphrase=PASSPHRASE,
            home=folder / "two",
            cost=CHEAP_COST,
            store=DirectoryStore(folder / "blocks"),
            registry=registry,
        )
        figures = clock.lap("restore")
        hits = vault.recall(wanted)
        assert hits[0].memory.text == wanted
        figures |= clock.lap("first_recall") | {"restore_peak_mb": peak_mb()}
        vault.close()
    return figures


def one_more(folder: Path, url: str) -> dict[str, Any]:
    """One device pushes one memory, the other pulls it, over and over: medians, and the most bytes."""
    pushed, pulled = [], []
    with connect(url, payer="TEST::0") as registry:
        waits, store = timed_sends(registry), Counting(folder / "blocks")
        one, two = (
            Vault.open(passphrase=PASSPHRASE, home=folder / home, store=store, registry=registry)
            for home in ("one", "two")
        )
        with one, two:
            for number in range(PUSHES):
                one.remember(EXTRA.format(number, number))
                waits.clear()
                clock = Clock()
                receipt = one.push()
                pushed.append(
                    clock.lap("push_one", aside=sum(waits))
                    | {"push_one_bytes": receipt.size, "push_one_blocks": receipt.blocks}
                )
                store.fetched, clock = 0, Clock()
                taken = two.pull()
                pulled.append(
                    clock.lap("pull_one")
                    | {"pull_one_blocks": store.fetched, "pull_one_segments": taken.segments}
                )
                assert two.recall(f"Thorvald{number}")[0].memory.text == EXTRA.format(number, number)
    figures = {key: median(each[key] for each in some) for some in (pushed, pulled) for key in some[0]}
    most = max(each["push_one_bytes"] for each in pushed)
    return figures | {"push_one_bytes": most, "push_one_peak_mb": peak_mb()}


def apart(work: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """In a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def measure(count: int, like: Path | None, *, peers: bool) -> dict[str, Any]:
    figures: dict[str, Any] = {"memories": count, "date": datetime.now(UTC).date().isoformat()}
    with tempfile.TemporaryDirectory() as name, local_node() as node:
        folder = Path(name)
        figures |= apart(write_texts, folder / "texts.jsonl", count, like)
        figures |= apart(move_in, folder, node.url)
        figures |= apart(bring_back, folder, node.url, figures.pop("words"))
        figures |= apart(one_more, folder, node.url)
        if peers:
            figures["peers"] = apart(scale_peers.measure, folder / "texts.jsonl", EXTRA.format(0, 0))
    figures["stored_bytes_a_memory"] = round(figures["stored_bytes"] / count, 1)
    figures["stored_by_text"] = round(figures["stored_bytes"] / figures["text_bytes"], 2)
    figures["database_by_text"] = round(figures["database_bytes"] / figures["text_bytes"], 2)
    figures["push_one_by_text"] = round(figures["push_one_bytes"] / len(EXTRA.format(0, 0)))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--memories", type=int, nargs="*", default=[10_000])
    parser.add_argument("--texts", type=Path, metavar="FILE")
    parser.add_argument("--results", type=Path, metavar="FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE")
    parser.add_argument("--without-peers", action="store_true")
    asked = parser.parse_args()
    figures: dict[str, Any] = {}
    for count in asked.memories:
        figures = measure(count, asked.texts, peers=not asked.without_peers)
        for key, value in figures.items():
            print(f"{key:24} {value}", flush=True)
        if asked.results:
            with asked.results.open("a") as file:
                file.write(json.dumps(figures) + "\n")
    if asked.results and asked.plot:
        write_plot(asked.results, asked.plot)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
