"""The keys of what was imported, so that importing again adds nothing."""

from __future__ import annotations

from collections.abc import Iterable

from memsync.device.database import Database


class Imported:
    """A set of importers' keys, 16 bytes each."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def __contains__(self, key: object) -> bool:
        return isinstance(key, bytes) and bool(self._db.run("SELECT 1 FROM imported WHERE key = ?", (key,)))

    def is_empty(self) -> bool:
        """Whether nothing was imported yet."""
        return not self._db.run("SELECT 1 FROM imported LIMIT 1")

    def add_many(self, keys: Iterable[bytes]) -> None:
        """Remember these."""
        self._db.run_many("INSERT OR IGNORE INTO imported (key) VALUES (?)", ((key,) for key in keys))
