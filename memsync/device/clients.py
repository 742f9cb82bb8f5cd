"""The tools of this device: who they are, by their tokens, and what each may do, by its served grants.

A token is 32 random bytes; what is kept is its SHA-256, so that the database gives none away. A served grant is one scope's, from a time
until a time, and ends earlier when the person says so. It stays as a line once it has ended: what was disclosed under it stays explained.
"""

from __future__ import annotations

from dataclasses import dataclass

from memsync.device.database import Database, Row, blob, number, text
from memsync.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Client:
    """A tool of this device: its name, and when it became known (ms)."""

    name: str
    made: int


@dataclass(frozen=True, slots=True)
class Served:
    """A served grant: ``id`` and ``scope`` 16 bytes; ``rights`` 1 read, 2 write, 3 both; ``start`` and ``end`` Unix seconds.

    ``secrets``: whether what is tagged as a secret is among what it reads; ``trusted``: whether what it writes needs no review; ``made``
    and ``ended`` ms.
    """

    id: bytes
    client: str
    scope: bytes
    rights: int
    start: int
    end: int
    secrets: bool
    trusted: bool
    made: int
    ended: int | None = None

    def lives(self, now: int) -> bool:
        """Whether it holds at ``now`` (Unix seconds)."""
        return self.ended is None and self.start <= now < self.end


class Clients:
    """The clients of one vault on this device, and their grants."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, name: str, token: bytes, now: int) -> Client:
        """Make a client known by a token's digest (32 bytes), or give the one of this name another; ``now``: ms."""
        self._db.run(
            "INSERT INTO client (name, token, made) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET token = excluded.token",
            (name, token, now),
        )
        return self.named(name)

    def named(self, name: str) -> Client:
        """The client of this name; ``NotFoundError`` names those that there are."""
        found = self.find(name)
        if found is None:
            known = ", ".join(one.name for one in self.all()) or "none yet"
            raise NotFoundError(f"no client {name!r} on this device; there are: {known}")
        return found

    def find(self, name: str) -> Client | None:
        """The client of this name, if there is one."""
        rows = self._db.run("SELECT name, made FROM client WHERE name = ?", (name,))
        return _client(rows[0]) if rows else None

    def with_token(self, token: bytes) -> Client | None:
        """The client with the token of this digest, if there is one."""
        rows = self._db.run("SELECT name, made FROM client WHERE token = ?", (token,))
        return _client(rows[0]) if rows else None

    def has(self, name: str, token: bytes) -> bool:
        """Whether this client has the token of this digest."""
        return bool(self._db.run("SELECT 1 FROM client WHERE name = ? AND token = ?", (name, token)))

    def all(self) -> list[Client]:
        """Every client, by name."""
        return [_client(row) for row in self._db.run("SELECT name, made FROM client ORDER BY name")]

    def remove(self, name: str) -> None:
        """Know a client no longer; its grants have to be ended before."""
        self._db.run("DELETE FROM client WHERE name = ?", (name,))

    def grant(self, served: Served) -> None:
        """Keep a grant."""
        self._db.run(
            "INSERT INTO served (id, client, scope, rights, start, until, secrets, trusted, made) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                served.id,
                served.client,
                served.scope,
                served.rights,
                served.start,
                served.end,
                int(served.secrets),
                int(served.trusted),
                served.made,
            ),
        )

    def grants(self, client: str | None = None, *, at: int | None = None) -> list[Served]:
        """The grants, of one client, or that live at a time (Unix seconds), if asked; by client and end."""
        rows = self._db.run(
            "SELECT id, client, scope, rights, start, until, secrets, trusted, made, ended FROM served"
            " WHERE ?1 IS NULL OR client = ?1 ORDER BY client, until, id",
            (client,),
        )
        return [one for one in map(_served, rows) if at is None or one.lives(at)]

    def end(self, grant: bytes, now: int) -> None:
        """End a grant at ``now`` (ms), if it has not ended before."""
        self._db.run("UPDATE served SET ended = ? WHERE id = ? AND ended IS NULL", (now, grant))

    def trust(self, grant: bytes) -> None:
        """Have what comes under this grant need no review."""
        self._db.run("UPDATE served SET trusted = 1 WHERE id = ?", (grant,))


def _client(row: Row) -> Client:
    name, made = row
    return Client(text(name), number(made))


def _served(row: Row) -> Served:
    grant, client, scope, rights, start, until, secrets, trusted, made, ended = row
    return Served(
        blob(grant),
        text(client),
        blob(scope),
        number(rights),
        number(start),
        number(until),
        bool(secrets),
        bool(trusted),
        number(made),
        None if ended is None else number(ended),
    )
