"""Forgetting, also what another device has moved to another scope meanwhile.

A tombstone kills an id in its scope for ever, but a move gives a memory an id of its own in the other scope. So of two devices, one of
which forgets a memory while the other moves it, neither kills the other's. Who loses the race finds out here, from its own journal and the
head that it has taken in, and forgets the memory where it has gone. Ids there follow from the old ones: nothing has to say who moved what.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from memsync.crypto.kdf import derive
from memsync.format.records import identity_of
from memsync.memory import Tombstone, new_id
from memsync.sync.replica import Replica
from memsync.sync.wishes import RECORD, read_record, versions_waiting, wish_record

_TIME = 6  # bytes of a UUIDv7 that are its time
_FORGOTTEN = b"\x69forgotten"  # the key that every tombstone has, in CBOR

Named = tuple[bytes, bytes]
"""A scope's id and a memory's, 16 bytes each."""


def forget(replica: Replica, memories: Iterable[Named]) -> None:
    """Forget memories with all their versions, in the caller's transaction; what waits of them and is in no attempt is never pushed."""
    now, free = replica.now_ms(), replica.journal.free()
    by_scope: dict[bytes, dict[bytes, None]] = {}
    for scope, memory_id in memories:
        by_scope.setdefault(scope, {})[memory_id] = None
    for scope, ids in by_scope.items():
        replica.journal.remove(versions_waiting(free, scope, ids))
        records = [Tombstone(id=one, version=new_id(now, replica.random), forgotten=now) for one in ids]
        replica.memories.write(scope, records)
        replica.journal.append_many(
            wish_record(scope, record, created=replica.now_ms()) for record in records
        )


def id_there(old: bytes, target: bytes) -> bytes:
    """The UUIDv7 of the same time that an id (of a memory or a version) becomes when it is moved to the scope ``target``."""
    return new_id(
        int.from_bytes(old[:_TIME], "big"), lambda length: derive(old, "moved", target, length=length)
    )


def forget_moved(replica: Replica, scopes: Iterable[bytes]) -> set[Named]:
    """Forget, where it is now, what waits here to be forgotten and another device has moved, and what was moved here and another device has
    forgotten. In the caller's transaction, after a head with these scopes was taken in and before what it has leaves the journal.

    Returns what was followed: its tombstone stays in the journal until the head has the others too, for a third device may have moved it
    elsewhere meanwhile.
    """
    mine = _Mine(replica, scopes)
    followed: dict[Named, list[Named]] = {}
    for named in mine.tombstones:
        if not mine.has_moved(named) or mine.is_forgotten_by_another(named):
            followed[named] = list(mine.where_it_went(named))
    doomed = [gone for went in followed.values() for gone in went]
    if doomed:
        forget(replica, doomed)
    return {named for named, went in followed.items() if went}


class _Mine:
    """What waits in the journal: the tombstones by what they kill, with their versions, and what was written."""

    def __init__(self, replica: Replica, scopes: Iterable[bytes]) -> None:
        self._memories = replica.memories
        self._scopes = sorted({*scopes, *(scope.id for scope in replica.scopes.all())})
        self.tombstones: dict[Named, set[bytes]] = {}
        self._written: set[Named] = set()
        for entry in replica.journal.read(kind=RECORD):
            memory_id, version = identity_of(entry.payload, what="journal")
            named = (entry.scope or b"", memory_id)
            if _FORGOTTEN in entry.payload and isinstance(read_record(entry.payload), Tombstone):
                self.tombstones.setdefault(named, set()).add(version)
            else:
                self._written.add(named)

    def has_moved(self, named: Named) -> bool:
        """Whether this device has moved it, and not forgotten it there: then what it wrote there waits too."""
        return any(
            self.has_moved(there) if there in self.tombstones else there in self._written
            for there in self._elsewhere(named)
        )

    def is_forgotten_by_another(self, named: Named) -> bool:
        """Whether the head has another's tombstone for it, and no move that would explain it."""
        return self._is_ended_by_another(named) and not self._is_moved_by_another(named)

    def where_it_went(self, named: Named) -> Iterator[Named]:
        """Under which names it can be found now, through any number of moves."""
        seen, todo = {named}, [named]
        while todo:
            for there in self._elsewhere(todo.pop()):
                if there in seen:
                    continue
                seen.add(there)
                if self._memories.is_forgotten(*there):
                    todo.append(there)
                elif self._memories.starting_with(there[1], [there[0]]):
                    yield there

    def _is_ended_by_another(self, named: Named) -> bool:
        return bool(self._memories.tombstones_held(*named) - self.tombstones.get(named, set()))

    def _is_moved_by_another(self, named: Named) -> bool:
        return any(
            self._memories.is_held(*there)
            or (self._is_ended_by_another(there) and self._is_moved_by_another(there))
            for there in self._elsewhere(named)
        )

    def _elsewhere(self, named: Named) -> Iterator[Named]:
        scope, memory_id = named
        return ((other, id_there(memory_id, other)) for other in self._scopes if other != scope)
