"""The server over its standard input and output, a message a line, as a client starts it.

In come lines from whoever started this process, out go answers; both descriptors are taken away from the rest of the process, so that a
stray ``print`` reaches stderr. A line that is no message is answered as JSON-RPC 2.0 says, one that is too long is never held whole. The
end of the input ends it, once what was asked before has been answered or two seconds have passed; a signal ends it at once.
https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import IO, Any, Final

import anyio
import anyio.to_thread
import mcp_types as types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.lowlevel import Server
from mcp.shared.message import SessionMessage
from pydantic_core import PydanticSerializationError

from memsync.keeper.wire import place_of
from memsync.mcp_server.calls import log
from memsync.mcp_server.messages import LONGEST, error, line_of, read_message, refusal

_LAST_ANSWERS: Final = 2.0  # seconds that they get once the input has ended
_Incoming = SessionMessage | Exception


def serve_stdio(server: Server[Any]) -> None:
    """Serve until the input ends, the client no longer reads, or a signal comes; the process ends with it."""
    signal.signal(
        signal.SIGINT, signal.SIG_DFL
    )  # there is nothing to tidy up; SIGTERM has its default anyway
    lines, answers = _take(0, "rb"), _take(1, "wb")
    code = asyncio.run(_Wire(server, lines, answers).run())
    # Threads may still wait for the keeper, or for a client that reads no more: nobody waits for them.
    os._exit(code)


def _take(number: int, mode: str) -> IO[bytes]:
    """The file of a standard descriptor, which is the null device, or stderr, from now on."""
    private = os.dup(number)
    if mode == "wb":
        os.dup2(2, number)
    else:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, number)
        os.close(nothing)
    return os.fdopen(private, mode)


class _Wire:
    """One connection."""

    def __init__(self, server: Server[Any], lines: IO[bytes], answers: IO[bytes]) -> None:
        self._server, self._lines, self._answers = server, lines, answers
        self._due: set[types.RequestId] = set()
        self._quiet = asyncio.Event()  # nothing is due
        self._quiet.set()
        self._writing = asyncio.Lock()
        self._over = asyncio.Event()

    async def run(self) -> int:
        """What the process ends with."""
        inward, read = anyio.create_memory_object_stream[_Incoming](0)
        write, outward = anyio.create_memory_object_stream[SessionMessage](0)
        threading.Thread(target=self._read, args=(inward, asyncio.get_running_loop()), daemon=True).start()
        serving = asyncio.ensure_future(
            self._server.run(read, write, self._server.create_initialization_options())
        )
        work = {asyncio.ensure_future(self._write(outward)), asyncio.ensure_future(self._over.wait())}
        await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        fault = serving.exception() if serving.done() and not serving.cancelled() else None
        if isinstance(fault, Exception):
            log.error("ended by %s at %s", type(fault).__name__, place_of(fault))
        return 1 if fault else 0

    def _read(self, inward: MemoryObjectSendStream[_Incoming], loop: asyncio.AbstractEventLoop) -> None:
        """In a thread of its own; no line is read before the last one was taken."""
        with suppress(RuntimeError, OSError, CancelledError):  # the loop has ended, or there is no such input
            while line := self._lines.readline(LONGEST + 1):
                whole = len(line) <= LONGEST
                while not line.endswith(b"\n") and (rest := self._lines.readline(LONGEST)):
                    line = rest
                coming = self._come(line, inward) if whole else self._too_long()
                asyncio.run_coroutine_threadsafe(coming, loop).result()
        with suppress(RuntimeError, CancelledError):
            asyncio.run_coroutine_threadsafe(self._end(inward), loop).result()

    async def _come(self, line: bytes, inward: MemoryObjectSendStream[_Incoming]) -> None:
        if not line.strip():
            return
        message = read_message(line)
        if message is None:
            await self._put(refusal(line))
            return
        if isinstance(message, types.JSONRPCRequest):
            self._due.add(message.id)
            self._quiet.clear()
        elif isinstance(message, types.JSONRPCNotification) and message.method == "notifications/cancelled":
            given_up = (message.params or {}).get("requestId")
            if isinstance(given_up, str | int):
                self._settled(given_up)
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            await inward.send(SessionMessage(message))

    async def _too_long(self) -> None:
        await self._put(error(types.INVALID_REQUEST, f"A message has at most {LONGEST >> 20} MiB"))

    async def _end(self, inward: MemoryObjectSendStream[_Incoming]) -> None:
        with anyio.move_on_after(_LAST_ANSWERS):
            await self._quiet.wait()
        await inward.aclose()
        await asyncio.sleep(_LAST_ANSWERS)
        self._over.set()

    async def _write(self, outward: MemoryObjectReceiveStream[SessionMessage]) -> None:
        async for coming in outward:
            await self._put(coming.message)

    async def _put(self, message: types.JSONRPCMessage) -> None:
        ident = message.id if isinstance(message, types.JSONRPCResponse | types.JSONRPCError) else None
        try:
            line = line_of(message)
        except PydanticSerializationError:
            line = line_of(error(types.INTERNAL_ERROR, "A fault of MemSync's own; please report it", ident))
        async with self._writing:
            try:
                await anyio.to_thread.run_sync(self._send, line.encode() + b"\n", abandon_on_cancel=True)
            except OSError:  # the client reads no more
                self._over.set()
        if ident is not None:
            self._settled(ident)

    def _settled(self, ident: types.RequestId) -> None:
        self._due.discard(ident)
        if not self._due:
            self._quiet.set()

    def _send(self, line: bytes) -> None:
        self._answers.write(line)
        self._answers.flush()
