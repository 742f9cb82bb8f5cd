"""What the blocks of a root say, opened with the owner's keys and held against what this device has of them.

In come a verified root, its owner block and a way to fetch; out comes what can't be opened and what differs. Nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from memsync.crypto.kdf import hash256
from memsync.device.inventory import Inventory
from memsync.device.rows import Identity
from memsync.errors import BlockMissing, FormatError, MemSyncError, StorageError
from memsync.format.access import read_access
from memsync.format.catalog import NotForMe
from memsync.format.lockbox import read_since
from memsync.format.owner import Owner, Scope
from memsync.format.records import encode_memory
from memsync.format.root import Root
from memsync.format.segment import open_segment
from memsync.memory import Memory
from memsync.sync.keys import OwnerKeys
from memsync.sync.reachable import since_blocks
from memsync.sync.sealing import need_key
from memsync.sync.standing import Fetch, catalog_of, epoch_keys, scope_entry


@dataclass(slots=True)
class Compared:
    """Of one scope: what opening its segments raised, whether any is lost, and how many memories this device lacks, has beyond, or has
    otherwise."""

    errors: list[MemSyncError] = field(default_factory=list)
    lost: bool = False
    lacking: int = 0
    beyond: int = 0
    otherwise: int = 0

    @property
    def differs(self) -> bool:
        return bool(self.lacking or self.beyond or self.otherwise)

    def __str__(self) -> str:
        return (
            f"of the root's memories this device lacks {self.lacking} and has {self.otherwise} otherwise, "
            f"and it has {self.beyond} that the root has not"
        )


def open_access(root: Root, owner: Owner, keys: OwnerKeys, fetch: Fetch) -> None:
    """Open the access block and every since block; raises ``BlockMissing`` and ``FormatError``. The boxes in them are their readers'."""
    key = keys.locator.pointer_key(owner.pointer)
    read_access(fetch(root.access.digest), root.access, pointer_key=key, vault=keys.vault)
    current = {scope.id: scope.epoch.content for scope in owner.scopes}
    since = since_blocks(owner)
    for grant in owner.grants:
        if grant.id in since:
            one = since[grant.id]
            read_since(
                fetch(one.ref.digest),
                one,
                current=current[grant.scope],
                vault=keys.vault,
                scope=grant.scope,
            )


def compare_scope(
    root: Root, scope: Scope, held: Inventory | None, *, vault: bytes, fetch: Fetch
) -> Compared:
    """Open every segment of a scope; with ``held``, hold what is in them against these.

    Raises what reading the catalog raises; what a segment raises is among the errors, but for one that is lost.
    """
    compared = Compared()
    entry = scope_entry(root, scope)
    keys = tuple(key.content for key in epoch_keys(scope, entry, vault=vault, fetch=fetch))
    catalog = catalog_of(scope.id, keys, vault=vault, fetch=fetch)
    found: dict[Identity, bytes] = {}
    dead: set[bytes] = set()
    for row in catalog.rows(entry.catalog, count=entry.count):
        try:
            key = need_key(catalog.keys, row.epoch.id)
            if isinstance(row, NotForMe):
                continue
            segment = open_segment(fetch(row.ref.digest), row, key=key, vault=vault, scope=scope.id)
        except BlockMissing:
            compared.lost = True
        except (FormatError, StorageError) as error:
            compared.errors.append(error)
        else:
            for record in segment.records:
                if isinstance(record.memory, Memory):
                    found[record.memory.id, record.memory.version] = hash256(encode_memory(record.memory))
                else:
                    dead.add(record.memory.id)
    if held is not None and not (compared.lost or compared.errors):
        _compare(compared, scope.id, held, found, dead)
    return compared


def _compare(
    compared: Compared, scope: bytes, held: Inventory, found: dict[Identity, bytes], dead: set[bytes]
) -> None:
    compared.lacking = len(dead - held.forgotten(scope))
    for identity, memory in held.held(scope):
        wanted = found.pop(identity, None)
        if wanted is None:
            compared.beyond += 1
        elif memory is not None and hash256(encode_memory(memory)) != wanted:
            compared.otherwise += 1
    compared.lacking += len(found)
