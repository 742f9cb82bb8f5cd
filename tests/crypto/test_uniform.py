"""Sealed blocks look like random bytes, whatever is in them; boxes do not, and a header would not.

Three statistics over many blocks, all from seeded chance, so a run gives the same numbers as the last: how far any one bit position
strays from half ones, how far the histogram of all bytes strays from flat (chi-square), and whether any 16 bytes come twice.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from dataclasses import dataclass

import pytest

from memsync.crypto.hpke import ENC, HybridKey, seal_box
from memsync.crypto.sealing import ENTRY_SIZE, Kind, aad, seal_block, seal_entry

COUNT = 2000
WHERE = aad(b"v" * 32, b"s" * 16, b"e" * 16, Kind.SEGMENT, b"o" * 16)


@dataclass(frozen=True)
class Measured:
    """``position``: the largest |z| of any bit position; ``histogram``: z of the bytes' chi-square; ``repeats``: aligned 16 bytes seen
    before."""

    position: float
    histogram: float
    repeats: int

    def looks_random(self):
        # 32,768 positions stray by 4.2 on average at most and by 6 once in 15,000 runs.
        return self.position < 6 and abs(self.histogram) < 5 and self.repeats == 0


def measure(blocks):
    size, count, joined = len(blocks[0]), len(blocks), b"".join(blocks)
    masks = [int.from_bytes(bytes([1 << bit]) * count, "big") for bit in range(8)]
    worst = 0.0
    for at in range(size):
        column = int.from_bytes(joined[at::size], "big")
        for mask in masks:
            ones = (column & mask).bit_count()
            worst = max(worst, abs(ones - count / 2) / math.sqrt(count / 4))
    expected, seen = len(joined) / 256, Counter(joined)
    square = sum((seen[byte] - expected) ** 2 / expected for byte in range(256))
    chunks = [joined[at : at + 16] for at in range(0, len(joined), 16)]
    return Measured(worst, (square - 255) / math.sqrt(2 * 255), len(chunks) - len(set(chunks)))


@pytest.fixture(scope="module")
def sealed():
    """Blocks of one plaintext, all zeros, under one key."""
    source = random.Random(11).randbytes
    return [seal_block(bytes(32), WHERE, bytes(4000), random=source) for _ in range(COUNT)]


def test_sealed_blocks_of_one_plaintext_look_random(sealed):
    assert measure(sealed).looks_random()


def test_entries_of_a_root_look_random():
    source = random.Random(12).randbytes
    assert measure([seal_entry(bytes(32), WHERE, b"", random=source) for _ in range(COUNT)]).looks_random()


def test_random_bytes_look_random():
    source = random.Random(13)
    assert measure([source.randbytes(ENTRY_SIZE) for _ in range(COUNT)]).looks_random()


@pytest.mark.parametrize("header", [b"MSB1", b"\x01", bytes(4)], ids=["magic", "version", "zeros"])
def test_a_header_would_be_seen(sealed, header):
    small = [header + block[len(header) : 512] for block in sealed]
    assert measure([block[:512] for block in sealed]).looks_random()
    assert measure(small).position > 40


def test_one_bit_that_leans_a_little_would_be_seen(sealed):
    chance = random.Random(14)
    leaning = [block[:99] + bytes([block[99] | (chance.random() < 0.2)]) + block[100:512] for block in sealed]
    assert not measure(leaning).looks_random()


def test_a_salt_used_twice_would_be_seen(sealed):
    assert measure([*sealed[:-1], sealed[0]]).repeats == 256


def test_boxes_do_not_look_random():
    """X25519 values are below 2^255: the top bit of the last byte of each is zero."""
    public = HybridKey(bytes(32)).public
    boxes = [seal_box(public, WHERE, b"", room=192) for _ in range(400)]
    found = measure([box[ENC - 64 : ENC] for box in boxes])
    assert found.position == math.sqrt(400)
    assert all(box[ENC - 1] < 0x80 for box in boxes)
