"""Reading a text file of any size line by line.

In comes an open file, out come its lines in UTF-8 with their numbers. A line of over 8 MiB is refused before it is all read, and another
encoding is named where its bytes tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from memsync.errors import InputError

MAX_LINE: Final = 1 << 23
"""Bytes in a line."""

_CHUNK: Final = 1 << 18
_BOM: Final = b"\xef\xbb\xbf"
_WIDE: Final = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))


def read_lines(read: Callable[[int], bytes], name: str) -> Iterator[tuple[int, str]]:
    """Yield each line with its number from 1, its end included. ``InputError`` naming ``name`` for what is not UTF-8 or too long."""
    rest, number = b"", 0
    while chunk := read(_CHUNK):
        if number == 0 and not rest:
            refuse_wide(chunk, name)
            chunk = chunk.removeprefix(_BOM)
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            number += 1
            yield number, decode(line + b"\n", f"line {number} of {name}")
        if len(rest) > MAX_LINE:
            raise InputError(f"line {number + 1} of {name} is over {MAX_LINE >> 20} MB long: break it up")
    if rest:
        yield number + 1, decode(rest, f"line {number + 1} of {name}")


def decode(data: bytes, where: str) -> str:
    """The text of these bytes in UTF-8; ``InputError`` naming ``where`` if they are none."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InputError(f"{where} is not UTF-8; save the file as UTF-8, then import it") from None


def refuse_wide(start: bytes, name: str) -> None:
    """Refuse a file that begins as UTF-16 does, with a mark or with every other byte empty."""
    named = next((what for mark, what in _WIDE if start.startswith(mark)), None)
    if named is None and len(start) >= 4 and (start[1:4:2] == b"\0\0" or start[0:4:2] == b"\0\0"):
        named = "UTF-16"
    if named is not None:
        raise InputError(f"{name} is {named}; save it as UTF-8, then import it")
