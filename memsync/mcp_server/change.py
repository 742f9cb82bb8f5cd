"""What becomes of a client's file, before it does: its text before and after, and the lines that show a person the difference.

Values only; nothing is read or written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from memsync.mcp_server.clients import Client

_AROUND: Final = 2
_WIDE: Final = 160


@dataclass(frozen=True, slots=True)
class Place:
    """A client's file: ``file`` as it is named, ``real`` where that leads."""

    client: Client
    file: Path
    real: Path


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a file: its text before and after, None where there is none. ``origin`` is what it says without the entry."""

    place: Place
    before: str | None
    after: str | None
    origin: str | None

    def __bool__(self) -> bool:
        """Whether anything changes."""
        return self.before != self.after

    def diff(self) -> list[str]:
        """The lines of a unified diff with one hunk; very long ones are cut around what changes."""
        old, new = _lines(self.before), _lines(self.after)
        start = common(old, new)
        end = common(old[start:][::-1], new[start:][::-1])
        first, behind = max(start - _AROUND, 0), max(end - _AROUND, 0)
        gone, come = old[start : len(old) - end], new[start : len(new) - end]
        cut = max(common(gone[0], come[0]) - _WIDE // 2, 0) if len(gone) == len(come) == 1 else 0
        shown = [
            *(f" {_cut(one)}" for one in old[first:start]),
            *(f"-{_cut(one, cut)}" for one in gone),
            *(f"+{_cut(one, cut)}" for one in come),
            *(f" {_cut(one)}" for one in old[len(old) - end : len(old) - behind]),
        ]
        spans = [f"{first + 1},{len(lines) - behind - first}" if lines else "0,0" for lines in (old, new)]
        names = ["/dev/null" if text is None else str(self.place.real) for text in (self.before, self.after)]
        return [f"--- {names[0]}", f"+++ {names[1]}", f"@@ -{spans[0]} +{spans[1]} @@", *shown]


def common(one: Sequence[str], other: Sequence[str]) -> int:
    """How long both begin alike."""
    alike, most = 0, min(len(one), len(other))
    while alike < most:  # by halves: a comparison of slices is fast
        half = (alike + most + 1) // 2
        alike, most = (half, most) if one[alike:half] == other[alike:half] else (alike, half - 1)
    return alike


def _lines(text: str | None) -> list[str]:
    return [] if text is None else text.removeprefix("\ufeff").splitlines()


def _cut(line: str, start: int = 0) -> str:
    cut = line[start : start + _WIDE]
    return ("…" if start else "") + cut + ("…" if len(line) > start + _WIDE else "")
