"""Blocks in a directory, one file a block: ``PATH/xx/<cid>``, where ``xx`` is the first byte of the digest in hex.

In come blocks; each batch is written to temporary files, flushed to the disk, renamed into place, and the directories are flushed
last, so that a file under a CID is always whole, and a put that returned survives a power cut. A block that is there already is
compared and, if its bytes went bad, replaced. Files are never changed in place: the directory is safe under rsync, Syncthing and
``sha256sum``, and two processes may write at once. What is not a block's file is left alone.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path

from memsync.errors import FormatError
from memsync.ipld.cid import CID
from memsync.store.faults import named
from memsync.store.port import Block, Place

BATCH = 256
FLUSHERS = 8  # parallel flushes share one journal commit of the file system
STALE = 24 * 3600.0  # seconds after which a temporary file belongs to nobody
_TEMPORARY = ".incoming-"


class DirectoryStore(Place):
    """A directory of blocks. It is created at the first put; a directory that is not there holds nothing."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser().absolute()
        self._swept = False

    @property
    def place(self) -> str:
        return f"directory {self.path}"

    def _keep(self, blocks: Iterator[Block]) -> None:
        touched: set[Path] = set()
        while batch := list(islice(blocks, BATCH)):
            with named(self.place, "written"):
                if not touched:
                    self._make()
                touched |= self._put_batch(batch)
        with named(self.place, "written"):
            _each(flush, sorted(touched))

    def has_many(self, cids: Iterable[CID]) -> set[CID]:
        with named(self.place, "read"):
            return {cid for cid in cids if self._file(cid).is_file()}

    def size_many(self, cids: Iterable[CID]) -> dict[CID, int]:
        found = {}
        with named(self.place, "read"):
            for cid in cids:
                with suppress(FileNotFoundError):
                    found[cid] = self._file(cid).stat().st_size
        return found

    def delete(self, cids: Iterable[CID]) -> None:
        touched: set[Path] = set()
        with named(self.place, "written"):
            for cid in cids:
                file = self._file(cid)
                with suppress(FileNotFoundError):
                    file.unlink()
                    touched.add(file.parent)
            _each(flush, sorted(touched))

    def iter(self) -> Iterator[CID]:
        with named(self.place, "read"):
            shelves = sorted(self.path.glob("[0-9a-f][0-9a-f]"))
        for shelf in shelves:
            with named(self.place, "read"):
                names = [entry.name for entry in os.scandir(shelf) if entry.is_file()]
            for name in names:
                with suppress(FormatError):
                    cid = CID.parse(name)
                    if self._file(cid).parent == shelf:
                        yield cid

    def _fetch(self, cids: list[CID]) -> Iterator[bytes | None]:
        for cid in cids:
            with named(self.place, "read"):
                yield _read(self._file(cid))

    def _file(self, cid: CID) -> Path:
        return self.path / cid.digest[:1].hex() / str(cid)

    def _make(self) -> None:
        if not self.path.is_dir():
            self.path.mkdir(parents=True, exist_ok=True)
            flush(self.path.parent)
        if not self._swept:
            self._swept = True
            self._sweep()

    def _sweep(self) -> None:
        """Remove what a crash left behind long ago."""
        for file in self.path.glob(_TEMPORARY + "*"):
            with suppress(FileNotFoundError):
                if time.time() - file.stat().st_mtime > STALE:
                    file.unlink()

    def _put_batch(self, batch: list[Block]) -> set[Path]:
        """Write what is not there yet; returns the directories whose names must still reach the disk."""
        touched: set[Path] = set()
        moves: list[tuple[Path, Path]] = []
        try:
            for cid, block in batch:
                file = self._file(cid)
                touched.add(file.parent)
                if _read(file) == block:
                    continue  # its directory is flushed all the same: whoever put it may not have got that far
                if not file.parent.is_dir():
                    file.parent.mkdir(exist_ok=True)
                    touched.add(self.path)
                temporary = self.path / f"{_TEMPORARY}{os.getpid()}-{secrets.token_hex(8)}"
                moves.append((temporary, file))
                temporary.write_bytes(block)
            _each(flush, [temporary for temporary, _ in moves])
            for temporary, file in moves:
                temporary.replace(file)
        except OSError:
            for temporary, _ in moves:
                with suppress(OSError):
                    temporary.unlink()
            raise
        return touched


def flush(path: Path) -> None:
    """Have the system put a file's bytes, or a directory's names, on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _each(work: Callable[[Path], None], paths: list[Path]) -> None:
    if len(paths) <= 2:
        for path in paths:
            work(path)
        return
    with ThreadPoolExecutor(min(FLUSHERS, len(paths))) as flushers:
        for _ in flushers.map(work, paths):
            pass


def _read(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None
