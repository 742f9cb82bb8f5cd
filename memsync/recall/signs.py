"""What the index notes of a memory beside its words: whose turn it is, whether it asks, names a time, a number, a person or place, and
which everyday kinds of things stand in it.

In comes a document, out come plain values. Signs only order what words have found. All of them are cheap guesses of how an answer looks:
who asks "when" is helped by a text with a time in it, and a question is seldom the answer to another one.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from typing import Final

from memsync.device.rows import Document
from memsync.recall.kinds import KINDS
from memsync.recall.words import stems

TIMED: Final = 1
NUMBERED: Final = 2
NAMING: Final = 4

_TIMED: Final = re.compile(
    r"\b(yesterday|today|tonight|tomorrow|ago|recently|since|weekend|\d{4}"
    r"|(last|next|this) (night|week|month|year|weekend|morning|summer|winter|spring|fall|autumn|\w+day)"
    r"|(mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|june|july|august|september|october|november|december"
    r"|few (days|weeks|months|years))\b",
    re.IGNORECASE,
)
_NUMBERED: Final = re.compile(
    r"\b(\d+|one|two|three|four|five|six|seven|eight|nine|ten|once|twice|first|second|third|dozen|couple"
    r"|years?|months?|weeks?|hours?|days?)\b",
    re.IGNORECASE,
)
_PARTING: Final = bytes(at if chr(at).isalnum() or chr(at) == "_" else 0x20 for at in range(256))
"""Of ASCII, what no word has is a space."""
_TIMES: Final = frozenset(
    b"yesterday today tonight tomorrow ago recently since weekend monday tuesday wednesday thursday friday saturday sunday january "
    b"february march april june july august september october november december".split()
)
_FIGURE: Final = re.compile(r"[0-9]")
_LEADING: Final = frozenset(b"last next this few".split())
_NUMBERS: Final = frozenset(
    b"one two three four five six seven eight nine ten once twice first second third dozen couple year years month months week weeks "
    b"hour hours day days".split()
)
_NAMING: Final = re.compile(r"(?<=[a-z,] )[A-Z][a-z]+")
_ASKING: Final = re.compile(r"[^.!?]*\?")
_SPEAKER: Final = re.compile(r"([^\W\d_][\w'’-]{1,24}): ")
_NO_ONE: Final = frozenset({"user", "assistant", "system", "tool"})


@dataclass(frozen=True, slots=True)
class Signs:
    """``conversation`` a 63-bit hash or 0; ``turn`` its place there; ``speaker`` a 32-bit hash or 0; ``asking`` the share of the text
    that asks, 0..255; ``flags`` of TIMED, NUMBERED, NAMING; ``kinds`` a bit for each of ``kinds.KINDS`` that stands in it."""

    conversation: int
    turn: int
    speaker: int
    asking: int
    flags: int
    kinds: int


def signs(document: Document, words: list[str]) -> Signs:
    """The signs of a document whose ``stems`` are ``words``."""
    text = document.text
    asked = sum(map(len, _ASKING.findall(text))) if "?" in text else 0
    flags = _timed_or_numbered(text, words) | NAMING * bool(_NAMING.search(text))
    things = _things()
    kinds = 0
    for word in _thing_words().intersection(words):
        kinds |= things[word]
    return Signs(
        conversation=_conversation(document),
        turn=_place(document.turn, document.part),
        speaker=speaker(document.role, text),
        asking=min(255, 255 * asked // max(1, len(text))),
        flags=flags,
        kinds=kinds,
    )


def _timed_or_numbered(text: str, stemmed: list[str]) -> int:
    """What ``_TIMED`` and ``_NUMBERED`` find. Of ASCII most is told by whole words, for neither parts one, and sooner; nothing is where
    there is no digit and none of all stems is one of theirs."""
    if not text.isascii():
        return TIMED * bool(_TIMED.search(text)) | NUMBERED * bool(_NUMBERED.search(text))
    figured = bool(_FIGURE.search(text))
    if not figured and _telling().isdisjoint(stemmed):
        return 0
    words = text.lower().encode().translate(_PARTING).split()
    figures = [word for word in words if word.isdigit()] if figured else []
    timed = (
        not _TIMES.isdisjoint(words)
        or any(len(word) == 4 for word in figures)
        or (not _LEADING.isdisjoint(words) and bool(_TIMED.search(text)))
    )
    return TIMED * timed | NUMBERED * (bool(figures) or not _NUMBERS.isdisjoint(words))


def speaker(role: str | None, text: str) -> int:
    """The speaker's hash: of a role that is a name, or of a name that the text opens with, as in "Ada: yes"; 0 for neither."""
    if role is None or role.casefold() in _NO_ONE:
        opening = _SPEAKER.match(text)
        role = opening[1] if opening else None
    return named(role.split()[0]) if role and role.split() else 0


def named(word: str) -> int:
    """The hash under which a speaker's first name is known."""
    return zlib.crc32(word.casefold().encode("utf-8", "replace")) or 1


def kinds_asked(words: list[str]) -> list[int]:
    """Which kinds a question of these stems names, as bit numbers."""
    return sorted({bit for word in words for bit in _names().get(word, ())})


def _conversation(document: Document) -> int:
    if document.conversation is None:
        return 0
    digest = blake2b(document.conversation.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1 or 1


def _place(turn: str | None, part: str | None) -> int:
    """A turn's number in a way that sorts; its parts follow each other."""
    if turn is None and part is None:
        return 0
    digits = re.search(r"\d+", turn or "")
    piece = re.match(r"\d+", part or "")
    return min(int(digits[0]) if digits else 0, 1 << 40) * 1000 + min(int(piece[0]) if piece else 0, 999)


@cache
def _things() -> dict[str, int]:
    found: dict[str, int] = {}
    for bit, (_, things) in enumerate(KINDS):
        for word in stems(things):
            found[word] = found.get(word, 0) | 1 << bit
    return found


@cache
def _thing_words() -> frozenset[str]:
    return frozenset(_things())


@cache
def _telling() -> frozenset[str]:
    """The stems of all words that tell of a time or a number."""
    return frozenset(stems(b" ".join((*_TIMES, *_LEADING, *_NUMBERS)).decode()))


@cache
def _names() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for bit, (names, _) in enumerate(KINDS):
        for word in stems(names):
            found[word] = (*found.get(word, ()), bit)
    return found
