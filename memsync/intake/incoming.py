"""What an importer hands over: one :class:`Incoming` per memory to be, and a :class:`Report` of what was taken and what was left.

Plain values. An importer knows no vault: who imports turns each :class:`Incoming` into a memory, remembers its ``key``, and answers for
all or nothing by storing them in one transaction.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from json.encoder import encode_basestring_ascii
from types import MappingProxyType

from memsync.errors import InputError
from memsync.intake.dates import write_date
from memsync.intake.formats import FORMATS
from memsync.memory import Draft, MemoryKind, Source

_UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB"))


@dataclass(frozen=True, slots=True)
class Own:
    """Which memory this was in the vault that a MemSync export came from: ids and versions of 16 bytes each, as they were there."""

    id: bytes
    version: bytes
    replaces: tuple[bytes, ...] = ()
    supersedes: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Incoming:
    """One memory to be.

    ``key``: 16 bytes, the same whenever the same piece of the same message is read again, and nobody else's; a vault that keeps the keys it
    has stored imports nothing twice. ``text`` is verbatim; a message that was cut is the concatenation of its pieces, which share
    ``source.conversation`` and ``source.turn`` and are numbered by ``source.part``. A turn counts the visible messages of one branch
    from 1. ``happened``, ``valid_from``, ``valid_until`` and ``created``: Unix milliseconds, None when the export does not know. ``scope``
    is what the person asked for, None for their usual one. ``own`` is given for what MemSync itself exported.
    """

    key: bytes
    kind: MemoryKind
    text: str
    source: Source | None
    happened: int | None = None
    tags: tuple[str, ...] = ()
    scope: str | None = None
    created: int | None = None
    valid_from: int | None = None
    valid_until: int | None = None
    unknown: Mapping[str, object] = field(default_factory=dict, hash=False)
    own: Own | None = None

    def piece(self, key: bytes, text: str, source: Source | None, scope: str | None) -> Incoming:
        """The same under another key, with this text (of a long one, a piece) and source, for this scope."""
        return Incoming(
            key=key,
            kind=self.kind,
            text=text,
            source=source,
            happened=self.happened,
            tags=self.tags,
            scope=scope,
            created=self.created,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            unknown=self.unknown,
            own=self.own,
        )

    def draft(self, created: int) -> Draft:
        """The memory but for its ids; ``created``: Unix milliseconds of the import, for what doesn't say when it was written down."""
        return Draft(
            kind=self.kind,
            text=self.text,
            created=created if self.created is None else self.created,
            tags=self.tags,
            source=self.source,
            happened=self.happened,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            unknown=self.unknown,
        )


def key_of(format_name: str, *parts: str | int | None) -> bytes:
    """The 16 bytes that stand for one piece of one format, the same whenever it is read."""
    # As json.dumps writes the list of them, which would make ready for anything a list can hold.
    written = ", ".join(map(_written, (format_name, *parts)))
    return hashlib.sha256(b"memsync/intake/[" + written.encode() + b"]").digest()[:16]


