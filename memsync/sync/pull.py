"""Taking in what a head leads to: by this device's own push, or by another's.

chain → pointer → root → owner block → catalogs, of which only what changed is read → segments → memories. Everything new is fetched and
verified first; then one transaction takes it in. What the journal holds stays there until a *final* root reaches it, so that neither
a lost race nor a reorg loses anything. A head below one seen final, or another root under its sequence, is an alarm and changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from memsync.chain.registry import Snapshot, VaultState
from memsync.collector import many_values
from memsync.device.heads import Head
from memsync.device.memories import Memories
from memsync.device.proposals import Proposals
from memsync.device.scopes import Scope as ScopeName
from memsync.device.segments import Held
from memsync.errors import BlockMissing, ChainReset, DeviceRemoved, VaultMoved
from memsync.format.catalog import Catalog, NotForMe
from memsync.format.catalog_node import CatalogRoot, SegmentRow
from memsync.format.records import Kept, identity_of
from memsync.format.segment import Contents, check_contents, open_segment
from memsync.ipld.dagcbor import decode, encode
from memsync.memory import Memory
from memsync.progress import tell
from memsync.sync.devices import remember_devices
from memsync.sync.forgetting import Named, forget_moved
from memsync.sync.forwarding import moved_to
from memsync.sync.granted import follow_replaced, remember_grants
from memsync.sync.keys import OwnerKeys
from memsync.sync.listing import remember_list
from memsync.sync.removal import forget_removal, removal_under_way
from memsync.sync.replica import DEVICES, FIRST_SCOPE, GRANTS, KEYS, POINTER, TAKEN, VAULTS, Replica
from memsync.sync.sealing import need_key
from memsync.sync.settling import final_head, settle, unsettle, waiting, walk_back
from memsync.sync.standing import Standing, catalog_of, epoch_keys, read_standing
from memsync.sync.whereabouts import bring_along, note_places
from memsync.sync.wishes import RECORD, SCOPE, read_record, read_wishes, wish_scope


@dataclass(frozen=True, slots=True)
class Pulled:
    """What a pull found: the sequence, whether it was new, how many segments came and went, whether the head is final."""

    sequence: int
    changed: bool
    segments: int = 0
    dropped: int = 0
    final: bool = True


@dataclass(frozen=True, slots=True)
class _ScopeNews:
    """What is new in one scope: of the segments that came, what opens each and its block, still sealed, since all of them open would be
    eight times as large. ``made``: those that this push has sealed, by digest."""

    scope: bytes
    root: CatalogRoot | None
    removed: list[bytes]
    added: list[tuple[SegmentRow, bytes]] = field(default_factory=list)
    catalog: Catalog | None = None
    made: Mapping[bytes, Contents] = field(default_factory=dict)

    def attach(self, memories: Memories) -> Iterator[list[Kept]]:
        """Take in the segments that came; yields the records of each that had to be read. Raises ``FormatError``."""
        if (catalog := self.catalog) is None:
            return
        for done, (row, data) in enumerate(self.added):
            tell("reading segments", done, len(self.added))
            key = need_key(catalog.keys, row.epoch.id)
            held = Held(row.ref.digest, row.ref.object_id, row.epoch.id)
            own = self.made.get(row.ref.digest)
            if own is not None and own.row == row:
                check_contents(data, own, key=key, vault=catalog.vault, scope=catalog.scope)
                if memories.attach_known(self.scope, held, own.identities()):
                    continue
            segment = open_segment(data, row, key=key, vault=catalog.vault, scope=catalog.scope)
            records = [record.memory for record in segment.records]
            memories.attach(self.scope, held, records)
            yield records


def pull(replica: Replica) -> Pulled:
    """Take in what the chain and the store have.

    Raises ``ChainError`` and its kin, ``StorageError``, ``IntegrityError`` and its kin; then nothing has changed here, but for
    ``VaultMoved``.
    """
    keys = replica.keys()
    if keys is None:
        return Pulled(0, changed=False)
    return take_in(replica, keys, replica.registry.snapshot(keys.vault))[0]


@many_values()
def take_in(
    replica: Replica,
    keys: OwnerKeys,
    snapshot: Snapshot,
    *,
    though_moved: bool = False,
    made: Mapping[bytes, Contents] | None = None,
) -> tuple[Pulled, Standing | None]:
    """Take in a snapshot's head; also returns what it leads to, None while the vault is not on the chain. ``made``: how the segments that
    this push has sealed are known again, by digest.

    ``VaultMoved``, after taking it in, for one that lives elsewhere now, unless ``though_moved``.
    """
    state, keys = (
        snapshot.vault,
        replica.keys() or keys,
    )  # what was read before may have brought a later generation
    seen = replica.heads.seen()
    if state is None:
        if seen is not None:
            _take_back(replica, keys, seen)
        return Pulled(0, changed=False), None
    standing = _read(replica, keys, state)
    line = walk_back(replica, standing)
    final = final_head(replica, standing, line, replica.registry.final_vault(keys.vault))
    head = Head(state.sequence, standing.root.digest, standing.root.generation)
    new = replica.meta.get(TAKEN) != head.root
    news = _news(replica, keys, standing, made or {}) if new else []
    followed: set[Named] = set()
    with replica.database.transaction():
        _keep_keys(replica, keys, standing, final)
        _note(replica, head, final)
        replica.note_time(snapshot)
        if new:
            _apply(replica, standing, news)
            followed = forget_moved(replica, [scope.id for scope in standing.owner.scopes])
        if new or replica.meta.get(VAULTS) is None:  # an older release left no list behind
            remember_list(replica, standing.owner)
        settle(replica, standing, line, final, now=replica.time_at(snapshot), keep=followed)
        if new:
            _name_scopes(replica, standing)
            replica.refresh_index()
    if new:
        bring_along(replica, standing)
        note_places(replica)
    added, dropped = sum(len(one.added) for one in news), sum(len(one.removed) for one in news)
    elsewhere = moved_to(standing.owner)
    if elsewhere is not None and not though_moved:
        raise VaultMoved(elsewhere.chain_id, elsewhere.contract)
    pulled = Pulled(state.sequence, changed=new, segments=added, dropped=dropped, final=final == head)
    return pulled, standing


def _read(replica: Replica, keys: OwnerKeys, state: VaultState) -> Standing:
    removal = removal_under_way(replica)
    if removal is not None and removal.generation > keys.generation.number:
        keys = removal.keys
    # While the chain may undo a step to this generation, only a final one is the least.
    least = replica.heads.final() if keys.before is not None else replica.heads.seen()
    try:
        return read_standing(
            state,
            keys,
            replica.fetch,
            likely=int.from_bytes(replica.meta.get(POINTER) or b"\0", "big"),
            least_generation=0 if least is None else least.generation,
            device=replica.device,
            awaited=None if removal is None else removal.signer,
            check=lambda digest: replica.heads.check(state.sequence, digest),
        )
    except DeviceRemoved:
        forget_removal(replica)  # another device was faster and has left this one out
        raise


def _keep_keys(replica: Replica, known: OwnerKeys, standing: Standing, final: Head | None) -> None:
    """Keep the keys of the head's generation, and those before until it is final; of a generation that the chain has undone, none."""
    keys = standing.keys
    if keys.generation.number < known.generation.number:
        replica.heads.take_back()
    if final is not None and final.generation >= keys.generation.number:
        keys = replace(keys, before=None)
    if keys != known:
        replica.meta.put(KEYS, keys.to_bytes())
    removal = removal_under_way(replica)
    if removal is not None and final is not None and final.generation >= removal.generation:
        forget_removal(replica)


