"""An index by words: SQLite's FTS5, one table a scope, in the vault's encrypted database.

In come memories, out come those that share words with the question, ranked by BM25 (Robertson and Zaragoza 2009) over that scope alone:
what one scope holds never shifts the scores of another. Words are folded and stemmed as English (Porter 1980); texts in scripts without
spaces are indexed by character and searched by pairs of characters. The tables hold no text (contentless) and give up deleted words at
once (``secure-delete``). The question is taken apart here, so that no text is ever read as query syntax.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Final

from memsync.device.database import Database, number, real, text
from memsync.device.memories import Document, Memories
from memsync.device.meta import Meta
from memsync.device.scopes import scope_number
from memsync.memory import Memory
from memsync.recall.port import Hit

if TYPE_CHECKING:
    from apsw import FTS5ExtensionApi

VERSION: Final = b"words 1"
"""Of what is written into the tables; another version found means that they are made anew."""

MAX_WORDS: Final = 64
_TAGS_WEIGHT: Final = 0.5
_META: Final = "recall index"
_HASH_SIZE: Final = 8 << 20
"""Bytes that FTS5 gathers before it writes: eight times its own choice, for a third less work at a bulk import."""

_SPARE: Final = 40
"""Candidates read beyond ``k``, since a filter on the memory itself may take some away."""
_STOP: Final = frozenset(
    "a an and are as at be been by can could did do does for from had has have he her hers him his how i if in into is it its "
    "may me might my of on or our she should so some than that the their them then there these they this those to was we were what "
    "when where which who whom why will with would you your".split()
)
# Han, kana, Hangul, Thai, Lao, Khmer, Burmese: scripts whose words no space parts, or whose words carry their particles.
UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_CHARACTER: Final = re.compile(f"[{UNSPACED}]")
_PIECE: Final = re.compile(f"[{UNSPACED}]+|[^{UNSPACED}]+")


class TextIndex:
    """The words of all memories of one vault. An ``Index``; call ``memsync.recall.refresh`` before searching."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._memories = Memories(database)
        database.add_match_function("matched", _matched)
        if Meta(database).get(_META) != VERSION:
            self.clear()

    def clear(self) -> None:
        """Throw everything away; the next ``refresh`` makes it anew."""
        with self._db.transaction():
            for table in self._tables():
                self._db.run(f"DROP TABLE {table}")
            self._memories.mark_unindexed()
            Meta(self._db).put(_META, VERSION)

    def add_many(self, documents: Iterable[Document]) -> None:
        for table, rows in self._by_table(documents).items():
            self._make(table)
            self._db.run_many(f"INSERT INTO {table} (rowid, text, tags) VALUES (?, ?, ?)", rows)  # noqa: S608 ours

    def remove(self, documents: Iterable[Document]) -> None:
        for table, rows in self._by_table(documents).items():
            self._db.run_many(
                f"INSERT INTO {table} ({table}, rowid, text, tags) VALUES ('delete', ?, ?, ?)",  # noqa: S608 ours
                rows,
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
    ) -> list[Hit]:
        words = terms(question)
        if not words or k < 1:
            return []
        query = " OR ".join(f'"{_folded(word)}"' for word in words)
        hits: list[Hit] = []
        for scope in dict.fromkeys(scopes):
            hits += self._search_scope(scope, query, words, k, since, until, now)
        hits.sort(key=lambda hit: (-hit.score, -hit.memory.when, hit.memory.version))
        return hits[:k]

    def _search_scope(
        self,
        scope: bytes,
        query: str,
        words: list[str],
        k: int,
        since: int | None,
        until: int | None,
        now: int | None,
    ) -> list[Hit]:
        table = self._table(scope)
        if table not in self._tables():
            return []
        wanted = k if now is None else k + _SPARE
        while True:
            scores = self._candidates(table, query, since, until, wanted)
            found = [
                one
                for one in self._memories.in_rows(list(scores))
                if now is None or valid_at(one.memory, now)
            ]
            if len(found) >= k or len(scores) < wanted:
                break
            wanted *= 4
        found = found[:k]
        why = self._why(table, query, [one.row for one in found])
        return [
            Hit(one.memory, scope, scores[one.row], tuple(words[at] for at in why.get(one.row, ())))
            for one in found
        ]

    def _candidates(
        self, table: str, query: str, since: int | None, until: int | None, limit: int
    ) -> dict[int, float]:
        """The best rows with their scores, best first."""
        joined = "" if since is None and until is None else f"JOIN memory ON memory.row = {table}.rowid"
        within = " AND (?2 IS NULL OR at >= ?2) AND (?3 IS NULL OR at < ?3)" if joined else ""
        sql = (
            f"SELECT {table}.rowid, bm25({table}, 1.0, {_TAGS_WEIGHT}) AS score FROM {table} {joined}"  # noqa: S608 ours
            f" WHERE {table} MATCH ?1 {within} ORDER BY score LIMIT ?4"
        )
        return {number(row): -real(score) for row, score in self._db.run(sql, (query, since, until, limit))}

    def _why(self, table: str, query: str, rows: list[int]) -> dict[int, list[int]]:
        """Which of the question's words each row has."""
        marks = ",".join("?" * len(rows))
        found = self._db.run(
            f"SELECT rowid, matched({table}) FROM {table} WHERE {table} MATCH ? AND rowid IN ({marks})",  # noqa: S608 ours
            (query, *rows),
        )
        return {number(row): [int(at) for at in text(matched).split()] for row, matched in found}

    def _by_table(self, documents: Iterable[Document]) -> dict[str, list[tuple[int, str, str]]]:
        tables: dict[str, list[tuple[int, str, str]]] = {}
        names: dict[bytes, str] = {}
        for one in documents:
            if one.scope not in names:
                names[one.scope] = self._table(one.scope)
            tables.setdefault(names[one.scope], []).append((one.row, _folded(one.text), _folded(one.tags)))
        return tables

    def _table(self, scope: bytes) -> str:
        return f"words_{scope_number(self._db, scope)}"

    def _tables(self) -> list[str]:
        rows = self._db.run(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'words_[0-9]*' AND sql LIKE 'CREATE VIRTUAL%'"
        )
        return [text(row[0]) for row in rows]

    def _make(self, table: str) -> None:
        if table in self._tables():
            return
        self._db.run(
            f"CREATE VIRTUAL TABLE {table} USING fts5"
            "(text, tags, content='', tokenize='porter unicode61 remove_diacritics 2')"
        )
        for option, value in (("secure-delete", 1), ("hashsize", _HASH_SIZE)):
            self._db.run(f"INSERT INTO {table} ({table}, rank) VALUES (?, ?)", (option, value))  # noqa: S608 ours


