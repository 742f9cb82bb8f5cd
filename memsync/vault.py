"""A vault, as its owner uses it: every verb once, with the words of the documentation.

``remember``, ``edit``, ``forget``, ``recall`` and ``memories`` work on this device and need neither chain nor network. ``push``, ``pull``, ``grant`` and
``revoke`` talk to a store and a registry. The vault's lock is taken per operation, so several programs can have one vault open.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from memsync.chain.calls import Revoke, sign_call
from memsync.chain.registry import Registry
from memsync.crypto.epochs import new_epoch
from memsync.crypto.randomness import Random, system_random
from memsync.crypto.tree import RootKey
from memsync.crypto.words import from_words, to_words
from memsync.device.contacts import Contacts
from memsync.device.database import Database
from memsync.device.history import Deed, History
from memsync.device.imported import Imported
from memsync.device.keystore_file import DEFAULT_COST, Cost, create_keystore, read_keystore
from memsync.device.lock import VaultLock
from memsync.device.memories import Found
from memsync.device.paths import VaultPaths
from memsync.device.proposals import Proposals, Proposed
from memsync.device.scopes import Scope as ScopeName
from memsync.device.secrets import Secrets
from memsync.errors import ChainError, InputError, LockedError, NotFoundError
from memsync.format.card import Card, read_card, write_card
from memsync.format.link import Link
from memsync.format.owner import Grant as OwnerGrant
from memsync.format.owner import Owner, Scope
from memsync.intake import ImportOptions, Report
from memsync.intake.chatgpt import ChatGPTExport
from memsync.memory import Memory, MemoryKind, Source, Tombstone, new_id
from memsync.recall import Hit
from memsync.store.directory import DirectoryStore
from memsync.store.port import BlockStore
from memsync.sync.inbox import Collected, collect
from memsync.sync.keys import OwnerKeys
from memsync.sync.pull import Pulled, pull, take_in
from memsync.sync.push import ROOT_SECRET, Receipt, push
from memsync.sync.replica import KEYS, Replica
from memsync.sync.wishes import GrantWish, wish_grant, wish_record, wish_revocation, wish_scope
from memsync.terms import parse_rights, parse_times, show_rights

PERSONAL = "personal"


@dataclass(frozen=True, slots=True)
class Grant:
    """A live keyed grant: its id on chain (32 bytes), who, which scope, ``read``/``write``/``read+write``, from and until (Unix seconds), whether it
    reads only from now on, and the link to hand over. The link carries no secret."""

    id: bytes
    name: str
    scope: str
    can: str
    start: int
    end: int
    from_now: bool
    link: str


@dataclass(frozen=True, slots=True)
class Status:
    """Where a vault stands, as far as this device knows. ``waiting``: journal entries that no final commit holds yet."""

    name: str
    vault: bytes | None
    chain_id: int | None
    sequence: int
    memories: int
    waiting: int
    scopes: tuple[str, ...]
    proposals: int
    words_kept: bool
    last_push: Deed | None


class Vault:
    """An open vault. Made by :meth:`create`, :meth:`open` or :meth:`restore`; a context manager that closes it."""

    def __init__(self, paths: VaultPaths, secrets: Secrets, replica: Replica) -> None:
        self.name = paths.name
        self.paths = paths
        self._secrets = secrets
        self._replica = replica
        self._lock = VaultLock(paths.lock)
        self._history = History(replica.database)

    # ------------------------------------------------------------------ coming and going

    @classmethod
    def create(
        cls,
        name: str = "default",
        *,
        passphrase: str,
        store: BlockStore | None = None,
        registry: Registry | None = None,
        home: Path | None = None,
        cost: Cost = DEFAULT_COST,
        clock: Callable[[], float] = time.time,
        random: Random = system_random,
    ) -> Vault:
        """Make a vault on this device. Show :attr:`words` once; they bring everything back. ``InputError`` if there is one of this name."""
        return cls._make(
            name,
            random(32),
            passphrase,
            store=store,
            registry=registry,
            home=home,
            cost=cost,
            clock=clock,
            random=random,
        )

    @classmethod
    def restore(
        cls,
        words: str,
        *,
        passphrase: str,
        registry: Registry,
        store: BlockStore,
        name: str = "default",
        home: Path | None = None,
        cost: Cost = DEFAULT_COST,
        clock: Callable[[], float] = time.time,
        random: Random = system_random,
    ) -> Vault:
        """Bring a vault back from its 24 words, the chain and a store that has its blocks.

        ``WrongWords``; ``NotFoundError`` when the chain has no vault of these words; what reading it raises. Then nothing is left behind.
        """
        root = from_words(words)
        keys = OwnerKeys.derive(RootKey(root), chain_id=registry.chain_id, contract=registry.contract)
        if registry.snapshot(keys.vault).vault is None:
            raise NotFoundError(
                f"chain {registry.chain_id} has no vault of these words: check the words, the network and the contract"
            )
        vault = cls._make(
            name,
            root,
            passphrase,
            store=store,
            registry=registry,
            home=home,
            cost=cost,
            clock=clock,
            random=random,
            first=False,
        )
        try:
            vault._bind()
            vault.pull()
        except BaseException:
            vault.close()
            for path in sorted(paths for paths in vault.paths.folder.glob("*") if paths.is_file()):
                path.unlink()
            raise
        vault._let_words_go()
        return vault

    @classmethod
    def open(
        cls,
        name: str = "default",
        *,
        passphrase: str,
        store: BlockStore | None = None,
        registry: Registry | None = None,
        home: Path | None = None,
        clock: Callable[[], float] = time.time,
        random: Random = system_random,
    ) -> Vault:
        """Open a vault of this device. ``NotFoundError``, ``WrongPassphrase``, ``FormatError`` for a damaged keystore or database."""
        paths = VaultPaths.of(name, home)
        secrets = read_keystore(paths.keystore, passphrase)
        return cls._open(paths, secrets, store=store, registry=registry, clock=clock, random=random)

    @classmethod
    def _make(
        cls,
        name: str,
        root: bytes,
        passphrase: str,
        *,
        store: BlockStore | None,
        registry: Registry | None,
        home: Path | None,
        cost: Cost,
        clock: Callable[[], float],
        random: Random,
        first: bool = True,
    ) -> Vault:
        if not passphrase:
            raise InputError("an empty passphrase protects nothing; choose one")
        paths = VaultPaths.of(name, home)
        paths.make()
        secrets = Secrets.new(random=random)
        create_keystore(paths.keystore, passphrase, secrets, cost)
        vault = cls._open(paths, secrets, store=store, registry=registry, clock=clock, random=random)
        with vault._working("create") as at:
            at.meta.put(ROOT_SECRET, root)
            if first:
                at.scopes.add(random(16), PERSONAL)
                (scope,) = at.scopes.all()
                at.meta.put("first-scope", scope.id + random(32))
        return vault

    @classmethod
    def _open(
        cls,
        paths: VaultPaths,
        secrets: Secrets,
        *,
        store: BlockStore | None,
        registry: Registry | None,
        clock: Callable[[], float],
        random: Random,
    ) -> Vault:
        database = Database.open(paths.database, secrets.database)
        place = DirectoryStore(paths.blocks) if store is None else store
        return cls(
            paths, secrets, Replica(database, store=place, registry=registry, clock=clock, random=random)
        )

    def close(self) -> None:
        """Close the database; keys held by this object are let go."""
        self._replica.database.close()

    def __enter__(self) -> Vault:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Vault({self.name!r})"

    @property
    def words(self) -> str:
        """The 24 words, while this device still holds them: until the vault has been opened on a chain. ``LockedError`` after."""
        root = self._replica.meta.get(ROOT_SECRET)
        if root is None:
            raise LockedError(
                "the words have left this device when the vault was opened on its chain; they are on your paper"
            )
        return to_words(root)

    # ------------------------------------------------------------------ memories, on this device

    def remember(
        self,
        text: str,
        *,
        scope: str = PERSONAL,
        kind: MemoryKind = "semantic",
        tags: Iterable[str] = (),
        source: Source | None = None,
        happened: int | datetime | None = None,
    ) -> Memory:
        """Keep a text, found at once by ``recall``, pushed by the next ``push``. ``happened``: a time, or Unix ms."""
        with self._working("remember") as at:
            now = at.now_ms()
            memory = Memory(
                id=new_id(now, at.random),
                version=new_id(now, at.random),
                kind=kind,
                text=text,
                created=now,
                tags=tuple(sorted(set(tags))),
                source=source,
                happened=_ms(happened),
            )
            self._write(at, at.scopes.id_of(scope), [memory])
            return memory

    def edit(self, memory: Memory | bytes, text: str, *, scope: str | None = None) -> Memory:
        """Give a memory another text; what it was stays in the history. An edit of a conflict settles it."""
        with self._working("edit") as at:
            found = self._found(at, memory, scope)
            now = at.now_ms()
            edited = replace(
                found[0].memory,
                version=new_id(now, at.random),
                text=text,
                replaces=tuple(sorted(one.memory.version for one in found)),
                author=None,
                proof=None,
            )
            self._write(at, found[0].scope, [edited])
            return edited

    def forget(self, memory: Memory | bytes, *, scope: str | None = None) -> None:
        """Forget a memory with all its versions, here at once, and for every later reader with the next push."""
        with self._working("forget") as at:
            found = self._found(at, memory, scope)[0]
            now = at.now_ms()
            waiting = {
                entry.ordinal
                for entry in at.journal.free()
                if entry.scope == found.scope and found.memory.id in entry.payload
            }
            at.journal.remove(waiting)
            self._write(
                at,
                found.scope,
                [Tombstone(id=found.memory.id, version=new_id(now, at.random), forgotten=now)],
            )

    def get(self, memory: bytes, *, scope: str | None = None) -> Memory:
        """The memory of this id, or of an id that begins so; the first of its versions if edits are in conflict."""
        return self._found(self._replica, memory, scope)[0].memory

    def memories(
        self,
        *,
        scope: str | None = None,
        since: int | datetime | None = None,
        until: int | datetime | None = None,
    ) -> Iterator[Memory]:
        """Every memory, the latest first."""
        at, last = self._replica, None
        scopes = self._scopes(scope)
        while page := at.memories.latest(scopes, since=_ms(since), until=_ms(until), after=last):
            yield from (one.memory for one in page)
            last = page[-1]

    def count(self, *, scope: str | None = None) -> int:
        """How many memories there are."""
        return self._replica.memories.count(self._scopes(scope))

    def conflicts(self) -> list[tuple[str, tuple[Memory, ...]]]:
        """Memories that two devices edited at once: scope and the versions that both stand."""
        at = self._replica
        return [
            (at.scopes.name_of(scope), at.memories.get(scope, memory))
            for scope, memory in at.memories.conflicts()
        ]

    def recall(
        self,
        question: str,
        *,
        k: int = 10,
        scope: str | None = None,
        now: int | datetime | None = None,
        since: int | datetime | None = None,
        until: int | datetime | None = None,
    ) -> list[Hit]:
        """The best ``k`` memories for a question, what is not pushed yet among them."""
        at = self._replica
        at.refresh_index()
        return at.index.search(
            question, self._scopes(scope), k=k, since=_ms(since), until=_ms(until), now=_ms(now)
        )

    def import_chatgpt(self, path: Path | str, options: ImportOptions | None = None) -> Report:
        """Take in a ChatGPT export: all of it or, if anything is wrong with it, nothing. Again adds nothing."""
        options = options or ImportOptions()
        with self._working("import") as at:
            imported = Imported(at.database)
            scope = at.scopes.id_of(options.scope or PERSONAL)
            export = ChatGPTExport(path, options, seen=imported)
            if options.dry_run:
                for _ in export:
                    pass
                return export.report()
            for batch in _batches(export, 1000):
                now = at.now_ms()
                made = [
                    one.draft(now).accepted(new_id(now, at.random), new_id(now, at.random)) for one in batch
                ]
                self._write(at, scope, made)
                imported.add_many(one.key for one in batch)
            return export.report()

    # ------------------------------------------------------------------ scopes

    def scopes(self) -> tuple[str, ...]:
        """The names of the scopes."""
        return tuple(scope.name for scope in self._replica.scopes.all())

    def add_scope(self, name: str) -> None:
        """Make a scope: a part of the vault with keys of its own, the unit of every grant."""
        with self._working("scope add") as at:
            if name in self.scopes():
                raise InputError(f"there is a scope {name!r} already")
            scope = ScopeName(at.random(16), name)
            at.scopes.add(scope.id, scope.name)
            self._journal(at, wish_scope(scope.id, name, created=at.now_ms()))

    def rename_scope(self, old: str, new: str) -> None:
        """Give a scope another name; readers see the new one in later grants only."""
        with self._working("scope rename") as at:
            scope = at.scopes.id_of(old)
            at.scopes.rename(scope, new)
            self._journal(at, wish_scope(scope, new, created=at.now_ms()))

    # ------------------------------------------------------------------ chain and store

    def push(self) -> Receipt:
        """Have everything that waits stored and committed; see :class:`Receipt`. Whatever goes wrong, push again."""
        with self._lock.hold("push"):
            self._bind()
            at = self._replica
            before = at.memories.count()
            receipt = push(at, self._first_owner())
            if receipt.sequence:
                detail = f"{receipt.memories} records in {receipt.blocks} blocks"
                self._history.append(
                    Deed(at.now_ms(), "push", receipt.sequence, None, receipt.transaction, detail)
                )
            if receipt.final and before >= 0:
                self._let_words_go()
            return receipt

    def pull(self) -> Pulled:
        """Take in what other devices pushed."""
        with self._lock.hold("pull"):
            self._bind()
            return pull(self._replica)

    def history(self, limit: int = 100) -> list[Deed]:
        """What this device pushed and granted, the latest first."""
        return self._history.latest(limit)

    def status(self) -> Status:
        """Where the vault stands, without network."""
        at = self._replica
        keys, seen = at.keys(), at.heads.seen()
        pushes = [deed for deed in self._history.latest(100) if deed.kind == "push"]
        return Status(
            name=self.name,
            vault=None if keys is None else keys.vault,
            chain_id=None if keys is None else keys.chain_id,
            sequence=0 if seen is None else seen.sequence,
            memories=at.memories.count(),
            waiting=at.journal.count(),
            scopes=self.scopes(),
            proposals=len(Proposals(at.database).all(state="pending")),
            words_kept=at.meta.get(ROOT_SECRET) is not None,
            last_push=pushes[0] if pushes else None,
        )

    # ------------------------------------------------------------------ grants

    def grant(
        self,
        card: Card | bytes,
        *,
        scope: str,
        until: str | int | datetime | timedelta = "30d",
        can: str = "read",
        from_now: bool = False,
        name: str | None = None,
        places: Sequence[str] = (),
    ) -> Grant:
        """Grant a scope to whoever a card names: pushes what waits, and the grant in the same transaction.

        ``from_now``: only what is pushed from now on. A card whose keys differ from those known under its account or name is refused. Raises
        what ``push`` raises; then there is no grant.
        """
        card = read_card(card) if isinstance(card, bytes) else card
        rights = parse_rights(can)
        with self._lock.hold("grant"):
            self._bind()
            at = self._replica
            fingerprint = bytes.fromhex(card.fingerprint.replace(" ", ""))
            known = Contacts(at.database).meet(
                account=card.account,
                name=name or card.name,
                fingerprint=fingerprint,
                card=write_card(card),
                now=at.now_ms(),
            )
            now = at.registry.snapshot(bytes(32)).block.time
            start, end = parse_times(until, now)
            wish = GrantWish(
                wish=at.random(16),
                name=known.name,
                account=card.account,
                box=card.box,
                author=card.author,
                request=card.request,
                scope=at.scopes.id_of(scope),
                rights=rights,
                start=start,
                end=end,
                from_now=from_now,
                places=tuple(places),
            )
            entry = at.journal.append(**_entry(wish_grant(wish, created=at.now_ms())))
            try:
                receipt = push(at, self._first_owner())
            except BaseException:
                if entry.ordinal in {free.ordinal for free in at.journal.free()}:
                    at.journal.remove([entry.ordinal])
                raise
            self._let_words_go()
            detail = f"{scope} to {known.name}, {can}"
            self._history.append(
                Deed(at.now_ms(), "grant", receipt.sequence, None, receipt.transaction, detail)
            )
            granted = receipt.grants.get(wish.wish)
            return next(one for one in self.grants() if granted is None or one.id == granted)

    def grants(self) -> list[Grant]:
        """The grants that this vault's current root knows, by end."""
        keys = self._keys()
        standing = take_in(self._replica, keys, self._replica.registry.snapshot(keys.vault))[1]
        found = () if standing is None else standing.owner.grants
        return sorted((self._granted(keys, grant) for grant in found), key=lambda grant: grant.end)

    def revoke(self, grant: Grant | bytes | str, *, emergency: bool = False) -> Receipt | None:
        """End a grant: by a push that rotates the scope's keys in the same transaction.

        ``emergency``: only the bare call on chain, at once and whatever state the store is in. It takes no key away; the next push does. The
        grant by itself, its id, or the grantee's name if that has one grant only.
        """
        with self._lock.hold("revoke"):
            at, keys = self._replica, self._keys()
            found = self._grant_of(grant)
            if emergency:
                call = sign_call(
                    Revoke(keys.vault, found.id),
                    keys.generation.signer(),
                    2**256 - 1,
                    chain_id=keys.chain_id,
                    contract=keys.contract,
                )
                sent = at.registry.send(call)
                self._history.append(
                    Deed(
                        at.now_ms(),
                        "revoke",
                        None,
                        sent.block.number,
                        sent.transaction,
                        f"{found.name}, on chain only",
                    )
                )
                return None
            entry = at.journal.append(**_entry(wish_revocation(found.id, created=at.now_ms())))
            try:
                receipt = push(at, self._first_owner())
            except BaseException:
                if entry.ordinal in {free.ordinal for free in at.journal.free()}:
                    at.journal.remove([entry.ordinal])
                raise
            self._history.append(
                Deed(
                    at.now_ms(),
                    "revoke",
                    receipt.sequence,
                    None,
                    receipt.transaction,
                    f"{found.name}, {found.scope}",
                )
            )
            return receipt

    def collect(self) -> Collected:
        """Fetch what tools proposed; see ``review``."""
        with self._lock.hold("review"):
            at, keys = self._replica, self._keys()
            standing = take_in(at, keys, at.registry.snapshot(keys.vault))[1]
            if standing is None:
                return Collected(0, ())
            ids = [grant.id for grant in standing.owner.grants]
            return collect(at, keys, at.registry.snapshot(keys.vault, ids), standing)

    def review(self) -> list[Proposed]:
        """The proposals that wait for a decision, as far as they were collected."""
        return Proposals(self._replica.database).all(state="pending")

    def accept(self, proposal: Proposed) -> Memory:
        """Make a memory of a proposal, with ids of its own and the tool's signature as its proof."""
        from memsync.memory import Proof

        with self._working("review") as at:
            scope = next((grant.scope for grant in self._owner_grants() if grant.id == proposal.grant), None)
            if scope is None:
                raise NotFoundError(
                    "the grant of this proposal has ended; remember the text yourself if you want it"
                )
            now = at.now_ms()
            memory = proposal.draft.accepted(
                new_id(now, at.random),
                new_id(now, at.random),
                author=proposal.author,
                proof=Proof(proposal.grant, proposal.parcel, proposal.id, proposal.signature),
            )
            self._write(at, scope, [memory])
            Proposals(at.database).decide(proposal, "accepted")
            return memory

    def refuse(self, proposal: Proposed) -> None:
        """Say no to a proposal, for good."""
        with self._working("review") as at:
            Proposals(at.database).decide(proposal, "refused")

    # ------------------------------------------------------------------ below the verbs

    @contextmanager
    def _working(self, doing: str) -> Iterator[Replica]:
        """The lock and one transaction around a local verb: all of it, or nothing."""
        with self._lock.hold(doing), self._replica.database.transaction():
            yield self._replica

    def _write(self, at: Replica, scope: bytes, records: Sequence[Memory | Tombstone]) -> None:
        at.memories.write(scope, records)
        at.journal.append_many(wish_record(scope, record, created=at.now_ms()) for record in records)
        at.refresh_index()

    def _journal(self, at: Replica, wish: object) -> None:
        at.journal.append(**_entry(wish))

    def _scopes(self, scope: str | None) -> list[bytes]:
        at = self._replica
        return [one.id for one in at.scopes.all()] if scope is None else [at.scopes.id_of(scope)]

    def _found(self, at: Replica, memory: Memory | bytes, scope: str | None) -> list[Found]:
        memory_id = memory.id if isinstance(memory, Memory) else memory
        found = at.memories.starting_with(memory_id, self._scopes(scope))
        ids = {(one.scope, one.memory.id) for one in found}
        if not ids:
            raise NotFoundError(f"no memory {memory_id.hex()}; `recall` and `list` show ids")
        if len(ids) > 1:
            raise InputError(f"{memory_id.hex()} begins {len(ids)} ids; give more of it")
        return found

    def _keys(self) -> OwnerKeys:
        self._bind()
        keys = self._replica.keys()
        if keys is None:
            raise ChainError("the vault is not on a chain yet; push first")
        return keys

    def _bind(self) -> None:
        """Bind the vault to its registry's chain, once; from then on another chain is refused."""
        at = self._replica
        registry, keys = at.registry, at.keys()
        if keys is None:
            root = at.meta.get(ROOT_SECRET)
            if root is None:
                raise LockedError(
                    "this device holds neither the vault's keys nor its words; restore it from the words"
                )
            keys = OwnerKeys.derive(RootKey(root), chain_id=registry.chain_id, contract=registry.contract)
            at.meta.put(KEYS, keys.to_bytes())
        elif (keys.chain_id, keys.contract) != (registry.chain_id, registry.contract):
            raise ChainError(
                f"this vault lives on chain {keys.chain_id} at 0x{keys.contract.hex()}; this is chain {registry.chain_id}, "
                f"0x{registry.contract.hex()}: connect to the vault's own"
            )

    def _first_owner(self) -> Owner:
        """What the owner block of the first root says; its key is kept from the beginning, so that a repeated first push is the same."""
        data = self._replica.meta.get("first-scope")
        scopes = (
            () if data is None else (Scope(data[:16], PERSONAL, replace(new_epoch(0, lambda _: data[16:]))),)
        )
        keys = self._replica.keys()
        return Owner(
            generation=0 if keys is None else keys.generation.number, locator=0, pointer=0, scopes=scopes
        )

    def _let_words_go(self) -> None:
        """The words leave the device once the vault stands on its chain for good."""
        at = self._replica
        final = at.heads.final()
        if final is not None and at.meta.get(ROOT_SECRET) is not None:
            at.meta.delete(ROOT_SECRET)

    def _owner_grants(self) -> Sequence[OwnerGrant]:
        keys = self._keys()
        standing = take_in(self._replica, keys, self._replica.registry.snapshot(keys.vault))[1]
        return () if standing is None else standing.owner.grants

    def _granted(self, keys: OwnerKeys, grant: OwnerGrant) -> Grant:
        link = Link(keys.chain_id, keys.contract, keys.vault, grant.envelope)
        scope = self._replica.scopes.name_of(grant.scope)
        can = show_rights(grant.rights)
        return Grant(
            grant.id, grant.name, scope, can, grant.start, grant.end, grant.since is not None, str(link)
        )

    def _grant_of(self, grant: Grant | bytes | str) -> Grant:
        found = self.grants()
        if isinstance(grant, Grant):
            grant = grant.id
        matching = [one for one in found if grant in (one.id, one.name)]
        if not matching:
            raise NotFoundError(
                f"no live grant to {grant!r}; there are: {', '.join(one.name for one in found) or 'none'}"
            )
        if len(matching) > 1:
            raise InputError(f"{grant!r} has {len(matching)} grants; name one by its id")
        return matching[0]


def _ms(moment: int | datetime | None) -> int | None:
    return int(moment.timestamp() * 1000) if isinstance(moment, datetime) else moment


def _entry(wish: object) -> dict:  # type: ignore[type-arg]
    return {name: getattr(wish, name) for name in ("kind", "payload", "created", "scope")}


def _batches(items: Iterable, size: int) -> Iterator[list]:  # type: ignore[type-arg]
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
