"""Sealing: a plaintext and a key become a block of uniform bytes in one of seven sizes, and back.

In go a key, the canonical AAD (made from *where* the block belongs, never read from the block), and a plaintext; out comes::

    salt 32 | commitment 32 | AES-256-GCM(k, nonce 0, length be4 | plaintext | zeros, aad)
    k | commitment = HKDF-SHA256(key, salt, cbor(["memsync/v1", "seal", aad]), 64)

A fresh salt each time makes ``k`` a one-time key, so the fixed nonce is used once. GCM alone commits to no key: a ciphertext can be
made that opens under two. The commitment, compared before anything is decrypted, ends that. Boxes to a public key are in ``hpke``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from memsync.crypto.kdf import PREFIX, equal, expand
from memsync.crypto.randomness import Random, system_random
from memsync.errors import FormatError, InputError
from memsync.ipld.dagcbor import encode

SIZES: Final = (4096, 8192, 16384, 32768, 65536, 131072, 262144)
ENTRY_SIZE: Final = 256
OVERHEAD: Final = 84
"""Salt, commitment, tag and length."""

MAX_PLAINTEXT: Final = SIZES[-1] - OVERHEAD
MAX_ENTRY: Final = ENTRY_SIZE - OVERHEAD
ZERO16: Final = bytes(16)

_NONCE: Final = bytes(12)
_SALT: Final = 32
_START: Final = 64


class Kind(StrEnum):
    """What a block is, as the AAD names it."""

    ROOT = "root"
    ENTRY = "entry"
    OWNER = "owner"
    ACCESS = "access"
    SLOT = "slot"
    CATALOG = "catalog"
    SEGMENT = "segment"
    LOCKBOX = "lockbox"
    SINCE = "since"
    ENVELOPE = "envelope"
    PARCEL = "parcel"


def aad(vault: bytes, scope: bytes, epoch: bytes, kind: Kind, object_id: bytes) -> bytes:
    """Where a block belongs: cbor(["memsync/v1", vault b32, scope b16, epoch b16, kind, object id])."""
    if len(vault) != 32 or len(scope) != 16 or len(epoch) != 16:
        raise InputError("a vault id has 32 bytes, a scope id and an epoch id 16")
    return encode([PREFIX, vault, scope, epoch, kind.value, object_id])


def pad(plaintext: bytes, room: int) -> bytes:
    """``length be4 | plaintext | zeros``, ``room`` bytes in all."""
    if len(plaintext) + 4 > room:
        raise InputError(f"a plaintext of {len(plaintext)} bytes does not fit in {room - 4}")
    return (len(plaintext).to_bytes(4, "big") + plaintext).ljust(room, b"\0")


def unpad(padded: bytes, what: str) -> bytes:
    """The plaintext in ``padded``; ``FormatError(what, "length" | "padding")`` unless all after it is zero."""
    length = int.from_bytes(padded[:4], "big")
    if length > len(padded) - 4:
        raise FormatError(what, "length", f"{length} bytes said to be in a room of {len(padded) - 4}")
    end = 4 + length
    if padded.count(0, end) != len(padded) - end:
        raise FormatError(what, "padding", "bytes after the plaintext are not zero")
    return padded[4:end]


def sealed_size(plaintext_length: int) -> int:
    """The size in bytes of the block that a plaintext of this length is sealed in; ``InputError`` above 262,060."""
    for size in SIZES:
        if plaintext_length <= size - OVERHEAD:
            return size
    raise InputError(
        f"a plaintext of {plaintext_length} bytes is longer than the {MAX_PLAINTEXT} that a block holds"
    )


def seal_block(key: bytes, aad: bytes, plaintext: bytes, *, random: Random = system_random) -> bytes:
    """Seal ``plaintext`` (at most 262,060 bytes) under ``key`` in the smallest of the seven sizes."""
    return _seal(key, aad, plaintext, sealed_size(len(plaintext)), random)


def open_block(key: bytes, aad: bytes, block: bytes, *, what: str) -> bytes:
    """The plaintext of a sealed block.

    Raises ``FormatError(what, fault)``: ``size`` (not one of the seven, or larger than needed), ``key`` (not sealed under this key for
    this place), ``tag`` (altered), ``length``, ``padding``.
    """
    if len(block) not in SIZES:
        raise FormatError(what, "size", f"{len(block)} bytes is none of the seven sizes")
    plaintext = _open(key, aad, block, what)
    if sealed_size(len(plaintext)) != len(block):
        raise FormatError(what, "size", f"{len(plaintext)} bytes sealed in {len(block)}, more than needed")
    return plaintext


def seal_entry(key: bytes, aad: bytes, plaintext: bytes, *, random: Random = system_random) -> bytes:
    """Seal one entry of a root (at most 172 bytes) in exactly 256 bytes."""
    return _seal(key, aad, plaintext, ENTRY_SIZE, random)


def open_entry(key: bytes, aad: bytes, block: bytes, *, what: str = "entry") -> bytes:
    """The plaintext of a root's entry; raises like :func:`open_block`."""
    if len(block) != ENTRY_SIZE:
        raise FormatError(what, "size", f"{len(block)} bytes instead of {ENTRY_SIZE}")
    return _open(key, aad, block, what)


def _keys(key: bytes, aad: bytes, salt: bytes) -> tuple[bytes, bytes]:
    both = expand(key, salt, encode([PREFIX, "seal", aad]), 64)
    return both[:32], both[32:]


def _seal(key: bytes, aad: bytes, plaintext: bytes, size: int, random: Random) -> bytes:
    if len(key) != 32:
        raise InputError("a sealing key has 32 bytes")
    padded = pad(plaintext, size - OVERHEAD + 4)
    salt = random(_SALT)
    if len(salt) != _SALT:
        raise InputError("the source of randomness gave another number of bytes than asked for")
    once, commitment = _keys(key, aad, salt)
    return salt + commitment + AESGCM(once).encrypt(_NONCE, padded, aad)


def _open(key: bytes, aad: bytes, block: bytes, what: str) -> bytes:
    if len(key) != 32:
        raise InputError("a sealing key has 32 bytes")
    once, commitment = _keys(key, aad, block[:_SALT])
    if not equal(commitment, block[_SALT:_START]):
        raise FormatError(what, "key", "not sealed under this key for this place, or altered")
    try:
        padded = AESGCM(once).decrypt(_NONCE, block[_START:], aad)
    except InvalidTag:
        raise FormatError(what, "tag", "altered after it was sealed") from None
    return unpad(padded, what)
