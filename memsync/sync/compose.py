"""The next root: what stands now, plus what the journal wants, minus readers whose grants have ended.

In come a :class:`Standing` (or none, for the first root), wishes and the ids of grants that ended; out come the blocks of the next root
and the call that commits it. The order matters and is DESIGN's: who has ended is left out and the scopes it could read get a new epoch
*before* anything is sealed; only a new from-now-on grant seals first and begins its epoch after. Nothing is stored or sent here, and
composing again from the same state is harmless: loss of a race is answered by composing on the winner's state.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from memsync.chain.calls import Call, Commit, CommitAndShare, Open
from memsync.crypto.epochs import new_epoch
from memsync.crypto.pointer import seal_pointer
from memsync.crypto.randomness import Random, system_random
from memsync.errors import InputError
from memsync.format.block import Block
from memsync.format.owner import Device, Grant, Owner, Scope, seal_owner
from memsync.format.rights import READ, WRITE
from memsync.format.root import seal_root
from memsync.format.segment import Contents
from memsync.format.witness import witness_of
from memsync.sync.composition import Composition, Renewal, ScopeState
from memsync.sync.forwarding import with_moved
from memsync.sync.keys import OwnerKeys
from memsync.sync.listing import VaultList, with_list
from memsync.sync.sealing import Forgotten
from memsync.sync.seats import seat, with_replaced
from memsync.sync.standing import Fetch, Standing, epoch_keys
from memsync.sync.wishes import Wishes


@dataclass(frozen=True, slots=True)
class Composed:
    """The next root: the call that commits it (unsigned), its digest and sequence, every block that it needs and that is new, the
    grants made for wishes, by wish, those made in place of others, by the old one's id, the names of the scopes that begin a new epoch, and
    how new segments are known again, by digest."""

    call: Call
    root: bytes
    sequence: int
    blocks: tuple[Block, ...]
    grants: Mapping[bytes, Grant]
    replaced: Mapping[bytes, Grant]
    rotated: tuple[str, ...]
    contents: Mapping[bytes, Contents]


def compose(
    standing: Standing | None,
    keys: OwnerKeys,
    wishes: Wishes,
    *,
    fetch: Fetch,
    ended: Mapping[bytes, bool] | None = None,
    grant_epoch_moved: bool = False,
    forgotten: Mapping[bytes, Forgotten] | None = None,
    first_owner: Owner | None = None,
    device: Device | None = None,
    renewal: Renewal | None = None,
    random: Random = system_random,
) -> Composed | None:
    """What the next push is to store and commit; None if nothing waits and nobody has ended.

    ``ended``: ids of grants that hold no more; True for one whose end must still be written on chain. ``first_owner``: what the owner
    block of the first root says, when there is no ``standing``. ``device``: this one, which is listed by the way if it is not yet.
    ``renewal``: this root begins the generation of ``keys``. Raises what reading the present state raises.
    """
    ended = dict(ended or {})
    forgotten = {scope: stale for scope, stale in (forgotten or {}).items() if stale}
    ended = dict.fromkeys(wishes.revocations, True) | ended
    making = _begin(standing, keys, fetch=fetch, first_owner=first_owner, random=random)
    known = {grant.id for grant in making.owner.grants}
    gone = [grant for grant in making.owner.grants if grant.id in ended]
    again = [
        grant
        for grant in making.owner.grants
        if renewal and grant.id not in ended and (renewal.all_grants or grant.rights & WRITE)
    ]
    _scopes_wished(making, wishes)
    acknowledged = _acknowledge(making, wishes)
    access_changed = bool(
        standing is None or gone or wishes.grants or wishes.devices or acknowledged or renewal
    )
    if standing is not None and not (
        access_changed
        or wishes.count
        or wishes.scopes
        or wishes.rotations
        or wishes.moved
        or wishes.devices
        or wishes.vaults
        or forgotten
        or grant_epoch_moved
    ):
        return None

    if wishes.moved:
        making.owner = with_moved(making.owner, wishes.moved[-1])
    if wishes.vaults:
        making.owner = with_list(making.owner, VaultList.of(making.owner).after(wishes.vaults))
    leaked = wishes.rotations & making.scopes.keys()
    _let_go(making, [*gone, *again], reset=grant_epoch_moved, leaked=bool(leaked))
    if renewal:
        making.renew(renewal, device)
    access_changed = _seat(making, wishes.devices, device) or access_changed
    rotating = set(making.scopes) if renewal else {grant.scope for grant in gone if grant.rights & READ}
    for scope_id in sorted(rotating | leaked):
        making.rotate(scope_id)
    making.seal(wishes, forgotten)
    for scope_id in sorted({wish.scope for wish in wishes.grants if wish.from_now and wish.rights & READ}):
        making.rotate(scope_id)
    made = {wish.wish: making.give(wish) for wish in wishes.grants}
    replaced = {old.id: making.give_again(old) for old in again}
    making.owner = with_replaced(making.owner, {old: new.id for old, new in replaced.items()})

    ends = {grant for grant, write in ended.items() if write and grant in known}
    if renewal and not renewal.all_grants:
        ends |= replaced.keys()
    changed = access_changed or bool(making.rotated)
    return _finish(making, standing, made, replaced, tuple(sorted(ends)), access_changed=changed)


def _begin(
    standing: Standing | None, keys: OwnerKeys, *, fetch: Fetch, first_owner: Owner | None, random: Random
) -> Composition:
    owner = first_owner if standing is None else standing.owner
    if owner is None:
        raise InputError("the first root needs an owner block to begin with")
    scopes = {}
    for scope in owner.scopes:
        entry = None if standing is None else standing.entry(scope)
        scopes[scope.id] = ScopeState(
            scope,
            epoch_keys(scope, entry, vault=keys.vault, fetch=fetch),
            None if entry is None else entry.catalog,
            None if entry is None else entry.lockbox,
            0 if entry is None else entry.count,
        )
    sequence = 1 if standing is None else standing.state.sequence + 1
    return Composition(keys, fetch, random, sequence, owner, scopes)


def _scopes_wished(making: Composition, wishes: Wishes) -> None:
    """Add scopes and give new names; a name that is taken gets a number, since another device may have been first."""
    for scope_id, name in wishes.scopes.items():
        taken = {state.scope.name for other, state in making.scopes.items() if other != scope_id}
        free = _free_name(name, taken.__contains__)
        if scope_id in making.scopes:
            state = making.scopes[scope_id]
            state.scope = dataclasses.replace(state.scope, name=free)
        else:
            scope = Scope(scope_id, free, new_epoch(0, making.random))
            making.scopes[scope_id] = ScopeState(scope, (scope.epoch,), None, None, 0)


def _seat(making: Composition, wished: list[Device], here: Device | None) -> bool:
    """List devices, this one if it isn't yet; whether that changed anything."""
    before = making.owner
    unlisted = here is not None and all(one.id != here.id for one in before.devices)
    for device in [*wished, *([here] if here is not None and unlisted else [])]:
        making.owner = seat(making.owner, device)
    return making.owner != before


