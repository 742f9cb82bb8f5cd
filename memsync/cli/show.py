"""How memories, grants and times look: as lines for a person, as values for JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from memsync.cli.frame import shown

if TYPE_CHECKING:
    from memsync.memory import Memory
    from memsync.vault import Grant

WIDTH = 100


def memory_lines(memory: Memory) -> list[str]:
    """The text, and below it where it is from and its id."""
    source = memory.source
    titled = f"“{source.title}”" if source and source.title else None
    origin = [part for part in (source.tool, titled, source.role) if part] if source else []
    below = "  ".join(shown(part) for part in (day(memory.when), *origin, *memory.tags, memory.id.hex()))
    return [shown(memory.text), f"    {below}"]


def memory_line(memory: Memory) -> str:
    """Id, day and the beginning of the text, in one line."""
    start = f"{memory.id.hex()}  {day(memory.when)}  "
    text = " ".join(shown(memory.text).split())
    room = WIDTH - len(start)
    return start + (text if len(text) <= room else text[: room - 1] + "…")


def memory_value(memory: Memory) -> dict[str, object]:
    """A memory for JSON; times in ms, ids in hex."""
    source = memory.source
    return {
        "id": memory.id.hex(),
        "text": memory.text,
        "kind": memory.kind,
        "when": memory.when,
        "tags": list(memory.tags),
        "source": {name: getattr(source, name) for name in source.__slots__} if source else None,
        "author": memory.author.hex() if memory.author else None,
    }


def grant_line(grant: Grant) -> str:
    """Who, what, until when, and the link."""
    since = ", from now on" if grant.from_now else ""
    until = minute(grant.end)
    return f"{shown(grant.name)}  {shown(grant.scope)}  {grant.can}{since}  until {until}\n    {grant.link}"


def grant_value(grant: Grant) -> dict[str, object]:
    """A grant for JSON; times in seconds."""
    return {name: getattr(grant, name) for name in grant.__slots__} | {"id": grant.id.hex()}


def day(ms: int) -> str:
    """A day, in UTC."""
    try:
        return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d}"
    except (OverflowError, ValueError):
        return "          "


def minute(seconds: int) -> str:
    """A minute, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
