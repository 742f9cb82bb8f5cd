"""Commands as a person types them in the project's folder, with an empty home: what they say, start and leave behind."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
OUTER = ("APE_", "MAKE", "MFLAGS", "MEMSYNC_")  # what an outer run hands down and a person's shell has not


@dataclass(frozen=True)
class Typed:
    """How a command ended: exit code, both outputs, the programs that still run for it, and the paths that it left in home and among
    the temporary files."""

    code: int
    out: str
    err: str
    still_runs: frozenset[str]
    left: tuple[Path, ...]


class Room:
    """A home and a place for temporary files, both empty, by which processes started from here are known."""

    def __init__(self, folder: Path) -> None:
        self.home, self.temporary = folder / "home", folder / "temporary"
        self.home.mkdir()
        self.temporary.mkdir()
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OUTER)}
        self.env = clean | {"HOME": str(self.home), "TMPDIR": str(self.temporary)}

    @contextmanager
    def running(self, *command: str | Path) -> Iterator[subprocess.Popen[str]]:
        with subprocess.Popen(
            command, env=self.env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            yield process

    def programs(self) -> frozenset[str]:
        """The names of the programs that run for this room. Of Linux's /proc; elsewhere none is seen."""
        mark = f"TMPDIR={self.temporary}".encode()
        found = set()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (process / "environ").read_bytes().split(b"\0"):
                    found.add((process / "comm").read_text().strip())
            except OSError:
                continue
        return frozenset(found)

    def left(self) -> tuple[Path, ...]:
        """All that is there."""
        return (*self.home.rglob("*"), *self.temporary.rglob("*"))


@functools.cache
def type_once(command: str) -> Typed:
    """Run a line of shell; once in a test run, however often it is asked about."""
    with tempfile.TemporaryDirectory() as folder:
        room = Room(Path(folder))
        with room.running("sh", "-c", command) as process:
            out, err = process.communicate()
        return Typed(process.returncode, out, err, room.programs(), room.left())