def _take_back(replica: Replica, keys: OwnerKeys, seen: Head) -> None:
    """The vault is not on the chain any more: an opening that was undone, which the device that made the vault repeats."""
    if replica.heads.final() is not None:
        raise ChainReset(
            f"chain {keys.chain_id} no longer knows this vault, which was at sequence {seen.sequence}: it is another chain, or one "
            "that began anew, or this RPC is stale or lies; nothing was changed, ask another RPC or choose the vault's chain"
        )
    if replica.meta.get(FIRST_SCOPE) is None:
        raise ChainReset(
            f"chain {keys.chain_id} has undone the opening of this vault; push from the device that made it, or wait until it is "
            "there again; nothing was changed"
        )
    with replica.database.transaction():
        _merge(
            replica,
            [_ScopeNews(scope.id, None, _held(replica, scope.id)) for scope in replica.scopes.all()],
        )
        for name in (TAKEN, POINTER, GRANTS, DEVICES, VAULTS):
            replica.meta.delete(name)
        unsettle(replica)
        replica.refresh_index()


def _note(replica: Replica, head: Head, final: Head | None) -> None:
    known = replica.heads.final()
    if final is not None and final != head and (known is None or final.sequence >= known.sequence):
        replica.heads.note(final, final=True)
    replica.heads.note(head, final=final == head)


def _news(
    replica: Replica, keys: OwnerKeys, standing: Standing, made: Mapping[bytes, Contents]
) -> list[_ScopeNews]:
    """Fetch what is new, scope by scope."""
    found = []
    for scope in standing.owner.scopes:
        entry = standing.entry(scope)
        contents = tuple(
            key.content for key in epoch_keys(scope, entry, vault=keys.vault, fetch=replica.fetch)
        )
        catalog = catalog_of(scope.id, contents, vault=keys.vault, fetch=replica.fetch)
        held = replica.segments.held(scope.id)
        rows, removed = _changes(catalog, _catalog_taken(replica, scope.id), entry.catalog, held)
        added = {row.ref.digest: row for row in rows if row.ref.digest not in held}
        fetched = [(added[digest], data) for digest, data in replica.fetch_many(added)]
        found.append(_ScopeNews(scope.id, entry.catalog, removed, fetched, catalog, made))
    known = {scope.id for scope in standing.owner.scopes}
    undone = [scope.id for scope in replica.scopes.all() if scope.id not in known]
    return found + [_ScopeNews(scope, None, _held(replica, scope)) for scope in undone]


