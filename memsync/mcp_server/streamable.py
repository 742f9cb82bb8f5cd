"""The server over streamable HTTP, for clients on this machine that speak it: at ``/mcp``, by POST, each request for itself.

In go requests, each with its client's token (RFC 6750); out comes the door that lets them through, or a status. Who came by another name
than this machine's own, or from a page of another origin, is turned away, so that no page can reach it by making a name of its own mean
this machine. There are no sessions and no CORS headers, and no request is held longer than 4 MiB.
https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, Final

from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memsync.errors import InputError
from memsync.mcp_server.identity import of_header
from memsync.mcp_server.messages import LONGEST, line_of, read_message, refusal

PATH: Final = "/mcp"
_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")


def check_loopback(host: str) -> str:
    """The address, bare; ``InputError`` unless it is one of this machine that no other reaches."""
    bare = host.removeprefix("[").removesuffix("]")
    with suppress(ValueError):
        if ip_address(bare).is_loopback:
            return bare
    if host == "localhost":
        return "127.0.0.1"  # whatever a name server, or a file, makes of the name
    raise InputError(f"{host} can be reached from elsewhere; give 127.0.0.1, ::1 or localhost")


class McpApp:
    """The server as an ASGI app, which needs no lifespan events of who serves it."""

    def __init__(self, server: Server[Any]) -> None:
        self._manager = StreamableHTTPSessionManager(
            server,
            json_response=True,
            stateless=True,
            max_request_body_size=LONGEST,
            # Checked by the door, more strictly.
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        self._living: asyncio.Task[None] | None = None
        self._alive = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._living is None:
            self._living = asyncio.create_task(self._live())
        await self._alive.wait()
        await self._manager.handle_request(scope, receive, send)

    async def _live(self) -> None:
        async with self._manager.run():
            self._alive.set()
            await asyncio.Event().wait()  # until the loop ends and cancels it


class Door:
    """``app``, for who came to this machine by its own name, to ``/mcp``, with a token and a message."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = b""
        refused = _refusal(scope)
        while refused is None:
            part = await receive()
            if part["type"] != "http.request":
                return  # who asked has gone
            body += part.get("body", b"")
            if len(body) > LONGEST:
                refused = _told(413, f"a message has at most {LONGEST >> 20} MiB")
            elif not part.get("more_body", False):
                break
        if refused is None and read_message(body) is None:
            refused = Response(line_of(refusal(body)), 400, media_type="application/json")
        await (refused or self._app)(scope, _again(body, receive), send)


def streamable_app(server: Server[Any]) -> ASGIApp:
    """The server behind its door."""
    return Door(McpApp(server))


def _again(body: bytes, receive: Receive) -> Receive:
    """What gives a body that was read once more, and then what comes."""
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def part() -> Message:
        return parts.pop() if parts else await receive()

    return part


def _refusal(scope: Scope) -> Response | None:
    headers = Headers(scope=scope)
    hosts = {f"{name}:{scope['server'][1]}" for name in _NAMES} | _own_address(scope)
    if [host.lower() for host in headers.getlist("host")] not in ([host] for host in hosts):
        return _told(403, "this machine is asked by its own name only")
    if any(origin.lower().removeprefix("http://") not in hosts for origin in headers.getlist("origin")):
        return _told(403, "no page of another origin is answered")
    if scope["path"] != PATH:
        return _told(404, f"it is at {PATH}")
    if scope["method"] != "POST":
        return _told(405, "there is nothing but POST", Allow="POST")
    try:
        if len(headers.getlist("authorization")) > 1:
            return _told(400, "one token is enough")
        of_header(headers)
    except InputError as error:
        return _told(401, str(error), **{"WWW-Authenticate": 'Bearer realm="memsync"'})
    return None


def _own_address(scope: Scope) -> set[str]:
    """The address that it is served at, if that is another of 127.0.0.0/8."""
    host, port = scope["server"][:2]
    return {f"[{host}]:{port}" if ":" in host else f"{host}:{port}"}


def _told(status: int, why: str, **headers: str) -> Response:
    return PlainTextResponse(why + "\n", status, {"Cache-Control": "no-store", **headers})
