"""The commands about scopes."""

from __future__ import annotations

import click

from memsync.cli.calling import call, on_vault
from memsync.cli.frame import answer, shown
from memsync.cli.root import cli
from memsync.cli.show import amount, day


@cli.group()
def scope() -> None:
    """Parts of the vault with keys of their own: what is granted."""


@scope.command("add")
@click.argument("name")
@on_vault
def add_scope(name: str) -> None:
    """Make the scope NAME.

    \b
    Example: memsync scope add work
    """
    answer(f"there is a scope {shown(name)}", call("scope add", name=name))


@scope.command("list")
@on_vault
def list_scopes() -> None:
    """List the scopes.

    \b
    Example: memsync scope list
    """
    found = call("scope list")
    lines = []
    for name, one in found["scopes"].items():
        line = f"{shown(name):<24}{amount(one['memories'], 'memory', 'memories'):>16}"
        lines.append(line + (f"  {day(one['earliest'])} to {day(one['latest'])}" if one["memories"] else ""))
    answer(lines, found)


@scope.command("rename")
@click.argument("old")
@click.argument("new")
@on_vault
def rename_scope(old: str, new: str) -> None:
    """Give the scope OLD the name NEW.

    \b
    Example: memsync scope rename work office
    """
    answer(f"{shown(old)} is {shown(new)} now", call("scope rename", old=old, new=new))
