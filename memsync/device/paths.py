"""Where things lie: one folder for MemSync, in it one folder a vault.

The folder is ``memsync.home``'s. A vault's folder is named as the vault and
holds ``keystore``, ``vault.db``, ``lock`` and, by default, ``blocks``. Names are checked before they become paths.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from memsync.errors import InputError
from memsync.home import memsync_home
from memsync.store.faults import named

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}", re.ASCII)
# Names that Windows keeps for devices; a folder that is carried there must not become one.
_RESERVED = {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(10)), *(f"lpt{n}" for n in range(10))}


@dataclass(frozen=True, slots=True)
class VaultPaths:
    """The files of one vault on this device."""

    name: str
    folder: Path

    @classmethod
    def of(cls, name: str, home: Path | None = None) -> VaultPaths:
        """The paths of the vault ``name``; nothing is made. ``InputError`` for a name that can't be a folder's everywhere."""
        check_name(name)
        return cls(name, vaults_folder(home) / name)

    @property
    def keystore(self) -> Path:
        return self.folder / "keystore"

    @property
    def database(self) -> Path:
        return self.folder / "vault.db"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    @property
    def moving(self) -> Path:
        """The folder in which the vault is made anew while it moves to another chain."""
        return self.folder / "moving"

    @property
    def joining(self) -> Path:
        """The folder in which a new device waits for the vault's keys."""
        return self.folder / "joining"

    @property
    def blocks(self) -> Path:
        return self.folder / "blocks"

    def client_token(self, client: str) -> Path:
        """The file with the token of a tool of this device. ``InputError`` for a name that is no client's."""
        check_name(client, "a client")
        return self.folder / "clients" / f"{client}.token"

    def make(self) -> None:
        """Make the folder, for this user alone; ``StorageError`` when that can't be done."""
        with named(f"folder {self.folder}", "made"):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.chmod(0o700)


def vaults_folder(home: Path | None = None) -> Path:
    """The folder that holds a folder for each vault."""
    return (memsync_home() if home is None else home) / "vaults"


def vault_names(home: Path | None = None) -> list[str]:
    """The vaults on this device: the folders that have a keystore, by name."""
    folder = vaults_folder(home)
    with named(f"folder {folder}", "read"):
        if not folder.is_dir():
            return []
        return sorted(
            found.parent.name for found in folder.glob("*/keystore") if _NAME.fullmatch(found.parent.name)
        )


def check_name(name: str, of: str = "a vault") -> None:
    """``InputError`` unless ``name`` can be a vault's: lower-case letters, digits, ``. _ -``, at most 63, letter or digit first."""
    if not _NAME.fullmatch(name) or name.endswith(".") or name.split(".", maxsplit=1)[0] in _RESERVED:
        raise InputError(
            f"{name!r} can't be {of}'s name: use 1 to 63 of a-z, 0-9, dot, underscore and hyphen, letter or digit first"
        )
