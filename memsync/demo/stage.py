"""Where the demo plays: one folder, a chain of its own, two places for blocks, and a passphrase that nobody has to type.

In goes a folder, out comes a :class:`Stage` with a running Foundry node, which ends with it. What is kept at the end is set down in
files for a shell; they hold words and passphrase in plain text, so what was made here is a toy.
"""

from __future__ import annotations

import secrets
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from memsync.chain.node import LocalNode, local_node
from memsync.chain.registry import Registry
from memsync.store import BlockStore, DirectoryStore, MirrorStore

PAYER_ALIAS = "TEST::0"


@dataclass(frozen=True, slots=True)
class Stage:
    """A node, the registry on it, and a folder: in it a ``laptop`` with a place for blocks, a ``server`` with the other place, later
    a ``new-machine``."""

    folder: Path
    node: LocalNode
    registry: Registry
    passphrase: str = field(repr=False)

    @property
    def laptop(self) -> Path:
        return self.folder / "laptop"

    @property
    def new_machine(self) -> Path:
        return self.folder / "new-machine"

    @property
    def disk(self) -> DirectoryStore:
        """The place on the laptop."""
        return DirectoryStore(self.laptop / "blocks")

    @property
    def server(self) -> DirectoryStore:
        """The place elsewhere, which others can reach too."""
        return DirectoryStore(self.folder / "server")

    @property
    def both(self) -> BlockStore:
        """The two places as one; a block counts as stored when both hold it."""
        return MirrorStore([self.disk, self.server], minimum=2)

    def lose_laptop(self) -> None:
        """Delete the laptop with everything on it."""
        shutil.rmtree(self.laptop)

    def set_down(self, words: str) -> Path:
        """Write what is needed to go on by hand; the file of settings to read into a shell."""
        for name, secret in (("words", words), ("passphrase", self.passphrase)):
            (self.folder / name).touch(mode=0o600)
            (self.folder / name).write_text(secret + "\n")
        settings = {
            "MEMSYNC_HOME": self.new_machine,
            "MEMSYNC_PASSPHRASE_FILE": self.folder / "passphrase",
            "MEMSYNC_STORE": self.server.path,
            "MEMSYNC_NETWORK": "http://127.0.0.1:8545",
            "MEMSYNC_PAYER": PAYER_ALIAS,
        }
        file = self.folder / "settings"
        file.write_text(
            "".join(f"export {name}={shlex.quote(str(value))}\n" for name, value in settings.items())
        )
        return file


@contextmanager
def set_stage(folder: Path, *, keep_chain: bool = False) -> Iterator[Stage]:
    """Start the chain. ``keep_chain``: its state is written to ``chain.json`` in the folder when it ends."""
    from memsync.chain.ape import connect

    options = ("--state", str(folder / "chain.json")) if keep_chain else ()
    with local_node(*options) as node, connect(node.url, payer=PAYER_ALIAS) as registry:
        yield Stage(folder, node, registry, secrets.token_hex(16))
