"""The one place that fetches a URL which a person or a link named.

In goes a :class:`~memsync.store.address.Target`, out comes a status and a body of at most so many bytes, in at most so many seconds. The
host is looked up once, every address is checked, and the connection goes to an address that was checked: a name that leads elsewhere a
moment later changes nothing. The certificate must be the name's all the same. It follows no redirect, asks no proxy, unpacks nothing,
and puts no token, path or answer into an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Final

from memsync.errors import InputError, StorageError
from memsync.store.address import Address, Resolve, Target, look_up, read_typed, read_written

if TYPE_CHECKING:
    import ssl

    from urllib3 import HTTPConnectionPool, HTTPResponse

SECONDS: Final = 30.0
"""How long an answer may take, from the first byte sent to the last that comes."""

CONNECTIONS: Final = 8
_TRIED: Final = 4  # addresses of one host
_DRAINED: Final = 4096  # bytes of an error page that are read to keep the connection
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # RFC 6750


@dataclass(frozen=True, slots=True)
class Answer:
    """What came: the status, the body (empty unless the status is 200), and the media type in lower case."""

    status: int
    body: bytes = field(repr=False)
    media_type: str


class Fetcher:
    """One host to fetch from, over connections that are kept; for many threads. It never shows its token."""

    def __init__(
        self,
        target: Target,
        *,
        token: str | None = None,
        resolve: Resolve = look_up,
        tls: ssl.SSLContext | None = None,
        seconds: float = SECONDS,
        connections: int = CONNECTIONS,
    ) -> None:
        self.target = target
        self._token = None if token is None else check_token(token)
        self._resolve = resolve
        self._tls = tls
        self._seconds = seconds
        self._connections = connections
        self._lock = Lock()
        self._addresses: tuple[Address, ...] = ()
        self._pools: dict[Address, HTTPConnectionPool] = {}

    def get(self, path: str, *, accept: str, limit: int) -> Answer:
        """The answer to ``GET path``; ``StorageError`` for none, for one too late, and for a body of more than ``limit`` bytes."""
        return self._fetch("GET", path, accept, limit)

    def head(self, path: str, *, accept: str) -> Answer:
        """The answer to ``HEAD path``; errors as from ``get``."""
        return self._fetch("HEAD", path, accept, 0)

    def post(self, path: str, body: bytes, *, accept: str, limit: int) -> Answer:
        """The answer to ``POST path`` with JSON in it; errors as from ``get``. What a closed connection swallowed is sent again."""
        return self._fetch("POST", path, accept, limit, body)

    def close(self) -> None:
        """Close the connections; a further call opens new ones."""
        with self._lock:
            pools, self._pools, self._addresses = self._pools, {}, ()
        for pool in pools.values():
            pool.close()

    def _fetch(self, method: str, path: str, accept: str, limit: int, sent: bytes | None = None) -> Answer:
        from urllib3.exceptions import HTTPError

        headers = {"Host": self.target.authority, "Accept": accept, "User-Agent": "memsync"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        if sent is not None:
            headers["Content-Type"] = "application/json"
        try:
            return self._read(self._ask(method, path, headers, sent), limit)
        except (HTTPError, OSError) as error:
            if isinstance(error, StorageError):
                raise
            raise self._failure(error) from None  # its text names the path

    def _ask(self, method: str, path: str, headers: Mapping[str, str], sent: bytes | None) -> HTTPResponse:
        """Ask the first address that can be reached."""
        from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProtocolError

        from memsync.store.connection import ask

        unreachable: Exception | None = None
        for address in self._known():
            pool = self._pool(address)
            try:
                return ask(pool, method, path, headers, sent)
            except ProtocolError:  # also what a kept connection says that the other side has just closed
                return ask(pool, method, path, headers, sent)
            except (NewConnectionError, ConnectTimeoutError) as error:
                unreachable = error
        with self._lock:
            self._addresses = ()  # it may have moved: look it up, and check it, next time
        raise unreachable or StorageError(f"{self.target.shown} leads nowhere; check the name")

    def _known(self) -> tuple[Address, ...]:
        with self._lock:
            if not self._addresses:
                self._addresses = self.target.addresses(self._resolve)[:_TRIED]
            return self._addresses

    def _pool(self, address: Address) -> HTTPConnectionPool:
        from memsync.store.connection import pool_to

        with self._lock:
            if address not in self._pools:
                self._pools[address] = pool_to(
                    address,
                    self.target,
                    tls=self._tls,
                    seconds=self._seconds,
                    connections=self._connections,
                )
            return self._pools[address]

    def _read(self, answer: HTTPResponse, limit: int) -> Answer:
        media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        wanted = answer.status == 200
        most = limit if wanted else _DRAINED
        body = b""
        try:
            # The read that brings nothing is the one that tells a cut body from a whole one.
            while len(body) <= most and (part := answer.read(most + 1 - len(body), decode_content=False)):
                body += part
        except BaseException:
            answer.close()
            raise
        if len(body) <= most:
            answer.release_conn()
        else:
            answer.close()
            if wanted:
                raise StorageError(
                    f"{self.target.shown} sends more than the {limit} bytes asked for; use another place"
                )
        return Answer(answer.status, body if wanted else b"", media_type)

    def _failure(self, error: Exception) -> StorageError:
        from urllib3.exceptions import NewConnectionError, SSLError
        from urllib3.exceptions import TimeoutError as Timeout

        shown = self.target.shown
        if isinstance(error, NewConnectionError):
            return StorageError(f"{shown} can't be reached; check that it is up and that you are online")
        if isinstance(error, Timeout):
            return StorageError(
                f"{shown} took longer than {self._seconds:g} s; try later, or use another place"
            )
        if isinstance(error, SSLError):
            return StorageError(
                f"{shown} has no certificate that this machine trusts for that name; check the name and this machine's date"
            )
        return StorageError(f"{shown} broke off its answer; try again, or use another place")


def check_token(token: str) -> str:
    """A bearer token that can stand in a header; ``InputError``, without it, otherwise."""
    if not _TOKEN.fullmatch(token):
        raise InputError(
            "a token has letters, digits and -._~+/ only, = at its end; check that it was copied whole"
        )
    return token


def refusal(shown: str, status: int) -> StorageError:
    """What a status other than 200 means for a person."""
    if status in (401, 403):
        return StorageError(
            f"{shown} wants a token, or another one (status {status}); give the one its owner gave you"
        )
    if 300 <= status < 400:
        return StorageError(f"{shown} points elsewhere (status {status}); give the URL that it points to")
    if status == 429:
        return StorageError(f"{shown} was asked too often (status 429); try again later")
    return StorageError(f"{shown} answers with status {status}; try again later, or use another place")


def fetch(
    url: str,
    *,
    limit: int,
    untrusted: bool = False,
    accept: str = "*/*",
    token: str | None = None,
    resolve: Resolve = look_up,
    tls: ssl.SSLContext | None = None,
    seconds: float = SECONDS,
) -> bytes:
    """The bytes under one URL, at most ``limit``; ``untrusted`` when somebody else than the person wrote it.

    ``InputError`` or ``FormatError("place", …)`` for a URL that is not fetched, ``StorageError`` for one that gives nothing.
    """
    target = read_written(url) if untrusted else read_typed(url)
    fetcher = Fetcher(target, token=token, resolve=resolve, tls=tls, seconds=seconds, connections=1)
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    try:
        answer = fetcher.get(path, accept=accept, limit=limit)
    finally:
        fetcher.close()
    if answer.status != 200:
        raise refusal(target.shown, answer.status)
    return answer.body
