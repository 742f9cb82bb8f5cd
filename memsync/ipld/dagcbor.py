"""Strict DAG-CBOR: one value has one encoding, and a reader takes no other.

In go plain values (``None``, ``bool``, ``int``, ``bytes``, ``str``, ``list``, ``dict`` with text keys, :class:`CID`), out come bytes, and
back. Of RFC 8949 only what https://ipld.io/specs/codecs/dag-cbor/spec/ keeps, and less: no floats, definite and shortest lengths, map
keys unique and sorted by length, then bytes, no tag but 42, at most :data:`MAX_DEPTH` levels and :data:`MAX_ITEMS` items.

It never allocates by a length that the input only claims: each item read has been paid for by a byte of input and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

from memsync.errors import FormatError, InputError
from memsync.ipld.cid import CID

Value: TypeAlias = "bool | int | bytes | str | list[Value] | dict[str, Value] | CID | None"
Encodable: TypeAlias = "bool | int | bytes | str | Sequence[Encodable] | Mapping[str, Encodable] | CID | None"

MAX_DEPTH: Final = 64
MAX_ITEMS: Final = 262_144
"""Values and map keys in one encoding: bounds memory, for an item of one byte costs up to a hundred when decoded."""

_INT_LIMIT: Final = 1 << 64
_NEGATIVE_LIMIT: Final = 1 << 63
_INTERNED: Final = 512
_ORDERS: Final = 64
_SHORT: Final = tuple(bytes((first,)) for first in range(256))
_CID_HEAD: Final = b"\xd8\x2a\x58\x25\x00"
_NAMES: Final[dict[bytes, str]] = {}
"""Short map keys that have been read, by their encoding."""


def encode(value: Encodable) -> bytes:
    """The one encoding of ``value``; tuples are written as lists. ``InputError`` for what has none."""
    parts: list[bytes] = []
    _write(value, parts.append, MAX_DEPTH)
    if len(parts) > MAX_ITEMS:
        raise InputError(f"more than {MAX_ITEMS} items in one value")
    return b"".join(parts)


def _head(major: int, argument: int) -> bytes:
    if argument < 24:
        return _SHORT[major | argument]
    if argument < 0x100:
        return bytes((major | 24, argument))
    if argument < 0x1_0000:
        return bytes((major | 25,)) + argument.to_bytes(2, "big")
    if argument < 0x1_0000_0000:
        return bytes((major | 26,)) + argument.to_bytes(4, "big")
    return bytes((major | 27,)) + argument.to_bytes(8, "big")


def _text(value: str) -> bytes:
    try:
        raw = value.encode("utf-8")
    except UnicodeEncodeError:
        raise InputError("a text with a lone surrogate can't be written as UTF-8") from None
    return _head(0x60, len(raw)) + raw


_key = lru_cache(maxsize=_INTERNED)(_text)


@lru_cache(maxsize=_ORDERS)
def _ordered(names: tuple[str, ...]) -> tuple[tuple[bytes, str], ...]:
    """The keys of a map, encoded, in their order: the same few sets of keys come again and again."""
    if not all(isinstance(name, str) for name in names):
        raise InputError("the keys of a map are texts")
    # A shortest head carries the length first, so the order of the encoded keys is "by length, then by bytes".
    return tuple(sorted((_key(name), name) for name in names))


def _write(value: Encodable, put: Callable[[bytes], None], room: int) -> None:
    if isinstance(value, str):
        put(_text(value))
    elif isinstance(value, bytes):
        put(_head(0x40, len(value)) + value)
    elif value is None:
        put(b"\xf6")
    elif isinstance(value, bool):
        put(b"\xf5" if value else b"\xf4")
    elif isinstance(value, int):
        if not -_NEGATIVE_LIMIT <= value < _INT_LIMIT:
            raise InputError("an integer outside -2^63 … 2^64-1 can't be written")
        put(_head(0x00, value) if value >= 0 else _head(0x20, -1 - value))
    elif isinstance(value, (list, tuple)):
        if not room:
            raise InputError(f"more than {MAX_DEPTH} levels deep")
        put(_head(0x80, len(value)))
        for item in value:
            _write(item, put, room - 1)
    elif isinstance(value, dict):
        if not room:
            raise InputError(f"more than {MAX_DEPTH} levels deep")
        put(_head(0xA0, len(value)))
        for key, name in _ordered(tuple(value)):
            put(key)
            item = value[name]
            if type(item) is str:
                put(_text(item))
            else:
                _write(item, put, room - 1)
    elif isinstance(value, CID):
        put(_CID_HEAD + value.to_bytes())
    else:
        raise InputError(f"a {type(value).__name__} can't be written as DAG-CBOR")


def decode(data: bytes, *, what: str = "dag-cbor") -> Value:
    """The value that ``data`` is the one encoding of.

    Raises ``FormatError(what, fault, …)``: ``length`` (cut, or a length beyond the input), ``trailing``, ``encoding`` (not the shortest
    form, indefinite, or not UTF-8), ``type`` (float, tag, simple value), ``value`` (integer out of range, CID outside the profile),
    ``key`` (not a text), ``order``, ``duplicate``, ``depth``, ``count`` (more than :data:`MAX_ITEMS` items).
    """
    try:
        value, end = _item(data, 0, MAX_DEPTH, [MAX_ITEMS - 1])
    except _Fault as fault:
        raise FormatError(what, fault.fault, fault.detail) from None
    except IndexError:
        raise FormatError(what, "length", "cut within an item") from None
    if end != len(data):
        raise FormatError(what, "trailing", f"{len(data) - end} bytes after the value")
    return value


class _Fault(Exception):
    """What is wrong, on its way up to :func:`decode`, which knows the name of the thing read."""

    def __init__(self, fault: str, detail: str) -> None:
        super().__init__(fault)
        self.fault = fault
        self.detail = detail


def _item(data: bytes, pos: int, room: int, left: list[int]) -> tuple[Value, int]:
    """The item at ``pos`` and where the next begins. ``left[0]`` items may still be counted."""
    first = data[pos]
    if first >= 0xE0:
        return _simple(first), pos + 1
    argument = first & 31
    pos += 1
    if argument > 23:
        argument, pos = _argument(data, pos, argument)
    major = first >> 5
    if major == 0:
        return argument, pos
    if major == 2:
        end = pos + argument
        if end > len(data):
            raise _cut(argument, len(data) - pos)
        return data[pos:end], end
    if major == 3:
        end = pos + argument
        if end > len(data):
            raise _cut(argument, len(data) - pos)
        return _utf8(data[pos:end]), end
    if major == 5:
        return _map(data, pos, argument, room, left)
    if major == 4:
        _enter(argument, len(data) - pos, room, left)
        items: list[Value] = []
        for _ in range(argument):
            item, pos = _item(data, pos, room - 1, left)
            items.append(item)
        return items, pos
    if major == 1:
        if argument >= _NEGATIVE_LIMIT:
            raise _Fault("value", "an integer below -2^63")
        return -1 - argument, pos
    return _link(data, pos, argument)


def _map(data: bytes, pos: int, count: int, room: int, left: list[int]) -> tuple[dict[str, Value], int]:
    """The ``count`` pairs at ``pos``; short texts and byte strings are read here, for most values are one."""
    _enter(2 * count, len(data) - pos, room, left)
    found: dict[str, Value] = {}
    last = b""
    for _ in range(count):
        # A short key that is known: its slice, head and all, has its name. A cut one is never among them.
        raw = data[pos : pos + data[pos] - 0x5F]
        name = _NAMES.get(raw)
        if name is None:
            start = pos
            name, pos = _name(data, pos)
            raw = data[start:pos]
        else:
            pos += len(raw)
        if raw <= last:
            raise _Fault(
                "duplicate" if raw == last else "order",
                "map keys are unique, sorted by length, then by bytes",
            )
        last = raw
        first = data[pos]
        if first == 0x78 and pos + 1 < len(data) and 23 < data[pos + 1] <= len(data) - pos - 2:
            end = pos + 2 + data[pos + 1]
            found[name] = _utf8(data[pos + 2 : end])
            pos = end
        elif 0x40 <= first < 0x58 and pos + first - 0x3F <= len(data):
            end = pos + first - 0x3F
            found[name] = data[pos + 1 : end]
            pos = end
        else:
            found[name], pos = _item(data, pos, room - 1, left)
    return found, pos


def _argument(data: bytes, pos: int, info: int) -> tuple[int, int]:
    if info > 27:
        raise _Fault("encoding", "an indefinite or reserved length")
    width = 1 << (info - 24)
    end = pos + width
    if end > len(data):
        raise _cut(width, len(data) - pos)
    argument = int.from_bytes(data[pos:end], "big")
    if argument < (24 if width == 1 else 1 << (4 * width)):
        raise _Fault("encoding", "a number or length not in its shortest form")
    return argument, end


def _enter(items: int, rest: int, room: int, left: list[int]) -> None:
    """Refuse a container before anything is kept for it: too deep, longer than the input, or too many items in all."""
    if not room:
        raise _Fault("depth", f"more than {MAX_DEPTH} levels")
    if items > rest:
        raise _cut(items, rest)
    left[0] -= items
    if left[0] < 0:
        raise _Fault("count", f"more than {MAX_ITEMS} items")


def _name(data: bytes, pos: int) -> tuple[str, int]:
    """A map key; a short one is remembered with its head, so that it is read once."""
    start, first = pos, data[pos]
    if first >> 5 != 3:
        raise _Fault("key", "a map key that is not a text")
    length = first & 31
    pos += 1
    if length > 23:
        length, pos = _argument(data, pos, length)
    end = pos + length
    if end > len(data):
        raise _cut(length, len(data) - pos)
    name = _utf8(data[pos:end])
    if length < 24 and len(_NAMES) < _INTERNED:
        _NAMES[data[start:end]] = name
    return name, end


def _utf8(raw: bytes) -> str:
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError:
        raise _Fault("encoding", "a text that is not UTF-8") from None


def _simple(first: int) -> bool | None:
    if first == 0xF6:
        return None
    if first in (0xF4, 0xF5):
        return first == 0xF5
    if first in (0xF9, 0xFA, 0xFB):
        raise _Fault("type", "a floating point number")
    if first == 0xFF:
        raise _Fault("encoding", "an indefinite or reserved length")
    raise _Fault("type", f"a simple value 0x{first:02x} that is not false, true or null")


def _link(data: bytes, pos: int, tag: int) -> tuple[CID, int]:
    if tag != 42:
        raise _Fault("type", f"tag {tag}; only 42, a CID, is read")
    if data[pos] >> 5 != 2:
        raise _Fault("type", "tag 42 is not on a byte string")
    length = data[pos] & 31
    pos += 1
    if length > 23:
        length, pos = _argument(data, pos, length)
    end = pos + length
    if end > len(data):
        raise _cut(length, len(data) - pos)
    if data[pos:end][:1] != b"\0":
        raise _Fault("value", "a CID without its leading zero byte")
    try:
        return CID.from_bytes(data[pos + 1 : end]), end
    except FormatError as error:
        raise _Fault("value", f"a CID outside the profile: {error.detail}") from None


def _cut(wanted: int, rest: int) -> _Fault:
    return _Fault("length", f"{wanted} wanted where {rest} bytes are left")
