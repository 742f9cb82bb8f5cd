"""Sealed pointers: what stands on chain instead of a root's digest.

In go a key, a vault id, the sequence under which the contract stores it and a 32-byte digest; out come a short salt and 32 bytes, and
back. The salt is synthetic (a MAC of the digest), so sealing again gives the same bytes and the path needs no randomness::

    salt    = first 4 bytes of mac(derive(pointerKey, "salt"), vault, be4(sequence), d)
    c       = derive(pointerKey, "commit", vault, be4(sequence), salt)
    pointer = d XOR SHA-256("memsync/v1/pad" c)

On opening the salt is recomputed: a pointer that these keys did not seal passes once in 2^32, and then leads to no block. A parcel's
pointer is the same under its grant's key, with the grant id for the vault, the parcel's number for the sequence and 6 bytes of salt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from memsync.crypto.kdf import derive, equal, hash256, mac
from memsync.errors import InputError, PointerInvalid

SALT: Final = 4
PARCEL_SALT: Final = 6

_PAD: Final = b"memsync/v1/pad"


@dataclass(frozen=True, slots=True)
class SealedPointer:
    """A salt of 4 bytes (6 for a parcel's) and the 32 bytes of the pointer, both public."""

    salt: bytes
    pointer: bytes

    @classmethod
    def from_chain(cls, salt: int, pointer: bytes, *, width: int = SALT) -> SealedPointer:
        """From the contract's words; ``width`` is :data:`SALT` or :data:`PARCEL_SALT`."""
        if not 0 <= salt < 1 << (8 * width):
            raise InputError(f"a salt of {width} bytes is below 2^{8 * width}")
        return cls(salt.to_bytes(width, "big"), pointer)

    @property
    def salt_int(self) -> int:
        """The salt as the contract holds it."""
        return int.from_bytes(self.salt, "big")


def seal_pointer(pointer_key: bytes, vault: bytes, sequence: int, digest: bytes) -> SealedPointer:
    """Seal a root's digest (32 bytes) for ``sequence``."""
    return _seal(pointer_key, vault, sequence, digest, SALT)


def open_pointer(pointer_key: bytes, vault: bytes, sequence: int, salt: bytes, pointer: bytes) -> bytes:
    """The root's digest; ``PointerInvalid`` unless this key sealed it for this vault and sequence."""
    return _open(pointer_key, vault, sequence, SealedPointer(salt, pointer), SALT)


def reveal(pointer_key: bytes, vault: bytes, sequence: int, salt: bytes) -> bytes:
    """``c``, 32 bytes: given to a third party it proves what this one pointer points to, and opens nothing else."""
    _check(pointer_key, vault, sequence)
    if len(salt) != SALT:
        raise InputError(f"the salt of a pointer has {SALT} bytes")
    return _commitment(pointer_key, vault, sequence, salt)


def unmask(commitment: bytes, pointer: bytes) -> bytes:
    """The digest in ``pointer``, for one to whom ``c`` was revealed: it must be the digest of the root shown with it."""
    if len(commitment) != 32 or len(pointer) != 32:
        raise InputError("a commitment and a pointer have 32 bytes")
    pad = int.from_bytes(hash256(_PAD + commitment), "big")
    return (int.from_bytes(pointer, "big") ^ pad).to_bytes(32, "big")


def seal_parcel_pointer(secret: bytes, grant: bytes, number: int, digest: bytes) -> SealedPointer:
    """Seal a parcel's digest; ``secret`` is the grant's pairwise secret S."""
    return _seal(_parcel_key(secret), grant, number, digest, PARCEL_SALT)


def open_parcel_pointer(secret: bytes, grant: bytes, number: int, salt: bytes, pointer: bytes) -> bytes:
    """A parcel's digest; ``PointerInvalid`` unless this grant's secret sealed it under this number."""
    return _open(_parcel_key(secret), grant, number, SealedPointer(salt, pointer), PARCEL_SALT)


def _parcel_key(secret: bytes) -> bytes:
    if len(secret) != 32:
        raise InputError("a pairwise secret has 32 bytes")
    return derive(secret, "parcel")


def _seal(key: bytes, place: bytes, number: int, digest: bytes, width: int) -> SealedPointer:
    _check(key, place, number)
    if len(digest) != 32:
        raise InputError("a digest has 32 bytes")
    salt = _salt(key, place, number, digest, width)
    return SealedPointer(salt, unmask(_commitment(key, place, number, salt), digest))


def _open(key: bytes, place: bytes, number: int, sealed: SealedPointer, width: int) -> bytes:
    _check(key, place, number)
    salt, pointer = sealed.salt, sealed.pointer
    if len(salt) != width or len(pointer) != 32:
        raise PointerInvalid(f"a pointer has 32 bytes and its salt {width}")
    digest = unmask(_commitment(key, place, number, salt), pointer)
    if not equal(_salt(key, place, number, digest, width), salt):
        raise PointerInvalid(
            f"the pointer under number {number} was not sealed with these keys: "
            "the RPC lies, or the keys are of another vault or were replaced"
        )
    return digest


def _salt(key: bytes, place: bytes, number: int, digest: bytes, width: int) -> bytes:
    return mac(derive(key, "salt"), place, number.to_bytes(4, "big"), digest)[:width]


def _commitment(key: bytes, place: bytes, number: int, salt: bytes) -> bytes:
    return derive(key, "commit", place, number.to_bytes(4, "big"), salt)


def _check(key: bytes, place: bytes, number: int) -> None:
    if len(key) != 32 or len(place) != 32:
        raise InputError("a pointer key and a vault or grant id have 32 bytes")
    if not 0 <= number < 1 << 32:
        raise InputError("a sequence or parcel number is below 2^32")
