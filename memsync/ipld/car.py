"""CARv1 files: blocks in a row, written and read as a stream, in bounded memory.

Out go roots and blocks, byte for byte what ``@ipld/car`` writes; in comes anything: each block's hash is checked, each length is bounded
before it is believed, and a CID outside the profile (``cid``) is a fault by name. https://ipld.io/specs/transport/car/carv1/

A CAR promises nothing about being whole, and a transport that was cut often reports success. So a reader says which blocks it needs
and gets them all or an error. Duplicates are taken if they are true; strangers are skipped, up to a bound. It decodes no block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from memsync.errors import FormatError, InputError
from memsync.ipld.cid import CID, LENGTH
from memsync.ipld.dagcbor import decode, encode

MAX_BLOCK: Final = 2 * 1024 * 1024
MAX_HEADER: Final = 64 * 1024
MAX_STRANGERS: Final = 64 * 1024 * 1024
"""Bytes of blocks nobody asked for that a complete reading puts up with."""

_CHUNK: Final = 64 * 1024
_WHAT: Final = "car"

Read = Callable[[int], bytes]
"""Like ``file.read``: at most so many bytes, none only at the end."""


def write_car(
    roots: Iterable[CID], blocks: Iterable[tuple[CID, bytes]], write: Callable[[bytes], object]
) -> None:
    """Write a CAR with ``roots`` and ``blocks`` in the order given; ``InputError`` for a block that is not its CID's."""
    header = encode({"roots": list(roots), "version": 1})
    if len(header) > MAX_HEADER:
        raise InputError(f"the roots take more than {MAX_HEADER} bytes")
    write(_varint(len(header)) + header)
    for cid, block in blocks:
        if len(block) > MAX_BLOCK:
            raise InputError(f"a block of {len(block)} bytes is longer than {MAX_BLOCK}")
        if CID.of(block, cid.codec) != cid:
            raise InputError(f"these bytes are not the block {cid}")
        write(_varint(LENGTH + len(block)) + cid.to_bytes() + block)


def read_car(read: Read, *, max_block: int = MAX_BLOCK) -> CarReader:
    """Read the header of a CAR now and its blocks by iterating over what is returned."""
    return CarReader(read, max_block=max_block)


def read_complete(
    read: Read, needed: Iterable[CID], *, max_block: int = MAX_BLOCK, max_strangers: int = MAX_STRANGERS
) -> dict[CID, bytes]:
    """The ``needed`` blocks of a CAR, all in memory; ``FormatError("car", "missing")`` if any is not there."""
    return dict(read_car(read, max_block=max_block).complete(needed, max_strangers=max_strangers))


class CarReader:
    """A CAR being read: ``roots``, then an iterator of (CID, block), each block checked against its CID.

    Raises ``FormatError("car", fault)``: ``length`` (cut), ``encoding`` (a length not in its shortest form), ``size`` (a block or header
    above the bound), ``hash``, ``version``, ``type`` or ``value`` (header, or a CID outside the profile), ``key``, ``count``.
    """

    def __init__(self, read: Read, *, max_block: int = MAX_BLOCK) -> None:
        self._source = _Source(read)
        self._max_block = max_block
        length = self._source.length(MAX_HEADER)
        if length is None:
            raise FormatError(_WHAT, "length", "no bytes at all")
        self.roots: tuple[CID, ...] = _roots(self._source.take(length))

    def __iter__(self) -> Iterator[tuple[CID, bytes]]:
        while (length := self._source.length(LENGTH + self._max_block)) is not None:
            section = self._source.take(length)
            cid = _cid(section)
            block = section[LENGTH:]
            if CID.of(block, cid.codec) != cid:
                raise FormatError(_WHAT, "hash", f"the bytes given as {cid} are others")
            yield cid, block

    def complete(
        self, needed: Iterable[CID], *, max_strangers: int = MAX_STRANGERS
    ) -> Iterator[tuple[CID, bytes]]:
        """Each needed block once, as it comes; at the end ``FormatError("car", "missing")`` if one did not come."""
        wanted = set(needed)
        missing = set(wanted)
        strange = 0
        for cid, block in self:
            if cid in missing:
                missing.discard(cid)
                yield cid, block
            elif cid not in wanted:
                strange += LENGTH + len(block)
                if strange > max_strangers:
                    raise FormatError(_WHAT, "size", f"more than {max_strangers} bytes that nobody asked for")
        if missing:
            raise FormatError(
                _WHAT, "missing", f"{len(missing)} of {len(wanted)} blocks are not in it, so {min(missing)}"
            )


class _Source:
    """Exact reads over a ``read`` that may give less than it is asked for."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._held = b""
        self._pos = 0

    def take(self, length: int) -> bytes:
        end = self._pos + length
        if end > len(self._held):
            self._fill(length)
            end = length
        taken = self._held[self._pos : end]
        self._pos = end
        return taken

    def length(self, limit: int) -> int | None:
        """The varint in front of a section, or None at the end of the stream."""
        value = shift = 0
        while True:
            if self._pos == len(self._held) and not self._more(first=not shift):
                return None
            byte = self._held[self._pos]
            self._pos += 1
            value |= (byte & 0x7F) << shift
            if value > limit:
                raise FormatError(_WHAT, "size", f"a section longer than {limit} bytes")
            if byte < 0x80:
                break
            shift += 7
            if shift > 28:
                raise FormatError(_WHAT, "size", f"a section longer than {limit} bytes")
        if byte == 0:
            raise FormatError(
                _WHAT, "encoding", "a length not in its shortest form" if shift else "an empty section"
            )
        return value

    def _more(self, *, first: bool) -> bool:
        self._held, self._pos = self._read(_CHUNK), 0
        if not self._held and not first:
            raise FormatError(_WHAT, "length", "cut within a length")
        return bool(self._held)

    def _fill(self, length: int) -> None:
        parts = [self._held[self._pos :]]
        have = len(parts[0])
        while have < length:
            part = self._read(max(_CHUNK, length - have))
            if not part:
                raise FormatError(_WHAT, "length", f"cut: {length - have} bytes of a section are missing")
            parts.append(part)
            have += len(part)
        self._held, self._pos = b"".join(parts), 0


def _roots(header: bytes) -> tuple[CID, ...]:
    found = decode(header, what=_WHAT)
    if not isinstance(found, dict):
        raise FormatError(_WHAT, "type", "the header is not a map")
    if found.get("version") != 1 or found.get("version") is True:
        raise FormatError(_WHAT, "version", "only CAR version 1 is read")
    if found.keys() != {"roots", "version"}:
        raise FormatError(_WHAT, "key", "the header has other fields than roots and version")
    roots = found["roots"]
    if not isinstance(roots, list):
        raise FormatError(_WHAT, "type", "the roots are not a list")
    cids = tuple(root for root in roots if isinstance(root, CID))
    if len(cids) != len(roots):
        raise FormatError(_WHAT, "type", "a root is not a CID")
    return cids


def _cid(section: bytes) -> CID:
    try:
        return CID.from_bytes(section[:LENGTH])
    except FormatError as error:
        raise FormatError(
            _WHAT, error.fault, f"a block's CID is outside the profile: {error.detail}"
        ) from None


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
