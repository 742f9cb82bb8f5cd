"""JSON Lines: what ``memsync export jsonl`` wrote, and the plain ``{"text": …}`` a line that anybody can write.

In comes a path, out comes one :class:`Incoming` a line. A line with an ``id`` and a ``version`` is MemSync's own and is taken whole; of
another the text, a date, tags, kind, title and source are. A line that is no object with a text is refused with its number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from memsync.errors import InputError
from memsync.intake.export import Export
from memsync.intake.export_file import open_regular, reader
from memsync.intake.formats import JSONL
from memsync.intake.incoming import Incoming, Reason
from memsync.intake.json_items import read_one
from memsync.intake.lines import read_lines
from memsync.intake.portable import IDENTITY, read_portable
from memsync.intake.rows import read_row, text_field


class JsonLinesExport(Export):
    """A file of JSON Lines."""

    format = JSONL

    def _read(self) -> Iterator[Incoming]:
        with open_regular(self.path, JSONL) as file:
            for number, line in read_lines(reader(file, self.path.name), self.path.name):
                if line.strip():
                    where = f"line {number} of {self.path.name}"
                    self._tally.entries += 1
                    yield from self._one(read_one(line.encode(), where), where)

    def _one(self, value: dict[str, Any], where: str) -> Iterator[Incoming]:
        if value.keys() >= IDENTITY:
            yield from self._take(read_portable(value, where))
            return
        if text_field(value) is None:
            raise InputError(f"{where} has no text; is the file {JSONL.what}?")
        memory = read_row(value, where, JSONL.name)
        if memory is None:
            self._leave(Reason.EMPTY)
            return
        named = value.get("id")
        yield from self._take(
            memory, str(named) if isinstance(named, str | int) else None, memory.happened, memory.text
        )
