"""What lies in a vault's stores and is needed no more: found from what the vault itself says, and deleted place by place.

In come the head's root and owner block; out come the blocks that no root of the last sequences reaches and that are known to be this
vault's. Known are those that an earlier root reaches, for only this vault's keys open it, and those that this device has put or taken in;
whatever else lies in a store is somebody else's, or of a commit that is still to land, and is never looked at. What is discovered first is
deleted last, so that whoever is stopped midway finds the rest again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain

from memsync.errors import BlockMissing, FormatError, IntegrityError, LockedError, StorageError
from memsync.format.owner import EarlierGeneration, Owner
from memsync.format.root import Root
from memsync.ipld.cid import CID, RAW
from memsync.progress import tell
from memsync.store.mirror import places_of, sources_of
from memsync.store.port import Place, get_block
from memsync.sync.keys import OwnerKeys
from memsync.sync.reachable import Needed, needed_beside_scopes, needed_by_scope
from memsync.sync.replica import Replica
from memsync.sync.settling import read_earlier
from memsync.sync.standing import Fetch, owner_of

KEEP = 10
"""Sequences of which every block is kept: a reader that asked the chain some pushes ago still finds all, for half a megabyte at most."""
GRACE_SECONDS = 3600
BATCH = 256


@dataclass(frozen=True, slots=True)
class Waste:
    """A block that is needed no more: its digest, and the id of its scope where it is known to be one's."""

    digest: bytes
    scope: bytes | None = None


@dataclass(frozen=True, slots=True)
class Garbage:
    """What can go, in the order in which to delete it; the head's sequence and the oldest of which all is kept; how many blocks are, and
    how many stay for no other reason than that this device put them within the hour."""

    sequence: int
    oldest: int
    kept: int
    young: int
    waste: tuple[Waste, ...]


@dataclass(frozen=True, slots=True)
class SweptPlace:
    """What went from one place, or would go: blocks and bytes; what it said if it failed, which ends it for this time."""

    place: str
    blocks: int
    size: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Swept:
    """What went, or would go: the sequences of which all is kept, from ``oldest`` to ``sequence``, how many blocks that is, how many stay
    for being ``young``, and each place."""

    sequence: int
    oldest: int
    kept: int
    young: int
    places: tuple[SweptPlace, ...]

    @property
    def blocks(self) -> int:
        return sum(place.blocks for place in self.places)

    @property
    def size(self) -> int:
        return sum(place.size for place in self.places)


def find_garbage(replica: Replica, keys: OwnerKeys, root: Root, owner: Owner, *, keep: int = KEEP) -> Garbage:
    """What can go once the last ``keep`` sequences are kept whole, and all since the final one, and all that a live attempt was made on.

    Raises ``BlockMissing``, ``FormatError`` and ``StorageError`` where a root since the final one can't be read whole.
    """
    final, attempts = replica.heads.final(), replica.attempts.live()
    solid = 0 if final is None else min(final.sequence, root.sequence)
    before = min((attempt.sequence - 1 for attempt in attempts), default=root.sequence)
    oldest = max(1, min(root.sequence - keep + 1, solid, before))
    looking = _Looking(replica, keys, owner.earlier)
    looking.keep(root, owner, looking.fetch)
    for attempt in attempts:
        with suppress(BlockMissing, FormatError):  # its own blocks are kept all the same
            made, _ = read_earlier(
                replica, keys, attempt.root, attempt.sequence, owner.pointer + 1, fetch=looking.fetch
            )
            looking.keep(made, looking.owner(made, looking.fetch), looking.fetch)
        looking.seen.update(attempt.blocks)
    earlier = looking.walk(root, owner, oldest=oldest, solid=solid)
    kept = len(looking.seen)
    found = [*reversed(looking.discover(earlier))]
    waste = [*looking.strays(), *found]
    young = looking.young()
    old = tuple(one for one in waste if one.digest not in young)
    return Garbage(root.sequence, oldest, kept, len(waste) - len(old), old)


def sweep(replica: Replica, garbage: Garbage, *, dry_run: bool) -> Swept:
    """Delete what can go in every place that is written, each by itself: one that fails says so, and the others go on."""
    places = places_of(replica.store)
    if not places:
        raise StorageError(f"{replica.store.place} is read only; add a directory: `memsync store add PLACE`")
    cids = [CID(RAW, waste.digest) for waste in garbage.waste]
    swept = tuple(_sweep_place(place, cids, dry_run=dry_run) for place in places)
    if not dry_run and not any(place.error for place in swept):
        replica.puts.forget({waste.digest for waste in garbage.waste})
    return Swept(garbage.sequence, garbage.oldest, garbage.kept, garbage.young, swept)


