"""Write docs/cli.md from the commands themselves, or with --check say whether it is what they give."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from memsync.cli import cli
from memsync.device.config import KEYS

PAGE = Path(__file__).parents[1] / "docs" / "cli.md"
HEAD = """# The command line

Made from the commands by `make docs`; `memsync COMMAND --help` says the same. Every command takes `--json` and then prints one JSON object:
`{"ok": true, …}`, or `{"ok": false, "error": {"name", "message", "next"}}`. Exit codes: 0 done, 2 usage, 3 locked or wrong passphrase, 4 no
such thing, 5 access, 6 integrity, 7 storage, 8 chain or payer, 9 held for your decision. `ape memsync …` and `python -m memsync …` are the
same command.

A passphrase is typed, or is the first line of the file that `MEMSYNC_PASSPHRASE_FILE` names (`MEMSYNC_PAYER_PASSPHRASE_FILE` for the
account that pays, `MEMSYNC_NEW_PASSPHRASE_FILE` for a new one), or of the open descriptor `MEMSYNC_PASSPHRASE_FD`. It is never an argument.

"""


SETTINGS = """## Settings

`config.toml` in MemSync's folder (`$MEMSYNC_HOME`). A flag comes first, then an environment variable, then the file.

| key | what |
|---|---|
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD + "## Commands\n"]
    parts += [_section(path, command) for path, command in _commands(cli)]
    parts.append(SETTINGS + "".join(f"| `{key}` | {what} |\n" for key, (_, what) in KEYS.items()))
    return "\n".join(parts)


def _commands(group: click.Group, *before: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        if command is None:
            continue
        yield (*before, name), command
        if isinstance(command, click.Group):
            yield from _commands(command, *before, name)


def _section(path: tuple[str, ...], command: click.Command) -> str:
    level = "#" * min(2 + len(path), 4)
    ctx = click.Context(command, info_name="memsync " + " ".join(path))
    text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    said, _, example = text.partition("Example:")
    lines = [f"{level} {' '.join(path)}\n", said.strip() + "\n"]
    records = [record for param in command.get_params(ctx) if (record := param.get_help_record(ctx))]
    rows = [record for record in records if not {"--help", "--json"} & set(record[0].split())]
    if isinstance(command, click.Group) and not (rows and example):
        return "\n".join(lines)  # it does nothing of its own
    lines.append("```console")
    lines.append(f"$ {example.strip()}" if example else command.get_usage(ctx).removeprefix("Usage: "))
    lines.append("```\n")
    lines.append(f"`{' '.join(command.get_usage(ctx).removeprefix('Usage: ').split())}`\n")
    if rows:
        lines += [f"- `{name}` {' '.join(what.split())}" for name, what in rows]
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    text = page()
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            sys.exit("docs/cli.md is not what the commands give; run `make docs`")
        return
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
