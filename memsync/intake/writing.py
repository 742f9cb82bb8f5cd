"""Memories written out in plain text: JSON Lines into a file, or Markdown pages into a folder.

In go a path and the memories, each with its scope's name; out comes what was written. It appears whole or not at all, is this user's to
read and nobody else's, and a folder that has something in it is refused.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from memsync.errors import InputError
from memsync.intake.pages import folder_names, page_name, write_page
from memsync.intake.portable import write_portable
from memsync.memory import SECRET_TAG, Memory
from memsync.progress import tell
from memsync.store.directory import flush
from memsync.store.faults import named

Scoped = tuple[str, Memory]
"""A scope's name and a memory in it."""

_TOLD: Final = 1000


@dataclass(frozen=True, slots=True)
class Written:
    """How many memories were written, how many of them are tagged as secret, and how many bytes that is."""

    memories: int
    secrets: int
    bytes: int


def write_jsonl(path: Path, memories: Iterable[Scoped]) -> Written:
    """Write a line a memory to the file ``path``, mode 0600. What it held before is replaced. ``StorageError`` when it can't be."""
    counts = _Counts()
    with named(f"file {path}", "written"), _beside(path) as temporary:
        with _new_file(temporary) as write:
            for scope, memory in memories:
                line = json.dumps(write_portable(memory, scope), ensure_ascii=False) + "\n"
                counts.add(memory, write(line.encode()))
        flush(temporary)
        temporary.replace(path)
        flush(path.parent)
    return counts.written()


def write_markdown(
    folder: Path, memories: Iterable[Scoped], *, scopes: list[str], conflicts: Collection[bytes]
) -> Written:
    """Write a page a memory into the folder ``path``, mode 0700, below one folder a scope and one a month. ``conflicts``: the ids of
    memories of which several versions stand. ``InputError`` for a folder that isn't empty, ``StorageError`` when it can't be written."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there already and not an empty folder; give one that is not there")
    counts, names, made = _Counts(), folder_names(scopes), set[Path]()
    with named(f"folder {folder}", "written"), _beside(folder) as temporary:
        temporary.mkdir(mode=0o700)
        for scope, memory in memories:
            page = temporary / names[scope] / page_name(memory, by_version=memory.id in conflicts)
            if page.parent not in made:
                page.parent.parent.mkdir(mode=0o700, exist_ok=True)
                page.parent.mkdir(mode=0o700, exist_ok=True)
                made.add(page.parent)
            with _new_file(page) as write:
                counts.add(memory, write(write_page(memory, scope).encode()))
        # One flush of everything: a flush for each of a hundred thousand pages takes an hour.
        os.sync()
        temporary.rename(folder)
        flush(folder.parent)
    return counts.written()


class _Counts:
    def __init__(self) -> None:
        self._memories = self._secrets = self._bytes = 0

    def add(self, memory: Memory, size: int) -> None:
        self._memories += 1
        self._secrets += SECRET_TAG in memory.tags
        self._bytes += size
        if self._memories % _TOLD == 0:
            tell("writing memories", self._memories)

    def written(self) -> Written:
        return Written(self._memories, self._secrets, self._bytes)


@contextmanager
def _new_file(path: Path) -> Iterator[Callable[[bytes], int]]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        yield file.write


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A name in the same folder for what is not whole yet; whatever is left of it at the end goes."""
    temporary = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(8)}")
    try:
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink()
        shutil.rmtree(temporary, ignore_errors=True)
