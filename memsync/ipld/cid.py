"""Names of blocks: CIDv1 with sha2-256, codec ``raw`` or ``dag-cbor``, text in lower-case base32.

In comes a block, 36 bytes or a text of 59 characters; out goes a :class:`CID`. Other versions, hashes, codecs and bases are refused
(the profile of https://dasl.ing/cid.html); a CID never has two spellings. It fetches nothing and does not look into the block.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

from memsync.errors import FormatError, InputError

RAW: Final = 0x55
DAG_CBOR: Final = 0x71
LENGTH: Final = 36
TEXT_LENGTH: Final = 59

_PREFIXES: Final = {codec: bytes((1, codec, 0x12, 32)) for codec in (RAW, DAG_CBOR)}


@dataclass(frozen=True, slots=True, order=True)
class CID:
    """The name of one block: its codec and the 32-byte SHA-256 digest of its bytes."""

    codec: int
    digest: bytes

    def __post_init__(self) -> None:
        if self.codec not in _PREFIXES:
            raise InputError(f"codec 0x{self.codec:x} is neither raw nor dag-cbor")
        if len(self.digest) != 32:
            raise InputError(f"a sha2-256 digest has 32 bytes, this has {len(self.digest)}")

    @classmethod
    def of(cls, block: bytes, codec: int = RAW) -> CID:
        """The CID of ``block``."""
        return cls(codec, hashlib.sha256(block).digest())

    @classmethod
    def from_bytes(cls, data: bytes) -> CID:
        """Read the 36 bytes of a binary CID; ``FormatError("cid", …)`` for anything else."""
        if len(data) >= 2 and data[:2] == b"\x12\x20":
            raise FormatError("cid", "version", "a version 0 CID; only version 1 is read")
        if len(data) != LENGTH:
            raise FormatError("cid", "length", f"{len(data)} bytes instead of {LENGTH}")
        codec = data[1]
        if data[0] != 1:
            raise FormatError("cid", "version", f"version {data[0]}; only version 1 is read")
        if codec not in _PREFIXES:
            raise FormatError("cid", "type", f"codec 0x{codec:02x} is neither raw (0x55) nor dag-cbor (0x71)")
        if data[:4] != _PREFIXES[codec]:
            raise FormatError("cid", "hash", f"hash 0x{data[2]:02x} of {data[3]} bytes is not sha2-256 of 32")
        return cls(codec, bytes(data[4:]))

    @classmethod
    def parse(cls, text: str) -> CID:
        """Read the text form, ``b`` and 58 base32 characters; ``FormatError("cid", …)`` for anything else."""
        if text[:1] != "b":
            raise FormatError("cid", "encoding", "the text of a CID begins with b: base32, lower case")
        if len(text) != TEXT_LENGTH:
            raise FormatError("cid", "length", f"{len(text)} characters instead of {TEXT_LENGTH}")
        if not (text.isascii() and text == text.lower()):
            raise FormatError("cid", "encoding", "a character that is not lower-case base32")
        try:
            data = base64.b32decode(text[1:].upper() + "======")
        except ValueError:
            raise FormatError("cid", "encoding", "a character that is not lower-case base32") from None
        found = cls.from_bytes(data)
        if str(found) != text:
            raise FormatError("cid", "encoding", "bits beyond the last byte are not zero")
        return found

    def to_bytes(self) -> bytes:
        """The 36 bytes of the binary form."""
        return _PREFIXES[self.codec] + self.digest

    def __str__(self) -> str:
        return "b" + base64.b32encode(self.to_bytes()).decode("ascii").rstrip("=").lower()
