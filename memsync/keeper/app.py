"""The keeper's HTTP API: each verb at ``POST /v1/<verb>``, arguments and answer as one JSON object.

``{"ok": true, …}`` or ``{"ok": false, "error": {"name", "message", "next", "code"}}``. Who accepts ``application/x-ndjson`` gets lines, the
last of which is the answer and those before ``{"progress": [what, done, total]}``. Verbs that need a chain are done one after the other,
by the process's main thread, to which Ape's connection belongs; all others at once, those of tools in turn. Nothing is logged but verb,
outcome and time.

The verbs of the tools that this device serves are at ``POST /served/v1/<verb>``, each call with its tool's token (RFC 6750); a tool's
program reaches them over the server of `memsync serve` or `memsync mcp`, which pass the token on.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

import memsync.keeper.served
import memsync.keeper.verbs  # noqa: F401 - they fill VERBS and SERVED
from memsync.errors import InputError, MemSyncError
from memsync.keeper.client import CHANNEL, LINES
from memsync.keeper.perform import perform
from memsync.keeper.turns import TooManyCalls, Turns
from memsync.keeper.verb import SERVED, VERBS, Needs, ServedVerb, Values, Verb
from memsync.keeper.wire import error_value, place_of, status_of
from memsync.progress import Progress, watched

if TYPE_CHECKING:
    from starlette.requests import Request

    from memsync.keeper.house import House
    from memsync.vault.serving import Channel

MAX_BODY = 4 << 20
_TOGETHER = 4  # calls of tools, in threads of their own: the person's verbs never wait behind them
_EACH = 2  # of one tool among them
_Done = Values | Exception
_Run = Callable[[Callable[[], _Done]], Coroutine[object, object, _Done]]
log = logging.getLogger("memsync.keeper")


class KeeperEnding(MemSyncError):
    """It was locked before the call's turn came; to who asks it is as if there were none."""


def keeper_app(house: House) -> Starlette:
    """The API of one keeper."""

    def route(verb: Verb) -> Route:
        async def answer(request: Request) -> Response:
            return await _answer(
                house,
                verb.name,
                request,
                lambda given: perform(verb, given, house.open),
                house.on_main_thread if _needs_chain(verb) else asyncio.to_thread,
            )

        return Route(f"/v1/{verb.path}", answer, methods=["POST"])

    turns, threads = Turns(_EACH), ThreadPoolExecutor(_TOGETHER, "tool")

    async def in_turn(token: str, work: Callable[[], _Done]) -> _Done:
        try:
            async with turns.turn(token):
                return await asyncio.get_running_loop().run_in_executor(threads, work)
        except TooManyCalls as error:
            return error

    def route_served(verb: ServedVerb) -> Route:
        async def answer(request: Request) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            token = token.strip() if scheme.lower() == "bearer" else ""
            channel: Channel = "http" if request.headers.get(CHANNEL) == "http" else "mcp"

            def done(given: Values) -> Values:
                with house.open.served(token, channel) as vault:
                    return verb(vault, given)

            return await _answer(house, f"served {verb.name}", request, done, partial(in_turn, token))

        return Route(f"/served/v1/{verb.path}", answer, methods=["POST"])

    def own(name: str, function: Callable[[Values], Values]) -> Route:
        async def answer(request: Request) -> Response:
            return await _answer(house, name, request, function, asyncio.to_thread)

        return Route(f"/v1/{name}", answer, methods=["POST"])

    return Starlette(
        routes=[
            own("unlock", house.unlock),
            own("lock", house.lock),
            own("about", house.about),
            *map(route, VERBS.values()),
            *map(route_served, SERVED.values()),
        ]
    )


def _needs_chain(verb: Verb) -> bool:
    return verb.needs in (Needs.CHAIN, Needs.KEY) or verb.name == "verify"


async def _answer(
    house: House, name: str, request: Request, function: Callable[[Values], Values], run: _Run
) -> Response:
    started = time.monotonic()
    try:
        given = await _body(request)
    except MemSyncError as error:
        return _failed(error)
    events: asyncio.Queue[bytes | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def tell(progress: Progress) -> None:
        line = json.dumps({"progress": [progress.what, progress.done, progress.total]}).encode() + b"\n"
        loop.call_soon_threadsafe(events.put_nowait, line)

    wants_lines = LINES in request.headers.get("accept", "")

    def work() -> Values | Exception:
        if house.ended:
            return KeeperEnding("the keeper is ending; say it again")
        with house.working(), watched(tell if wants_lines else None):
            return _done(house, name, lambda: function(given), started)

    task = asyncio.ensure_future(run(work))
    if not wants_lines:
        found = await task
        return _failed(found) if isinstance(found, Exception) else JSONResponse({"ok": True, **found})
    task.add_done_callback(lambda _: events.put_nowait(None))
    return StreamingResponse(_told(events, task), media_type=LINES)


async def _told(
    events: asyncio.Queue[bytes | None], task: asyncio.Future[Values | Exception]
) -> AsyncIterator[bytes]:
    while (line := await events.get()) is not None:
        yield line
    found = await task
    value: Values = (
        {"ok": False, "error": error_value(found)} if isinstance(found, Exception) else {"ok": True, **found}
    )
    yield json.dumps(value).encode() + b"\n"


def _done(house: House, name: str, work: Callable[[], Values], started: float) -> Values | Exception:
    """What the verb found, or its error; either way a line in the log, without anything of either."""
    outcome = "ok"
    try:
        return work()
    except MemSyncError as error:
        outcome = type(error).__name__
        return error
    except Exception as error:  # noqa: BLE001 - a fault of ours must not end the keeper; the log says where it is
        outcome = f"{type(error).__name__} at {place_of(error)}"
        return MemSyncError(
            f"`{name}` failed by a fault of MemSync's own; {house.log_file} says where, please report it"
        )
    finally:
        log.info("%s %s %d ms", name, outcome, (time.monotonic() - started) * 1000)


async def _body(request: Request) -> Values:
    """The arguments. ``InputError`` for anything that is not one JSON object of bounded size."""
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY:
            raise InputError(f"a call has at most {MAX_BODY >> 20} MiB; say it in several")
    try:
        found = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        raise InputError("the call's body is not JSON; send one object") from None
    if not isinstance(found, dict):
        raise InputError("the call's body is not a JSON object; send one")
    if not data.isascii() or b"\\u" in data:
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise InputError(
                "a text in the call's body is no Unicode: half a character; send whole ones"
            ) from None
    return found


def _failed(error: Exception) -> Response:
    return JSONResponse({"ok": False, "error": error_value(error)}, status_code=status_of(error))
