"""``ape console`` as a subprocess: lines typed into it, and what it shows for each."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
APE = Path(sys.executable).parent / "ape"
PROMPT = re.compile(r"^In \[\d+\]: ", re.MULTILINE)
LEAVING = re.compile(r"\n?Do you really want to exit.*", re.DOTALL)
OUT = re.compile(r"^Out\[\d+\]: ?\n?", re.MULTILINE)
PATIENCE = 120


def open_console(*options: str, home: Path) -> subprocess.Popen[str]:
    """A running ``ape console OPTIONS``. ``home`` takes what Ape and IPython write."""
    env = {
        **os.environ,
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "APE_DATA_FOLDER": str(home / "ape"),
        "PYTHONUNBUFFERED": "1",
    }
    return subprocess.Popen(
        [APE, "console", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env=env,
    )


def type_into_console(lines: Sequence[str], *options: str, home: Path) -> list[str]:
    """What ``ape console OPTIONS`` shows for each line, without prompts."""
    with open_console(*options, home=home) as console:
        told, _ = console.communicate("".join(f"{line}\n" for line in lines), timeout=PATIENCE)
    shown = PROMPT.split(told)[1:]
    assert len(shown) == len(lines) + 1, told[-4000:]
    return [OUT.sub("", LEAVING.sub("", one)).strip("\n") for one in shown[:-1]]
