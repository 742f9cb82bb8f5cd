"""Opening the export that a person downloaded: the zip, the folder it was unpacked into, or ``conversations.json`` itself.

In comes a path, out come the parts of the conversation list in order (``conversations.json``, or ``conversations-000.json`` and on, as
large exports have it), each as a function that reads bytes. Nothing is unpacked to disk. A zip that would expand beyond all reason is
refused by what its directory declares, and ``zipfile`` never returns more than was declared.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from memsync.errors import InputError

MAX_SIZE: Final = 1 << 35
"""Bytes of all conversation lists together, unpacked."""
MAX_EXPANSION: Final = 200
FREE_SIZE: Final = 1 << 26
"""Up to here the expansion doesn't matter."""

_LIST_NAME: Final = re.compile(r"conversations(-\d+)?\.json", re.IGNORECASE)
_PACKINGS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# What `zipfile` raises for bytes that are no zip, by how far it came.
_BROKEN: Final = (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, zlib.error, EOFError)
_AGAIN: Final = "download the export again"
_WHICH: Final = "give the zip that ChatGPT mails you (Settings, Data controls, Export data)"


@dataclass(frozen=True, slots=True)
class ExportPart:
    """One conversation list. ``read(size)`` returns its next bytes, ``b""`` at the end; ``InputError`` when it can't be read."""

    name: str
    read: Callable[[int], bytes]


def export_size(path: Path) -> int:
    """Bytes that lie at ``path``, folders included. ``InputError`` when there is nothing or it may not be read."""
    with _readable(path):
        if path.is_dir():
            return sum(found.stat().st_size for found in _near(path) if found.is_file())
        return path.stat().st_size


def read_parts(path: Path) -> Iterator[ExportPart]:
    """Yield the conversation lists of the export at ``path``; read each before asking for the next. ``InputError`` for what is none."""
    with _readable(path):
        if path.is_dir():
            yield from _files(path)
        elif path.suffix.lower() == ".json":
            with path.open("rb") as file:
                yield ExportPart(path.name, _reader(file, path.name))
        else:
            yield from _entries(path)


def _files(folder: Path) -> Iterator[ExportPart]:
    names = [found.relative_to(folder).as_posix() for found in _near(folder) if found.is_file()]
    for name in _choose(names, folder.name):
        with (folder / name).open("rb") as file:
            yield ExportPart(name, _reader(file, name))


def _near(folder: Path) -> list[Path]:
    """What lies in ``folder`` and in its folders: somebody may give their home by mistake, which is not to be gone through."""
    return [*folder.glob("*"), *folder.glob("*/*")]


def _entries(path: Path) -> Iterator[ExportPart]:
    try:
        archive = zipfile.ZipFile(path)
    except _BROKEN:
        with path.open("rb") as file:
            begun = file.read(2) == b"PK"
        what = f"is cut short or damaged: {_AGAIN}" if begun else f"is not a zip: {_WHICH}"
        raise InputError(f"{path.name} {what}") from None
    with archive:
        chosen = [archive.getinfo(name) for name in _choose(archive.namelist(), path.name)]
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
                yield ExportPart(PurePosixPath(entry.filename).name, _reader(packed, path.name))


def _choose(names: list[str], what: str) -> list[str]:
    """The names of the conversation lists, in order: those that lie highest, for a repacked export may have a folder around it."""
    theirs = [name for name in names if not name.startswith("__MACOSX/")]
    found = [name for name in theirs if _LIST_NAME.fullmatch(PurePosixPath(name).name)]
    if not found:
        inner = next((name for name in names if name.lower().endswith(".zip")), None)
        hint = f"it holds {PurePosixPath(inner).name[:80]!r}: unpack that one" if inner else _WHICH
        raise InputError(f"{what} holds no conversations.json: {hint}")
    height = min(name.count("/") for name in found)
    highest = sorted(
        (name for name in found if name.count("/") == height), key=lambda name: (len(name), name)
    )
    folders = {str(PurePosixPath(name).parent) for name in highest}
    if len(folders) > 1 or len(set(highest)) < len(highest):
        raise InputError(f"{what} holds several exports: unpack it and import each folder")
    return highest


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


def _reader(file: IO[bytes], name: str) -> Callable[[int], bytes]:
    def read(size: int) -> bytes:
        try:
            return file.read(size)
        except (*_BROKEN, OSError):
            raise InputError(f"{name} is cut short or damaged: {_AGAIN}") from None

    return read


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"there is nothing at {path}: {_WHICH}") from None
    except OSError as error:
        raise InputError(
            f"{path} can't be read ({error.strerror or error}): is it yours, and whole?"
        ) from None
