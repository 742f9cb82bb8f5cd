"""How every command behaves: one line on stderr and a telling exit code when it fails, one JSON object where ``--json`` is given.

In goes a command as a function that calls :func:`answer` once; out comes a click command. A group finds its commands by the module that has
them and loads that module alone, so that a command starts fast. Nothing of the vault is loaded here.
"""

from __future__ import annotations

import io
import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

import click

from memsync.errors import InputError, MemSyncError
from memsync.keeper.wire import error_value, place_of

_JSON = "memsync.json"
_KEPT = frozenset("\n\t")
# Control characters, halves of surrogates (which no terminal can be sent), line and paragraph separators.
_DRIVING = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Left-to-right and right-to-left overrides, embeddings and isolates: they can show a text as another.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def answer(lines: str | Iterable[str], fields: Mapping[str, object]) -> None:
    """Print what a verb found: ``lines`` for a person, or ``fields`` as JSON."""
    if as_json():
        click.echo(json.dumps({"ok": True, **fields}))
    for line in [lines] if isinstance(lines, str) else lines:
        say(line)


def as_json() -> bool:
    """Whether JSON is asked for."""
    return bool(click.get_current_context().meta[_JSON])


def say(line: str) -> None:
    """Print a line for a person; nothing where JSON is asked for."""
    if not as_json():
        click.echo(line)


def note(line: str) -> None:
    """Tell the person something beside the answer, on stderr."""
    click.echo(line, err=True)


def shown(text: str) -> str:
    """A text as a terminal may get it: control characters, which could drive it, are replaced."""
    return "".join(
        "\ufffd"
        if (unicodedata.category(char) in _DRIVING and char not in _KEPT) or char in _TURNING
        else char
        for char in text
    )


def _json_option() -> click.Option:
    return click.Option(["--json"], is_flag=True, expose_value=False, help="Print one JSON object.")


class Command(click.Command):
    """A command with ``--json``; its help ends with an example."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(_json_option())


class Group(click.Group):
    """A group of commands."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.invoke_without_command:
            self.params.append(_json_option())

    group_class: type[click.Group | type] | None = type


class Root(Group):
    """The commands by the modules that have them. What goes wrong in one ends here, as one line or one JSON object, with its exit code."""

    group_class = Group
    modules: Mapping[str, str] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        return list(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.modules:
            import_module(self.modules[cmd_name])
        return super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # Noted before anything is parsed, so that a mistake in the arguments is told as asked for too.
        ctx.meta[_JSON] = json_asked(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MemSyncError as error:
            fail(error, error.exit_code, json_asked=ctx.meta[_JSON])
        except click.ClickException as error:
            fail(InputError(usage(error)), error.exit_code, json_asked=ctx.meta[_JSON])
        except (click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise  # stopped by the person, done, or nobody reads any more
        except Exception as error:  # noqa: BLE001 - nothing prints a traceback at a user
            fail(_fault(error), 1, json_asked=ctx.meta[_JSON])


def json_asked(args: list[str]) -> bool:
    """Whether ``--json`` is among the options; what follows a ``--`` is none."""
    return "--json" in (args[: args.index("--")] if "--" in args else args)


def open_streams() -> None:
    """Have stdin, stdout and stderr open, and able to take any character: who closed one, or has a terminal that knows few, meant that."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(
                os.devnull, os.O_RDWR
            )  # else the next file that is opened would be written to as if it were the terminal
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - as long as the process lives
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def stopped(*, json_asked: bool) -> NoReturn:
    """End because the person said so, by Ctrl-C, by an end of input, or by a no."""
    fail(Stopped("stopped"), 130, json_asked=json_asked)


class Stopped(MemSyncError):
    """The person stopped it."""


def _fault(error: Exception) -> MemSyncError:
    """What nobody foresaw, in one line: of an operating system's error what it says, of another where it was, never its text."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if isinstance(error.filename, str) else ""
        return MemSyncError(f"{where}{error.strerror.lower()}; check it, then repeat")
    return MemSyncError(
        f"a fault of MemSync's own, {type(error).__name__} at {place_of(error)}; please report it"
    )


def fail(error: Exception, code: int, *, json_asked: bool) -> NoReturn:
    """End with this error: one JSON object on stdout, or one line on stderr."""
    value = error_value(error)
    try:
        if json_asked:
            told = {name: value[name] for name in ("name", "message", "next")}
            click.echo(json.dumps({"ok": False, "error": told}))
        else:
            click.echo(f"memsync: {shown(str(value['message']))}", err=True)
    except OSError:
        _drop(1 if json_asked else 2)
    try:
        sys.stdout.flush()  # what was said before may still wait to be written
    except OSError:
        _drop(1)
    sys.exit(code)


def _drop(stream: int) -> None:
    """Let what is left to write to a full disk, or to nobody, go nowhere: the exit code tells what happened."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream)


def usage(error: click.ClickException) -> str:
    """What was wrong with the arguments, and where it says what is right."""
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    where = f"; see `{ctx.command_path} --help`" if ctx else ""
    return error.format_message().rstrip(".") + where
