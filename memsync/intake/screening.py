"""A look at a text at the door: what of it shows nothing, and what in it is a secret.

In comes a text, out come plain values; nothing is stored, no text is changed unless its caller takes the cleaned one. Secrets are known by
their shape and, where they have one, by their checksum: seed phrases (BIP-39), card numbers (Luhn 1960), private keys, tokens of known
services. A shape can be missed; what is found is tagged, so that it can be counted and kept from tools.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from memsync.crypto.wordlist import WORDS
from memsync.memory import SECRET_TAG

_PHRASES: Final = (12, 15, 18, 21, 24)
_KEYS: Final = (
    (
        "private-key",
        re.compile(
            r"-----BEGIN (?:[A-Z ]+ )?PRIVATE KEY-----|\b(?:xprv|AGE-SECRET-KEY-1)[0-9A-Za-z]{40,}"
            r"|(?i:\b(?:private|secret) key\b\W{0,4}(?:is\W{0,4})?(?:0x)?[0-9a-f]{64}\b)"
        ),
    ),
    (
        "token",
        re.compile(
            r"\b(?:sk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{40,}|AKIA[0-9A-Z]{16}|xox[abprs]-[\w-]{10,}"
            r"|AIza[\w-]{35}|glpat-[\w-]{20,}|npm_[A-Za-z0-9]{30,}|hf_[A-Za-z0-9]{30,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})"
        ),
    ),
    (
        "password",
        re.compile(
            r"\b(?:password|passphrase|passwort|contraseña|mot de passe|pin code|api[ _-]?key|secret key)\b"
            r"[ \t]*(?:is|=|:)[ \t]*['\"]?(?=\S*\d)\S{6,}",
            re.IGNORECASE,
        ),
    ),
)
_MARKS: Final = (
    ("key", "xprv"),
    ("_", "sk-", "akia", "xox", "aiza", "glpat-", "eyj"),
    ("pass", "contrase", "pin code", "api", "secret key"),
)
"""Of each of ``_KEYS``, in lower case: what is in every match that has ASCII only."""
_DIGIT: Final = re.compile(r"\d")
_CARD: Final = re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d-])")
_KEPT: Final = frozenset({"\u200c", "\u200d", "\ufe0e", "\ufe0f"})
"""Joiners and variation selectors: some scripts, and most emoji, are written with them. They stay between what they join."""
_PARTING: Final = bytes(at if 0x61 <= at <= 0x7A else 0x20 for at in range(256))
_PLACES: Final = {word: at for at, word in enumerate(WORDS)}
_SHORTEST_PHRASE: Final = 12 * 3 + 11
"""Characters of twelve words, none of which has fewer than three, and the spaces between."""


@dataclass(frozen=True, slots=True)
class Screened:
    """``text`` without what shows nothing, how many characters that was, and the kinds of secrets in it, sorted."""

    text: str
    removed: int
    secrets: tuple[str, ...]

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that say so, sorted; none if there is no secret."""
        return (SECRET_TAG, *(f"{SECRET_TAG}:{kind}" for kind in self.secrets)) if self.secrets else ()


def screen(text: str) -> Screened:
    """Look at a text."""
    cleaned = clean(text)
    return Screened(cleaned, len(text) - len(cleaned), tuple(sorted(set(_secrets(cleaned)))))


def clean(text: str) -> str:
    """The text without control characters, zero-width characters between words, marks of direction and tag characters."""
    if text.isascii() and text.isprintable():
        return text
    kept = []
    for at, char in enumerate(text):
        joins = (
            char in _KEPT
            and 0 < at < len(text) - 1
            and not (text[at - 1].isascii() or text[at + 1].isascii())
        )
        if joins or char in "\n\t" or unicodedata.category(char) not in {"Cc", "Cf"}:
            kept.append(char)
    return "".join(kept)


def _secrets(text: str) -> Iterator[str]:
    low, plain = text.lower(), text.isascii()
    for (kind, pattern), marks in zip(_KEYS, _MARKS, strict=True):
        # Ignoring case, other letters than ASCII's match some of ASCII's: those texts are always looked at.
        if (not plain or _has_any(low, marks)) and pattern.search(text):
            yield kind
    if _DIGIT.search(text) and any(_luhn(re.sub(r"\D", "", found)) for found in _CARD.findall(text)):
        yield "card"
    if len(text) >= _SHORTEST_PHRASE and _has_phrase(_words(low) if plain else re.findall(r"[a-z]+", low)):
        yield "seed-phrase"


def _has_any(text: str, marks: tuple[str, ...]) -> bool:
    for mark in marks:  # noqa: SIM110 half the time of any()
        if mark in text:
            return True
    return False


def _words(low: str) -> list[str]:
    """The runs of a to z in an ASCII text of lower case, in half the time of an expression."""
    return low.encode().translate(_PARTING).decode().split()


def _luhn(digits: str) -> bool:
    if len(set(digits)) < 2:
        return False
    total = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + at % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def _has_phrase(words: list[str]) -> bool:
    """Whether words in a row are a seed phrase by its checksum; a row that is one by chance is once in 16 of the shortest."""
    places = [*map(_PLACES.get, words), None]
    begin = 0
    while True:
        end = places.index(None, begin)
        if end - begin >= _PHRASES[0]:
            run = [place for place in places[begin:end] if place is not None]
            if any(
                _is_phrase(run[at : at + length])
                for length in _PHRASES
                for at in range(len(run) - length + 1)
            ):
                return True
        begin = end + 1
        if begin == len(places):
            return False


def _is_phrase(places: list[int]) -> bool:
    bits = "".join(f"{place:011b}" for place in places)
    check = len(bits) // 33
    entropy = int(bits[:-check], 2).to_bytes((len(bits) - check) // 8, "big")
    return f"{hashlib.sha256(entropy).digest()[0]:08b}"[:check] == bits[-check:]