def _sweep_place(place: Place, cids: Sequence[CID], *, dry_run: bool) -> SweptPlace:
    blocks = size = 0
    try:
        sizes = place.size_many(cids)
        held = [cid for cid in cids if cid in sizes]
        for start in range(0, len(held), BATCH):
            tell("deleting blocks", start, len(held))
            batch = held[start : start + BATCH]
            if not dry_run:
                place.delete(batch)
            blocks, size = blocks + len(batch), size + sum(sizes[cid] for cid in batch)
    except StorageError as error:
        return SweptPlace(place.place, blocks, size, str(error))
    return SweptPlace(place.place, blocks, size)


@dataclass(slots=True)
class _Looking:
    """One search: what has been met so far, and what the owner blocks that are kept say of each grant's inbox."""

    replica: Replica
    keys: OwnerKeys
    earlier: tuple[EarlierGeneration, ...]
    seen: set[bytes] = field(default_factory=set)
    acknowledged: dict[bytes, int] = field(default_factory=dict)

    def fetch(self, digest: bytes) -> bytes:
        """A block from anywhere, without a mirror's repairs: they would bring back what goes."""
        store = self.replica.store
        return _read([*places_of(store), *sources_of(store)], digest)

    def near(self, digest: bytes) -> bytes:
        """A block from a place where it can be deleted."""
        return _read(places_of(self.replica.store), digest)

    def owner(self, root: Root, fetch: Fetch) -> Owner:
        """The owner block of a root, of this generation or one before."""
        return owner_of(root, self.keys, fetch, earlier=self.earlier)

    def keep(self, root: Root, owner: Owner, fetch: Fetch) -> None:
        """Note all that a root needs."""
        for grant in owner.grants:
            known = self.acknowledged.get(grant.id, grant.acknowledged)
            self.acknowledged[grant.id] = min(known, grant.acknowledged)
        for one in self._needed(root, owner, fetch):
            self.seen.add(one.digest)

    def walk(self, root: Root, owner: Owner, *, oldest: int, solid: int) -> Iterator[tuple[Root, int]]:
        """Keep every root down to ``oldest``; returns those before, latest first, as far as they are still there. One before ``solid``
        may have lost something: another device may have kept fewer."""
        line = self._line(root, owner.pointer, oldest=oldest, solid=solid)
        for made, k in line:
            if made.sequence < oldest:
                return chain([(made, k)], line)
            try:
                self.keep(made, self.owner(made, self.fetch), self.fetch)
            except (StorageError, IntegrityError, LockedError):
                if made.sequence >= solid:
                    raise
        return iter(())

    def discover(self, earlier: Iterator[tuple[Root, int]]) -> list[Waste]:
        """What earlier roots reach beyond what was met, each block after one that names it."""
        found: list[Waste] = []
        for root, _ in earlier:
            if root.digest not in self.seen:
                self.seen.add(root.digest)
                found.append(Waste(root.digest))
            try:
                owner = self.owner(root, self.near)
                for one in self._needed(root, owner, self.near):
                    if one.digest not in self.seen:
                        self.seen.add(one.digest)
                        found.append(Waste(one.digest, one.scope))
            except (StorageError, IntegrityError, LockedError):
                continue  # what lay below went before it
        return found

    def strays(self) -> list[Waste]:
        """What this device put and no root that is left reaches, and the parcels that it took in and that need not be kept."""
        stray = [Waste(digest) for digest in self.replica.puts.all() if digest not in self.seen]
        stray += [
            Waste(parcel.digest)
            for parcel in self.replica.puts.parcels()
            if self.acknowledged.get(parcel.grant, parcel.number) >= parcel.number
        ]
        return stray

    def _line(self, root: Root, pointer: int, *, oldest: int, solid: int) -> Iterator[tuple[Root, int]]:
        """The roots before one, with the numbers of their pointer keys, up to the first that is lost."""
        for sequence in range(root.sequence - 1, 0, -1):
            if root.previous is None:
                return
            try:
                root, pointer = read_earlier(
                    self.replica,
                    self.keys,
                    root.previous,
                    sequence,
                    pointer,
                    fetch=self.fetch if sequence >= oldest else self.near,
                )
            except (StorageError, IntegrityError):
                if sequence >= solid:
                    raise
                return
            yield root, pointer

    def _needed(self, root: Root, owner: Owner, fetch: Fetch) -> Iterator[Needed]:
        yield from needed_beside_scopes(root, owner)
        for scope in owner.scopes:
            yield from needed_by_scope(root, scope, vault=self.keys.vault, fetch=fetch, known=self.seen)

    def young(self) -> set[bytes]:
        """What this device put within the last hour."""
        since = self.replica.now_ms() - GRACE_SECONDS * 1000
        return {digest for digest, at in self.replica.puts.all().items() if at > since}


def _read(places: Sequence[Place], digest: bytes) -> bytes:
    """A block from the first place that has it whole. ``BlockMissing`` only if every place says that it has it not."""
    failed: FormatError | StorageError | None = None
    for place in places:
        try:
            return get_block(place, CID(RAW, digest))
        except (FormatError, StorageError) as error:
            if failed is None or isinstance(failed, BlockMissing):
                failed = error
    raise failed or StorageError("the vault has no place; name one")
