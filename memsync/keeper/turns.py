"""Who comes when, of the tools' calls: each tool a few at once, and no more than so many that wait.

In goes whose call it is, by its token; the block is entered once its turn has come. A tool that asks without end waits for itself alone.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from memsync.errors import InputError

WAITING: Final = 64
"""Calls of one tool that may be under way or wait; one more is told so."""


class TooManyCalls(InputError):
    """One call more than may wait."""

    def __init__(self) -> None:
        super().__init__("too many calls at once; wait for an answer, then repeat")


class Turns:
    """The turns of one event loop; ``each``: how many calls of one tool at once."""

    def __init__(self, each: int) -> None:
        self._each = each
        self._calls: Counter[str] = Counter()
        self._free: dict[str, asyncio.Semaphore] = {}

    @asynccontextmanager
    async def turn(self, who: str) -> AsyncIterator[None]:
        """A call's turn inside the block; ``TooManyCalls``."""
        if self._calls[who] >= WAITING:
            raise TooManyCalls
        self._calls[who] += 1
        try:
            async with self._free.setdefault(who, asyncio.Semaphore(self._each)):
                yield
        finally:
            self._calls[who] -= 1
            if not self._calls[who]:
                del self._calls[who], self._free[who]
