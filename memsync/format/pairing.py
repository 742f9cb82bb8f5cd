"""What two devices of one person hand each other so that the second gets the vault without the words (``docs/format.md`` §11).

The new device's **request** is its public keys, signed by itself: nothing secret, one line of JSON. The **answer** is a box to these keys
and to this very request, so it opens on that device only and for nothing else. Neither proves who made it: each side shows a fingerprint,
and the person compares both. In go keys, out come bytes, and back.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any, Final

from memsync.crypto.ed25519 import SIGNATURE, verify
from memsync.crypto.hpke import PUBLIC, open_box, seal_box
from memsync.crypto.kdf import hash256
from memsync.crypto.tree import DeviceKey
from memsync.errors import FormatError
from memsync.format.names import read_name
from memsync.format.proofread import proofread
from memsync.format.rights import SECONDS_BITS
from memsync.ipld.dagcbor import encode

LIMIT: Final = 4096
"""Request and answer are shorter than this many bytes."""
ANSWER_ROOM: Final = 512

_REQUEST: Final = "device request"
_ANSWER: Final = "device answer"
_REQUEST_KEYS: Final = frozenset(
    {"memsync", "version", "name", "box", "author", "issued", "nonce", "signature"}
)
_ANSWER_KEYS: Final = frozenset({"memsync", "version", "sealed"})
_SIGNED: Final = b"memsync/v1/device-request"
_BASE64URL: Final = re.compile("[A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose signature was verified; made by :func:`sign_request` and :func:`read_request` only.

    ``name`` of the device; ``box`` (1,216 bytes) and ``author`` (32) its public keys; ``issued`` Unix seconds; ``nonce`` 16 random bytes,
    which tell it from another of the same device.
    """

    name: str
    box: bytes = field(repr=False)
    author: bytes
    issued: int
    nonce: bytes
    signature: bytes = field(repr=False)

    @property
    def device(self) -> bytes:
        """The id (16 bytes) under which the owner block has a device of these keys."""
        return device_id(self.box, self.author)

    @property
    def fingerprint(self) -> str:
        """The same, for a person to compare."""
        return fingerprint(self.device)

    @property
    def digest(self) -> bytes:
        """What was signed (32 bytes): the answer is bound to it."""
        return hash256(_signed(self.name, self.box, self.author, self.issued, self.nonce))


def device_id(box: bytes, author: bytes) -> bytes:
    """The id of a device with these public keys: 16 bytes."""
    return hash256(b"memsync/v1/device" + box + author)[:16]


def fingerprint(short: bytes) -> str:
    """Eight groups of four hexadecimal digits of the first 16 bytes."""
    digits = short[:16].hex()
    return " ".join(digits[at : at + 4] for at in range(0, 32, 4))


def bare(typed: str) -> str:
    """A fingerprint as a person types it, in lower-case digits and nothing between."""
    return "".join(typed.split()).lower()


def sign_request(device: DeviceKey, *, name: str, issued: int, nonce: bytes) -> Request:
    """The request of this device; ``InputError`` if it could not be read again."""
    box, author = device.box().public, device.author()
    signature = author.sign(_signed(name, box, author.public, issued, nonce))
    request = Request(name, box, author.public, issued, nonce, signature)
    return proofread(lambda: read_request(write_request(request)))


def write_request(request: Request) -> bytes:
    """The request as one line of JSON, UTF-8."""
    return _write(
        _REQUEST,
        name=request.name,
        box=_base64url(request.box),
        author=_base64url(request.author),
        issued=request.issued,
        nonce=_base64url(request.nonce),
        signature=_base64url(request.signature),
    )


