"""What the journal wants of the next push, and how its entries look as bytes.

Memories and tombstones wait as they are; everything about access waits as a wish, never as a block: who loses a race grants again on the
winner's state. In go journal entries, out comes one :class:`Wishes`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from memsync.crypto.hpke import PUBLIC
from memsync.device.journal import Entry, Wish
from memsync.format.fields import as_bytes, as_list, as_text, as_uint
from memsync.format.names import read_name
from memsync.format.owner import Device, Owner
from memsync.format.places import read_places
from memsync.format.proofread import proofread
from memsync.format.records import Kept, encode_memory, identity_of, read_memory
from memsync.format.rights import READ, read_rights, read_times
from memsync.ipld.dagcbor import Value, decode, encode
from memsync.sync.devices import device_row, read_device
from memsync.sync.forwarding import Elsewhere, moved_to
from memsync.sync.listing import VaultWish, is_listed
from memsync.sync.seats import is_seated, replaced_grants

RECORD, SCOPE, GRANT, REVOKE, ACKNOWLEDGE, ROTATE, MOVED, DEVICE, VAULT = (
    "record",
    "scope",
    "grant",
    "revoke",
    "acknowledge",
    "rotate",
    "moved",
    "device",
    "vault",
)
_WHAT = "journal"
_FEW = 16  # so many ids are looked for in bytes, which is faster than reading every entry


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantWish:
    """A grant that the owner asked for: the grantee's name for the owner, its account and keys, what and when (unix seconds).

    ``wish`` (16 random bytes) tells it from another with the same terms.
    """

    wish: bytes
    name: str
    account: bytes
    box: bytes = field(repr=False)
    author: bytes
    request: bytes | None
    scope: bytes
    rights: int
    start: int
    end: int
    from_now: bool
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wishes:
    """Everything that waits, by kind; ``ordinals`` are the journal entries that it came from. Records are in bytes, by scope: a first push
    may have a million of them."""

    records: dict[bytes, list[bytes]] = field(default_factory=dict)
    scopes: dict[bytes, str] = field(default_factory=dict)
    grants: list[GrantWish] = field(default_factory=list)
    revocations: list[bytes] = field(default_factory=list)
    acknowledged: dict[bytes, int] = field(default_factory=dict)
    rotations: set[bytes] = field(default_factory=set)
    moved: list[Elsewhere | None] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)
    vaults: list[VaultWish] = field(default_factory=list)
    ordinals: list[int] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many memories and tombstones there are."""
        return sum(map(len, self.records.values()))


def wish_record(scope: bytes, record: Kept, *, created: int) -> Wish:
    """A memory (new or edited) or a tombstone."""
    return Wish(RECORD, encode_memory(record), created, scope)


def wish_scope(scope: bytes, name: str, *, created: int) -> Wish:
    """A scope that is new, or has a new name; ``InputError`` for what can't be a name."""
    proofread(lambda: read_name(name, what=_WHAT))
    return Wish(SCOPE, encode(name), created, scope)


def wish_grant(grant: GrantWish, *, created: int) -> Wish:
    """A grant; ``InputError`` for a name, times or places that no grant can have, so that no push meets them."""
    fields = [
        grant.wish,
        grant.name,
        grant.account,
        grant.box,
        grant.author,
        grant.request,
        grant.rights,
        grant.start,
        grant.end,
        grant.from_now,
        list(grant.places),
    ]
    wish = Wish(GRANT, encode(fields), created, grant.scope)
    proofread(lambda: _read_grant(grant.scope, decode(wish.payload, what=_WHAT)))
    return wish


def wish_revocation(grant_id: bytes, *, created: int) -> Wish:
    """The end of a grant."""
    return Wish(REVOKE, encode(grant_id), created)


def wish_acknowledgement(grant_id: bytes, parcels: int, *, created: int) -> Wish:
    """That parcels up to this number of a grant were taken in."""
    return Wish(ACKNOWLEDGE, encode([grant_id, parcels]), created)


def wish_rotation(scope: bytes, *, created: int) -> Wish:
    """A new epoch for a scope, since a key of the present one may lie in an envelope that no grant stands behind."""
    return Wish(ROTATE, encode(None), created, scope)


def wish_moved(to: Elsewhere | None, *, created: int) -> Wish:
    """That the owner block says where the vault has moved to, or that it lives here again."""
    return Wish(MOVED, encode(None if to is None else to.to_value()), created)


def wish_device(device: Device, *, created: int) -> Wish:
    """That the owner block lists this device under this name; ``InputError`` for what can't be a name."""
    wish = Wish(DEVICE, encode(device_row(device)), created)
    proofread(lambda: read_device(decode(wish.payload, what=_WHAT), what=_WHAT))
    return wish


def wish_vault(vault: VaultWish, *, created: int) -> Wish:
    """What the list of vaults is to say of one; ``InputError`` for what can't be a name or number."""
    wish = Wish(VAULT, encode(vault.to_value()), created)
    proofread(lambda: VaultWish.from_value(decode(wish.payload, what=_WHAT), what=_WHAT))
    return wish


