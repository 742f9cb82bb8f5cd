"""A whole scope's memories at a glance, for what must look at each of them once: their rows, and of each row as much as can be had without
decoding it. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memsync.device.database import Database, blob, number, text
from memsync.device.scopes import scope_number

_BATCH = 2000


@dataclass(frozen=True, slots=True)
class Line:
    """Of a current version: the number of its row, its time (ms), the text, whether it is a statement (``semantic``), and whether an
    assistant said it, and whether it is tagged as a secret. The last three are looked for in the record's bytes: a title that spells them
    out deceives."""

    row: int
    at: int
    text: str
    semantic: bool
    assistant: bool
    secret: bool


class Lines:
    """The current versions of one vault; scope ids are 16 bytes."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def rows(self, scope: bytes) -> set[int]:
        """The rows of all current versions of a scope."""
        # As one text: to hand over each row by itself takes three times as long.
        [(found,)] = self._db.run(
            "SELECT coalesce(group_concat(row), '') FROM memory WHERE scope = ? AND current",
            (scope_number(self._db, scope),),
        )
        return set(map(int, filter(None, text(found).split(","))))

    def read(self, scope: bytes, *, after: int = 0) -> Iterator[Line]:
        """Every current version of a scope whose row is later than ``after``, by row."""
        in_scope = scope_number(self._db, scope)
        while page := self._db.run(
            "SELECT row, at, text, rest FROM memory WHERE scope = ? AND row > ? AND current ORDER BY row LIMIT ?",
            (in_scope, after, _BATCH),
        ):
            for row, at, words, rest in page:
                after, known = number(row), blob(rest)
                yield Line(
                    after,
                    number(at),
                    text(words),
                    b"dkindhsemantic" in known,
                    b"droleiassistant" in known,
                    b"fsecret" in known,
                )
