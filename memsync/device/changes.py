"""What a reader saw come and go in a granted scope, numbered, for who follows it.

In go the versions that a pull brought and took away; out they come again, after a number. A number is never given twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from memsync.device.database import Database, blob, number

ChangeKind: TypeAlias = Literal["added", "removed"]


@dataclass(frozen=True, slots=True)
class Noted:
    """A version (16 bytes) of a memory (16 bytes) that came or went."""

    number: int
    kind: ChangeKind
    id: bytes
    version: bytes


class Changes:
    """The table of changes."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def note(
        self,
        scope: bytes,
        *,
        came: Iterable[tuple[bytes, bytes]],
        went: Iterable[tuple[bytes, bytes]],
        sequence: int,
    ) -> None:
        """Note ids and versions that a head brought to a scope, after those that it took away."""
        rows = [("removed", *one) for one in went] + [("added", *one) for one in came]
        self._db.run_many(
            "INSERT INTO change (kind, scope, id, version, sequence) VALUES (?, ?, ?, ?, ?)",
            ((kind, scope, memory, version, sequence) for kind, memory, version in rows),
        )

    def last(self) -> int:
        """The latest number; 0 before any."""
        [(last,)] = self._db.run("SELECT coalesce(max(number), 0) FROM change")
        return number(last)

    def after(self, since: int) -> list[Noted]:
        """Those after a number, in order."""
        rows = self._db.run(
            "SELECT number, kind, id, version FROM change WHERE number > ? ORDER BY number", (since,)
        )
        return [
            Noted(number(at), "added" if kind == "added" else "removed", blob(memory), blob(version))
            for at, kind, memory, version in rows
        ]
