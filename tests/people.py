"""Someone at a terminal, as tests play them: a home of their own, a passphrase in a file, and what they set in the environment."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from click.testing import CliRunner, Result

from memsync.cli import cli
from memsync.device.keystore_file import CHEAP_COST
from memsync.keeper.client import NoKeeper, call
from memsync.vault import Vault

PASSPHRASE = "correct horse battery staple"


@dataclass
class Person:
    """``run`` and its kin are commands in this process, ``types`` is one in a process of its own."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True, parents=True)
        (self.folder / "passphrase").write_text(PASSPHRASE + "\n")
        self.env |= {
            "MEMSYNC_HOME": str(self.home),
            "MEMSYNC_PASSPHRASE_FILE": str(self.folder / "passphrase"),
            "APE_DATA_FOLDER": str(self.folder / "ape"),
        }

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def make_vault(self) -> str:
        """What ``init`` does, with a keystore that opens fast; the words."""
        with Vault.create(passphrase=PASSPHRASE, home=self.home, cost=CHEAP_COST) as vault:
            return vault.words

    def opened(self) -> Vault:
        """The vault, as a script of this person's opens it."""
        return Vault.open(passphrase=PASSPHRASE, home=self.home)

    def run(self, *args: str, stdin: str = "") -> Result:
        clean = dict.fromkeys(name for name in os.environ if name.startswith("MEMSYNC_"))
        with contextlib.chdir(self.folder):
            return CliRunner(mix_stderr=False).invoke(cli, args, input=stdin, env={**clean, **self.env})

    def says(self, *args: str, stdin: str = "") -> str:
        result = self.run(*args, stdin=stdin)
        assert result.exit_code == 0, (args, result.stdout, result.stderr, result.exception)
        return result.stdout

    def gets(self, *args: str, stdin: str = "") -> dict:
        found = json.loads(self.says(*args, "--json", stdin=stdin))
        assert found.pop("ok") is True
        return found

    def fails(self, code: int, *args: str, stdin: str = "") -> str:
        """The one line on stderr; the same as JSON on stdout if asked for."""
        plain, as_json = self.run(*args, stdin=stdin), self.run(*args, "--json", stdin=stdin)
        assert (plain.exit_code, plain.stdout) == (code, ""), (
            args,
            plain.stdout,
            plain.stderr,
            plain.exception,
        )
        assert (as_json.exit_code, as_json.stderr) == (code, "")
        told = json.loads(as_json.stdout)
        assert told["ok"] is False
        assert told["error"].keys() == {"name", "message", "next"}
        assert plain.stderr == f"memsync: {told['error']['message']}\n"
        return plain.stderr

    def types(self, *args: str, stdin: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "memsync", *args],
            env={**self.shell_env(), **env},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
        )

    def shell_env(self) -> dict[str, str]:
        """The environment of a process of this person's."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MEMSYNC_")}
        return {**clean, **self.env}

    def asks(self, verb: str, **given: object) -> dict:
        """A call of the keeper's API."""
        return call(verb, given, self.home)

    def unlock(self) -> int:
        """Have a keeper run; its process id."""
        return int(self.gets("unlock")["pid"])

    def forgets_the_passphrase(self) -> None:
        """From here on only a keeper can open the vault."""
        (self.folder / "passphrase").unlink()

    def leaves(self) -> None:
        """End what runs for this person."""
        try:
            self.asks("lock")
        except NoKeeper:
            return


def short_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder with a path short enough for a socket in it."""
    return tempfile.TemporaryDirectory(prefix="m-")
