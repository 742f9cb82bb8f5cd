"""The commands about files: import and export."""

from __future__ import annotations

from pathlib import Path

import click

from memsync.cli.calling import call, on_vault
from memsync.cli.frame import answer, shown
from memsync.cli.memories import home_scope
from memsync.cli.root import cli
from memsync.cli.show import amount, bytes_of


@cli.group("import")
def import_group() -> None:
    """Take in what another tool exported."""


@import_group.command("chatgpt")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@home_scope
@click.option("--since", metavar="DAY", help="Only messages from this day on, such as 2025-01-31.")
@click.option("--title", metavar="TEXT", help="Only conversations with this in their title.")
@click.option("--only", type=click.Choice(["user"]), help="Leave out what the assistant said.")
@click.option("--all-branches", is_flag=True, help="Edited questions and regenerated answers too.")
@click.option("--dry-run", is_flag=True, help="Only say what would come in.")
@on_vault
def import_chatgpt(
    file: Path,
    scope: str | None,
    since: str | None,
    title: str | None,
    only: str | None,
    all_branches: bool,
    dry_run: bool,
) -> None:
    """Take in the zip FILE that ChatGPT's data export sends. Again adds nothing.

    \b
    Example: memsync import chatgpt export.zip --scope novel --title lighthouse
    """
    found = call(
        "import",
        format="chatgpt",
        file=str(file.absolute()),
        scope=scope,
        since=since,
        title=title,
        only=only,
        all_branches=all_branches,
        dry_run=dry_run,
    )
    answer(map(shown, found["lines"]), found)


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
