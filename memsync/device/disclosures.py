"""The ledger of what this device gave to whom: each answer to a served tool, with the memories in it.

Entries are only added. They are in the encrypted database, for the question says as much as the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from memsync.device.database import Database, Row, blob, number, text


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One answer: when (ms), to whom, over what (``"mcp"``, ``"http"``), to which verb, the scope's id, the question if any, the
    memories' ids."""

    at: int
    who: str
    channel: str
    verb: str
    scope: bytes
    question: str | None
    memories: tuple[bytes, ...]


class Disclosures:
    """The disclosures of one vault on this device."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def append(self, disclosure: Disclosure) -> None:
        """Write one down, before the answer is given."""
        self._db.run(
            "INSERT INTO disclosure (at, who, channel, verb, scope, question, memories) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                disclosure.at,
                disclosure.who,
                disclosure.channel,
                disclosure.verb,
                disclosure.scope,
                disclosure.question,
                b"".join(disclosure.memories),
            ),
        )

    def query(
        self,
        *,
        who: str | None = None,
        scope: bytes | None = None,
        since: int | None = None,
        until: int | None = None,
        memory: bytes | None = None,
        limit: int = 1000,
    ) -> list[Disclosure]:
        """The latest first; of one receiver, scope, time (``since`` inclusive, ``until`` exclusive) or memory id if asked."""
        rows = self._db.run(
            "SELECT at, who, channel, verb, scope, question, memories FROM disclosure"
            " WHERE (?1 IS NULL OR who = ?1) AND (?2 IS NULL OR scope = ?2) AND (?3 IS NULL OR at >= ?3)"
            " AND (?4 IS NULL OR at < ?4) AND (?5 IS NULL OR instr(memories, ?5)) ORDER BY number DESC LIMIT ?6",
            (who, scope, since, until, memory, limit if memory is None else -1),
        )
        # instr finds bytes at any offset; ids lie at multiples of 16.
        found = (_disclosure(row) for row in rows)
        return [one for one in found if memory is None or memory in one.memories][:limit]

    def counts(self, *, since: int | None = None) -> dict[str, int]:
        """How many answers each receiver got."""
        rows: Sequence[Row] = self._db.run(
            "SELECT who, count(*) FROM disclosure WHERE ?1 IS NULL OR at >= ?1 GROUP BY who ORDER BY who",
            (since,),
        )
        return {text(row[0]): number(row[1]) for row in rows}


def _disclosure(row: Row) -> Disclosure:
    at, who, channel, verb, scope, question, memories = row
    joined = blob(memories)
    return Disclosure(
        number(at),
        text(who),
        text(channel),
        text(verb),
        blob(scope),
        None if question is None else text(question),
        tuple(joined[start : start + 16] for start in range(0, len(joined), 16)),
    )
