"""The same blocks in several places, seen as one store.

A put goes to every place and succeeds when at least ``minimum`` of them took everything. A get takes each block from the first place that
has a good copy, and puts that copy into the earlier ones that lost it or let it go bad. A place that does not answer is left out for the
rest of the call. What went wrong though the call succeeded is kept in ``troubles``, for whoever tells the person.
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
    """Several stores as one. ``minimum`` places must take a put, and hold a block for ``has_many`` to say that it is held."""

    def __init__(self, stores: Sequence[BlockStore], *, minimum: int = 1) -> None:
        if not 1 <= minimum <= len(stores):
            raise InputError(f"a mirror of {len(stores)} stores can't demand {minimum} copies")
        self.stores = tuple(checked(store) for store in stores)
        self.minimum = minimum
        self._troubles: list[Trouble] = []

    @property
    def place(self) -> str:
        return "mirror of " + ", ".join(store.place for store in self.stores)

    @property
    def troubles(self) -> tuple[Trouble, ...]:
        """What failed at single places since ``clear_troubles``, each thing once."""
        return tuple(dict.fromkeys(self._troubles))

    def clear_troubles(self) -> None:
        self._troubles.clear()

    def survey(self, cids: Iterable[CID]) -> Survey:
        """Ask every place which of ``cids`` it holds."""
        asked = list(dict.fromkeys(cids))
        holders: dict[CID, list[str]] = {cid: [] for cid in asked}
        unreachable: list[Trouble] = []
        for store in self.stores:
            try:
                held = store.has_many(asked)
            except StorageError as error:
                unreachable.append(Trouble(store.place, str(error)))
                continue
            for cid in held:
                holders[cid].append(store.place)
        return Survey({cid: tuple(places) for cid, places in holders.items()}, tuple(unreachable))

    def has_many(self, cids: Iterable[CID]) -> set[CID]:
        """Those that at least ``minimum`` places hold."""
        survey = self.survey(cids)
        self._some_answered(survey.unreachable)
        return {cid for cid, places in survey.holders.items() if len(places) >= self.minimum}

    def delete(self, cids: Iterable[CID]) -> None:
        """Delete everywhere; a place where it could not be done is an error, after all others were done."""
        asked = list(cids)
        failed: list[Trouble] = []
        for store in self.stores:
            try:
                store.delete(asked)
            except StorageError as error:
                failed.append(Trouble(store.place, str(error)))
        if failed:
            raise StorageError(f"not deleted everywhere: {_all(failed)}")

    def iter(self) -> Iterator[CID]:
        seen: set[CID] = set()
        failed: list[Trouble] = []
        for store in self.stores:
            try:
                for cid in store.iter():
                    if cid not in seen:
                        seen.add(cid)
                        yield cid
            except StorageError as error:
                failed.append(Trouble(store.place, str(error)))
        self._troubles += failed
        self._some_answered(failed)

    def _keep(self, blocks: Iterator[Block]) -> None:
        willing = list(self.stores)
        failed: list[Trouble] = []
        while batch := list(islice(blocks, BATCH)):
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
        reading = _Reading(list(self.stores), self._troubles)
        for start in range(0, len(cids), BATCH):
            yield from reading.read(cids[start : start + BATCH])

    def _some_answered(self, failed: Sequence[Trouble]) -> None:
        if len(failed) == len(self.stores):
            raise StorageError(f"no store of the mirror can be read: {_all(failed)}")


def _all(troubles: Sequence[Trouble]) -> str:
    return "; ".join(trouble.what for trouble in troubles)


class _Reading:
    """One ``get_many`` over several places: which of them still answer, and what each block's copies were like."""

    def __init__(self, stores: list[BlockStore], troubles: list[Trouble]) -> None:
        self._answering = stores
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
                raise missing("none of the mirror's stores", cid)

    def _take(
        self, store: BlockStore, wanted: list[CID], found: dict[CID, bytes], bad: dict[CID, str]
    ) -> list[CID]:
        """Fill ``found`` from one place; returns what it lost or altered. A place that fails is not asked again."""
        lacking: list[CID] = []
        at = 0
        while at < len(wanted):
            try:
                for cid, block in store.get_many(wanted[at:]):
                    found[cid] = block
                    at += 1
            except BlockMissing:
                lacking.append(wanted[at])
                self._troubles.append(Trouble(store.place, f"{store.place} has lost block {wanted[at]}"))
            except FormatError as error:
                lacking.append(wanted[at])
                bad.setdefault(wanted[at], store.place)
                self._troubles.append(Trouble(store.place, str(error)))
            except StorageError as error:
                self._answering.remove(store)
                self._said.append(str(error))
                self._troubles.append(Trouble(store.place, str(error)))
                return []
            else:
                break
            at += 1
        return lacking

    def _repair(self, store: BlockStore, blocks: list[Block]) -> None:
        if not blocks:
            return
        try:
            store.put_many(blocks)
        except StorageError as error:
            self._troubles.append(Trouble(store.place, str(error)))
