"""Connections to one address, kept alive: what of urllib3 is used, and the clock that it lacks.

In goes an address that was checked, out comes a pool whose connections go there and nowhere else: no name is looked up, no proxy asked, no
redirect followed, no ``SSLKEYLOGFILE`` or other setting of the environment heeded. An answer must be there as a whole, headers and all,
within the seconds allowed; urllib3 alone would start the clock anew at each byte. Imported when the first URL is fetched: it is slow to
load.
"""

from __future__ import annotations

import io
import ssl
import time
from functools import cache
from http.client import HTTPException, HTTPResponse
from typing import TYPE_CHECKING, Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Timeout
from urllib3 import HTTPResponse as Response
from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

    from memsync.store.address import Address, Target

CONNECT_SECONDS = 10.0


class _Clocked(io.RawIOBase):
    """What a socket brings until a moment; then ``TimeoutError``."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw = raw
        self._sock = sock
        self._end = time.monotonic() + (sock.gettimeout() or CONNECT_SECONDS)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer is not there in time")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(HTTPResponse):
    """An answer whose bytes come over a :class:`_Clocked` socket, from its first one, and whose headers are headers."""

    def __init__(self, sock: socket.socket, *args: Any, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        self.fp: Any = io.BufferedReader(_Clocked(self.fp.detach(), sock))

    def begin(self) -> None:
        super().begin()
        if self.msg.defects or self.msg.get_payload():
            raise HTTPException("a header is none")  # urllib3 would take it, and log the URL


class _Plain(HTTPConnection):
    response_class = _TimedResponse


class _Secure(HTTPSConnection):
    response_class = _TimedResponse


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


def pool_to(
    address: Address, target: Target, *, tls: ssl.SSLContext | None, seconds: float, connections: int
) -> HTTPConnectionPool:
    """Connections to ``address`` for the host that ``target`` names, which a certificate must prove if it is https."""
    timeout = Timeout(connect=min(seconds, CONNECT_SECONDS), read=seconds)
    if target.scheme == "http":
        return _PlainPool(
            str(address), target.port, timeout=timeout, maxsize=connections, block=True, retries=False
        )
    return _SecurePool(
        str(address),
        target.port,
        timeout=timeout,
        maxsize=connections,
        block=True,
        retries=False,
        ssl_context=tls or system_tls(),
        server_hostname=target.host,
    )


def ask(
    pool: HTTPConnectionPool, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
) -> Response:
    """Send one request; the answer's body is still to be read."""
    answer = pool.urlopen(
        method,
        path,
        body=body,
        headers=headers,
        redirect=False,
        retries=False,
        preload_content=False,
        decode_content=False,
    )
    assert isinstance(answer, Response)  # noqa: S101 - what a pool of these connections gives
    return answer


@cache
def system_tls() -> ssl.SSLContext:
    """TLS 1.2 or newer, by the certificate authorities that this machine trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs()
    return context
