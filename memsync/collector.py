"""Python's collector of cycles, asked to look more seldom while a deed makes many values.

An import, a push, a pull make millions of plain values and no cycles. By default (CPython) the collector looks at the newest after each
700, and then again at the older ones: up to a fifth of the time of such a deed, for nothing. In :func:`many_values` it looks after 50,000,
so that what cycles other threads leave still goes. Whoever has switched the collector off finds it off.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

SELDOM: Final = 50_000
_lock = Lock()
_before: list[tuple[int, int, int]] = []
"""What the thresholds were, once for each deed that is under way: the collector is one for all threads."""


@contextmanager
def many_values() -> Iterator[None]:
    """Let a deed make many values in this block. One inside another, or beside it in another thread, changes nothing more."""
    with _lock:
        now = gc.get_threshold()
        _before.append(_before[0] if _before else now)
        if 0 < now[0] < SELDOM:
            gc.set_threshold(SELDOM, *now[1:])
    try:
        yield
    finally:
        with _lock:
            before = _before.pop()
            if not _before:
                gc.set_threshold(*before)
