"""A grantee's walk: the same way as the owner's, with the keys of one grant.

In come the envelope's terms, the grantee's own key, a snapshot and a way to fetch; out comes a :class:`View` of one scope at
one head, or the
error that says whose doing it is. A head, root or slot that the granter did not make is refused; a part of the catalog from before a
from-now-on grant is not for this reader, and no damage. Nothing is kept here.
"""

from __future__ import annotations

from dataclasses import dataclass

from memsync.chain.registry import GrantState, Snapshot, VaultState
from memsync.crypto.epochs import ContentKey, EpochKey
from memsync.crypto.hpke import HybridKey
from memsync.crypto.pointer import open_pointer
from memsync.errors import AccessError, FormatError, SignatureInvalid
from memsync.format.access import FromNowOn, ReaderSlot, WithHistory, read_access
from memsync.format.catalog import Catalog
from memsync.format.entry import Entry
from memsync.format.envelope import Envelope
from memsync.format.lockbox import read_lockbox, read_since
from memsync.format.rights import READ
from memsync.format.root import Root, read_root
from memsync.sync.standing import Fetch, catalog_of


@dataclass(frozen=True, slots=True)
class View:
    """One scope as a reader sees it at one head: the verified root, the scope's entry, its catalog with the keys that this reader has,
    and how many parcels of this grant the owner has taken in."""

    root: Root
    entry: Entry | None
    catalog: Catalog
    acknowledged: int


def check_grant(
    envelope: Envelope, grant_id: bytes, snapshot: Snapshot, *, now: int, rights: int = 0
) -> tuple[VaultState, GrantState]:
    """The vault and this grant, if the grant holds at ``now`` (Unix seconds) with all of ``rights``.

    ``AccessError`` says why not: not granted, revoked, not yet begun, expired, or without the right asked for.
    """
    grant = snapshot.grants.get(grant_id)
    if snapshot.vault is None or grant is None or not grant.known:
        raise AccessError(
            "the chain knows no such grant: it was never made, or not on this chain; ask the granter for a new link"
        )
    if grant.revoked or grant.epoch != snapshot.vault.grant_epoch:
        raise AccessError(f"the grant to {envelope.scope_name!r} was revoked; ask the granter for a new one")
    if now < grant.start:
        raise AccessError(
            f"the grant to {envelope.scope_name!r} begins in {grant.start - now} s; try again then"
        )
    if now >= grant.end:
        raise AccessError(f"the grant to {envelope.scope_name!r} has expired; ask the granter for a new one")
    if not grant.holds(now, snapshot.vault.grant_epoch, rights):
        needed = "read" if rights & READ else "write"
        raise AccessError(
            f"the grant to {envelope.scope_name!r} has no right to {needed}; ask the granter for one that has"
        )
    return snapshot.vault, grant


def find_root(envelope: Envelope, state: VaultState, fetch: Fetch, *, least_generation: int = 0) -> Root:
    """The verified root that the head points to.

    ``PointerInvalid`` if the pointer was not sealed for this grant's readers; ``SignatureInvalid`` if the root is not by the owner's
    devices, or by devices removed since; ``FormatError``, ``BlockMissing``.
    """
    if envelope.pointer is None:
        raise AccessError(
            f"the grant to {envelope.scope_name!r} has no right to read; ask the granter for one that has"
        )
    key = envelope.pointer.secret
    digest = open_pointer(key, envelope.vault, state.sequence, state.salt_bytes, state.pointer)
    root = read_root(
        fetch(digest),
        digest=digest,
        pointer_key=key,
        chain_id=envelope.chain_id,
        contract=envelope.contract,
        vault=envelope.vault,
        sequence=state.sequence,
        least_generation=max(least_generation, envelope.generation),
    )
    if root.certificate.signer != state.signer:
        raise SignatureInvalid(
            "the root is certified for another signer than the chain names; ask another RPC, or the granter"
        )
    return root


def read_view(envelope: Envelope, grant_id: bytes, root: Root, key: HybridKey, fetch: Fetch) -> View:
    """The granted scope under this root. ``AccessError`` if the root has no slot for this grant any more."""
    if envelope.pointer is None:
        raise AccessError(f"the grant to {envelope.scope_name!r} has no right to read")
    access = read_access(
        fetch(root.access.digest), root.access, pointer_key=envelope.pointer.secret, vault=envelope.vault
    )
    slot = access.reader_slot(key, grant=grant_id, scope=envelope.scope)
    if slot is None:
        raise AccessError(
            f"the granter's last push has left this grant to {envelope.scope_name!r} out; ask for a new one"
        )
    entry = root.entry(envelope.scope, _content(slot))
    keys = _keys(envelope, slot, entry, fetch)
    catalog = catalog_of(envelope.scope, keys, vault=envelope.vault, fetch=fetch)
    return View(root, entry, catalog, slot.acknowledged)


def _content(slot: ReaderSlot) -> ContentKey:
    return slot.key.content if isinstance(slot, WithHistory) else slot.key


def _keys(envelope: Envelope, slot: ReaderSlot, entry: Entry | None, fetch: Fetch) -> tuple[ContentKey, ...]:
    """Every content key that the slot leads to, ascending."""
    if entry is None:
        raise FormatError("root", "missing", "it has no entry for the scope's key in this reader's slot")
    if isinstance(slot, WithHistory):
        return tuple(key.content for key in (*_earlier(envelope, slot.key, entry, fetch), slot.key))
    return (*_since(envelope, slot, fetch), slot.key)


def _earlier(envelope: Envelope, key: EpochKey, entry: Entry, fetch: Fetch) -> tuple[EpochKey, ...]:
    if entry.lockbox is None:
        return ()
    return read_lockbox(
        fetch(entry.lockbox.digest), entry.lockbox, epoch=key, vault=envelope.vault, scope=envelope.scope
    )


def _since(envelope: Envelope, slot: FromNowOn, fetch: Fetch) -> tuple[ContentKey, ...]:
    if slot.since is None:
        return ()
    return read_since(
        fetch(slot.since.ref.digest),
        slot.since,
        current=slot.key,
        vault=envelope.vault,
        scope=envelope.scope,
    )
