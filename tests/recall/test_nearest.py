"""Vectors as bits and bytes: counted as Python counts, pointing where they pointed, the nearest found by reading few."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsync.recall.nearest import count_bits, quantise
from memsync.testing import HashingEmbedder
from tests.recall.embedding import Desk, memory


@given(st.lists(st.lists(st.integers(0, 2**64 - 1), min_size=3, max_size=3), min_size=1, max_size=40))
def test_bits_are_counted_as_python_counts_them(columns):
    found = count_bits([np.array(column, np.uint64) for column in columns])
    assert found.tolist() == [sum(column[at].bit_count() for column in columns) for at in range(3)]


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from([3, 8, 100, 384, 1000]))
def test_a_vector_in_bytes_points_where_it_pointed(seed: int, dimensions: int):
    rows = np.random.default_rng(seed).normal(size=(5, dimensions)).astype(np.float32)
    for row, (scale, signs, elements) in zip(rows, quantise(rows), strict=True):
        kept = np.frombuffer(elements, np.int8) * np.float32(scale)
        assert kept @ row / np.linalg.norm(row) == pytest.approx(1, abs=0.01)
        assert np.array_equal(np.unpackbits(np.frombuffer(signs, np.uint8))[:dimensions], row > 0)


def test_a_vector_of_zeros_is_near_to_nothing():
    assert quantise(np.zeros((1, 8), np.float32)) == [(0.0, bytes(1), bytes(8))]


def test_the_nearest_of_many_is_found_though_its_bytes_are_read_of_few_only():
    desk = Desk(embedder=HashingEmbedder())
    words = [
        f"{a}{b}{c}"
        for a in ("ba", "ko", "lu", "ti")
        for b in "aeiou"
        for c in ("rn", "st", "mp", "lk", "nd")
    ]
    chance = np.random.default_rng(7)
    texts = [" ".join(chance.choice(words, 6)) for _ in range(3000)]
    desk.write(*map(memory, texts))
    assert desk.meanings.embed() == 3000
    rows = HashingEmbedder().encode(texts)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for at in range(0, 3000, 100):
        misspelt = " ".join(word + "x" for word in texts[at].split())
        [asked] = HashingEmbedder().encode([misspelt])
        nearest = texts[int(np.argmax(rows @ asked))]
        assert desk.texts(misspelt, k=1) == [nearest]
