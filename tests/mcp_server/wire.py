"""`memsync mcp` in a process of its own, as tests speak to it: line by line, or with the SDK's client; and the person who starts it."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Self

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

from tests.people import Person

PATIENCE = 30.0
LAUNCH = "The launch is on the ninth of May."


def environment(person: Person, **more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MEMSYNC_")}
    return {**clean, **person.env, **more}


def grant(person: Person, name: str, *more: str) -> None:
    person.says("grant", name, "--scope", "work", "--for", "30d", "--yes", *more)


def token(person: Person, name: str, *more: str) -> str:
    return Path(person.gets("client", "token", name, *more)["file"]).read_text().strip()


class Wire:
    """A session by hand; a context manager that ends the process."""

    def __init__(self, person: Person, *args: str, program: str | None = None, **env: str) -> None:
        how = ["-m", "memsync"] if program is None else ["-c", program]
        self.process = subprocess.Popen(
            [sys.executable, *how, "mcp", *args],
            env=environment(person, **env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.lines: queue.Queue[bytes] = queue.Queue()
        self._numbers = itertools.count(1)
        self._other: dict[Any, dict] = {}
        self._pumps = [
            threading.Thread(target=one, daemon=True) for one in (self._pump_answers, self._pump_errors)
        ]
        self.said = b""  # on stderr
        for pump in self._pumps:
            pump.start()

    def _pump_answers(self) -> None:
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(b"")

    def _pump_errors(self) -> None:
        for line in self.process.stderr:
            self.said += line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pump in self._pumps:
            pump.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def begin(self, version: str = "2025-11-25") -> dict:
        client = {"name": "test", "version": "1"}
        found = self.ask("initialize", protocolVersion=version, capabilities={}, clientInfo=client)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return found["result"]

    def send(self, message: dict | bytes) -> None:
        line = message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n"
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def post(self, method: str, **params: Any) -> int:
        """Send a request; its id."""
        number = next(self._numbers)
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return number

    def post_call(self, tool: str, **given: Any) -> int:
        return self.post("tools/call", name=tool, arguments=given)

    def answer(self, number: Any, patience: float = PATIENCE) -> dict:
        """The answer with this id; others are kept for who asks for them."""
        until = time.monotonic() + patience
        while number not in self._other:
            line = self.lines.get(timeout=max(0.01, until - time.monotonic()))
            assert line, (self.process.poll(), self.said)
            found = json.loads(line)
            self._other[found["id"]] = found
        return self._other.pop(number)

    def ask(self, method: str, **params: Any) -> dict:
        return self.answer(self.post(method, **params))

    def call(self, tool: str, **given: Any) -> dict:
        return self.answer(self.post_call(tool, **given))["result"]

    def refusal(self, tool: str, **given: Any) -> str:
        found = self.call(tool, **given)
        assert found["isError"] is True and "structuredContent" not in found, found
        [content] = found["content"]
        assert content["text"] and "\n" not in content["text"]
        return content["text"]

    def end(self) -> int:
        """Close its input; what it ended with."""
        self.process.stdin.close()
        return self.process.wait(PATIENCE)


@asynccontextmanager
async def stdio(person: Person, *args: str, mode: str = "auto") -> AsyncIterator[Client]:
    """The SDK's client over a process that it starts."""
    command = ["-m", "memsync", "mcp", *args]
    how = StdioServerParameters(command=sys.executable, args=command, env=person.env)
    async with Client(stdio_client(how), mode=mode) as client:
        yield client


@asynccontextmanager
async def http(url: str, bearer: str, *, mode: str = "auto") -> AsyncIterator[Client]:
    """The SDK's client over streamable HTTP."""
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {bearer}"}, timeout=PATIENCE) as wire,
        Client(streamable_http_client(url, http_client=wire), mode=mode) as client,
    ):
        yield client


@contextmanager
def serving(person: Person, *args: str) -> Iterator[str]:
    """`memsync mcp --http`; the URL."""
    command = [sys.executable, "-m", "memsync", "mcp", "--http", "--json", *args]
    with subprocess.Popen(
        command, env=environment(person), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            yield json.loads(line)["url"]
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)
