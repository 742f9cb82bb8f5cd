"""The commands about files: import and export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from memsync.cli.calling import call, on_vault
from memsync.cli.frame import answer, note, shown
from memsync.cli.memories import any_scope, home_scope, since_option, tag_option, until_option
from memsync.cli.root import cli
from memsync.cli.show import amount, bytes_of

_file = click.argument("file", type=click.Path(exists=True, path_type=Path))
_title = click.option("--title", metavar="TEXT", help="Only conversations or notes with this in their title.")
_only = click.option("--only", type=click.Choice(["user"]), help="Leave out what the assistant said.")
_branches = click.option("--all-branches", is_flag=True, help="Edited questions and regenerated answers too.")


@cli.group("import")
def import_group() -> None:
    """Take in what another tool exported.

    All of it or, if anything is wrong with it, nothing. Again adds only what is new in it.
    """


def _options(*some: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The argument and options of an import, with ``some`` of its own."""

    def put(command: Callable[..., Any]) -> Callable[..., Any]:
        dry_run = click.option("--dry-run", is_flag=True, help="Only say what would come in.")
        since = click.option(
            "--since", metavar="DAY", help="Only what is from this day on, such as 2025-01-31."
        )
        for one in (on_vault, dry_run, *reversed(some), since, home_scope, _file):
            command = one(command)
        return command

    return put


def _take_in(format_name: str, file: Path, **given: Any) -> None:
    found = call("import", format=format_name, file=str(file.absolute()), **given)
    answer(map(shown, found["lines"]), found)


@import_group.command("auto")
@_options(_title, _only, _branches)
def import_auto(file: Path, **given: Any) -> None:
    """Take in FILE, a file or folder, as what it looks like.

    \b
    Example: memsync import auto export.zip --dry-run
    """
    _take_in("auto", file, **given)


@import_group.command("chatgpt")
@_options(_title, _only, _branches)
def import_chatgpt(file: Path, **given: Any) -> None:
    """Take in the zip FILE that ChatGPT's data export sends. Again adds nothing.

    \b
    Example: memsync import chatgpt export.zip --scope novel --title lighthouse
    """
    _take_in("chatgpt", file, **given)


@import_group.command("claude")
@_options(_title, _only, _branches)
def import_claude(file: Path, **given: Any) -> None:
    """Take in the zip FILE that Claude's data export sends.

    What Claude remembers of you and of projects comes along; an unpacked folder, conversations.json and memories.json are taken too.

    \b
    Example: memsync import claude data-2026-10-04-batch-0000.zip --only user
    """
    _take_in("claude", file, **given)


@import_group.command("mem0")
@_options()
def import_mem0(file: Path, **given: Any) -> None:
    """Take in FILE, the JSON that mem0's get_all returns.

    A list, or an object with the list under results. Categories become tags; metadata is left behind.

    \b
    Example: memsync import mem0 memories.json
    """
    _take_in("mem0", file, **given)


@import_group.command("mcp-memory")
@_options()
def import_mcp_memory(file: Path, **given: Any) -> None:
    """Take in FILE, the memory.jsonl of the MCP memory server.

    Each observation and each relation becomes a memory. They have no dates there.

    \b
    Example: memsync import mcp-memory memory.jsonl
    """
    _take_in("mcp-memory", file, **given)


@import_group.command("markdown")
@_options(_title)
def import_markdown(file: Path, **given: Any) -> None:
    """Take in FILE, a folder of Markdown notes or one note.

    Obsidian's, basic-memory's, or what `memsync export markdown` wrote. Front matter gives title, tags and date; links stay as they are.

    \b
    Example: memsync import markdown ~/notes --scope work
    """
    _take_in("markdown", file, **given)


@import_group.command("jsonl")
@_options()
def import_jsonl(file: Path, **given: Any) -> None:
    """Take in FILE, JSON Lines.

    What `memsync export jsonl` wrote, or one {"text": …} a line, with "date", "tags", "kind" and "title" if you like.

    \b
    Example: memsync import jsonl memories.jsonl
    """
    _take_in("jsonl", file, **given)


@import_group.command("csv")
@_options()
def import_csv(file: Path, **given: Any) -> None:
    """Take in FILE, a table whose first row names a column text.

    Or content, or memory; and if you like date, tags, kind and title.

    \b
    Example: memsync import csv memories.csv
    """
    _take_in("csv", file, **given)


@cli.group("export")
def export_group() -> None:
    """Write what the vault has to a file."""


@export_group.command("car")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--grant", metavar="WHO", help="Only what this grantee needs to read its grant: a name, or a grant's id."
)
@on_vault
def export_car(file: Path, grant: str | None) -> None:
    """Write the vault's encrypted blocks to FILE.

    With its words and its chain the file brings the vault back: a copy to carry away. It holds what was pushed.

    \b
    Example: memsync export car /media/usb/vault.car
    """
    found = call("export", format="car", file=str(file.absolute()), grant=grant)
    answer(f"{found['file']}: {amount(found['blocks'], 'block')}, {bytes_of(found['size'])}", found)


def _selection(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (on_vault, until_option, since_option, tag_option, any_scope):
        command = option(command)
    return command


def _write_out(format_name: str, path: Path, **given: Any) -> None:
    found = call("export", format=format_name, file=str(path.absolute()), **given)
    note(f"memsync: {shown(found['warning'])}")
    held = f", {found['secrets']:,} of them tagged as secret" if found["secrets"] else ""
    answer(
        f"{shown(found['file'])}: {amount(found['memories'], 'memory', 'memories')}{held}, {bytes_of(found['size'])}",
        found,
    )


@export_group.command("jsonl")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_selection
def export_jsonl(file: Path, **given: Any) -> None:
    """Write memories to FILE in plain text, one JSON object a line.

    `memsync import jsonl` reads it again whole. The file is yours alone to read (mode 0600).

    \b
    Example: memsync export jsonl memories.jsonl --scope work
    """
    _write_out("jsonl", file, **given)


@export_group.command("markdown")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@_selection
def export_markdown(folder: Path, **given: Any) -> None:
    """Write memories to FOLDER in plain text, one Markdown page each.

    FOLDER must not be there yet, or be empty. `memsync import markdown` reads it again whole; Obsidian reads it as it is.

    \b
    Example: memsync export markdown ~/memories --since 2025-01-01
    """
    _write_out("markdown", folder, **given)
