"""What a grant allows and when: rights 1 (read), 2 (write), 3 (both), from ``start`` inclusive to ``end`` exclusive, Unix seconds.

The same words as on chain; here they stand in envelopes and in the owner block.
"""

from __future__ import annotations

from typing import Final

from memsync.errors import FormatError
from memsync.format.fields import as_uint
from memsync.ipld.dagcbor import Value

READ: Final = 1
WRITE: Final = 2
SECONDS_BITS: Final = 40


def read_rights(value: Value, *, what: str) -> int:
    """Rights as a number, 1 to 3; ``FormatError(what, "type" | "value")``."""
    rights = as_uint(value, 8, what=what, name="rights")
    if not READ <= rights <= READ | WRITE:
        raise FormatError(what, "value", "rights are 1, 2 or 3")
    return rights


def read_times(start: Value, end: Value, *, what: str) -> tuple[int, int]:
    """Start and end, the start earlier; ``FormatError(what, "type" | "value")``."""
    first = as_uint(start, SECONDS_BITS, what=what, name="start")
    last = as_uint(end, SECONDS_BITS, what=what, name="end")
    if first >= last:
        raise FormatError(what, "value", "a grant begins before it ends")
    return first, last
