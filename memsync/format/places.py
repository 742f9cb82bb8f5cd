"""Which URLs a vault may name as a place where blocks lie, or a card as its owner's: public ``https`` and nothing else.

In goes a text that somebody else wrote, out comes its :class:`Place` or one ``FormatError``. A place from a link or an envelope is
fetched by whoever opens it, often a backend, which must not become a proxy into its own network; so a URL has one spelling here and an
address must be public. Names are not looked up: who connects still has to refuse a name that resolves to an address that is not
:func:`is_public`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, TypeVar

from memsync.errors import FormatError

MAX_URL: Final = 200
MAX_PLACES: Final = 8

_Address = TypeVar("_Address", IPv4Address, IPv6Address)
_HTTPS: Final = "https://"
# Authority, then path and query as in RFC 3986; no fragment.
_REST: Final = re.compile(r"(?:[/?](?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-F]{2})*)?")
_AUTHORITY: Final = re.compile(r"[^/?#\\]*")
_NAME: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_BRACKETS: Final = re.compile(r"\[[0-9a-f:]+\]")
_NUMBERS: Final = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
_PORT: Final = re.compile(r"[1-9][0-9]{0,4}")
# RFC 6761, 6762, 8375, 9476 and ICANN's reservation of .internal; the others are what routers and offices use.
_NOT_PUBLIC: Final = [
    "localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "arpa", "alt", "test", "invalid",
    "onion",
]  # fmt: skip

# The IANA special-purpose registries' blocks that are not globally reachable, and multicast.
_IPV4: Final = [
    IPv4Network(block)
    for block in [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
    ]
]  # fmt: skip
_IPV6_UNICAST: Final = IPv6Network("2000::/3")
# Within it: protocol assignments (Teredo, ORCHID …), documentation, 6to4, which carries an IPv4 address.
_IPV6: Final = [
    IPv6Network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "3ffe::/16")
]


@dataclass(frozen=True, slots=True)
class Place:
    """A checked URL with its host (without brackets) and port."""

    url: str
    host: str
    port: int


def read_place(url: object, *, what: str) -> Place:
    """Check one URL.

    Raises ``FormatError(what, fault)``: ``type`` (no text), ``size`` (over 200 characters), ``encoding`` (a character or spelling that
    has no place in such a URL), ``value`` (not https, a user, no public host, no port).
    """
    if type(url) is not str:
        raise FormatError(what, "type", "a place is a text")
    if len(url) > MAX_URL:
        raise FormatError(what, "size", f"a place has more than {MAX_URL} characters")
    if not url.startswith(_HTTPS):
        raise FormatError(what, "value", "a place begins with https://, in lower case")
    authority = _AUTHORITY.match(url, len(_HTTPS))
    host_and_port = authority[0] if authority else ""
    if "@" in host_and_port:
        raise FormatError(what, "value", "a place names no user")
    if not _REST.fullmatch(url, len(_HTTPS) + len(host_and_port)):
        raise FormatError(
            what,
            "encoding",
            "a place is a URL of ASCII characters, escapes in upper case, without a fragment",
        )
    host, port = _split(host_and_port, what)
    _check_host(host, what)
    return Place(url, host.strip("[]"), port)


def read_places(urls: Sequence[object], *, what: str) -> tuple[str, ...]:
    """Check a list of at most eight URLs, none of them twice; their order is kept."""
    if len(urls) > MAX_PLACES:
        raise FormatError(what, "count", f"more than {MAX_PLACES} places")
    places = tuple(read_place(url, what=what).url for url in urls)
    if len(set(places)) != len(places):
        raise FormatError(what, "duplicate", "a place is named twice")
    return places


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is for anyone to reach; no loopback, private, link-local, shared, multicast or translated one is."""
    if isinstance(address, IPv4Address):
        return not any(address in block for block in _IPV4)
    return address in _IPV6_UNICAST and not any(address in block for block in _IPV6)


def _split(authority: str, what: str) -> tuple[str, int]:
    """Host (an IPv6 one still in its brackets) and port."""
    host, colon, port = authority.rpartition(":")
    if not colon or "]" in port:
        return authority, 443
    if not _PORT.fullmatch(port) or int(port) > 65535 or port == "443":
        raise FormatError(what, "value", "a port is a number from 1 to 65535, left out if it is 443")
    return host, int(port)


def _check_host(host: str, what: str) -> None:
    if _BRACKETS.fullmatch(host):
        _check_address(_address(IPv6Address, host[1:-1], what), host[1:-1], what)
    elif _NUMBERS.fullmatch(host):
        _check_address(_address(IPv4Address, host, what), host, what)
    elif not _NAME.fullmatch(host) or len(host) > 253:
        # Also 2130706433, 0x7f.1, 127.1 and a trailing dot: the last label of a name begins with a letter.
        raise FormatError(what, "value", "no public host name: two labels or more, in lower case")
    elif host.rpartition(".")[2] in _NOT_PUBLIC:
        raise FormatError(what, "value", "the name is one of a private network")


def _address(kind: type[_Address], literal: str, what: str) -> _Address:
    try:
        return kind(literal)
    except ValueError:
        raise FormatError(what, "value", "no IP address: four numbers to 255, or IPv6 in brackets") from None


def _check_address(address: IPv4Address | IPv6Address, literal: str, what: str) -> None:
    if not is_public(address):
        raise FormatError(what, "value", "the address is not a public one")
    if str(address) != literal:
        raise FormatError(what, "encoding", "an IPv6 address is written as in RFC 5952")
