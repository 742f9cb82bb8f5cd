"""Decode hostile DAG-CBOR and print, case by case, what it was and how far this process's peak of memory rose above its start.

Run by test_dagcbor.py; the peak never falls, so each line bounds its case from above. The last line is ``cbrrr`` on the first input.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from pathlib import Path

import cbrrr

from memsync.errors import FormatError
from memsync.ipld.dagcbor import MAX_ITEMS, decode

FOUR = 4 * 1024 * 1024
UNIT = 1 if sys.platform == "darwin" else 1024
KEYS = b"".join(b"\x63%c%c%c\x80" % (n >> 14 | 64, n >> 7 & 127, n & 127) for n in range(65535))

CASES = {
    "empty lists": b"\x9a\x00\x3f\xff\xf0" + b"\x80" * (FOUR - 16),
    "as many lists as may be": b"\x9a\x00\x03\xff\xff" + b"\x80" * (MAX_ITEMS - 1),
    "as many texts as may be": b"\x9a\x00\x03\xff\xff" + b"\x64\xf0\x9f\x8e\x82" * (MAX_ITEMS - 1),
    "as many maps as may be": b"\x9a\x00\x03\xff\xff" + b"\xa0" * (MAX_ITEMS - 1),
    "lists of lists": b"\x9a\x00\x01\xff\xff" + b"\x81\x80" * 0x1FFFF,
    "claimed lists": b"\x9a\x00\x3f\x00\x00" * 800_000,
    "keys": b"\xb9\xff\xff" + KEYS,
    "deep": b"\x81" * FOUR,
    "one wide character": b"\x7a\x00\x3f\xff\x00" + b"a" * (FOUR - 260) + "𝄞".encode(),
    "a claimed text": b"\x7b\x00\x00\x7f\xff\xff\xff\xff\xff" + b"a" * FOUR,
}


def peak() -> float:
    """MiB resident at most so far. Where the system says it of this program alone (Linux), not of the one that started it."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT / 2**20


start = peak()
for name, data in CASES.items():
    begun = time.perf_counter()
    try:
        decode(data)
    except FormatError as error:
        ending = error.fault
    else:
        ending = "read"
    took = 1000 * (time.perf_counter() - begun)
    print(json.dumps({"case": name, "ending": ending, "mib": round(peak() - start, 1), "ms": round(took)}))
cbrrr.decode_dag_cbor(CASES["empty lists"])
print(json.dumps({"case": "cbrrr: empty lists", "mib": round(peak() - start, 1)}))
