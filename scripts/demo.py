"""Play the whole flow on a chain and in a folder of its own: a year of ChatGPT becomes memory that its owner holds.

    ape run demo
    ape run demo --keep FOLDER

The same as ``make demo`` and ``memsync demo``. It needs no network option: its chain comes and goes with it.
"""

from __future__ import annotations

from pathlib import Path

import click

from memsync.demo import run_demo
from memsync.errors import MemSyncError


@click.command(short_help="Play the whole flow on a chain of its own")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="A new or empty folder, in which everything is left to play with.",
)
def cli(keep: Path | None) -> None:
    """Play the whole flow on a chain of its own."""
    try:
        run_demo(click.echo, keep=keep)
    except MemSyncError as err:
        raise click.ClickException(str(err)) from err
