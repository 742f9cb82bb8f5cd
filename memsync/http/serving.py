"""An app on a port, by uvicorn: until Ctrl-C, or as long as a ``with`` lasts.

In goes an ASGI app, out comes the URL it is served at. Nothing is written to a log: a request's line holds a block's name, and its
headers a token. No proxy's word is taken for who asks, nothing is read from the environment.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from memsync.errors import InputError
from memsync.listening import listen, show_address

_TOGETHER: Final = 256  # connections; one more is told to come back
_GRACE: Final = 2  # seconds for answers under way at the end
_START_SECONDS: Final = 20.0


def serve(app: ASGIApp, *, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve ``app`` until the process is told to stop (SIGINT, SIGTERM); ``ready`` gets the URL once it answers.

    Port 0 takes a free one. ``InputError`` when the address can't be had.
    """
    listening = listen(host, port)
    with suppress(KeyboardInterrupt):
        _Server(app, lambda: ready(_url(listening))).run([listening])


@contextmanager
def served(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve ``app`` in a thread while the context lasts; gives the URL."""
    listening = listen(host, port)
    up = Event()
    server = _Server(app, up.set)
    thread = Thread(target=server.run, args=([listening],), name="serving", daemon=True)
    thread.start()
    try:
        if not up.wait(_START_SECONDS):
            raise InputError(f"nothing could be served at {_url(listening)}; try again, or another port")
        yield _url(listening)
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


class _Server(uvicorn.Server):
    """uvicorn that says when it answers."""

    def __init__(self, app: ASGIApp, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                workers=1,
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                limit_concurrency=_TOGETHER,
                timeout_graceful_shutdown=_GRACE,
            )
        )
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def _url(listening: socket.socket) -> str:
    return f"http://{show_address(*listening.getsockname()[:2])}"
