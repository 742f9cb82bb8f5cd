"""The command itself, and where a process of this name begins."""

from __future__ import annotations

import sys

import click

from memsync.cli.calling import chosen_vault_option
from memsync.cli.frame import Root, fail, json_asked, open_streams, stopped, usage
from memsync.errors import InputError

# Which module has which command, in the order of the help.
_MODULES = {
    "making": ("init", "restore", "passphrase"),
    "locks": ("unlock", "lock"),
    "memories": ("remember", "recall", "list", "get", "edit", "forget", "move"),
    "finding": ("context", "profile", "changed", "contradicting"),
    "scopes": ("scope",),
    "files": ("import", "export"),
    "upkeep": ("push", "pull", "status", "history", "verify", "gc"),
    "clients": ("client", "disclosures"),
    "serving": ("serve",),
    "devices": ("device",),
    "vaults": ("vault",),
    "granting": ("grant", "grants", "revoke", "contacts"),
    "reviewing": ("review",),
    "receiving": ("key", "accept", "propose"),
    "mcp": ("mcp",),
    "stores": ("store",),
    "chains": ("chain", "node"),
    "about": ("config", "completion", "demo"),
}


class _Commands(Root):
    modules = {name: f"memsync.cli.{module}" for module, names in _MODULES.items() for name in names}  # noqa: RUF012


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="memsync", message="%(version)s")
@chosen_vault_option
def cli() -> None:
    """Memory for AI that belongs to the person it is about.

    Encrypted on this device, kept as blocks wherever you like, found again by 24 words and a chain. Exit codes: 2 usage, 3 locked or wrong
    passphrase, 4 no such thing, 5 access, 6 integrity, 7 storage, 8 chain or payer, 9 held for your decision.

    \b
    Example:
      memsync init && memsync unlock
      memsync remember "The tide turns at noon."
      memsync recall "when does the tide turn"
    """


def main() -> None:
    """Run the command line and end the process."""
    open_streams()
    try:
        sys.exit(cli.main(prog_name="memsync", standalone_mode=False))
    except click.Abort:
        stopped(json_asked=json_asked(sys.argv[1:]))
    except click.ClickException as error:
        fail(InputError(usage(error)), error.exit_code, json_asked=json_asked(sys.argv[1:]))
