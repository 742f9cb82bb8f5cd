"""How much a vault has: per scope and per place, in memories, blocks and bytes, and how much of it a collection would free.

In come a root, its owner block and the replica's places; out come counts. Nothing is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from memsync.crypto.sealing import Kind
from memsync.errors import StorageError
from memsync.format.owner import Owner
from memsync.format.root import Root
from memsync.ipld.cid import CID, RAW
from memsync.store.mirror import places_of
from memsync.sync.garbage import Waste, find_garbage
from memsync.sync.keys import OwnerKeys
from memsync.sync.reachable import Needed, needed_by_vault
from memsync.sync.replica import Replica
from memsync.sync.standing import scope_entry


@dataclass(frozen=True, slots=True)
class ScopeHoldings:
    """One scope at a root: memories on this device; records (tombstones too), segments and catalog nodes of the root; epochs begun; bytes
    of its blocks, and bytes that no kept sequence needs."""

    scope: str
    memories: int
    records: int
    segments: int
    nodes: int
    epochs: int
    size: int
    waste: int


@dataclass(frozen=True, slots=True)
class PlaceHoldings:
    """One place: how many blocks of the root it has, and bytes; how many bytes a collection would free; why it can't be asked."""

    place: str
    blocks: int
    size: int
    waste: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Holdings:
    """Everything at the root of ``sequence`` (0: nothing was pushed yet). ``size`` and ``waste``: bytes of one copy, scopes included."""

    sequence: int
    scopes: tuple[ScopeHoldings, ...]
    places: tuple[PlaceHoldings, ...]
    size: int
    waste: int


def count_holdings(replica: Replica, keys: OwnerKeys, root: Root, owner: Owner) -> Holdings:
    """Count all. Raises what reading the root's catalogs raises; a place that does not answer says so in the answer."""
    needed = list(dict.fromkeys(needed_by_vault(root, owner, vault=keys.vault, fetch=replica.fetch)))
    waste = find_garbage(replica, keys, root, owner).waste
    live, gone = [_cid(one) for one in needed], [_cid(one) for one in waste]
    sizes: dict[CID, int] = {}
    places = []
    for place in places_of(replica.store):
        try:
            here, free = place.size_many(live), place.size_many(gone)
        except StorageError as error:
            places.append(PlaceHoldings(place.place, 0, 0, 0, str(error)))
            continue
        places.append(PlaceHoldings(place.place, len(here), sum(here.values()), sum(free.values())))
        sizes = here | free | sizes
    kinds = Counter((one.scope, one.kind) for one in needed)
    size_of, waste_of = _by_scope(needed, sizes), _by_scope(waste, sizes)
    scopes = []
    for scope in owner.scopes:
        entry = scope_entry(root, scope)
        scopes.append(
            ScopeHoldings(
                scope.name,
                replica.memories.count([scope.id]),
                entry.count,
                kinds[scope.id, Kind.SEGMENT],
                kinds[scope.id, Kind.CATALOG],
                scope.epoch.number + 1,
                size_of[scope.id],
                waste_of[scope.id],
            )
        )
    return Holdings(root.sequence, tuple(scopes), tuple(places), size_of.total(), waste_of.total())


def _cid(one: Needed | Waste) -> CID:
    return CID(RAW, one.digest)


def _by_scope(found: Iterable[Needed | Waste], sizes: dict[CID, int]) -> Counter[bytes | None]:
    total: Counter[bytes | None] = Counter()
    for one in found:
        total[one.scope] += sizes.get(_cid(one), 0)
    return total
