"""How fast memories come in and go out, format by format, on this device: no chain, no network.

    python benchmarks/import_rates.py [memories, default 10000]

The texts are those of ``format_size.py``, 300 bytes each, the same in every format, each into a vault of its own; then one vault is written
out. One run. ``bytes`` is the size of the file or of all files, ``seconds`` wall clock, ``rate`` memories a second, ``again`` the seconds
of importing the same file a second time, which adds nothing. The last line is one JSON object.
"""

from __future__ import annotations

import csv
import json
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from format_size import Author

from memsync.device.keystore_file import CHEAP_COST
from memsync.vault import Vault

BEGUN = datetime(2025, 1, 1, tzinfo=UTC)
A_TALK = 20
PASSPHRASE = "benchmark"  # noqa: S105


def main(count: int) -> None:
    author = Author(7)
    texts = [author.text(300) for _ in range(count)]
    figures: dict[str, object] = {
        "memories": count,
        "bytes_of_text": sum(len(text.encode()) for text in texts),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for form, write in WRITERS.items():
            path = write(folder / form, texts)
            with Vault.create(form, passphrase=PASSPHRASE, home=folder / "home", cost=CHEAP_COST) as vault:
                start = time.perf_counter()
                report = vault.import_file(path, form)
                took = time.perf_counter() - start
                start = time.perf_counter()
                assert vault.import_file(path, form).memories == 0
                again = time.perf_counter() - start
                assert report.memories == vault.count() == count, form
                figures[f"import {form}"] = figure(size_of(path), took, count) | {"again": round(again, 2)}
                if form == "jsonl":
                    for out in ("jsonl", "markdown"):
                        start = time.perf_counter()
                        written = vault.export_file(folder / f"out {out}", out)
                        figures[f"export {out}"] = figure(written.bytes, time.perf_counter() - start, count)
        for out in ("jsonl", "markdown"):
            with Vault.create(
                f"back-{out}", passphrase=PASSPHRASE, home=folder / "home", cost=CHEAP_COST
            ) as vault:
                start = time.perf_counter()
                vault.import_file(folder / f"out {out}", out)
                figures[f"import exported {out}"] = figure(
                    size_of(folder / f"out {out}"), time.perf_counter() - start, count
                )
                assert vault.count() == count
    for name, value in figures.items():
        print(f"{name:24} {value}")
    print(json.dumps(figures))


def figure(size: int, took: float, count: int) -> dict[str, float]:
    return {"bytes": size, "seconds": round(took, 2), "rate": round(count / took)}


def size_of(path: Path) -> int:
    return sum(one.stat().st_size for one in ([path] if path.is_file() else path.rglob("*")) if one.is_file())


def when(number: int) -> datetime:
    return BEGUN + timedelta(minutes=number)


def talks(texts: list[str]) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """The texts as conversations, each text with its number."""
    for first in range(0, len(texts), A_TALK):
        yield first, list(enumerate(texts[first : first + A_TALK], first))


def zipped(path: Path, conversations: list[object]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("conversations.json", json.dumps(conversations))
    return path


def write_chatgpt(path: Path, texts: list[str]) -> Path:
    def node(number: int, first: int, text: str) -> dict[str, object]:
        return {
            "id": f"n{number}",
            "parent": None if number == first else f"n{number - 1}",
            "children": [],
            "message": {
                "author": {"role": "assistant" if (number - first) % 2 else "user"},
                "create_time": when(number).timestamp(),
                "content": {"content_type": "text", "parts": [text]},
            },
        }

    return zipped(
        path,
        [
            {
                "title": f"Talk {first}",
                "conversation_id": f"c{first}",
                "mapping": {f"n{number}": node(number, first, text) for number, text in said},
            }
            for first, said in talks(texts)
        ],
    )


def write_claude(path: Path, texts: list[str]) -> Path:
    return zipped(
        path,
        [
            {
                "uuid": f"c{first}",
                "name": f"Talk {first}",
                "created_at": when(first).isoformat(),
                "chat_messages": [
                    {
                        "uuid": f"m{number}",
                        "text": text,
                        "content": [{"type": "text", "text": text}],
                        "sender": "assistant" if (number - first) % 2 else "human",
                        "created_at": when(number).isoformat(),
                    }
                    for number, text in said
                ],
            }
            for first, said in talks(texts)
        ],
    )


def write_mem0(path: Path, texts: list[str]) -> Path:
    path.write_text(
        json.dumps(
            [
                {"id": str(number), "memory": text, "created_at": when(number).isoformat(), "user_id": "u"}
                for number, text in enumerate(texts)
            ]
        )
    )
    return path


def write_mcp_memory(path: Path, texts: list[str]) -> Path:
    with path.open("w") as file:
        for first, said in talks(texts):
            entity = {"type": "entity", "name": f"Thing {first}", "entityType": "thing"}
            file.write(json.dumps(entity | {"observations": [text for _, text in said]}) + "\n")
    return path


def write_markdown(path: Path, texts: list[str]) -> Path:
    for number, text in enumerate(texts):
        note = path / f"{number // 1000}" / f"{number}.md"
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(
            f"---\ntitle: Note {number}\ndate: {when(number).isoformat()}\ntags: [a, b]\n---\n\n{text}\n"
        )
    return path


def write_jsonl(path: Path, texts: list[str]) -> Path:
    with path.open("w") as file:
        for number, text in enumerate(texts):
            file.write(json.dumps({"text": text, "date": when(number).isoformat(), "tags": ["a"]}) + "\n")
    return path


def write_csv(path: Path, texts: list[str]) -> Path:
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "date", "tags"])
        table.writerows([text, when(number).isoformat(), "a"] for number, text in enumerate(texts))
    return path


WRITERS = {
    "chatgpt": write_chatgpt,
    "claude": write_claude,
    "mem0": write_mem0,
    "mcp-memory": write_mcp_memory,
    "markdown": write_markdown,
    "jsonl": write_jsonl,
    "csv": write_csv,
}

if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
