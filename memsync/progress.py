"""What a long deed tells whoever watches it: what is being done, how far it is, how far it goes.

A layer below calls :func:`tell` as it goes on; a surface above wraps the verb in :func:`watched`. With nobody watching nothing happens.
What is told never holds a text, a key or a name from the vault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """``what`` is done to (``"storing blocks"``), how many are done, and of how many; None where that isn't known."""

    what: str
    done: int = 0
    total: int | None = None


WAITING = "waiting for"
"""How a progress begins that is none: who is waited for."""

Watcher = Callable[[Progress], object]
_watcher: ContextVar[Watcher | None] = ContextVar("memsync.progress", default=None)


def tell(what: str, done: int = 0, total: int | None = None) -> None:
    """Tell who watches."""
    watcher = _watcher.get()
    if watcher is not None:
        watcher(Progress(what, done, total))


@contextmanager
def watched(watcher: Watcher | None) -> Iterator[None]:
    """Have ``watcher`` told what is done in this block, by this thread."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)
