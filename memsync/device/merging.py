"""How records become the union of all versions that a vault's database keeps: one rule, whatever the order in which they come.

In go records of one scope, each batch in the caller's transaction; out come rows, which of them are current, and what was replaced by
what. Scopes and segments are named by their numbers in the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from memsync.device.database import Database, blob, number
from memsync.device.rows import Identity, rest_of
from memsync.format.records import Kept
from memsync.memory import Memory, Tombstone

_BATCH = 2000


class Merging:
    """The rule: an id that a tombstone names is dead with all its versions; of the others those are current that none replaces."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def take(self, scope: int, segment: int | None, records: Iterable[Kept]) -> None:
        """Take in records of a scope, and that the segment, if any, holds them; again changes nothing."""
        source = iter(records)
        while batch := list(islice(source, _BATCH)):
            self._take_tombstones(scope, segment, [one for one in batch if isinstance(one, Tombstone)])
            self._take_memories(scope, segment, [one for one in batch if isinstance(one, Memory)])
        self.bury()

    def _take_tombstones(self, scope: int, segment: int | None, tombstones: list[Tombstone]) -> None:
        if not tombstones:
            return
        self._db.run_many(
            "INSERT INTO tombstone (scope, id, version, forgotten, segment) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET segment = coalesce(excluded.segment, segment)",
            ((scope, one.id, one.version, one.forgotten, segment) for one in tombstones),
        )
        ids = [(scope, one.id) for one in tombstones]
        self._db.run_many("UPDATE memory SET current = 0, dead = 1 WHERE scope = ? AND id = ?", ids)
        self._db.run_many("DELETE FROM replaced WHERE scope = ? AND id = ?", ids)

    def _take_memories(self, scope: int, segment: int | None, memories: list[Memory]) -> None:
        if not memories:
            return
        [(last,)] = self._db.run("SELECT coalesce(max(row), 0) FROM memory")
        # Of an own push read back all are known, and the first tells: what is there need not be made ready to be put there again.
        identities = [(one.id, one.version) for one in memories]
        known = self.rows_of(scope, identities) if self.rows_of(scope, identities[:1]) else {}
        new = [one for one in memories if (one.id, one.version) not in known] if known else memories
        forgotten = self._forgotten(scope, new)
        self._db.run_many(
            "INSERT INTO memory (scope, id, version, at, current, dead, text, tags, rest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (
                (scope, one.id, one.version, one.when, 0, 1, "", "", b"")
                if one.id in forgotten
                else (scope, one.id, one.version, one.when, 1, 0, one.text, " ".join(one.tags), rest_of(one))
                for one in new
            ),
        )
        if segment is not None:
            self.hold(segment, known.values())
            self._hold_new(segment, scope, new, number(last))
        edges = [(scope, one.id, old, one.version) for one in memories for old in one.replaces]
        self._db.run_many(
            "INSERT OR IGNORE INTO replaced (scope, id, version, by) SELECT ?1, ?2, ?3, ?4"
            " WHERE NOT EXISTS (SELECT 1 FROM tombstone WHERE scope = ?1 AND id = ?2)",
            edges,
        )
        self.weigh(scope, self._edited(scope, [one.id for one in memories]))

    def _edited(self, scope: int, ids: Sequence[bytes]) -> set[bytes]:
        """Those of these ids of which a version replaces another."""
        found: set[bytes] = set()
        if not self._db.run("SELECT 1 FROM replaced WHERE scope = ? LIMIT 1", (scope,)):
            return found
        rows = self._db.run_each(
            "SELECT id FROM replaced WHERE scope = ? AND id = ? LIMIT 1", ((scope, one) for one in ids)
        )
        found.update(blob(row[0]) for row in rows)
        return found

    def _forgotten(self, scope: int, memories: Sequence[Memory]) -> set[bytes]:
        """The ids of those of these that a tombstone names."""
        if not self._db.run("SELECT 1 FROM tombstone WHERE scope = ? LIMIT 1", (scope,)):
            return set()
        rows = self._db.run_each(
            "SELECT id FROM tombstone WHERE scope = ? AND id = ? LIMIT 1",
            ((scope, one.id) for one in memories),
        )
        return {blob(row[0]) for row in rows}

    def rows_of(self, scope: int, identities: Iterable[Identity]) -> dict[Identity, int]:
        """The rows of those of these that are kept already."""
        rows = self._db.run_each(
            "SELECT id, version, row FROM memory WHERE scope = ? AND id = ? AND version = ?",
            ((scope, *identity) for identity in identities),
        )
        return {(blob(row[0]), blob(row[1])): number(row[2]) for row in rows}

    def _hold_new(self, segment: int, scope: int, memories: list[Memory], last: int) -> None:
        """Note which rows the segment has: the new ones all lie after ``last``."""
        self._db.run(
            "INSERT INTO holding (segment, row) SELECT ?, row FROM memory WHERE row > ?", (segment, last)
        )
        if self._db.changes < len(memories):
            self._db.run_many(
                "INSERT OR IGNORE INTO holding (segment, row)"
                " SELECT ?, row FROM memory WHERE scope = ? AND id = ? AND version = ?",
                ((segment, scope, one.id, one.version) for one in memories),
            )

    def hold(self, segment: int, rows: Iterable[int]) -> None:
        """Note that the segment has these rows."""
        self._db.run_many(
            "INSERT OR IGNORE INTO holding (segment, row) VALUES (?, ?)", ((segment, row) for row in rows)
        )

    def weigh(self, scope: int, ids: Iterable[bytes]) -> None:
        """Say anew which versions of these memories are current: those that none replaces, or the last one if they replace each other."""
        for memory_id in ids:
            rows = self._db.run(
                "SELECT row, EXISTS (SELECT 1 FROM replaced WHERE scope = memory.scope AND id = memory.id"
                " AND version = memory.version) FROM memory WHERE scope = ? AND id = ? AND NOT dead ORDER BY version",
                (scope, memory_id),
            )
            current = {row for row, replaced in rows if not replaced} or {row for row, _ in rows[-1:]}
            self._db.run_many(
                "UPDATE memory SET current = ? WHERE row = ?", ((int(row in current), row) for row, _ in rows)
            )

    def bury(self) -> None:
        """Empty the dead versions that no index knows, their vectors too, and take the rows that no segment holds."""
        self._db.run(
            "DELETE FROM vector WHERE row IN (SELECT row FROM memory WHERE dead AND NOT indexed AND rest <> x'')"
        )
        self._db.run(
            "UPDATE memory SET text = '', tags = '', rest = x'' WHERE dead AND NOT indexed AND rest <> x''"
        )
        self._db.run(
            "DELETE FROM memory WHERE dead AND NOT indexed"
            " AND NOT EXISTS (SELECT 1 FROM holding WHERE holding.row = memory.row)"
        )
