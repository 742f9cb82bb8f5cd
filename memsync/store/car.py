"""Blocks in one file: CARv1 (https://ipld.io/specs/transport/car/carv1/) out, in, and as a store.

A CAR is what travels: by hand, by mail, to another tool. ``export_car`` writes named blocks from a store; ``import_car`` reads the whole
file, and puts nothing unless every byte is right and every needed block is there, for a CAR that was cut short looks like one that was
not. ``CarStore`` is a CAR used in place: read as it lies, written anew and renamed at every change, so fit for few blocks or few changes,
or only read.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from memsync.errors import FormatError, StorageError
from memsync.ipld.car import read_car, write_car
from memsync.ipld.cid import CID, LENGTH
from memsync.ipld.dagcbor import encode
from memsync.store.directory import flush
from memsync.store.faults import named
from memsync.store.port import Block, BlockStore, Place, checked


@dataclass(frozen=True, slots=True)
class Imported:
    """What a CAR brought: its roots as it names them, and how many different blocks."""

    roots: tuple[CID, ...]
    blocks: int


def export_car(store: BlockStore, cids: Iterable[CID], path: str | Path, *, roots: Sequence[CID] = ()) -> int:
    """Write these blocks of ``store`` as a CAR at ``path`` and return how many there are.

    The file appears whole or not at all, for its user alone to read. ``BlockMissing`` and ``FormatError`` as from ``get_many``,
    ``StorageError`` when it can't be written.
    """
    wanted = list(dict.fromkeys(cids))
    _write(Path(path), roots, checked(store).get_many(wanted))
    return len(wanted)


def import_car(path: str | Path, store: BlockStore, *, needed: Iterable[CID] = ()) -> Imported:
    """Put every block of the CAR at ``path`` into ``store``.

    ``FormatError("car", …)``, with nothing put, when the file is not a whole CAR of right blocks or lacks one of ``needed``.
    """
    with _opened(Path(path)) as file:
        reader = read_car(file.read)
        seen = {cid for cid, _ in reader}
        for cid in needed:
            if cid not in seen:
                raise FormatError(
                    "car", "missing", f"{path} lacks block {cid}; ask whoever made it for a whole one"
                )
    with _opened(Path(path)) as file:
        store.put_many(read_car(file.read))
    return Imported(tuple(reader.roots), len(seen))


class CarStore(Place):
    """The CAR at ``path`` as a store; a file that is not there holds nothing. ``roots`` are written into a file made anew.

    With ``read_only`` it is never written, and a file that is not there can't be read: whoever has it on a disk wants to hear that.
    """

    def __init__(self, path: str | Path, *, roots: Sequence[CID] = (), read_only: bool = False) -> None:
        self.path = Path(path).expanduser().absolute()
        self._read_only = read_only
        self._new_roots = tuple(roots)
        self._read_as: tuple[int, int, int] | None = None
        self._roots: tuple[CID, ...] = self._new_roots
        self._where: dict[CID, tuple[int, int]] = {}

    @property
    def place(self) -> str:
        return f"CAR file {self.path}"

    @property
    def roots(self) -> tuple[CID, ...]:
        """What the file names as its roots."""
        self._look()
        return self._roots

    def has_many(self, cids: Iterable[CID]) -> set[CID]:
        self._look()
        return {cid for cid in cids if cid in self._where}

    def delete(self, cids: Iterable[CID]) -> None:
        self._look()
        unwanted = set(cids) & self._where.keys()
        if unwanted:
            self._may_write()
            self._rewrite([cid for cid in self._where if cid not in unwanted], iter(()))

    def iter(self) -> Iterator[CID]:
        self._look()
        yield from list(self._where)

    def _keep(self, blocks: Iterator[Block]) -> None:
        self._look()
        fresh = _unseen(blocks, set(self._where))
        first = next(fresh, None)
        if first is not None:
            self._may_write()
            self._rewrite(list(self._where), chain((first,), fresh))

    def _fetch(self, cids: list[CID]) -> Iterator[bytes | None]:
        self._look()
        for cid in cids:
            yield self._bytes_of(cid)

    def _bytes_of(self, cid: CID) -> bytes | None:
        if cid not in self._where:
            return None
        start, length = self._where[cid]
        with _opened(self.path) as file:
            file.seek(start)
            return file.read(length)

    def _look(self) -> None:
        """Find where each block lies, if the file is another than the one last looked at."""
        with named(self.place, "read"):
            try:
                status = self.path.stat()
            except FileNotFoundError:
                if self._read_only:
                    raise
                self._roots, self._where, self._read_as = self._new_roots, {}, None
                return
        identity = (status.st_ino, status.st_size, status.st_mtime_ns)
        if identity == self._read_as:
            return
        with _opened(self.path) as file:
            reader = read_car(file.read)
            position = _section(len(encode({"roots": list(reader.roots), "version": 1})))
            where: dict[CID, tuple[int, int]] = {}
            for cid, block in reader:
                position += _section(LENGTH + len(block))
                where[cid] = (position - len(block), len(block))
        self._roots, self._where, self._read_as = tuple(reader.roots), where, identity

    def _may_write(self) -> None:
        if self._read_only:
            raise StorageError(f"{self.place} is read only; put or delete in a directory of this vault")

    def _rewrite(self, kept: list[CID], added: Iterator[Block]) -> None:
        def all_of_them() -> Iterator[Block]:
            yield from self.get_many(kept)
            yield from added

        _write(self.path, self._roots, all_of_them())
        self._look()


def _unseen(blocks: Iterable[Block], seen: set[CID]) -> Iterator[Block]:
    for cid, block in blocks:
        if cid not in seen:
            seen.add(cid)
            yield cid, block


def _section(length: int) -> int:
    """The bytes of a section with its varint, which a reader takes in its shortest form only."""
    return length + max(1, (length.bit_length() + 6) // 7)


def _opened(path: Path) -> BinaryIO:
    with named(f"CAR file {path}", "read"):
        return path.open("rb")


def _write(path: Path, roots: Sequence[CID], blocks: Iterable[Block]) -> None:
    temporary = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(8)}")
    with named(f"CAR file {path}", "written"):
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                write_car(roots, blocks, file.write)
            flush(temporary)
            temporary.replace(path)
            flush(path.parent)
        finally:
            with suppress(OSError):
                temporary.unlink()
