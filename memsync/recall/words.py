"""Words as the index compares them: of a text, and of a question.

Case is folded as Unicode says, accents are taken off, English endings are cut (Porter 1980, by SQLite's tokenizer) and irregular forms put
back (``forms``). Texts in scripts without spaces are cut into characters and pairs of neighbours, run by run, so that one memory may hold
both. A question is taken apart here, so that no text is ever read as query syntax.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Any, Final, cast

from memsync.recall.forms import irregular

MAX_WORDS: Final = 64
STOP: Final = frozenset(
    "a an and are as at be been by can could did do does for from had has have he her hers him his how i if in into is it its "
    "may me might my of on or our she should so some than that the their them then there these they this those to was we were what "
    "when where which who whom why will with would you your about after also any between both during like long many much".split()
)
NAMELESS: Final = frozenset("s t d m re ve ll name kind type".split())
# Han, kana, Hangul, Thai, Lao, Khmer, Burmese: scripts whose words no space parts, or whose words carry their particles.
UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_CHARACTER: Final = re.compile(f"[{UNSPACED}]")
_PIECE: Final = re.compile(f"[{UNSPACED}]+|[^{UNSPACED}]+")
_local = threading.local()


def stems(text: str) -> list[str]:
    """The words of a text, in its order, folded and cut to their stems; of a script without spaces, characters and pairs."""
    if text.isascii():
        return _cut(text)
    found: list[str] = []
    for piece in _PIECE.findall(text.casefold()):
        if _CHARACTER.match(piece):
            found += piece
            found += [piece[at : at + 2] for at in range(len(piece) - 1)]
        else:
            found += _cut(piece)
    return found


def terms(question: str) -> list[str]:
    """The words to look for, in the question's order, at most 64: without the commonest ones, if others are left.

    A run of characters in a script without spaces becomes its pairs of neighbours.
    """
    kept = "".join(char if unicodedata.category(char)[0] in "LNM" else " " for char in question.casefold())
    words: list[str] = []
    for piece in (piece for word in kept.split() for piece in _PIECE.findall(word)):
        if len(piece) > 1 and _CHARACTER.match(piece):
            words += [piece[at : at + 2] for at in range(len(piece) - 1)]
        else:
            words.append(piece)
    words = list(dict.fromkeys(words))
    rare = [word for word in words if word not in STOP and word not in NAMELESS]
    return (rare or [word for word in words if word not in STOP] or words)[:MAX_WORDS]


@cache
def _stem_of_short(word: str) -> tuple[str, ...]:
    return tuple(_cut(word))


def stem(word: str) -> str | None:
    """The one stem by which a word of ``terms`` is looked up; None if nothing of it is a word."""
    if _CHARACTER.match(word):
        return word
    found = _stem_of_short(word) if len(word) < 30 else tuple(_cut(word))
    return found[0] if found else None


def _cut(text: str) -> list[str]:
    forms = _forms()
    return [forms.get(word, word) for word in _porter(text)]


@cache
def _forms() -> dict[str, str]:
    """The stems of irregular forms, and of the words that they are forms of."""
    return {_porter(form)[0]: _porter(word)[0] for form, word in irregular()}


def _porter(text: str) -> list[str]:
    tokenize = getattr(_local, "tokenize", None)
    if tokenize is None:
        tokenize = _local.tokenize = _tokenizer()
    return cast("list[str]", tokenize(text))


def _tokenizer() -> Callable[[str], list[str]]:
    import apsw  # noqa: PLC0415, RUF100 its tokenizers belong to a connection, and a connection to a thread

    connection = apsw.Connection(":memory:")
    porter: Any = connection.fts5_tokenizer("porter", ["unicode61", "remove_diacritics", "2"])

    def tokenize(text: str) -> list[str]:
        data = text.encode("utf-8", "replace")
        return [found[0] for found in porter(data, apsw.FTS5_TOKENIZE_DOCUMENT, None, include_offsets=False)]

    return tokenize
