"""What this device did on the chain, for the person to look back on: opens, pushes, grants, revocations.

Only a record; nothing is decided by it, and the chain's own events are the truth.
"""

from __future__ import annotations

from dataclasses import dataclass

from memsync.device.database import Database, Row, blob, number, text


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing done: when (ms), what (``"push"``, ``"grant"`` …), sequence, block number and transaction hash if any, a sentence."""

    at: int
    kind: str
    sequence: int | None
    block: int | None
    transaction: bytes | None
    detail: str


class History:
    """The deeds of this device, in order."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def append(self, deed: Deed) -> None:
        """Write one down."""
        self._db.run(
            "INSERT INTO history (at, kind, sequence, block, proof, detail) VALUES (?, ?, ?, ?, ?, ?)",
            (deed.at, deed.kind, deed.sequence, deed.block, deed.transaction, deed.detail),
        )

    def latest(self, limit: int = 100) -> list[Deed]:
        """The latest first."""
        rows = self._db.run(
            "SELECT at, kind, sequence, block, proof, detail FROM history ORDER BY number DESC LIMIT ?",
            (limit,),
        )
        return [_deed(row) for row in rows]


def _deed(row: Row) -> Deed:
    at, kind, sequence, block, transaction, detail = row
    return Deed(
        number(at),
        text(kind),
        None if sequence is None else number(sequence),
        None if block is None else number(block),
        None if transaction is None else blob(transaction),
        text(detail),
    )
