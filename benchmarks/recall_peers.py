"""Others, asked the same questions of the same turns: each a context that opens on a case and yields ``answers(question, k) -> ids``.

Plain FTS5 is SQLite's own BM25 as one writes it in five minutes. The others are installed by the reader, each in a place of its own that an
environment variable names, and are absent where it isn't set:

``@modelcontextprotocol/server-memory``, the reference memory server of MCP: an entity a turn, asked by its ``search_nodes``.
``npm install --prefix DIR @modelcontextprotocol/server-memory``; ``MCP_MEMORY_DIR=DIR``.

basic-memory: a note a turn, asked by its ``search_notes``, words and vectors together as is its default. (A note a session with an
observation a turn, and titles with speaker and date, find less.) ``python3.12 -m venv DIR && DIR/bin/pip install basic-memory``;
``BASIC_MEMORY_PYTHON=DIR/bin/python``: 3.12 or later, whose ``sqlite3`` loads extensions.

mem0 with ``infer=False``: each turn is stored as it is. ``mem0_driver.py`` says how to make ``MEM0_PYTHON``.

The last two need an embedder: both get all-MiniLM-L6-v2, the model that ours is measured with, from ``tools/minilm.py`` on this machine, in
place of the defaults that they fetch (bge-small-en-v1.5) or ask a service for (text-embedding-3-small).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Thread
from typing import Any

import apsw
from recall_data import Case, Turn
from recall_embedders import Once

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


class _Lines:
    """A process that is told lines of JSON and answers with others."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def tell(self, what: dict[str, Any]) -> None:
        assert self._process.stdin
        with suppress(BrokenPipeError):  # then there is no answer
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()

    def answer(self) -> Any:
        """The next line; ``Absent`` where the process ended instead."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise Absent(f"it ended by itself, status {self._process.wait()}")
        return json.loads(line)


@contextmanager
def _started(command: list[str], **variables: str) -> Iterator[_Lines]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | variables,
    )
    try:
        yield _Lines(process)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _mcp(command: list[str], **variables: str) -> Iterator[Callable[[str, dict[str, Any]], Any]]:
    """A server of MCP over stdio: yields ``tool(name, arguments)``, which gives the JSON that the tool answers with."""
    numbers = iter(range(1, 1 << 30))
    with _started(command, **variables) as lines:

        def call(method: str, params: dict[str, Any]) -> Any:
            number = next(numbers)
            lines.tell({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
            while (found := lines.answer()).get("id") != number:
                pass
            return found["result"]

        def tool(name: str, arguments: dict[str, Any]) -> Any:
            said = call("tools/call", {"name": name, "arguments": arguments})["content"][0]["text"]
            try:
                return json.loads(said)
            except ValueError:
                raise Absent(f"{name} says: {said.splitlines()[0]}") from None

        client = {"name": "benchmark", "version": "1"}
        call("initialize", {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": client})
        lines.tell({"jsonrpc": "2.0", "method": "notifications/initialized"})
        yield tool


@contextmanager
def mcp_memory(case: Case) -> Iterator[Answers]:
    """The reference server's search: an entity matches that contains the question, or else any of its words, in the order written."""
    folder = Path(os.environ.get("MCP_MEMORY_DIR", "/nowhere"))
    node = shutil.which(
        "node", path=f"{os.environ.get('PATH', '')}:{Path(__file__).parents[1] / '.toolchain' / 'bin'}"
    )
    if not (folder / SERVER).exists() or node is None:
        raise Absent("MCP_MEMORY_DIR names no folder with it, or there is no node")
    with (
        tempfile.TemporaryDirectory() as scratch,
        _mcp([node, str(folder / SERVER)], MEMORY_FILE_PATH=f"{scratch}/memory.jsonl") as tool,
    ):

        def answers(question: str, k: int) -> list[str]:
            counts: dict[str, int] = {}
            for query in (question, *re.findall(r"\w{4,}", question)):
                for one in tool("search_nodes", {"query": query})["entities"]:
                    counts[one["name"]] = counts.get(one["name"], 0) + (1000 if query == question else 1)
            return sorted(counts, key=lambda name: -counts[name])[:k]

        turns = [{"name": one.id, "entityType": "turn", "observations": [said(one)]} for one in case.turns]
        tool("create_entities", {"entities": turns})
        yield answers


