"""The heads this device has seen, so that nobody can show it an older one unnoticed.

Two are remembered: the highest seen, and the highest seen *final*. A chain may undo what is not final, so only a head that contradicts the
final one is an alarm; one below the highest seen is for the caller to wait over. The highest generation is remembered with them.
"""

from __future__ import annotations

from dataclasses import dataclass

from memsync.device.database import Database, blob, number
from memsync.errors import Forked, RolledBack


@dataclass(frozen=True, slots=True)
class Head:
    """A head: its sequence, the digest of its root (32 bytes), the root's generation."""

    sequence: int
    root: bytes
    generation: int


class Heads:
    """The highest head seen, and the highest final one."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def seen(self) -> Head | None:
        """The highest head seen, final or not."""
        return self._get("seen")

    def final(self) -> Head | None:
        """The highest head that can't be undone."""
        return self._get("final")

    def check(self, sequence: int, root: bytes) -> None:
        """``RolledBack`` for a head below the final one, ``Forked`` for another root under the final one's sequence."""
        final = self.final()
        if final is None:
            return
        if sequence < final.sequence:
            raise RolledBack(
                f"the chain shows sequence {sequence}, this device has seen {final.sequence} final; "
                "ask another RPC: this one is stale, lies, or its chain began anew"
            )
        if sequence == final.sequence and root != final.root:
            raise Forked(
                f"the chain shows another root under sequence {sequence} than the one that was final; "
                "ask another RPC, and don't push until it is explained"
            )

    def note(self, head: Head, *, final: bool = False) -> None:
        """Remember a head whose root was read and checked; raises as ``check`` does, and ``RolledBack`` for an older generation.

        The highest stays: a lower one, or another root under a sequence that was not final, is no alarm.
        """
        with self._db.transaction():
            self.check(head.sequence, head.root)
            seen, known = self.seen(), self.final()
            generation = max((other.generation for other in (seen, known) if other is not None), default=0)
            if head.generation < generation:
                raise RolledBack(
                    f"a root of generation {head.generation}, this device has seen {generation}: "
                    "it was made by a device that has been removed"
                )
            if seen is None or head.sequence >= seen.sequence:
                self._put("seen", head)
            if final:
                self._put("final", head)

    def take_back(self) -> None:
        """Know no head but the final one: the chain has undone the others, with the generation that they were of."""
        final = self.final()
        if final is None:
            self._db.run("DELETE FROM head WHERE name = 'seen'")
        else:
            self._put("seen", final)

    def forget(self) -> None:
        """Know no head: the vault is moved to another chain."""
        self._db.run("DELETE FROM head")

    def _get(self, name: str) -> Head | None:
        rows = self._db.run("SELECT sequence, root, generation FROM head WHERE name = ?", (name,))
        return Head(number(rows[0][0]), blob(rows[0][1]), number(rows[0][2])) if rows else None

    def _put(self, name: str, head: Head) -> None:
        self._db.run(
            "INSERT OR REPLACE INTO head (name, sequence, root, generation) VALUES (?, ?, ?, ?)",
            (name, head.sequence, head.root, head.generation),
        )
