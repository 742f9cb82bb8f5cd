"""Taking in what a head leads to: by this device's own push, or by another's.

chain → pointer → root → owner block → catalogs, of which only what changed is read → segments → memories. Everything new is fetched and
verified first; then one transaction takes it in. What the journal holds stays there until a *final* root reaches it, so that neither
a lost race nor a reorg loses anything. A head below one seen final, or another root under its sequence, is an alarm and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from memsync.chain.registry import Snapshot, VaultState
from memsync.crypto.epochs import ContentKey
from memsync.device.heads import Head
from memsync.device.scopes import Scope as ScopeName
from memsync.device.segments import Held
from memsync.errors import BlockMissing, ChainReset, FormatError
from memsync.format.catalog import Catalog, Changes
from memsync.format.catalog_node import CatalogRoot, SegmentRow
from memsync.format.records import Kept
from memsync.format.root import read_root
from memsync.format.segment import open_segment
from memsync.ipld.dagcbor import decode, encode
from memsync.memory import Memory
from memsync.sync.keys import OwnerKeys
from memsync.sync.replica import GRANTS, OWNER, TAKEN, Replica
from memsync.sync.sealing import need_key
from memsync.sync.standing import Standing, catalog_of, epoch_keys, find_digest, read_standing
from memsync.sync.wishes import RECORD, SCOPE, read_wishes


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
    """What is new in one scope, fetched and opened."""

    scope: bytes
    catalog: CatalogRoot | None
    added: list[tuple[Held, list[Kept]]]
    removed: list[bytes]


def pull(replica: Replica) -> Pulled:
    """Take in what the chain and the store have.

    Raises ``ChainError`` and its kin, ``StorageError``, ``IntegrityError`` and its kin; then nothing has changed here.
    """
    keys = replica.keys()
    if keys is None:
        return Pulled(0, changed=False)
    return take_in(replica, keys, replica.registry.snapshot(keys.vault))[0]


def take_in(replica: Replica, keys: OwnerKeys, snapshot: Snapshot) -> tuple[Pulled, Standing | None]:
    """Take in a snapshot's head; also returns what it leads to, None while the vault is not on the chain."""
    state = snapshot.vault
    seen = replica.heads.seen()
    if state is None:
        if seen is not None:
            raise ChainReset(
                f"chain {keys.chain_id} no longer knows this vault, which was at sequence {seen.sequence}: it is another chain, or one "
                "that began anew; nothing was changed"
            )
        return Pulled(0, changed=False), None
    standing = _read(replica, keys, state)
    final = replica.registry.final_vault(keys.vault)
    is_final = final is not None and (final.sequence, final.pointer) == (state.sequence, state.pointer)
    new = replica.meta.get(TAKEN) != standing.root.digest
    news = _news(replica, keys, standing) if new else []
    roots = _roots_back(replica, keys, standing)
    with replica.database.transaction():
        head = Head(state.sequence, standing.root.digest, standing.root.generation)
        replica.heads.note(head, final=is_final)
        if new:
            _apply(replica, standing, news)
        _settle(replica, final, roots, is_final=is_final)
    added, dropped = sum(len(one.added) for one in news), sum(len(one.removed) for one in news)
    return Pulled(state.sequence, changed=new, segments=added, dropped=dropped, final=is_final), standing


def _read(replica: Replica, keys: OwnerKeys, state: VaultState) -> Standing:
    likely = int.from_bytes(replica.meta.get("pointer") or b"\0", "big")
    digest, _ = find_digest(state, keys, likely=likely)
    replica.heads.check(state.sequence, digest)
    seen = replica.heads.seen()
    return read_standing(
        state, keys, replica.fetch, likely=likely, least_generation=0 if seen is None else seen.generation
    )


def _news(replica: Replica, keys: OwnerKeys, standing: Standing) -> list[_ScopeNews]:
    """Fetch and open what is new, scope by scope."""
    found = []
    for scope in standing.owner.scopes:
        entry = standing.entry(scope)
        contents = tuple(
            key.content for key in epoch_keys(scope, entry, vault=keys.vault, fetch=replica.fetch)
        )
        catalog = catalog_of(scope.id, contents, vault=keys.vault, fetch=replica.fetch)
        old = _catalog_taken(replica, scope.id)
        changes = _changes(catalog, old, entry.catalog)
        held = replica.segments.held(scope.id)
        added = [row for row in changes.added if isinstance(row, SegmentRow) and row.ref.digest not in held]
        reached = {row.ref.digest for row in changes.added if isinstance(row, SegmentRow)}
        if old is None:
            removed = [digest for digest in held if digest not in reached]
        else:
            removed = [
                row.ref.digest
                for row in changes.removed
                if isinstance(row, SegmentRow) and row.ref.digest not in reached
            ]
        found.append(_ScopeNews(scope.id, entry.catalog, list(_open(replica, catalog, added)), removed))
    return found


def _changes(catalog: Catalog, old: CatalogRoot | None, new: CatalogRoot | None) -> Changes:
    """What changed; everything, where the old catalog's nodes have been deleted."""
    try:
        return catalog.changes(old, new)
    except BlockMissing:
        if old is None:
            raise
        return Changes(tuple(catalog.rows(new)), ())


