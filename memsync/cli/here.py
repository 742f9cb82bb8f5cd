"""The verbs that need this device only: remember, recall, list, edit, forget, scope, import."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from memsync.cli.frame import answer, note, shown
from memsync.cli.root import cli
from memsync.cli.session import with_vault
from memsync.cli.show import memory_line, memory_lines, memory_value
from memsync.errors import InputError

if TYPE_CHECKING:
    from memsync.memory import MemoryKind
    from memsync.vault import Vault

_any_scope = click.option("--scope", help="One scope only.")
_home_scope = click.option("--scope", default="personal", show_default=True, help="The scope to put it in.")
_KINDS = click.Choice(["semantic", "episodic", "procedural"])


@cli.command()
@click.argument("text", required=False)
@_home_scope
@click.option("--kind", type=_KINDS, default="semantic", show_default=True)
@click.option("--tag", "tags", multiple=True, help="A tag; may be given again.")
@with_vault
def remember(vault: Vault, *, text: str | None, scope: str, kind: MemoryKind, tags: tuple[str, ...]) -> None:
    """Keep TEXT, or what comes on stdin.

    A shell's history is plain text: stdin is the better way for what is private.
    """
    memory = vault.remember(_text(text), scope=scope, kind=kind, tags=tags)
    answer(memory.id.hex(), memory=memory_value(memory))


@cli.command()
@click.argument("question")
@click.option(
    "-k", "count", type=click.IntRange(min=1), default=5, show_default=True, help="How many answers."
)
@_any_scope
@with_vault
def recall(vault: Vault, *, question: str, count: int, scope: str | None) -> None:
    """Answer QUESTION with what fits best."""
    hits = vault.recall(question, k=count, scope=scope)
    lines = [line for hit in hits for line in memory_lines(hit.memory)]
    answer(
        lines or "nothing found",
        hits=[memory_value(hit.memory) | {"score": hit.score, "why": list(hit.why)} for hit in hits],
    )


@cli.command("list")
@_any_scope
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many.")
@with_vault
def list_memories(vault: Vault, *, scope: str | None, limit: int) -> None:
    """List memories, the latest first."""
    memories = [memory for memory, _ in zip(vault.memories(scope=scope), range(limit), strict=False)]
    lines = [memory_line(memory) for memory in memories]
    answer(
        [*lines, f"{len(memories)} of {vault.count(scope=scope)}"],
        memories=[memory_value(memory) for memory in memories],
        count=vault.count(scope=scope),
    )


@cli.command()
@click.argument("memory")
@click.argument("text", required=False)
@with_vault
def edit(vault: Vault, *, memory: str, text: str | None) -> None:
    """Give MEMORY another TEXT, or what comes on stdin.

    MEMORY is an id, or how it begins.
    """
    edited = vault.edit(_id(memory), _text(text))
    answer(memory_lines(edited), memory=memory_value(edited))


@cli.command()
@click.argument("memories", nargs=-1, required=True)
@with_vault
def forget(vault: Vault, *, memories: tuple[str, ...]) -> None:
    """Forget MEMORIES, for good.

    MEMORIES are ids, or how they begin. They are gone here at once, and for every later reader with the next push.
    """
    for memory in map(_id, memories):
        vault.forget(memory)
    answer(
        f"{len(memories)} forgotten here; push, so that later readers don't get them", forgotten=len(memories)
    )


@cli.group()
def scope() -> None:
    """Parts of the vault with keys of their own: what is granted."""


@scope.command("add")
@click.argument("name")
@with_vault
def add_scope(vault: Vault, *, name: str) -> None:
    """Make the scope NAME."""
    vault.add_scope(name)
    answer(f"there is a scope {shown(name)}", scopes=list(vault.scopes()))


@scope.command("list")
@with_vault
def list_scopes(vault: Vault) -> None:
    """List the scopes."""
    counts = {name: vault.count(scope=name) for name in vault.scopes()}
    answer([f"{shown(name):<24}{count:>8,} memories" for name, count in counts.items()], scopes=counts)


@scope.command("rename")
@click.argument("old")
@click.argument("new")
@with_vault
def rename_scope(vault: Vault, *, old: str, new: str) -> None:
    """Give the scope OLD the name NEW."""
    vault.rename_scope(old, new)
    answer(f"{shown(old)} is {shown(new)} now", scopes=list(vault.scopes()))


@cli.group("import")
def import_group() -> None:
    """Take in what another tool exported."""


@import_group.command("chatgpt")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_home_scope
@click.option("--since", help="Only messages from this day on, such as 2025-01-31.")
@click.option("--title", help="Only conversations with this in their title.")
@click.option("--only", type=click.Choice(["user"]), help="Leave out what the assistant said.")
@click.option("--all-branches", is_flag=True, help="Edited questions and regenerated answers too.")
@click.option("--dry-run", is_flag=True, help="Only say what would come in.")
@with_vault
def import_chatgpt(
    vault: Vault,
    *,
    file: Path,
    scope: str,
    since: str | None,
    title: str | None,
    only: str | None,
    all_branches: bool,
    dry_run: bool,
) -> None:
    """Take in the zip FILE that ChatGPT's data export sends. Again adds nothing."""
    from memsync.intake import ImportOptions

    options = ImportOptions(
        scope=scope,
        since=_day(since),
        title=title,
        only=only,
        all_branches=all_branches,
        dry_run=dry_run,
    )
    report = vault.import_chatgpt(file, options)
    fields = {name: getattr(report, name) for name in report.__slots__} | {"left_out": dict(report.left_out)}
    answer(map(shown, report.lines()), report=fields)


def _text(text: str | None) -> str:
    if text is not None:
        return text
    if sys.stdin.isatty():
        note("write, then end with Ctrl-D on a line of its own:")
    given = sys.stdin.read().rstrip("\n")
    if not given:
        raise InputError("no text: give it as an argument or on stdin")
    return given


def _id(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise InputError(f"{text!r} is no id: `list` and `recall` show them, in hexadecimal") from None


def _day(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} is no day; say for example 2025-01-31") from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