def read_wishes(
    entries: Iterable[Entry],
    *,
    without_grants: bool = False,
    now: int = 0,
) -> Wishes:
    """What these entries want. ``without_grants`` leaves access for later: an opening can't share. Of a grant to read whose time is over by
    ``now`` (Unix seconds), unmade, a rotation is left: its envelope may lie in a store."""
    wishes = Wishes()
    for entry in entries:
        if without_grants and entry.kind in (GRANT, REVOKE, ACKNOWLEDGE, ROTATE, MOVED, DEVICE):
            continue
        scope = entry.scope or b""
        if entry.kind == RECORD:
            wishes.records.setdefault(scope, []).append(entry.payload)
            wishes.ordinals.append(entry.ordinal)
            continue
        value = decode(entry.payload, what=_WHAT)
        if entry.kind == SCOPE:
            wishes.scopes[scope] = as_text(value, what=_WHAT, name="name")
        elif entry.kind == GRANT:
            grant = _read_grant(scope, value)
            if grant.end > now:
                wishes.grants.append(grant)
            elif grant.rights & READ:
                wishes.rotations.add(scope)
        elif entry.kind == REVOKE:
            wishes.revocations.append(as_bytes(value, 32, what=_WHAT, name="grant"))
        elif entry.kind == ACKNOWLEDGE:
            grant_id, parcels = _read_acknowledgement(value)
            wishes.acknowledged[grant_id] = max(parcels, wishes.acknowledged.get(grant_id, 0))
        elif entry.kind == ROTATE:
            wishes.rotations.add(scope)
        elif entry.kind == MOVED:
            wishes.moved.append(None if value is None else Elsewhere.from_value(value, what=_WHAT))
        elif entry.kind == DEVICE:
            wishes.devices.append(read_device(value, what=_WHAT))
        elif entry.kind == VAULT:
            wishes.vaults.append(VaultWish.from_value(value, what=_WHAT))
        wishes.ordinals.append(entry.ordinal)
    return wishes


def versions_waiting(entries: Iterable[Entry], scope: bytes, memory_ids: Collection[bytes]) -> list[int]:
    """The ordinals of those of these entries that hold a version of one of these memories. Others may name their ids: they supersede
    one, say."""
    few = memory_ids if len(memory_ids) <= _FEW else ()
    return [
        entry.ordinal
        for entry in entries
        if entry.kind == RECORD
        and entry.scope == scope
        and (not few or any(memory_id in entry.payload for memory_id in few))
        and identity_of(entry.payload, what=_WHAT)[0] in memory_ids
    ]


def read_record(payload: bytes) -> Kept:
    """The memory or tombstone of an entry."""
    return read_memory(decode(payload, what=_WHAT))


def fulfilled(entries: Sequence[Entry], owner: Owner, now: int) -> set[int]:
    """Which of these entries, by ordinal, want nothing that the owner block does not say already, or that can't be had any more: a scope's
    name, the end of a grant that has ended, an acknowledgement, a grant to write until a time (Unix seconds) before ``now``.
    Never records."""
    wishes = read_wishes(entry for entry in entries if entry.kind == SCOPE)
    names = {scope.id: scope.name for scope in owner.scopes}
    grants, later = {grant.id: grant for grant in owner.grants}, replaced_grants(owner)
    done = set()
    for entry in entries:
        if entry.kind == SCOPE:
            true = names.get(entry.scope or b"") == wishes.scopes[entry.scope or b""]
        elif entry.kind == GRANT:
            grant = _read_grant(b"", decode(entry.payload, what=_WHAT))
            true = grant.end <= now and not grant.rights & READ
        elif entry.kind == REVOKE:
            (ended,) = read_wishes([entry]).revocations
            true = later.get(ended, ended) not in grants
        elif entry.kind == ACKNOWLEDGE:
            grant_id, parcels = _read_acknowledgement(decode(entry.payload, what=_WHAT))
            true = grant_id not in grants or grants[grant_id].acknowledged >= parcels
        elif entry.kind == MOVED:
            true = read_wishes([entry]).moved == [moved_to(owner)]
        elif entry.kind == DEVICE:
            true = all(is_seated(owner, device) for device in read_wishes([entry]).devices)
        elif entry.kind == VAULT:
            true = all(is_listed(owner, vault) for vault in read_wishes([entry]).vaults)
        else:
            continue
        if true:
            done.add(entry.ordinal)
    return done


def _read_acknowledgement(value: Value) -> tuple[bytes, int]:
    grant, parcels = as_list(value, 2, what=_WHAT, name="acknowledgement")
    return as_bytes(grant, 32, what=_WHAT, name="grant"), as_uint(parcels, 32, what=_WHAT, name="parcels")


def _read_grant(scope: bytes, value: Value) -> GrantWish:
    wish, name, account, box, author, request, rights, start, end, from_now, places = as_list(
        value, 11, what=_WHAT, name="grant"
    )
    begin, until = read_times(start, end, what=_WHAT)
    return GrantWish(
        wish=as_bytes(wish, 16, what=_WHAT, name="wish"),
        name=read_name(name, what=_WHAT),
        account=as_bytes(account, 20, what=_WHAT, name="account"),
        box=as_bytes(box, PUBLIC, what=_WHAT, name="box"),
        author=as_bytes(author, 32, what=_WHAT, name="author"),
        request=None if request is None else as_bytes(request, 16, what=_WHAT, name="request"),
        scope=scope,
        rights=read_rights(rights, what=_WHAT),
        start=begin,
        end=until,
        from_now=bool(from_now),
        places=read_places(as_list(places, what=_WHAT, name="places"), what=_WHAT),
    )
