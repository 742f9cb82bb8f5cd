"""Earlier keys of a scope, in two blocks: for who may read back to the first, and for who may read from its grant on.

The **lockbox** of epoch n is sealed under historyKey n and lists the epoch keys below n: with it a holder of K(n) reads everything
before. The **since block** is sealed under a random key of its own, which only its reader's slot and the owner block say, and lists content
keys only: what a reader from now on missed between its grant and now. Neither leads forward. In go keys, out comes a sealed block with its
reference, and back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from memsync.crypto.epochs import ContentKey, EpochKey
from memsync.crypto.randomness import Random, system_random
from memsync.crypto.sealing import Kind, aad, open_block, seal_block
from memsync.errors import FormatError
from memsync.format.block import Block, Ref, check_digest
from memsync.format.fields import as_bytes, as_list, as_uint, check_version
from memsync.format.proofread import proofread
from memsync.ipld.dagcbor import Value, decode, encode

_LOCKBOX: Final = "lockbox"
_SINCE: Final = "since"

_Key = TypeVar("_Key", EpochKey, ContentKey)


@dataclass(frozen=True, slots=True)
class Since:
    """Where a since block is, and the key (32 bytes) that it is sealed under."""

    ref: Ref
    key: bytes = field(repr=False)

    def to_value(self) -> list[bytes]:
        """As it stands in a slot: object id, digest, key."""
        return [self.ref.object_id, self.ref.digest, self.key]

    @classmethod
    def from_value(cls, value: Value, *, what: str) -> Since:
        """Back; ``FormatError(what, …)`` for anything else."""
        object_id, digest, key = as_list(value, 3, what=what, name="since")
        ref = Ref.from_value([object_id, digest], what=what, name="since")
        return cls(ref, as_bytes(key, 32, what=what, name="the key of a since block"))


def seal_lockbox(
    epoch: EpochKey,
    earlier: Iterable[EpochKey],
    *,
    vault: bytes,
    scope: bytes,
    random: Random = system_random,
) -> tuple[Block, Ref]:
    """Lockbox(n) of ``epoch`` with the keys of ``earlier`` epochs, at least one; a scope without any has no lockbox."""
    object_id = random(16)
    place = aad(vault, scope, epoch.content.id, Kind.LOCKBOX, object_id)
    plaintext = _encode(earlier)
    proofread(lambda: _read(plaintext, EpochKey, epoch.number, _LOCKBOX))
    block = Block.of(seal_block(epoch.history, place, plaintext, random=random))
    return block, Ref(object_id, block.digest)


def read_lockbox(
    data: bytes, ref: Ref, *, epoch: EpochKey, vault: bytes, scope: bytes
) -> tuple[EpochKey, ...]:
    """The earlier epoch keys, ascending; ``FormatError("lockbox", …)`` for anything but lockbox(n) of ``epoch``."""
    check_digest(data, ref.digest, what=_LOCKBOX)
    place = aad(vault, scope, epoch.content.id, Kind.LOCKBOX, ref.object_id)
    plaintext = open_block(epoch.history, place, data, what=_LOCKBOX)
    return _read(plaintext, EpochKey, epoch.number, _LOCKBOX)


def seal_since(
    earlier: Iterable[ContentKey],
    *,
    current: ContentKey,
    vault: bytes,
    scope: bytes,
    random: Random = system_random,
) -> tuple[Block, Since]:
    """The since block of one grant: content keys from its first epoch to the one before ``current``, at least one.

    Its key is fresh: what removed devices and other readers know together leads to no later one.
    """
    object_id, key = random(16), random(32)
    plaintext = _encode(earlier)
    proofread(lambda: _read(plaintext, ContentKey, current.number, _SINCE))
    place = aad(vault, scope, current.id, Kind.SINCE, object_id)
    block = Block.of(seal_block(key, place, plaintext, random=random))
    return block, Since(Ref(object_id, block.digest), key)


def read_since(
    data: bytes, since: Since, *, current: ContentKey, vault: bytes, scope: bytes
) -> tuple[ContentKey, ...]:
    """The content keys since the grant, ascending; ``FormatError("since", …)`` for anything but this grant's block of now."""
    check_digest(data, since.ref.digest, what=_SINCE)
    place = aad(vault, scope, current.id, Kind.SINCE, since.ref.object_id)
    plaintext = open_block(since.key, place, data, what=_SINCE)
    return _read(plaintext, ContentKey, current.number, _SINCE)


def _encode(keys: Iterable[EpochKey] | Iterable[ContentKey]) -> bytes:
    return encode([1, [[key.number, key.secret] for key in sorted(keys, key=lambda key: key.number)]])


def _read(plaintext: bytes, kind: type[_Key], below: int, what: str) -> tuple[_Key, ...]:
    fields = as_list(decode(plaintext, what=what), what=what, name=what)
    check_version(fields[0] if fields else None, what=what)
    _, rows = as_list(fields, 2, what=what, name=what)
    keys: list[_Key] = []
    for row in as_list(rows, what=what, name="keys"):
        number, secret = as_list(row, 2, what=what, name="a row")
        key = kind(
            as_uint(number, 32, what=what, name="number"), as_bytes(secret, 32, what=what, name="a key")
        )
        if keys and key.number <= keys[-1].number:
            fault = "duplicate" if key.number == keys[-1].number else "order"
            raise FormatError(what, fault, "epochs are in ascending order and unique")
        keys.append(key)
    if not keys:
        raise FormatError(what, "count", "it lists no key")
    if keys[-1].number >= below:
        raise FormatError(what, "value", "it lists an epoch that is not earlier")
    return tuple(keys)