def _changes(
    catalog: Catalog, old: CatalogRoot | None, new: CatalogRoot | None, held: Collection[bytes]
) -> tuple[list[SegmentRow], list[bytes]]:
    """The rows that may be new, and the segments held that the new catalog does not reach.

    Where the old catalog can't be read, for its nodes were deleted or its epoch was undone, the new one is read whole.
    """
    changes = None
    if old is not None and old.epoch.id in catalog.keys:
        with suppress(BlockMissing):
            changes = catalog.changes(old, new)
    if changes is None or any(isinstance(row, NotForMe) for row in changes.removed):
        rows = [row for row in catalog.rows(new) if isinstance(row, SegmentRow)]
        return rows, [*set(held).difference(row.ref.digest for row in rows)]
    rows = [row for row in changes.added if isinstance(row, SegmentRow)]
    gone = {row.ref.digest for row in changes.removed if isinstance(row, SegmentRow)}
    return rows, [*gone.difference(row.ref.digest for row in rows)]


def _apply(replica: Replica, standing: Standing, news: list[_ScopeNews]) -> None:
    _merge(replica, news)
    replica.meta.put(TAKEN, standing.root.digest)
    replica.meta.put(POINTER, standing.owner.pointer.to_bytes(4, "big"))
    remember_grants(replica, standing.owner)
    remember_devices(replica, standing.owner)
    follow_replaced(replica, standing.owner)


def _merge(replica: Replica, news: list[_ScopeNews]) -> None:
    """Take in the new segments and let go of those that are not reached any more; what the journal holds stays."""
    for one in news:
        for records in one.attach(replica.memories):
            proofs = [record.proof for record in records if isinstance(record, Memory) and record.proof]
            Proposals(replica.database).accepted_elsewhere(proofs)
        gone = replica.memories.detach(one.scope, one.removed)
        if gone:
            mine = (entry for entry in replica.journal.read(kind=RECORD) if entry.scope == one.scope)
            gone.difference_update(identity_of(entry.payload, what="journal") for entry in mine)
            replica.memories.drop(one.scope, gone)
        _remember_catalog(replica, one.scope, one.root)


def _name_scopes(replica: Replica, standing: Standing) -> None:
    """Know the scopes by the names of the owner block and, before they are pushed, by those that this device gave."""
    names = {scope.id: scope.name for scope in standing.owner.scopes}
    holders = {name: scope_id for scope_id, name in names.items()}
    for scope_id, name in _wished(replica, names).items():
        holder = holders.get(name, scope_id)
        if holder == scope_id:
            holders.pop(names.get(scope_id, ""), None)
            names[scope_id], holders[name] = name, scope_id
        elif scope_id not in names:
            _adopt_scope(replica, scope_id, holder)
    replica.scopes.replace_all([ScopeName(scope_id, name) for scope_id, name in names.items()])


def _wished(replica: Replica, known: Collection[bytes]) -> dict[bytes, str]:
    """The names that wait, by scope. A scope that texts wait for, and that is gone with an undone root, is wished for anew."""
    wished = read_wishes(entry for entry in waiting(replica) if entry.kind == SCOPE).scopes
    for scope_id in sorted(replica.journal.scopes(kind=RECORD)):
        if scope_id not in known and scope_id not in wished:
            wished[scope_id] = replica.scopes.name_of(scope_id)
            replica.journal.add(wish_scope(scope_id, wished[scope_id], created=replica.now_ms()))
    return wished


def _adopt_scope(replica: Replica, scope_id: bytes, winner: bytes) -> None:
    """A scope that waits under a name which the winner has takes the winner's id, with all that was written to it."""
    for entry in replica.journal.entries(scope=scope_id):
        replica.journal.remove([entry.ordinal])
        if entry.kind == SCOPE:
            continue
        replica.journal.append(entry.kind, entry.payload, created=entry.created, scope=winner)
        if entry.kind == RECORD:
            replica.memories.write(winner, [read_record(entry.payload)])
    replica.memories.drop(scope_id, replica.memories.unreached(scope_id))


def _held(replica: Replica, scope: bytes) -> list[bytes]:
    return list(replica.segments.held(scope))


def _catalog_taken(replica: Replica, scope: bytes) -> CatalogRoot | None:
    data = replica.meta.get("catalog:" + scope.hex())
    return None if data is None else CatalogRoot.from_value(decode(data), what="database")


def _remember_catalog(replica: Replica, scope: bytes, catalog: CatalogRoot | None) -> None:
    name = "catalog:" + scope.hex()
    if catalog is None:
        replica.meta.delete(name)
    else:
        replica.meta.put(name, encode(catalog.to_value()))
