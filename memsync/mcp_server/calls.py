"""Asking the keeper from an event loop: each call in a thread of its own, so many at once and no more.

In go a verb, arguments and a token, out comes what the keeper found. A call that is given up leaves its thread behind until the keeper
answers, and its place with it; no thread holds the process up at its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

from memsync.errors import InputError, MemSyncError
from memsync.keeper.client import call_served
from memsync.keeper.turns import Turns
from memsync.keeper.verb import SERVED
from memsync.keeper.wire import error_value, place_of
from memsync.mcp_server.identity import Headers, Identity

TOGETHER: Final = 16
"""Calls of the keeper at once."""
WAITING: Final = 256
"""Calls that may wait for their turn; one more is told so."""
_EACH: Final = 8  # of one client

log = logging.getLogger("memsync.mcp_server")
_T = TypeVar("_T")


class Threads:
    """At most ``together`` functions at once; ``InputError`` for one that would be the last of too long a queue."""

    def __init__(self, together: int = TOGETHER, waiting: int = WAITING) -> None:
        self._free = asyncio.Semaphore(together)
        self._most, self._now = together + waiting, 0

    async def run(self, function: Callable[[], _T]) -> _T:
        """What the function gives or raises; given up when the task that waits is cancelled."""
        if self._now >= self._most:
            raise InputError("too many calls at once; wait for an answer, then repeat")
        self._now += 1
        try:
            await self._free.acquire()
        except BaseException:
            self._now -= 1
            raise
        loop = asyncio.get_running_loop()
        told: asyncio.Future[_T] = loop.create_future()

        def settle(found: _T | None, error: Exception | None) -> None:
            self._free.release()
            self._now -= 1
            if told.done():
                return
            if error is None:
                told.set_result(found)  # type: ignore[arg-type]
            else:
                told.set_exception(error)

        def work() -> None:
            found, failed = None, None
            try:
                found = function()
            except Exception as error:  # noqa: BLE001 - raised again where it is waited for
                failed = error
            with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits
                loop.call_soon_threadsafe(settle, found, failed)

        try:
            threading.Thread(target=work, name="call", daemon=True).start()
        except RuntimeError:
            settle(None, InputError("no thread can be had for this call; wait a moment, then repeat"))
        return await told


class Calls:
    """The keeper of one home, asked in a client's name."""

    def __init__(self, home: Path, identity: Identity) -> None:
        self._home, self._identity = home, identity
        self._threads: Threads | None = None
        self._turns = Turns(_EACH)

    async def ask(self, name: str, given: Mapping[str, object], headers: Headers) -> dict[str, object]:
        """What the tools' verb of this name finds. ``MemSyncError``, and no other, for whatever goes wrong."""
        if self._threads is None:  # made where the loop runs
            self._threads = Threads()
        started, outcome = time.monotonic(), "ok"

        def done() -> dict[str, object]:
            SERVED[name].check(given)
            token = self._identity(headers)
            return call_served(name, given, self._home, token=token, channel="mcp")

        try:
            who = headers.get("authorization")  # over stdio there is one client, who waits for nobody else
            async with self._turns.turn(who) if who else contextlib.nullcontext():
                return await self._threads.run(done)
        except MemSyncError as error:
            outcome = type(error).__name__
            raise
        except Exception as error:
            outcome = f"{type(error).__name__} at {place_of(error)}"
            raise MemSyncError("a fault of MemSync's own; please report it") from error
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        finally:
            log.info("%s %s %d ms", name, outcome, (time.monotonic() - started) * 1000)

    def sentence(self, error: MemSyncError) -> str:
        """An error as a model may read it: one line, with what to do next and without where this home is."""
        return str(error_value(error, home=self._home)["message"])
