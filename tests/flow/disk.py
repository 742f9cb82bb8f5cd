"""A disk that fails at a chosen write: under the store's and the keystore's files, and under SQLite itself, at its system calls.

Counted is each call that changes the disk: what Python's ``os`` does to files, and each write, cut and removal that SQLite asks the system
for. At the chosen one the power is cut, in the middle of what is being written if it is to be torn, or the disk is full, broken or read
only from then on. With ``kill`` the process is killed there by the system, and nothing of it runs on.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock

import apsw

from tests.flow.power import PowerCut

CUT, TORN, FULL, BROKEN, READ_ONLY = "cut", "torn", "ENOSPC", "EIO", "EROFS"
KINDS = (CUT, TORN, FULL, BROKEN, READ_ONLY)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_PYTHON = ("replace", "unlink", "mkdir", "rmdir", "fsync")
_LIBC = ctypes.CDLL(None, use_errno=True)
_INT, _SIZE, _POINTER = ctypes.c_int, ctypes.c_ssize_t, ctypes.c_void_p
_SQLITE = {
    "pwrite64": (_SIZE, _INT, _POINTER, _SIZE, ctypes.c_int64),
    "write": (_SIZE, _INT, _POINTER, _SIZE),
    "ftruncate": (_INT, _INT, ctypes.c_int64),
    "unlink": (_INT, ctypes.c_char_p),
}


class Disk:
    """``steps``: how many there were since it was armed; ``met``: whether the chosen one was among them."""

    def __init__(self, *, kill: bool = False) -> None:
        self._kill = kill
        self._lock = Lock()
        self.kind, self.left, self.steps, self.met = "", 0, 0, False

    def arm(self, kind: str, left: int) -> None:
        """Begin to count; a ``left`` that is not reached does nothing."""
        self.kind, self.left, self.steps, self.met = kind, left, 0, False

    def heal(self) -> int:
        """All is well again; returns how many steps there were."""
        self.kind = ""
        return self.steps

    def step(self) -> bool:
        """Whether this step is the chosen one; raises for one after it, as for a step beside the disk."""
        first = self._fails()
        if first or (first is not None and self.kind in (CUT, TORN)):
            raise PowerCut
        return False

    def _fails(self) -> bool | None:
        """None while all is well; at the chosen step True, after it False."""
        with self._lock:
            if not self.kind:
                return None
            if self.met:
                return False
            self.steps += 1
            if self.steps != self.left:
                return None
            self.met = True
            if self._kill and self.kind == CUT:
                os.kill(os.getpid(), signal.SIGKILL)
            return True

    @property
    def _errno(self) -> int:
        return getattr(errno, self.kind, errno.EIO)

    # ------------------------------------------------------------------ Python's files

    @contextmanager
    def under_everything(self) -> Iterator[None]:
        """This disk is under all files of the process."""
        plain = {name: getattr(os, name) for name in _PYTHON}
        plain_open, plain_write = os.open, Path.write_bytes
        for name, call in plain.items():
            setattr(os, name, self._around(call, name))
        os.open = self._opening(plain_open)  # type: ignore[assignment]
        Path.write_bytes = self._writing(plain_write)  # type: ignore[method-assign]
        try:
            with self._under_sqlite():
                yield
        finally:
            for name, call in plain.items():
                setattr(os, name, call)
            os.open, Path.write_bytes = plain_open, plain_write  # type: ignore[method-assign]

    def _around(self, plain: Callable, name: str) -> Callable:
        def call(*args: object, **named: object) -> object:
            first = self._fails()
            if first is None:
                return plain(*args, **named)
            if first and self.kind == TORN and name == "fsync":
                _tear(args[0])  # type: ignore[arg-type]
            raise self._failure()

        return call

    def _opening(self, plain: Callable) -> Callable:
        def call(path: object, flags: int, *args: object, **named: object) -> int:
            if flags & _WRITES and self._fails() is not None:
                raise self._failure()
            return plain(path, flags, *args, **named)

        return call

    def _writing(self, plain: Callable) -> Callable:
        disk = self

        def write_bytes(path: Path, data: bytes) -> int:
            first = disk._fails()
            if first is None:
                return plain(path, data)
            if first and disk.kind in (TORN, FULL):
                plain(path, data[: len(data) // 2])
            raise disk._failure()

        return write_bytes

    def _failure(self) -> BaseException:
        if self.kind in (CUT, TORN):
            return PowerCut()
        return OSError(self._errno, os.strerror(self._errno))

    # ------------------------------------------------------------------ SQLite's

    @contextmanager
    def _under_sqlite(self) -> Iterator[None]:
        vfs = _Unix()
        calls = {name: self._system_call(name, *types) for name, types in _SQLITE.items()}
        for name, call in calls.items():
            assert vfs.xSetSystemCall(name, ctypes.cast(call, _POINTER).value)
        try:
            yield
        finally:
            for name in calls:
                vfs.xSetSystemCall(name, 0)
            vfs.unregister()

    def _system_call(self, name: str, result: type, *arguments: type) -> object:
        plain = ctypes.CFUNCTYPE(result, *arguments, use_errno=True)((name, _LIBC))

        def call(*args: int) -> int:
            first = self._fails()
            if first is None:
                return plain(*args)
            if first and self.kind in (TORN, FULL) and "write" in name:
                plain(*args[:2], args[2] // 2, *args[3:])
            ctypes.set_errno(self._errno)
            return -1

        return ctypes.CFUNCTYPE(result, *arguments, use_errno=True)(call)


class _Unix(apsw.VFS):
    """A name for SQLite's own way to files, at which its system calls can be set."""

    def __init__(self) -> None:
        super().__init__("tests-disk", "unix")


def _tear(handle: int) -> None:
    """Half of a file that was written and not flushed is all that reached the disk."""
    if stat.S_ISREG(os.fstat(handle).st_mode):
        with suppress(OSError):
            os.truncate(f"/proc/self/fd/{handle}", os.fstat(handle).st_size // 2)
