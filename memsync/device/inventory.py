"""All that a device holds of a scope, read whole: for comparing it with a root, and for taking it along to another chain."""

from __future__ import annotations

from collections.abc import Iterator

from memsync.device.database import Database, Row, Value, blob, number
from memsync.device.rows import Identity, read_row
from memsync.device.scopes import scope_number
from memsync.format.records import Kept
from memsync.memory import Memory, Tombstone

_PAGE = 2000


class Inventory:
    """The versions and tombstones of one vault on this device. Scope ids are 16 bytes."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def everything(self, scope: bytes) -> Iterator[Kept]:
        """Every version, those replaced too, that is not forgotten, then every tombstone."""
        for _, _, row in self._rows(scope, "NOT dead"):
            yield read_row(row).memory
        for memory_id, version, forgotten in self._db.run(
            "SELECT id, version, forgotten FROM tombstone WHERE scope = ?", (scope_number(self._db, scope),)
        ):
            yield Tombstone(id=blob(memory_id), version=blob(version), forgotten=number(forgotten))

    def identities(self, scope: bytes) -> set[Identity]:
        """Id and version of everything, forgotten versions that are still noted among it."""
        in_scope: list[Value] = [scope_number(self._db, scope)]
        rows = self._db.run("SELECT id, version FROM memory WHERE scope = ?", in_scope)
        rows += self._db.run("SELECT id, version FROM tombstone WHERE scope = ?", in_scope)
        return {(blob(row[0]), blob(row[1])) for row in rows}

    def forgotten(self, scope: bytes) -> set[bytes]:
        """The ids that a tombstone names."""
        rows = self._db.run("SELECT id FROM tombstone WHERE scope = ?", (scope_number(self._db, scope),))
        return {blob(row[0]) for row in rows}

    def held(self, scope: bytes) -> Iterator[tuple[Identity, Memory | None]]:
        """Every version of which a held segment has a copy, with its memory; None for one that is forgotten."""
        condition = "EXISTS (SELECT 1 FROM holding WHERE holding.row = memory.row)"
        for identity, dead, row in self._rows(scope, condition):
            yield identity, None if dead else read_row(row).memory

    def _rows(self, scope: bytes, condition: str) -> Iterator[tuple[Identity, bool, Row]]:
        last = 0
        while page := self._db.run(
            "SELECT memory.id, version, dead, memory.row, scope.id, text, rest FROM memory"  # noqa: S608 ours
            " JOIN scope ON memory.scope = scope.number"
            f" WHERE memory.row > ? AND scope.id = ? AND {condition} ORDER BY memory.row LIMIT ?",
            (last, scope, _PAGE),
        ):
            for memory_id, version, dead, *row in page:
                yield (blob(memory_id), blob(version)), bool(dead), tuple(row)
                last = number(row[0])