def _written(part: str | int | None) -> str:
    return "null" if part is None else encode_basestring_ascii(part) if isinstance(part, str) else str(part)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What to take. ``since``: Unix milliseconds, inclusive; ``dry_run``: the caller stores nothing. Of conversations only: ``title``, part
    of a title, in any case; ``only``: ``"user"`` leaves out what the assistant said; ``all_branches``. ``InputError`` for an ``only``
    that is no role.
    """

    scope: str | None = None
    since: int | None = None
    title: str | None = None
    only: str | None = None
    all_branches: bool = False
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.only not in {None, "user"}:
            raise InputError(f"--only takes user, not {self.only!r}")


class Reason(StrEnum):
    """Why an entry of the export is no memory, in the words that the report uses."""

    STRUCTURE = "without a message"
    SYSTEM = "system"
    TOOL = "tool output"
    TOOL_CALL = "call of a tool"
    HIDDEN = "hidden from the person"
    REASONING = "reasoning"
    EMPTY = "empty"
    MALFORMED = "not understood"
    REPEATED = "custom instructions again"
    BRANCH = "on another branch"
    ASSISTANT = "by the assistant"
    EARLIER = "before the date"
    UNTIMED = "without a date"
    TITLE = "under another title"
    BARE = "without observations"
    NO_NOTE = "no Markdown"
    LINK = "a link to another note"


@dataclass(frozen=True, slots=True)
class Report:
    """What an import found. Every entry is counted once: ``entries`` = ``taken`` + ``instructions`` + all of ``left_out``.

    An entry is the smallest thing that a format holds: a message (with the nodes that hold none), a line, a row, a passage of a note.
    ``groups`` are conversations, notes or entities, ``empty_groups`` those of which nothing was taken; 0 where a format has none.
    ``memories`` were handed over, ``known`` by an earlier import; an entry of over 4,000 characters (``cut``) is several.
    ``lost_parents``: messages whose parent the export no longer holds. ``first`` and ``last``: Unix milliseconds of what was taken.
    ``complete`` is False as long as the reading goes on.
    """

    format: str
    path: str
    size: int
    complete: bool
    dry_run: bool
    groups: int
    empty_groups: int
    entries: int
    taken: int
    instructions: int
    cut: int
    memories: int
    known: int
    lost_parents: int
    first: int | None
    last: int | None
    left_out: Mapping[Reason, int]

    def lines(self) -> list[str]:
        """The report for a person; the last line says where the export still lies in plain text."""
        words = FORMATS[self.format]
        if words.group is None:
            read = f"{_count(self.entries, *words.entry)} read"
        else:
            read = f"{_count(self.groups, *words.group)} read, {self.empty_groups:,} of them empty"
        if self.first is not None and self.last is not None:
            read += f"; {_day(self.first)} to {_day(self.last)}"
        taken = _count(self.taken, *words.entry)
        taken += f" and custom instructions ({self.instructions:,}) taken" if self.instructions else " taken"
        if self.cut:
            taken += f"; {self.cut:,} cut at paragraphs"
        became = f"{_count(self.memories, 'new memory', 'new memories')}, {self.known:,} already here"
        lines = [read, taken, became + (" (dry run: nothing is stored)" if self.dry_run else "")]
        if self.left_out:
            # Most first, then by name, so that two reports of one export are alike.
            ordered = sorted(self.left_out.items(), key=lambda item: (-item[1], item[0]))
            lines.append("left out: " + ", ".join(f"{count:,} {reason}" for reason, count in ordered))
        if self.left_out.get(Reason.BRANCH):
            lines.append("--all-branches takes edited questions and regenerated answers too")
        still = f"the export still lies in plain text at {self.path} ({_size(self.size)})"
        return [*lines, still + ": delete it once you have looked around"]


@dataclass(slots=True)
class Tally:
    """The counts of a reading that is under way."""

    format: str
    path: str
    size: int
    dry_run: bool
    complete: bool = False
    groups: int = 0
    empty_groups: int = 0
    entries: int = 0
    taken: int = 0
    instructions: int = 0
    cut: int = 0
    memories: int = 0
    known: int = 0
    lost_parents: int = 0
    first: int | None = None
    last: int | None = None
    left_out: Counter[Reason] = field(default_factory=Counter)

    def note_time(self, happened: int | None) -> None:
        """Widen the period of what was taken."""
        if happened is not None:
            self.first = happened if self.first is None else min(self.first, happened)
            self.last = happened if self.last is None else max(self.last, happened)

    def report(self) -> Report:
        """The counts as they stand."""
        counts = {name: getattr(self, name) for name in self.__slots__}
        return Report(**counts | {"left_out": MappingProxyType(dict(self.left_out))})


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _day(ms: int) -> str:
    return str(write_date(ms))[:10]


def _size(size: int) -> str:
    for unit, name in _UNITS:
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"
