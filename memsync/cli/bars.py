"""What is going on, for a person who waits: nothing for the first second, then a bar on stderr, if that is a terminal."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from memsync.cli.frame import note, shown
from memsync.progress import WAITING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE = 1.0
_Told = Callable[[str, int, int | None], None]


@contextmanager
def watching() -> Iterator[_Told]:
    """Something to tell progress to."""
    bar = _Bar(on=sys.stderr.isatty() and os.environ.get("TERM") != "dumb")
    try:
        yield bar.tell
    finally:
        bar.close()


class _Bar:
    def __init__(self, *, on: bool) -> None:
        self._last: tuple[str, int, int | None] = ("working", 0, None)
        self._said: set[str] = set()
        self._rich: Progress | None = None
        self._closed = False
        self._task: TaskID | None = None
        self._turn = threading.Lock()
        self._timer = threading.Timer(PATIENCE, self._show) if on else None
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()

    def tell(self, what: str, done: int, total: int | None) -> None:
        """Take a progress in."""
        if what.startswith(WAITING):
            if what not in self._said:
                self._said.add(what)
                note(f"memsync: {shown(what)}")
            return
        with self._turn:
            self._last = (what, done, total)
            if self._rich is not None and self._task is not None:
                self._rich.update(self._task, description=what, completed=done, total=total)

    def close(self) -> None:
        """Take the bar away."""
        if self._timer is not None:
            self._timer.cancel()
        with self._turn:
            self._closed = True
            if self._rich is not None:
                self._rich.stop()
                self._rich = None

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
        )

        with self._turn:
            if self._closed:
                return
            rich = Progress(
                SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                console=Console(stderr=True), transient=True,
            )  # fmt: skip
            what, done, total = self._last
            self._task = rich.add_task(what, completed=done, total=total)
            self._rich = rich
            rich.start()
