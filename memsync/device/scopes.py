"""The names of scopes as this device knows them: those of the owner block it last read, and its own that were not pushed yet.

Ids are 16 bytes; a name has one id and an id at most one name. The owner block is the truth; this is what makes local verbs work without
network. A scope whose memories are gone keeps its row, so that its number, which other tables use, is never given to another.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from memsync.device.database import Database, blob, number, text
from memsync.errors import InputError, NotFoundError


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope: its id (16 bytes) and its name."""

    id: bytes
    name: str


class Scopes:
    """Scope names and ids, both ways."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, id: bytes, name: str) -> None:  # noqa: A002
        """Give the scope ``id`` its name; ``InputError`` if the name is another scope's or can't be a name."""
        self.rename(id, name)

    def rename(self, id: bytes, name: str) -> None:  # noqa: A002
        """Give the scope ``id`` another name."""
        check_scope_name(name)
        with self._db.transaction():
            if self._db.run("SELECT 1 FROM scope WHERE name = ? AND id <> ?", (name, id)):
                raise InputError(f"there is a scope {name!r} already")
            self._db.run("UPDATE scope SET name = ? WHERE number = ?", (name, number_scope(self._db, id)))

    def remove(self, id: bytes) -> None:  # noqa: A002
        """Forget the name of the scope ``id``."""
        self._db.run("UPDATE scope SET name = NULL WHERE id = ?", (id,))

    def replace_all(self, scopes: list[Scope]) -> None:
        """Know these names and no others: what an owner block says."""
        with self._db.transaction():
            self._db.run("UPDATE scope SET name = NULL")
            for scope in scopes:
                self.rename(scope.id, scope.name)

    def id_of(self, name: str) -> bytes:
        """The id of the scope ``name``; ``NotFoundError`` names those that there are."""
        rows = self._db.run("SELECT id FROM scope WHERE name = ?", (name,))
        if not rows:
            known = ", ".join(scope.name for scope in self.all()) or "none yet"
            raise NotFoundError(f"no scope {name!r}; there are: {known}; `memsync scope add {name}` makes it")
        return blob(rows[0][0])

    def name_of(self, id: bytes) -> str:  # noqa: A002
        """The name of the scope ``id``, or the beginning of its id in hex when no name is known."""
        rows = self._db.run("SELECT name FROM scope WHERE id = ? AND name IS NOT NULL", (id,))
        return text(rows[0][0]) if rows else id.hex()[:8]

    def all(self) -> list[Scope]:
        """Every scope that has a name, by name."""
        rows = self._db.run("SELECT id, name FROM scope WHERE name IS NOT NULL ORDER BY name")
        return [Scope(blob(row[0]), text(row[1])) for row in rows]


def scope_number(database: Database, id: bytes) -> int:  # noqa: A002
    """The number that stands for the scope in other tables; 0, which is no scope's, for one that has none yet."""
    rows = database.run("SELECT number FROM scope WHERE id = ?", (id,))
    return number(rows[0][0]) if rows else 0


def number_scope(database: Database, id: bytes) -> int:  # noqa: A002
    """The number that stands for the scope in other tables, given to it if it has none."""
    if len(id) != 16:
        raise InputError("a scope id has 16 bytes")
    found = scope_number(database, id)
    return found or number(database.run("INSERT INTO scope (id) VALUES (?) RETURNING number", (id,))[0][0])


def check_scope_name(name: str) -> None:
    """``InputError`` unless ``name`` is 1 to 64 characters with no control character (docs/format.md, section 6)."""
    if not 1 <= len(name) <= 64 or any(unicodedata.category(char) in ("Cc", "Cs") for char in name):
        raise InputError(
            f"{name!r} can't be a scope's name: use 1 to 64 characters, none a control character"
        )
