"""Cards: a tool's or person's public keys with the proof that one account gave them (``docs/format.md`` §8).

In go keys, out comes JSON of less than 2,048 bytes, and back. A card is verified offline: the EIP-712 signature must recover to the
account that the card names. That proves one account, not who is behind it: the granter compares the :attr:`Card.fingerprint`, or trusts
the place the card came from, and remembers it. Only a verified card exists as a :class:`Card`.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, Final

from memsync.crypto.eip712 import card_digest
from memsync.crypto.hpke import PUBLIC
from memsync.crypto.kdf import hash256
from memsync.crypto.secp256k1 import SecpKey, recover
from memsync.errors import FormatError, SignatureInvalid
from memsync.format.names import read_name
from memsync.format.places import read_place
from memsync.format.proofread import proofread

LIMIT: Final = 2048
"""A card is shorter than this many bytes."""

_WHAT: Final = "card"
_KEYS: Final = frozenset(
    {"memsync", "version", "name", "url", "account", "box", "author", "issued", "signature"}
)
_ACCOUNT: Final = re.compile("0x[0-9a-f]{40}")
_BASE64URL: Final = re.compile("[A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Card:
    """A card whose signature was verified; made by :func:`sign_card` and :func:`read_card` only.

    ``name`` 1 to 64 characters; ``url`` a public https URL or empty; ``account`` 20 bytes; ``box`` the public key (1,216 bytes) that
    envelopes and slots are boxed to; ``author`` the Ed25519 key (32 bytes) that signs proposals; ``issued`` Unix seconds;
    ``signature`` 65 bytes; ``request`` (16 bytes) of one request for a grant, not part of what is signed.
    """

    name: str
    url: str
    account: bytes
    box: bytes
    author: bytes
    issued: int
    signature: bytes
    request: bytes | None = None

    @property
    def digest(self) -> bytes:
        """What was signed, and what ``publishKey`` takes: 32 bytes."""
        return card_digest(
            name=self.name,
            url=self.url,
            account=self.account,
            box=self.box,
            author=self.author,
            issued=self.issued,
        )

    @property
    def fingerprint(self) -> str:
        """Eight groups of four hexadecimal digits for two people to compare: account and keys, not name, URL or time."""
        short = hash256(b"memsync/v1/card" + self.account + self.box + self.author)[:16].hex()
        return " ".join(short[at : at + 4] for at in range(0, 32, 4))


def sign_card(
    account: SecpKey,
    *,
    name: str,
    url: str,
    box: bytes,
    author: bytes,
    issued: int,
    request: bytes | None = None,
) -> Card:
    """A card of these keys, signed by ``account``; ``InputError`` if it could not be read again."""
    digest = card_digest(name=name, url=url, account=account.address, box=box, author=author, issued=issued)
    card = Card(name, url, account.address, box, author, issued, account.sign(digest), request)
    return proofread(lambda: read_card(write_card(card)))


def write_card(card: Card) -> bytes:
    """The card as JSON, UTF-8."""
    fields = {
        "memsync": "card",
        "version": 1,
        "name": card.name,
        "url": card.url,
        "account": "0x" + card.account.hex(),
        "box": _base64url(card.box),
        "author": _base64url(card.author),
        "issued": card.issued,
        "signature": _base64url(card.signature),
    }
    if card.request is not None:
        fields["request"] = _base64url(card.request)
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def read_card(data: bytes) -> Card:
    """Read and verify a card.

    Raises ``FormatError("card", fault)``: ``size`` (2,048 bytes or more), ``encoding`` (not UTF-8, not JSON, not base64url without
    padding), ``duplicate``, ``missing``, ``key``, ``type``, ``version``, ``length``, ``value``; ``SignatureInvalid`` if
    ``account`` did not sign it.
    """
    fields = _parse(data)
    if fields.get("memsync") != "card":
        raise FormatError(_WHAT, "type", 'not a card: it lacks "memsync": "card"')
    if type(fields.get("version")) is not int or fields["version"] != 1:
        raise FormatError(
            _WHAT, "version", "only cards of version 1 are read; update MemSync for a newer one"
        )
    if missing := sorted(_KEYS - fields.keys()):
        raise FormatError(_WHAT, "missing", f"it lacks {', '.join(missing)}")
    if not fields.keys() - {"request"} <= _KEYS:
        raise FormatError(_WHAT, "key", "it has a key that is not defined")
    url, account, issued = fields["url"], fields["account"], fields["issued"]
    if type(account) is not str or not _ACCOUNT.fullmatch(account):
        raise FormatError(_WHAT, "encoding", "an account is 0x and 40 lower-case hexadecimal digits")
    if type(issued) is not int:
        raise FormatError(_WHAT, "type", "issued is not an integer")
    if not 0 <= issued < 1 << 40:
        raise FormatError(_WHAT, "value", "issued is not a time in seconds below 2^40")
    card = Card(
        read_name(fields["name"], what=_WHAT),
        url if url == "" else read_place(url, what=_WHAT).url,
        bytes.fromhex(account[2:]),
        _bytes(fields, "box", PUBLIC),
        _bytes(fields, "author", 32),
        issued,
        _bytes(fields, "signature", 65),
        _bytes(fields, "request", 16) if "request" in fields else None,
    )
    if recover(card.digest, card.signature) != card.account:
        raise SignatureInvalid(f"the card of {account} was signed by another account, or altered")
    return card


def _parse(data: bytes) -> dict[str, Any]:
    if len(data) >= LIMIT:
        raise FormatError(_WHAT, "size", f"a card has less than {LIMIT} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise FormatError(_WHAT, "encoding", "not UTF-8") from None
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_float=_no_float, parse_constant=_no_float)
    except RecursionError:
        raise FormatError(_WHAT, "encoding", "not JSON of a card: too many levels") from None
    except json.JSONDecodeError as error:
        raise FormatError(_WHAT, "encoding", f"not JSON: {error.msg} at character {error.pos}") from None
    if type(found) is not dict:
        raise FormatError(_WHAT, "type", "not a JSON object")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise FormatError(_WHAT, "duplicate", "a key stands twice in an object")
    return found


def _no_float(_text: str) -> None:
    raise FormatError(_WHAT, "type", "a number that is not an integer")


def _bytes(fields: dict[str, Any], name: str, length: int) -> bytes:
    text = fields[name]
    if type(text) is not str:
        raise FormatError(_WHAT, "type", f"{name} is not a text")
    if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise FormatError(_WHAT, "encoding", f"{name} is not base64url without padding")
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _base64url(data) != text:
        raise FormatError(_WHAT, "encoding", f"{name} has bits beyond its last byte that are not zero")
    if len(data) != length:
        raise FormatError(_WHAT, "length", f"{name} has {len(data)} bytes instead of {length}")
    return data


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode("ascii").rstrip("=")
