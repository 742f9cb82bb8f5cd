"""The index of one scope as it lies in the vault's encrypted database: words written lately, and runs of words that have settled.

What is added goes, whole, into a table of fresh documents. Once there are many, they become a *run*: up to 65,536 documents numbered from
0, and for each word the numbers of those that have it and how often, as bytes; many small runs become a large one. What is removed is
taken out of the table, or out of the run's bytes for each of its words. No table holds a text, and all of it can be made anew.
"""

from __future__ import annotations

import sys
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from memsync.device.database import Database, Row, blob, number, text
from memsync.device.rows import Document
from memsync.recall.signs import Signs, signs
from memsync.recall.words import stems

FRESH: Final = 8192
"""Documents that wait before they become a run."""
LARGEST: Final = 1 << 16
COLUMNS: Final = (
    ("row", "q"), ("at", "q"), ("conversation", "q"), ("turn", "q"), ("speaker", "I"), ("asking", "B"), ("flags", "B"), ("kinds", "Q"),
    ("length", "I"),
)  # fmt: skip
"""Of a run, one array each, one after the other; the types are ``array``'s."""
TITLE: Final = "="
"""Before a word of the title of a memory's conversation: no word of a text has this character."""
_WIDTH: Final = {"q": 8, "Q": 8, "I": 4, "B": 1}
_FRESH_COLUMNS: Final = "row, at, conversation, turn, speaker, asking, flags, kinds, words"


@dataclass(frozen=True, slots=True)
class Entry:
    """A document as it is indexed: the number of its memory's row, its time (ms), its signs, its words, then its title's, and how many its
    own are. Of one without any the only word is ``""``."""

    row: int
    at: int
    signs: Signs
    words: list[str]
    length: int


@dataclass(frozen=True, slots=True)
class Run:
    """A settled part: its number, how many documents, and ``COLUMNS`` as bytes. A removed document's row is 0."""

    number: int
    count: int
    columns: bytes


