"""In how many ways one thing can be written where somebody looks for it.

In goes a text or bytes, out come the byte patterns by which it would be found: UTF-8 and UTF-16 of either order, raw, in hexadecimal,
base32 and base64 at every alignment, each from either end. Of something long, pieces of several lengths stand for the whole, since what
is cut in two is still there. Pure.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import AnyStr, Final

SHORTEST: Final = 5
"""Bytes. What is shorter turns up in random bytes by chance."""

_TEXT_ENCODINGS: Final = ("utf-8", "utf-16-le", "utf-16-be")
_TEXT_LENGTHS: Final = (12, 24, 48)  # characters
_BYTE_LENGTHS: Final = (8, 16, 32)
# What JSON writes in another way ends a piece, so that a text is found in JSON too.
_ESCAPED: Final = re.compile(r'[\x00-\x1f"\\]')


@dataclass(frozen=True, slots=True)
class Spelling:
    """One pattern, at least ``SHORTEST`` bytes; ``caseless``: it is in lower case, to be looked for in bytes made lower-case."""

    name: str
    pattern: bytes
    caseless: bool = False


def spellings(value: str | bytes) -> Iterator[Spelling]:
    """Every pattern by which ``value`` would be found; none for what is too short to be told from chance."""
    if isinstance(value, str):
        run = max(_ESCAPED.split(value), key=len)
        if len(run.encode()) < SHORTEST:
            return
        written = [
            (encoding, piece.encode(encoding))
            for piece in _pieces(run, _TEXT_LENGTHS)
            for encoding in _TEXT_ENCODINGS
        ]
    else:
        written = [("raw", piece) for piece in _pieces(value, _BYTE_LENGTHS)]
    for name, data in written:
        if len(data) >= SHORTEST:
            yield from _of_bytes(name, data)


def _of_bytes(name: str, data: bytes) -> Iterator[Spelling]:
    for order, ordered in (("", data), (" from its end", data[::-1])):
        here = name + order
        yield Spelling(here, ordered)
        yield Spelling(here + " in hex", ordered.hex().encode(), caseless=True)
        for shift in range(5):
            yield Spelling(
                here + " in base32", _inside(ordered, shift, 5, base64.b32encode).lower(), caseless=True
            )
        for shift in range(3):
            standard = _inside(ordered, shift, 6, base64.b64encode)
            yield Spelling(here + " in base64", standard)
            url_safe = standard.translate(bytes.maketrans(b"+/", b"-_"))
            if url_safe != standard:
                yield Spelling(here + " in base64url", url_safe)


def _inside(data: bytes, shift: int, bits: int, encode: Callable[[bytes], bytes]) -> bytes:
    """The characters that ``data`` alone decides when it stands ``shift`` bytes after the start of something longer."""
    text = encode(bytes(shift) + data)
    return text[-(-8 * shift // bits) : 8 * (shift + len(data)) // bits]


def _pieces(value: AnyStr, lengths: tuple[int, int, int]) -> list[AnyStr]:
    """The whole if it is short; else short pieces of its start, middle and end, and longer ones between."""
    short, middle, long = lengths
    if len(value) <= long:
        return [value, value[:short], value[-short:]] if len(value) > short else [value]
    places = ((short, 0.0), (short, 0.5), (short, 1.0), (middle, 0.25), (long, 0.75))
    starts = ((length, round((len(value) - length) * share)) for length, share in places)
    return [value[start : start + length] for length, start in starts]
