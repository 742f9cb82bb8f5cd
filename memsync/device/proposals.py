"""Proposals: what tools would like to be remembered, waiting for the person; in a tool's own database, what it has proposed.

A proposal is known by its grant and its id, so one that comes again, since parcels repeat what is not acknowledged, comes once. What was
decided stays decided.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from memsync.device.database import Database, Row, blob, number, text
from memsync.errors import NotFoundError
from memsync.format.records import draft_value, read_draft
from memsync.ipld.dagcbor import decode, encode
from memsync.memory import Draft, Proof

State = Literal["pending", "accepted", "refused", "sent"]
_WHAT: Final = "proposal"


@dataclass(frozen=True, slots=True)
class Proposed:
    """A draft by ``author`` (32 bytes) under a grant (32), in parcel number ``parcel``; ``id`` 16 bytes, ``signature`` 64,
    ``received`` ms."""

    grant: bytes
    parcel: int
    id: bytes
    author: bytes
    draft: Draft
    signature: bytes
    received: int
    state: State = "pending"


class Proposals:
    """The proposals of one vault."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add_many(self, proposals: Iterable[Proposed]) -> int:
        """Keep those that are not known yet; returns how many."""
        added = 0
        with self._db.transaction():
            for one in proposals:
                self._db.run(
                    "INSERT INTO proposal (grant_id, parcel, id, author, draft, signature, state, received)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (
                        one.grant,
                        one.parcel,
                        one.id,
                        one.author,
                        encode(draft_value(one.draft)),
                        one.signature,
                        one.state,
                        one.received,
                    ),
                )
                added += self._db.changes
        return added

    def all(
        self, *, state: State | None = None, grant: bytes | None = None, after: int = 0
    ) -> list[Proposed]:
        """In the order in which they came; of one state or grant, and those that came ``after`` another, if asked."""
        rows = self._db.run(
            "SELECT grant_id, parcel, id, author, draft, signature, received, state FROM proposal"
            " WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR grant_id = ?2) AND number > ?3 ORDER BY number",
            (state, grant, after),
        )
        return [_proposed(row) for row in rows]

    def last(self) -> int:
        """The number of the one that came last, for ``all``; 0 before there is one."""
        return number(self._db.run("SELECT coalesce(max(number), 0) FROM proposal")[0][0])

    def remove(self, proposals: Iterable[Proposed]) -> None:
        """Know these no longer."""
        self._db.run_many(
            "DELETE FROM proposal WHERE grant_id = ? AND id = ?", ((one.grant, one.id) for one in proposals)
        )

    def waiting(self, one: Proposed) -> Proposed:
        """This proposal as it came in, if nobody has decided about it yet; ``NotFoundError``."""
        for found in self.all(state="pending", grant=one.grant):
            if found.id == one.id:
                return found
        raise NotFoundError(f"proposal {one.id.hex()} waits no more; `memsync review` lists those that do")

    def decide(self, one: Proposed, state: State) -> None:
        """Give it another state."""
        self._db.run(
            "UPDATE proposal SET state = ? WHERE grant_id = ? AND id = ?", (state, one.grant, one.id)
        )

    def accepted_elsewhere(self, proofs: Iterable[Proof]) -> None:
        """Another device made memories of the proposals that these prove; they wait no more."""
        self._db.run_many(
            "UPDATE proposal SET state = 'accepted' WHERE grant_id = ? AND id = ? AND state = 'pending'",
            ((proof.grant, proof.proposal) for proof in proofs),
        )

    def sent_in(self, one: Proposed, parcel: int, signature: bytes) -> None:
        """Note that a parcel of this number carries it."""
        self._db.run(
            "UPDATE proposal SET state = 'sent', parcel = ?, signature = ? WHERE grant_id = ? AND id = ?",
            (parcel, signature, one.grant, one.id),
        )

    def taken_in(self, grant: bytes, parcels: int) -> None:
        """The owner has acknowledged this grant's parcels up to number ``parcels``: what they carried needn't be repeated."""
        self._db.run(
            "UPDATE proposal SET state = 'accepted' WHERE grant_id = ? AND state = 'sent' AND parcel <= ?",
            (grant, parcels),
        )


def _proposed(row: Row) -> Proposed:
    grant, parcel, proposal, author, draft, signature, received, state = row
    return Proposed(
        blob(grant),
        number(parcel),
        blob(proposal),
        blob(author),
        read_draft(decode(blob(draft)), what=_WHAT),
        blob(signature),
        number(received),
        _STATES[text(state)],
    )


_STATES: Final[dict[str, State]] = {
    "pending": "pending",
    "accepted": "accepted",
    "refused": "refused",
    "sent": "sent",
}