class Shelf:
    """The tables of one scope, or of its ``secrets``; ``scope`` is the scope's number in the database."""

    def __init__(self, database: Database, scope: int, *, secrets: bool = False) -> None:
        self._db = database
        name = f"words_{scope}_secrets" if secrets else f"words_{scope}"
        self._fresh, self._runs, self._postings = f"{name}_fresh", f"{name}_runs", f"{name}_postings"
        database.run(
            f"CREATE TABLE IF NOT EXISTS {self._fresh} (row INTEGER PRIMARY KEY, at INTEGER NOT NULL, conversation INTEGER NOT NULL,"
            " turn INTEGER NOT NULL, speaker INTEGER NOT NULL, asking INTEGER NOT NULL, flags INTEGER NOT NULL, kinds INTEGER NOT NULL,"
            " words TEXT NOT NULL)"
        )
        database.run(
            f"CREATE TABLE IF NOT EXISTS {self._runs} (number INTEGER PRIMARY KEY, count INTEGER NOT NULL, columns BLOB NOT NULL)"
        )
        database.run(
            f"CREATE TABLE IF NOT EXISTS {self._postings} (number INTEGER PRIMARY KEY, word TEXT NOT NULL, run INTEGER NOT NULL,"
            " documents BLOB NOT NULL)"
        )
        database.run(f"CREATE INDEX IF NOT EXISTS {self._postings}_word ON {self._postings} (word, run)")

    # ------------------------------------------------------------------ writing

    def add(self, documents: Sequence[Document]) -> bool:
        """Take these in; whether any run has changed."""
        waiting = number(self._db.run(f"SELECT count(*) FROM {self._fresh}")[0][0])
        if waiting + len(documents) >= FRESH:
            self._settle(documents)
            return True
        self._db.run_many(
            f"INSERT INTO {self._fresh} ({_FRESH_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (_row_of(_entry(one)) for one in documents),
        )
        return False

    def remove(self, documents: Sequence[Document]) -> bool:
        """Let go of these and of all their words; whether any run has changed."""
        settled = []
        for one in documents:
            self._db.run(f"DELETE FROM {self._fresh} WHERE row = ?", (one.row,))
            if not self._db.changes:
                settled.append(one)
        if settled:
            self._take_out({one.row: one for one in settled})
        return bool(settled)

    def _settle(self, new: Sequence[Document]) -> None:
        waiting: list[Entry | Document] = [*self.fresh(), *new]
        waiting.sort(key=lambda one: one.row)
        for start in range(0, len(waiting), LARGEST):
            self._put_run(*_run_of(waiting[start : start + LARGEST]))
        self._db.run(f"DELETE FROM {self._fresh}")
        small = [one for one in self.runs() if 2 * one.count <= LARGEST]
        if sum(one.count for one in small) >= LARGEST:
            self._merge(_fitting(small))

    def _merge(self, runs: list[Run]) -> None:
        bases, base = {}, 0
        for one in runs:
            bases[one.number] = base
            base += one.count
        marks = ",".join("?" * len(runs))
        rows = self._db.run(
            f"SELECT word, run, documents FROM {self._postings} WHERE run IN ({marks}) ORDER BY word, run",
            list(bases),
        )
        merged: dict[str, bytes] = {}
        for word, group in groupby(rows, key=lambda row: text(row[0])):
            at, often = array("H"), bytearray()
            for _, run, data in sorted(group, key=lambda row: bases[number(row[1])]):
                numbers, counts = unpack(blob(data))
                shift = bases[number(run)]
                at.extend(map(shift.__add__, numbers) if shift else numbers)
                often += counts
            merged[word] = _little(at).tobytes() + bytes(often)
        self._db.run(f"DELETE FROM {self._postings} WHERE run IN ({marks})", list(bases))
        self._db.run(f"DELETE FROM {self._runs} WHERE number IN ({marks})", list(bases))
        columns = {name: array(kind) for name, kind in COLUMNS}
        for one in runs:
            for name, values in split_columns(one).items():
                columns[name].extend(values)
        self._put_run(columns, merged.items())

    def _put_run(self, columns: dict[str, array[int]], postings: Iterable[tuple[str, bytes]]) -> None:
        data = b"".join(_little(columns[name]).tobytes() for name, _ in COLUMNS)
        self._db.run(f"INSERT INTO {self._runs} (count, columns) VALUES (?, ?)", (len(columns["row"]), data))
        run = self._db.last_row
        self._db.run_many(
            f"INSERT INTO {self._postings} (word, run, documents) VALUES (?, ?, ?)",
            ((word, run, documents) for word, documents in postings),
        )

    def _take_out(self, documents: dict[int, Document]) -> None:
        for run in self.runs():
            columns = split_columns(run)
            gone = [at for at, row in enumerate(columns["row"]) if row in documents]
            if not gone:
                continue
            for at in gone:
                for word in set(_entry(documents[columns["row"][at]]).words):
                    self._take_from(run.number, word, at)
                for name, _ in COLUMNS:
                    columns[name][at] = 0
            data = b"".join(_little(columns[name]).tobytes() for name, _ in COLUMNS)
            self._db.run(f"UPDATE {self._runs} SET columns = ? WHERE number = ?", (data, run.number))

    def _take_from(self, run: int, word: str, document: int) -> None:
        for row, data in self._db.run(
            f"SELECT number, documents FROM {self._postings} WHERE word = ? AND run = ?",
            (word, run),
        ):
            numbers, counts = unpack(blob(data))
            if document in numbers:
                at = numbers.index(document)
                del numbers[at]
                left = _little(numbers).tobytes() + counts[:at] + counts[at + 1 :]
                self._db.run(f"UPDATE {self._postings} SET documents = ? WHERE number = ?", (left, row))
                self._db.run(f"DELETE FROM {self._postings} WHERE number = ? AND documents = x''", (row,))

    # ------------------------------------------------------------------ reading

    def fresh(self) -> list[Entry]:
        """All fresh documents, by row."""
        return [
            _read_entry(row)
            for row in self._db.run(f"SELECT {_FRESH_COLUMNS} FROM {self._fresh} ORDER BY row")
        ]

    def fresh_after(self, row: int) -> list[Entry]:
        """The fresh documents of rows after this one, by row."""
        return [
            _read_entry(one)
            for one in self._db.run(
                f"SELECT {_FRESH_COLUMNS} FROM {self._fresh} WHERE row > ? ORDER BY row",
                (row,),
            )
        ]

    def fresh_rows(self) -> list[int]:
        """The rows of the fresh documents, ascending."""
        return [number(row[0]) for row in self._db.run(f"SELECT row FROM {self._fresh} ORDER BY row")]

    def runs(self) -> list[Run]:
        """The settled parts, in the order they were made."""
        return [
            Run(number(row[0]), number(row[1]), blob(row[2]))
            for row in self._db.run(f"SELECT number, count, columns FROM {self._runs} ORDER BY number")
        ]

    def postings(self, word: str) -> list[tuple[int, bytes]]:
        """Which documents of which run have this word: run, and 2-byte numbers (little-endian), then a byte each of how often."""
        return [
            (number(row[0]), blob(row[1]))
            for row in self._db.run(
                f"SELECT run, documents FROM {self._postings} WHERE word = ? ORDER BY run",
                (word,),
            )
        ]

    def words_like(self, beginning: str, limit: int) -> list[str]:
        """Settled words that begin so."""
        return [
            text(row[0])
            for row in self._db.run(
                f"SELECT DISTINCT word FROM {self._postings} WHERE word >= ? AND word < ? LIMIT ?",
                (beginning, beginning + "\U0010ffff", limit),
            )
        ]


