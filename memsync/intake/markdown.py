"""A folder of Markdown notes: Obsidian's, basic-memory's, or what ``memsync export markdown`` wrote.

In comes a folder or one file, out comes one :class:`Incoming` per note (several where it is long), and one per observation in
basic-memory's notation, ``- [category] text #tag``, which is taken out of its note. Front matter gives title, tags and date; tags in the
text count too; links stay verbatim. A file's own date is not believed: unpacking a zip sets it. Hidden folders (``.obsidian``, ``.git``)
are passed over, links are never followed, and what leads out of the folder, a pipe or a device is refused.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from memsync.errors import InputError
from memsync.intake.chatgpt_message import clean
from memsync.intake.dates import read_date
from memsync.intake.export import Export
from memsync.intake.export_file import open_regular, readable
from memsync.intake.formats import MARKDOWN
from memsync.intake.front_matter import split_note
from memsync.intake.incoming import Incoming, Reason
from memsync.intake.lines import decode, refuse_wide
from memsync.intake.pages import read_page
from memsync.memory import KINDS, MemoryKind, Source

MAX_NOTE: Final = 1 << 24
"""Bytes of one note."""
MAX_DEPTH: Final = 64
"""Folders within folders."""
SUFFIXES: Final = frozenset({".md", ".markdown"})

_MARK: Final = "\ufeff"
_OBSERVATION: Final = re.compile(r"[ \t]*[-*+][ \t]+\[([^\[\]()\n]{2,60})\][ \t]+(\S.*)")
_TAG: Final = re.compile(r"(?:^|(?<=[\s(,]))#([\w/-]*[^\W\d_][\w/-]*)")
_FENCE: Final = re.compile(r" {0,3}(```|~~~)")
_HEADING: Final = re.compile(r" {0,3}#{1,6}([ \t]|$)")
_DATES: Final = ("created", "date", "created_at", "date created", "creation date")


class MarkdownExport(Export):
    """A folder of notes, or one note."""

    format = MARKDOWN

    def _size(self) -> int:
        with readable(self.path, MARKDOWN):
            return 0 if self.path.is_dir() else self.path.stat().st_size

    def _read(self) -> Iterator[Incoming]:
        if not self.path.is_dir():
            yield from self._note(self.path, self.path.name)
            return
        folder = Path(os.path.realpath(self.path))
        for file in _walk(folder, folder, 0):
            self._tally.size += 0 if file.is_symlink() else file.stat().st_size
            if file.is_symlink() or file.suffix.lower() not in SUFFIXES:
                self._tally.entries += 1
                self._leave(Reason.LINK if file.is_symlink() else Reason.NO_NOTE)
            else:
                yield from self._note(file, file.relative_to(folder).as_posix())

    def _note(self, file: Path, name: str) -> Iterator[Incoming]:
        fields, body = split_note(_read_text(file, name))
        tally = self._tally
        tally.groups += 1
        before = tally.taken
        own = read_page(fields, body, clean(name))
        title = _title(fields, file)
        if self.options.title is not None and self.options.title.casefold() not in title.casefold():
            tally.entries += 1
            self._leave(Reason.TITLE)
        elif own is not None:
            tally.entries += 1
            yield from self._take(own)
        else:
            yield from self._passages(fields, body, clean(name), title)
        tally.empty_groups += tally.taken == before

    def _passages(self, fields: dict[str, Any], body: str, name: str, title: str) -> Iterator[Incoming]:
        passages = _cut_out(body)
        self._tally.entries += len(passages) or 1
        if not passages:
            self._leave(Reason.EMPTY)
        common = _tags(fields.get("tags"))
        for category, text in passages:
            tags = common | set(_TAG.findall(text)) | ({category} if category else set())
            yield from self._take(
                Incoming(
                    key=b"",
                    kind=_kind(fields.get("kind")),
                    text=clean(text),
                    source=Source(tool=MARKDOWN.name, conversation=name, title=title),
                    happened=_when(fields, name),
                    tags=tuple(sorted({clean(tag) for tag in tags})),
                ),
                name,
                category,
                text,
            )


def _walk(folder: Path, top: Path, depth: int) -> Iterator[Path]:
    """Files and links below ``folder`` in the order of their names; ``InputError`` for what is neither, or leads out of ``top``."""
    if depth > MAX_DEPTH:
        raise InputError(f"{top} has over {MAX_DEPTH} folders within folders; give the one with the notes")
    with readable(folder, MARKDOWN), os.scandir(folder) as found:
        entries = sorted((one for one in found if not one.name.startswith(".")), key=lambda one: one.name)
    for entry in entries:
        path = Path(entry.path)
        if entry.is_symlink():
            if not Path(os.path.realpath(path)).is_relative_to(top):
                raise InputError(
                    f"{clean(entry.path)} leads out of the folder; take it away, or copy here what it means"
                )
            yield path
        elif entry.is_dir():
            yield from _walk(path, top, depth + 1)
        elif entry.is_file():
            yield path
        else:
            raise InputError(f"{clean(entry.path)} is a pipe, socket or device; take it out of the folder")


def _read_text(file: Path, name: str) -> str:
    with open_regular(file, MARKDOWN) as note:
        data = note.read(MAX_NOTE + 1)
    if len(data) > MAX_NOTE:
        raise InputError(
            f"{clean(name)} is over {MAX_NOTE >> 20} MB, which no note is; take it out of the folder"
        )
    refuse_wide(data[:4], clean(name))
    return decode(data, clean(name)).removeprefix(_MARK)


def _cut_out(body: str) -> list[tuple[str, str]]:
    """Each observation with its category, then what is left of the note, with none; verbatim. Headings alone are nothing."""
    observations, rest, said = [], [], False
    fenced: str | None = None
    for line in body.split("\n"):
        if fence := _FENCE.match(line):
            fenced = fence[1] if fenced is None else None if fence[1] == fenced else fenced
        found = None if fenced else _OBSERVATION.fullmatch(line.rstrip("\r"))
        if found:
            observations.append((found[1].strip(), found[2]))
        else:
            rest.append(line)
            said = said or bool(fenced or (line.strip() and not _HEADING.match(line)))
    return observations + ([("", "\n".join(rest).strip("\r\n"))] if said else [])


def _title(fields: dict[str, Any], file: Path) -> str:
    title = fields.get("title")
    return clean(title if isinstance(title, str) and title.strip() else file.stem)


def _tags(value: object) -> set[str]:
    found = re.split(r"[,\s]+", value) if isinstance(value, str) else value if isinstance(value, list) else []
    return {tag for one in found if isinstance(one, str) and (tag := one.strip().removeprefix("#"))}


def _when(fields: dict[str, Any], name: str) -> int | None:
    """The day that the head names, else that of a note named by a day."""
    dates = (read_date(fields[key]) for key in _DATES if isinstance(fields.get(key), str))
    return next(
        (one for one in dates if one is not None), read_date(name.rpartition("/")[2].rpartition(".")[0][:10])
    )


def _kind(value: object) -> MemoryKind:
    return value if value in KINDS else "semantic"
