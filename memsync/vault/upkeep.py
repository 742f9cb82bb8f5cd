"""A vault's verbs about its own state: carried along in one file, looked through, rid of what it needs no more; and the passphrase."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from memsync.device.keystore_file import DEFAULT_COST, Cost, change_passphrase
from memsync.errors import ChainError, InputError, NotFoundError
from memsync.format.owner import Owner
from memsync.format.root import Root
from memsync.ipld.cid import CID, RAW
from memsync.store.car import export_car
from memsync.sync.garbage import KEEP, Swept, find_garbage, sweep
from memsync.sync.holdings import Holdings, count_holdings
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

    def gc(self, *, keep: int = KEEP, dry_run: bool = False) -> Swept:
        """Delete from the vault's places what no root of the last ``keep`` sequences needs; ``dry_run``: only say how much that is.

        What stays whatever ``keep`` says: all since the final sequence, what a commit that may still land needs, what this device put
        within the last hour, parcels that were not taken in, and every block that is not known to be this vault's. A place that fails is
        named in the answer and the others are gone through all the same. ``InputError`` for ``keep`` below 1; ``ChainError`` and its kin;
        ``StorageError`` and ``IntegrityError`` where the vault itself can't be read whole: then nothing was deleted.
        """
        if keep < 1:
            raise InputError("at least the present sequence is kept; say --keep 1 or more")
        with self._lock.hold("gc"):
            keys = self._keys()
            garbage = find_garbage(self._replica, keys, *self._head(keys), keep=keep)
            return sweep(self._replica, garbage, dry_run=dry_run)

    def holdings(self) -> Holdings:
        """How much there is, per scope and per place, and how much :meth:`gc` would free: at the last root that this device knows.

        Reads catalogs in the places; raises what that raises.
        """
        with self._lock.hold("status"):
            at, keys = self._replica, self._replica.keys()
            found = None if keys is None else head_taken(at, keys)
            if keys is None or found is None:
                return Holdings(0, (), (), 0, 0)
            return count_holdings(at, keys, *found)

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
