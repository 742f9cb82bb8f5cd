"""Entries of a root: per scope, where its catalog and lockbox are now, for who holds the scope's current content key.

In go scopes with their keys, out comes a list of ``[tag, sealed]`` filled up with random ones to a power of two and sorted by tag; back
goes one entry to who can compute its tag. All are sealed anew at every push, so nobody else can tell how many scopes there are or which
of them changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from memsync.crypto.epochs import ContentKey
from memsync.crypto.randomness import Random
from memsync.crypto.sealing import ENTRY_SIZE, Kind, aad, open_entry, seal_entry
from memsync.errors import FormatError, InputError
from memsync.format.block import Ref
from memsync.format.catalog_node import CatalogRoot, Epoch
from memsync.format.fields import as_bytes, as_list, as_uint
from memsync.format.proofread import proofread
from memsync.format.sequence import be4
from memsync.ipld.dagcbor import Value, decode, encode

MAX_SCOPES: Final = 512
TAG: Final = 16

_ENTRIES: Final = "root"
_ENTRY: Final = "entry"


@dataclass(frozen=True, slots=True)
class Entry:
    """The state of a scope: number of the current epoch, catalog if there is any, lockbox if there are earlier keys, and
    ``count`` records in all."""

    number: int
    catalog: CatalogRoot | None
    lockbox: Ref | None
    count: int


@dataclass(frozen=True, slots=True)
class ScopeEntry:
    """An entry to write: the scope's id (16 bytes), its current content key, its state."""

    scope: bytes
    key: ContentKey
    entry: Entry


@dataclass(frozen=True, slots=True)
class SealedEntry:
    """``[tag b16, sealed b256]`` as it stands in a root; a dummy looks the same."""

    tag: bytes
    sealed: bytes = field(repr=False)


def seal_entries(
    entries: Sequence[ScopeEntry], *, vault: bytes, sequence: int, root_salt: bytes, random: Random
) -> tuple[SealedEntry, ...]:
    """Seal all for one root, add random ones to the next power of two, sort by tag."""
    if len(entries) > MAX_SCOPES:
        raise InputError(f"{len(entries)} scopes are more than the {MAX_SCOPES} of a root")
    sealed = {one.key.tag(root_salt): _seal(one, vault, sequence, random) for one in entries}
    if len(sealed) < len(entries):
        raise InputError("two scopes have one content key")
    wanted = 1 << max(len(entries) - 1, 0).bit_length()
    while len(sealed) < wanted:
        sealed[random(TAG)] = random(ENTRY_SIZE)
    return tuple(SealedEntry(tag, sealed[tag]) for tag in sorted(sealed))


def read_entries(value: Value) -> tuple[SealedEntry, ...]:
    """The entries of a root, still sealed; ``FormatError("root", "count" | "order" | "duplicate" | "type" | "length")``."""
    rows = [
        as_list(item, 2, what=_ENTRIES, name="an entry")
        for item in as_list(value, what=_ENTRIES, name="entries")
    ]
    entries = tuple(
        SealedEntry(
            as_bytes(tag, TAG, what=_ENTRIES, name="a tag"),
            as_bytes(sealed, ENTRY_SIZE, what=_ENTRIES, name="an entry"),
        )
        for tag, sealed in rows
    )
    if len(entries).bit_count() != 1 or len(entries) > MAX_SCOPES:
        raise FormatError(
            _ENTRIES, "count", f"{len(entries)} entries are not a power of two up to {MAX_SCOPES}"
        )
    for left, right in pairwise(entries):
        if left.tag >= right.tag:
            fault = "duplicate" if left.tag == right.tag else "order"
            raise FormatError(_ENTRIES, fault, "entries are sorted by tag and unique")
    return entries


def open_scope_entry(
    entries: Sequence[SealedEntry],
    key: ContentKey,
    *,
    vault: bytes,
    scope: bytes,
    sequence: int,
    root_salt: bytes,
) -> Entry | None:
    """The entry that this content key has among ``entries``; None if there is none: then it isn't the scope's current key.

    ``FormatError("entry", …)`` for one that has the tag and does not open, or says what can't be.
    """
    tag = key.tag(root_salt)
    for entry in entries:
        if entry.tag == tag:
            place = _place(vault, scope, key, sequence)
            return _read(open_entry(key.secret, place, entry.sealed, what=_ENTRY), key)
    return None


def _seal(one: ScopeEntry, vault: bytes, sequence: int, random: Random) -> bytes:
    entry = one.entry
    catalog = None if entry.catalog is None else entry.catalog.to_value()
    lockbox = None if entry.lockbox is None else entry.lockbox.to_value()
    plaintext = encode([entry.number, catalog, lockbox, entry.count])
    proofread(lambda: _read(plaintext, one.key))
    return seal_entry(one.key.secret, _place(vault, one.scope, one.key, sequence), plaintext, random=random)


def _place(vault: bytes, scope: bytes, key: ContentKey, sequence: int) -> bytes:
    return aad(vault, scope, key.id, Kind.ENTRY, be4(sequence))


def _read(plaintext: bytes, key: ContentKey) -> Entry:
    number, top, box, records = as_list(decode(plaintext, what=_ENTRY), 4, what=_ENTRY, name="an entry")
    catalog = None if top is None else CatalogRoot.from_value(top, what=_ENTRY)
    lockbox = None if box is None else Ref.from_value(box, what=_ENTRY, name="lockbox")
    entry = Entry(
        as_uint(number, 32, what=_ENTRY, name="number"),
        catalog,
        lockbox,
        as_uint(records, 53, what=_ENTRY, name="count"),
    )
    if entry.number != key.number:
        raise FormatError(_ENTRY, "value", "its epoch is not the one of its key")
    if catalog is None and entry.count:
        raise FormatError(_ENTRY, "value", "records without a catalog")
    if catalog is not None and not _of_this_or_before(catalog.epoch, key):
        raise FormatError(_ENTRY, "value", "its catalog is of an epoch that is not this one or earlier")
    if lockbox is not None and not entry.number:
        raise FormatError(_ENTRY, "value", "a lockbox where there is no earlier epoch")
    return entry


def _of_this_or_before(epoch: Epoch, key: ContentKey) -> bool:
    return epoch.number < key.number or epoch == Epoch.of(key)
