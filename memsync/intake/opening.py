"""Which format a file or folder is, and the reader for it.

In comes a path and the format that the person says, or ``auto``; out comes an :class:`Export`. Only the beginning is looked at: the names
in a zip, the first object of a list, the first line. What plainly is another format than was said is refused by its name, for read as the
wrong one it would give no memories or nonsense.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any, Final

from memsync.errors import InputError
from memsync.intake.chatgpt import ChatGPTExport
from memsync.intake.claude import MEMORY_MARKS, ClaudeExport
from memsync.intake.csv_table import CsvExport, column_names
from memsync.intake.export import Export
from memsync.intake.export_file import (
    CONVERSATIONS,
    MEMORIES,
    ExportPart,
    export_size,
    open_regular,
    read_parts,
    reader,
)
from memsync.intake.formats import (
    ANY,
    CHATGPT,
    CLAUDE,
    CSV,
    FORMATS,
    JSONL,
    MARKDOWN,
    MCP_MEMORY,
    MEM0,
    Format,
)
from memsync.intake.incoming import ImportOptions
from memsync.intake.json_items import read_objects
from memsync.intake.jsonl import JsonLinesExport
from memsync.intake.lines import refuse_wide
from memsync.intake.markdown import SUFFIXES, MarkdownExport
from memsync.intake.mcp_memory import McpMemoryExport, is_entity, is_relation
from memsync.intake.mem0 import LISTS, Mem0Export
from memsync.intake.portable import IDENTITY
from memsync.intake.rows import text_field
from memsync.intake.talks import TalkExport

AUTO: Final = ANY.name

_READERS: Final[Mapping[str, type[Export]]] = {
    one.format.name: one
    for one in (
        ChatGPTExport,
        ClaudeExport,
        Mem0Export,
        McpMemoryExport,
        MarkdownExport,
        JsonLinesExport,
        CsvExport,
    )
}
_START: Final = 1 << 16
_WRAPPED: Final = re.compile(rb'"(?:' + "|".join(LISTS).encode() + rb')"\s*:\s*\[')


def open_export(
    path: Path | str,
    format: str = AUTO,  # noqa: A002 - the word of the documentation
    options: ImportOptions | None = None,
    *,
    seen: Container[bytes] = frozenset(),
) -> Export:
    """The reader of what lies at ``path``. ``InputError`` for an unknown format, for a file that plainly is of another one, and with
    ``auto`` for one that is none that can be told."""
    path = Path(path)
    if format != AUTO and format not in _READERS:
        raise InputError(f"{format!r} is no format; say one of {AUTO}, {', '.join(_READERS)}")
    wanted = FORMATS.get(format)
    export_size(path, wanted or ANY)
    try:
        found = detect(path)
    except InputError:
        if wanted is None:
            raise
        found = None  # its own reader says better what is wrong
    if wanted is None:
        if found is None:
            raise InputError(f"can't tell what {path.name} is; say its format: {', '.join(_READERS)}")
        wanted = found
    elif found is not None and found is not wanted:
        raise InputError(f"{path.name} looks like {found.what}, not {wanted.what}; import it as {found.name}")
    _refuse_idle(options or ImportOptions(), wanted)
    return _READERS[wanted.name](path, options, seen=seen)


def _refuse_idle(options: ImportOptions, wanted: Format) -> None:
    """Refuse a choice that means nothing in this format, rather than take in what the person wanted left out."""
    said = {"only": options.only is not None, "all_branches": options.all_branches}
    if wanted is not MARKDOWN:
        said["title"] = options.title is not None
    idle = [f"--{name.replace('_', '-')}" for name, given in said.items() if given]
    if idle and not issubclass(_READERS[wanted.name], TalkExport):
        raise InputError(f"{wanted.what} knows no {', '.join(idle)}; leave that out")


def detect(path: Path) -> Format | None:
    """The format that the beginning of this file or folder shows, None if none. ``InputError`` for what can't be read."""
    if path.is_dir():
        return _of_parts(path) or (MARKDOWN if _has_notes(path) else None)
    with open_regular(path, ANY) as file:
        start = file.read(_START)
    if start.startswith(b"PK"):
        return _of_parts(path)
    if path.suffix.lower() in SUFFIXES:
        return MARKDOWN
    refuse_wide(start, path.name)
    begun = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if begun.startswith(b"["):
        with open_regular(path, ANY) as file:
            return _of_list(ExportPart(path.name, reader(file, path.name)))
    if begun.startswith(b"{"):
        return _of_lines(begun) or _of_one(begun)
    names = column_names(begun.split(b"\n", 1)[0].decode("utf-8", "replace"))
    return CSV if text_field(dict.fromkeys(names)) else None


def _of_parts(path: Path) -> Format | None:
    for kind in (CONVERSATIONS, MEMORIES):
        for part in read_parts(path, ANY, kind, needed=False):
            if (found := _of_list(part)) is not None:
                return found
            break
    return None


def _of_list(part: ExportPart) -> Format | None:
    return _of_object(next(read_objects(part.read, part.name, ANY), {}))


def _of_object(first: Mapping[str, Any]) -> Format | None:
    if "mapping" in first:
        return CHATGPT
    if "chat_messages" in first or MEMORY_MARKS & first.keys():
        return CLAUDE
    return MEM0 if "memory" in first else None


def _of_lines(start: bytes) -> Format | None:
    """What the first line that is JSON shows."""
    for line in start.split(b"\n")[:100]:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if not isinstance(found, dict):
            return None
        if is_entity(found) or is_relation(found):
            return MCP_MEMORY
        if MEMORY_MARKS & found.keys():
            return CLAUDE
        if any(isinstance(found.get(name), list) for name in LISTS):
            return MEM0
        return JSONL if found.keys() >= IDENTITY or text_field(found) else None
    return None


def _of_one(start: bytes) -> Format | None:
    """What an object shows that goes over several lines."""
    if any(f'"{mark}"'.encode() in start for mark in MEMORY_MARKS):
        return CLAUDE
    return MEM0 if _WRAPPED.search(start) else None


def _has_notes(folder: Path) -> bool:
    return any(
        one.suffix.lower() in SUFFIXES for pattern in ("*", "*/*", "*/*/*") for one in folder.glob(pattern)
    )
