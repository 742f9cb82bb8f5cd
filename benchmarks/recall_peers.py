"""Others, asked the same questions of the same turns: each a context that opens on a case and yields ``answers(question, k) -> ids``.

Plain FTS5 is SQLite's own BM25 as one writes it in five minutes. ``@modelcontextprotocol/server-memory`` is the reference memory server of
MCP: an entity a turn, asked by its ``search_nodes`` over stdio; put it into a folder of its own with
``npm install --prefix DIR @modelcontextprotocol/server-memory`` and name that in ``MCP_MEMORY_DIR``. The others want a Python or services
that this environment has not; their reasons are printed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import apsw
from recall_data import Case, Turn

Answers = Callable[[str, int], list[str]]
SERVER = Path("node_modules/@modelcontextprotocol/server-memory/dist/index.js")


class Absent(Exception):
    """A peer that can't be had here, and why."""


def said(turn: Turn) -> str:
    return f"{turn.role}: {turn.text}" if turn.role and turn.role not in {"user", "assistant"} else turn.text


@contextmanager
def plain_fts5(case: Case) -> Iterator[Answers]:
    """One FTS5 table, its default tokenizer, the question's words joined by OR, by rank."""
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE VIRTUAL TABLE turn USING fts5(text)")
    connection.executemany(
        "INSERT INTO turn (rowid, text) VALUES (?, ?)", ((n, said(one)) for n, one in enumerate(case.turns))
    )

    def answers(question: str, k: int) -> list[str]:
        query = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", question))
        rows = connection.execute(
            "SELECT rowid FROM turn WHERE turn MATCH ? ORDER BY rank LIMIT ?", (query, k)
        )
        return [case.turns[row[0]].id for row in rows]

    yield answers
    connection.close()


@contextmanager
def mcp_memory(case: Case) -> Iterator[Answers]:
    """The reference server's search: an entity matches that contains the question, or else any of its words, in the order written."""
    folder = Path(os.environ.get("MCP_MEMORY_DIR", "/nowhere"))
    node = shutil.which(
        "node", path=f"{os.environ.get('PATH', '')}:{Path(__file__).parents[1] / '.toolchain' / 'bin'}"
    )
    if not (folder / SERVER).exists() or node is None:
        raise Absent("MCP_MEMORY_DIR names no folder with it, or there is no node")
    with tempfile.TemporaryDirectory() as scratch:
        process = subprocess.Popen(
            [node, str(folder / SERVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"MEMORY_FILE_PATH": f"{scratch}/memory.jsonl"},
        )
        numbers = iter(range(1, 1 << 30))

        def call(method: str, params: dict[str, Any]) -> Any:
            number = next(numbers)
            assert process.stdin
            assert process.stdout
            process.stdin.write(
                json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}) + "\n"
            )
            process.stdin.flush()
            while True:
                found = json.loads(process.stdout.readline())
                if found.get("id") == number:
                    return found["result"]

        def tool(name: str, arguments: dict[str, Any]) -> Any:
            found = call("tools/call", {"name": name, "arguments": arguments})
            return json.loads(found["content"][0]["text"])

        def answers(question: str, k: int) -> list[str]:
            counts: dict[str, int] = {}
            for query in (question, *re.findall(r"\w{4,}", question)):
                for one in tool("search_nodes", {"query": query})["entities"]:
                    counts[one["name"]] = counts.get(one["name"], 0) + (1000 if query == question else 1)
            return sorted(counts, key=lambda name: -counts[name])[:k]

        call(
            "initialize",
            {
                "protocolVersion": "2024-11-05",
                "capabilities": {},
                "clientInfo": {"name": "benchmark", "version": "1"},
            },
        )
        tool(
            "create_entities",
            {
                "entities": [
                    {"name": one.id, "entityType": "turn", "observations": [said(one)]} for one in case.turns
                ]
            },
        )
        try:
            yield answers
        finally:
            process.terminate()
            process.wait()


def _absent(why: str) -> Callable[[Case], AbstractContextManager[Answers]]:
    @contextmanager
    def open_peer(_: Case) -> Iterator[Answers]:
        raise Absent(why)
        yield lambda _question, _k: []

    return open_peer


PEERS: dict[str, Callable[[Case], AbstractContextManager[Answers]]] = {
    "plain FTS5": plain_fts5,
    "MCP reference memory": mcp_memory,
    "basic-memory": _absent("needs Python 3.12 and an environment of its own; not wired up here yet"),
    "mem0 without inference": _absent(
        "needs an embedding model even without inference; not wired up here yet"
    ),
}
