"""What this device has yet to bring into the vault: the outbox.

An entry is one thing a person did: a memory written, edited or forgotten, a scope added, a grant wished for. It has a kind and a payload
that the layer above chooses, never a sealed block: blocks are made anew at each attempt. Entries keep their order. One leaves the journal
when the commit that holds it is final (``attempts``), or when it is taken back; until then it survives crashes, lost races and reorgs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from memsync.device.database import Database, Row, blob, number, text

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its place in the order, what kind of thing it is, its scope's id (16 bytes) or None, what was done, when (ms)."""

    ordinal: int
    kind: str
    scope: bytes | None
    payload: bytes = field(repr=False)
    created: int


@dataclass(frozen=True, slots=True)
class Wish:
    """An entry before it has a place in the order."""

    kind: str
    payload: bytes = field(repr=False)
    created: int
    scope: bytes | None = None


class Journal:
    """The entries that no final commit holds, in order."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def append(self, kind: str, payload: bytes, *, created: int, scope: bytes | None = None) -> Entry:
        """Add one entry at the end; it is on the disk when this returns, or when the caller's transaction does."""
        with self._db.transaction():
            self._db.run(
                "INSERT INTO journal (kind, scope, payload, created) VALUES (?, ?, ?, ?)",
                (kind, scope, payload, created),
            )
            return Entry(self._db.last_row, kind, scope, payload, created)

    def add(self, wish: Wish) -> Entry:
        """Add one wish at the end, as ``append`` does."""
        return self.append(wish.kind, wish.payload, created=wish.created, scope=wish.scope)

    def append_many(self, wishes: Iterable[Wish]) -> None:
        """Add many entries at the end, all or none."""
        self._db.run_many(
            "INSERT INTO journal (kind, scope, payload, created) VALUES (?, ?, ?, ?)",
            ((wish.kind, wish.scope, wish.payload, wish.created) for wish in wishes),
        )

    def entries(self, *, kind: str | None = None, scope: bytes | None = None) -> list[Entry]:
        """Every entry that is not settled, whether an attempt holds it or not; of one kind or scope if asked."""
        return self._select("(?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR scope = ?2)", (kind, scope))

    def read(self, *, kind: str | None = None, other_than: str | None = None) -> Iterator[Entry]:
        """The same one after the other, read as they are asked for: of one kind, or of all kinds but one."""
        last = 0
        while page := self._select(
            "ordinal > ?1 AND (?2 IS NULL OR kind = ?2) AND (?3 IS NULL OR kind <> ?3)",
            (last, kind, other_than),
            limit=_PAGE,
        ):
            yield from page
            last = page[-1].ordinal

    def scopes(self, *, kind: str) -> set[bytes]:
        """The ids of the scopes that have entries of this kind."""
        rows = self._db.run(
            "SELECT DISTINCT scope FROM journal WHERE kind = ? AND scope IS NOT NULL", (kind,)
        )
        return {blob(row[0]) for row in rows}

    def free(self) -> list[Entry]:
        """The entries that no live attempt holds."""
        return self._select("ordinal NOT IN (SELECT ordinal FROM attempt_entry)", ())

    def of_attempt(self, attempt: int) -> set[int]:
        """The ordinals of the entries that this attempt holds."""
        rows = self._db.run("SELECT ordinal FROM attempt_entry WHERE attempt = ?", (attempt,))
        return {number(row[0]) for row in rows}

    def remove(self, ordinals: Iterable[int]) -> None:
        """Take these back: they will not be pushed, if no attempt that is live lands with them."""
        self._db.run_many("DELETE FROM journal WHERE ordinal = ?", ((ordinal,) for ordinal in ordinals))

    def count(self) -> int:
        """How many entries there are."""
        return number(self._db.run("SELECT count(*) FROM journal")[0][0])

    def _select(
        self, condition: str, values: tuple[str | bytes | int | None, ...], *, limit: int = -1
    ) -> list[Entry]:
        rows = self._db.run(
            f"SELECT ordinal, kind, scope, payload, created FROM journal WHERE {condition} ORDER BY ordinal LIMIT {limit}",  # noqa: S608 ours
            values,
        )
        return [_entry(row) for row in rows]


def _entry(row: Row) -> Entry:
    ordinal, kind, scope, payload, created = row
    return Entry(
        number(ordinal), text(kind), None if scope is None else blob(scope), blob(payload), number(created)
    )
