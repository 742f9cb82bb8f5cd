"""Vectors as bits: which of a scope's vectors lie near a question's, and how near.

A vector is kept as the signs of its numbers, one bit each, and as bytes with a scale (``quantise``). Signs of all vectors are held in
memory, a column for each 64 dimensions, and counted through; the share of equal signs tells the angle (Charikar 2002). The few hundred
nearest are then measured by their bytes, read from the database. numpy below 2 counts no bits: here they are added up within words.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from memsync.device.vectors import Vectors
from memsync.recall.view import Floats, Ints

_BLOCK: Final = 1 << 15
"""Vectors counted through at a time, so that what is in between stays in the processor's cache."""
SAMPLED: Final = 256
"""Vectors that tell what likeness is usual."""
_MASKS: Final = tuple(
    np.uint64(one) for one in (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F, 0x00FF00FF00FF00FF)
)
_FOLD: Final = np.uint64(0x0001000100010001)

Words = npt.NDArray[np.uint64]


def quantise(rows: Floats) -> list[tuple[float, bytes, bytes]]:
    """Scale, signs and elements of each row, made one long; of a row without a direction, zeros."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = rows / np.where(lengths > 0, lengths, 1)
    peaks = np.abs(unit).max(axis=1)
    scales = np.where(peaks > 0, peaks, 1) / 127
    elements = np.rint(unit / scales[:, None]).astype(np.int8)
    signs = np.packbits(unit > 0, axis=1)
    return [
        (float(scale) if peak else 0.0, sign.tobytes(), element.tobytes())
        for scale, peak, sign, element in zip(scales, peaks, signs, elements, strict=True)
    ]


class Signs:
    """The signs of one scope's vectors by one embedder, in memory; ``row`` tells whose each is."""

    def __init__(self, vectors: Vectors, embedder: int, scope: int, dimensions: int) -> None:
        self._vectors, self._embedder, self._scope = vectors, embedder, scope
        self.dimensions = dimensions
        self._width = -(-dimensions // 64)
        self._room = np.zeros((self._width, 0), np.uint64)
        self.number = np.zeros(0, np.int64)
        self.row = np.zeros(0, np.int64)
        self._sample: tuple[Ints, Ints, tuple[Floats, Floats]] | None = None
        self._stamps: tuple[bytes | None, bytes | None] = (None, None)

    @property
    def count(self) -> int:
        return len(self.row)

    def refresh(self, gone: bytes | None, stamp: bytes | None) -> None:
        """Be as the database is: ``gone`` changes when vectors go, ``stamp`` with everything."""
        if (gone, stamp) == self._stamps:
            return
        if gone != self._stamps[0] and self.count:
            left = np.isin(
                self.number, np.asarray(self._vectors.numbers(self._embedder, self._scope), np.int64)
            )
            self._room = np.ascontiguousarray(self._room[:, : self.count][:, left])
            self.number, self.row = self.number[left], self.row[left]
        last = int(self.number[-1]) if self.count else 0
        if new := self._vectors.signs_after(self._embedder, self._scope, last):
            self._append(new)
        self._stamps, self._sample = (gone, stamp), None

    def _append(self, new: list[tuple[int, int, bytes]]) -> None:
        held, count = self.count, self.count + len(new)
        if count > self._room.shape[1]:
            # Room for some more, so that a batch taken in beside questions costs little.
            room = np.zeros((self._width, count + count // 8), np.uint64)
            room[:, :held] = self._room[:, :held]
            self._room = room
        padded = b"".join(signs.ljust(8 * self._width, b"\0") for _, _, signs in new)
        self._room[:, held:count] = np.frombuffer(padded, np.uint64).reshape(len(new), self._width).T
        self.number = np.concatenate([self.number, np.array([one[0] for one in new], np.int64)])
        self.row = np.concatenate([self.row, np.array([one[1] for one in new], np.int64)])

    def distances(self, question: Floats) -> npt.NDArray[np.uint16]:
        """In how many signs each vector differs from the question's."""
        signs = np.packbits(question > 0).tobytes().ljust(8 * self._width, b"\0")
        asked = np.frombuffer(signs, np.uint64)
        found = np.empty(self.count, np.uint16)
        for start in range(0, self.count, _BLOCK):
            end = min(start + _BLOCK, self.count)
            found[start:end] = count_bits(
                [column[start:end] ^ one for column, one in zip(self._room, asked, strict=True)]
            )
        return found

    def cosines(self, question: Floats, which: Ints) -> Floats:
        """The cosines of these vectors (by position) to the question's, by their bytes; 0 for one that is gone."""
        return _products(self._read(which), question)

    def usual(self, question: Floats, place: Ints) -> tuple[Ints, Floats]:
        """Some vectors (by position) of those that have a ``place`` of 0 or more, evenly spread, and their cosines: what is usual there."""
        if self._sample is None or self._sample[0] is not place:
            there = np.flatnonzero(place >= 0)
            which = there[np.unique(np.linspace(0, len(there) - 1, SAMPLED).astype(np.int64))]
            self._sample = (place, which, self._read(which))
        return self._sample[1], _products(self._sample[2], question)

    def _read(self, which: Ints) -> tuple[Floats, Floats]:
        numbers = self.number[which].tolist()
        read, nothing = self._vectors.elements(numbers), (0.0, bytes(self.dimensions))
        kept = [read.get(number, nothing) for number in numbers]
        elements = np.frombuffer(b"".join(one[1] for one in kept), np.int8).reshape(-1, self.dimensions)
        return elements.astype(np.float32), np.array([one[0] for one in kept], np.float32)


def _products(vectors: tuple[Floats, Floats], question: Floats) -> Floats:
    """Elements times scale times the question. By einsum: a few hundred rows are done before other cores have woken up."""
    found: Floats = np.einsum("ij,j->i", vectors[0], question) * vectors[1]
    return found


def count_bits(columns: list[Words]) -> Words:
    """How many bits are set in all these words together, place by place; at most 65,535."""
    one, two, four, eight = _MASKS
    total: Words | None = None
    for start in range(0, len(columns), 3):
        quads: Words | None = None
        for word in columns[start : start + 3]:
            pairs = word - ((word >> np.uint64(1)) & one)
            nibbles = (pairs & two) + ((pairs >> np.uint64(2)) & two)
            quads = nibbles if quads is None else quads + nibbles  # three times four fits into four bits
        assert quads is not None  # noqa: S101 - a slice of what there is
        octets = (quads & four) + ((quads >> np.uint64(4)) & four)
        halves = (octets & eight) + ((octets >> np.uint64(8)) & eight)
        total = halves if total is None else total + halves
    if total is None:
        return np.zeros(0, np.uint64)
    return (total * _FOLD) >> np.uint64(48)
