"""Cutting a long text into pieces that one memory can hold, without losing a character.

In comes a text, out come pieces of at most 4,000 characters whose concatenation is the text. A cut falls between paragraphs; where none
ends in reach, between lines, then words, and only then between two characters that are written as two. A fenced code block is
cut only when it alone is too long. Nothing is trimmed, rewritten or repeated.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from typing import Final

LIMIT: Final = 4000
"""Characters (code points) in a piece."""

_FENCE: Final = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
_CUTS: Final = (("\n\n", False), ("\n", False), ("\n\n", True), ("\n", True), (" ", True))
_JOINERS: Final = frozenset("\u200c\u200d")
_REACH: Final = 64


def cut_text(text: str, limit: int = LIMIT) -> list[str]:
    """The pieces of ``text``, each of 1 to ``limit`` characters; ``[text]`` when it is short enough."""
    if len(text) <= limit:
        return [text]
    fences = _fenced_spans(text)
    pieces = []
    start = 0
    while len(text) - start > limit:
        end = _best_cut(text, start, start + limit, fences)
        pieces.append(text[start:end])
        start = end
    pieces.append(text[start:])
    return pieces


def _best_cut(text: str, start: int, stop: int, fences: list[tuple[int, int]]) -> int:
    # A quarter full at least: a heading alone would be a poor memory.
    floor = start + (stop - start) // 4
    for separator, through_code in _CUTS:
        end = stop
        while (found := text.rfind(separator, floor, end)) >= 0:
            cut = found + len(separator)
            if through_code or not _is_fenced(cut, fences):
                return cut
            end = cut - 1
    return _between_characters(text, floor, stop)


def _fenced_spans(text: str) -> list[tuple[int, int]]:
    spans = []
    opened: tuple[int, str] | None = None
    for fence in _FENCE.finditer(text):
        marks, rest = fence[1], fence[2].strip()
        if opened is None:
            opened = (fence.start(), marks)
        elif marks[0] == opened[1][0] and len(marks) >= len(opened[1]) and not rest:
            spans.append((opened[0], fence.end()))
            opened = None
    if opened is not None:
        spans.append((opened[0], len(text)))
    return spans


def _is_fenced(position: int, fences: list[tuple[int, int]]) -> bool:
    at = bisect_right(fences, (position, -1)) - 1
    return at >= 0 and fences[at][0] < position <= fences[at][1]


def _between_characters(text: str, floor: int, stop: int) -> int:
    for cut in range(stop, max(floor, stop - _REACH), -1):
        if not _belongs_to_what_is_before(text, cut):
            return cut
    return stop


def _belongs_to_what_is_before(text: str, cut: int) -> bool:
    before, after = text[cut - 1], text[cut]
    if after in _JOINERS or before == "\u200d" or (before, after) == ("\r", "\n"):
        return True
    if unicodedata.category(after).startswith("M"):
        return True
    if (
        0x1F3FB <= ord(after) <= 0x1F3FF or 0xE0020 <= ord(after) <= 0xE007F
    ):  # skin tones; letters of a regional flag
        return True
    if _is_flag_half(after) and _is_flag_half(before):
        halves = 0
        while cut - 1 - halves >= 0 and _is_flag_half(text[cut - 1 - halves]):
            halves += 1
        return halves % 2 == 1
    return False


def _is_flag_half(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF
