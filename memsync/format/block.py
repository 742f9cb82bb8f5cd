"""A block and the name by which another block points to it.

In comes sealed bytes; out goes a :class:`Block`, which carries its digest, and a :class:`Ref`, which adds the object id that the block was
sealed under. Whoever points to a block writes both. Nothing is sealed, opened or fetched here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from memsync.errors import FormatError
from memsync.format.fields import as_bytes, as_list
from memsync.ipld.cid import CID, RAW
from memsync.ipld.dagcbor import Value


@dataclass(frozen=True, slots=True)
class Block:
    """Bytes as they lie in a store, and their SHA-256 digest (32 bytes)."""

    digest: bytes
    data: bytes

    @classmethod
    def of(cls, data: bytes) -> Block:
        """The block of these bytes."""
        return cls(hashlib.sha256(data).digest(), data)

    @property
    def cid(self) -> CID:
        """Its CIDv1, codec ``raw``."""
        return CID(RAW, self.digest)


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """``[object id b16, digest b32]``: where a block is, and the id in its AAD."""

    object_id: bytes
    digest: bytes

    def to_value(self) -> list[bytes]:
        """The list that stands in the block which points there."""
        return [self.object_id, self.digest]

    @classmethod
    def from_value(cls, value: Value, *, what: str, name: str = "ref") -> Ref:
        """Read such a list; ``FormatError(what, …)`` for anything else."""
        object_id, digest = as_list(value, 2, what=what, name=name)
        return cls(as_bytes(object_id, 16, what=what, name=name), as_bytes(digest, 32, what=what, name=name))


def check_digest(data: bytes, digest: bytes, *, what: str) -> None:
    """Refuse bytes that are not those asked for: ``FormatError(what, "hash")``."""
    if hashlib.sha256(data).digest() != digest:
        raise FormatError(what, "hash", "the bytes fetched are not those that the digest names")
