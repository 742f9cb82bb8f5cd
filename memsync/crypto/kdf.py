"""Keys from keys: every derivation of the format goes through :func:`derive` or :func:`mac`.

HKDF-SHA256 (RFC 5869, no salt) and HMAC-SHA256 over a canonical DAG-CBOR list that begins with ``"memsync/v1"``, so two different
lists of arguments never give the same input. It keeps no key and compares in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from memsync.errors import InputError
from memsync.ipld.dagcbor import Encodable, encode

PREFIX: Final = "memsync/v1"
_SHA256: Final = SHA256()


def expand(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA256 (RFC 5869): ``length`` bytes from ``key``, ``salt`` (may be empty) and ``info``."""
    if not 0 < length <= 255 * 32:
        raise InputError(f"HKDF-SHA256 gives 1 to {255 * 32} bytes")
    return HKDF(_SHA256, length, salt or None, info).derive(key)


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
