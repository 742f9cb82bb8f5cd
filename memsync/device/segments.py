"""Which segments and catalog nodes this device has taken in, so that a pull reads only what is new.

A segment is *held* when all its records are in ``memories``; a catalog node is held when everything below it is. Digests are 32 bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from memsync.device.database import Database, blob
from memsync.device.scopes import number_scope, scope_number


@dataclass(frozen=True, slots=True)
class Held:
    """A segment that was taken in: its digest (32 bytes), and the object id and epoch id (16 each) under which it opens."""

    digest: bytes
    object_id: bytes
    epoch_id: bytes


class Segments:
    """The segments and nodes held, by scope. Segments get in by ``Memories.attach``, and out by ``Memories.detach``."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def held(self, scope: bytes) -> dict[bytes, Held]:
        """The segments held of this scope, by digest, in the order in which they were taken in."""
        rows = self._db.run(
            "SELECT digest, object, epoch FROM segment WHERE scope = ? ORDER BY number",
            (scope_number(self._db, scope),),
        )
        return {blob(row[0]): Held(blob(row[0]), blob(row[1]), blob(row[2])) for row in rows}

    def scope_of(self, digest: bytes) -> bytes | None:
        """The scope of a segment that is held, None for another."""
        rows = self._db.run(
            "SELECT scope.id FROM segment JOIN scope ON scope = scope.number WHERE digest = ?", (digest,)
        )
        return blob(rows[0][0]) if rows else None

    def nodes(self, scope: bytes) -> set[bytes]:
        """The catalog nodes below which everything is held."""
        rows = self._db.run("SELECT digest FROM node WHERE scope = ?", (scope_number(self._db, scope),))
        return {blob(row[0]) for row in rows}

    def add_nodes(self, scope: bytes, digests: Iterable[bytes]) -> None:
        """Everything below these nodes is held."""
        with self._db.transaction():
            number = number_scope(self._db, scope)
            self._db.run_many(
                "INSERT OR REPLACE INTO node (digest, scope) VALUES (?, ?)",
                ((digest, number) for digest in digests),
            )

    def keep_nodes(self, scope: bytes, digests: Iterable[bytes]) -> None:
        """Know these nodes of the scope and no others."""
        with self._db.transaction():
            self._db.run("DELETE FROM node WHERE scope = ?", (scope_number(self._db, scope),))
            self.add_nodes(scope, digests)
