"""Which URLs are fetched, and which addresses their names may lead to.

In goes a text, out comes a :class:`Target` or an error. What a person typed is ``https`` to anywhere, or ``http`` to this machine. What
somebody else wrote, in a link or an envelope, is what :func:`memsync.format.places.read_place` takes, and every address that its name
leads to must be public: whoever opens a link, often a backend, must not become a proxy into its own network. A user, a password and a
fragment have no place in either. Nothing is fetched here, and an error shows no more of a URL than its origin.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from urllib.parse import urlsplit

from memsync.errors import InputError, StorageError
from memsync.format.places import is_public, read_place

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Sequence[Address]]
"""Host name and port to addresses, in the order to try them; ``OSError`` for a name that leads nowhere."""

_PORTS: Final = {"https": 443, "http": 80}
_URL: Final = re.compile(r"[A-Za-z0-9._~:/?@!$&'()*+,;=%\[\]-]+")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in its parts: ``host`` without brackets, ``path`` and ``query`` as written; ``written`` by somebody else than the person."""

    scheme: str
    host: str
    port: int
    path: str
    query: str
    written: bool

    @property
    def authority(self) -> str:
        """Host and port as in a URL and in the header ``Host``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def shown(self) -> str:
        """The URL for a person, without path and query, which may hold a key."""
        return f"{self.scheme}://{self.authority}" + ("/…" if self.path.strip("/") or self.query else "")

    def addresses(self, resolve: Resolve) -> tuple[Address, ...]:
        """Look the host up, once; ``StorageError`` when it leads nowhere, or to a single address where it must not."""
        found = _literal(self.host)
        addresses: Sequence[Address] = (found,) if found else self._look_up(resolve)
        for address in addresses:
            if self.written and not is_public(address):
                raise StorageError(
                    f"{self.shown} leads to an address that is not public, and somebody else named it; "
                    "type a place of your own network yourself"
                )
            if self.scheme == "http" and not address.is_loopback:
                raise StorageError(
                    f"{self.shown} leads to another machine, and http is for this one; give an https URL"
                )
        return tuple(addresses)

    def _look_up(self, resolve: Resolve) -> Sequence[Address]:
        try:
            addresses = resolve(self.host, self.port)
        except (OSError, ValueError):  # ValueError: a label that is too long
            addresses = ()
        if not addresses:
            raise StorageError(f"{self.shown} leads nowhere; check the name, and that you are online")
        return addresses


def look_up(host: str, port: int) -> list[Address]:
    """The addresses of ``host`` as the system knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(answer[4][0]) for answer in found))


def read_typed(url: str) -> Target:
    """Read a URL that the person at the keyboard gave; ``InputError`` for one that is not fetched."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise InputError("this is no URL; write it as https://host or https://host:port/path") from None
    if parts.scheme not in _PORTS or not host or port == 0 or not _URL.fullmatch(url):
        raise InputError(
            "this is no URL to fetch; write it as https://host or https://host:port/path, in ASCII"
        )
    if "@" in parts.netloc:
        raise InputError(f"the URL of {host} holds a user or password; give the token by itself")
    if parts.scheme == "http" and not is_here(host):
        raise InputError(f"http://{host} is another machine, and http is for this one; write https://{host}")
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], parts.path, parts.query, written=False)


def read_written(url: str, *, what: str = "place") -> Target:
    """Read a URL that somebody else gave; ``FormatError(what, …)`` as from ``read_place``."""
    place = read_place(url, what=what)
    parts = urlsplit(place.url)
    return Target("https", place.host, place.port, parts.path, parts.query, written=True)


def is_here(host: str) -> bool:
    """Whether a host is this machine by what it is called: a loopback address, or ``localhost``."""
    literal = _literal(host)
    return literal.is_loopback if literal else host == "localhost"


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
