"""A vault, as its owner uses it: every verb once, with the words of the documentation.

``remember``, ``edit``, ``forget``, ``recall`` and ``memories`` work on this device and need neither chain nor network; ``push``, ``pull``,
``grant`` and ``revoke`` talk to a store and a registry. The vault's lock is taken per operation, so several programs can have one open.
"""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, Unpack

from memsync.crypto.tree import RootKey
from memsync.crypto.words import from_words, to_words
from memsync.device.database import Database
from memsync.device.history import Deed
from memsync.device.keystore_file import DEFAULT_COST, Cost, create_keystore, read_keystore
from memsync.device.lock import VaultLock
from memsync.device.paths import VaultPaths
from memsync.device.pending import Pending
from memsync.device.proposals import Proposals
from memsync.device.secrets import Secrets
from memsync.errors import InputError, LockedError, NotFoundError
from memsync.format.pairing import Request
from memsync.store.directory import DirectoryStore
from memsync.sync.devices import name_this_device
from memsync.sync.granted import known_grants
from memsync.sync.keys import OwnerKeys
from memsync.sync.pull import Pulled, pull
from memsync.sync.push import Receipt, push
from memsync.sync.replica import FIRST_SCOPE, KEYS, NUMBER, PULLED, WORDS, Replica
from memsync.sync.whereabouts import known_places, note_places
from memsync.vault.base import PERSONAL, Surroundings, Where
from memsync.vault.exchange import ExchangeVerbs
from memsync.vault.joining import JoiningVerbs, answered, ask, asked, check_asked_for, reach_first
from memsync.vault.listing import ListingVerbs
from memsync.vault.making import check_whole, making
from memsync.vault.pairing import AddingDevice
from memsync.vault.places import PlaceVerbs, configured_store
from memsync.vault.relocation import RelocationVerbs
from memsync.vault.reviewing import ReviewingVerbs
from memsync.vault.serving import ServingVerbs


@dataclass(frozen=True, slots=True)
class Status:
    """Where a vault stands, as far as this device knows.

    ``contract``: 20 bytes; ``waiting``: journal entries that no final commit holds yet; ``attempts``: signed commits that may still land
    or are not final; ``grants``: keyed ones whose time is not over; ``places``: those that were found to have the root that was last
    pushed or pulled; with one place only, the words can't bring back what that place loses; ``last_pull``: ms; ``embedder``: the model that
    the settings name, ``embedded``: how many memories have a vector by it; ``embedder_trouble``: why there is none though they name one.
    """

    name: str
    vault: bytes | None
    chain_id: int | None
    contract: bytes | None
    sequence: int
    memories: int
    waiting: int
    attempts: int
    scopes: tuple[str, ...]
    grants: int
    proposals: int
    places: tuple[str, ...]
    words_kept: bool
    last_push: Deed | None
    last_pull: int | None
    embedder: str | None
    embedded: int
    embedder_trouble: str | None


