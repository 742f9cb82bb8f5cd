"""Keys from keys: every derivation of the format goes through :func:`derive` or :func:`mac`.

HKDF-SHA256 (RFC 5869, no salt) and HMAC-SHA256 over a canonical DAG-CBOR list that begins with ``"memsync/v1"``, so two different
lists of arguments never give the same input. It keeps no key and compares in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from memsync.errors import InputError
from memsync.ipld.dagcbor import Encodable, encode

PREFIX: Final = "memsync/v1"
_HASH: Final = 32


def expand(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA256 (RFC 5869): ``length`` bytes from ``key``, ``salt`` (may be empty) and ``info``."""
    if not 0 < length <= 255 * _HASH:
        raise InputError(f"HKDF-SHA256 gives 1 to {255 * _HASH} bytes")
    extracted = hmac.digest(salt or bytes(_HASH), key, "sha256")
    found = last = b""
    for counter in range(1, -(-length // _HASH) + 1):
        last = hmac.digest(extracted, last + info + bytes((counter,)), "sha256")
        found += last
    return found[:length]


def derive(key: bytes, label: str, *args: Encodable, length: int = 32) -> bytes:
    """``length`` bytes: HKDF-SHA256 of ``key``, no salt, info = cbor(["memsync/v1", label, args …])."""
    return expand(key, b"", encode([PREFIX, label, *args]), length)


def mac(key: bytes, *parts: Encodable) -> bytes:
    """32 bytes: HMAC-SHA256 under ``key`` of cbor(["memsync/v1", parts …]); a label, where there is one, is the first part."""
    return hmac.digest(key, encode([PREFIX, *parts]), "sha256")


def hash256(data: bytes) -> bytes:
    """SHA-256."""
    return hashlib.sha256(data).digest()


def equal(left: bytes, right: bytes) -> bool:
    """Whether two byte strings are equal, in time that depends on their lengths only."""
    return hmac.compare_digest(left, right)
