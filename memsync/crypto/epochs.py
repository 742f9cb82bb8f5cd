"""A scope's epochs: each is one random key K(n), from which a content key and a history key follow.

The content key opens what was written in the epoch; the history key opens the lockbox with all earlier K. So a holder of K(n) reads
back to the first, a holder of contentKey(n) reads epoch n only, and neither ever reads on. Nothing here rotates or stores.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from memsync.crypto.kdf import derive, mac
from memsync.crypto.randomness import Random, system_random
from memsync.errors import InputError


@dataclass(frozen=True, slots=True)
class ContentKey:
    """What opens the blocks of epoch ``number``, without a way to any other epoch."""

    number: int
    secret: bytes = field(repr=False)
    id: bytes = field(init=False, compare=False)
    """16 bytes, public: the epoch's id, which every reader recomputes."""

    def __post_init__(self) -> None:
        _check(self.number, self.secret)
        object.__setattr__(self, "id", derive(self.secret, "id")[:16])

    def tag(self, root_salt: bytes) -> bytes:
        """16 bytes: by what the scope's entry is found in the root with this salt."""
        return mac(derive(self.secret, "tag"), root_salt)[:16]


@dataclass(frozen=True, slots=True)
class EpochKey:
    """K(number), 32 bytes: the content key, and the history key that opens the lockbox of this epoch."""

    number: int
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _check(self.number, self.secret)

    @property
    def content(self) -> ContentKey:
        return ContentKey(self.number, derive(self.secret, "content"))

    @property
    def history(self) -> bytes:
        """The key of lockbox(number), 32 bytes."""
        return derive(self.secret, "history")


def new_epoch(number: int, random: Random = system_random) -> EpochKey:
    """A fresh random key for epoch ``number``."""
    return EpochKey(number, random(32))


def _check(number: int, secret: bytes) -> None:
    if not 0 <= number < 1 << 32:
        raise InputError("an epoch's number is below 2^32")
    if len(secret) != 32:
        raise InputError("an epoch's key has 32 bytes")
