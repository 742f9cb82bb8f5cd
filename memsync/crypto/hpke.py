"""Boxes to a public key: HPKE (RFC 9180), base mode, one message, hybrid post-quantum.

KEM MLKEM768-X25519 (0x647a, draft-ietf-hpke-pq; X-Wing), HKDF-SHA256, AES-256-GCM; ``info`` is the AAD of the box's place. A pair of
keys is a 32-byte seed: SHAKE256(seed, 96) = ML-KEM-768 seed (64) | X25519 key (32); public = ML-KEM public (1184) | X25519 (32).
``cryptography`` gives these keys no serialisation, so it is done here. The plaintext is padded to a fixed room inside the box.

A box says nothing about who made it, and its bytes are not uniform: a box can be told from a sealed block. Unlike everything else its
randomness (the encapsulation) is drawn inside ``cryptography``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from memsync.crypto.randomness import Random, system_random
from memsync.crypto.sealing import pad, unpad
from memsync.errors import FormatError, InputError, MemSyncError

ENC: Final = 1120
OVERHEAD: Final = ENC + 16
PUBLIC: Final = 1216
SEED: Final = 32

_MLKEM_PUBLIC: Final = 1184


@dataclass(frozen=True, slots=True)
class HybridKey:
    """A pair of keys from a 32-byte seed. The key objects are made once."""

    seed: bytes = field(repr=False)
    public: bytes = field(init=False, repr=False, compare=False)
    """1216 bytes: ML-KEM-768 public key, X25519 public key."""
    private: MLKEM768X25519PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.seed) != SEED:
            raise InputError(f"a seed has {SEED} bytes")
        private, public = _pair(self.seed)
        object.__setattr__(self, "private", private)
        object.__setattr__(self, "public", public)

    @classmethod
    def generate(cls, *, random: Random = system_random) -> HybridKey:
        """A pair from a fresh seed."""
        return cls(random(SEED))


def seal_box(public: bytes, aad: bytes, plaintext: bytes, *, room: int) -> bytes:
    """A box of ``room + 1136`` bytes to ``public``; ``room`` counts the padded plaintext with its length.

    ``FormatError("public key", …)`` for 1216 bytes that are no key.
    """
    key = _public(public)
    padded = pad(plaintext, room)
    try:
        return _suite().encrypt(padded, key, info=aad)
    except ValueError:
        raise FormatError("public key", "value", "its X25519 part has a small order") from None


def open_box(key: HybridKey, aad: bytes, box: bytes, *, what: str) -> bytes:
    """The plaintext of a box; ``FormatError(what, "size" | "key" | "length" | "padding")``.

    ``key``: not boxed to this key for this place, or altered; HPKE can't tell which.
    """
    if len(box) < OVERHEAD + 4:
        raise FormatError(what, "size", f"{len(box)} bytes is too short for a box")
    try:
        padded = _suite().decrypt(box, key.private, info=aad)
    except InvalidTag:
        raise FormatError(what, "key", "not boxed to this key for this place, or altered") from None
    return unpad(padded, what)


def _pair(seed: bytes) -> tuple[MLKEM768X25519PrivateKey, bytes]:
    expanded = hashlib.shake_256(seed).digest(96)
    try:
        mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
        x25519 = X25519PrivateKey.from_private_bytes(expanded[64:])
        private = MLKEM768X25519PrivateKey(mlkem, x25519)
    except UnsupportedAlgorithm:
        raise _unsupported() from None
    return private, mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()


@lru_cache(maxsize=256)
def _public(public: bytes) -> MLKEM768X25519PublicKey:
    if len(public) != PUBLIC:
        raise FormatError("public key", "length", f"{len(public)} bytes instead of {PUBLIC}")
    try:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC]),
            X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC:]),
        )
    except ValueError:
        raise FormatError("public key", "value", "not an ML-KEM-768 public key") from None
    except UnsupportedAlgorithm:
        raise _unsupported() from None


@lru_cache(maxsize=1)
def _suite() -> Suite:
    """The one suite, after it has opened a box of its own: builds on a system's OpenSSL may lack ML-KEM."""
    try:
        suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
        mlkem, x25519 = MLKEM768PrivateKey.generate(), X25519PrivateKey.generate()
        private = MLKEM768X25519PrivateKey(mlkem, x25519)
        box = suite.encrypt(b"memsync", private.public_key(), info=b"self-check")
        whole = len(box) == OVERHEAD + 7 and suite.decrypt(box, private, info=b"self-check") == b"memsync"
    except (UnsupportedAlgorithm, InvalidTag, AttributeError, ValueError):
        raise _unsupported() from None
    if not whole:
        raise _unsupported()
    return suite


def _unsupported() -> MemSyncError:
    return MemSyncError(
        "This build of the Python package cryptography can't do ML-KEM-768 with X25519: "
        "install its own wheel (pip install --force-reinstall --only-binary :all: 'cryptography>=49,<52')."
    )
