"""Removing a device: what of it is under way, and what its words lead to.

A removal is a new generation: the owner has the contract take its signer, and the next push is by it and leaves the device out. What is
to be done is written down before the first call, with that call's bytes, and stays until the new generation is final: whatever breaks it
off, the next push goes on. In come words or a database; out comes the removal, or the one call that is next.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace

from memsync.chain.calls import RevokeAll, SetSigner, SignedCall, decode_signed, encode_signed, sign_call
from memsync.chain.registry import VaultState
from memsync.crypto.tree import RootKey
from memsync.errors import PointerInvalid, SignatureInvalid
from memsync.format.fields import as_bytes, as_list, as_uint
from memsync.format.root import Root, read_root
from memsync.ipld.dagcbor import decode, encode
from memsync.sync.keys import OwnerKeys
from memsync.sync.replica import KEYS, REMOVAL, Replica
from memsync.sync.standing import Fetch, Place, find_root

DEADLINE_SECONDS = 600
MOST_AHEAD = 16
"""So many locators are tried with the words, and so many generations that the chain's signer may be ahead."""
_WHAT = "database"


@dataclass(frozen=True, slots=True)
class Removal:
    """``keys`` of the new generation (those before it among their line); ids of the ``devices`` to leave out, None for all but this one;
    ``epoch``: for a stolen one, the grant epoch that is to end, else None; ``call``: the signed one for the new signer, None where
    the chain has it already."""

    keys: OwnerKeys
    devices: frozenset[bytes] | None
    epoch: int | None = None
    call: SignedCall | None = field(default=None, repr=False)

    @property
    def generation(self) -> int:
        return self.keys.generation.number

    @property
    def signer(self) -> bytes:
        """The account (20 bytes) of the new generation."""
        return self.keys.generation.signer().address


@dataclass(frozen=True, slots=True)
class Found:
    """What words lead to on a chain: the head's root, the keys of its generation and, where the chain's signer is ahead of it, for a
    removal was broken off, the generation of that signer."""

    root: Root
    keys: OwnerKeys
    ahead: int | None


def locate_with_words(
    root_key: RootKey, state: VaultState, *, chain_id: int, contract: bytes, number: int
) -> tuple[OwnerKeys, Place]:
    """Where the root of a vault of these words is, and the keys of the locator that sealed its pointer, of generation 0.
    ``PointerInvalid`` if none did: an RPC can't make up a vault."""
    for locator in range(MOST_AHEAD):
        keys = OwnerKeys.derive(
            root_key, chain_id=chain_id, contract=contract, number=number, locator=locator
        )
        with suppress(PointerInvalid):
            return keys, find_root(state, keys)
    raise PointerInvalid(
        f"the pointer of sequence {state.sequence} was not sealed by keys of these words: ask another RPC"
    )


def find_with_words(
    root_key: RootKey, state: VaultState, *, chain_id: int, contract: bytes, number: int, fetch: Fetch
) -> Found:
    """Find root, locator and generation. ``PointerInvalid`` if no locator of these words sealed the pointer, ``SignatureInvalid`` if the
    chain's signer is none of theirs; what reading a root raises."""
    keys, place = locate_with_words(root_key, state, chain_id=chain_id, contract=contract, number=number)
    root = read_root(
        fetch(place.digest),
        digest=place.digest,
        pointer_key=place.key,
        chain_id=chain_id,
        contract=contract,
        vault=keys.vault,
        sequence=state.sequence,
    )
    keys = OwnerKeys.derive(
        root_key,
        chain_id=chain_id,
        contract=contract,
        number=number,
        locator=keys.locator_number,
        generation=root.generation,
    )
    return Found(root, keys, _ahead(root_key, root, state))


def _ahead(root_key: RootKey, root: Root, state: VaultState) -> int | None:
    if state.signer == root.certificate.signer:
        return None
    for generation in range(root.generation + 1, root.generation + 1 + MOST_AHEAD):
        if root_key.generation(root.vault, generation).signer().address == state.signer:
            return generation
    raise SignatureInvalid("the chain names a signer that is none of these words' devices: ask another RPC")