def read_request(data: bytes) -> Request:
    """Read and verify a request.

    Raises ``FormatError("device request", fault)``: ``size``, ``encoding``, ``duplicate``, ``missing``, ``key``, ``type``, ``version``,
    ``length``, ``value``; ``SignatureInvalid`` if it was altered.
    """
    fields = _parse(data, _REQUEST, _REQUEST_KEYS)
    issued = fields["issued"]
    if type(issued) is not int:
        raise FormatError(_REQUEST, "type", "issued is not an integer")
    if not 0 <= issued < 1 << SECONDS_BITS:
        raise FormatError(_REQUEST, "value", f"issued is not a time in seconds below 2^{SECONDS_BITS}")
    request = Request(
        read_name(fields["name"], what=_REQUEST),
        _bytes(fields, "box", _REQUEST, PUBLIC),
        _bytes(fields, "author", _REQUEST, 32),
        issued,
        _bytes(fields, "nonce", _REQUEST, 16),
        _bytes(fields, "signature", _REQUEST, SIGNATURE),
    )
    signed = _signed(request.name, request.box, request.author, request.issued, request.nonce)
    verify(request.author, signed, request.signature)
    return request


def seal_answer(request: Request, keys: bytes) -> bytes:
    """``keys``, as the device's database has them, boxed to who made this request: one line of JSON, UTF-8."""
    box = seal_box(request.box, _place(request), keys, room=ANSWER_ROOM)
    return _write(_ANSWER, sealed=_base64url(box))


def open_answer(data: bytes, request: Request, device: DeviceKey) -> bytes:
    """The keys in the answer to this request of this device.

    ``FormatError("device answer", fault)``: as :func:`read_request`, and ``key`` for one to another request or device, or altered.
    """
    sealed = _bytes(_parse(data, _ANSWER, _ANSWER_KEYS), "sealed", _ANSWER)
    return open_box(device.box(), _place(request), sealed, what=_ANSWER)


def _place(request: Request) -> bytes:
    return encode(["memsync/v1", "pairing", request.digest])


def _signed(name: str, box: bytes, author: bytes, issued: int, nonce: bytes) -> bytes:
    return _SIGNED + encode([name, box, author, issued, nonce])


def _write(what: str, **fields: object) -> bytes:
    found = {"memsync": what, "version": 1, **fields}
    return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()


def _parse(data: bytes, what: str, keys: frozenset[str]) -> dict[str, Any]:
    if len(data) >= LIMIT:
        raise FormatError(what, "size", f"it has less than {LIMIT} bytes")
    try:
        found = json.loads(data.decode(), object_pairs_hook=lambda pairs: _unique(pairs, what))
    except UnicodeDecodeError:
        raise FormatError(what, "encoding", "not UTF-8") from None
    except RecursionError:
        raise FormatError(what, "encoding", "too many levels") from None
    except json.JSONDecodeError as error:
        raise FormatError(what, "encoding", f"not JSON: {error.msg} at character {error.pos}") from None
    if type(found) is not dict or found.get("memsync") != what:
        raise FormatError(what, "type", f'it lacks "memsync": "{what}"')
    if type(found.get("version")) is not int or found["version"] != 1:
        raise FormatError(what, "version", "only version 1 is read; update MemSync for a newer one")
    if missing := sorted(keys - found.keys()):
        raise FormatError(what, "missing", f"it lacks {', '.join(missing)}")
    if found.keys() - keys:
        raise FormatError(what, "key", "it has a key that is not defined")
    return found


def _unique(pairs: list[tuple[str, Any]], what: str) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise FormatError(what, "duplicate", "a key stands twice in an object")
    return found


def _bytes(fields: dict[str, Any], name: str, what: str, length: int | None = None) -> bytes:
    text = fields[name]
    if type(text) is not str:
        raise FormatError(what, "type", f"{name} is not a text")
    if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise FormatError(what, "encoding", f"{name} is not base64url without padding")
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _base64url(data) != text:
        raise FormatError(what, "encoding", f"{name} has bits beyond its last byte that are not zero")
    if length is not None and len(data) != length:
        raise FormatError(what, "length", f"{name} has {len(data)} bytes instead of {length}")
    return data


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode("ascii").rstrip("=")
