"""A misbehaving RPC: real HTTP on loopback before a real node, that passes requests on until it is told to do something else with them.

In goes the node's URL and a mischief: a function of one JSON-RPC request and of the way to the node. Out comes what a client gets: a JSON
value, an HTTP answer of any kind, or a connection that ends.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Any

from memsync.chain.node import HOST

Request = dict[str, Any]
Forward = Callable[[Request], dict[str, Any]]
Mischief = Callable[[Request, Forward], Any]


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; ``length``: what its header says, by default the truth."""

    status: int
    body: bytes
    length: int | None = None


DROP = Answer(0, b"")
"""No answer: the connection ends."""


class Proxy:
    """``url``: where it listens; ``asked``: the methods that were asked since it was armed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._turn = Lock()
        self._mischief: Mischief | None = None
        self._at, self._times = 1, 0
        self.asked: list[str] = []
        self.met = 0
        self.released = Event()

    url = ""

    def arm(self, mischief: Mischief | None, *, at: int = 1, times: int = 1 << 30) -> None:
        """Do this with the request number ``at`` from now, and with so many in all; None: only count."""
        with self._turn:
            self._mischief, self._at, self._times = mischief, at, times
            self.asked, self.met = [], 0
            self.released.clear()

    def behave(self) -> int:
        """Pass everything on from now; returns how many requests were ill treated."""
        with self._turn:
            self._mischief = None
            self.released.set()
            return self.met

    def forward(self, request: Request) -> dict[str, Any]:
        """What the node answers."""
        connection = http.client.HTTPConnection(HOST, self._port, timeout=30)
        try:
            connection.request(
                "POST", "/", json.dumps(request).encode(), {"Content-Type": "application/json"}
            )
            found: dict[str, Any] = json.load(connection.getresponse())
            return found
        finally:
            connection.close()

    def answer(self, request: Request) -> Answer:
        """What the client gets."""
        with self._turn:
            self.asked.append(request["method"])
            number, mischief = len(self.asked), self._mischief
            wanted = mischief is not None and self._at <= number < self._at + self._times
            self.met += wanted
        made = mischief(request, self.forward) if wanted else self.forward(request)
        return made if isinstance(made, Answer) else Answer(200, json.dumps(made).encode())


@contextmanager
def proxy_before(port: int) -> Iterator[Proxy]:
    """A proxy before the node at this port of this machine."""
    proxy = Proxy(port)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made = proxy.answer(json.loads(body))
            if made is DROP:
                with suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            with suppress(OSError):  # the client has gone
                self.send_response(made.status)
                self.send_header("Content-Type", "application/json")
                self.send_header(
                    "Content-Length", str(len(made.body) if made.length is None else made.length)
                )
                self.end_headers()
                self.wfile.write(made.body)
            self.close_connection = self.close_connection or made.length is not None

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass

    server = Server((HOST, 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    proxy.url = f"http://{HOST}:{server.server_port}"
    try:
        yield proxy
    finally:
        proxy.behave()
        server.shutdown()
        server.server_close()
        thread.join()
