"""The index of one scope in a process's memory: what ranking reads, as arrays, one place a document.

Settled runs come first, one after the other, then what is fresh. Words' documents are read from the database when first asked for and
kept, up to a bound. Nothing here is written anywhere; whoever holds a view asks ``refresh`` before use, which does nothing if nothing
has changed.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from memsync.recall.shelf import COLUMNS, Entry, Shelf

Ints: TypeAlias = npt.NDArray[np.integer[Any]]
Floats: TypeAlias = npt.NDArray[np.float32]

SATURATION: Final = 1.2
BY_LENGTH: Final = 0.6
_KEPT: Final = 48 << 20
"""Postings kept in memory, of all words together (9 bytes each)."""
_TYPES: Final = {"q": "<i8", "Q": "<u8", "I": "<u4", "B": "u1"}
_NONE: Final = -1


class View:
    """What is known of each document, by place; ``row`` 0 is nobody, ``conversation`` 0 none, nor is ``talk``, as it is in the database."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._frozen: bytes | None = None
        self._stamp: bytes | None = None
        self._words: dict[str, tuple[Ints, Floats]] = {}
        self._kept = 0

    def refresh(self, frozen: bytes, stamp: bytes) -> None:
        """Be as the database is: ``frozen`` changes with the runs, ``stamp`` with everything."""
        if frozen != self._frozen:
            self._load_runs()
            self._load_fresh(self._shelf.fresh())
        elif stamp != self._stamp:
            held = [one.row for one in self._entries]
            rows = self._shelf.fresh_rows()
            if rows[: len(held)] == held:
                self._load_fresh(self._entries + self._shelf.fresh_after(held[-1] if held else -(1 << 62)))
            else:
                self._load_fresh(self._shelf.fresh())
        self._frozen, self._stamp = frozen, stamp

    def documents_with(self, word: str) -> tuple[Ints, Floats]:
        """The places of the documents that have this word, ascending, and how often each has it."""
        found = self._words.get(word)
        if found is None:
            found = self._read(word)
            size = len(found[0]) * 8 + 64
            if self._kept + size > _KEPT:
                self._words.clear()
                self._kept = 0
            self._words[word] = found
            self._kept += size
        fresh = self._fresh_words.get(word)
        if fresh is None:
            return found
        at = np.asarray(fresh[0], np.int32)
        often = np.asarray(fresh[1], np.float32)
        return np.concatenate([found[0], at]), np.concatenate([found[1], often])

    def words_like(self, beginning: str, limit: int = 8) -> list[str]:
        """Words of the documents that begin so, at most ``limit``."""
        fresh = [word for word in self._fresh_words if word.startswith(beginning)]
        return list(dict.fromkeys(sorted(fresh)[:limit] + self._shelf.words_like(beginning, limit)))[:limit]

    def _read(self, word: str) -> tuple[Ints, Floats]:
        places, often = [], []
        for run, data in self._shelf.postings(word):
            count = len(data) // 3
            places.append(np.frombuffer(data, "<u2", count).astype(np.int32) + self._bases[run])
            often.append(np.frombuffer(data, np.uint8, count, 2 * count).astype(np.float32))
        if not places:
            return np.zeros(0, np.int32), np.zeros(0, np.float32)
        return np.concatenate(places), np.concatenate(often)

    def _load_runs(self) -> None:
        runs = self._shelf.runs()
        self._bases: dict[int, int] = {}
        parts: dict[str, list[Ints]] = {name: [] for name, _ in COLUMNS}
        base = 0
        for run in runs:
            self._bases[run.number] = base
            base += run.count
            start = 0
            for name, kind in COLUMNS:
                column: Ints = np.frombuffer(run.columns, _TYPES[kind], run.count, start)
                start += column.nbytes
                parts[name].append(column)
        self._settled: dict[str, Ints] = {
            name: np.concatenate(parts[name]) if runs else np.zeros(0, _TYPES[kind]) for name, kind in COLUMNS
        }
        self._words.clear()
        self._kept = 0
        # What takes a look at every document is noted here, so that a write costs the next question little.
        there = self._settled["at"][self._settled["row"] != 0]
        self._settled_count = len(there)
        self._settled_bounds = [int(there.min()), int(there.max())] if len(there) else []
        self._settled_speakers: set[int] = set(np.unique(self._settled["speaker"]).tolist()) - {0}
        self._settled_links = _links(
            self._settled["conversation"], self._settled["turn"], self._settled["at"]
        )
        names, inverse = np.unique(self._settled["conversation"], return_inverse=True)
        self._names = {
            int(name): at
            for at, name in enumerate(names.tolist() if 0 in names[:1] else [0, *names.tolist()])
        }
        self._settled_conversation = (inverse + (len(self._names) - len(names))).astype(np.int32)
        self._tails = _tails(self._settled["conversation"], self._settled_links[1])

    def _load_fresh(self, entries: list[Entry]) -> None:
        self._entries = entries
        settled = self._settled
        base = len(settled["row"])
        self._fresh_words: dict[str, tuple[list[int], list[int]]] = {}
        for place, one in enumerate(entries, base):
            for word, often in Counter(one.words).items():
                places, counts = self._fresh_words.setdefault(word, ([], []))
                places.append(place)
                counts.append(min(often, 255))
        fresh = {
            "row": [one.row for one in entries],
            "at": [one.at for one in entries],
            "length": [one.length for one in entries],
        } | {
            name: [getattr(one.signs, name) for one in entries]
            for name in ("conversation", "turn", "speaker", "asking", "flags", "kinds")
        }
        whole = {
            name: np.concatenate([settled[name], np.asarray(fresh[name], _TYPES[kind])])
            for name, kind in COLUMNS
        }
        self.row, self.at = whole["row"], whole["at"]
        self.count = len(self.row)
        self.speaker, self.flags, self.kinds = whole["speaker"], whole["flags"], whole["kinds"]
        self.asking = whole["asking"]
        self.talk, self.turn = whole["conversation"], whole["turn"]
        self.length = whole["length"].astype(np.float32)
        there = fresh["at"]
        self.alive = max(1, self._settled_count + len(there))
        average = float(self.length.sum()) / self.alive or 1.0
        self.norm = (SATURATION * (1 - BY_LENGTH + BY_LENGTH * self.length / average)).astype(np.float32)
        self.speakers = self._settled_speakers | {one for one in fresh["speaker"] if one}
        bounds: list[int] = [*self._settled_bounds, *there]
        self.first, self.last = (min(bounds), max(bounds)) if bounds else (0, 0)
        self._link(whole["conversation"], whole["turn"], base)

    def _link(self, conversation: Ints, turn: Ints, base: int) -> None:
        """Who comes before and after whom in a conversation, and whose conversation is which: -1 for nobody and none."""
        links = _links(conversation[base:], turn[base:], self.at[base:])
        before, after = (np.where(one >= 0, one + base, one).astype(np.int32) for one in links)
        self.before = np.concatenate([self._settled_links[0], before])
        self.after = np.concatenate([self._settled_links[1], after])
        names, tails = self._tails
        for place in np.flatnonzero(before == _NONE):
            name = conversation[base + place]
            at = int(np.searchsorted(names, name))
            if name and at < len(names) and names[at] == name:
                self.before[base + place] = tails[at]
                self.after[tails[at]] = base + place
        known = self._names | {}
        fresh = [known.setdefault(int(name), len(known)) for name in conversation[base:].tolist()]
        self.conversation = np.concatenate([self._settled_conversation, np.asarray(fresh, np.int32)])
        self.conversation_length = np.bincount(self.conversation, self.length, len(known)).astype(np.float32)


