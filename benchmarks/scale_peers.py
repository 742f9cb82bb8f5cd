"""Others on the same texts as ``scale.py``: what keeping them costs without most of what a vault does, each with what it lacks.

``sqlite``: one table, one transaction, on this disk; not encrypted, not searched, kept in one place. ``sqlite_fts5``: the same with FTS5
over the texts. ``age``: each text sealed for one X25519 recipient, and all of them as one file, by ``pyrage`` (Rust); ``AGE_PYTHON`` names
a Python that has it (``pip install pyrage`` in an environment of its own). ``restic``: the file of texts backed up into a new repository,
then again with one line more; deduplicated and encrypted under a password (scrypt at each start), not searched, not on a chain. What can't
be had is absent, with the reason. Seconds are wall clock, ``cpu_s`` with the programs started.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw

AGE = """
import json, sys, time, pyrage
texts = [json.loads(line)["text"].encode() for line in open(sys.argv[1])]
key = pyrage.x25519.Identity.generate()
to = [key.to_public()]
def timed(work):
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    return found, {"s": round(time.perf_counter() - wall, 3), "cpu_s": round(time.process_time() - cpu, 3)}
some = texts[:20000]
each, took = timed(lambda: [pyrage.encrypt(text, to) for text in some])
one = {name: round(value * len(texts) / len(some), 3) for name, value in took.items()}
one |= {"bytes": round(sum(map(len, each)) * len(texts) / len(some)), "measured": len(some)}
_, opened = timed(lambda: [pyrage.decrypt(text, [key]) for text in each[:2000]])
one["open_cpu_s"] = round(opened["cpu_s"] * len(texts) / len(each[:2000]), 3)
whole = b"\\n".join(texts)
file, took = timed(lambda: pyrage.encrypt(whole, to))
print(json.dumps({"age_one_by_one": one, "age_one_file": took | {"bytes": len(file)}}))
"""
"""A process of its own, since its environment is. One by one is measured on 20,000 and scaled."""


def measure(texts: Path, extra: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for peer in (sqlite, age, restic):
        with tempfile.TemporaryDirectory() as folder:
            found |= peer(texts, extra, Path(folder))
    return found


def timed(work: Callable[[], object]) -> dict[str, float]:
    def cpu() -> float:
        used = os.times()
        return used.user + used.system + used.children_user + used.children_system

    wall, busy = time.perf_counter(), cpu()
    work()
    return {"s": round(time.perf_counter() - wall, 3), "cpu_s": round(cpu() - busy, 3)}


def sqlite(texts: Path, _: str, folder: Path) -> dict[str, Any]:
    def insert(path: Path, *, searched: bool) -> None:
        database = apsw.Connection(str(path))
        database.pragma("journal_mode", "wal")
        database.execute("CREATE TABLE memory (id INTEGER PRIMARY KEY, text TEXT, date TEXT)")
        if searched:
            database.execute(
                "CREATE VIRTUAL TABLE word USING fts5(text, content='memory', content_rowid='id')"
            )
        with database, texts.open() as file:
            lines = map(json.loads, file)
            database.executemany(
                "INSERT INTO memory (text, date) VALUES (?, ?)", ((one["text"], one["date"]) for one in lines)
            )
            if searched:
                database.execute("INSERT INTO word (word) VALUES ('rebuild')")
        database.close()

    found: dict[str, Any] = {}
    for name, searched in (("sqlite", False), ("sqlite_fts5", True)):
        path = folder / name
        found[name] = timed(lambda path=path, searched=searched: insert(path, searched=searched))
        found[name]["bytes"] = path.stat().st_size
    return found


def age(texts: Path, _: str, __: Path) -> dict[str, Any]:
    python = os.environ.get("AGE_PYTHON")
    if python is None:
        return {"age": "absent: AGE_PYTHON names no Python with pyrage"}
    done = subprocess.run([python, "-c", AGE, str(texts)], capture_output=True, text=True, check=False)
    if done.returncode:
        return {"age": f"absent: {done.stderr.strip().splitlines()[-1]}"}
    return dict(json.loads(done.stdout))


def restic(texts: Path, extra: str, folder: Path) -> dict[str, Any]:
    program = shutil.which("restic")
    if program is None:
        return {"restic": "absent: no restic on PATH (Debian has it as `restic`)"}
    repository, source = folder / "repository", folder / "texts.jsonl"
    environment = os.environ | {
        "RESTIC_PASSWORD": "benchmark",
        "RESTIC_CACHE_DIR": str(folder / "cache"),
        "RESTIC_REPOSITORY": str(repository),
    }

    def run(*arguments: str) -> None:
        subprocess.run([program, "-q", *arguments], env=environment, check=True, capture_output=True)

    def kept() -> int:
        return sum(one.stat().st_size for one in repository.rglob("*") if one.is_file())

    shutil.copy(texts, source)
    run("init")
    first = timed(lambda: run("backup", str(source)))
    before = kept()
    with source.open("a") as file:
        file.write(json.dumps({"text": extra}) + "\n")
    again = timed(lambda: run("backup", str(source)))
    back = timed(lambda: run("restore", "latest", "--target", str(folder / "back")))
    return {
        "restic": first | {"bytes": before},
        "restic_one_more": again | {"bytes": kept() - before},
        "restic_restore": back,
    }