class Vault(
    ExchangeVerbs, ServingVerbs, ReviewingVerbs, ListingVerbs, JoiningVerbs, RelocationVerbs, PlaceVerbs
):
    """An open vault. Made by :meth:`create`, :meth:`open` or :meth:`restore`; a context manager that closes it."""

    @classmethod
    def create(
        cls,
        name: str = "default",
        *,
        passphrase: str,
        home: Path | None = None,
        cost: Cost = DEFAULT_COST,
        words: str | None = None,
        number: int = 0,
        **where: Unpack[Where],
    ) -> Self:
        """Make a vault on this device. Show :attr:`words` once; they bring everything back.

        ``words``, ``number``: make vault ``number`` of these words, which must be new there; :meth:`create_vault` also lists it.
        ``where``: ``store`` (default: a folder beside the vault), ``registry`` (default: none yet), ``clock``, ``random``, ``embedder``
        (default: the settings').
        ``InputError`` if there is a vault of this name, or for an empty passphrase.
        """
        around = Surroundings(**where)
        root = around.random(32) if words is None else from_words(words)
        return cls._make(name, root, number, passphrase, home, cost, around, PERSONAL)

    @classmethod
    def restore(
        cls,
        words: str,
        *,
        passphrase: str,
        name: str = "default",
        home: Path | None = None,
        cost: Cost = DEFAULT_COST,
        number: int = 0,
        **where: Unpack[Where],
    ) -> Self:
        """Bring a vault back from its 24 words, the chain (``registry``) and a ``store`` that has its blocks.

        ``number``: which vault of these words; 0 is the first, which lists the others.
        ``WrongWords``; ``NotFoundError`` when the chain has no vault of these words; what reading it raises. Then nothing is left behind.
        """
        around = Surroundings(**where)
        root = from_words(words)
        if around.registry is None:
            raise InputError("restoring needs the chain that the vault is on: give its registry")
        keys = OwnerKeys.derive(
            RootKey(root),
            chain_id=around.registry.chain_id,
            contract=around.registry.contract,
            number=number,
        )
        if around.registry.snapshot(keys.vault).vault is None:
            raise NotFoundError(
                f"chain {keys.chain_id} has no vault of these words: check the words, the network and the contract"
            )
        return cls._make(name, root, number, passphrase, home, cost, around, None)

    @classmethod
    def request(
        cls,
        name: str = "default",
        *,
        passphrase: str,
        device: str | None = None,
        home: Path | None = None,
        cost: Cost = DEFAULT_COST,
        **where: Unpack[Where],
    ) -> Request:
        """Ask another device of a person's for their vault: a keystore is made here, and a request to hand over.

        ``device``: what to call this one. ``InputError`` if there is a vault of this name. See :meth:`join`.
        """
        around, paths = Surroundings(**where), VaultPaths.of(name, home)
        _, request = ask(
            paths, passphrase, cost, device=device, now=int(around.clock()), random=around.random
        )
        return request

    @classmethod
    def reach(
        cls,
        where: str,
        *,
        passphrase: str,
        name: str = "default",
        device: str | None = None,
        home: Path | None = None,
        cost: Cost = DEFAULT_COST,
        **more: Unpack[Where],
    ) -> AddingDevice:
        """As :meth:`request`, of the device that listens at ``where``, ``HOST:PORT``; give its answer to :meth:`join`.

        One that was broken off goes on with the same keys: ``passphrase`` is that of then. ``DeviceGone``, ``WrongPassphrase``.
        """
        around, paths = Surroundings(**more), VaultPaths.of(name, home)
        secrets, request = ask(
            paths,
            passphrase,
            cost,
            device=device,
            now=int(around.clock()),
            random=around.random,
            go_on=True,
        )
        return reach_first(where, paths, secrets, request)

    @classmethod
    def join(
        cls,
        answer: bytes,
        *,
        passphrase: str,
        name: str = "default",
        home: Path | None = None,
        vault: bytes | None = None,
        **where: Unpack[Where],
    ) -> Self:
        """Bring the vault here by the answer to this device's :meth:`request`, the chain (``registry``) and a ``store`` with its blocks.

        ``vault``: its id as the other device shows it; another is refused. ``NotFoundError`` if nothing was asked; ``InputError`` for an
        answer to something else, ``ChainError`` for another chain, ``DeviceRemoved`` if the device was removed meanwhile; what reading the
        vault raises. Then nothing is left behind but the request.
        """
        around, paths = Surroundings(**where), VaultPaths.of(name, home)
        secrets, request = asked(paths, passphrase)
        keys = answered(answer, request, secrets)
        check_asked_for(keys, vault)
        around = replace(around, store=around.store or DirectoryStore(paths.blocks))
        with making(paths) as hidden:
            shutil.copyfile(paths.joining / hidden.keystore.name, hidden.keystore)
            hidden.keystore.chmod(0o600)
            with cls._open(hidden, secrets, around) as joined:
                with joined._working("device join") as at:
                    at.meta.put(KEYS, keys.to_bytes())
                    name_this_device(at, request.name)
                joined.pull()
                joined._replica.database.truncate_log()
        shutil.rmtree(paths.joining, ignore_errors=True)
        return cls._open(paths, secrets, around)

    @classmethod
    def open(
        cls, name: str = "default", *, passphrase: str, home: Path | None = None, **where: Unpack[Where]
    ) -> Self:
        """Open a vault of this device, with its stores as the settings have them unless ``where`` says otherwise.

        ``NotFoundError``, ``WrongPassphrase``, ``FormatError`` for a damaged keystore or database.
        """
        secrets = read_keystore(VaultPaths.of(name, home).keystore, passphrase)
        return cls.of_secrets(name, secrets, home=home, **where)

    @classmethod
    def of_secrets(
        cls, name: str, secrets: Secrets, *, home: Path | None = None, **where: Unpack[Where]
    ) -> Self:
        """Open a vault whose keystore was opened before."""
        paths = VaultPaths.of(name, home)
        check_whole(paths)
        # While a move puts another database in place of this one, nobody may have the old one open.
        with VaultLock(paths.lock).hold("open") if paths.moving.exists() else nullcontext():
            return cls._open(paths, secrets, Surroundings(**where))

    @classmethod
    def _make(
        cls,
        name: str,
        root: bytes,
        number: int,
        passphrase: str,
        home: Path | None,
        cost: Cost,
        around: Surroundings,
        first_scope: str | None,
    ) -> Self:
        """The files of a vault with these words: with a first scope if it is new, else with what chain and store have."""
        if not passphrase:
            raise InputError("an empty passphrase protects nothing; choose one")
        paths = VaultPaths.of(name, home)
        secrets = Secrets.new(random=around.random)
        around = replace(around, store=around.store or DirectoryStore(paths.blocks))
        with making(paths) as hidden:
            create_keystore(hidden.keystore, passphrase, secrets, cost)
            with cls._open(hidden, secrets, around) as vault:
                with vault._working("create") as at:
                    at.meta.put(WORDS, root)
                    at.meta.put(NUMBER, number.to_bytes(4, "big"))
                    if first_scope is not None:
                        scope = at.random(16)
                        at.scopes.add(scope, first_scope)
                        at.meta.put(FIRST_SCOPE, scope + at.random(32))
                if first_scope is None:
                    vault.pull()
                at.database.truncate_log()
        return cls._open(paths, secrets, around)

    @classmethod
    def _open(cls, paths: VaultPaths, secrets: Secrets, around: Surroundings) -> Self:
        database = Database.open(paths.database, secrets.database)
        store = configured_store(paths) if around.store is None else around.store
        replica = Replica(
            database,
            store=store,
            registry=around.registry,
            clock=around.clock,
            random=around.random,
            device=secrets.device_key(),
        )
        return cls(paths, secrets, replica, around.embedder)

    def close(self) -> None:
        """Close the database; keys held by this object are let go."""
        self._replica.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def words(self) -> str:
        """The 24 words, while this device still holds them: until the vault has been opened on a chain. ``LockedError`` after."""
        root = self._replica.meta.get(WORDS)
        if root is None:
            raise LockedError(
                "the words have left this device when the vault was opened on its chain; they are on your paper"
            )
        return to_words(root)

    def push(self) -> Receipt:
        """Have everything that waits stored and committed; see :class:`Receipt`. Whatever goes wrong, push again."""
        with self._lock.hold("push"):
            self._bind()
            at = self._replica
            receipt = push(at, self._first_owner())
            note_places(at)
            if receipt.sequence:
                records = "1 record" if receipt.memories == 1 else f"{receipt.memories:,} records"
                detail = f"{records} in {receipt.blocks} blocks"
                self._history.append(
                    Deed(at.now_ms(), "push", receipt.sequence, None, receipt.transaction, detail)
                )
            self._let_words_go()
            if receipt.sequence:
                at.database.truncate_log()
            return receipt

    def pull(self) -> Pulled:
        """Take in what other devices pushed."""
        with self._lock.hold("pull"):
            self._bind()
            pulled = pull(self._replica)
            note_places(self._replica)
            self._replica.meta.put(PULLED, self._replica.now_ms().to_bytes(8, "big"))
            self._let_words_go()
            return pulled

    def history(self, limit: int = 100) -> list[Deed]:
        """What this device pushed and granted, the latest first."""
        return self._history.latest(limit)

    def status(self) -> Status:
        """Where the vault stands, without network."""
        at = self._replica
        keys, seen, pulled = at.keys(), at.heads.seen(), at.meta.get(PULLED)
        embedder, embedded, trouble = self._embedding_state()
        pushes = [deed for deed in self._history.latest(100) if deed.kind == "push"]
        return Status(
            name=self.name,
            vault=None if keys is None else keys.vault,
            chain_id=None if keys is None else keys.chain_id,
            contract=None if keys is None else keys.contract,
            sequence=0 if seen is None else seen.sequence,
            memories=at.memories.count(),
            waiting=at.journal.count(),
            attempts=len(at.attempts.live()),
            scopes=self.scopes(),
            grants=sum(grant.end > at.clock() for grant in known_grants(at)),
            proposals=len(Proposals(at.database).all(state="pending")) + Pending(at.database).count(),
            places=known_places(at),
            words_kept=at.meta.get(WORDS) is not None,
            last_push=pushes[0] if pushes else None,
            last_pull=None if pulled is None else int.from_bytes(pulled, "big"),
            embedder=embedder,
            embedded=embedded,
            embedder_trouble=trouble,
        )