def _links(conversation: Ints, turn: Ints, at: Ints) -> tuple[Ints, Ints]:
    before = np.full(len(conversation), _NONE, np.int32)
    after = before.copy()
    inside = np.flatnonzero(conversation)
    if len(inside):
        order = inside[np.lexsort((inside, at[inside], turn[inside], conversation[inside]))]
        same = np.flatnonzero(conversation[order[:-1]] == conversation[order[1:]])
        before[order[same + 1]] = order[same]
        after[order[same]] = order[same + 1]
    return before, after


def _tails(conversation: Ints, after: Ints) -> tuple[Ints, Ints]:
    """The last document of each conversation: the conversations, ascending, and the places."""
    ends = np.flatnonzero((after == _NONE) & (conversation != 0))
    order = ends[np.argsort(conversation[ends], kind="stable")]
    return conversation[order], order


def neighbours(view: View, places: Ints, steps: int) -> list[Ints]:
    """For ``places``, the place ``steps`` before (negative) or after, -1 where there is none; one array for each of 1..steps."""
    link = view.before if steps < 0 else view.after
    found = []
    for _ in range(abs(steps)):
        places = np.where(places >= 0, link[places], _NONE)
        found.append(places)
    return found


__all__ = ["SATURATION", "Floats", "Ints", "View", "neighbours"]
