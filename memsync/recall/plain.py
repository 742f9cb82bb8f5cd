"""A plain search: which memories have all words of a query, and no others.

Recall answers a question with what fits best; this decides what is forgotten or moved, so nothing is ranked, stemmed or left out. A word
stands for itself alone: ``car`` is not in ``scarf``. Case, accents and width don't count. In scripts without spaces, where nothing parts
words, a run of characters is found wherever it stands.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from memsync.errors import InputError
from memsync.memory import Memory
from memsync.recall.words import UNSPACED

# Accents of Latin, Greek and Cyrillic; the marks of other scripts make another word.
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
_UNSPACED: Final = re.compile(f"[{UNSPACED}]")


class PlainQuery:
    """The words of a query, parted by spaces. ``InputError`` for one without any."""

    def __init__(self, query: str) -> None:
        self.words = tuple(dict.fromkeys(folded(query).split()))
        if not self.words:
            raise InputError("an empty query finds nothing; give at least one word")

    def matches(self, memory: Memory) -> bool:
        """Whether each word is in the memory's text or among its tags."""
        text = folded("\n".join((memory.text, *memory.tags)))
        return all(_has(text, word) for word in self.words)


def folded(text: str) -> str:
    """As both sides are compared: without case, accents and width."""
    if text.isascii():
        return text.lower()
    parted = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", _ACCENTS.sub("", parted).casefold())


def _has(text: str, word: str) -> bool:
    start = text.find(word)
    while start >= 0:
        end = start + len(word)
        before, after = text[start - 1 : start] if start else "", text[end : end + 1]
        if not (_joins(before) and _joins(word[0])) and not (_joins(after) and _joins(word[-1])):
            return True
        start = text.find(word, start + 1)
    return False


def _joins(char: str) -> bool:
    """Whether a character makes one word with its neighbour."""
    return bool(char) and unicodedata.category(char)[0] in "LNM" and not _UNSPACED.match(char)
