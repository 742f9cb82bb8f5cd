"""One device's copy of one vault, with the places it talks to: what every verb of the layers above works on.

Holds no state of its own beyond what is in the encrypted database; whoever uses it takes the vault's lock around an operation.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from memsync.chain.registry import DEVELOPMENT_CHAINS, Registry, Snapshot
from memsync.crypto.randomness import Random, system_random
from memsync.crypto.tree import DeviceKey
from memsync.device.attempts import Attempts
from memsync.device.database import Database
from memsync.device.heads import Heads
from memsync.device.journal import Journal
from memsync.device.memories import Memories
from memsync.device.meta import Meta
from memsync.device.puts import PARCEL, PUT, Puts
from memsync.device.scopes import Scopes
from memsync.device.segments import Segments
from memsync.errors import ChainError, ChainUnreachable, StorageError
from memsync.ipld.cid import CID, RAW
from memsync.recall import TextIndex, refresh
from memsync.recall.profile import Profiles
from memsync.store.port import BlockStore, checked, get_block
from memsync.sync.keys import OwnerKeys

KEYS, WORDS, FIRST_SCOPE, NUMBER = "keys", "words", "first-scope", "number"
TAKEN, GRANTS, POINTER, PULLED = "taken", "grants", "pointer", "pulled"
DEVICES, REMOVAL, VAULTS = "devices", "removal", "vaults"
LATEST = "latest-time"
_AHEAD = 86_400  # seconds
_LAST = 253_402_300_799  # the last second that a date can tell
CHAIN_BOUND = frozenset(
    {
        KEYS,
        WORDS,
        FIRST_SCOPE,
        TAKEN,
        GRANTS,
        POINTER,
        PULLED,
        DEVICES,
        REMOVAL,
        VAULTS,
        LATEST,
        "line",
        "landed",
        "places",
        "carried",
        "move",
        "catalog:",
        "inbox:",
        "trusted:",
        PUT,
        PARCEL,
    }
)
"""What a database has by name and is true on one chain only; a name that ends in a colon stands for all that begin so."""


class Replica:
    """Tables, store, chain and clock of one vault. ``store`` and ``registry`` may be None: local verbs need neither. ``device``: the key
    of this device, None where it is no owner's."""

    def __init__(
        self,
        database: Database,
        *,
        store: BlockStore | None = None,
        registry: Registry | None = None,
        clock: Callable[[], float] = time.time,
        random: Random = system_random,
        device: DeviceKey | None = None,
    ) -> None:
        self.database = database
        self.device = device
        self.journal = Journal(database)
        self.memories = Memories(database)
        self.segments = Segments(database)
        self.scopes = Scopes(database)
        self.heads = Heads(database)
        self.attempts = Attempts(database)
        self.meta = Meta(database)
        self.puts = Puts(database)
        self.index = TextIndex(database)
        self.profiles = Profiles(database, self.index)
        self._store = None if store is None else checked(store)
        self._registry = registry
        self.clock = clock
        # Scopes of grants whose envelopes may lie in the store, as far as this object has put them there.
        self.offered: set[bytes] = set()
        self.random = random

    @property
    def store(self) -> BlockStore:
        if self._store is None:
            raise StorageError("this vault has no store; name one to push and pull")
        return self._store

    def use_store(self, store: BlockStore) -> None:
        """Have the blocks in another store from now on."""
        self._store = checked(store)

    @property
    def registry(self) -> Registry:
        if self._registry is None:
            raise ChainError("this vault has no chain yet; open it with a registry to push, pull and grant")
        return self._registry

    @property
    def has_registry(self) -> bool:
        return self._registry is not None

    def keys(self) -> OwnerKeys | None:
        """The owner's keys on the chain that the vault was bound to; None before."""
        data = self.meta.get(KEYS)
        return None if data is None else OwnerKeys.from_bytes(data)

    def time_at(self, snapshot: Snapshot) -> int:
        """Unix seconds: the later of this device's clock and the block's, since the last block of an idle chain may be hours old."""
        return max(int(self.clock()), snapshot.block.time)

    def time_to_sign(self, snapshot: Snapshot) -> int:
        """As ``time_at``, for what is signed or ended by it: by a lie of a year every grant would be over.

        ``ChainUnreachable`` for a block that is more than a day ahead of all that this device has seen of time, but on a chain for
        development, whose time is the developer's.
        """
        believed = self.registry.chain_id in DEVELOPMENT_CHAINS or (
            snapshot.block.time <= self.latest_time() + _AHEAD
        )
        if not believed:
            shown = [
                datetime.fromtimestamp(one, UTC).strftime("%Y-%m-%d %H:%M UTC")
                for one in (min(snapshot.block.time, _LAST), self.clock())
            ]
            raise ChainUnreachable(
                f"the chain's last block is of {shown[0]}, and this device's clock says {shown[1]}; set the clock if it is wrong, or try "
                "another RPC"
            )
        return self.time_at(snapshot)

    def latest_time(self) -> int:
        """Unix seconds: the later of this device's clock and the last block that was seen, since a clock may be set back."""
        return max(int(self.clock()), self._latest_noted())

    def note_time(self, snapshot: Snapshot) -> None:
        """Remember that it was as late as this block. One that is far ahead of this device's clock is not believed: an RPC may lie, and
        what is dead by a lie stays dead."""
        if self._latest_noted() < snapshot.block.time <= self.clock() + _AHEAD:
            self.meta.put(LATEST, snapshot.block.time.to_bytes(8, "big"))

    def _latest_noted(self) -> int:
        return int.from_bytes(self.meta.get(LATEST) or b"", "big")

    def now_ms(self) -> int:
        return int(self.clock() * 1000)

    def fetch(self, digest: bytes) -> bytes:
        """A block of the store by its digest."""
        return get_block(self.store, CID(RAW, digest))

    def fetch_many(self, digests: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Blocks of the store by their digests, each with its digest."""
        for cid, data in self.store.get_many([CID(RAW, digest) for digest in digests]):
            yield cid.digest, data

    def refresh_index(self) -> None:
        """Bring the index up to what the memories are."""
        refresh(self.memories, self.index)