def bind_with_words(replica: Replica, words: bytes, *, number: int = 0) -> OwnerKeys:
    """Bind a vault to its registry by the secret (32 bytes) that its words encode: with the keys of the head's generation, or the first if
    the chain has no head. Where a removal was broken off the next push goes on with it: it leaves out all devices but this one, for
    nobody knows which was meant. Raises as :func:`find_with_words`."""
    registry, root_key = replica.registry, RootKey(words)
    keys = OwnerKeys.derive(root_key, chain_id=registry.chain_id, contract=registry.contract, number=number)
    state = registry.snapshot(keys.vault).vault
    if state is not None:
        found = find_with_words(
            root_key,
            state,
            chain_id=keys.chain_id,
            contract=keys.contract,
            number=number,
            fetch=replica.fetch,
        )
        keys = found.keys
        if found.ahead is not None:
            note_removal(replica, plan_removal(root_key, found, state, None, stolen=False, deadline=0))
    replica.meta.put(KEYS, keys.to_bytes())
    return keys


def plan_removal(
    root_key: RootKey,
    found: Found,
    state: VaultState,
    devices: frozenset[bytes] | None,
    *,
    stolen: bool,
    deadline: int,
) -> Removal:
    """A removal on this head, with the call for its signer where that is still to be made."""
    keys = found.keys
    new = OwnerKeys.derive(
        root_key,
        chain_id=keys.chain_id,
        contract=keys.contract,
        number=keys.number,
        locator=keys.locator_number + int(stolen),
        generation=found.ahead or keys.generation.number + 1,
    )
    new = replace(new, before=keys)
    call = None
    if found.ahead is None:
        owner = root_key.owner(keys.chain_id, keys.contract, keys.number)
        wanted = SetSigner(keys.owner, 0, state.signer, new.generation.signer().address)
        call = sign_call(wanted, owner, deadline, chain_id=keys.chain_id, contract=keys.contract)
    return Removal(new, devices, state.grant_epoch if stolen else None, call)


def removal_under_way(replica: Replica) -> Removal | None:
    """The removal that this device has begun, or is to go on with; None without one."""
    data = replica.meta.get(REMOVAL)
    if data is None:
        return None
    keys, devices, epoch, call = as_list(decode(data), 4, what=_WHAT, name="removal")
    ids = None if devices is None else as_list(devices, what=_WHAT, name="devices")
    return Removal(
        OwnerKeys.from_bytes(as_bytes(keys, what=_WHAT, name="keys")),
        None if ids is None else frozenset(as_bytes(one, 16, what=_WHAT, name="device") for one in ids),
        None if epoch is None else as_uint(epoch, 32, what=_WHAT, name="grant epoch"),
        None if call is None else decode_signed(as_bytes(call, what=_WHAT, name="call")),
    )


def note_removal(replica: Replica, removal: Removal) -> None:
    """Have the next push do it."""
    devices = None if removal.devices is None else sorted(removal.devices)
    call = None if removal.call is None else encode_signed(removal.call)
    replica.meta.put(REMOVAL, encode([removal.keys.to_bytes(), devices, removal.epoch, call]))


def forget_removal(replica: Replica) -> None:
    """It is done for good, or not to be done."""
    replica.meta.delete(REMOVAL)


def next_call(removal: Removal, state: VaultState, *, now: int) -> SignedCall | None:
    """The call that is to be made before the push: the new signer's, then the end of all grants; None where nothing is. ``now``: Unix
    seconds."""
    keys = removal.keys
    if state.signer != removal.signer:
        return removal.call
    if removal.epoch is not None and state.grant_epoch == removal.epoch:
        return sign_call(
            RevokeAll(keys.vault, removal.epoch),
            keys.generation.signer(),
            now + DEADLINE_SECONDS,
            chain_id=keys.chain_id,
            contract=keys.contract,
        )
    return None
