"""The zlib streams of a segment: records of one author in, ``[inflated length, zlib stream]`` out, and back within bounds.

Memories of two authors never share a stream, so that no length tells one author what another wrote. A stream is RFC 1950 at level 6; its
first DEFLATE block is stored and holds the head of the list, whose count is known only at the end. A reader inflates no further than the
declared length and refuses what comes after.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import Final

from memsync.errors import FormatError
from memsync.format.fields import as_list
from memsync.format.records import Record, read_record
from memsync.ipld.dagcbor import decode

MAX_INFLATED: Final = 4 * 1024 * 1024
"""Bytes that all streams of a segment may inflate to."""
LEVEL: Final = 6

_WHAT: Final = "segment"
_FRAME: Final = 32
"""Bytes that a stream costs beyond its DEFLATE data: zlib header, stored head, checksum, and its list in the segment."""
_UNSETTLED: Final = 4096
"""DEFLATE holds back up to 16,383 symbols; what is added can make the code of those longer by a bit each, and no more."""


class StreamWriter:
    """One stream being filled. It always knows a :meth:`size` that it will not exceed; :meth:`measure` makes that exact. ``digest``:
    SHA-256 of the inflated stream, once it is finished."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._records: list[bytes] = []
        self._out: list[bytes] = []
        self._written = 0
        self._measured = 0
        self._added = 0
        self.items = 1
        self.digest = b""

    def size(self, more: int = 0) -> int:
        """Bytes of the finished stream with ``more`` added, at most."""
        added = self._added + more
        return self._measured + _FRAME + (added + added // 4 + _UNSETTLED if added else 0)

    def add(self, record: bytes, items: int) -> None:
        """Take in one encoded record of so many DAG-CBOR items."""
        self._records.append(record)
        self._put(self._deflate.compress(record))
        self._added += len(record)
        self.items += items

    def measure(self) -> None:
        """Make :meth:`size` exact, at the price of a flush."""
        self._measured = self._written + len(self._deflate.copy().flush())
        self._added = 0

    def size_with(self, record: bytes) -> int:
        """The exact size that the stream would have with ``record`` as its last."""
        trial = self._deflate.copy()
        return self._written + len(trial.compress(record)) + len(trial.flush()) + _FRAME

    def finish(self) -> tuple[int, bytes]:
        """``(inflated length, zlib stream)``; nothing may be added after."""
        self._put(self._deflate.flush())
        head = _list_head(len(self._records))
        inflated = head + b"".join(self._records)
        self.digest = hashlib.sha256(inflated).digest()
        stored = b"\0" + len(head).to_bytes(2, "little") + (len(head) ^ 0xFFFF).to_bytes(2, "little") + head
        checksum = zlib.adler32(inflated).to_bytes(4, "big")
        return len(inflated), b"".join((b"\x78\x9c", stored, *self._out, checksum))

    def _put(self, data: bytes) -> None:
        if data:
            self._out.append(data)
            self._written += len(data)


def inflate(length: int, stream: bytes) -> bytes:
    """What a stream inflates to, which it says is ``length`` bytes.

    ``FormatError("segment", …)``: ``inflate`` (not zlib, or not of that length), ``trailing``. At most ``length`` + 1 bytes are inflated,
    which the caller bounds.
    """
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(stream, length + 1)
    except zlib.error:
        raise FormatError(_WHAT, "inflate", "not a zlib stream") from None
    if len(data) != length or not inflater.eof:
        raise FormatError(_WHAT, "inflate", f"a stream does not inflate to the {length} bytes that it says")
    if inflater.unused_data:
        raise FormatError(_WHAT, "trailing", "bytes after the end of a stream")
    return data


def read_stream(length: int, stream: bytes) -> list[Record]:
    """The records of a stream that says it inflates to ``length`` bytes.

    ``FormatError("segment", …)``: those of :func:`inflate`, ``count`` (no records), ``value`` (two authors), and those of records.
    """
    values = as_list(decode(inflate(length, stream), what=_WHAT), what=_WHAT, name="a stream")
    if not values:
        raise FormatError(_WHAT, "count", "a stream without records")
    records = [read_record(value, what=_WHAT) for value in values]
    if len({record.memory.author for record in records}) > 1:
        raise FormatError(_WHAT, "value", "records of two authors in one stream")
    return records


def _list_head(count: int) -> bytes:
    if count < 24:
        return bytes((0x80 | count,))
    width = 1 if count < 0x100 else 2 if count < 0x1_0000 else 4
    return bytes((0x97 + width.bit_length(), *count.to_bytes(width, "big")))
