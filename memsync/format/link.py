"""Links: what a granter hands to a grantee, by any channel; it carries no secret (``docs/format.md`` §8).

::

    memsync:1:<chain id>:0x<contract>:0x<vault>:<envelope CID>[?at=<percent-encoded https URL>[&at=…]]

In goes a text from anywhere, out comes a :class:`Link`, or one ``FormatError``; ``str(link)`` is the one spelling that is read. It names
the envelope by digest, so no place that it names can put another in its stead. Nothing is fetched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from memsync.errors import FormatError
from memsync.format.places import MAX_PLACES, read_places
from memsync.format.proofread import proofread
from memsync.ipld.cid import CID, RAW

_WHAT: Final = "link"
_CHAIN: Final = re.compile("[1-9][0-9]{0,15}")
_HEX: Final = re.compile("0x[0-9a-f]*")
_CHAIN_LIMIT: Final = 1 << 53


@dataclass(frozen=True, slots=True)
class Link:
    """Chain id, contract (20 bytes), vault id (32), digest of the envelope (32), and at most eight places to look for it.

    ``InputError`` for what can't stand in a link.
    """

    chain_id: int
    contract: bytes
    vault: bytes
    envelope: bytes
    places: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        proofread(lambda: _read(str(self)))

    @property
    def cid(self) -> CID:
        """The CID of the envelope."""
        return CID(RAW, self.envelope)

    def __str__(self) -> str:
        where = f"memsync:1:{self.chain_id}:0x{self.contract.hex()}:0x{self.vault.hex()}:{self.cid}"
        return where + _places(self.places)


def read_link(text: str) -> Link:
    """Read a link.

    Raises ``FormatError("link" | "cid", fault)``: ``type`` (no link, or a CID that is not raw), ``version``, ``count`` (parts, or over
    eight places), ``length``, ``encoding`` (a spelling other than the one), ``value``, ``duplicate``, ``key`` (a parameter other
    than ``at``), or what :func:`memsync.format.places.read_place` finds.
    """
    return Link(*_read(text))


def _read(text: str) -> tuple[int, bytes, bytes, bytes, tuple[str, ...]]:
    if not text.startswith("memsync:"):
        raise FormatError(_WHAT, "type", "a link begins with memsync:")
    if not text.isascii():
        raise FormatError(_WHAT, "encoding", "a link has ASCII characters only")
    where, mark, query = text.partition("?")
    parts = where.split(":")
    if parts[1] != "1":
        raise FormatError(
            _WHAT, "version", "only links of version 1 are read, memsync:1:…; update MemSync for a newer one"
        )
    if len(parts) != 6:
        raise FormatError(_WHAT, "count", "a link has six parts between colons")
    if not _CHAIN.fullmatch(parts[2]):
        raise FormatError(_WHAT, "encoding", "a chain id is decimal, above 0, without a leading zero")
    if (chain_id := int(parts[2])) >= _CHAIN_LIMIT:
        raise FormatError(_WHAT, "value", "a chain id is below 2^53")
    contract, vault = _bytes(parts[3], 20, "contract"), _bytes(parts[4], 32, "vault")
    cid = CID.parse(parts[5])
    if cid.codec != RAW:
        raise FormatError(_WHAT, "type", "the CID of an envelope is of codec raw")
    return chain_id, contract, vault, cid.digest, _read_places(query) if mark else ()


def _bytes(text: str, length: int, name: str) -> bytes:
    if not _HEX.fullmatch(text):
        raise FormatError(_WHAT, "encoding", f"the {name} is 0x and lower-case hexadecimal")
    if len(text) != 2 + 2 * length:
        raise FormatError(_WHAT, "length", f"the {name} has {length} bytes")
    return bytes.fromhex(text[2:])


def _read_places(query: str) -> tuple[str, ...]:
    parameters = query.split("&")
    if len(parameters) > MAX_PLACES:
        raise FormatError(_WHAT, "count", f"more than {MAX_PLACES} places")
    urls = []
    for parameter in parameters:
        name, equals, value = parameter.partition("=")
        if name != "at" or not equals:
            raise FormatError(_WHAT, "key", "a link has no parameter but at")
        url = unquote(value, errors="replace")
        if quote(url, safe="") != value:
            raise FormatError(
                _WHAT, "encoding", "all but letters, digits and -._~ are percent-encoded, in upper case"
            )
        urls.append(url)
    return read_places(urls, what=_WHAT)


def _places(places: tuple[str, ...]) -> str:
    return "?" + "&".join("at=" + quote(place, safe="") for place in places) if places else ""
