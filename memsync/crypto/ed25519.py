"""Ed25519 (RFC 8032): who wrote a root, who proposed a memory.

In go a 32-byte seed and messages, out come 64-byte signatures. A signature binds nothing but its message: prefixes and contexts are the
caller's (``docs/format.md``, sections 7 and 8).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from memsync.errors import InputError, SignatureInvalid

SIGNATURE: Final = 64


@dataclass(frozen=True, slots=True)
class AuthorKey:
    """A signing key from its 32-byte seed."""

    seed: bytes = field(repr=False)
    public: bytes = field(init=False, compare=False)
    """32 bytes."""
    private: Ed25519PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.seed) != 32:
            raise InputError("a seed has 32 bytes")
        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        object.__setattr__(self, "private", private)
        object.__setattr__(self, "public", private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """64 bytes; the same message always gives the same signature."""
        return self.private.sign(message)


def verify(public: bytes, message: bytes, signature: bytes) -> None:
    """Return if ``signature`` over ``message`` is by ``public`` (32 bytes); else raise ``SignatureInvalid``."""
    if len(public) != 32 or len(signature) != SIGNATURE:
        raise SignatureInvalid(f"an Ed25519 key has 32 bytes and its signature {SIGNATURE}")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise SignatureInvalid("the signature is not by this key over these bytes") from None
