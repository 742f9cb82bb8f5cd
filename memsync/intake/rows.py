"""A row of somebody's own table or list: the fields that people name text, date, tags and kind.

In comes a mapping by field name, out comes an :class:`Incoming`; a date or kind that is none is refused, for whoever made the table can
mend it. Used by the readers of JSON Lines and of CSV.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from memsync.errors import InputError
from memsync.intake.chatgpt_message import clean
from memsync.intake.dates import read_date
from memsync.intake.incoming import Incoming
from memsync.memory import KINDS, MemoryKind, Source

TEXT: Final = ("text", "content", "memory")
"""What the field with the text may be called."""
WHEN: Final = ("happened", "when", "date", "time", "timestamp", "created_at", "created")
_LABELS: Final = ("tags", "tag", "categories")


def text_field(names: Mapping[str, Any]) -> str | None:
    """Which of these fields has the text."""
    return next((name for name in TEXT if name in names), None)


def read_row(fields: Mapping[str, Any], where: str, tool: str) -> Incoming | None:
    """The memory of a row, without a key yet; None for one without a text. ``InputError`` naming ``where`` for a field that is wrong."""
    text = fields.get(text_field(fields) or "")
    if text is None or (isinstance(text, str) and not text.strip()):
        return None
    if not isinstance(text, str):
        raise InputError(f"{where}: its text is no text; put it in quotes")
    return Incoming(
        key=b"",
        kind=_kind(fields.get("kind"), where),
        text=clean(text),
        source=_source(fields, tool),
        happened=_when(fields, where),
        tags=_tags(fields, where),
    )


def _kind(value: object, where: str) -> MemoryKind:
    if value in (None, ""):
        return "semantic"
    if value not in KINDS:
        raise InputError(f"{where}: {str(value)[:40]!r} is no kind; say one of {', '.join(KINDS)}")
    return value


def _when(fields: Mapping[str, Any], where: str) -> int | None:
    for name in WHEN:
        if (value := fields.get(name)) not in (None, ""):
            number = _number(value) if isinstance(value, str) else None
            if (ms := read_date(value if number is None else number)) is None:
                raise InputError(
                    f"{where}: {str(value)[:40]!r} is no date; write it as 2025-01-31 or 2025-01-31T18:00"
                )
            return ms
    return None


def _number(text: str) -> float | None:
    """The Unix time that a text of nine digits or more is; fewer are a date without dashes, or nothing."""
    digits = text.strip().removeprefix("-")
    return float(text) if 9 <= len(digits) <= 16 and digits.isascii() and digits.isdigit() else None


def _tags(fields: Mapping[str, Any], where: str) -> tuple[str, ...]:
    value = next((fields[name] for name in _LABELS if fields.get(name)), ())
    found = value.replace(";", ",").split(",") if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
        raise InputError(f"{where}: its tags are no list of texts; write them with commas between")
    return tuple(sorted({clean(one.strip().removeprefix("#")) for one in found} - {""}))


def _source(fields: Mapping[str, Any], tool: str) -> Source:
    title = fields.get("title")
    named = fields.get("source")
    return Source(
        tool=clean(named) if isinstance(named, str) and named else tool,
        title=clean(title) if isinstance(title, str) and title else None,
    )