@contextmanager
def basic_memory(case: Case) -> Iterator[Answers]:
    """Notes as files, indexed by its own command; its floor of likeness, which is set for another model, is 0."""
    python = _python("BASIC_MEMORY_PYTHON")
    names = [f"turn-{number}" for number in range(len(case.turns))]
    ids = {f"{name}.md": one.id for name, one in zip(names, case.turns, strict=True)}
    endpoint = _endpoint(
        [f"{name}\n\n{name}\n\n{said(one)}" for name, one in zip(names, case.turns, strict=True)]
    )
    with tempfile.TemporaryDirectory() as scratch:
        notes = Path(scratch, "notes")
        notes.mkdir()
        for name, one in zip(names, case.turns, strict=True):
            front = f"---\ntitle: {name}\ntype: note\npermalink: {name}\n---\n\n"
            (notes / f"{name}.md").write_text(f"{front}{said(one)}\n", "utf-8")
        command = [python, "-m", "basic_memory.cli.main"]
        variables = {
            "HOME": scratch,
            "BASIC_MEMORY_HOME": str(notes),
            "BASIC_MEMORY_CONFIG_DIR": f"{scratch}/config",
            "BASIC_MEMORY_AUTO_UPDATE": "false",
            "BASIC_MEMORY_SEMANTIC_SEARCH_ENABLED": "true",
            "BASIC_MEMORY_SEMANTIC_EMBEDDING_PROVIDER": "litellm",
            "BASIC_MEMORY_SEMANTIC_EMBEDDING_MODEL": "openai/all-MiniLM-L6-v2",
            "BASIC_MEMORY_SEMANTIC_EMBEDDING_API_BASE": endpoint,
            "BASIC_MEMORY_SEMANTIC_EMBEDDING_API_KEY": "none",
            "BASIC_MEMORY_SEMANTIC_EMBEDDING_DIMENSIONS": "384",
            "BASIC_MEMORY_SEMANTIC_EMBEDDING_BATCH_SIZE": "8",
            "BASIC_MEMORY_SEMANTIC_EMBEDDING_SYNC_BATCH_SIZE": "8",
            "BASIC_MEMORY_SEMANTIC_EMBEDDING_REQUEST_CONCURRENCY": "1",
            "BASIC_MEMORY_SEMANTIC_MIN_SIMILARITY": "0",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        }
        indexed = subprocess.run(
            [*command, "reindex", "--full"],
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        if indexed.returncode:
            raise Absent(f"its reindexing failed: {(indexed.stderr.strip() or '?').splitlines()[-1]}")
        if any(int(count) for count in re.findall(r"(\d+)\s+errors", indexed.stdout)):
            raise Absent("its index lacks the vectors of some notes")
        with _mcp([*command, "mcp"], **variables) as tool:

            def answers(question: str, k: int) -> list[str]:
                asked = {"query": question, "page_size": k, "search_type": "hybrid", "output_format": "json"}
                return [ids[one["file_path"]] for one in tool("search_notes", asked)["results"]]

            yield answers


@contextmanager
def mem0(case: Case) -> Iterator[Answers]:
    """Its library, in a process of its own."""
    python, endpoint = _python("MEM0_PYTHON"), _endpoint([said(one) for one in case.turns])
    driver = Path(__file__).with_name("mem0_driver.py")
    with (
        tempfile.TemporaryDirectory() as scratch,
        # -P: this folder has files that are named like modules of Python's own.
        _started([python, "-P", str(driver)]) as lines,
    ):

        def told(what: dict[str, Any]) -> Any:
            lines.tell(what)
            return lines.answer()

        started = told(
            {
                "endpoint": endpoint,
                "model": "all-MiniLM-L6-v2",
                "dimensions": 384,
                "folder": scratch,
                "turns": [(one.id, said(one), one.role) for one in case.turns],
            }
        )
        if not started["words"]:
            print(
                f"mem0 {started['version']} looks at vectors only: its Python lacks fastembed's BM25 or spaCy's model"
            )
        yield lambda question, k: told({"question": question, "k": k})["ids"]


def _python(variable: str) -> str:
    found = os.environ.get(variable)
    if found is None or shutil.which(found) is None:
        raise Absent(f"{variable} names no Python that has it")
    return found


def _endpoint(texts: list[str]) -> str:
    """The URL of all-MiniLM-L6-v2, on this machine, which has the vectors of these texts at hand."""
    model, url = _serving()
    model.encode(texts)
    return url


@cache
def _serving() -> tuple[Once, str]:
    sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
    from minilm import MiniLM, installed, serve

    if not installed():
        raise Absent("it wants an embedder: `.venv/bin/python tools/minilm.py` installs one (84 MB)")
    model = Once(MiniLM())
    server = serve(model=model)
    Thread(target=server.serve_forever, daemon=True).start()
    return model, f"http://127.0.0.1:{server.server_port}/v1"


PEERS: dict[str, Callable[[Case], AbstractContextManager[Answers]]] = {
    "plain FTS5": plain_fts5,
    "MCP reference memory": mcp_memory,
    "basic-memory, MiniLM": basic_memory,
    "mem0, no inference, MiniLM": mem0,
}
