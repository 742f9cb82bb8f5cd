"""The memories of a vault, decrypted, as this device has them: every version, merged.

In go records, from segments (``attach``) or from the person (``write``), in any order and any number of times; the outcome is the same:
the union of all versions by id; a version that another replaces is over; two that replace the same one both stay, and show as a conflict;
a tombstone kills an id with all its versions, those that come later too, for ever. Nothing here searches texts or seals anything.

What the index must still learn is kept beside (``unindexed``), so that a crash between the two loses nothing. A forgotten text stays in
the encrypted file until the index has let go of it and is overwritten then; which segments still hold it is known until none does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import AbstractContextManager

from memsync.device.database import Database, Value, blob, number
from memsync.device.merging import Merging
from memsync.device.rows import Document, Found, Identity, read_document, read_row
from memsync.device.scopes import number_scope, scope_number
from memsync.device.segments import Held
from memsync.errors import NotFoundError
from memsync.format.records import Kept
from memsync.memory import Memory

PAGE = 1 << 16
"""Versions that an index learns of at once: many together make one run of it."""
LONG = 1 << 24
"""Characters of texts after which it learns of no more at once, however few: their words are held as numbers until the run is made."""
_BATCH = 1024
_FOR_EVER = 1 << 62


class Memories:
    """The memories of all scopes of one vault. Scope ids, memory ids and versions are 16 bytes, times ms."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._merging = Merging(database)

    def together(self) -> AbstractContextManager[None]:
        """A transaction of the database that these are in."""
        return self._db.transaction()

    def write(self, scope: bytes, records: Iterable[Kept]) -> None:
        """Take in what was done on this device and is in no segment yet."""
        with self._db.transaction():
            self._merging.take(number_scope(self._db, scope), None, records)

    def attach(self, scope: bytes, segment: Held, records: Iterable[Kept]) -> None:
        """Take in a segment with all its records; again changes nothing."""
        with self._db.transaction():
            in_scope = number_scope(self._db, scope)
            self._merging.take(in_scope, self._number(in_scope, segment), records)

    def attach_known(self, scope: bytes, segment: Held, identities: Iterable[Identity]) -> bool:
        """Take in a segment of memories that are all kept here already; whether they are, else nothing is changed."""
        with self._db.transaction():
            in_scope = number_scope(self._db, scope)
            wanted = list(identities)
            rows = self._merging.rows_of(in_scope, wanted)
            if len(rows) < len(wanted):
                return False
            self._merging.hold(self._number(in_scope, segment), rows.values())
            return True

    def get(self, scope: bytes, memory_id: bytes) -> tuple[Memory, ...]:
        """The current versions of a memory: one, or more when edits are in conflict. ``NotFoundError`` when there is none."""
        found = self._select(
            "scope.id = ? AND memory.id = ? AND current ORDER BY version", (scope, memory_id)
        )
        if not found:
            raise NotFoundError(f"no memory {memory_id.hex()} in this scope")
        return tuple(one.memory for one in found)

    def versions(self, scope: bytes, memory_id: bytes) -> list[Memory]:
        """Every version of a memory, those replaced too; none of a forgotten one."""
        found = self._select(
            "scope.id = ? AND memory.id = ? AND NOT dead ORDER BY version", (scope, memory_id)
        )
        return [one.memory for one in found]

    def starting_with(self, prefix: bytes, scopes: Collection[bytes] | None = None) -> list[Found]:
        """The current versions of memories whose id begins with these bytes."""
        where, values = self._within(scopes)
        return self._select(
            f"memory.id BETWEEN ? AND ? AND current {where} ORDER BY memory.id, version",
            (prefix, prefix + b"\xff" * 16, *values),
        )

    def in_rows(self, rows: Sequence[int]) -> list[Found]:
        """The current versions in these rows, in this order; rows that are over are left out."""
        found: dict[int, Found] = {}
        for start in range(0, len(rows), 500):
            some = rows[start : start + 500]
            marks = ",".join("?" * len(some))
            found |= {one.row: one for one in self._select(f"memory.row IN ({marks}) AND current", some)}
        return [found[row] for row in rows if row in found]

    def latest(
        self,
        scopes: Collection[bytes] | None = None,
        *,
        since: int | None = None,
        until: int | None = None,
        after: Found | None = None,
        limit: int = 100,
    ) -> list[Found]:
        """Current versions, the latest first by ``Memory.when``; ``since`` inclusive, ``until`` exclusive; ``after`` the last of a page."""
        where, values = self._within(scopes)
        time, row = (_FOR_EVER, 0) if after is None else (after.memory.when, after.row)
        return self._select(
            f"current AND at >= ? AND at < ? AND (at, memory.row) < (?, ?) {where}"
            " ORDER BY at DESC, memory.row DESC LIMIT ?",
            (
                -_FOR_EVER if since is None else since,
                _FOR_EVER if until is None else until,
                time,
                row,
                *values,
                limit,
            ),
        )

    def written_since(
        self, since: int, scopes: Collection[bytes] | None = None, limit: int = 100
    ) -> list[Found]:
        """Current versions that were written down (not: happened) at ``since`` (ms) or later, the latest first."""
        where, values = self._within(scopes)
        first = max(0, min(since, (1 << 48) - 1)).to_bytes(6, "big")
        return self._select(
            f"memory.version >= ? AND current {where} ORDER BY memory.version DESC LIMIT ?",
            (first, *values, limit),
        )

    def count(self, scopes: Collection[bytes] | None = None) -> int:
        """How many current versions there are."""
        where, values = self._within(scopes)
        return number(self._db.run(f"SELECT count(*) FROM memory WHERE current {where}", values)[0][0])  # noqa: S608 ours

    def count_tagged(self, scope: bytes, tag: str) -> int:
        """How many memories of a scope have a current version with this tag."""
        rows = self._select(
            "current AND instr(' ' || memory.tags || ' ', ' ' || ? || ' ') AND memory.scope = ?",
            (tag, scope_number(self._db, scope)),
        )
        return len({one.memory.id for one in rows if tag in one.memory.tags})

    def span(self, scope: bytes) -> tuple[int, int | None, int | None]:
        """How many memories a scope has, and the ``Memory.when`` of the earliest and the latest (ms), None where there is none."""
        [(count, earliest, latest)] = self._db.run(
            "SELECT count(DISTINCT id), min(at), max(at) FROM memory WHERE scope = ? AND current",
            (scope_number(self._db, scope),),
        )
        return (
            number(count),
            None if earliest is None else number(earliest),
            None if latest is None else number(latest),
        )

    def conflicts(self, scopes: Collection[bytes] | None = None) -> list[tuple[bytes, bytes]]:
        """(scope id, memory id) of every memory that has more than one current version."""
        where, values = self._within(scopes)
        rows = self._db.run(
            "SELECT scope.id, memory.id FROM memory JOIN scope ON memory.scope = scope.number"  # noqa: S608 ours
            f" WHERE current {where} GROUP BY memory.scope, memory.id HAVING count(*) > 1",
            values,
        )
        return [(blob(row[0]), blob(row[1])) for row in rows]

    def is_forgotten(self, scope: bytes, memory_id: bytes) -> bool:
        """Whether a tombstone names this id."""
        rows = self._db.run(
            "SELECT 1 FROM tombstone JOIN scope ON scope = scope.number WHERE scope.id = ? AND tombstone.id = ?",
            (scope, memory_id),
        )
        return bool(rows)

    def tombstones(self, scope: bytes, memory_id: bytes) -> set[bytes]:
        """The versions of the tombstones for this id."""
        rows = self._db.run(
            "SELECT version FROM tombstone WHERE scope = ? AND id = ?",
            (scope_number(self._db, scope), memory_id),
        )
        return {blob(row[0]) for row in rows}

    def unreached(self, scope: bytes) -> set[Identity]:
        """What no held segment has: memories of no segment that are not forgotten, and tombstones of ids without any in a segment."""
        in_scope = scope_number(self._db, scope)
        rows = self._db.run(
            "SELECT id, version FROM memory WHERE scope = ? AND NOT dead"
            " AND NOT EXISTS (SELECT 1 FROM holding WHERE holding.row = memory.row)",
            (in_scope,),
        )
        rows += self._db.run(
            "SELECT id, version FROM tombstone AS one WHERE scope = ? AND NOT EXISTS"
            " (SELECT 1 FROM tombstone WHERE scope = one.scope AND id = one.id AND segment IS NOT NULL)",
            (in_scope,),
        )
        return {(blob(row[0]), blob(row[1])) for row in rows}

    def unreached_among(self, scope: bytes, asked: Iterable[Identity]) -> set[Identity]:
        """What of ``asked`` no held segment has, as ``unreached`` says; costs what is asked, not what is kept."""
        in_scope = scope_number(self._db, scope)
        rows = self._db.run_each(
            "SELECT ?2, ?3 WHERE EXISTS (SELECT 1 FROM memory WHERE scope = ?1 AND id = ?2 AND version = ?3 AND NOT dead"
            " AND NOT EXISTS (SELECT 1 FROM holding WHERE holding.row = memory.row))"
            " OR (EXISTS (SELECT 1 FROM tombstone WHERE scope = ?1 AND id = ?2 AND version = ?3)"
            " AND NOT EXISTS (SELECT 1 FROM tombstone WHERE scope = ?1 AND id = ?2 AND segment IS NOT NULL))",
            ((in_scope, *identity) for identity in asked),
        )
        return {(blob(row[0]), blob(row[1])) for row in rows}

    def detach(self, scope: bytes, digests: Iterable[bytes]) -> set[Identity]:
        """Hold these segments no longer, for the current root does not reach them; returns what no held segment has since."""
        had: set[Identity] = set()
        with self._db.transaction():
            for digest in digests:
                rows = self._db.run(
                    "SELECT memory.id, memory.version FROM segment JOIN holding ON holding.segment = segment.number"
                    " JOIN memory USING (row) WHERE segment.digest = ?",
                    (digest,),
                )
                rows += self._db.run(
                    "SELECT tombstone.id, version FROM tombstone JOIN segment ON segment.number = tombstone.segment"
                    " WHERE segment.digest = ?",
                    (digest,),
                )
                had.update((blob(row[0]), blob(row[1])) for row in rows)
                self._db.run("DELETE FROM segment WHERE digest = ?", (digest,))
            self._merging.bury()
            return self.unreached_among(scope, had)

    def drop(self, scope: bytes, records: Collection[Identity]) -> int:
        """Let go of these, which no held segment has and the journal does not want; returns how many.

        For what came from a root that the chain has undone since.
        """
        gone = sorted(records)
        with self._db.transaction():
            in_scope = scope_number(self._db, scope)
            rows = [(in_scope, memory_id, version) for memory_id, version in gone]
            self._db.run_many(
                "UPDATE memory SET current = 0, dead = 1 WHERE scope = ? AND id = ? AND version = ?", rows
            )
            self._db.run_many("DELETE FROM replaced WHERE scope = ? AND id = ? AND by = ?", rows)
            self._db.run_many("DELETE FROM tombstone WHERE scope = ? AND id = ? AND version = ?", rows)
            self._merging.weigh(in_scope, {memory_id for memory_id, _ in gone})
            self._merging.bury()
        return len(gone)

    def held_in(self, scope: bytes, memory_id: bytes) -> list[bytes]:
        """The digests of the held segments that have a version of this memory, also of a forgotten one."""
        rows = self._db.run(
            "SELECT DISTINCT segment.digest FROM memory JOIN holding USING (row)"
            " JOIN segment ON segment.number = holding.segment WHERE memory.scope = ? AND memory.id = ?",
            (scope_number(self._db, scope), memory_id),
        )
        return [blob(row[0]) for row in rows]

    def forgotten_in(self, scope: bytes) -> dict[bytes, set[Identity]]:
        """Held segments that still have what was forgotten: by digest, which versions; what a rewrite must leave out."""
        rows = self._db.run(
            # In this order: of what is dead there is little, and SQLite would begin with all that a scope has.
            "SELECT segment.digest, memory.id, memory.version FROM memory INDEXED BY memory_dead CROSS JOIN holding USING (row)"
            " CROSS JOIN segment ON segment.number = holding.segment WHERE dead AND memory.scope = ?",
            (scope_number(self._db, scope),),
        )
        found: dict[bytes, set[Identity]] = {}
        for digest, memory_id, version in rows:
            found.setdefault(blob(digest), set()).add((blob(memory_id), blob(version)))
        return found

    def unindexed(self, limit: int = PAGE) -> tuple[list[Document], list[Document]]:
        """What an index must still take in, and what it must let go of, by row; tell it by ``mark_indexed``. At most ``limit``, and fewer
        where texts are long."""
        added: list[Document] = []
        gone: list[Document] = []
        last, length = -_FOR_EVER, 0
        while length < LONG and (
            rows := self._db.run(
                "SELECT row, scope.id, text, tags, at, rest, current FROM memory JOIN scope ON memory.scope = scope.number"
                " WHERE indexed <> current AND row > ? ORDER BY row LIMIT ?",
                (last, min(_BATCH, limit - len(added) - len(gone))),
            )
        ):
            for *columns, current in rows:
                document = read_document(tuple(columns))
                (added if current else gone).append(document)
                length += len(document.text)
            last = number(rows[-1][0])
        return added, gone

    def mark_indexed(self, found: Iterable[Document]) -> None:
        """The index knows of these."""
        with self._db.transaction():
            self._db.run(
                "UPDATE memory SET indexed = current WHERE row IN (SELECT value FROM json_each(?))",
                (f"[{','.join(str(one.row) for one in found)}]",),
            )
            self._merging.bury()

    def mark_unindexed(self) -> None:
        """The index is empty and must learn everything anew."""
        with self._db.transaction():
            self._db.run("UPDATE memory SET indexed = 0 WHERE indexed")
            self._merging.bury()

    def _number(self, scope: int, segment: Held) -> int:
        self._db.run(
            "INSERT INTO segment (scope, digest, object, epoch) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (scope, segment.digest, segment.object_id, segment.epoch_id),
        )
        [(made,)] = self._db.run("SELECT number FROM segment WHERE digest = ?", (segment.digest,))
        return number(made)

    def _within(self, scopes: Collection[bytes] | None) -> tuple[str, list[Value]]:
        if scopes is None:
            return "", []
        numbers: list[Value] = [scope_number(self._db, scope) for scope in scopes]
        return f"AND memory.scope IN ({','.join('?' * len(numbers))})", numbers

    def _select(self, condition: str, values: Sequence[Value]) -> list[Found]:
        rows = self._db.run(
            "SELECT memory.row, scope.id, text, rest FROM memory JOIN scope ON memory.scope = scope.number"  # noqa: S608 ours
            f" WHERE {condition}",
            values,
        )
        return [read_row(row) for row in rows]
