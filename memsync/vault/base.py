"""What every verb of a vault stands on: the open database, the lock, the keys, and the vault's binding to one chain."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeAlias, TypedDict

from memsync.chain.registry import Registry
from memsync.crypto.epochs import EpochKey
from memsync.crypto.randomness import Random, system_random
from memsync.device.history import History
from memsync.device.lock import VaultLock
from memsync.device.memories import PAGE
from memsync.device.paths import VaultPaths
from memsync.device.secrets import Secrets
from memsync.errors import ChainError, LockedError
from memsync.format.owner import Owner, Scope
from memsync.memory import Memory, Tombstone
from memsync.recall.embedder import Embedder
from memsync.store.port import BlockStore
from memsync.sync.devices import this_device
from memsync.sync.keys import OwnerKeys
from memsync.sync.removal import bind_with_words
from memsync.sync.replica import FIRST_SCOPE, NUMBER, WORDS, Replica
from memsync.sync.wishes import wish_record

PERSONAL = "personal"
ScopeNames: TypeAlias = str | Collection[str] | None
"""One scope, several, or all of them (None)."""
Write: TypeAlias = Callable[[bytes, Sequence[Memory | Tombstone]], None]
"""Writes records into the scope of an id."""


class Where(TypedDict, total=False):
    """The keywords of :class:`Surroundings`."""

    store: BlockStore | None
    registry: Registry | None
    clock: Callable[[], float]
    random: Random
    embedder: Embedder | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a vault is opened with: where blocks and pointers are (None: not yet), the clock (Unix seconds), randomness, and what embeds its
    texts (None: what the settings say)."""

    store: BlockStore | None = None
    registry: Registry | None = None
    clock: Callable[[], float] = time.time
    random: Random = field(default=system_random, repr=False)
    embedder: Embedder | None = None


class OpenVault:
    """An open vault without its verbs."""

    def __init__(
        self, paths: VaultPaths, secrets: Secrets, replica: Replica, embedder: Embedder | None = None
    ) -> None:
        self.name = paths.name
        self.paths = paths
        self._secrets = secrets
        self._replica = replica
        self._lock = VaultLock(paths.lock)
        self._history = History(replica.database)
        self._own_embedder = embedder

    def __repr__(self) -> str:
        return f"Vault({self.name!r})"

    def scope_name(self, scope: bytes) -> str:
        """The name of a scope by its id."""
        return self._replica.scopes.name_of(scope)

    @contextmanager
    def _working(self, doing: str) -> Iterator[Replica]:
        """The lock and one transaction around a local verb: all of it, or nothing."""
        with self._lock.hold(doing), self._replica.database.transaction():
            yield self._replica

    def _write(self, at: Replica, scope: bytes, records: Sequence[Memory | Tombstone]) -> None:
        with self._writing(at) as write:
            write(scope, records)

    @contextmanager
    def _writing(self, at: Replica) -> Iterator[Write]:
        """To write batch after batch: the index, which takes in many at once faster, learns of them when there are many, and at the end."""
        unindexed = 0

        def write(scope: bytes, records: Sequence[Memory | Tombstone]) -> None:
            nonlocal unindexed
            at.memories.write(scope, records)
            at.journal.append_many(wish_record(scope, record, created=at.now_ms()) for record in records)
            unindexed += len(records)
            if unindexed >= PAGE:
                at.refresh_index()
                unindexed = 0

        yield write
        at.refresh_index()

    def _scopes(self, scope: ScopeNames) -> list[bytes]:
        at = self._replica
        if scope is None:
            return [one.id for one in at.scopes.all()]
        return [
            at.scopes.id_of(name) for name in ([scope] if isinstance(scope, str) else dict.fromkeys(scope))
        ]

    def _keys(self) -> OwnerKeys:
        self._bind()
        keys = self._replica.keys()
        if keys is None:
            raise ChainError("the vault is not on a chain yet; push first")
        return keys

    def _bind(self) -> None:
        """Bind the vault to its registry's chain. Once it has been there, or a call may yet bring it there, another chain is refused."""
        at = self._replica
        registry, keys = at.registry, at.keys()
        here = (registry.chain_id, registry.contract)
        if keys is not None and (keys.chain_id, keys.contract) == here:
            return
        root = at.meta.get(WORDS)
        if keys is not None and (root is None or at.heads.seen() is not None or self._may_land(at)):
            raise ChainError(
                f"this vault lives on chain {keys.chain_id} at 0x{keys.contract.hex()}; this is chain {registry.chain_id}, "
                f"0x{registry.contract.hex()}: connect to the vault's own"
            )
        if root is None:
            raise LockedError(
                "this device holds neither the vault's keys nor its words; restore it from the words"
            )
        with at.database.transaction():
            bind_with_words(at, root, number=self._number())

    def _home(self) -> Path:
        """MemSync's folder, in which this vault's is."""
        return self.paths.folder.parents[1]

    def _number(self) -> int:
        """Which vault of its words this is."""
        keys = self._replica.keys()
        return int.from_bytes(self._replica.meta.get(NUMBER) or b"", "big") if keys is None else keys.number

    def _may_land(self, at: Replica) -> bool:
        """Whether a call that was sent may still land."""
        return any(attempt.deadline >= at.clock() for attempt in at.attempts.live())

    def _first_owner(self) -> Owner:
        """What the owner block of the first root says; its key is kept from the beginning, so that a repeated first push is the same."""
        data = self._replica.meta.get(FIRST_SCOPE)
        scopes = () if data is None else (Scope(data[:16], PERSONAL, EpochKey(0, data[16:])),)
        keys = self._replica.keys()
        device = this_device(self._replica)
        return Owner(
            generation=0 if keys is None else keys.generation.number,
            locator=0,
            pointer=0,
            scopes=scopes,
            devices=() if device is None else (device,),
        )

    def _let_words_go(self) -> None:
        """The words leave the device once the vault stands on its chain for good."""
        at = self._replica
        final = at.heads.final()
        if final is not None and at.meta.get(WORDS) is not None:
            at.meta.delete(WORDS)
            at.database.truncate_log()


def to_ms(moment: int | datetime | None) -> int | None:
    """Unix milliseconds of a time."""
    return int(moment.timestamp() * 1000) if isinstance(moment, datetime) else moment
