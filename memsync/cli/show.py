"""How memories, grants and times look to a person: lines from the JSON values of the verbs. Times are the person's own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from memsync.chain.naming import without_keys
from memsync.cli.frame import shown

WIDTH = 100
Value = dict[str, Any]


def memory_lines(memory: Value) -> list[str]:
    """The text, and below it where it is from and its id."""
    source = memory["source"] or {}
    titled = f"“{source['title']}”" if source.get("title") else None
    origin = [part for part in (source.get("tool"), titled, source.get("role")) if part]
    below = "  ".join(shown(part) for part in (day(memory["when"]), *origin, *memory["tags"], memory["id"]))
    return [shown(memory["text"]), f"    {below}"]


def memory_line(memory: Value) -> str:
    """Id, day and the beginning of the text, in one line."""
    start = f"{memory['id']}  {day(memory['when'])}  "
    text = " ".join(shown(memory["text"]).split())
    room = WIDTH - len(start)
    return start + (text if len(text) <= room else text[: room - 1] + "…")


def grant_lines(grant: Value) -> list[str]:
    """Who, what, until when, and the link."""
    since = ", from now on" if grant["from_now"] else ""
    return [
        f"{shown(grant['name'])}  {shown(grant['scope'])}  {grant['can']}{since}  until {minute(grant['until'])}",
        f"    {grant['link']}",
    ]


def network_name(network: str) -> str:
    """A network as it may be shown to others: without an RPC's key."""
    return shown(without_keys(network))


def day(iso: str | None) -> str:
    """A day where the person is."""
    return " " * 10 if iso is None else f"{_local(iso):%Y-%m-%d}"


def minute(iso: str | None) -> str:
    """A minute where the person is."""
    return "" if iso is None else f"{_local(iso):%Y-%m-%d %H:%M}"


def amount(number: int, one: str, many: str | None = None) -> str:
    """``1 memory``, ``2 memories``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def span(seconds: int) -> str:
    """``8 hours``, ``30 minutes``, ``90 seconds``: the largest unit that says it whole."""
    for unit, name in ((3600, "hour"), (60, "minute")):
        if seconds >= unit and seconds % unit == 0:
            return amount(seconds // unit, name)
    return amount(seconds, "second")


def bytes_of(size: int) -> str:
    """A size as a person reads it."""
    for unit, name in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"


def _local(iso: str) -> datetime:
    return datetime.fromisoformat(iso).astimezone()
