"""What is unlocked: secrets of vaults and of tools' keys, in memory only, and what is opened with them.

The keeper holds one of these for as long as it lives, a command without a keeper for one verb. A vault without special wishes is opened
once and shared by all calls, which take its lock one operation at a time; one with other stores or a chain is opened for the call. What a
call has open stays open until the call ends, whatever is locked meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from memsync.device.config import Settings
from memsync.device.keystore_file import read_keystore
from memsync.device.paths import VaultPaths, check_name
from memsync.errors import NotFoundError, NotOpen, TokenRefused
from memsync.home import memsync_home
from memsync.keeper.chains import Chains
from memsync.vault import ServedVault, Vault

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from memsync.chain.registry import Registry
    from memsync.device.secrets import Secrets
    from memsync.shared import Tool
    from memsync.store import BlockStore
    from memsync.vault.serving import Channel


@dataclass
class _Shared:
    """An open vault and the calls that work on it; the last of them closes it once nobody else shall get it."""

    vault: Vault
    file: tuple[int, int] | None
    calls: int = 0
    kept: bool = True

    def close_if_done(self) -> None:
        if not self.kept and not self.calls:
            self.vault.close()


class Open:
    """What one process holds open."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = memsync_home() if home is None else home
        self.chains = Chains(self.home)
        self._turn = RLock()
        self._vaults: dict[str, Secrets] = {}
        self._keys: dict[str, Secrets] = {}
        self._shared: dict[str, _Shared] = {}

    def unlock_vault(self, name: str, passphrase: str) -> None:
        """Hold the secrets of a vault. ``NotFoundError``, ``WrongPassphrase``, ``FormatError``."""
        secrets = read_keystore(self.find_vault(name).keystore, passphrase)
        with self._turn:
            if self._vaults.get(name) != secrets:
                self._let_go(name)
            self._vaults[name] = secrets

    def unlock_key(self, name: str, passphrase: str) -> None:
        """Hold the seed of a tool's key."""
        secrets = read_keystore(self.find_key(name), passphrase)
        with self._turn:
            self._keys[name] = secrets

    def find_vault(self, name: str) -> VaultPaths:
        """Where the vault is; ``NotFoundError`` says how there comes to be one."""
        paths = VaultPaths.of(name, self.home)
        if not paths.keystore.exists():
            raise NotFoundError(
                f"no vault {name!r} on this device; `memsync init` makes one, `memsync restore` brings one back"
            )
        return paths

    def find_key(self, name: str) -> Path:
        """The keystore of a tool's key; ``NotFoundError`` says how there comes to be one."""
        check_name(name)
        keystore = key_folder(self.home, name) / "keystore"
        if not keystore.exists():
            raise NotFoundError(f"no key {name!r} on this device; `memsync key card NAME` makes one")
        return keystore

    def names(self) -> tuple[list[str], list[str]]:
        """The vaults and the keys that are open."""
        with self._turn:
            return sorted(self._vaults), sorted(self._keys)

    def let_go(self, vault: str | None = None) -> None:
        """Keep no secrets of one vault, or of anything. Calls under way go on with theirs, to their end."""
        with self._turn:
            for name in [vault] if vault else list(self._vaults):
                self._let_go(name)
            if not vault:
                self._keys.clear()

    def lock(self) -> None:
        """Let go of everything, the connection to a chain too, once nobody uses that."""
        self.let_go()
        self.chains.close()

    @contextmanager
    def open_vault(self, name: str, store: BlockStore | None, registry: Registry | None) -> Iterator[Vault]:
        with self._turn:
            secrets = self._vaults.get(name)
            if secrets is None:
                self.find_vault(name)
                raise NotOpen(f"vault {name!r} is locked; say `memsync unlock`")
            if store is None and registry is None:
                found = self._share(name, secrets)
            else:
                vault = Vault.of_secrets(name, secrets, home=self.home, store=store, registry=registry)
                found = _Shared(vault, None, kept=False)
            found.calls += 1
        try:
            yield found.vault
        finally:
            with self._turn:
                found.calls -= 1
                found.close_if_done()

    @contextmanager
    def served(self, token: str, channel: Channel) -> Iterator[ServedVault]:
        """The vault that a tool's token opens. ``NotOpen`` while none is open, ``TokenRefused`` where it opens none of those that are."""
        names, _ = self.names()
        if not names:
            raise NotOpen("the memory is locked; have the person say `memsync unlock`")
        for name in names:
            with self.open_vault(name, None, None) as vault:
                try:
                    found = vault.serve(token, channel=channel)
                except TokenRefused:
                    if name == names[-1]:
                        raise
                    continue
                yield found
                return

    def _share(self, name: str, secrets: Secrets) -> _Shared:
        """The vault that all calls share. ``NotOpen`` where another has been put in its place: what is written to the old is lost."""
        found, file = self._shared.get(name), _identity(self.find_vault(name).database)
        if found is None:
            vault = Vault.of_secrets(name, secrets, home=self.home)
            found = self._shared[name] = _Shared(vault, file)
        elif found.file != file:
            self._let_go(name)
            raise NotOpen(f"vault {name!r} is another than the one that was unlocked; say `memsync unlock`")
        return found

    def _let_go(self, name: str) -> None:
        self._vaults.pop(name, None)
        found = self._shared.pop(name, None)
        if found is not None:
            found.kept = False
            found.close_if_done()

    def open_key(self, name: str) -> Tool:
        from memsync.shared import Tool

        with self._turn:
            secrets = self._keys.get(name)
        if secrets is None:
            self.find_key(name)
            raise NotOpen(f"key {name!r} is locked; say `memsync unlock --key {name}`")
        return Tool(secrets.device)

    def connected(self, settings: Settings, passphrase: str | None) -> AbstractContextManager[Registry]:
        return self.chains.connected(settings, passphrase)


def key_folder(home: Path, name: str) -> Path:
    """Where a tool's key, and what it has read, is kept."""
    return home / "keys" / name


def _identity(file: Path) -> tuple[int, int] | None:
    """Which file it is, whatever its name; None where there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
