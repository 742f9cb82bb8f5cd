"""The same blocks in several places, seen as one store.

A put goes to every place and succeeds when at least ``minimum`` of them took everything. A get takes each block from the first place that
has a good copy, and puts that copy into the earlier ones that lost it or let it go bad. Behind the stores there may be sources: read when
no store has a good copy, never written, and no copy in them counts. A place that does not answer is left out for the rest of the call.
What went wrong though the call succeeded is kept in ``troubles``, for whoever tells the person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from memsync.errors import BlockMissing, FormatError, InputError, StorageError
from memsync.ipld.cid import CID
from memsync.store.port import Block, BlockStore, Place, altered, checked, missing

BATCH = 256


@dataclass(frozen=True, slots=True)
class Trouble:
    """One place that failed while the mirror as a whole did not: which, and what it said."""

    place: str
    what: str


@dataclass(frozen=True, slots=True)
class Survey:
    """Which places hold which blocks: place names in the mirror's order, and the places that did not answer."""

    holders: dict[CID, tuple[str, ...]]
    unreachable: tuple[Trouble, ...]

    @property
    def scarce(self) -> list[CID]:
        """The blocks held by one place or by none."""
        return [cid for cid, places in self.holders.items() if len(places) < 2]


class MirrorStore(Place):
    """Several stores as one. ``minimum`` of them must take a put, and hold a block for ``has_many`` to say that it is held.

    ``sources`` are only read, after the stores. Without a store the mirror is read only: what one source holds is held.
    """

    def __init__(
        self, stores: Sequence[BlockStore], *, sources: Sequence[BlockStore] = (), minimum: int = 1
    ) -> None:
        if stores and not 1 <= minimum <= len(stores):
            raise InputError(f"a mirror of {len(stores)} stores can't demand {minimum} copies")
        if not stores and not sources:
            raise InputError("a mirror has no place at all; name one")
        self.stores = tuple(checked(store) for store in stores)
        self.sources = tuple(checked(source) for source in sources)
        self.minimum = minimum if stores else 1
        self._troubles: list[Trouble] = []

    @property
    def place(self) -> str:
        return _named((*self.stores, *self.sources))

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """What failed at single places since ``clear_troubles``, each thing once."""
        return tuple(dict.fromkeys(self._troubles))

    def clear_troubles(self) -> None:
        self._troubles.clear()

    def survey(self, cids: Iterable[CID]) -> Survey:
        """Ask every place, sources too, which of ``cids`` it holds."""
        return _survey((*self.stores, *self.sources), cids)

    def has_many(self, cids: Iterable[CID]) -> set[CID]:
        """Those that at least ``minimum`` stores hold; a copy in a source doesn't count, unless there are sources only."""
        survey = _survey(self._own, cids)
        self._some_answered(survey.unreachable)
        return {cid for cid, places in survey.holders.items() if len(places) >= self.minimum}

    def delete(self, cids: Iterable[CID]) -> None:
        """Delete in every store; one where it could not be done is an error, after all others were done."""
        asked = list(cids)
        if asked and not self.stores:
            raise self._read_only()
        failed: list[Trouble] = []
        for store in self.stores:
            try:
                store.delete(asked)
            except StorageError as error:
                failed.append(Trouble(store.place, str(error)))
        if failed:
            raise StorageError(f"not deleted everywhere: {_all(failed)}")

    def iter(self) -> Iterator[CID]:
        """What the stores hold, which is what ``delete`` can reach; without a store, what the sources list."""
        seen: set[CID] = set()
        failed: list[Trouble] = []
        for store in self._own:
            try:
                for cid in store.iter():
                    if cid not in seen:
                        seen.add(cid)
                        yield cid
            except (StorageError, FormatError) as error:
                failed.append(Trouble(store.place, str(error)))
        self._troubles += failed
        self._some_answered(failed)

    def _keep(self, blocks: Iterator[Block]) -> None:
        willing = list(self.stores)
        failed: list[Trouble] = []
        while batch := list(islice(blocks, BATCH)):
            if not self.stores:
                raise self._read_only()
            for store in list(willing):
                try:
                    store.put_many(batch)
                except StorageError as error:
                    willing.remove(store)
                    failed.append(Trouble(store.place, str(error)))
            if len(willing) < self.minimum:
                raise StorageError(
                    f"{len(willing)} of {self.minimum} copies needed were made: {_all(failed)}"
                )
        self._troubles += failed

    def _fetch(self, cids: list[CID]) -> Iterator[bytes | None]:
        reading = _Reading(self.stores, self.sources, self._troubles)
        for start in range(0, len(cids), BATCH):
            yield from reading.read(cids[start : start + BATCH])

    @property
    def _own(self) -> tuple[BlockStore, ...]:
        return self.stores or self.sources

    def _some_answered(self, failed: Sequence[Trouble]) -> None:
        if len(failed) == len(self._own):
            raise StorageError(f"no store of the mirror can be read: {_all(failed)}")

    def _read_only(self) -> StorageError:
        return StorageError(
            f"{self.place} is read only; give this vault a directory too, and put or delete there"
        )


