"""What a head leads to, read and verified with the owner's keys: root, owner block, each scope's state and keys.

In come the vault as the chain has it and a way to fetch blocks; out comes a :class:`Standing`, or the one error that says who is at fault.
Nothing is kept and nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from memsync.chain.registry import VaultState
from memsync.crypto.epochs import ContentKey, EpochKey
from memsync.crypto.pointer import open_pointer
from memsync.errors import FormatError, LockedError, PointerInvalid, SignatureInvalid
from memsync.format.catalog import Catalog
from memsync.format.entry import Entry
from memsync.format.lockbox import read_lockbox
from memsync.format.owner import Owner, Scope, read_owner
from memsync.format.root import Root, read_root
from memsync.sync.keys import OwnerKeys

MOST_POINTERS = 10_000
"""More often than this no vault loses its last reader; so many keys are tried in a second."""

Fetch = Callable[[bytes], bytes]
"""A block's bytes by its digest; raises ``BlockMissing``."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A vault at one head: its state on chain, its verified root, and what the owner block says."""

    state: VaultState
    root: Root
    owner: Owner

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


def find_digest(state: VaultState, keys: OwnerKeys, *, likely: int = 0) -> tuple[bytes, int]:
    """The digest of the root that the head points to, and the number k of the pointer key that sealed it.

    Tries ``likely`` first, then every k that the sequence allows, up to ``MOST_POINTERS``: the sequence is what an RPC says.
    ``PointerInvalid`` if none fits.
    """
    for k in (likely, *(k for k in range(min(state.sequence, MOST_POINTERS) + 1) if k != likely)):
        try:
            key = keys.locator.pointer_key(k)
            return open_pointer(key, keys.vault, state.sequence, state.salt_bytes, state.pointer), k
        except PointerInvalid:
            continue
    raise PointerInvalid(
        f"the pointer of sequence {state.sequence} was not sealed by this vault's keys: "
        "ask another RPC, or this device has been left out of a new locator"
    )


def read_standing(
    state: VaultState, keys: OwnerKeys, fetch: Fetch, *, likely: int = 0, least_generation: int = 0
) -> Standing:
    """Follow a head down to the owner block.

    Raises ``PointerInvalid``, ``BlockMissing``, ``FormatError``, ``SignatureInvalid`` (also when the chain names another signer than the
    root's certificate) and ``LockedError`` for a generation that this device was not handed.
    """
    digest, k = find_digest(state, keys, likely=likely)
    root = read_root(
        fetch(digest),
        digest=digest,
        pointer_key=keys.locator.pointer_key(k),
        chain_id=keys.chain_id,
        contract=keys.contract,
        vault=keys.vault,
        sequence=state.sequence,
        least_generation=least_generation,
    )
    if root.certificate.signer != state.signer:
        raise SignatureInvalid(
            "the root is certified for another signer than the chain names: a removal of a device was broken off"
        )
    if root.generation != keys.generation.number:
        raise LockedError(
            f"the vault is in generation {root.generation} and this device in {keys.generation.number}: restore it from the words"
        )
    return Standing(state, root, owner_of(root, keys, fetch))


def owner_of(root: Root, keys: OwnerKeys, fetch: Fetch) -> Owner:
    """The owner block of a root of this device's generation. Raises ``BlockMissing`` and ``FormatError``."""
    return read_owner(
        fetch(root.owner.digest),
        root.owner,
        owner_key=keys.generation.owner_key(),
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
