"""A CSV table with a first row of names: ``text`` (or ``content``, ``memory``), and where there are any ``date``, ``tags``, ``kind``,
``title``, ``source``.

In comes a path, out comes one :class:`Incoming` a row (RFC 4180; a comma, semicolon or tab between fields, as the first row has it).
Names count whatever their case. A row with more fields than names is refused: what stands where is then unknown.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Final

from memsync.errors import InputError
from memsync.intake.export import Export
from memsync.intake.export_file import open_regular, reader
from memsync.intake.formats import CSV
from memsync.intake.incoming import Incoming, Reason
from memsync.intake.lines import read_lines
from memsync.intake.rows import read_row, text_field

_BETWEEN: Final = ",;\t"


class CsvExport(Export):
    """A table."""

    format = CSV

    def _read(self) -> Iterator[Incoming]:
        name = self.path.name
        with open_regular(self.path, CSV) as file:
            lines = (line for _, line in read_lines(reader(file, name), name))
            first = next(lines, "")
            names = column_names(first)
            if text_field(dict.fromkeys(names)) is None:
                raise InputError(
                    f"the first row of {name} names no column text, content or memory; add such a row"
                )
            if len(set(names)) < len(names):
                raise InputError(f"the first row of {name} has a name twice; give each column its own")
            rows = csv.reader(lines, delimiter=_delimiter(first), strict=True)
            while (row := _next(rows, name)) is not None:
                if row:
                    yield from self._one(
                        names, row, f"the row that ends in line {rows.line_num + 1} of {name}"
                    )

    def _one(self, names: list[str], row: list[str], where: str) -> Iterator[Incoming]:
        if len(row) > len(names):
            raise InputError(
                f"{where} has {len(row)} fields for {len(names)} names; put a text with commas in quotes"
            )
        self._tally.entries += 1
        memory = read_row(dict(zip(names, row, strict=False)), where, CSV.name)
        if memory is None:
            self._leave(Reason.EMPTY)
            return
        yield from self._take(memory, memory.happened, memory.text)


def column_names(first: str) -> list[str]:
    """The names in a first row, folded; none that repeats but the empty one is meant to."""
    try:
        found = next(csv.reader([first], delimiter=_delimiter(first)), [])
    except csv.Error:
        return []
    return [one.strip().casefold() or f"column {number}" for number, one in enumerate(found, 1)]


def _delimiter(first: str) -> str:
    return max(_BETWEEN, key=first.count)


def _next(rows: Iterator[list[str]], name: str) -> list[str] | None:
    try:
        return next(rows, None)
    except csv.Error as error:
        raise InputError(f"{name} is no whole CSV ({error}); save it anew as CSV in UTF-8") from None
