"""Small things by name that belong to no table: the cached owner block, where the stores are, chain and contract, settings.

Values are bytes; what they mean is for whoever put them there.
"""

from __future__ import annotations

from memsync.device.database import Database, blob, text


class Meta:
    """Bytes by name."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, name: str) -> bytes | None:
        """The bytes under ``name``, None if there are none."""
        rows = self._db.run("SELECT value FROM meta WHERE name = ?", (name,))
        return blob(rows[0][0]) if rows else None

    def put(self, name: str, value: bytes) -> None:
        """Keep ``value`` under ``name`` in place of what was there."""
        self._db.run("INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)", (name, value))

    def delete(self, name: str) -> None:
        """Keep nothing under ``name``."""
        self._db.run("DELETE FROM meta WHERE name = ?", (name,))

    def names(self) -> list[str]:
        """All names, sorted."""
        return [text(row[0]) for row in self._db.run("SELECT name FROM meta ORDER BY name")]
