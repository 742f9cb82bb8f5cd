"""What every importer is: an export that can be gone through, again and again, and that counts what it finds.

In comes a path, out come :class:`Incoming` values one after the other; the importer of each format says in ``_read`` how. It stores
nothing, so all or nothing is the caller's to keep: whatever is wrong with the export raises before the iteration ends, and what was
yielded until then is to be thrown away (one transaction does it).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from memsync.intake.cutting import cut_text
from memsync.intake.export_file import export_size
from memsync.intake.formats import Format
from memsync.intake.incoming import ImportOptions, Incoming, Reason, Report, Tally, key_of
from memsync.memory import Source


class Export(ABC):
    """An export of one format.

    ``seen`` holds the keys of earlier imports. A key is looked for just before its memory is yielded, so a caller that adds each key as it
    stores it is also safe from an export that holds a thing twice. Iterating raises ``InputError`` for what is of another format, or
    damaged.
    """

    format: ClassVar[Format]

    def __init__(
        self, path: Path | str, options: ImportOptions | None = None, *, seen: Container[bytes] = frozenset()
    ) -> None:
        self.path = Path(path)
        self.options = options or ImportOptions()
        self._seen = seen
        self._tally = self._new_tally(0)

    def __iter__(self) -> Iterator[Incoming]:
        self._tally = self._new_tally(self._size())
        yield from self._read()
        self._tally.complete = True

    def report(self) -> Report:
        """What the last iteration found; ``complete`` when it came to its end."""
        return self._tally.report()

    @abstractmethod
    def _read(self) -> Iterator[Incoming]:
        """Everything that is new, in the export's order."""

    def _size(self) -> int:
        return export_size(self.path, self.format)

    def _new_tally(self, size: int) -> Tally:
        return Tally(self.format.name, str(self.path.absolute()), size, self.options.dry_run)

    def _fresh(self, memories: list[Incoming]) -> Iterator[Incoming]:
        """Those that are not known."""
        for memory in memories:
            if memory.key in self._seen:
                self._tally.known += 1
            else:
                self._tally.memories += 1
                yield memory

    def _take(self, entry: Incoming, *key: str | int | None) -> Iterator[Incoming]:
        """An entry that is a memory, or several where it is long, unless it is before the date; its key is made of ``key`` or given."""
        tally = self._tally
        if (left := self._too_early(entry.happened)) is not None:
            tally.left_out[left] += 1
            return
        tally.taken += 1
        tally.note_time(entry.happened)
        pieces = [entry.text] if entry.own else cut_text(entry.text)
        tally.cut += len(pieces) > 1
        yield from self._fresh(
            [
                entry.piece(
                    key_of(self.format.name, *key, number) if key else entry.key,
                    piece,
                    _in_part(entry.source, number, len(pieces)),
                    self.options.scope,
                )
                for number, piece in enumerate(pieces, 1)
            ]
        )

    def _leave(self, reason: Reason) -> None:
        self._tally.left_out[reason] += 1

    def _too_early(self, happened: int | None) -> Reason | None:
        since = self.options.since
        if since is None:
            return None
        if happened is None:
            return Reason.UNTIMED
        return Reason.EARLIER if happened < since else None


def _in_part(source: Source | None, number: int, parts: int) -> Source | None:
    if parts == 1:
        return source
    return replace(source or Source(part="1"), part=f"{number}/{parts}")
