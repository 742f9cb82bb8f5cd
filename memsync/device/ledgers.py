"""Taking along what a device keeps beside memories: contacts, disclosures, history, proposals, what was imported, and small things by name.

For a vault that moves to another chain, whose database is made anew. What is bound to the chain or made from memories stays behind;
everything else comes, tables of later steps among it, so these must name scopes by their ids.
"""

from __future__ import annotations

from collections.abc import Collection

from memsync.device.database import Database, text
from memsync.device.meta import Meta

_MADE_ANEW = frozenset(
    {
        "attempt",
        "attempt_entry",
        "embedder",
        "head",
        "holding",
        "journal",
        "memory",
        "meta",
        "node",
        "replaced",
        "scope",
        "segment",
        "tombstone",
        "vector",
    }
)


def carry_ledgers(old: Database, new: Database, *, without: Collection[str]) -> None:
    """Put the tables of ``old`` in place of those of ``new``, and what it has by name but for names that are ``without`` or begin with
    one that ends in a colon."""
    with new.transaction():
        for table in _ledgers(old):
            rows = old.run(f"SELECT * FROM {table}")  # noqa: S608 ours
            new.run(f"DELETE FROM {table}")  # noqa: S608 ours
            marks = ", ".join("?" * len(rows[0])) if rows else ""
            new.run_many(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 ours
        source, target = Meta(old), Meta(new)
        for name in source.names():
            value = source.get(name)
            if value is not None and name not in without and name.partition(":")[0] + ":" not in without:
                target.put(name, value)


def _ledgers(database: Database) -> list[str]:
    """The tables that come along: not SQLite's own, not the index's."""
    rows = database.run(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB 'words_*' ORDER BY name"
    )
    return [name for name in (text(row[0]) for row in rows) if name not in _MADE_ANEW]
