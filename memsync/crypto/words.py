"""The 24 words: an encoding of the 32 bytes of R for paper, and nothing more.

In go 32 bytes, out comes a line ``memsync word word …``; back with or without the first word, in any case and spacing. The encoding is
BIP-39's (https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki): 256 bits and 8 of SHA-256 as checksum, 11 bits a word. It is
not a wallet's seed: no passphrase, no PBKDF2; the word in front says so. Words that stand in published test vectors are nobody's secret
and are refused. An error tells which word is wrong by its place, never by itself.
"""

from __future__ import annotations

import hashlib
from typing import Final

from memsync.crypto.wordlist import WORDS
from memsync.errors import InputError, WrongWords

MARK: Final = "memsync"
COUNT: Final = 24

_INDEX: Final = {word: index for index, word in enumerate(WORDS)}

# The 32-byte entropies of https://github.com/trezor/python-mnemonic/blob/master/vectors.json (English).
_PUBLISHED: Final = frozenset(
    bytes.fromhex(entropy)
    for entropy in (
        "00" * 32,
        "7f" * 32,
        "80" * 32,
        "ff" * 32,
        "68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c",
        "9f6a2878b2520799a44ef18bc7df394e7061a224d2c33cd015b157d746869863",
        "066dca1a2bb7e8a1db2832148ce9933eea0f3ac9548d793112d9a95c9407efad",
        "f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f",
    )
)


def to_words(secret: bytes) -> str:
    """``memsync`` and 24 words for 32 bytes."""
    if len(secret) != 32:
        raise InputError("24 words stand for 32 bytes")
    bits = int.from_bytes(secret + hashlib.sha256(secret).digest()[:1], "big")
    words = [WORDS[bits >> (11 * place) & 2047] for place in reversed(range(COUNT))]
    return " ".join([MARK, *words])


def from_words(text: str) -> bytes:
    """The 32 bytes that the words stand for; ``WrongWords`` if they are not 24 words of a vault."""
    words = text.lower().split()
    if words[:1] == [MARK]:
        del words[0]
    if len(words) != COUNT:
        raise WrongWords(f"{len(words)} words instead of {COUNT}")
    bits = 0
    for place, word in enumerate(words, start=1):
        if word not in _INDEX:
            raise WrongWords(f"word {place} is not in the list: check its spelling")
        bits = bits << 11 | _INDEX[word]
    secret = (bits >> 8).to_bytes(32, "big")
    if hashlib.sha256(secret).digest()[0] != bits & 0xFF:
        raise WrongWords("the checksum does not match: a word is wrong, or two have changed places")
    if secret in _PUBLISHED:
        raise WrongWords("these words stand in published test vectors: anyone could open a vault of theirs")
    return secret
