"""A person's session at a terminal: a shell of their own, an empty home, commands typed one after the other, and prompts answered.

In go lines; out comes what the terminal showed for each. Passphrases and the words that ``init`` asks back are typed as a person would.
"""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

PATIENCE = 180.0
_READY = "\x00ready\x00"
Answers = list[tuple[re.Pattern[str], Callable[[re.Match[str], str], str]]]


def _words(_: object, shown: str) -> str:
    """The 24 words of the sheet that was shown."""
    found = re.findall(r"memsync ((?:[a-z]+\s+){23}[a-z]+)", shown)
    return " ".join(found[-1].split())


def _word(asked: re.Match[str], shown: str) -> str:
    """The word of that number."""
    return _words(asked, shown).split()[int(asked[1]) - 1]


PERSON: Answers = [
    (
        re.compile(r"(?:[Pp]assphrase[^\n:]*|Repeat for confirmation): $"),
        lambda *_: "a passphrase for trying",
    ),
    (re.compile(r"Word (\d+): $"), _word),
    (re.compile(r"The 24 words: $"), _words),
    (re.compile(r"\[y/N\]: $"), lambda *_: "y"),
]


class Terminal:
    """A shell under a pseudo-terminal in ``folder``, with ``home`` and these variables; a context manager that ends it."""

    def __init__(self, folder: Path, home: Path, **env: str) -> None:
        outer = ("APE_", "MAKE", "MFLAGS", "MEMSYNC_")
        clean = {name: value for name, value in os.environ.items() if not name.startswith(outer)}
        path = f"{Path(sys.executable).parent}{os.pathsep}{clean['PATH']}"
        clean |= {
            "HOME": str(home),
            "PATH": path,
            "TERM": "dumb",
            "TMPDIR": str(folder),
            "PS1": "",
            "PS2": "",
            "ENV": "",
            "NO_COLOR": "1",
        }
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(folder)
            os.execve("/bin/sh", ["sh", "-i"], {**clean, **env})  # noqa: S606 - a shell is the point
        attributes = termios.tcgetattr(self._terminal)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(self._terminal, termios.TCSANOW, attributes)
        self.shown = ""
        self.type("true")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the shell; again does nothing."""
        if self._pid == 0:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)
        self._pid = 0

    def type(self, line: str, answers: Answers = PERSON) -> str:
        """What the terminal shows until the command has ended."""
        os.write(self._terminal, f"{line}; printf '\\000ready\\000'\n".encode())
        told, answered, until = "", 0, time.monotonic() + PATIENCE
        while _READY not in told:
            assert time.monotonic() < until, f"{line!r} did not end: {told!r}"
            if select.select([self._terminal], [], [], 0.1)[0]:
                told += os.read(self._terminal, 65536).decode(errors="replace").replace("\r\n", "\n")
            for prompt, answer in answers:
                asked = prompt.search(told, answered)
                if asked:
                    answered = len(told)
                    os.write(self._terminal, answer(asked, self.shown + told).encode() + b"\n")
                    break
        told = told.partition(_READY)[0]
        self.shown += told
        return told
