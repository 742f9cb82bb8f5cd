"""A vault's verbs about the further vaults of the same words: list, make, bring back, rename, take off the list.

They are verbs of vault 0, whose owner block has the list. A further vault has owner, id, keys, places and devices of its own: nobody
without the words can tell that it belongs to this one. It is listed before it is opened on the chain, so that no two devices take one
number; whatever breaks the making off, the same call goes on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack

from memsync.crypto.tree import RootKey
from memsync.crypto.words import from_words, to_words
from memsync.device.config import change_config, further_vaults, read_config
from memsync.device.keystore_file import DEFAULT_COST, Cost
from memsync.device.paths import VaultPaths, check_name
from memsync.errors import ChainError, InputError, LockedError, NotFoundError
from memsync.format.owner import OtherVault
from memsync.sync.keys import OwnerKeys
from memsync.sync.listing import VaultList, VaultWish, known_list
from memsync.sync.push import push
from memsync.sync.removal import locate_with_words
from memsync.sync.replica import WORDS
from memsync.sync.settling import waiting
from memsync.sync.wishes import VAULT, read_wishes, wish_vault
from memsync.vault.base import Where
from memsync.vault.devices import DeviceVerbs
from memsync.vault.places import configured_store

if TYPE_CHECKING:
    from memsync.device.journal import Entry
    from memsync.vault.lifecycle import Vault

GAP = 8
"""So many numbers in a row without a vault end a search for vaults that the list lacks."""
_TURNS = 8


@dataclass(frozen=True, slots=True)
class ListedVault:
    """A further vault: number i, id (32 bytes), name; ``listed``: False while that waits for a push; ``here``: what it is called on
    this device, None where it is not on it."""

    number: int
    id: bytes
    name: str
    listed: bool
    here: str | None


class ListingVerbs(DeviceVerbs):
    """What a person does about several vaults."""

    @property
    def number(self) -> int:
        """Which vault of its words this is; 0 for the first, which has the list."""
        return self._number()

    def is_of(self, words: str, number: int) -> bool:
        """Whether this is vault ``number`` of these words."""
        keys, root = self._replica.keys(), from_words(words)
        if keys is None:
            same = self._replica.meta.get(WORDS) == root
        else:
            same = RootKey(root).owner(keys.chain_id, keys.contract, number).address == keys.owner
        return same and self.number == number

    def vaults(self) -> list[ListedVault]:
        """The further vaults of the same words, as of the last push or pull and with what waits here, by number.

        ``InputError`` for a vault that is not the first of its words.
        """
        self._need_first()
        landed = {one.number for one in known_list(self._replica).rows}
        return [self._shown(one, listed=one.number in landed) for one in self._wanted_list().rows]

    def list_vault(self, name: str, words: str | None = None) -> ListedVault:
        """Have vault 0 list a further vault under this name, by a push of all that waits; one that is listed already is returned.

        ``words``: the 24, unless this device still holds them. It is on no chain then: see :meth:`bring_vault`. ``LockedError`` without
        words; ``WrongWords``; ``InputError`` for a name that can't be a vault's, or is another's on this device; what ``push`` raises.
        """
        check_name(name)
        root = RootKey(self._root(words))
        with self._lock.hold("vault create"):
            keys = self._own_list(root)
            at = self._replica
            self._standing()
            for _ in range(_TURNS):
                found = known_list(at).named(name)
                if found is not None:
                    return self._shown(found, listed=True)
                self._check_free(name)
                waits = self._wanted_list().named(name)
                if waits is None:
                    number, vault = self._free_number(root, keys)
                    wish = wish_vault(VaultWish(number, vault, name), created=at.now_ms())
                    with self._wishing(at.journal.add(wish)):
                        receipt = push(at, self._first_owner())
                else:
                    receipt = push(at, self._first_owner())
                if receipt.sequence:
                    self._note("vault", receipt, f"listed {name}")
                self._let_words_go()
            raise ChainError("other devices were faster each time; nothing is lost, say it again")

    def bring_vault(
        self,
        listed: ListedVault,
        words: str | None = None,
        *,
        passphrase: str,
        name: str | None = None,
        make: bool = True,
        places: Sequence[str] = (),
        payer: str | None = None,
        cost: Cost = DEFAULT_COST,
        **where: Unpack[Where],
    ) -> Vault:
        """Have a listed vault on this device: opened on the chain if no device has (``make``), restored if one has, gone on with if this
        one has begun. The vault, open.

        ``name``: what to call it here, if not as the list does. ``places`` and ``payer``: of its own; as this vault's if not given, as are
        registry, clock and randomness of ``where``. ``LockedError`` without words; ``InputError`` if another vault has the name here;
        ``NotFoundError`` for one that the chain doesn't have, unless ``make``; what ``restore`` and ``push`` raise.
        """
        from memsync.vault.lifecycle import Vault

        at, secret = self._replica, self._root(words)
        around: Where = {"clock": at.clock, "random": at.random, **where}
        registry = around.get("registry") or at.registry
        around["registry"] = registry
        keys = OwnerKeys.derive(
            RootKey(secret), chain_id=registry.chain_id, contract=registry.contract, number=listed.number
        )
        home, local = self._home(), self._here(listed.number) or name or listed.name
        paths = VaultPaths.of(local, home)
        if paths.keystore.exists():
            self._check_free(local, number=listed.number)
            vault = Vault.open(local, passphrase=passphrase, home=home, **around)
            return _pushed_once(vault, to_words(secret), listed.number)
        there = registry.snapshot(keys.vault).vault is not None
        if not there and not make:
            raise NotFoundError(
                f"vault {listed.name} is listed, and no device has opened it on chain {keys.chain_id}; `memsync vault create "
                f"{listed.name}` does, or name its chain by --network"
            )
        self._link(local, listed.number, places, payer)
        around["store"] = around.get("store") or configured_store(paths)
        if there:
            return Vault.restore(
                to_words(secret),
                passphrase=passphrase,
                name=local,
                home=home,
                cost=cost,
                number=listed.number,
                **around,
            )
        vault = Vault.create(
            local,
            passphrase=passphrase,
            home=home,
            cost=cost,
            words=to_words(secret),
            number=listed.number,
            **around,
        )
        return _pushed_once(vault, to_words(secret), listed.number)

    def create_vault(
        self,
        name: str,
        words: str | None = None,
        *,
        passphrase: str,
        places: Sequence[str] = (),
        payer: str | None = None,
        cost: Cost = DEFAULT_COST,
        **where: Unpack[Where],
    ) -> Vault:
        """Make a further vault of the same words: :meth:`list_vault`, then :meth:`bring_vault`. Whatever is raised, call again."""
        if not passphrase:
            raise InputError("an empty passphrase protects nothing; choose one")
        words = to_words(self._root(words))  # that push may be the one after which they leave
        listed = self.list_vault(name, words)
        return self.bring_vault(
            listed, words, passphrase=passphrase, places=places, payer=payer, cost=cost, **where
        )

    def find_vaults(self, words: str | None = None) -> list[ListedVault]:
        """Look on the chain for further vaults that the list lacks, and list them as ``vault-N`` with the next push; returns those found.

        Asked is for each number up to ``GAP`` past the last that is known, as wallets do (BIP-44). One that was taken off the list is not
        looked for. ``LockedError`` without words, ``WrongWords``; ``PointerInvalid`` for an RPC that makes up vaults.
        """
        root = RootKey(self._root(words))
        with self._lock.hold("vault restore"):
            keys, at, found = self._own_list(root), self._replica, []
            known = self._wanted_list()
            number, last = 1, known.next_number - 1
            while number <= last + GAP:
                if known.get(number) is None and number not in known.unlisted:
                    vault = self._id_of(root, keys, number)
                    if self._is_there(root, keys, number, vault):
                        found.append(VaultWish(number, vault, f"vault-{number}"))
                        last = max(last, number)
                number += 1
            with at.database.transaction():
                for wish in found:
                    at.journal.add(wish_vault(wish, created=at.now_ms()))
            numbers = {one.number for one in found}
            return [one for one in self.vaults() if one.number in numbers]

    def rename_vault(self, who: str, name: str) -> None:
        """Have the list call a vault by another name, from the next push on; on this device it keeps the name that it has here.

        ``NotFoundError``; ``InputError`` for a name that can't be a vault's, or is another's.
        """
        check_name(name)
        with self._working("vault rename") as at:
            found, meant = self._wanted_list(), self._meant_vault(who)
            other = found.named(name)
            if other is not None and other.number != meant.number:
                raise InputError(f"another vault is called {name!r}; choose another name")
            before = [
                entry.ordinal
                for entry, wish in self._vault_wishes()
                if (wish.number, wish.id) == (meant.number, None) and wish.name is not None
            ]
            at.journal.remove(before)
            at.journal.add(wish_vault(VaultWish(meant.number, name=name), created=at.now_ms()))

    def unlist_vault(self, who: str) -> ListedVault:
        """Take a vault off the list, from the next push on and for good. The vault itself stays: on the chain, in its places, on devices.

        ``NotFoundError``. Returns what it was; its number and the words lead to it still.
        """
        with self._working("vault forget") as at:
            meant = self._meant_vault(who)
            at.journal.add(wish_vault(VaultWish(meant.number), created=at.now_ms()))
            return meant

    def listed_vault(self, who: str, words: str | None = None) -> ListedVault:
        """The vault of this name or number; ``NotFoundError`` for one that is not listed, but with its number and the words."""
        try:
            return self._meant_vault(who)
        except NotFoundError:
            if words is None or not re.fullmatch("[1-9][0-9]{0,8}", who, re.ASCII):
                raise
        number, root = int(who), RootKey(from_words(words))
        vault = self._id_of(root, self._own_list(root), number)
        return ListedVault(number, vault, f"vault-{who}", listed=False, here=self._here(number))

    # ------------------------------------------------------------------

    def _need_first(self) -> None:
        if self._number():
            raise InputError(
                f"this is vault {self._number()} of its words, and the first has the list; say it there, with --vault"
            )

    def _root(self, words: str | None) -> bytes:
        """The words' secret (32 bytes), given or still here."""
        kept, given = self._replica.meta.get(WORDS), (words or "").strip()
        if not given and kept is None:
            raise LockedError(
                "a further vault is made and restored with the 24 words, which this device does not have; give them, or have a device that "
                "has that vault add this one: `memsync device join --vault NAME`"
            )
        return from_words(given) if given else kept or b""

    def _own_list(self, root: RootKey) -> OwnerKeys:
        """The keys of this vault, which is the first of these words."""
        self._need_first()
        return self._own(root)

    def _id_of(self, root: RootKey, keys: OwnerKeys, number: int) -> bytes:
        return OwnerKeys.derive(root, chain_id=keys.chain_id, contract=keys.contract, number=number).vault

    def _free_number(self, root: RootKey, keys: OwnerKeys) -> tuple[int, bytes]:
        """A number that was never listed and that the chain has no vault of, and its vault's id."""
        first = self._wanted_list().next_number
        for number in range(first, first + GAP):
            vault = self._id_of(root, keys, number)
            if not self._is_there(root, keys, number, vault):
                return number, vault
        raise ChainError(
            f"the chain has vaults from number {first} on that are not listed; `memsync vault restore --all` lists them"
        )

    def _is_there(self, root: RootKey, keys: OwnerKeys, number: int, vault: bytes) -> bool:
        """Whether the chain has this vault of the words. ``PointerInvalid`` where an RPC only says so."""
        state = self._replica.registry.snapshot(vault).vault
        if state is not None:
            locate_with_words(root, state, chain_id=keys.chain_id, contract=keys.contract, number=number)
        return state is not None

    def _vault_wishes(self) -> list[tuple[Entry, VaultWish]]:
        entries = [entry for entry in waiting(self._replica) if entry.kind == VAULT]
        return [(entry, wish) for entry in entries for wish in read_wishes([entry]).vaults]

    def _wanted_list(self) -> VaultList:
        """The list with what waits here."""
        return known_list(self._replica).after(wish for _, wish in self._vault_wishes())

    def _meant_vault(self, who: str) -> ListedVault:
        found = self.vaults()
        named = [one for one in found if one.name == who] or [one for one in found if str(one.number) == who]
        if not named:
            names = ", ".join(one.name for one in found) or "none"
            raise NotFoundError(f"no vault {who!r} is listed; there are: {names}")
        return named[0]

    def _shown(self, one: OtherVault, *, listed: bool) -> ListedVault:
        return ListedVault(one.number, one.id, one.name, listed, self._here(one.number))

    def _here(self, number: int) -> str | None:
        """What the vault of this number is called on this device."""
        home = self._home()
        name = further_vaults(self.name, home).get(number)
        return name if name is not None and VaultPaths.of(name, home).keystore.exists() else None

    def _check_free(self, name: str, *, number: int | None = None) -> None:
        """``InputError`` if the name is another vault's on this device than that of this number."""
        home = self._home()
        if VaultPaths.of(name, home).keystore.exists() and (number is None or self._here(number) != name):
            raise InputError(f"there is another vault {name!r} on this device; choose another name")

    def _link(self, name: str, number: int, places: Sequence[str], payer: str | None) -> None:
        """Have the settings know which vault that is, and where it is: as this one, unless they say otherwise."""
        home = self._home()
        found = read_config(home).get("vaults", {})
        mine, other = found.get(self.name, {}), found.get(name, {})
        wanted: dict[str, Any] = {"listed_in": self.name, "number": str(number)}
        if "network" not in other and ("network" in mine or payer):
            network = mine.get("network") or read_config(home).get("chain", {}).get("network")
            wanted |= {"network": network, "payer": payer or mine.get("payer")}
        if places or "stores" not in other:
            wanted["stores"] = list(places) or mine.get("stores")
            wanted |= {f"tokens.{url}": file for url, file in mine.get("tokens", {}).items()}
        prefix = f"vaults.{name}"
        change_config({f"{prefix}.{key}": value for key, value in wanted.items() if value is not None}, home)


def _pushed_once(vault: Vault, words: str, number: int) -> Vault:
    """The vault, once it is on its chain. ``InputError`` if it is another than this one of the words; then it is closed."""
    try:
        _check_is(vault, words, number)
        if vault.status().sequence == 0:
            vault.push()
    except BaseException:
        vault.close()
        raise
    return vault


def _check_is(vault: Vault, words: str, number: int) -> None:
    if not vault.is_of(words, number):
        raise InputError(f"there is another vault {vault.name!r} on this device; choose another name")