def _open(replica: Replica, catalog: Catalog, rows: list[SegmentRow]) -> Iterable[tuple[Held, list[Kept]]]:
    by_digest = {row.ref.digest: row for row in rows}
    for digest, data in replica.fetch_many(by_digest):
        row = by_digest[digest]
        key: ContentKey = need_key(catalog.keys, row.epoch.id)
        segment = open_segment(data, row, key=key, vault=catalog.vault, scope=catalog.scope)
        yield Held(digest, row.ref.object_id, row.epoch.id), [record.memory for record in segment.records]


def _apply(replica: Replica, standing: Standing, news: list[_ScopeNews]) -> None:
    waiting = read_wishes(replica.journal.entries())
    for one in news:
        for held, records in one.added:
            replica.memories.attach(one.scope, held, records)
        replica.segments.drop(one.removed)
        mine = {(record.id, record.version) for record in waiting.records.get(one.scope, ())}
        replica.memories.drop_unreached(one.scope, mine)
        _remember_catalog(replica, one.scope, one.catalog)
    names = {scope.id: scope.name for scope in standing.owner.scopes}
    taken = set(names.values())
    for scope_id, name in waiting.scopes.items():
        if scope_id not in names and name not in taken:
            names[scope_id] = name
    _adopt_scopes(replica, names, {name: scope_id for scope_id, name in names.items()}, waiting.scopes)
    replica.scopes.replace_all([ScopeName(scope_id, name) for scope_id, name in names.items()])
    replica.meta.put(TAKEN, standing.root.digest)
    replica.meta.put("pointer", standing.owner.pointer.to_bytes(4, "big"))
    replica.meta.put(GRANTS, encode([grant.id for grant in standing.owner.grants]))
    replica.meta.put(OWNER, encode([standing.root.digest, standing.state.sequence]))
    replica.refresh_index()


def _adopt_scopes(
    replica: Replica, names: dict[bytes, str], by_name: dict[str, bytes], wished: dict[bytes, str]
) -> None:
    """A scope that waits under a name which the winner has takes the winner's id, with all that was written to it."""
    for scope_id, name in wished.items():
        winner = by_name.get(name)
        if scope_id in names or winner is None or winner == scope_id:
            continue
        for entry in replica.journal.entries(scope=scope_id):
            if entry.kind == SCOPE:
                replica.journal.remove([entry.ordinal])
                continue
            replica.journal.remove([entry.ordinal])
            replica.journal.append(entry.kind, entry.payload, created=entry.created, scope=winner)
            if entry.kind == RECORD:
                replica.memories.write(winner, read_wishes([entry]).records[scope_id])
        replica.memories.drop_unreached(scope_id, ())


def _settle(replica: Replica, final: VaultState | None, roots: dict[int, bytes], *, is_final: bool) -> None:
    """Let go of attempts and journal entries that a final root has decided."""
    if final is None:
        return
    known = {digest for sequence, digest in roots.items() if sequence <= final.sequence}
    replica.attempts.settle(final.sequence, known)
    if not is_final:
        return
    done = []
    unreached = {scope.id: replica.memories.unreached(scope.id) for scope in replica.scopes.all()}
    for entry in replica.journal.entries():
        if entry.kind == RECORD and entry.scope in unreached:
            record = read_wishes([entry]).records[entry.scope][0]
            dead = isinstance(record, Memory) and replica.memories.is_forgotten(entry.scope, record.id)
            if dead or (record.id, record.version) not in unreached[entry.scope]:
                done.append(entry.ordinal)
    replica.journal.remove(done)


def _roots_back(replica: Replica, keys: OwnerKeys, standing: Standing) -> dict[int, bytes]:
    """The digests of the roots from this one back to the oldest that a live attempt may have made, by sequence."""
    found = {standing.state.sequence: standing.root.digest}
    waiting = [
        attempt.sequence for attempt in replica.attempts.live() if attempt.sequence < standing.state.sequence
    ]
    root, k = standing.root, standing.owner.pointer
    while waiting and root.sequence > min(waiting) and root.previous is not None:
        data = replica.fetch(root.previous)
        for number in range(k, -1, -1):
            try:
                root = read_root(
                    data,
                    digest=root.previous,
                    pointer_key=keys.locator.pointer_key(number),
                    chain_id=keys.chain_id,
                    contract=keys.contract,
                    vault=keys.vault,
                    sequence=root.sequence - 1,
                )
            except FormatError as refused:
                if refused.fault != "key":
                    raise
                continue
            k = number
            break
        found[root.sequence] = root.digest
    return found


def _catalog_taken(replica: Replica, scope: bytes) -> CatalogRoot | None:
    data = replica.meta.get("catalog:" + scope.hex())
    return None if data is None else CatalogRoot.from_value(decode(data), what="database")


def _remember_catalog(replica: Replica, scope: bytes, catalog: CatalogRoot | None) -> None:
    name = "catalog:" + scope.hex()
    if catalog is None:
        replica.meta.delete(name)
    else:
        replica.meta.put(name, encode(catalog.to_value()))
