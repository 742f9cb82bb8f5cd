"""What a thief can and can't open: tried with keys and bytes, not by asking the library for permission."""

from __future__ import annotations

from collections.abc import Iterable

from memsync.chain.registry import VaultState
from memsync.crypto.epochs import ContentKey
from memsync.crypto.sealing import Kind, aad, open_block
from memsync.errors import FormatError
from memsync.format.catalog_node import SegmentRow
from memsync.format.segment import open_segment
from memsync.memory import Memory
from memsync.shared import SharedVault
from memsync.sync.reading import View, find_root, read_view
from memsync.sync.standing import catalog_of, epoch_keys, read_standing
from memsync.vault import Vault


def keys_of_reader(shared: SharedVault) -> list[ContentKey]:
    """Every content key that this reader can get at now, by its own honest walk."""
    return list(view_of(shared).catalog.keys.values())


def view_of(shared: SharedVault) -> View:
    at, envelope = shared._replica, shared._envelope
    state = at.registry.snapshot(envelope.vault).vault
    root = find_root(envelope, state, at.fetch)
    return read_view(envelope, shared._grant, root, shared._tool.keys.box(), at.fetch)


def segments_of(vault: Vault, scope: str = "personal") -> list[tuple[SegmentRow, bytes]]:
    """Every segment of a scope with its bytes, as the owner sees them: what a thief would try its keys on."""
    at = vault._replica
    keys = at.keys()
    state: VaultState = at.registry.snapshot(keys.vault).vault
    standing = read_standing(state, keys, at.fetch)
    found = next(one for one in standing.owner.scopes if one.name == scope)
    entry = standing.entry(found)
    epochs = epoch_keys(found, entry, vault=keys.vault, fetch=at.fetch)
    catalog = catalog_of(found.id, tuple(key.content for key in epochs), vault=keys.vault, fetch=at.fetch)
    return [
        (row, at.fetch(row.ref.digest)) for row in catalog.rows(entry.catalog) if isinstance(row, SegmentRow)
    ]


def opened_by(keys: Iterable[ContentKey], vault: Vault, scope: str = "personal") -> set[str]:
    """The digests (hex) of the scope's present segments that any of these keys opens."""
    at = vault._replica
    scope_id, vault_id = at.scopes.id_of(scope), at.keys().vault
    found = set()
    for row, data in segments_of(vault, scope):
        for key in keys:
            try:
                open_block(
                    key.secret,
                    aad(vault_id, scope_id, key.id, Kind.SEGMENT, row.ref.object_id),
                    data,
                    what="segment",
                )
            except FormatError:
                continue
            found.add(row.ref.digest.hex())
    return found


def all_segments(vault: Vault, scope: str = "personal") -> set[str]:
    return {row.ref.digest.hex() for row, _ in segments_of(vault, scope)}


def texts_opened_by(keys: Iterable[ContentKey], vault: Vault, scope: str = "personal") -> set[str]:
    """The texts in the scope's present segments that any of these keys opens."""
    at, by_id = vault._replica, {key.id: key for key in keys}
    scope_id, vault_id = at.scopes.id_of(scope), at.keys().vault
    return {
        record.memory.text
        for row, data in segments_of(vault, scope)
        if row.epoch.id in by_id
        for record in open_segment(data, row, key=by_id[row.epoch.id], vault=vault_id, scope=scope_id).records
        if isinstance(record.memory, Memory)
    }
