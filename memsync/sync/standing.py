"""What a head leads to, read and verified with the owner's keys: root, owner block, each scope's state and keys.

In come the vault as the chain has it and a way to fetch blocks; out comes a :class:`Standing`, or the one error that says who is at fault.
Nothing is kept and nothing is written.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from memsync.chain.registry import VaultState
from memsync.crypto.epochs import ContentKey, EpochKey
from memsync.crypto.pointer import open_pointer
from memsync.crypto.tree import DeviceKey, Locator
from memsync.errors import DeviceRemoved, FormatError, PointerInvalid, SignatureInvalid
from memsync.format.access import read_access
from memsync.format.catalog import Catalog
from memsync.format.entry import Entry
from memsync.format.lockbox import read_lockbox
from memsync.format.owner import EarlierGeneration, Owner, Scope, read_owner
from memsync.format.pairing import device_id
from memsync.format.root import Root, read_root
from memsync.sync.keys import OwnerKeys
from memsync.sync.seats import removed_devices

MOST_POINTERS = 10_000
"""More often than this no vault loses its last reader; so many keys are tried in a second."""

Fetch = Callable[[bytes], bytes]
"""A block's bytes by its digest; raises ``BlockMissing``."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A vault at one head: its state on chain, its verified root, what the owner block says, and the keys of its generation."""

    state: VaultState
    root: Root
    owner: Owner
    keys: OwnerKeys = field(repr=False)

    def scope(self, scope_id: bytes) -> Scope | None:
        """The scope of this id, None if the vault has none."""
        return next((scope for scope in self.owner.scopes if scope.id == scope_id), None)

    def entry(self, scope: Scope) -> Entry:
        """The state of a scope in this root; raises as ``scope_entry``."""
        return scope_entry(self.root, scope)


def scope_entry(root: Root, scope: Scope) -> Entry:
    """The state of a scope in a root. ``FormatError("root", "missing")`` if it has none under the key that the owner block names."""
    entry = root.entry(scope.id, scope.epoch.content)
    if entry is None:
        raise FormatError(
            "root", "missing", f"it has no entry for the current key of scope {scope.id.hex()[:8]}"
        )
    return entry


@dataclass(frozen=True, slots=True)
class Place:
    """Where a root is: its digest, the number k of the pointer key that sealed it, that key, and whose locator it is of."""

    digest: bytes
    k: int
    key: bytes = field(repr=False)
    keys: OwnerKeys = field(repr=False)


def find_root(state: VaultState, keys: OwnerKeys, *, likely: int = 0) -> Place:
    """Where the root is that the head points to.

    Tries ``likely`` first, then every k that the sequence allows, up to ``MOST_POINTERS``: the sequence is what an RPC says.
    ``PointerInvalid`` if none fits.
    """
    for one in distinct_locators(keys):
        for k in (likely, *(k for k in range(min(state.sequence, MOST_POINTERS) + 1) if k != likely)):
            key = one.locator.pointer_key(k)
            try:
                digest = open_pointer(key, keys.vault, state.sequence, state.salt_bytes, state.pointer)
            except PointerInvalid:
                continue
            return Place(digest, k, key, one)
    raise PointerInvalid(
        f"the pointer of sequence {state.sequence} was not sealed by this vault's keys: ask another RPC"
    )


def distinct_locators(keys: OwnerKeys) -> tuple[OwnerKeys, ...]:
    """Of these keys and those before, the first of each locator."""
    found: dict[Locator, OwnerKeys] = {}
    for one in keys.line:
        found.setdefault(one.locator, one)
    return tuple(found.values())


def read_standing(
    state: VaultState,
    keys: OwnerKeys,
    fetch: Fetch,
    *,
    likely: int = 0,
    least_generation: int = 0,
    device: DeviceKey | None = None,
    awaited: bytes | None = None,
    check: Callable[[bytes], object] = lambda _digest: None,
) -> Standing:
    """Follow a head down to the owner block.

    Of a generation that is not among the line of ``keys`` they are taken from the slot of ``device``. ``awaited``: the signer of a removal
    that is under way here, which the chain may name already; ``check`` is told the root's digest before it is read. Raises
    ``PointerInvalid``, ``BlockMissing``, ``FormatError``, ``SignatureInvalid`` (also when the chain names another signer than the
    root's certificate) and ``DeviceRemoved`` for a head that this device was not handed the keys of.
    """
    try:
        place = find_root(state, keys, likely=likely)
    except PointerInvalid:
        if state.signer not in {one.generation.signer().address for one in keys.line}:
            raise DeviceRemoved from None
        raise
    check(place.digest)
    root = read_root(
        fetch(place.digest),
        digest=place.digest,
        pointer_key=place.key,
        chain_id=keys.chain_id,
        contract=keys.contract,
        vault=keys.vault,
        sequence=state.sequence,
        least_generation=least_generation,
    )
    if state.signer not in (root.certificate.signer, awaited):
        raise SignatureInvalid(
            "the root is certified for another signer than the chain names: a device is being removed, or that was broken off; wait and "
            "repeat, or finish it by `memsync device remove` with the words"
        )
    mine = keys.of(root.generation)
    if mine is None:
        mine = _handed(root, place, fetch, device)
    owner = owner_of(root, mine, fetch)
    if device is not None and device_id(device.box().public, device.author().public) in removed_devices(
        owner
    ):
        raise DeviceRemoved
    return Standing(state, root, owner, mine)


def _handed(root: Root, place: Place, fetch: Fetch, device: DeviceKey | None) -> OwnerKeys:
    """The keys of a root's generation, from this device's slot."""
    if device is None:
        raise DeviceRemoved
    access = read_access(
        fetch(root.access.digest), root.access, pointer_key=place.key, vault=place.keys.vault
    )
    generation = access.device_slot(device.box())
    if generation is None:
        raise DeviceRemoved
    certified = (generation.number, generation.author().public, generation.signer().address)
    if certified != (root.generation, root.certificate.author, root.certificate.signer):
        raise FormatError("slot", "value", "this device was handed another generation than the root's")
    before = dataclasses.replace(place.keys, before=None)
    return dataclasses.replace(place.keys, generation=generation, certificate=root.certificate, before=before)


def owner_of(
    root: Root, keys: OwnerKeys, fetch: Fetch, *, earlier: Iterable[EarlierGeneration] = ()
) -> Owner:
    """The owner block of a root; ``earlier``: what a later owner block has of generations before.

    Raises ``BlockMissing`` and ``FormatError``, also for a generation that is not among these keys.
    """
    known = {one.number: one.owner_key for one in earlier}
    mine = keys.of(root.generation)
    own = (mine or keys).generation.owner_key()
    return read_owner(
        fetch(root.owner.digest),
        root.owner,
        owner_key=own if mine else known.get(root.generation, own),
        generation=root.generation,
        vault=keys.vault,
    )


def epoch_keys(scope: Scope, entry: Entry | None, *, vault: bytes, fetch: Fetch) -> tuple[EpochKey, ...]:
    """Every epoch key of a scope that is still needed, ascending, the current one last."""
    if entry is None or entry.lockbox is None:
        return (scope.epoch,)
    earlier = read_lockbox(
        fetch(entry.lockbox.digest), entry.lockbox, epoch=scope.epoch, vault=vault, scope=scope.id
    )
    return (*earlier, scope.epoch)


def catalog_of(scope_id: bytes, keys: tuple[ContentKey, ...], *, vault: bytes, fetch: Fetch) -> Catalog:
    """The catalogs of a scope, seen with these content keys."""
    return Catalog(vault, scope_id, {key.id: key for key in keys}, fetch)
