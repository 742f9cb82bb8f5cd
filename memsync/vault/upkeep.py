"""A vault's verbs about its own state: what it needs carried along in one file, and the passphrase of this device."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from memsync.device.keystore_file import DEFAULT_COST, Cost, change_passphrase
from memsync.errors import ChainError, InputError, NotFoundError
from memsync.format.owner import Owner
from memsync.format.root import Root
from memsync.ipld.cid import CID, RAW
from memsync.store.car import export_car
from memsync.sync.keys import OwnerKeys
from memsync.sync.reachable import needed_by_reader, needed_by_vault
from memsync.sync.settling import head_taken
from memsync.sync.verification import Verification, verify
from memsync.vault.access import AccessVerbs, Grant


@dataclass(frozen=True, slots=True)
class Exported:
    """How many blocks a CAR holds, and how many bytes the file has."""

    blocks: int
    bytes: int


class UpkeepVerbs(AccessVerbs):
    """What a person does for a vault's own good."""

    def export_car(self, path: Path | str, *, grant: Grant | bytes | str | None = None) -> Exported:
        """Write every block that the vault needs to the CAR ``path``, or those that one grantee reads, and no others.

        What waits in the journal is in no block yet. The vault's own CAR brings it back with its words and the chain; a grantee's is the
        store that :meth:`SharedVault.accept` takes. The file names the root, or the grantee's envelope, as its root, appears whole or not
        at all, and is this user's to read. The grant by itself, its id, or the grantee's name. With a registry what the chain has now,
        else what was last pushed or pulled here.
        """
        with self._lock.hold("export"):
            at, keys = self._replica, self._bound()
            root, owner = self._head(keys)
            if grant is None:
                first = root.digest
                needed = needed_by_vault(root, owner, vault=keys.vault, fetch=at.fetch)
            else:
                meant = self._known_as(grant)
                found = next((one for one in owner.grants if one.id == meant.id), None)
                if found is None:
                    raise NotFoundError(f"the grant to {meant.name!r} has ended; grant anew")
                first = found.envelope
                needed = needed_by_reader(root, owner, found, vault=keys.vault, fetch=at.fetch)
            cids = [CID(RAW, one.digest) for one in needed]
            blocks = export_car(at.store, cids, path, roots=[CID(RAW, first)])
            return Exported(blocks, Path(path).stat().st_size)

    def verify(self, *, deep: bool = False) -> Verification:
        """Look whether everything is where and as it must be; only reads. What is found comes with the command that mends it.

        Asked are the chain (without a registry it is not, and a finding says so), the head, root and keys, and every place for every
        block that the root needs. ``deep``: every block is read in every place and opened, and what is in it compared with this device.
        """
        with self._lock.hold("verify"):
            return verify(self._replica, deep=deep)

    def change_passphrase(self, old: str, new: str, *, cost: Cost = DEFAULT_COST) -> None:
        """Lock this device's keystore by another passphrase. ``WrongPassphrase`` if ``old`` is not its own, ``InputError`` for an empty
        new one."""
        if not new:
            raise InputError("an empty passphrase protects nothing; choose one")
        with self._lock.hold("passphrase"):
            change_passphrase(self.paths.keystore, old, new, cost)

    def _bound(self) -> OwnerKeys:
        """The vault's keys; of a vault that is on no chain, none."""
        keys = self._keys() if self._replica.has_registry else self._replica.keys()
        if keys is None:
            raise ChainError("the vault is on no chain yet, so nothing of it is in blocks; push first")
        return keys

    def _head(self, keys: OwnerKeys) -> tuple[Root, Owner]:
        """The root and owner block of the chain, or without a registry those last taken in."""
        at = self._replica
        if at.has_registry:
            standing = self._standing()
            found = None if standing is None else (standing.root, standing.owner)
        else:
            found = head_taken(at, keys)
        if found is None:
            raise ChainError("nothing of this vault has been pushed yet; push first")
        return found
