"""Having a text written in the person's editor without it ever being on a disk.

The file is in the system's memory (``/dev/shm``), for this user alone, and overwritten and removed at the end. Where there is no such place
the text is typed at the terminal instead.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from memsync.cli.frame import note
from memsync.errors import InputError

_IN_MEMORY = Path("/dev/shm")  # noqa: S108 - memory, not a disk


def write_in_editor(before: str) -> str:
    """The text that the person leaves in the editor, which begins with ``before``. ``InputError`` if the editor fails."""
    editor = (
        os.environ.get("VISUAL")
        or os.environ.get("EDITOR")
        or next(filter(shutil.which, ("nano", "vi")), None)
    )
    if editor is None or not _IN_MEMORY.is_dir():
        note("write, then end with Ctrl-D on a line of its own:")
        return sys.stdin.read()
    with _ended_politely(), tempfile.TemporaryDirectory(prefix="memsync-", dir=_IN_MEMORY) as folder:
        file = Path(folder) / "memory.txt"
        try:
            file.write_text(before, encoding="utf-8")
            done = subprocess.run([*shlex.split(editor), str(file)], check=False)  # noqa: S603 - the person's own
            if done.returncode:
                raise InputError(f"the editor {editor!r} ended with code {done.returncode}; nothing was kept")
            return file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise InputError("what the editor wrote is not UTF-8; nothing was kept") from None
        except OSError as err:
            raise InputError(f"the editor {editor!r} left no text: {err.strerror}; nothing was kept") from err
        except ValueError as err:  # a quote that isn't closed
            raise InputError(f"{editor!r} is no editor: {err}; let EDITOR name one") from None
        finally:
            for left in Path(folder).rglob("*"):
                if left.is_file() and not left.is_symlink():
                    left.write_bytes(b"\0" * left.stat().st_size)


@contextmanager
def _ended_politely() -> Iterator[None]:
    """Take the text away too when the process is told to end, or its terminal is closed."""

    def end(number: int, _: object) -> None:
        sys.exit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