def terms(question: str) -> list[str]:
    """The words to look for, in the question's order, at most 64: without the commonest ones, if others are left.

    A run of characters in a script without spaces becomes its pairs of neighbours.
    """
    kept = "".join(char if unicodedata.category(char)[0] in "LNM" else " " for char in question.casefold())
    words: list[str] = []
    for piece in (piece for word in kept.split() for piece in _PIECE.findall(word)):
        if len(piece) > 1 and _CHARACTER.match(piece):
            words += [piece[at : at + 2] for at in range(len(piece) - 1)]
        else:
            words.append(piece)
    words = list(dict.fromkeys(words))
    return ([word for word in words if word not in _STOP] or words)[:MAX_WORDS]


def valid_at(memory: Memory, now: int) -> bool:
    """Whether a memory holds at ``now`` (ms): from ``valid_from`` on, until just before ``valid_until``."""
    return (memory.valid_from is None or memory.valid_from <= now) and (
        memory.valid_until is None or now < memory.valid_until
    )


def _folded(words: str) -> str:
    """As both sides are compared: case folded as Unicode says, and a space about each character that no space parts from others."""
    return words if words.isascii() else _CHARACTER.sub(r" \g<0> ", words.casefold())


def _matched(api: FTS5ExtensionApi, *_: object) -> str:
    return " ".join(str(phrase) for phrase in range(api.phrase_count) if any(api.phrase_locations(phrase)))
