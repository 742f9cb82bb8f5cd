"""Blocks sealed and opened a second, beside raw AES-256-GCM on the same bytes in the same run.

For each size a plaintext that fills the block is sealed under one key with a fresh salt each time (HKDF to a one-time key and a commitment,
padding, GCM), opened again, and the same number of bytes goes through AES-256-GCM with one key object and a counting nonce. HPKE boxes
of slot size are made and opened too. One process, one core, wall clock, the best of several rounds taken in turn, so that a noisy
neighbour hits all alike. The last line is JSON. Run: python benchmarks/seal.py [mebibytes a round, default 64]
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from memsync.crypto.hpke import HybridKey, open_box, seal_box
from memsync.crypto.sealing import OVERHEAD, Kind, aad, open_block, seal_block

SIZES = (4096, 65536)
ROUNDS = 5
SLOTS = 300
KEY = bytes(range(32))
WHERE = aad(bytes(32), bytes(16), bytes(16), Kind.SEGMENT, bytes(16))


def best(jobs: dict[str, Callable[[], int]]) -> dict[str, float]:
    """The highest rate of each job, in what it counts a second."""
    found = dict.fromkeys(jobs, 0.0)
    for _ in range(ROUNDS):
        for name, job in jobs.items():
            begun = time.perf_counter()
            done = job()
            found[name] = max(found[name], done / (time.perf_counter() - begun))
    return found


def blocks(size: int, count: int) -> dict[str, float]:
    plaintext = os.urandom(size - OVERHEAD)
    sealed = [seal_block(KEY, WHERE, plaintext) for _ in range(min(count, 64))]
    raw, padded = AESGCM(KEY), os.urandom(size - 16)
    nonces = [number.to_bytes(12, "big") for number in range(count)]
    encrypted = raw.encrypt(nonces[0], padded, WHERE)

    def seal() -> int:
        for _ in range(count):
            seal_block(KEY, WHERE, plaintext)
        return count

    def unseal() -> int:
        for number in range(count):
            open_block(KEY, WHERE, sealed[number % len(sealed)], what="segment")
        return count

    def encrypt() -> int:
        for nonce in nonces:
            raw.encrypt(nonce, padded, WHERE)
        return count

    def decrypt() -> int:
        for _ in range(count):
            raw.decrypt(nonces[0], encrypted, WHERE)
        return count

    return best({"seal": seal, "open": unseal, "gcm encrypt": encrypt, "gcm decrypt": decrypt})


def boxes() -> dict[str, float]:
    key = HybridKey(bytes(32))
    box = seal_box(key.public, WHERE, bytes(188), room=192)

    def seal() -> int:
        for _ in range(SLOTS):
            seal_box(key.public, WHERE, bytes(188), room=192)
        return SLOTS

    def unseal() -> int:
        for _ in range(SLOTS):
            open_box(key, WHERE, box, what="slot")
        return SLOTS

    return best({"seal": seal, "open": unseal})


def main() -> None:
    mebibytes = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    result: dict[str, object] = {
        "mebibytes_a_round": mebibytes,
        "rounds": ROUNDS,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    for size in SIZES:
        count = max(1, mebibytes * 2**20 // size)
        rates = blocks(size, count)
        for name, rate in rates.items():
            print(f"{size:6} bytes  {name:11} {rate:10,.0f} a second  {rate * size / 1e6:8,.0f} MB/s")
        result[str(size)] = {"blocks": count} | {name: round(rate) for name, rate in rates.items()}
    rates = boxes()
    for name, rate in rates.items():
        print(f"  1328 bytes  box {name:7} {rate:10,.0f} a second")
    result["1328 box"] = {"boxes": SLOTS} | {name: round(rate) for name, rate in rates.items()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
