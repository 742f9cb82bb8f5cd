"""A published vault as each kind of reader sees it: heads and blocks in, records out, with ``memsync.format`` only.

Each function is one kind of reader of ``docs/format.md`` §9 with nothing but what that reader has. ``None`` where the reader is told that
something is not for it; an error only for damage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from memsync.crypto.epochs import ContentKey, EpochKey
from memsync.crypto.hpke import HybridKey
from memsync.crypto.pointer import SealedPointer, open_pointer
from memsync.crypto.tree import Generation, RootKey
from memsync.errors import PointerInvalid
from memsync.format.access import FromNowOn, ReaderSlot, WithHistory, read_access
from memsync.format.catalog import Catalog, NotForMe
from memsync.format.envelope import Envelope
from memsync.format.lockbox import read_lockbox, read_since
from memsync.format.owner import Owner, read_owner
from memsync.format.records import Kept, Record
from memsync.format.root import Root, read_root
from memsync.format.segment import open_segment
from memsync.memory import Tombstone


@dataclass(frozen=True, slots=True)
class Published:
    """All that anybody can get: chain id, contract, vault id, blocks by digest, and one head."""

    chain_id: int
    contract: bytes
    vault: bytes
    blocks: Mapping[bytes, bytes]
    sequence: int
    sealed: SealedPointer


@dataclass(frozen=True, slots=True)
class Seen:
    """Records of a scope in order with (order, epoch number) of their segment; ``hidden`` counts those not for this reader."""

    records: tuple[tuple[tuple[int, int], int, Record], ...]
    hidden: int

    @property
    def texts(self) -> list[str]:
        return [_text(record.memory) for _, _, record in self.records]

    @property
    def current(self) -> list[str]:
        """Texts of the memories that are neither forgotten nor replaced."""
        memories = [record.memory for _, _, record in self.records]
        dead = {memory.id for memory in memories if isinstance(memory, Tombstone)}
        alive = [memory for memory in memories if not isinstance(memory, Tombstone) and memory.id not in dead]
        over = {version for memory in alive for version in memory.replaces}
        return [memory.text for memory in alive if memory.version not in over]


def open_root(at: Published, pointer_key: bytes, *, least_generation: int = 0) -> Root | None:
    """The verified root; None if this key did not seal the pointer."""
    try:
        digest = open_pointer(pointer_key, at.vault, at.sequence, at.sealed.salt, at.sealed.pointer)
    except PointerInvalid:
        return None
    return read_root(
        at.blocks[digest],
        digest=digest,
        pointer_key=pointer_key,
        chain_id=at.chain_id,
        contract=at.contract,
        vault=at.vault,
        sequence=at.sequence,
        least_generation=least_generation,
    )


def open_owner(at: Published, root: Root, w: Generation) -> Owner:
    data = at.blocks[root.owner.digest]
    return read_owner(data, root.owner, owner_key=w.owner_key(), generation=root.generation, vault=at.vault)


def owner_reads(at: Published, root_key: RootKey) -> tuple[Owner, dict[bytes, Seen]]:
    """With the words alone: try pointer keys, then everything."""
    locator = root_key.locator(at.vault)
    root = next(
        root for k in range(at.sequence + 1) if (root := open_root(at, locator.pointer_key(k))) is not None
    )
    owner = open_owner(at, root, root_key.generation(at.vault, root.generation))
    return owner, {scope.id: read_with_history(at, root, scope.id, scope.epoch) for scope in owner.scopes}


def device_reads(
    at: Published, box: HybridKey, pointer_key: bytes, paired: Generation
) -> tuple[Generation | None, dict[bytes, Seen]]:
    """A device with its pointer key and the W it was paired with: the W in its slot, and what that opens."""
    root = open_root(at, pointer_key)
    assert root is not None
    access = read_access(at.blocks[root.access.digest], root.access, pointer_key=pointer_key, vault=at.vault)
    found = access.device_slot(box)
    w = found or paired
    if w.number != root.generation:
        return found, {}
    owner = open_owner(at, root, w)
    return found, {scope.id: read_with_history(at, root, scope.id, scope.epoch) for scope in owner.scopes}


def find_slot(
    at: Published, root: Root, envelope: Envelope, grant: bytes, box: HybridKey
) -> ReaderSlot | None:
    assert envelope.pointer is not None
    access = read_access(
        at.blocks[root.access.digest], root.access, pointer_key=envelope.pointer.secret, vault=at.vault
    )
    return access.reader_slot(box, grant=grant, scope=envelope.scope)


def reader_reads(at: Published, root: Root, envelope: Envelope, slot: ReaderSlot) -> Seen | None:
    if isinstance(slot, WithHistory):
        return read_with_history(at, root, envelope.scope, slot.key)
    return read_from_now_on(at, root, envelope, slot)


def read_with_history(at: Published, root: Root, scope: bytes, epoch: EpochKey) -> Seen | None:
    """With K(n): the lockbox, and every segment there is."""
    entry = root.entry(scope, epoch.content)
    if entry is None:
        return None
    keys = [epoch]
    if entry.lockbox is not None:
        data = at.blocks[entry.lockbox.digest]
        keys += read_lockbox(data, entry.lockbox, epoch=epoch, vault=at.vault, scope=scope)
    return _read(at, root, scope, epoch.content, [key.content for key in keys])


def read_from_now_on(at: Published, root: Root, envelope: Envelope, slot: FromNowOn) -> Seen | None:
    """With contentKey(n) and the since key of the slot: the since block, and the segments of these epochs."""
    keys = [slot.key]
    if slot.since is not None:
        data = at.blocks[slot.since.ref.digest]
        where = {"vault": at.vault, "scope": envelope.scope}
        keys += read_since(data, slot.since, current=slot.key, **where)
    return _read(at, root, envelope.scope, slot.key, keys)


def _read(
    at: Published, root: Root, scope: bytes, current: ContentKey, keys: list[ContentKey]
) -> Seen | None:
    entry = root.entry(scope, current)
    if entry is None:
        return None
    by_id = {key.id: key for key in keys}
    catalog = Catalog(at.vault, scope, by_id, at.blocks.__getitem__)
    if entry.catalog is None or catalog.open_top(entry.catalog, entry.count) is None:
        return Seen((), entry.count)
    records = []
    for row in catalog.rows(entry.catalog, count=entry.count):
        if isinstance(row, NotForMe) or row.epoch.id not in by_id:
            continue
        data = at.blocks[row.ref.digest]
        segment = open_segment(data, row, key=by_id[row.epoch.id], vault=at.vault, scope=scope)
        records += [(row.order, row.epoch.number, record) for record in segment.records]
    return Seen(tuple(records), entry.count - len(records))


def _text(memory: Kept) -> str:
    return f"forgotten {memory.id.hex()}" if isinstance(memory, Tombstone) else memory.text
