"""The command itself, and where a process of this name begins.

The verbs put themselves under ``cli``: those of this device in ``here``, of the whole vault in ``upkeep``, about others in ``sharing``.
"""

from __future__ import annotations

import sys

import click

from memsync.cli.frame import Verbs, fail, usage


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="memsync", message="%(version)s")
def cli() -> None:
    """Memory for AI that belongs to the person it is about.

    Encrypted on this device, kept as blocks wherever you like, found again by 24 words and a chain. Exit codes: 2 usage, 3 locked or wrong
    passphrase, 4 no such thing, 5 access, 6 integrity, 7 storage, 8 chain or payer.
    """


def main() -> None:
    """Run the command line and end the process."""
    try:
        sys.exit(cli.main(prog_name="memsync", standalone_mode=False))
    except click.Abort:
        click.echo("memsync: stopped", err=True)
        sys.exit(130)
    except click.ClickException as error:
        fail(click.UsageError(usage(error)), error.exit_code, as_json="--json" in sys.argv)