def unpack(data: bytes) -> tuple[array[int], bytes]:
    """Numbers and counts of a posting."""
    count = len(data) // 3
    numbers = array("H", data[: 2 * count])
    return _little(numbers), data[2 * count :]


def split_columns(run: Run) -> dict[str, array[int]]:
    """The columns of a run by name."""
    found, start = {}, 0
    for name, kind in COLUMNS:
        end = start + run.count * _WIDTH[kind]
        found[name] = _little(array(kind, run.columns[start:end]))
        start = end
    return found


def _entry(document: Document) -> Entry:
    words = stems(f"{document.text} {document.tags}" if document.tags else document.text)
    kept = signs(document, words)
    titled = [TITLE + word for word in dict.fromkeys(stems(document.title))] if document.title else []
    every = words + titled or [""]
    return Entry(document.row, document.at, kept, every, len(every) - len(titled))


def _read_entry(row: Row) -> Entry:
    words = text(row[8]).split(" ")
    length = sum(not word.startswith(TITLE) for word in words)
    return Entry(number(row[0]), number(row[1]), Signs(*(number(one) for one in row[2:8])), words, length)


def _row_of(entry: Entry) -> tuple[int | str, ...]:
    one = entry.signs
    return (
        entry.row,
        entry.at,
        one.conversation,
        one.turn,
        one.speaker,
        one.asking,
        one.flags,
        one.kinds,
        " ".join(entry.words),
    )


def _run_of(waiting: Sequence[Entry | Document]) -> tuple[dict[str, array[int]], list[tuple[str, bytes]]]:
    """The columns of a run and, by word, what it says of its documents. Of each document no more is held than numbers."""
    columns = {name: array(kind) for name, kind in COLUMNS}
    put = [columns[name].append for name, _ in COLUMNS]
    places: defaultdict[str, int] = defaultdict()
    places.default_factory = places.__len__  # a word that is new gets the next number
    codes, counts = array("q"), array("q")
    for one in waiting:
        entry = one if isinstance(one, Entry) else _entry(one)
        seen = entry.signs
        for append, value in zip(
            put,
            (
                entry.row,
                entry.at,
                seen.conversation,
                seen.turn,
                seen.speaker,
                seen.asking,
                seen.flags,
                seen.kinds,
                entry.length,
            ),
            strict=True,
        ):
            append(value)
        codes.extend(map(places.__getitem__, entry.words))
        counts.append(len(entry.words))
    return columns, _postings_of(places, codes, counts)


def _postings_of(places: dict[str, int], codes: array[int], counts: array[int]) -> list[tuple[str, bytes]]:
    """By word, ascending: the documents that have it and how often. ``codes``: the words of all documents, one after the other, by number;
    ``counts``: how many each has."""
    import numpy as np  # noqa: PLC0415, RUF100 a single memory is written without it

    documents = np.repeat(np.arange(len(counts)), np.frombuffer(counts, np.int64))
    pairs, often = np.unique(np.frombuffer(codes, np.int64) * LARGEST + documents, return_counts=True)
    numbers = (pairs % LARGEST).astype("<u2").tobytes()
    repeats = np.minimum(often, 255).astype(np.uint8).tobytes()
    bounds = np.searchsorted(pairs, np.arange(len(places) + 1) * LARGEST).tolist()
    return [
        (word, numbers[2 * bounds[at] : 2 * bounds[at + 1]] + repeats[bounds[at] : bounds[at + 1]])
        for word, at in sorted(places.items())
    ]


def _fitting(runs: list[Run]) -> list[Run]:
    chosen: list[Run] = []
    for one in runs:
        if sum(each.count for each in chosen) + one.count <= LARGEST:
            chosen.append(one)
    return chosen


def _little(values: array[int]) -> array[int]:
    """The same in little-endian order, as it is stored, whatever the machine."""
    if sys.byteorder == "big":
        values = array(values.typecode, values)
        values.byteswap()
    return values
