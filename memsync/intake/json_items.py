"""Reading a JSON list of objects that is larger than memory, one object at a time.

In comes a function that reads bytes, out come the list's objects as dicts (or the one object, where there is no list). An outline of each
chunk (its brackets and commas outside strings, found without looking at the rest) tells how deep it goes and how many objects end in it;
Python's own decoder then reads exactly those. So every limit holds before anything is built: depth, bytes and values of one object. One
name twice in an object is refused.

Why not a streaming parser: ijson 3.6 on yajl fails on the escape of a lone surrogate, which is all that is left where an emoji was cut in
two; it drops repeated names silently, and needs a gigabyte for 40 KB of ``[``.
"""

from __future__ import annotations

import codecs
import json
import re
from array import array
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Any, Final, NoReturn

from memsync.errors import InputError
from memsync.intake.formats import CHATGPT, Format

CHUNK: Final = 1 << 18
MAX_DEPTH: Final = 100
MAX_OBJECT_BYTES: Final = 1 << 26
MAX_OBJECT_VALUES: Final = 4_000_000

_BOM: Final = b"\xef\xbb\xbf"
_NO_MARKS: Final = bytes(byte for byte in range(256) if byte not in b'"[]{},')
_STEPS: Final = bytes(1 if byte in b"[{" else 255 if byte in b"]}" else 0 for byte in range(256))
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_LIST_END: Final = re.compile(r"[ \t\r\n]*(\[[ \t\r\n]*)?\][ \t\r\n]*")
_DAMAGED: Final = "is damaged: download the export again"


def read_objects(read: Callable[[int], bytes], name: str, of: Format) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON list as :func:`read_items` does, or the one object that the file is, of at most
    :data:`MAX_OBJECT_BYTES`. ``InputError`` for all else."""
    start = b""
    while not (begun := start.removeprefix(_BOM).lstrip(b" \t\r\n")) and (chunk := read(CHUNK)):
        start += chunk
    pending = [start]

    def rest(size: int) -> bytes:
        return pending.pop() if pending else read(size)

    if not begun.startswith(b"{"):
        yield from read_items(rest, name, of)
        return
    data = bytearray()
    outline = _Outline(name, of)
    while chunk := rest(CHUNK):
        outline.follow(chunk)
        data += chunk
        if len(data) > MAX_OBJECT_BYTES:
            raise InputError(
                f"{name} is one object of over {MAX_OBJECT_BYTES >> 20} MB: give the list in it as a file of its own"
            )
    outline.require_end()
    yield read_one(bytes(data.removeprefix(_BOM)), name)


def read_one(data: bytes, name: str) -> dict[str, Any]:
    """The one JSON object that ``data`` is; ``InputError`` naming ``name`` for anything else. Python's decoder bounds the depth."""
    try:
        found = _DECODER.decode(data.decode())
    except UnicodeDecodeError:
        raise InputError(f"{name} is not UTF-8 and {_DAMAGED}") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{name} is not JSON ({error.msg}) and {_DAMAGED}") from None
    except RecursionError:
        raise InputError(f"{name} is nested too deep and {_DAMAGED}") from None
    except _Refused as refused:
        raise InputError(f"{name} {refused} and {_DAMAGED}") from None
    except ValueError:
        raise InputError(f"{name} holds a number that no export holds and {_DAMAGED}") from None
    if not isinstance(found, dict):
        raise InputError(f"{name} is no JSON object and {_DAMAGED}")
    return found


