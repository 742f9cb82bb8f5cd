"""Forgetting, also what another device has moved to another scope meanwhile.

A tombstone kills an id in its scope for ever, but a move gives a memory an id of its own in the other scope. So of two devices, one of
which forgets a memory while the other moves it, neither kills the other's. What a move leaves behind is therefore a tombstone whose version
follows from where it went: who knows the vault's scopes can tell it from one that forgets, and who reads one scope can't. In come the
tombstones that wait here and a head that was taken in; where a memory was forgotten, out come tombstones wherever it went.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from memsync.crypto.kdf import derive
from memsync.device.journal import Entry
from memsync.format.records import identity_of
from memsync.memory import Tombstone, new_id
from memsync.sync.replica import Replica
from memsync.sync.wishes import RECORD, read_record, versions_waiting, wish_record

_TIME = 6  # bytes of a UUIDv7 that are its time
_FORGOTTEN = b"\x69forgotten"  # the key that every tombstone has, in CBOR

Named = tuple[bytes, bytes]
"""A scope's id and a memory's, 16 bytes each."""


def forget(replica: Replica, memories: Iterable[Named]) -> None:
    """Forget memories with all their versions, in the caller's transaction; what waits of them and is in no attempt is never pushed.

    One that was moved here, and has not left this device since, is forgotten where it was too: others may move it from there.
    """
    doomed, free = list(memories), replica.journal.free()
    came_from = {
        (scope, id_there(named[1], scope)): named
        for named, version in _tombstones(free)
        for scope in _scopes(replica, ())
        if version == _moved_away(version, named[1], scope)
    }
    for named in doomed:
        if named in came_from and came_from[named] not in doomed:
            doomed.append(came_from[named])
    _end(replica, doomed, free)


def move_away(replica: Replica, memories: Iterable[Named], target: bytes) -> None:
    """As ``forget``, for what is moved to the scope ``target``."""
    _end(replica, memories, replica.journal.free(), target)


def id_there(old: bytes, target: bytes) -> bytes:
    """The UUIDv7 of the same time that an id (of a memory or a version) becomes when it is moved to the scope ``target``."""
    return _at_the_time_of(old, old, "moved", target)


def forget_moved(replica: Replica, scopes: Iterable[bytes]) -> set[Named]:
    """Forget, wherever it has gone, what is ended here by a tombstone that waits, if that or one that has come forgets it. In the caller's
    transaction, after a head with these scopes was taken in and before what it has leaves the journal.

    Where a memory was moved, every other scope is told too, for another device may have moved it there and not have pushed yet. Returns
    what was followed to more than was known: its tombstone stays in the journal this time, for more may come.
    """
    moves = _Moves(replica, _scopes(replica, scopes))
    waiting = dict.fromkeys(named for named, _ in _tombstones(replica.journal.read(kind=RECORD)))
    followed = {named: moves.where_it_went(named) for named in waiting if moves.is_forgotten(named)}
    gone = [there for went in followed.values() for there in went]
    if gone:
        _end(replica, gone, replica.journal.free())
    return {named for named, went in followed.items() if went}


class _Moves:
    """What the tombstones that are known, waiting or come, say of moves between these scopes."""

    def __init__(self, replica: Replica, scopes: list[bytes]) -> None:
        self._memories = replica.memories
        self._scopes = scopes

    def is_forgotten(self, named: Named) -> bool:
        """Whether one forgets it, and does not only say that it has moved."""
        return not all(self._is_move(named, version) for version in self._memories.tombstones(*named))

    def where_it_went(self, named: Named) -> list[Named]:
        """Under which names it is to be found now, through any number of moves, or may yet come."""
        seen, todo, found = {named}, [named], []
        while todo:
            one = todo.pop()
            moved = any(self._is_move(one, version) for version in self._memories.tombstones(*one))
            for there in self._elsewhere(one):
                if there in seen:
                    continue
                seen.add(there)
                if self._memories.is_forgotten(*there):
                    todo.append(there)
                elif moved or self._memories.starting_with(there[1], [there[0]]):
                    found.append(there)
        return found

    def _is_move(self, named: Named, version: bytes) -> bool:
        scope, memory_id = named
        return any(
            version == _moved_away(version, memory_id, other) for other in self._scopes if other != scope
        )

    def _elsewhere(self, named: Named) -> Iterator[Named]:
        scope, memory_id = named
        return ((other, id_there(memory_id, other)) for other in self._scopes if other != scope)


def _end(replica: Replica, memories: Iterable[Named], free: list[Entry], target: bytes | None = None) -> None:
    """Tombstones for these; ``target``: the scope that they are moved to, None for what is forgotten."""
    now = replica.now_ms()
    by_scope: dict[bytes, dict[bytes, None]] = {}
    for scope, memory_id in memories:
        by_scope.setdefault(scope, {})[memory_id] = None
    for scope, ids in by_scope.items():
        replica.journal.remove(versions_waiting(free, scope, ids))
        records = []
        for one in ids:
            version = new_id(now, replica.random)
            if target is not None:
                version = _moved_away(version, one, target)
            records.append(Tombstone(id=one, version=version, forgotten=now))
        replica.memories.write(scope, records)
        replica.journal.append_many(wish_record(scope, record, created=now) for record in records)


def _tombstones(entries: Iterable[Entry]) -> Iterator[tuple[Named, bytes]]:
    """What these entries of the journal end, and the version of the tombstone."""
    for entry in entries:
        if (
            entry.kind == RECORD
            and _FORGOTTEN in entry.payload
            and isinstance(read_record(entry.payload), Tombstone)
        ):
            memory_id, version = identity_of(entry.payload, what="journal")
            yield (entry.scope or b"", memory_id), version


def _scopes(replica: Replica, more: Iterable[bytes]) -> list[bytes]:
    return sorted({*more, *(scope.id for scope in replica.scopes.all())})


def _moved_away(version: bytes, memory_id: bytes, target: bytes) -> bytes:
    """The version, of the time of ``version``, of the tombstone that a memory leaves when it is moved to the scope ``target``."""
    return _at_the_time_of(version, memory_id, "moved away", target)


def _at_the_time_of(one: bytes, secret: bytes, label: str, target: bytes) -> bytes:
    """A UUIDv7 of the time of another, all else of which follows from ``secret``."""
    ms = int.from_bytes(one[:_TIME], "big")
    return new_id(ms, lambda length: derive(secret, label, target, length=length))
