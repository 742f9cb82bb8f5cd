"""The keystore on the disk: one file of its own, locked by the passphrase, readable by its user alone.

In go secrets and a passphrase, out comes a file of the format in ``docs/format.md`` §10, and back. A file is replaced whole (written beside
it, flushed, renamed), so that there is a good one at every moment; making one never overwrites another.
"""

from __future__ import annotations

import os
import secrets as chance
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from memsync.crypto.keystore import open_keystore, seal_keystore
from memsync.device.secrets import Secrets
from memsync.errors import InputError, NotFoundError
from memsync.store.directory import flush
from memsync.store.faults import named

MAX_BYTES = 1 << 20
"""A longer file is no keystore and is not read."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What Argon2id takes to open the file: memory in KiB, passes, lanes."""

    memory: int = 65536
    passes: int = 3
    lanes: int = 4


DEFAULT_COST = Cost()
CHEAP_COST = Cost(memory=8192, passes=1, lanes=1)
"""For tests: the least that the format allows."""


def create_keystore(path: Path, passphrase: str, secrets: Secrets, cost: Cost = DEFAULT_COST) -> None:
    """Make the file; ``InputError`` if there is one. ``cost`` is what opening takes."""
    if path.exists():
        raise InputError(
            f"there is a keystore at {path} already; choose another name, or put that vault's folder away"
        )
    _write(path, passphrase, secrets, cost)


def read_keystore(path: Path, passphrase: str) -> Secrets:
    """What the file holds.

    ``NotFoundError`` if there is none, ``WrongPassphrase``, ``FormatError("keystore", …)`` if it is damaged, ``StorageError`` if it can't
    be read.
    """
    with named(f"keystore {path}", "read"):
        if not path.exists():
            raise NotFoundError(
                f"no keystore at {path}; `memsync init` makes a vault, `memsync restore` brings one back"
            )
        with path.open("rb") as file:
            data = file.read(MAX_BYTES)
    return Secrets.from_bytes(open_keystore(passphrase, data))


def replace_keystore(path: Path, passphrase: str, secrets: Secrets, cost: Cost = DEFAULT_COST) -> None:
    """Put these secrets in place of what the file held; ``WrongPassphrase`` unless ``passphrase`` opens what is there."""
    read_keystore(path, passphrase)
    _write(path, passphrase, secrets, cost)


def change_passphrase(path: Path, old: str, new: str, cost: Cost = DEFAULT_COST) -> None:
    """Lock the same secrets by another passphrase."""
    _write(path, new, read_keystore(path, old), cost)


def _write(path: Path, passphrase: str, secrets: Secrets, cost: Cost) -> None:
    data = seal_keystore(
        passphrase, secrets.to_bytes(), memory=cost.memory, passes=cost.passes, lanes=cost.lanes
    )
    temporary = path.with_name(f".{path.name}-{os.getpid()}-{chance.token_hex(8)}")
    with named(f"keystore {path}", "written"):
        try:
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            flush(temporary)
            temporary.replace(path)
            flush(path.parent)
        finally:
            with suppress(OSError):
                temporary.unlink()
