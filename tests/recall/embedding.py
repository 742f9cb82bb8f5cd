"""A desk with memories, and embedders and servers as tests of vectors need them: real sockets, no model."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from memsync.device.database import Database
from memsync.device.memories import Memories
from memsync.memory import Memory, Tombstone, new_id
from memsync.recall import TextIndex, refresh
from memsync.testing import HashingEmbedder

HOME, WORK = b"h" * 16, b"w" * 16
THINGS = "The photograph hangs in the hall|Bread rises twice|Paul repairs his bicycle|Rain again in Bergen|The heron came back".split(
    "|"
)


class Server:
    """``/v1/embeddings`` on the loopback address, by hashing. ``asked``: every text that came; ``answer``: what to say instead."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.status = 200
        self.answer: bytes | None = None
        self.refused = "\0"
        self.setting = ""

    def write(self, body: dict[str, Any]) -> tuple[int, bytes]:
        """``/v1/chat/completions``: how many lines it was given, in a sentence."""
        self.requests.append(body)
        lines = body["messages"][1]["content"].count("\n- ")
        told = {
            "choices": [{"message": {"role": "assistant", "content": f"They said {lines} things.\x1b[2J"}}]
        }
        return self.status, self.answer or json.dumps(told).encode()

    def say(self, body: dict[str, Any]) -> tuple[int, bytes]:
        self.requests.append(body)
        self.asked += body["input"]
        if any(self.refused in text for text in body["input"]):
            return 400, b"too long"
        rows = HashingEmbedder().encode(body["input"]).tolist()
        data = [{"index": at, "embedding": row} for at, row in enumerate(rows)]
        return self.status, self.answer or json.dumps({"data": data[::-1]}).encode()


@contextmanager
def serving() -> Iterator[Server]:
    found = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.headers.append(dict(self.headers))
            paths = {"/v1/embeddings": found.say, "/v1/chat/completions": found.write}
            status, answer = paths[self.path](json.loads(body)) if self.path in paths else (404, b"")
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    found.setting = f"http://127.0.0.1:{server.server_port}/v1#hash"
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def memory(text: str, **content) -> Memory:
    created = content.pop("created", 1)
    return Memory(
        id=content.pop("id", None) or new_id(created, os.urandom),
        version=new_id(created, os.urandom),
        kind="semantic",
        text=text,
        created=created,
        **content,
    )


class Desk:
    """Memories, their index, and what embeds them."""

    def __init__(self, database: Database | None = None, embedder=None) -> None:
        self.database = database or Database.in_memory()
        self.memories, self.index = Memories(self.database), TextIndex(self.database)
        self.meanings = self.index.meanings
        self.meanings.embedder = embedder

    def write(self, *records: Memory | Tombstone, scope: bytes = HOME) -> None:
        self.memories.write(scope, records)
        refresh(self.memories, self.index)

    def found(self, question: str, *scopes: bytes, **asked) -> list[tuple[str, float]]:
        hits = self.index.search(question, scopes or [HOME], clock=0, **asked)
        return [(hit.memory.text, hit.score) for hit in hits]

    def texts(self, question: str, *scopes: bytes, **asked) -> list[str]:
        return [text for text, _ in self.found(question, *scopes, **asked)]

    def vectors(self) -> int:
        return sum(self.meanings.counts().values())


class Watched(HashingEmbedder):
    """A hashing embedder that does something before each batch; ``seen`` is every text that it got."""

    def __init__(self, before=lambda _texts: None, *, remote: bool = False, dimensions: int = 256) -> None:
        super().__init__(dimensions)
        self.before, self.seen, self.remote = before, [], remote
        self.where = "api.example.org" if remote else None

    def encode(self, texts: list[str]):
        self.before(texts)
        self.seen += texts
        return super().encode(texts)