def read_items(read: Callable[[int], bytes], name: str, of: Format = CHATGPT) -> Iterator[dict[str, Any]]:
    """Yield the objects of the JSON list that ``read(size)`` returns in pieces and ends with ``b""``.

    ``InputError`` naming ``name`` for anything but a list of objects in UTF-8, and past the limits. What was yielded may be of a file that
    turns out damaged: only the end of the iteration says that all was well.
    """
    outline = _Outline(name, of)
    decode = codecs.getincrementaldecoder("utf-8")("strict").decode
    pending: list[bytes] = []
    text = ""
    opened = first = False
    try:
        while chunk := read(CHUNK):
            if outline.size == 0:
                chunk = chunk.removeprefix(_BOM)
            ended = outline.follow(chunk)
            pending.append(chunk)
            if opened and not ended:
                continue
            text += decode(b"".join(pending))
            pending.clear()
            if not opened:
                if not (start := text.lstrip(" \t\r\n")):
                    continue
                _require_list(start, name, of)
                text, opened, first = start, True, True
            at = 0
            for _ in range(ended):
                item, at = _next_item(text, at, "[" if first else ",", name, of)
                first = False
                yield item
            text = text[at:]
        outline.require_end()
        text += decode(b"".join(pending), True)  # noqa: FBT003  (codecs' own signature)
    except InputError:
        raise
    except UnicodeDecodeError:
        raise InputError(f"{name} is not UTF-8 and {_DAMAGED}") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{name} is not JSON ({error.msg}) and {_DAMAGED}") from None
    except _Refused as refused:
        raise InputError(f"{name} {refused} and {_DAMAGED}") from None
    except ValueError:  # a number of more digits than Python reads
        raise InputError(f"{name} holds a number that no export holds and {_DAMAGED}") from None
    if not opened:
        raise InputError(f"{name} is empty and {_DAMAGED}")
    if not _LIST_END.fullmatch(text):
        raise _something_else(name, of)


class _Refused(ValueError):
    """Raised inside the decoder's hooks, where the file's name isn't known."""


class _Outline:
    """Follows brackets, commas and quotes through chunks; knows depth, and the size of the object that is under way."""

    def __init__(self, name: str, of: Format) -> None:
        self.name = name
        self.of = of
        self.size = 0
        self.depth = 0
        self._in_string = 0
        self._escape = b""
        self._bytes = 0
        self._values = 0

    def follow(self, chunk: bytes) -> int:
        """Take one more chunk; the count of the list's objects that end in it."""
        self.size += len(chunk)
        data = self._escape + chunk
        self._escape = b"\\" if (len(data) - len(data.rstrip(b"\\"))) % 2 else b""
        if self._escape:
            data = data[:-1]
        marks = data.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NO_MARKS)
        pieces = marks.split(b'"')
        outside = b"".join(pieces[self._in_string :: 2])
        self._in_string = (self._in_string + len(pieces) - 1) % 2
        depths = list(accumulate(array("b", outside.translate(_STEPS)), initial=self.depth))
        if min(depths) < 0:
            raise InputError(f"{self.name} closes more than it opens and {_DAMAGED}")
        if max(depths) > MAX_DEPTH:
            raise InputError(f"{self.name} is nested over {MAX_DEPTH} deep, which no export is")
        self.depth = depths[-1]
        ended = bytes(depths).count(b"\x02\x01")
        self._bytes = self._bytes * (not ended) + len(chunk)
        self._values = self._values * (not ended) + len(outside)
        if self._bytes > MAX_OBJECT_BYTES or self._values > MAX_OBJECT_VALUES:
            limit = f"{MAX_OBJECT_BYTES >> 20} MB or {MAX_OBJECT_VALUES:,} values"
            raise InputError(
                f"one {(self.of.group or self.of.entry)[0]} of {self.name} is over {limit}, which no export holds"
            )
        return ended

    def require_end(self) -> None:
        """Refuse a file that stops before its list is closed."""
        if self.depth or self._in_string or self._escape:
            raise InputError(f"{self.name} stops in the middle and {_DAMAGED}")


def _require_list(start: str, name: str, of: Format) -> None:
    if start.startswith("{"):
        raise InputError(f"{name} is one JSON object, not a list of {_many(of)}: is it {of.what}?")
    if not start.startswith("["):
        raise InputError(f"{name} is not JSON and {_DAMAGED}")


def _next_item(text: str, at: int, before: str, name: str, of: Format) -> tuple[dict[str, Any], int]:
    at = _skip_space(text, at)
    if text.startswith(before, at):
        at = _skip_space(text, at + 1)
        if text.startswith("{", at):
            return _DECODER.raw_decode(text, at)
    raise _something_else(name, of)


def _something_else(name: str, of: Format) -> InputError:
    return InputError(f"{name} holds something else than {_many(of)}: is it {of.what}?")


def _many(of: Format) -> str:
    return (of.group or of.entry)[1]


def _skip_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise _Refused(f"holds {twice[:80]!r} twice in one object")
    return found


def _refuse_constant(constant: str) -> NoReturn:
    raise _Refused(f"holds {constant}, which JSON has not,")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
