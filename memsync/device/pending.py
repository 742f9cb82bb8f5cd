"""What the tools of this device would like done, waiting for the person: a text remembered, a memory forgotten.

Each is known again by its digest, so that the same wish comes once, and one that was refused stays refused. What has been decided keeps
its line and loses its text. A client's wishes are bounded, in number and size, and so are its lines: one that floods keeps nobody else out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from memsync.device.database import Database, Row, blob, number, text
from memsync.errors import InputError, NotFoundError
from memsync.format.records import draft_value, read_draft
from memsync.ipld.dagcbor import decode, encode
from memsync.memory import Draft

Deed = Literal["remember", "forget"]
State = Literal["pending", "accepted", "refused"]
MOST: Final = 200
"""Wishes of one client that may wait."""
MOST_BYTES: Final = 2 << 20
"""Bytes of all wishes of one client that may wait."""
_LINES: Final = 10_000
_WHAT: Final = "proposal"
_STATES: Final[dict[str, State]] = {one: one for one in get_args(State)}
_DEEDS: Final[dict[str, Deed]] = {one: one for one in get_args(Deed)}


@dataclass(frozen=True, slots=True)
class Wish:
    """A client's wish in a scope: ``id`` and ``scope`` 16 bytes, ``digest`` 32, ``received`` ms.

    ``draft``: what to remember, None once that is decided; ``memory`` (16 bytes): what to forget, or what the draft became.
    """

    id: bytes
    client: str
    scope: bytes
    deed: Deed
    digest: bytes
    draft: Draft | None
    memory: bytes | None
    received: int
    state: State = "pending"


class Pending:
    """The wishes of one vault's clients."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, wish: Wish) -> None:
        """Keep a wish. ``InputError`` where too many, or too large ones, of its client wait."""
        draft = None if wish.draft is None else encode(draft_value(wish.draft))
        size = len(draft or b"")
        with self._db.transaction():
            [(count, total)] = self._db.run(
                "SELECT count(*), coalesce(sum(size), 0) FROM pending WHERE state = 'pending' AND client = ?",
                (wish.client,),
            )
            if number(count) >= MOST or number(total) + size > MOST_BYTES:
                raise InputError(
                    f"{number(count)} proposals of {wish.client} wait and no more fit; the person decides about them by `memsync review`"
                )
            self._db.run(
                "INSERT INTO pending (id, client, scope, deed, digest, draft, memory, size, received, state)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    wish.id,
                    wish.client,
                    wish.scope,
                    wish.deed,
                    wish.digest,
                    draft,
                    wish.memory,
                    size,
                    wish.received,
                    wish.state,
                ),
            )
            self._db.run(
                "DELETE FROM pending WHERE client = ?1 AND state <> 'pending' AND number <= (SELECT number FROM pending"
                " WHERE client = ?1 AND state <> 'pending' ORDER BY number DESC LIMIT 1 OFFSET ?2)",
                (wish.client, _LINES),
            )

    def known(self, client: str, scope: bytes, digest: bytes) -> Wish | None:
        """The latest wish of this client with this digest in this scope, decided or not."""
        found = self._select(
            "client = ? AND scope = ? AND digest = ? ORDER BY number DESC LIMIT 1", client, scope, digest
        )
        return found[0] if found else None

    def waiting(self, client: str | None = None) -> list[Wish]:
        """Those that wait, in the order in which they came; of one client if asked."""
        return self._select("state = 'pending' AND (?1 IS NULL OR client = ?1) ORDER BY number", client)

    def get(self, wish: bytes) -> Wish:
        """The wish of this id if it waits; ``NotFoundError``."""
        found = self._select("id = ? AND state = 'pending'", wish)
        if not found:
            raise NotFoundError(f"proposal {wish.hex()} waits no more; `memsync review` lists those that do")
        return found[0]

    def count(self) -> int:
        """How many wait."""
        return number(self._db.run("SELECT count(*) FROM pending WHERE state = 'pending'")[0][0])

    def decide(self, wish: Wish, state: State, memory: bytes | None = None) -> None:
        """Note what was decided, and which memory came of it."""
        self._db.run(
            "UPDATE pending SET state = ?, draft = NULL, size = 0, memory = coalesce(?, memory) WHERE id = ?",
            (state, memory, wish.id),
        )

    # ------------------------------------------------------------------ whose proposals are dropped

    def mute(self, who: bytes, now: int) -> None:
        """Drop what this client (its name's bytes) or grant (its id) proposes, from ``now`` (ms) on."""
        self._db.run("INSERT OR IGNORE INTO muted (who, since) VALUES (?, ?)", (who, now))

    def unmute(self, who: bytes) -> None:
        """Take proposals again."""
        self._db.run("DELETE FROM muted WHERE who = ?", (who,))

    def is_muted(self, who: bytes) -> bool:
        """Whether this one's proposals are dropped."""
        return bool(self._db.run("SELECT 1 FROM muted WHERE who = ?", (who,)))

    def muted(self) -> set[bytes]:
        """All whose proposals are dropped."""
        return {blob(row[0]) for row in self._db.run("SELECT who FROM muted")}

    def _select(self, condition: str, *values: str | bytes | None) -> list[Wish]:
        rows = self._db.run(
            f"SELECT id, client, scope, deed, digest, draft, memory, received, state FROM pending WHERE {condition}",  # noqa: S608 ours
            values,
        )
        return [_wish(row) for row in rows]


def _wish(row: Row) -> Wish:
    wish, client, scope, deed, digest, draft, memory, received, state = row
    return Wish(
        blob(wish),
        text(client),
        blob(scope),
        _DEEDS[text(deed)],
        blob(digest),
        None if draft is None else read_draft(decode(blob(draft)), what=_WHAT),
        None if memory is None else blob(memory),
        number(received),
        _STATES[text(state)],
    )
