"""mem0's memories, as ``get_all`` returns them: a JSON list, or an object with the list under ``results`` (``memories`` in some backups).

In comes a path, out comes one :class:`Incoming` per memory: its text, the categories as tags, when it was made, and until when it holds.
A list is read one object at a time; an object with the list inside is read whole and is therefore bounded. What an application put under
``metadata`` is not taken: nothing says what it means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from memsync.errors import InputError
from memsync.intake.chatgpt_message import clean
from memsync.intake.dates import read_date
from memsync.intake.export import Export
from memsync.intake.export_file import open_regular, reader
from memsync.intake.formats import MEM0
from memsync.intake.incoming import Incoming, Reason
from memsync.intake.json_items import read_objects
from memsync.memory import Source

LISTS: Final = ("results", "memories")


class Mem0Export(Export):
    """An export of mem0."""

    format = MEM0

    def _read(self) -> Iterator[Incoming]:
        with open_regular(self.path, MEM0) as file:
            for number, item in enumerate(
                _unwrapped(read_objects(reader(file, self.path.name), self.path.name, MEM0), self.path.name),
                1,
            ):
                self._tally.entries += 1
                yield from self._one(item, f"memory {number} of {self.path.name}")

    def _one(self, item: dict[str, Any], where: str) -> Iterator[Incoming]:
        if "memory" not in item:
            raise InputError(f"{where} has no text under `memory`: is it {MEM0.what}?")
        text = item["memory"]
        if not isinstance(text, str) or not text.strip():
            self._leave(Reason.MALFORMED if text and not isinstance(text, str) else Reason.EMPTY)
            return
        happened = read_date(item.get("created_at"))
        yield from self._take(
            Incoming(
                key=b"",
                kind="semantic",
                text=clean(text),
                source=Source(
                    tool=MEM0.name,
                    conversation=_text(item.get("run_id")),
                    title=_text(item.get("agent_id")),
                    role=_text(item.get("role")),
                ),
                happened=read_date(item.get("updated_at")) if happened is None else happened,
                tags=_tags(item.get("categories")),
                valid_until=read_date(item.get("expiration_date")),
            ),
            _text(item.get("id")),
            text,
        )


def _unwrapped(objects: Iterator[dict[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    """The memories, wherever the list of them stands."""
    first = next(objects, None)
    if first is None:
        return
    inside = next((first[key] for key in LISTS if isinstance(first.get(key), list)), None)
    if inside is None or "memory" in first:
        yield first
        yield from objects
        return
    if not all(isinstance(one, dict) for one in inside):
        raise InputError(f"{name} holds something else than memories: is it {MEM0.what}?")
    yield from inside


def _tags(value: object) -> tuple[str, ...]:
    found: Iterable[object] = value if isinstance(value, list) else ()
    return tuple(sorted({clean(one) for one in found if isinstance(one, str) and one}))


def _text(value: object) -> str | None:
    return clean(value) if isinstance(value, str) and value else None