def _free_name(name: str, taken: Callable[[str], bool]) -> str:
    number, free = 1, name
    while taken(free):
        number += 1
        free = f"{name[:60]} {number}"
    return free


def _acknowledge(making: Composition, wishes: Wishes) -> bool:
    """Note parcels that were taken in; whether any number moved."""
    grants = tuple(
        dataclasses.replace(grant, acknowledged=max(grant.acknowledged, wishes.acknowledged.get(grant.id, 0)))
        for grant in making.owner.grants
    )
    moved = grants != making.owner.grants
    making.owner = dataclasses.replace(making.owner, grants=grants)
    return moved


def _let_go(making: Composition, gone: list[Grant], *, reset: bool, leaked: bool) -> None:
    """Leave out the grants that ended; the pointer key moves on when no reader is left who needs the old one."""
    ids = {grant.id for grant in gone}
    left = tuple(grant for grant in making.owner.grants if grant.id not in ids)
    readers_left = any(grant.rights & READ for grant in left)
    moves = reset or ((leaked or any(grant.rights & READ for grant in gone)) and not readers_left)
    making.owner = dataclasses.replace(making.owner, grants=left, pointer=making.owner.pointer + int(moves))


def _finish(
    making: Composition,
    standing: Standing | None,
    made: Mapping[bytes, Grant],
    replaced: Mapping[bytes, Grant],
    revocations: tuple[bytes, ...],
    *,
    access_changed: bool,
) -> Composed:
    keys = making.keys
    making.owner = dataclasses.replace(
        making.owner, scopes=tuple(state.scope for state in making.scopes.values())
    )
    pointer_moved = standing is not None and making.owner.pointer != standing.owner.pointer
    unchanged = standing is not None and not access_changed and not pointer_moved
    access_ref = standing.root.access if unchanged and standing is not None else making.seal_access()
    if standing is None or making.owner != standing.owner:
        block, owner_ref = seal_owner(
            making.owner, generation=keys.generation, vault=keys.vault, random=making.random
        )
        making.add(block)
    else:
        owner_ref = standing.root.owner
    pointer_key = keys.locator.pointer_key(making.owner.pointer)
    root = seal_root(
        pointer_key=pointer_key,
        chain_id=keys.chain_id,
        contract=keys.contract,
        vault=keys.vault,
        sequence=making.sequence,
        generation=keys.generation.number,
        author=keys.generation.author(),
        certificate=keys.certificate,
        previous=None if standing is None else standing.root.digest,
        access=access_ref,
        owner=owner_ref,
        witness=witness_of(making.leaves) or making.random(32),
        entries=making.entries(),
        random=making.random,
    )
    making.add(root)
    sealed = seal_pointer(pointer_key, keys.vault, making.sequence, root.digest)
    return Composed(
        _call(making, standing, sealed.salt_int, sealed.pointer, revocations),
        root.digest,
        making.sequence,
        tuple(making.blocks.values()),
        made,
        replaced,
        tuple(sorted(making.rotated)),
        making.contents,
    )


def _call(
    making: Composition, standing: Standing | None, salt: int, pointer: bytes, revocations: tuple[bytes, ...]
) -> Call:
    keys = making.keys
    if standing is None:
        return Open(keys.owner, 0, keys.generation.signer().address, salt, pointer)
    state = standing.state
    if making.shares or revocations:
        shares = tuple(making.shares)
        return CommitAndShare(
            keys.vault, state.sequence, state.grant_epoch, salt, pointer, shares, revocations
        )
    return Commit(keys.vault, state.sequence, state.grant_epoch, salt, pointer)
