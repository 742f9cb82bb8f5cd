"""Moving a vault to another chain or contract. Ids, keys and AAD are bound to both, so everything is sealed anew under a new vault id.

What the old chain has is pulled a last time. Beside the vault's database a new one is made, bound to the new chain; what is there already
is pulled, what this device holds is written in, and it is pushed. Then the old chain's owner block is told where the vault lives now, for
the owner's other devices; last, the new database takes the old one's place by one rename. Until then the old vault is whole and in use;
whatever cuts the move off, the same call goes on. Each chain is connected to twice, one after the other, never both at once.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeAlias

from memsync.chain.registry import Registry
from memsync.crypto.tree import RootKey
from memsync.crypto.words import from_words
from memsync.device.database import Database
from memsync.device.history import Deed, History
from memsync.errors import ChainError, InputError, StorageError, VaultMoved, WrongWords
from memsync.store.directory import flush
from memsync.store.faults import named
from memsync.store.port import BlockStore
from memsync.sync.forwarding import Elsewhere, moved_to
from memsync.sync.granted import known_grants
from memsync.sync.keys import OwnerKeys
from memsync.sync.pull import take_in
from memsync.sync.push import push
from memsync.sync.replica import Replica
from memsync.sync.settling import waiting
from memsync.sync.wishes import GRANT, MOVED, REVOKE, ROTATE, read_wishes, wish_moved
from memsync.terms import show_rights
from memsync.vault.base import Surroundings
from memsync.vault.moving import GrantAgain, Left, MovingVault, elsewhere_of, left_behind
from memsync.vault.upkeep import UpkeepVerbs

Connect: TypeAlias = Callable[[], AbstractContextManager[Registry]]
"""Connects to a registry for as long as the context lasts."""

_FORWARDED = frozenset({MOVED, REVOKE, ROTATE})


@dataclass(frozen=True, slots=True)
class Relocated:
    """Where a vault lives now: chain id, contract (20 bytes), its id there (32), the sequence it is at.

    ``written``: memories and tombstones that this device brought; ``forwarded``: whether the old chain tells the other devices;
    ``grants``: to give again, for they stayed behind; ``warnings``: what waited and is not done, or could not be.
    """

    chain_id: int
    contract: bytes
    vault: bytes
    sequence: int
    written: int
    forwarded: bool
    grants: tuple[GrantAgain, ...]
    warnings: tuple[str, ...]


class RelocationVerbs(UpkeepVerbs):
    """What a person does when a vault is to live elsewhere."""

    def relocate(
        self,
        words: str,
        *,
        connect_new: Connect,
        connect_old: Connect | None = None,
        store: BlockStore | None = None,
        revoke_old: bool = False,
        progress: Callable[[str], object] = lambda _line: None,
    ) -> Relocated:
        """Bring the vault to the registry that ``connect_new`` connects to.

        ``connect_old``: to the chain that it is on, for news of other devices and the note for them; without
        it, or where that chain can't be reached, each device is told by hand. ``store``: where blocks go from now on, by default where
        they went. ``revoke_old`` ends the grants on the old chain, which else live on, over what it has, until their end. ``progress``
        is told each step. Afterwards this object holds the moved vault, without a chain: open it anew with the new chain's registry.

        ``WrongWords`` if the words are not this vault's; ``InputError`` if it is there already or on no chain, or another move is half
        done; ``VaultMoved`` if another device has moved it elsewhere; ``StorageError`` while another program has it open; what pull and
        push raise. Whatever is raised, call again.
        """
        root = from_words(words)
        with self._lock.hold("chain move"):
            keys = self._own_keys(root)
            with connect_new() as registry:
                target = Elsewhere(registry.chain_id, registry.contract)
            if (done := self._here_already(keys, target)) is not None:
                return done
            self._replica.database.check_alone()
            failed: list[str] = []
            note = self._last_news(keys, connect_old, failed, progress)
            if note is not None and note != target:
                raise VaultMoved(note.chain_id, note.contract)
            moving, there, written, deed = self._make_there(root, keys, target, connect_new, store, progress)
            try:
                told = self._tell(keys, target, connect_old, failed, progress, revoke=revoke_old)
                moving.take_along(self._replica, deed)
                left = moving.left()
                moving.close_alone()
            finally:
                moving.close()
            self._take_place(store)
            progress(f"the vault lives on chain {there.chain_id} now")
            return _relocated(there, deed.sequence or 0, written, left, failed, told=told)

    def _own_keys(self, root: bytes) -> OwnerKeys:
        keys = self._replica.keys()
        if keys is None:
            raise InputError(
                "the vault is on no chain yet; `memsync chain use` and `memsync push` bring it to one"
            )
        owner = RootKey(root).owner(keys.chain_id, keys.contract, keys.number)
        if owner.address != keys.owner:
            raise WrongWords("these are the words of another vault; give this one's")
        return keys

    def _here_already(self, keys: OwnerKeys, target: Elsewhere) -> Relocated | None:
        """A move to there that was cut off right after the rename, so that only its folder is left; ``InputError`` for one that is done."""
        if target != elsewhere_of(keys):
            return None
        folder = self.paths.moving
        if not folder.exists() or (folder / self.paths.database.name).exists():
            raise InputError(
                f"the vault is on chain {target.chain_id} at 0x{target.contract.hex()} already; name another"
            )
        shutil.rmtree(folder, ignore_errors=True)
        seen = self._replica.heads.seen()
        left = left_behind(self._replica)
        return _relocated(keys, 0 if seen is None else seen.sequence, 0, left, [], told=True)

    def _last_news(
        self,
        keys: OwnerKeys,
        connect_old: Connect | None,
        failed: list[str],
        progress: Callable[[str], object],
    ) -> Elsewhere | None:
        """Take in what other devices pushed to the old chain; returns where its owner block says that the vault has gone already."""
        if connect_old is None:
            return None
        progress(f"taking in what chain {keys.chain_id} has")
        try:
            with connect_old() as registry:
                old = self._on(registry, keys)
                _, standing = take_in(old, keys, registry.snapshot(keys.vault), though_moved=True)
        except (ChainError, StorageError) as error:
            failed.append(
                f"chain {keys.chain_id} was not read, only what this device had came along: {error}"
            )
            return None
        return None if standing is None else moved_to(standing.owner)

    def _make_there(
        self,
        root: bytes,
        keys: OwnerKeys,
        target: Elsewhere,
        connect_new: Connect,
        store: BlockStore | None,
        progress: Callable[[str], object],
    ) -> tuple[MovingVault, OwnerKeys, int, Deed]:
        """The vault on its new chain: made, filled and pushed; its keys there, how much was written in, and what the history will say."""
        at = self._replica
        with connect_new() as registry:
            there = OwnerKeys.derive(
                RootKey(root), chain_id=target.chain_id, contract=target.contract, number=keys.number
            )
            around = Surroundings(store or at.store, registry, at.clock, at.random)
            moving = MovingVault.beside(self.paths, self._secrets, there, around)
            try:
                moving.bind(root, there)
                progress(f"taking in what chain {target.chain_id} has")
                moving.pull()
                written = moving.fill(at, self._left(keys))
                progress(f"pushing {written:,} memories and tombstones to chain {target.chain_id}")
                sequence, transaction = moving.push()
                detail = f"from chain {keys.chain_id} to chain {target.chain_id}"
                deed = Deed(at.now_ms(), "move", sequence, None, transaction or None, detail)
            except BaseException:
                moving.close()
                raise
        return moving, there, written, deed

    def _tell(
        self,
        keys: OwnerKeys,
        target: Elsewhere,
        connect_old: Connect | None,
        failed: list[str],
        progress: Callable[[str], object],
        *,
        revoke: bool,
    ) -> bool:
        """Have the old chain's owner block say where the vault lives now; whether it does."""
        if connect_old is not None:
            progress(f"leaving word on chain {keys.chain_id}")
            try:
                with connect_old() as registry:
                    self._leave_word(self._on(registry, keys), keys, target, revoke=revoke)
            except (ChainError, StorageError) as error:
                if revoke:
                    raise
                failed.append(f"no word was left on chain {keys.chain_id}: {error}")
            else:
                return True
        elif revoke:
            raise InputError("ending the old grants needs the old chain; connect to it, or leave them")
        failed.append("your other devices are not told; run `memsync chain move` on each")
        return False

    def _leave_word(self, old: Replica, keys: OwnerKeys, target: Elsewhere, *, revoke: bool) -> None:
        if old.registry.snapshot(keys.vault).vault is None:
            return  # it never was on the old chain: no other device knows it from there
        with old.database.transaction():
            said = old.journal.entries(kind=MOVED)
            if read_wishes(said).moved != [target]:
                old.journal.remove(entry.ordinal for entry in said)
                old.journal.add(wish_moved(target, created=old.now_ms()))
            for grant in known_grants(old) if revoke else ():
                self._wish_end(grant)
        push(old, self._first_owner(), only=_FORWARDED, though_moved=True)

    def _left(self, keys: OwnerKeys) -> Left:
        """What does not come along: grants, and what was wished about them."""
        at = self._replica
        grants = [
            GrantAgain(one.name, at.scopes.name_of(one.scope), show_rights(one.rights), one.end)
            for one in known_grants(at)
            if one.end > at.clock()
        ]
        names = {one.id: one.name for one in known_grants(at)}
        wishes = read_wishes(entry for entry in waiting(at) if entry.kind in (GRANT, REVOKE))
        warnings = [
            f"the grant to {one.name} that waited was not made; give it anew" for one in wishes.grants
        ]
        warnings += [
            f"the end of the grant to {names[one]} had not reached chain {keys.chain_id}; it does with the word left there, or when its "
            "time is over"
            for one in wishes.revocations
            if one in names
        ]
        return Left(tuple(sorted(grants, key=lambda one: one.end)), tuple(warnings))

    def _on(self, registry: Registry, keys: OwnerKeys) -> Replica:
        """This device's copy, seen with the vault's own registry."""
        at = self._replica
        if Elsewhere(registry.chain_id, registry.contract) != elsewhere_of(keys):
            raise InputError(
                f"this vault lives on chain {keys.chain_id} at 0x{keys.contract.hex()}, the old chain given is {registry.chain_id}; "
                "connect to the vault's own"
            )
        return Replica(
            at.database,
            store=at.store,
            registry=registry,
            clock=at.clock,
            random=at.random,
            device=at.device,
        )

    def _take_place(self, store: BlockStore | None) -> None:
        """Put the new database in the place of the old one, and go on with it."""
        at, paths = self._replica, self.paths
        at.database.close_alone()
        try:
            with named(f"folder {paths.folder}", "written"):
                (paths.moving / paths.database.name).replace(paths.database)
                flush(paths.folder)
            shutil.rmtree(paths.moving, ignore_errors=True)
        finally:
            database = Database.open(paths.database, self._secrets.database)
            self._replica = Replica(
                database, store=store or at.store, clock=at.clock, random=at.random, device=at.device
            )
            self._history = History(database)


def _relocated(
    keys: OwnerKeys, sequence: int, written: int, left: Left, failed: list[str], *, told: bool
) -> Relocated:
    warnings = (*left.warnings, *failed)
    return Relocated(keys.chain_id, keys.contract, keys.vault, sequence, written, told, left.grants, warnings)
