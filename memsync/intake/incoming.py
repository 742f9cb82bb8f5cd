"""What an importer hands over: one :class:`Incoming` per memory to be, and a :class:`Report` of what was taken and what was left.

Plain values. An importer knows no vault: who imports turns each :class:`Incoming` into a memory, remembers its ``key``, and answers for
all or nothing by storing them in one transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType

from memsync.errors import InputError
from memsync.memory import Draft, MemoryKind, Source

_UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB"))


@dataclass(frozen=True, slots=True)
class Incoming:
    """One memory to be.

    ``key``: 16 bytes, the same whenever the same piece of the same message is read again, and nobody else's; a vault that keeps the keys it
    has stored imports nothing twice. ``text`` is verbatim; a message that was cut is the concatenation of its pieces, which share
    ``source.conversation`` and ``source.turn`` and are numbered by ``source.part``. A turn counts the visible messages of one branch
    from 1. ``happened``: Unix milliseconds, None when the export does not know. ``scope`` is what the person asked for, None for their
    usual one.
    """

    key: bytes
    kind: MemoryKind
    text: str
    source: Source
    happened: int | None = None
    tags: tuple[str, ...] = ()
    scope: str | None = None

    def draft(self, created: int) -> Draft:
        """The memory but for its ids; ``created``: Unix milliseconds of the import."""
        return Draft(
            kind=self.kind,
            text=self.text,
            created=created,
            tags=self.tags,
            source=self.source,
            happened=self.happened,
        )


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What to take. ``since``: Unix milliseconds, inclusive; ``title``: part of a conversation's title, in any case; ``only``: ``"user"``
    leaves out what the assistant said; ``dry_run``: the caller stores nothing. ``InputError`` for an ``only`` that is no role.
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
    """Why a node of the export is no memory, in the words that the report uses."""

    STRUCTURE = "without a message"
    SYSTEM = "system"
    TOOL = "tool output"
    TOOL_CALL = "call of a tool"
    HIDDEN = "hidden by ChatGPT"
    REASONING = "reasoning"
    EMPTY = "empty"
    MALFORMED = "not understood"
    REPEATED = "custom instructions again"
    BRANCH = "on another branch"
    ASSISTANT = "by the assistant"
    EARLIER = "before the date"
    UNTIMED = "without a date"
    TITLE = "under another title"


@dataclass(frozen=True, slots=True)
class Report:
    """What an import found. Every node is counted once: ``nodes`` = ``messages`` + ``instructions`` + all of ``left_out``.

    ``memories`` were handed over, ``known`` by an earlier import; a message of over 4,000 characters (``cut``) is several.
    ``lost_parents``: messages whose parent the export no longer holds. ``first`` and ``last``: Unix milliseconds of what was taken.
    ``complete`` is False as long as the reading goes on.
    """

    path: str
    size: int
    complete: bool
    dry_run: bool
    conversations: int
    empty_conversations: int
    nodes: int
    messages: int
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
        read = (
            f"{_count(self.conversations, 'conversation')} read, {self.empty_conversations:,} of them empty"
        )
        if self.first is not None and self.last is not None:
            read += f"; {_day(self.first)} to {_day(self.last)}"
        taken = f"{_count(self.messages, 'message')} and custom instructions ({self.instructions:,}) taken"
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

    path: str
    size: int
    dry_run: bool
    complete: bool = False
    conversations: int = 0
    empty_conversations: int = 0
    nodes: int = 0
    messages: int = 0
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
        return Report(
            path=self.path,
            size=self.size,
            complete=self.complete,
            dry_run=self.dry_run,
            conversations=self.conversations,
            empty_conversations=self.empty_conversations,
            nodes=self.nodes,
            messages=self.messages,
            instructions=self.instructions,
            cut=self.cut,
            memories=self.memories,
            known=self.known,
            lost_parents=self.lost_parents,
            first=self.first,
            last=self.last,
            left_out=MappingProxyType(dict(self.left_out)),
        )


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")


def _size(size: int) -> str:
    for unit, name in _UNITS:
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"
