"""The lock of a vault's folder: one process at a time does what must not be done twice, for as long as one operation takes.

An operation holds it (``flock`` on a file, freed by the system if the process dies) and writes its pid and verb into the file, so that who
waits can be told whom for. A thread that holds it may take it again. The file never holds anything but pid, verb and time.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

from memsync.errors import StorageError
from memsync.progress import WAITING, tell
from memsync.store.faults import named

PATIENCE = 5.0  # seconds after which a waiting operation says whom it waits for
TIMEOUT = 600.0
_STEP = 0.02


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has the lock: process id, what it is doing (``"push"``), since when (unix seconds). pid 0: not known yet."""

    pid: int
    doing: str
    since: int

    def __str__(self) -> str:
        return f"process {self.pid} (memsync {self.doing})" if self.pid else "another process"


def tell_waiting(holder: Holder) -> None:
    """Tell whoever watches whom the operation waits for."""
    tell(f"{WAITING} {holder}")


class VaultLock:
    """The lock at ``path``. One object serves all threads of a process: they wait for each other as processes do."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._mine = RLock()
        self._depth = 0

    @contextmanager
    def hold(
        self, doing: str, *, timeout: float = TIMEOUT, waiting: Callable[[Holder], object] = tell_waiting
    ) -> Iterator[None]:
        """Have the lock inside the block.

        ``waiting`` is called once, with the holder, when another has had it for ``PATIENCE`` seconds of waiting; by default whoever watches
        the progress is told. ``StorageError`` after ``timeout`` seconds, naming the holder.
        """
        started = time.monotonic()
        if not self._mine.acquire(timeout=timeout):
            raise self._held(self.holder(), timeout)
        try:
            if self._depth:
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1
                return
            handle = self._acquire(doing, started, timeout, waiting)
            self._depth = 1
            try:
                yield
            finally:
                self._depth = 0
                _write(handle, b"")
                os.close(handle)
        finally:
            self._mine.release()

    def holder(self) -> Holder:
        """Who wrote itself into the file last; not proof that it still holds the lock."""
        try:
            found = json.loads(self.path.read_bytes())
            return Holder(int(found["pid"]), str(found["doing"]), int(found["since"]))
        except (OSError, ValueError, KeyError, TypeError):
            return Holder(0, "", 0)

    def _acquire(
        self, doing: str, started: float, timeout: float, waiting: Callable[[Holder], object]
    ) -> int:
        with named(f"lock {self.path}", "taken"):
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        told = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waited = time.monotonic() - started
                if waited >= timeout:
                    os.close(handle)
                    raise self._held(self.holder(), timeout) from None
                if waited >= PATIENCE and not told:
                    told = True
                    waiting(self.holder())
                time.sleep(min(_STEP, max(timeout - waited, 0.001)))
            except BaseException:
                os.close(handle)
                raise
            else:
                break
        _write(handle, json.dumps({"pid": os.getpid(), "doing": doing, "since": int(time.time())}).encode())
        return handle

    def _held(self, holder: Holder, timeout: float) -> StorageError:
        return StorageError(
            f"the vault in {self.path.parent} is in use by {holder} for more than {timeout:.0f} s; wait for it, or end it, then repeat"
        )


def _write(handle: int, note: bytes) -> None:
    """Say who has the lock, or that nobody does: a courtesy, which a full disk may refuse while the lock is held all the same."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.pwrite(handle, note, 0)