def places_of(store: BlockStore) -> list[Place]:
    """The places that a store is made of and writes, one by one: what goes past a mirror's repairs."""
    if isinstance(store, MirrorStore):
        return [place for inner in store.stores for place in places_of(inner)]
    return [checked(store)]


def sources_of(store: BlockStore) -> list[Place]:
    """The places that a store only reads from."""
    return list(store.sources) if isinstance(store, MirrorStore) else []


def _survey(stores: Sequence[BlockStore], cids: Iterable[CID]) -> Survey:
    asked = list(dict.fromkeys(cids))
    holders: dict[CID, list[str]] = {cid: [] for cid in asked}
    unreachable: list[Trouble] = []
    for store in stores:
        try:
            held = store.has_many(asked)
        except (StorageError, FormatError) as error:  # FormatError: a CAR that is damaged as a whole
            unreachable.append(Trouble(store.place, str(error)))
            continue
        for cid in held:
            holders[cid].append(store.place)
    return Survey({cid: tuple(places) for cid, places in holders.items()}, tuple(unreachable))


def _named(stores: Sequence[BlockStore]) -> str:
    """One place by its own name, several as their mirror."""
    names = ", ".join(store.place for store in stores)
    return names if len(stores) == 1 else f"mirror of {names}"


def _all(troubles: Sequence[Trouble]) -> str:
    return "; ".join(trouble.what for trouble in troubles)


class _Reading:
    """One ``get_many`` over several places: which of them still answer, and what each block's copies were like."""

    def __init__(
        self, stores: Sequence[BlockStore], sources: Sequence[BlockStore], troubles: list[Trouble]
    ) -> None:
        self._answering = [*stores, *sources]
        self._every = _named(self._answering)
        self._sources = sources
        self._troubles = troubles
        self._said: list[str] = []

    def read(self, cids: list[CID]) -> Iterator[bytes]:
        found: dict[CID, bytes] = {}
        bad: dict[CID, str] = {}
        repairs: list[tuple[BlockStore, list[CID]]] = []
        for store in list(self._answering):
            wanted = [cid for cid in cids if cid not in found]
            if not wanted:
                break
            lacking = self._take(store, wanted, found, bad)
            if store not in self._sources:
                repairs.append((store, lacking))
        for store, lacking in repairs:
            self._repair(store, [(cid, found[cid]) for cid in lacking if cid in found])
        for cid in cids:
            if cid in found:
                yield found[cid]
            elif cid in bad:
                raise altered(bad[cid], cid)
            elif self._said:
                raise StorageError(f"block {cid} is in no store that answers; " + "; ".join(self._said))
            else:
                raise missing(self._every, cid)

    def _take(
        self, store: BlockStore, wanted: list[CID], found: dict[CID, bytes], bad: dict[CID, str]
    ) -> list[CID]:
        """Fill ``found`` from one place; returns what it lost or altered. A place that fails is not asked again."""
        lacking: list[CID] = []
        left, looked = wanted, False
        while left:
            got = 0
            try:
                for cid, block in store.get_many(left):
                    found[cid] = block
                    got += 1
            except BlockMissing:
                lost = {left[got]}
                if not looked:  # one question instead of a get for each that it lacks
                    held, looked = self._held(store, left[got + 1 :]), True
                    lost.update(cid for cid in left[got + 1 :] if cid not in held)
                lacking += self._told(store, [cid for cid in left if cid in lost])
                left = [cid for cid in left[got:] if cid not in lost]
            except (FormatError, StorageError) as error:
                if isinstance(error, StorageError) or error.what != "block":
                    self._leave_out(store, error)
                    return []
                lacking.append(left[got])
                bad.setdefault(left[got], store.place)
                self._troubles.append(Trouble(store.place, str(error)))
                left = left[got + 1 :]
            else:
                break
        return lacking

    def _held(self, store: BlockStore, cids: list[CID]) -> set[CID]:
        try:
            return store.has_many(cids)
        except (StorageError, FormatError):
            return set(cids)  # then the next get says what is wrong

    def _told(self, store: BlockStore, lost: list[CID]) -> list[CID]:
        if store not in self._sources:  # a source need not have everything
            self._troubles += [Trouble(store.place, f"{store.place} has lost block {cid}") for cid in lost]
        return lost

    def _leave_out(self, store: BlockStore, error: Exception) -> None:
        self._answering.remove(store)
        self._said.append(str(error))
        self._troubles.append(Trouble(store.place, str(error)))

    def _repair(self, store: BlockStore, blocks: list[Block]) -> None:
        if not blocks:
            return
        try:
            store.put_many(blocks)
        except StorageError as error:
            self._troubles.append(Trouble(store.place, str(error)))
