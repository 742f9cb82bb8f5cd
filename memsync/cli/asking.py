"""What only the person can say: passphrases, words, yes or no. Never from an argument, and never from an environment variable itself.

A passphrase is typed without echo, or is the first line of the file that ``MEMSYNC_PASSPHRASE_FILE`` names, or of the open descriptor whose
number ``MEMSYNC_PASSPHRASE_FD`` gives.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TextIO

import click

from memsync.errors import InputError, LockedError
from memsync.hardening import harden

PASSPHRASE_FILE = "MEMSYNC_PASSPHRASE_FILE"  # noqa: S105
PASSPHRASE_FD = "MEMSYNC_PASSPHRASE_FD"  # noqa: S105
PAYER_PASSPHRASE_FILE = "MEMSYNC_PAYER_PASSPHRASE_FILE"  # noqa: S105
_LONGEST = 1 << 16
MOST = 8 << 20
_read: dict[int, str] = {}
_given: dict[str, str] = {}


def ask_passphrase(prompt: str = "Passphrase", *, new: bool = False) -> str:
    """The passphrase; asked for twice where it is ``new``. ``LockedError`` where there is nobody to ask."""
    harden()
    descriptor, file = os.environ.get(PASSPHRASE_FD), os.environ.get(PASSPHRASE_FILE)
    if descriptor:
        return _from_descriptor(descriptor)
    if file:
        return first_line(Path(file))
    return _typed(prompt, new=new, otherwise=f"let {PASSPHRASE_FILE} name a file that holds it")


def ask_payer_passphrase() -> str:
    """That of the account that pays."""
    file = os.environ.get(PAYER_PASSPHRASE_FILE)
    if file:
        return first_line(Path(file))
    return _typed(
        "Passphrase of the account that pays",
        new=False,
        otherwise=f"let {PAYER_PASSPHRASE_FILE} name a file that holds it",
        of="payer",
    )


def ask_words(file: Path | None) -> str:
    """The 24 words: from a file, from stdin, or typed without echo."""
    harden()
    if file is None and sys.stdin.isatty():
        words: str = click.prompt("The 24 words", hide_input=True, err=True)
        return words
    if file is None or str(file) == "-":
        return read_stdin().partition("\n")[0]
    return first_line(file)


def ask_code(prompt: str) -> str:
    """A code that another device shows: typed, or the next line on stdin. ``InputError`` where there is none."""
    if sys.stdin.isatty():
        typed: str = click.prompt(prompt, err=True)
        return typed
    line = click.get_text_stream("stdin").readline(_LONGEST)
    if not line:
        raise InputError(
            "nobody here to type the code; type it, or say --fingerprint with the device's whole one"
        )
    return line


def read_stdin() -> str:
    """All that comes on stdin. ``InputError`` for what is not UTF-8, and for more than ``MOST`` bytes."""
    try:
        data = click.get_binary_stream("stdin").read(MOST + 1)
        if len(data) > MOST:
            raise InputError(f"more than {MOST >> 20} MiB come on stdin; give less")
        return data.decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise InputError("what comes on stdin is not UTF-8; give it in UTF-8") from None


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if the person says so, or has by ``--yes``. ``InputError`` where there is nobody to ask."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise InputError("nobody here to ask; say --yes if you have looked at it")
    click.confirm(question, abort=True, err=True)


def first_line(file: Path) -> str:
    """The first line of a file with a secret. ``InputError`` when it can't be read."""
    try:
        with file.expanduser().open(encoding="utf-8") as lines:
            return _line(lines)
    except (OSError, ValueError, RuntimeError) as err:
        reason = (
            "not UTF-8"
            if isinstance(err, UnicodeDecodeError)
            else getattr(err, "strerror", None) or "its first line is too long"
        )
        raise InputError(
            f"{file} can't be read: {reason}; name a file whose first line is the secret"
        ) from err


def _line(lines: TextIO) -> str:
    """The first line; ``ValueError`` for one that is longer than any secret, as of a file that never ends."""
    line = lines.readline(_LONGEST)
    if len(line) == _LONGEST:
        raise ValueError
    return line.rstrip("\r\n")


def _typed(prompt: str, *, new: bool, otherwise: str, of: str = "vault") -> str:
    """What the person types; what was typed for the same thing before in this command isn't asked for again."""
    if not sys.stdin.isatty():
        raise LockedError(f"no passphrase: run it in a terminal, or {otherwise}")
    if new or of not in _given:
        _given[of] = click.prompt(prompt, hide_input=True, confirmation_prompt=new, err=True)
    return _given[of]


def _from_descriptor(text: str) -> str:
    """Read once; a command that asks again gets the same."""
    try:
        number = int(text)
        if number not in _read:
            with os.fdopen(number, encoding="utf-8") as lines:
                _read[number] = _line(lines)
    except (OSError, ValueError, TypeError, OverflowError):
        raise InputError(
            f"{PASSPHRASE_FD} is the number of no open descriptor; open one that holds the passphrase"
        ) from None  # what it says may be the passphrase itself, by mistake
    return _read[number]
