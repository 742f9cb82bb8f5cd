"""Derivations that the format does not have and a careless change might: what a told thief tries beside the rules.

In go what somebody knows and, to compare with, all secrets of the vault; out come those of them that one or two steps of guessing hit:
every label of the format on every secret, ratchets from one number to the next, plain hashes, pairs. A guess that hits nothing teaches
nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from tests.format.lessons import Role, Secret
from tests.format.opening import derive

LABELS = (
    "root access owner author box content history id tag since parcel salt commit signer grantee pointer locator generation scope "
    "grant seal next key epoch secret"
).split()
NUMBERED = ("pointer", "generation", "epoch")
SECOND = ("content", "history", "owner", "box", "root", "access")
STRONG = (
    Role.LOCATOR,
    Role.POINTER,
    Role.GENERATION,
    Role.OWNER,
    Role.BOX,
    Role.SEED,
    Role.EPOCH,
    Role.CONTENT,
    Role.HISTORY,
    Role.PAIRWISE,
)


def guess(
    known: Iterable[Secret], words: Iterable[bytes], vault: bytes, real: Mapping[bytes, tuple[Secret, ...]]
) -> list[Secret]:
    """The secrets among ``real`` (by their bytes) that follow by a guess from ``known`` ones, or from ``words`` that may be secrets."""
    known = tuple(known)
    if real.keys() <= {secret.value for secret in known}:
        return []
    return [one for value in _guesses(known, words, vault) if value in real for one in real[value]]


def _guesses(known: Iterable[Secret], words: Iterable[bytes], vault: bytes) -> Iterator[bytes]:
    strong = {secret.value for secret in known if secret.role in STRONG}
    for value in words:
        yield from _near(value, vault)
    for value in strong | {vault}:
        yield from _far(value, vault)
    for left in strong:
        for right in strong - {left}:
            yield derive(left + right, "since")  # as it once was


@lru_cache(maxsize=1 << 12)
def _near(value: bytes, vault: bytes) -> tuple[bytes, ...]:
    """A value itself and one step from it."""
    steps = (derive(value, label) for label in LABELS)
    return value, *steps, derive(value, "locator", vault, 0), derive(value, "generation", vault, 0)


@lru_cache(maxsize=1 << 12)
def _far(value: bytes, vault: bytes) -> tuple[bytes, ...]:
    """Two steps from a value, the first also with numbers."""
    first = [value, hashlib.sha256(value).digest(), *_near(value, vault)]
    for number in range(6):
        first += [derive(value, label, number) for label in NUMBERED]
        first += [derive(value, label, vault, number) for label in ("locator", "generation")]
    return *first, *(derive(one, label) for one in first for label in SECOND)
