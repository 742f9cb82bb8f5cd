"""Numbers as they stand in an AAD: 4 bytes, big-endian. Of roots, entries (the sequence) and parcels (their number)."""

from __future__ import annotations

from memsync.errors import InputError


def be4(number: int) -> bytes:
    """A number below 2^32 in 4 bytes."""
    if not 0 <= number < 1 << 32:
        raise InputError("a sequence or parcel number is below 2^32")
    return number.to_bytes(4, "big")
