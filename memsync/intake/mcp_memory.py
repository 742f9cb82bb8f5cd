"""The knowledge graph of the Model Context Protocol's reference memory server: its ``memory.jsonl``.

In comes a path, out comes one :class:`Incoming` per observation, with the entity's name before it where it doesn't say it itself, and one
per relation, as a sentence. A line that the server would skip (it is no JSON, or no entity or relation) is counted and passed over, as the
server does: writes at the same moment have broken lines of many such files. A file without a single good line is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from memsync.errors import InputError
from memsync.intake.chatgpt_message import clean
from memsync.intake.export import Export
from memsync.intake.export_file import open_regular, reader
from memsync.intake.formats import MCP_MEMORY
from memsync.intake.incoming import Incoming, Reason
from memsync.intake.lines import read_lines
from memsync.memory import Source

_RELATION: Final = ("from", "relationType", "to")


class McpMemoryExport(Export):
    """The file of an MCP memory server."""

    format = MCP_MEMORY

    def _read(self) -> Iterator[Incoming]:
        understood = False
        with open_regular(self.path, MCP_MEMORY) as file:
            for _, line in read_lines(reader(file, self.path.name), self.path.name):
                if not line.strip():
                    continue
                record = _record(line)
                if is_entity(record):
                    understood = True
                    yield from self._entity(record)
                elif is_relation(record):
                    understood = True
                    self._tally.entries += 1
                    yield from self._relation(*(clean(record[name]) for name in _RELATION))
                else:
                    self._tally.entries += 1
                    self._leave(Reason.MALFORMED)
        if not understood:
            raise InputError(f"{self.path.name} has no entity and no relation: {MCP_MEMORY.hint}")

    def _entity(self, record: dict[str, Any]) -> Iterator[Incoming]:
        name, tally = clean(record["name"]), self._tally
        tally.groups += 1
        before = tally.taken
        if not record["observations"]:
            tally.entries += 1
            self._leave(Reason.BARE)
        for said in record["observations"]:
            tally.entries += 1
            if not isinstance(said, str) or not said.strip():
                self._leave(Reason.EMPTY if said == "" or isinstance(said, str) else Reason.MALFORMED)
                continue
            text = clean(said)
            named = name.casefold() in text.casefold()
            yield from self._take(
                _fact(text if named or not name else f"{name}: {text}", name, clean(record["entityType"])),
                "observation",
                name,
                text,
            )
        tally.empty_groups += tally.taken == before

    def _relation(self, begin: str, kind: str, end: str) -> Iterator[Incoming]:
        if not (begin and kind and end):
            self._leave(Reason.EMPTY)
            return
        text = f"{begin} {kind.replace('_', ' ')} {end}"
        yield from self._take(_fact(text, begin, "relation"), "relation", begin, kind, end)


def is_entity(record: object) -> bool:
    """Whether this is the line of an entity."""
    return (
        isinstance(record, dict)
        and record.get("type") == "entity"
        and isinstance(record.get("name"), str)
        and isinstance(record.get("entityType"), str)
        and isinstance(record.get("observations"), list)
    )


def is_relation(record: object) -> bool:
    """Whether this is the line of a relation."""
    return (
        isinstance(record, dict)
        and record.get("type") == "relation"
        and all(isinstance(record.get(name), str) for name in _RELATION)
    )


def _record(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _fact(text: str, about: str, tag: str) -> Incoming:
    return Incoming(
        key=b"",
        kind="semantic",
        text=text,
        source=Source(tool=MCP_MEMORY.name, conversation=about or None, title=about or None),
        tags=(tag,) if tag else (),
    )
