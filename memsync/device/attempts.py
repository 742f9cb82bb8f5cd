"""Pushes on their way: what was signed, which blocks and journal entries it holds, until when it can land.

An attempt is recorded before its call is sent, with the call's very bytes, so that a repeated push sends the same. It is *live* until a
final block has passed its sequence or its deadline; while it is, its blocks must not be collected, for it may still land. When a commit
is final, the entries that it holds leave the journal; those of attempts that lost stay there, free for the next.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from memsync.device.database import Database, Row, Value, blob, number
from memsync.errors import InputError, NotFoundError

_COLUMNS = "number, sequence, root, call, blocks, deadline, created, sent, proof"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One signed commit.

    ``sequence``: the sequence that its root has; ``root``: digest of its root; ``call``: the signed call, in the layer above's bytes;
    ``blocks``: digests that it needs in the store; ``deadline``: unix seconds up to which the contract takes it; ``created``, ``sent``:
    ms, sent None until somebody tried; ``proof``: the transaction's hash, once known.
    """

    number: int
    sequence: int
    root: bytes
    call: bytes
    blocks: tuple[bytes, ...]
    deadline: int
    created: int
    sent: int | None
    proof: bytes | None


@dataclass(frozen=True, slots=True)
class Settled:
    """What a final head decided: our attempts that landed, how many entries left the journal, our attempts that were in vain."""

    landed: tuple[Attempt, ...]
    entries: int
    lost: tuple[Attempt, ...]


class Attempts:
    """The attempts that may still land."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def begin(
        self,
        *,
        sequence: int,
        root: bytes,
        call: bytes,
        blocks: Iterable[bytes],
        entries: Sequence[int],
        deadline: int,
        created: int,
    ) -> Attempt:
        """Record an attempt that holds these journal entries (ordinals), before its call is sent."""
        digests = list(blocks)
        if any(len(digest) != 32 for digest in (root, *digests)):
            raise InputError("roots and blocks are named by 32-byte digests")
        with self._db.transaction():
            self._db.run(
                "INSERT INTO attempt (sequence, root, call, blocks, deadline, created) VALUES (?, ?, ?, ?, ?, ?)",
                (sequence, root, call, b"".join(digests), deadline, created),
            )
            made = self._db.last_row
            self._db.run_many(
                "INSERT INTO attempt_entry (attempt, ordinal) VALUES (?, ?)",
                ((made, ordinal) for ordinal in entries),
            )
            return self.get(made)

    def get(self, number: int) -> Attempt:
        """The attempt of this number; ``NotFoundError`` if it is over."""
        found = self._select("number = ?", (number,))
        if not found:
            raise NotFoundError(f"attempt {number} is over")
        return found[0]

    def live(self) -> list[Attempt]:
        """Every attempt that may still land, oldest first."""
        return self._select("1", ())

    def at(self, sequence: int) -> list[Attempt]:
        """The live attempts for this sequence, oldest first."""
        return self._select("sequence = ?", (sequence,))

    def latest(self) -> Attempt | None:
        """The live attempt that was recorded last."""
        found = self.live()
        return found[-1] if found else None

    def live_blocks(self) -> set[bytes]:
        """The digests that a live attempt needs: never collect them."""
        return {digest for attempt in self.live() for digest in attempt.blocks}

    def sent(self, number: int, *, at: int, proof: bytes | None = None) -> None:
        """Note that the call of this attempt was sent at ``at`` (ms), and its transaction's hash when there is one."""
        self._db.run(
            "UPDATE attempt SET sent = ?, proof = coalesce(?, proof) WHERE number = ?", (at, proof, number)
        )

    def settle(self, sequence: int, roots: Collection[bytes]) -> Settled:
        """Take in that the head of this ``sequence`` is final, and that ``roots`` (digests) are known to be on the way to it.

        Ours among ``roots`` landed: their entries leave the journal. Every attempt for this sequence or one before is over; the entries
        of those that did not land, or landed unseen, stay. So name the final root and as many before it as are known, and take entries
        that the final root reaches all the same out by ``Journal.remove``.
        """
        with self._db.transaction():
            over = self._select("sequence <= ?", (sequence,))
            landed = tuple(attempt for attempt in over if attempt.root in roots)
            removed = 0
            for attempt in landed:
                self._db.run(
                    "DELETE FROM journal WHERE ordinal IN (SELECT ordinal FROM attempt_entry WHERE attempt = ?)",
                    (attempt.number,),
                )
                removed += self._db.changes
            self._db.run("DELETE FROM attempt WHERE sequence <= ?", (sequence,))
            return Settled(landed, removed, tuple(attempt for attempt in over if attempt not in landed))

    def expire(self, time: int) -> list[Attempt]:
        """Give up the attempts whose deadline was before ``time``, that of a *final* block in unix seconds; their entries are free again.

        Only for attempts of sequences that no final head has reached: settle those first.
        """
        with self._db.transaction():
            gone = self._select("deadline < ?", (time,))
            self._db.run("DELETE FROM attempt WHERE deadline < ?", (time,))
            return gone

    def drop(self, number: int) -> None:
        """Forget an attempt that can never land: one whose call was never sent, say."""
        self._db.run("DELETE FROM attempt WHERE number = ?", (number,))

    def _select(self, condition: str, values: tuple[Value, ...]) -> list[Attempt]:
        rows = self._db.run(f"SELECT {_COLUMNS} FROM attempt WHERE {condition} ORDER BY number", values)  # noqa: S608 ours
        return [_attempt(row) for row in rows]


def _attempt(row: Row) -> Attempt:
    made, sequence, root, call, blocks, deadline, created, sent, proof = row
    joined = blob(blocks)
    return Attempt(
        number(made),
        number(sequence),
        blob(root),
        blob(call),
        tuple(joined[at : at + 32] for at in range(0, len(joined), 32)),
        number(deadline),
        number(created),
        None if sent is None else number(sent),
        None if proof is None else blob(proof),
    )
