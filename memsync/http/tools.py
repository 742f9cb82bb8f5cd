"""``memsync serve``: the verbs of the tools that this device serves, over HTTP on this machine alone.

In come ``POST /v1/<verb>`` with a tool's token (RFC 6750) and one JSON object; out goes what the keeper answers. The server holds no key
and no memory: it passes each call on, so that it can be started before the vault is open and needs no restart when that is locked. A page
in a browser can't use it: who names another host (DNS rebinding) or comes from a page is turned away, and no CORS header is ever sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

import memsync.keeper.served  # noqa: F401 - fills SERVED
from memsync.errors import InputError, MemSyncError
from memsync.http.openapi import description
from memsync.http.serving import serve
from memsync.keeper.client import call_served
from memsync.keeper.turns import TooManyCalls, Turns
from memsync.keeper.verb import SERVED, ServedVerb, Values
from memsync.keeper.wire import error_value, status_of

PORT: Final = 8041
MAX_BODY: Final = 1 << 20
_EACH: Final = 8  # calls of one tool at once, of the 40 threads that there are
_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_MISSING: Final = "no token was sent; send `Authorization: Bearer` with the one that `memsync client token NAME --show` prints"


def tools_app(home: Path) -> Starlette:
    """The API for the tools of the keeper of ``home``, as an ASGI app."""

    turns = Turns(_EACH)

    def route(verb: ServedVerb) -> Route:
        async def answer(request: Request) -> Response:
            return await _answer(home, verb, request, turns)

        return Route(f"/v1/{verb.path}", answer, methods=["POST"])

    async def describe(_: Request) -> Response:
        return JSONResponse(description())

    app = Starlette(
        routes=[Route("/openapi.json", describe, methods=["GET"]), *map(route, SERVED.values())],
        middleware=[Middleware(ThisMachineOnly)],
        exception_handlers={HTTPException: _http_error},
    )
    app.router.redirect_slashes = False
    return app


def serve_tools(home: Path, *, port: int, ready: Callable[[str], None]) -> None:
    """Serve until the process is told to stop; ``ready`` gets the URL once it answers. Port 0 takes a free one."""
    serve(tools_app(home), host="127.0.0.1", port=port, ready=ready)


class ThisMachineOnly:
    """``app``, for who asks for this machine by one of its own names and comes from no web page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            if _host(headers.get("host", "")) not in _HOSTS:
                refused = InputError(
                    "this server answers to 127.0.0.1 and localhost only; ask for it by one of these"
                )
                return await _refusal(refused, 421)(scope, receive, send)
            origin = headers.get("origin")
            if origin is not None or headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
                refused = InputError("a web page may not use this server; call it from a program")
                return await _refusal(refused, 403)(scope, receive, send)
        return await self._app(scope, receive, send)


async def _answer(home: Path, verb: ServedVerb, request: Request, turns: Turns) -> Response:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return _refusal(InputError(_MISSING), 401)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return _refusal(
            InputError("a call's body is JSON; send it with `Content-Type: application/json`"), 415
        )
    try:
        given = _object(await _body(request))
        async with turns.turn(token.strip()):
            found = await run_in_threadpool(
                call_served, verb.name, given, home, token=token.strip(), channel="http"
            )
    except _TooLarge as error:
        return _refusal(error, 413)
    except TooManyCalls as error:
        return _refusal(error, 429)
    except MemSyncError as error:
        return _refusal(error, status_of(error), home)
    return JSONResponse({"ok": True, **found})


class _TooLarge(InputError):
    """A body beyond what a call may have."""


async def _body(request: Request) -> bytes:
    too_large = _TooLarge(f"a call has at most {MAX_BODY >> 20} MiB; say it in several")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > MAX_BODY:
        raise too_large
    data = b""
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BODY:
            raise too_large
    return data


def _object(data: bytes) -> Values:
    try:
        found = json.loads(data)
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        raise InputError("the call's body is not JSON; send one object, `{}` for nothing") from None
    if not isinstance(found, dict):
        raise InputError("the call's body is not a JSON object; send one, `{}` for nothing")
    return found


def _host(given: str) -> str:
    """The name in a Host header, without its port; nothing for one that is none (RFC 9110 §7.2)."""
    try:
        parts = urlsplit(f"//{given}")
        _ = parts.port
    except ValueError:
        return ""
    return "" if parts.path or parts.query or parts.username is not None else (parts.hostname or "")


def _refusal(error: Exception, status: int, home: Path | None = None) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    value = {**error_value(error, home=home), "code": status}
    return JSONResponse({"ok": False, "error": value}, status, headers)


async def _http_error(_: Request, error: Exception) -> Response:
    """A path or a method that is none, in the form of all other errors."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    allowed = dict(getattr(error, "headers", None) or {})
    wrong = {
        404: "nothing is at this path; `/openapi.json` lists what is",
        405: "a verb is asked for by POST; send that",
    }
    answer = _refusal(InputError(wrong.get(status, "this can't be done; see `/openapi.json`")), status)
    answer.headers.update(allowed)
    return answer
