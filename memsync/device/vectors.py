"""The vectors of memories' texts, beside them in the encrypted database: by which embedder, signs, elements and a scale.

A vector belongs to one row and one embedder; a row has at most one, so vectors of two models never meet. One is kept only while its row is
a current version that the index knows, so a forgotten text leaves none behind. What they mean is the index's affair (``memsync.recall``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from memsync.device.database import Database, blob, number, real, text

_SOME = 500
"""Values in one statement."""


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A memory without a vector: the number of its row, its scope's number and id, its own id, text and tags (joined by spaces)."""

    row: int
    scope: int
    scope_id: bytes
    memory: bytes
    text: str
    tags: str


@dataclass(frozen=True, slots=True)
class Vector:
    """A row's vector: ``signs`` d/8 bytes, ``elements`` d signed bytes; elements times ``scale`` are its numbers."""

    row: int
    scope: int
    scale: float
    signs: bytes
    elements: bytes


class Vectors:
    """The vectors of one vault."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def use(self, model: str, dimensions: int) -> int:
        """The number of an embedder. All that others made is let go of: they will not be asked again."""
        with self._db.transaction():
            found = self.number_of(model, dimensions)
            if found is None:
                self._db.run("DELETE FROM embedder")
                self._db.run("INSERT INTO embedder (model, dimensions) VALUES (?, ?)", (model, dimensions))
                found = self._db.last_row
            return found

    def number_of(self, model: str, dimensions: int | None = None) -> int | None:
        """The number of the embedder of this name, and this size if one is given; None where nothing is by it."""
        rows = self._db.run(
            "SELECT number FROM embedder WHERE model = ?1 AND (?2 IS NULL OR dimensions = ?2)",
            (model, dimensions),
        )
        return number(rows[0][0]) if rows else None

    def last_row(self) -> int:
        """The row up to which the index knows all memories; 0 where there is none."""
        [(last,)] = self._db.run(
            "SELECT coalesce((SELECT min(row) - 1 FROM memory WHERE indexed <> current), (SELECT max(row) FROM memory), 0)"
        )
        return number(last)

    def missing(self, embedder: int, *, after: int, until: int, limit: int) -> list[Unembedded]:
        """Current memories that the index knows and that have no vector of this embedder, by row: of rows after ``after``, up to
        ``until``, so that no look takes long."""
        rows = self._db.run(
            "SELECT memory.row, memory.scope, scope.id, memory.id, text, tags FROM memory JOIN scope ON memory.scope = scope.number"
            " WHERE row > ? AND row <= ? AND current AND indexed"
            " AND NOT EXISTS (SELECT 1 FROM vector WHERE vector.row = memory.row AND embedder = ?) ORDER BY row LIMIT ?",
            (after, until, embedder, limit),
        )
        return [
            Unembedded(number(row[0]), number(row[1]), blob(row[2]), blob(row[3]), text(row[4]), text(row[5]))
            for row in rows
        ]

    def put(self, embedder: int, vectors: Iterable[Vector]) -> list[Vector]:
        """Keep those whose row is still current and known to the index, and whose embedder is still in use; returns these."""
        kept = []
        with self._db.transaction():
            for one in vectors:
                self._db.run(
                    "INSERT OR REPLACE INTO vector (row, scope, embedder, scale, signs, elements) SELECT row, scope, ?, ?, ?, ? FROM memory"
                    " WHERE row = ? AND current AND indexed AND EXISTS (SELECT 1 FROM embedder WHERE number = ?)",
                    (embedder, one.scale, one.signs, one.elements, one.row, embedder),
                )
                if self._db.changes:
                    kept.append(one)
        return kept

    def remove(self, rows: Iterable[int]) -> None:
        """Keep none of these rows."""
        self._db.run_many("DELETE FROM vector WHERE row = ?", ((row,) for row in rows))

    def counts(self) -> dict[str, int]:
        """How many memories have a vector, by the embedder's name."""
        rows = self._db.run(
            "SELECT model, (SELECT count(*) FROM vector WHERE embedder = embedder.number) FROM embedder"
        )
        return {text(row[0]): number(row[1]) for row in rows}

    # ------------------------------------------------------------------ what a search reads

    def numbers(self, embedder: int, scope: int) -> list[int]:
        """The numbers of a scope's vectors, ascending: a later vector has a higher one."""
        return [
            number(row[0])
            for row in self._db.run(
                "SELECT number FROM vector WHERE scope = ? AND embedder = ? ORDER BY number",
                (scope, embedder),
            )
        ]

    def any(self, embedder: int, scope: int) -> bool:
        """Whether a scope has any."""
        return bool(
            self._db.run("SELECT 1 FROM vector WHERE scope = ? AND embedder = ? LIMIT 1", (scope, embedder))
        )

    def signs_after(self, embedder: int, scope: int, last: int) -> list[tuple[int, int, bytes]]:
        """Number, row and signs of a scope's vectors after the number ``last``, ascending."""
        return [
            (number(row[0]), number(row[1]), blob(row[2]))
            for row in self._db.run(
                "SELECT number, row, signs FROM vector WHERE scope = ? AND embedder = ? AND number > ? ORDER BY number",
                (scope, embedder, last),
            )
        ]

    def elements(self, numbers: Sequence[int]) -> dict[int, tuple[float, bytes]]:
        """Scale and elements of these vectors, by number; those that are gone are left out."""
        found: dict[int, tuple[float, bytes]] = {}
        for start in range(0, len(numbers), _SOME):
            some = numbers[start : start + _SOME]
            rows = self._db.run(
                f"SELECT number, scale, elements FROM vector WHERE number IN ({','.join('?' * len(some))})",  # noqa: S608 marks only
                some,
            )
            found |= {number(row[0]): (real(row[1]), blob(row[2])) for row in rows}
        return found
