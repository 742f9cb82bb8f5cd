"""A vault while it is made anew for another chain, in a database of its own beside the one that it is made from.

Every step can be done again: what is there already is left as it is, so that a move that was cut off goes on where it was, and a second
device of the same owner adds only what it alone had. Scopes and memories keep their ids and versions; keys are all new.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Self

from memsync.device.database import Database
from memsync.device.history import Deed
from memsync.device.inventory import Inventory
from memsync.device.ledgers import carry_ledgers
from memsync.device.paths import VaultPaths
from memsync.device.scopes import Scope
from memsync.device.secrets import Secrets
from memsync.errors import InputError
from memsync.format.fields import as_list, as_text, as_uint
from memsync.format.records import Kept
from memsync.ipld.dagcbor import decode, encode
from memsync.sync.forwarding import Elsewhere, moved_to
from memsync.sync.granted import carried_scopes, known_grants, remember_carried
from memsync.sync.keys import OwnerKeys
from memsync.sync.listing import VaultWish, known_list
from memsync.sync.pull import take_in
from memsync.sync.push import push
from memsync.sync.removal import bind_with_words
from memsync.sync.replica import CHAIN_BOUND, FIRST_SCOPE, WORDS, Replica
from memsync.sync.wishes import MOVED, SCOPE, VAULT, read_wishes, wish_moved, wish_scope, wish_vault
from memsync.vault.base import PERSONAL, OpenVault, Surroundings

MOVE = "move"
_BATCH = 1000
_WHAT = "database"


@dataclass(frozen=True, slots=True)
class GrantAgain:
    """A grant that stayed on the chain which the vault left: who, which scope, what it can, until when (Unix seconds)."""

    name: str
    scope: str
    can: str
    end: int


@dataclass(frozen=True, slots=True)
class Left:
    """What a move leaves behind: the grants to give again, and what waited and is not done."""

    grants: tuple[GrantAgain, ...]
    warnings: tuple[str, ...]


class MovingVault(OpenVault):
    """The vault on the chain that it moves to."""

    @classmethod
    def beside(cls, paths: VaultPaths, secrets: Secrets, keys: OwnerKeys, around: Surroundings) -> Self:
        """Go on with what lies beside the vault at ``paths``, or begin it; of a move to somewhere else only what never got there is
        thrown away, else ``InputError``."""
        inner = VaultPaths(paths.name, paths.moving)
        while True:
            inner.make()
            database = Database.open(inner.database, secrets.database)
            at = Replica(
                database,
                store=around.store,
                registry=around.registry,
                clock=around.clock,
                random=around.random,
                device=secrets.device_key(),
            )
            begun = at.keys()
            if begun is None or begun.vault == keys.vault:
                return cls(inner, secrets, at)
            got_there = at.heads.seen() is not None or bool(at.attempts.live())
            database.close()
            if got_there:
                raise InputError(
                    f"a move of this vault to chain {begun.chain_id} at 0x{begun.contract.hex()} was begun and has got there; finish "
                    "that one first, by the same command"
                )
            shutil.rmtree(inner.folder)

    def close(self) -> None:
        """Close the database."""
        self._replica.database.close()

    def close_alone(self) -> None:
        """Close the database with nothing beside its file."""
        self._replica.database.close_alone()

    def bind(self, root: bytes, keys: OwnerKeys) -> None:
        """Take the keys, and the words until the vault stands there for good."""
        at = self._replica
        with at.database.transaction():
            bind_with_words(at, root, number=keys.number)
            if at.heads.final() is None:
                at.meta.put(WORDS, root)

    def pull(self) -> None:
        """Take in what is there: after a move that was cut off, or of another device that moved first."""
        at, keys = self._replica, self._keys()
        _, standing = take_in(at, keys, at.registry.snapshot(keys.vault), though_moved=True)
        back = standing is not None and moved_to(standing.owner) is not None
        if back and not at.journal.entries(kind=MOVED):
            at.journal.add(wish_moved(None, created=at.now_ms()))

    def fill(self, old: Replica, left: Left) -> int:
        """Write in what the old database holds and this one lacks; returns how many memories and tombstones. What is ``left`` is noted
        the first time."""
        at = self._replica
        renamed = read_wishes(old.journal.entries(kind=SCOPE)).scopes
        scopes = sorted(old.scopes.all(), key=lambda scope: scope.name != PERSONAL)
        with at.database.transaction():
            if at.meta.get(MOVE) is None:
                at.meta.put(MOVE, _encode_left(left))
            if at.heads.seen() is None and at.meta.get(FIRST_SCOPE) is None and scopes:
                at.meta.put(FIRST_SCOPE, scopes[0].id + at.random(32))
            there = {scope.id: self._scope(scope, renamed=scope.id in renamed) for scope in scopes}
            carried = carried_scopes(old) | {grant.id: grant.scope for grant in known_grants(old)}
            remember_carried(at, {grant: there.get(scope, scope) for grant, scope in carried.items()})
            self._list_vaults(old)
        return sum(self._fill_scope(old, scope.id, there[scope.id]) for scope in scopes)

    def push(self) -> tuple[int, bytes]:
        """Bring it to the chain; returns sequence and transaction hash, empty where nothing was left to push."""
        at = self._replica
        receipt = push(at, self._first_owner(), though_moved=True)
        self._let_words_go()
        seen = at.heads.seen()
        return (0 if seen is None else seen.sequence), receipt.transaction

    def take_along(self, old: Replica, deed: Deed) -> None:
        """Everything that is not in the chain's blocks: contacts, disclosures, history with this move, proposals and the like."""
        with self._replica.database.transaction():
            carry_ledgers(old.database, self._replica.database, without=CHAIN_BOUND)
            self._history.append(deed)

    def left(self) -> Left:
        """What was noted of what stayed behind."""
        return left_behind(self._replica)

    def _list_vaults(self, old: Replica) -> None:
        """Have the list of further vaults say there what it says here, with what waits. Their ids are of the chain that they are on."""
        at, known = self._replica, known_list(old)
        wanted = [VaultWish(one.number, one.id, one.name) for one in known.rows]
        wanted += [VaultWish(number) for number in sorted(known.unlisted)]
        wanted += read_wishes(old.journal.entries(kind=VAULT)).vaults
        there = {entry.payload for entry in at.journal.entries(kind=VAULT)}
        for one in wanted:
            wish = wish_vault(one, created=at.now_ms())
            if wish.payload not in there and known_list(at).after([one]) != known_list(at):
                at.journal.add(wish)

    def _scope(self, scope: Scope, *, renamed: bool) -> bytes:
        """The id under which the scope is there: its own, or another's that has its name."""
        at = self._replica
        names = {one.id: one.name for one in at.scopes.all()}
        holder = next((scope_id for scope_id, name in names.items() if name == scope.name), None)
        if holder is not None and scope.id not in names:
            return holder
        if scope.id not in names or (renamed and holder is None):
            at.scopes.rename(scope.id, scope.name)
            at.journal.add(wish_scope(scope.id, scope.name, created=at.now_ms()))
        return scope.id

    def _fill_scope(self, old: Replica, scope: bytes, there: bytes) -> int:
        at, done, lacking = self._replica, 0, self._lacking(old, scope, there)
        with at.database.transaction(), self._writing(at) as write:
            while batch := list(islice(lacking, _BATCH)):
                write(there, batch)
                done += len(batch)
        return done

    def _lacking(self, old: Replica, scope: bytes, there: bytes) -> Iterator[Kept]:
        mine = Inventory(self._replica.database)
        known, gone = mine.identities(there), mine.forgotten(there)
        for record in Inventory(old.database).everything(scope):
            if record.id not in gone and (record.id, record.version) not in known:
                yield record


def left_behind(replica: Replica) -> Left:
    """What the last move of a vault left behind, as its database knows."""
    data = replica.meta.get(MOVE)
    if data is None:
        return Left((), ())
    grants, warnings = as_list(decode(data), 2, what=_WHAT, name="what a move left")
    return Left(
        tuple(
            GrantAgain(
                as_text(name, what=_WHAT, name="name"),
                as_text(scope, what=_WHAT, name="scope"),
                as_text(can, what=_WHAT, name="rights"),
                as_uint(end, 40, what=_WHAT, name="end"),
            )
            for name, scope, can, end in (
                as_list(row, 4, what=_WHAT, name="grant")
                for row in as_list(grants, what=_WHAT, name="grants")
            )
        ),
        tuple(
            as_text(one, what=_WHAT, name="warning") for one in as_list(warnings, what=_WHAT, name="warnings")
        ),
    )


def elsewhere_of(keys: OwnerKeys) -> Elsewhere:
    """Where these keys are for."""
    return Elsewhere(keys.chain_id, keys.contract)


def _encode_left(left: Left) -> bytes:
    rows: Sequence[list[str | int]] = [[one.name, one.scope, one.can, one.end] for one in left.grants]
    return encode([[list(row) for row in rows], list(left.warnings)])
