"""A root while it is made: the owner block and the scopes as they will be, and every new block so far.

In come, one after the other, what a push wants: memories sealed, epochs begun, grants given, the access block boxed anew; each step
changes the state and adds blocks. The order of the steps is ``compose``'s. Nothing is stored or sent here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from memsync.chain.calls import Share
from memsync.crypto.epochs import EpochKey, new_epoch
from memsync.crypto.pairwise import PairwiseSecret
from memsync.crypto.randomness import Random
from memsync.errors import InputError
from memsync.format.access import DeviceSeat, FromNowOn, Reader, WithHistory, seal_access
from memsync.format.block import Block, Ref
from memsync.format.catalog_node import CatalogRoot
from memsync.format.entry import Entry, ScopeEntry
from memsync.format.envelope import Envelope, PointerKey, seal_envelope
from memsync.format.lockbox import Since, seal_lockbox, seal_since
from memsync.format.owner import Device, EarlierGeneration, Grant, Owner, Scope
from memsync.format.rights import READ, WRITE
from memsync.format.segment import Contents
from memsync.sync.keys import OwnerKeys
from memsync.sync.reachable import with_since_blocks
from memsync.sync.sealing import Forgotten, seal_scope
from memsync.sync.seats import without_devices
from memsync.sync.standing import Fetch, catalog_of
from memsync.sync.wishes import GrantWish, Wishes


@dataclass(frozen=True, slots=True)
class Renewal:
    """A new generation: the keys ``before``, the ids of the ``devices`` that go (None: all but this one), and whether every grant is made
    anew, for the chain has ended them (``all_grants``), or those that may write."""

    before: OwnerKeys
    devices: frozenset[bytes] | None
    all_grants: bool


@dataclass(slots=True)
class ScopeState:
    """A scope while the next root is made: what the owner block will say of it, the keys of its epochs, and what its entry will say."""

    scope: Scope
    keys: tuple[EpochKey, ...]
    catalog: CatalogRoot | None
    lockbox: Ref | None
    count: int


@dataclass(slots=True)
class Composition:
    """The next root, as far as it is made. ``leaves``: of the witness; ``contents``: how new segments are known again, by digest;
    ``shares``: what the chain is told of the new grants; ``since``: the since blocks made, by grant."""

    keys: OwnerKeys
    fetch: Fetch
    random: Random
    sequence: int
    owner: Owner
    scopes: dict[bytes, ScopeState]
    blocks: dict[bytes, Block] = field(default_factory=dict)
    leaves: list[bytes] = field(default_factory=list)
    contents: dict[bytes, Contents] = field(default_factory=dict)
    rotated: set[str] = field(default_factory=set)
    shares: list[Share] = field(default_factory=list)
    since: list[tuple[bytes, Since]] = field(default_factory=list)

    def add(self, *blocks: Block) -> None:
        self.blocks.update((block.digest, block) for block in blocks)

    def look(self, digest: bytes) -> bytes:
        return self.blocks[digest].data if digest in self.blocks else self.fetch(digest)

    def rotate(self, scope_id: bytes) -> None:
        """Begin a new epoch: a fresh key, and a lockbox with every earlier one."""
        state = self.scopes[scope_id]
        epoch = new_epoch(state.scope.epoch.number + 1, self.random)
        block, state.lockbox = seal_lockbox(
            epoch, state.keys, vault=self.keys.vault, scope=scope_id, random=self.random
        )
        self.add(block)
        state.scope = dataclasses.replace(state.scope, epoch=epoch)
        state.keys = (*state.keys, epoch)
        self.rotated.add(state.scope.name)

    def seal(self, wishes: Wishes, forgotten: Mapping[bytes, Forgotten]) -> None:
        """Seal what waits in the journal, scope by scope, and rewrite what still has the forgotten."""
        for scope_id in sorted({*wishes.records, *forgotten}):
            state = self.scopes.get(scope_id)
            if state is None:
                raise InputError(
                    f"memories wait for scope {scope_id.hex()[:8]}, which this vault does not have"
                )
            contents = tuple(key.content for key in state.keys)
            sealed = seal_scope(
                catalog_of(scope_id, contents, vault=self.keys.vault, fetch=self.look),
                state.catalog,
                wishes.records.get(scope_id, ()),
                key=contents[-1],
                sequence=self.sequence,
                forgotten=forgotten.get(scope_id, {}),
                random=self.random,
            )
            state.catalog, state.count = sealed.catalog, sealed.count
            self.add(*sealed.blocks)
            self.leaves += sealed.leaves
            self.contents |= {one.row.ref.digest: one for one in sealed.contents}

    def renew(self, renewal: Renewal, device: Device | None) -> None:
        """Begin the generation of the keys: without the devices that go, with what later devices need of the generation before."""
        earlier = EarlierGeneration.of(renewal.before.generation)
        moved = self.keys.locator_number != renewal.before.locator_number
        owner = without_devices(self.owner, renewal.devices, but=None if device is None else device.id)
        self.owner = dataclasses.replace(
            owner,
            generation=self.keys.generation.number,
            locator=self.keys.locator_number,
            pointer=0 if moved else owner.pointer,
            earlier=(*owner.earlier, earlier),
        )

    def give_again(self, old: Grant) -> Grant:
        """The same grant anew, with an envelope of now: to the new letter box, with the present keys. It reads from where it did."""
        wish = GrantWish(
            wish=old.id[:16],
            name=old.name,
            account=old.account,
            box=old.box,
            author=old.author,
            request=None,
            scope=old.scope,
            rights=old.rights,
            start=old.start,
            end=old.end,
            from_now=old.since is not None,
        )
        return self.give(wish, since=old.since)

    def give(self, wish: GrantWish, *, since: int | None = None) -> Grant:
        """Make the grant that was wished for: envelope first, since the chain's id of the grant hangs on its digest. ``since``: of one that
        reads from now on, the first epoch if that is not the present one."""
        state = self.scopes[wish.scope]
        reads, writes = bool(wish.rights & READ), bool(wish.rights & WRITE)
        secret = PairwiseSecret.generate(random=self.random)
        pointer = self.owner.pointer
        epoch = state.scope.epoch
        block = seal_envelope(
            Envelope(
                chain_id=self.keys.chain_id,
                contract=self.keys.contract,
                owner=self.keys.owner,
                generation=self.keys.generation.number,
                request=wish.request,
                rights=wish.rights,
                start=wish.start,
                end=wish.end,
                scope=wish.scope,
                scope_name=state.scope.name,
                secret=secret,
                places=wish.places,
                box=self.keys.generation.box().public if writes else None,
                pointer=PointerKey(pointer, self.keys.locator.pointer_key(pointer)) if reads else None,
                key=(epoch.content if wish.from_now else epoch) if reads else None,
            ),
            wish.box,
        )
        self.add(block)
        grant = Grant(
            id=secret.grant_id(self.keys.vault, wish.scope, block.digest),
            name=wish.name,
            account=wish.account,
            box=wish.box,
            author=wish.author,
            scope=wish.scope,
            rights=wish.rights,
            start=wish.start,
            end=wish.end,
            secret=secret,
            envelope=block.digest,
            since=(epoch.number if since is None else since) if wish.from_now and reads else None,
            acknowledged=0,
        )
        self.owner = dataclasses.replace(self.owner, grants=(*self.owner.grants, grant))
        self.shares.append(Share(grant.id, wish.start, wish.end, wish.rights))
        return grant

    def seal_access(self) -> Ref:
        """Box every reader's and device's slot anew, and note for the owner where the since blocks are, which only the slots say."""
        seats: list[Reader | DeviceSeat] = [
            DeviceSeat(device.box, self.keys.generation) for device in self.owner.devices
        ]
        seats += [self._seat(grant) for grant in self.owner.grants if grant.rights & READ]
        key = self.keys.locator.pointer_key(self.owner.pointer)
        block, ref = seal_access(key, seats, vault=self.keys.vault, random=self.random)
        self.add(block)
        self.owner = with_since_blocks(self.owner, self.since)
        return ref

    def _seat(self, grant: Grant) -> Reader:
        state = self.scopes[grant.scope]
        if grant.since is None:
            return Reader(
                grant.box, grant.id, grant.scope, WithHistory(state.scope.epoch, grant.acknowledged)
            )
        current = state.scope.epoch.content
        earlier = [key.content for key in state.keys if grant.since <= key.number < current.number]
        since = None
        if earlier:
            block, since = seal_since(
                earlier,
                current=current,
                vault=self.keys.vault,
                scope=grant.scope,
                random=self.random,
            )
            self.add(block)
            self.since.append((grant.id, since))
        return Reader(grant.box, grant.id, grant.scope, FromNowOn(current, since, grant.acknowledged))

    def entries(self) -> list[ScopeEntry]:
        return [
            ScopeEntry(
                state.scope.id,
                state.scope.epoch.content,
                Entry(state.scope.epoch.number, state.catalog, state.lockbox, state.count),
            )
            for state in self.scopes.values()
        ]
