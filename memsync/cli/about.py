"""The commands about the program: config, completion, demo."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from memsync.cli.frame import answer, say, shown
from memsync.cli.root import cli
from memsync.cli.show import network_name
from memsync.errors import ChainError, InputError
from memsync.home import memsync_home


@cli.group()
def config() -> None:
    """The settings, in one file: config.toml."""


@config.command("list")
def list_settings() -> None:
    """List the settings that there are, and those that are set.

    \b
    Example: memsync config list
    """
    from memsync.device.config import KEYS, config_file, read_config

    found = dict(_flat(read_config(memsync_home())))
    lines = [
        f"{name} = {network_name(value) if name.endswith('network') else shown(str(value))}"
        for name, value in found.items()
    ]
    lines += [
        "",
        f"in {config_file(memsync_home())}; it may hold",
        *(f"  {name:<22}{what}" for name, (_, what) in KEYS.items()),
    ]
    answer(lines if found else lines[1:], {"settings": found, "file": str(config_file(memsync_home()))})


@config.command("get")
@click.argument("name")
def get_setting(name: str) -> None:
    """Print the setting NAME.

    \b
    Example: memsync config get chain.network
    """
    from memsync.device.config import read_config, split_key

    key = split_key(name)
    found: Any = read_config(memsync_home())
    for part in key:
        found = found.get(part) if isinstance(found, dict) else None
    answer(
        "not set" if found is None else "\n".join(found) if isinstance(found, list) else str(found),
        {"name": name, "value": found},
    )


@config.command("set")
@click.argument("name")
@click.argument("values", nargs=-1, required=True, metavar="VALUE...")
def set_setting(name: str, values: tuple[str, ...]) -> None:
    """Set NAME to VALUE; several values where it is a list.

    \b
    Example: memsync config set idle 30m
    """
    from memsync.device.config import KEYS, change_config, split_key

    key = split_key(name)
    pattern = next(
        one
        for one in KEYS
        if len(one.split(".")) == len(key)
        and all(a in ("*", b) for a, b in zip(one.split("."), key, strict=True))
    )
    many = KEYS[pattern][0] is list
    if not many and len(values) > 1:
        raise InputError(f"{name} is one value; put it in quotes")
    value: str | list[str] = list(values) if many else values[0]
    file = change_config({name: value}, memsync_home())
    answer(f"{name} is set in {file}", {"name": name, "value": value, "file": str(file)})


@config.command("unset")
@click.argument("name")
def unset_setting(name: str) -> None:
    """Go back to what NAME is by default.

    \b
    Example: memsync config unset idle
    """
    from memsync.device.config import change_config

    file = change_config({name: None}, memsync_home())
    answer(f"{name} is not set in {file}", {"name": name, "file": str(file)})


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what lets SHELL complete commands and options.

    \b
    Example: memsync completion bash >> ~/.bashrc
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise InputError(f"no completion for {shell}; use bash, zsh or fish")
    text = kind(cli, {}, "memsync", "_MEMSYNC_COMPLETE").source()
    answer(text, {"shell": shell, "script": text})


@cli.command()
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="A new or empty folder, in which everything is left to play with.",
)
def demo(*, keep: Path | None) -> None:
    """Play the whole flow on a chain of its own.

    A year of ChatGPT becomes memory that its owner holds: imported, sealed, anchored, granted, revoked, restored, and searched for leaks.

    \b
    Example: memsync demo --keep demo
    """
    from memsync.demo import run_demo

    lines: list[str] = []
    with tempfile.TemporaryDirectory(prefix="memsync-ape-") as data_folder:
        if "ape" not in sys.modules:  # Ape keeps caches in the user's ~/.ape otherwise
            os.environ["APE_DATA_FOLDER"] = data_folder
        before = signal.signal(signal.SIGTERM, _end)
        try:
            run_demo(_teller(lines), keep=keep)
        except ModuleNotFoundError as err:
            raise ChainError(str(err)) from err
        finally:
            signal.signal(signal.SIGTERM, before)
    answer([], {"acts": lines})


def _teller(lines: list[str]) -> Callable[[str], None]:
    """Keep each line, and print it at once unless JSON is asked for."""

    def tell(line: str) -> None:
        lines.append(line)
        say(line)

    return tell


def _end(*_: object) -> None:
    """As if asked politely: what was started is ended, what was made is taken away."""
    sys.exit(128 + signal.SIGTERM)


def _flat(table: dict[str, Any], *before: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, *before, name)
        else:
            yield ".".join((*before, name)), value
