"""The index over all memories of one vault: two shelves a scope in the encrypted database, a view of each in memory, the answers together.

What one scope holds never shifts the scores of another; answers of several scopes are put in one order. What is tagged as a secret has a
shelf of its own, so that to who may not find it no score, label or word tells that it is there. Writing needs no more than the database;
reading loads numpy when the first question comes. Another process's writing is noticed before each answer. Where an embedder has been
chosen (``meanings``), what it has embedded so far is weighed beside the words.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final

from memsync.device.database import Database, blob, text
from memsync.device.memories import Memories
from memsync.device.meta import Meta
from memsync.device.rows import Document, Found
from memsync.device.scopes import number_scope, scope_number
from memsync.memory import SECRET_TAG, Memory
from memsync.recall.meanings import Meanings
from memsync.recall.port import Hit
from memsync.recall.shelf import Shelf
from memsync.recall.signs import named
from memsync.recall.words import terms

if TYPE_CHECKING:
    from memsync.recall.view import Floats, View

VERSION: Final = b"words 4"
"""Of what is written into the tables; another version found means that they are made anew."""

_META: Final = "recall index"
_RUNS: Final = ("runs", "secrets")
_SPARE: Final = 10
"""Candidates read beyond ``k``, since a filter on the memory itself may take some away."""
_OVER: Final = 0.5
"""What is left of the score of a memory that another supersedes, or that holds no longer."""


class TextIndex:
    """The words of all memories of one vault. An ``Index``; call ``memsync.recall.refresh`` before searching."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._memories = Memories(database)
        self._meta = Meta(database)
        self._views: dict[tuple[int, bool], View] = {}
        self.meanings = Meanings(database)
        if self._meta.get(_META) != VERSION:
            self.clear()

    def clear(self) -> None:
        """Throw everything away; the next ``refresh`` makes it anew."""
        with self._db.transaction():
            for table in self._tables():
                self._db.run(f"DROP TABLE IF EXISTS {table}")
            self._db.run(
                "CREATE TABLE words_superseded (scope INTEGER NOT NULL, id BLOB NOT NULL, row INTEGER NOT NULL, secret INTEGER NOT NULL,"
                " PRIMARY KEY (scope, id, row)) WITHOUT ROWID"
            )
            self._memories.mark_unindexed()
            for name in self._meta.names():
                if name.startswith(f"{_META} "):
                    self._meta.delete(name)
            self._meta.put(_META, VERSION)

    def add_many(self, documents: Iterable[Document]) -> None:
        for (scope, secrets), some in _by_shelf(documents).items():
            settled = self._shelf(number_scope(self._db, scope), secrets=secrets).add(some)
            self._touch(number_scope(self._db, scope), secrets=secrets, runs=settled)
            self.meanings.came(min(one.row for one in some))
            over = [
                (scope_number(self._db, scope), memory, one.row, secrets)
                for one in some
                for memory in one.supersedes
            ]
            if over:
                self._db.run_many(
                    "INSERT OR IGNORE INTO words_superseded (scope, id, row, secret) VALUES (?, ?, ?, ?)",
                    over,
                )

    def remove(self, documents: Iterable[Document]) -> None:
        for (scope, secrets), some in _by_shelf(documents).items():
            settled = self._shelf(number_scope(self._db, scope), secrets=secrets).remove(some)
            self._touch(number_scope(self._db, scope), secrets=secrets, runs=settled)
            self.meanings.let_go(scope_number(self._db, scope), [one.row for one in some])
            self._db.run_many(
                "DELETE FROM words_superseded WHERE scope = ? AND row = ?",
                [(scope_number(self._db, scope), one.row) for one in some if one.supersedes],
            )

    def search(
        self,
        question: str,
        scopes: Collection[bytes],
        *,
        k: int = 10,
        since: int | None = None,
        until: int | None = None,
        now: int | None = None,
        clock: int | None = None,
        words_only: bool = False,
        secrets: Collection[bytes] | None = None,
    ) -> list[Hit]:
        """As the port says; ``words_only``: no embedder gets the question. ``secrets``: the scopes whose secrets may be found, None: all;
        those of others play no part."""
        words = terms(question)
        if not words or k < 1:
            return []
        clock = now if clock is None else clock
        if clock is None:
            clock = int(time.time() * 1000)
        hits: list[Hit] = []
        scopes = list(dict.fromkeys(scopes))
        meant = {} if words_only else self.meanings.ask(self._as_meant(scopes, words))
        # One lock, the database's: a second one could be waited for by a thread that holds the first.
        with self._db.alone():
            for scope in scopes:
                may = secrets is None or scope in secrets
                for hidden in (False, True) if may else (False,):
                    hits += self._search_shelf(
                        scope, hidden, may, question, words, k, since, until, now, clock, meant.get(scope)
                    )
        hits.sort(key=lambda hit: (-hit.score, -hit.memory.when, hit.memory.version))
        return hits[:k]

    def neighbours(self, scope: bytes, row: int, *, secrets: bool = True) -> list[Found]:
        """The memories just before and just after one, in their conversation; without ``secrets``, as if these were not there."""
        with self._db.alone():
            import numpy as np

            found = [self._view(scope, secrets=one) for one in ((False, True) if secrets else (False,))]
            views = [one for one in found if one is not None]
            own = [int(one) for view in views for one in view.talk[view.row == row] if one]
            if not own:
                return []
            which = [np.flatnonzero(view.talk == own[0]) for view in views]
            turn, at, rows = (
                np.concatenate([getattr(view, name)[here] for view, here in zip(views, which, strict=True)])
                for name in ("turn", "at", "row")
            )
            ordered = rows[np.lexsort((rows, at, turn))].tolist()
            here = ordered.index(row)
            return self._memories.in_rows(ordered[max(0, here - 1) : here] + ordered[here + 1 : here + 2])

    def stamp(self, scope: bytes) -> bytes | None:
        """Eight bytes that change with everything that is written in a scope; None while nothing is."""
        return self._meta.get(f"{_META} {scope_number(self._db, scope)} all")

    def superseded(self, scope: bytes) -> set[bytes]:
        """The ids of all memories of a scope that another one supersedes, which is no secret."""
        rows = self._db.run(
            "SELECT id FROM words_superseded WHERE scope = ? AND NOT secret",
            (scope_number(self._db, scope),),
        )
        return {blob(row[0]) for row in rows}

    def _as_meant(self, scopes: list[bytes], words: list[str]) -> dict[bytes, str]:
        """What an embedder gets of a question, for each scope that has vectors: its words without the names of those who speak there.

        Names outweigh all else in the vector of a short text, and who says something does not say their own name.
        """
        found = {}
        with self._db.alone():
            for scope in scopes:
                if self.meanings.has(scope_number(self._db, scope)):
                    view = self._view(scope)
                    left = [word for word in words if view is None or named(word) not in view.speakers]
                    found[scope] = " ".join(left or words)
        return found

    def _search_shelf(
        self,
        scope: bytes,
        hidden: bool,  # noqa: FBT001
        may: bool,  # noqa: FBT001
        question: str,
        words: list[str],
        k: int,
        since: int | None,
        until: int | None,
        now: int | None,
        clock: int,
        meant: Floats | None,
    ) -> list[Hit]:
        """One scope's hits: its secrets' where ``hidden``; ``may``: whether these count for the labels of others."""
        view = self._view(scope, secrets=hidden)
        if view is None or not view.count:
            return []
        import numpy as np

        from memsync.recall import rank
        from memsync.recall.times import beside, event, spans

        times = spans(question, now=clock, first=view.first, last=view.last)
        if not times and (named := event(question)):
            at = rank.time_of(view, named[1])
            times = [] if at is None else [beside(named[0], at)]
        asked = rank.read_question(view, question, times)
        wanted = k + _SPARE
        near = also = more = None
        if meant is not None:
            near = self.meanings.near(
                view, scope_number(self._db, scope), meant, (since, until), secrets=hidden
            )
            also = near.places
        while True:
            pool = rank.pool(view, asked, since=since, until=until, wanted=wanted, also=also)
            if near is not None and len(pool.places):
                from memsync.recall import meaning

                more = meaning.weigh(view, pool, near)
            scores = rank.weigh(pool, more)
            order = np.lexsort((-view.at[pool.places], -scores))[:wanted]
            rows = {int(view.row[pool.places[at]]): (int(pool.places[at]), float(scores[at])) for at in order}
            found = self._memories.in_rows(list(rows))
            found = [one for one in found if now is None or valid_at(one.memory, now)]
            if len(found) >= k or len(order) < wanted:
                break
            wanted *= 4
        over = self._superseded(scope, found, secrets=may)
        hits = []
        for one in found:
            place, score = rows[one.row]
            labels = _labels(one.memory, over, clock)
            score *= _OVER if labels else 1.0
            hits.append((score, place, labels, one))
        hits.sort(key=lambda hit: -hit[0])
        conflicts = self._conflicts([hit[3] for hit in hits[:k]], secrets=may)
        why = rank.matching(view, [hit[1] for hit in hits[:k]], words)
        return [
            Hit(
                one.memory,
                scope,
                score,
                tuple(words[at] for at in matched),
                (*labels, "conflict") if one.memory.id in conflicts else labels,
                one.row,
            )
            for (score, _, labels, one), matched in zip(hits[:k], why, strict=True)
        ]

    def _superseded(self, scope: bytes, found: list[Found], *, secrets: bool) -> set[bytes]:
        number = scope_number(self._db, scope)
        over: set[bytes] = set()
        for one in found:
            if self._db.run(
                "SELECT 1 FROM words_superseded WHERE scope = ? AND id = ? AND secret <= ?",
                (number, one.memory.id, secrets),
            ):
                over.add(one.memory.id)
        return over

    def _conflicts(self, found: list[Found], *, secrets: bool) -> set[bytes]:
        versions = {one.memory.id: self._memories.get(one.scope, one.memory.id) for one in found}
        return {
            memory
            for memory, all_of_it in versions.items()
            if sum(secrets or SECRET_TAG not in one.tags for one in all_of_it) > 1
        }

    def _view(self, scope: bytes, *, secrets: bool = False) -> View | None:
        number = scope_number(self._db, scope)
        frozen, stamp = (self._meta.get(f"{_META} {number} {what}") for what in (_RUNS[secrets], "all"))
        if frozen is None or stamp is None:
            return None
        from memsync.recall.view import View

        key = (number, secrets)
        if key not in self._views:
            self._views[key] = View(self._shelf(number, secrets=secrets))
        self._views[key].refresh(frozen, stamp)
        return self._views[key]

    def _touch(self, scope: int, *, secrets: bool, runs: bool) -> None:
        # Random, not counted: a transaction that is undone would let the same number stand for two contents.
        self._meta.put(f"{_META} {scope} all", os.urandom(8))
        if runs or self._meta.get(f"{_META} {scope} {_RUNS[secrets]}") is None:
            self._meta.put(f"{_META} {scope} {_RUNS[secrets]}", os.urandom(8))

    def _shelf(self, scope: int, *, secrets: bool = False) -> Shelf:
        return Shelf(self._db, scope, secrets=secrets)

    def _tables(self) -> list[str]:
        rows = self._db.run("SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'words_*'")
        names = [text(row[0]) for row in rows]
        # FTS5's shadow tables, of an index made by an earlier version, go with their table.
        return [
            one
            for one in names
            if not any(one.startswith(f"{other}_") for other in names if other[6:].isdigit())
        ]


def valid_at(memory: Memory, now: int) -> bool:
    """Whether a memory holds at ``now`` (ms): from ``valid_from`` on, until just before ``valid_until``."""
    return (memory.valid_from is None or memory.valid_from <= now) and (
        memory.valid_until is None or now < memory.valid_until
    )


def _labels(memory: Memory, over: set[bytes], clock: int) -> tuple[str, ...]:
    return ("superseded",) * (memory.id in over) + ("expired",) * (not valid_at(memory, clock))


def _by_shelf(documents: Iterable[Document]) -> dict[tuple[bytes, bool], list[Document]]:
    found: dict[tuple[bytes, bool], list[Document]] = {}
    for one in documents:
        found.setdefault((one.scope, one.secret), []).append(one)
    return found
