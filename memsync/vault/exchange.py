"""A vault's verbs that bring memories in from other tools' files, and write them out for other tools and for a person's own eyes."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from memsync.collector import many_values
from memsync.crypto.kdf import derive
from memsync.device.imported import Imported
from memsync.device.lines import Lines
from memsync.errors import InputError
from memsync.intake import ImportOptions, Incoming, Report, open_export
from memsync.intake.incoming import Own
from memsync.intake.kept import KeptTexts
from memsync.intake.writing import Scoped, write_jsonl, write_markdown
from memsync.memory import Memory, new_id
from memsync.progress import tell
from memsync.recall.plain import folded
from memsync.sync.replica import Replica
from memsync.vault.base import PERSONAL, Write, to_ms
from memsync.vault.selection import SelectionVerbs

ExportFormat: TypeAlias = Literal["jsonl", "markdown"]

_BATCH = 1000
_TIME = 6  # bytes of a UUIDv7 that are its time


@dataclass(frozen=True, slots=True)
class ExportedMemories:
    """What was written in plain text: how many memories, how many of them have the tag ``secret``, and how many bytes that is."""

    path: Path
    format: ExportFormat
    memories: int
    secrets: int
    bytes: int

    @property
    def warning(self) -> str:
        """What to bear in mind now."""
        held = f", {self.secrets:,} tagged as secret" if self.secrets else ""
        return (
            f"{self.path} is plain text{held}: whoever reads this disk reads it; delete it when it has served"
        )


class ExchangeVerbs(SelectionVerbs):
    """What a person does to move in, and to move out."""

    @many_values()
    def import_file(
        self,
        path: Path | str,
        format: str = "auto",  # noqa: A002 - the word of the documentation
        options: ImportOptions | None = None,
    ) -> Report:
        """Take in a file or folder of another tool: all of it or, if anything is wrong with it, nothing. Again adds what is new in it.

        ``format``: ``chatgpt``, ``claude``, ``mem0``, ``mcp-memory``, ``markdown``, ``jsonl``, ``csv``, or ``auto``. What MemSync exported
        gets ids of this vault that follow from the old ones, so that a later export of the same memories brings their edits as edits; what
        this vault itself exported it knows, and what it has forgotten stays forgotten; all that stays as it was to the letter. Of others'
        files characters that show nothing are left out, and a statement that the scope keeps already is counted as known.
        ``InputError`` for what is of another format, damaged, or of no format that can be told.
        """
        options = options or ImportOptions()
        try:
            with self._working("import") as at, self._writing(at) as write:
                return self._import(at, write, path, format, options)
        except _OnlyLooked as looked:
            return looked.report

    def import_chatgpt(self, path: Path | str, options: ImportOptions | None = None) -> Report:
        """Take in a ChatGPT export; see :meth:`import_file`."""
        return self.import_file(path, "chatgpt", options)

    def export_file(
        self,
        path: Path | str,
        format: ExportFormat = "jsonl",  # noqa: A002 - as with import
        *,
        scope: str | None = None,
        tag: str | None = None,
        since: int | datetime | None = None,
        until: int | datetime | None = None,
    ) -> ExportedMemories:
        """Write memories in plain text, the latest first: ``jsonl`` into a file, ``markdown`` into a folder that is not there or empty.

        All of them, or those of a scope, with a tag, from ``since`` on, before ``until`` (by ``Memory.when``); of a conflict every version
        that stands. What MemSync writes it reads again whole, but for authors and proofs of what tools proposed. The file appears whole
        or not at all, and is this user's to read. ``InputError`` for another format or a folder that isn't empty, ``StorageError``
        when it can't be written.
        """
        if format not in get_args(ExportFormat):
            raise InputError(
                f"{format!r} is no format to write; say one of {', '.join(get_args(ExportFormat))}"
            )
        path = Path(path).absolute()
        with self._lock.hold("export"):
            at = self._replica
            memories = self._chosen(at, scope, tag, to_ms(since), to_ms(until))
            if format == "jsonl":
                written = write_jsonl(path, memories)
            else:
                conflicts = {memory for _, memory in at.memories.conflicts()}
                written = write_markdown(path, memories, scopes=list(self.scopes()), conflicts=conflicts)
        return ExportedMemories(path, format, written.memories, written.secrets, written.bytes)

    def _import(
        self,
        at: Replica,
        write: Write,
        path: Path | str,
        format: str,  # noqa: A002
        options: ImportOptions,
    ) -> Report:
        ledger = _Ledger(Imported(at.database))
        scope = at.scopes.id_of(options.scope or PERSONAL)
        export = open_export(path, format, options, seen=ledger)
        source, done, ours, scopes = iter(export), 0, 0, self._scopes(None)
        kept = KeptTexts(Lines(at.database), scope)
        while batch := list(islice(ledger.noting(source), _BATCH)):
            new = [(one, one.own) for one in batch if one.own and not _knows(at, one.own, scopes, scope)]
            ours += sum(one.own is not None for one in batch) - len(new)
            now = at.now_ms()
            written = self._made([one.draft(now) for one, _ in new])
            memories = [
                _with_ids_here(memory, own, scope) for memory, (_, own) in zip(written, new, strict=True)
            ]
            others = [one.draft(now) for one in batch if one.own is None]
            memories += kept.without(self._made(others, cleaned=True))
            if not options.dry_run:
                write(scope, memories)
            ledger.keep()
            done += len(batch)
            tell("taking in memories", done)
        report = export.report()
        met = ours + kept.met
        report = replace(report, memories=report.memories - met, known=report.known + met)
        if options.dry_run:
            raise _OnlyLooked(report)
        return report

    def _chosen(
        self, at: Replica, scope: str | None, tag: str | None, since: int | None, until: int | None
    ) -> Iterator[Scoped]:
        wanted = None if tag is None else folded(tag)
        for one in self._candidates(at, (), scope, since, until):
            if wanted is None or wanted in map(folded, one.memory.tags):
                yield at.scopes.name_of(one.scope), one.memory


class _OnlyLooked(Exception):
    """Raised at the end of a dry run, so that its transaction leaves nothing."""

    def __init__(self, report: Report) -> None:
        self.report = report


class _Ledger(Container[bytes]):
    """The keys of earlier imports and those of this one, also of what is in hand and not written yet."""

    def __init__(self, imported: Imported) -> None:
        self._imported = imported
        self._in_hand: set[bytes] = set()
        # Of a first import all keys are in memory, a hundred bytes each, so that none is looked for in the database.
        self._first = imported.is_empty()
        self._kept: set[bytes] = set()

    def __contains__(self, key: object) -> bool:
        return key in self._in_hand or key in (self._kept if self._first else self._imported)

    def noting(self, source: Iterator[Incoming]) -> Iterator[Incoming]:
        """The same, with each key noted as it passes."""
        for one in source:
            self._in_hand.add(one.key)
            yield one

    def keep(self) -> None:
        """Remember what is in hand."""
        self._imported.add_many(self._in_hand)
        if self._first:
            self._kept |= self._in_hand
        self._in_hand.clear()


def _knows(at: Replica, own: Own, scopes: list[bytes], target: bytes) -> bool:
    """Whether this vault has, or had, that memory: as its own in one of ``scopes``, or this version of it from an earlier import."""
    if any(at.memories.versions(one, own.id) or at.memories.is_forgotten(one, own.id) for one in scopes):
        return True
    here, version = _id_here(own.id, target), _id_here(own.version, target)
    return at.memories.is_forgotten(target, here) or any(
        memory.version == version for memory in at.memories.versions(target, here)
    )


def _with_ids_here(memory: Memory, own: Own, scope: bytes) -> Memory:
    return replace(
        memory,
        id=_id_here(own.id, scope),
        version=_id_here(own.version, scope),
        replaces=tuple(sorted(_id_here(one, scope) for one in own.replaces)),
        supersedes=tuple(sorted(_id_here(one, scope) for one in own.supersedes)),
    )


def _id_here(old: bytes, scope: bytes) -> bytes:
    """The UUIDv7 of the same time that another vault's id becomes in this scope."""
    return new_id(
        int.from_bytes(old[:_TIME], "big"), lambda length: derive(old, "imported", scope, length=length)
    )
