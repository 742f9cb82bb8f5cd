"""Opening the export that a person downloaded: the zip, the folder it was unpacked into, or a file of it.

In comes a path, out come its parts of one kind in order (``conversations.json``, or ``conversations-000.json`` and on, as large exports
have it), each as a function that reads bytes. Nothing is unpacked to disk. A zip that would expand beyond all reason is refused by what
its directory declares, and ``zipfile`` never returns more than was declared; so is one with names that point outside it.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from memsync.errors import InputError
from memsync.intake.formats import CHATGPT, Format

MAX_SIZE: Final = 1 << 35
"""Bytes of all parts together, unpacked."""
MAX_EXPANSION: Final = 200
FREE_SIZE: Final = 1 << 26
"""Up to here the expansion doesn't matter."""

CONVERSATIONS: Final = re.compile(r"(?:.*/)?conversations(-\d+)?\.json", re.IGNORECASE)
MEMORIES: Final = re.compile(r"(?:.*/)?(?:memories(-\d+)?|memories/[^/]+)\.json", re.IGNORECASE)
"""What Claude remembers of a person: one list, or since 2026 one object for each account."""

_PACKINGS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# What `zipfile` raises for bytes that are no zip, by how far it came.
_BROKEN: Final = (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, zlib.error, EOFError)
_AGAIN: Final = "download the export again"


@dataclass(frozen=True, slots=True)
class ExportPart:
    """One file of an export. ``read(size)`` returns its next bytes, ``b""`` at the end; ``InputError`` when it can't be read."""

    name: str
    read: Callable[[int], bytes]


def export_size(path: Path, of: Format = CHATGPT) -> int:
    """Bytes that lie at ``path``, folders included. ``InputError`` when there is nothing, it may not be read, or it is a pipe or device."""
    with readable(path, of):
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return sum(found.stat().st_size for found in _near(path) if found.is_file())
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path} is no file and no folder: {of.hint}")
        return status.st_size


def read_parts(
    path: Path, of: Format = CHATGPT, kind: re.Pattern[str] = CONVERSATIONS, *, needed: bool = True
) -> Iterator[ExportPart]:
    """Yield the parts of the export at ``path`` whose names are of this kind, or the one file that ``path`` is; read each before asking
    for the next. ``InputError`` for what is no export, and where there is no such part but one is ``needed``.
    """
    with readable(path, of):
        if path.is_dir():
            yield from _files(path, of, kind, needed=needed)
        elif path.suffix.lower() == ".json":
            with path.open("rb") as file:
                yield ExportPart(path.name, reader(file, path.name))
        else:
            yield from _entries(path, of, kind, needed=needed)


def _files(folder: Path, of: Format, kind: re.Pattern[str], *, needed: bool) -> Iterator[ExportPart]:
    names = [found.relative_to(folder).as_posix() for found in _near(folder) if found.is_file()]
    for name in _choose(names, folder.name, of, kind, needed=needed):
        with (folder / name).open("rb") as file:
            yield ExportPart(name, reader(file, name))


def _near(folder: Path) -> list[Path]:
    """What lies in ``folder`` and in its folders: somebody may give their home by mistake, which is not to be gone through."""
    return [*folder.glob("*"), *folder.glob("*/*")]


def _entries(path: Path, of: Format, kind: re.Pattern[str], *, needed: bool) -> Iterator[ExportPart]:
    try:
        archive = zipfile.ZipFile(path)
    except _BROKEN:
        with path.open("rb") as file:
            begun = file.read(2) == b"PK"
        what = f"is cut short or damaged: {_AGAIN}" if begun else f"is not a zip: {of.hint}"
        raise InputError(f"{path.name} {what}") from None
    with archive:
        names = archive.namelist()
        _refuse_strays(names, path)
        chosen = [archive.getinfo(name) for name in _choose(names, path.name, of, kind, needed=needed)]
        _refuse_bomb(chosen, path)
        for entry in chosen:
            if entry.flag_bits & 1:
                raise InputError(f"{path.name} is locked with a password: unpack it and give the folder")
            if entry.compress_type not in _PACKINGS:
                raise InputError(f"{path.name} is packed in an unusual way: unpack it and give the folder")
            try:
                packed = archive.open(entry)
            except _BROKEN:
                raise InputError(f"{path.name} is cut short or damaged: {_AGAIN}") from None
            with packed:
                yield ExportPart(PurePosixPath(entry.filename).name, reader(packed, path.name))


def _choose(names: list[str], what: str, of: Format, kind: re.Pattern[str], *, needed: bool) -> list[str]:
    """The names of this kind, in order: those that lie highest, for a repacked export may have a folder around it."""
    theirs = [name for name in names if not name.startswith("__MACOSX/")]
    found = [name for name in theirs if kind.fullmatch(name)]
    if not found:
        if not needed:
            return []
        inner = next((name for name in names if name.lower().endswith(".zip")), None)
        hint = f"it holds {PurePosixPath(inner).name[:80]!r}: unpack that one" if inner else of.hint
        raise InputError(f"{what} holds no conversations.json: {hint}")
    height = min(name.count("/") for name in found)
    highest = sorted(
        (name for name in found if name.count("/") == height), key=lambda name: (len(name), name)
    )
    folders = {str(PurePosixPath(name).parent) for name in highest}
    if len(folders) > 1 or len(set(highest)) < len(highest):
        raise InputError(f"{what} holds several exports: unpack it and import each folder")
    return highest


def _refuse_strays(names: list[str], path: Path) -> None:
    for name in names:
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if ".." in parts or parts[:1] == ("/",) or (parts[:1] and parts[0].endswith(":")):
            raise InputError(f"{path.name} holds {name[:80]!r}, which points outside it: {_AGAIN}")


def _refuse_bomb(entries: list[zipfile.ZipInfo], path: Path) -> None:
    size = sum(entry.file_size for entry in entries)
    packed = min(sum(entry.compress_size for entry in entries), path.stat().st_size)
    if size > MAX_SIZE:
        raise InputError(f"{path.name} would unpack to {size >> 30:,} GB, which no export is: it is not read")
    if size > FREE_SIZE and size > packed * MAX_EXPANSION:
        times = size // max(packed, 1)
        raise InputError(
            f"{path.name} would unpack to {times:,} times its size, which no export does: it is not read"
        )


def reader(file: IO[bytes], name: str) -> Callable[[int], bytes]:
    """How ``file`` is read: ``InputError`` when that fails."""

    def read(size: int) -> bytes:
        try:
            return file.read(size)
        except (*_BROKEN, OSError):
            raise InputError(f"{name} is cut short or damaged: {_AGAIN}") from None

    return read


def open_regular(path: Path, of: Format) -> IO[bytes]:
    """A file for reading; ``InputError`` for what is none (a pipe would wait for ever) or may not be read."""
    with readable(path, of):
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise InputError(f"{path} is no file: {of.hint}")
        return os.fdopen(handle, "rb")


@contextmanager
def readable(path: Path, of: Format) -> Iterator[None]:
    """Turn an ``OSError`` inside into an ``InputError`` that names ``path``."""
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"there is nothing at {path}: {of.hint}") from None
    except OSError as error:
        raise InputError(
            f"{path} can't be read ({error.strerror or error}): is it yours, and whole?"
        ) from None
