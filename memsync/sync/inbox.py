"""The way back: what tools propose, from their parcel to the person's review.

A tool seals drafts to the vault's letter box and places the sealed pointer in its grant's inbox on the chain. A device of the owner
follows it, verifies every signature and keeps the drafts for review; nothing becomes a memory here.
"""

from __future__ import annotations

from dataclasses import dataclass

from memsync.chain.calls import Submit, sign_call
from memsync.chain.registry import GrantState, Receipt, Registry, Snapshot
from memsync.crypto.ed25519 import AuthorKey
from memsync.crypto.pointer import open_parcel_pointer, seal_parcel_pointer
from memsync.device.pending import Pending
from memsync.device.proposals import Proposals, Proposed
from memsync.device.puts import Parcel
from memsync.errors import BlockMissing, IntegrityError, StorageError
from memsync.format.envelope import Envelope
from memsync.format.owner import Grant
from memsync.format.parcel import Inbox, read_parcel, seal_parcel
from memsync.format.rights import WRITE
from memsync.store.port import BlockStore
from memsync.sync.keys import OwnerKeys
from memsync.sync.replica import Replica
from memsync.sync.standing import Standing
from memsync.sync.wishes import wish_acknowledgement

DEADLINE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Collected:
    """What came in: how many proposals are new, and for each grant whose parcel could not be taken in, its name and why."""

    new: int
    refused: tuple[tuple[str, str], ...]


def collect(replica: Replica, keys: OwnerKeys, snapshot: Snapshot, standing: Standing) -> Collected:
    """Take in the last parcel of every grant that may write.

    A parcel that is missing, altered or not by the tool is refused as a whole and named; the others are taken in all the same. That of a
    muted grant is left where it is.
    """
    proposals, muted = Proposals(replica.database), Pending(replica.database).muted()
    new, refused = 0, []
    for grant in standing.owner.grants:
        state = snapshot.grants[grant.id]
        if grant.id in muted or not grant.rights & WRITE or state.parcels <= _taken(replica, grant):
            continue
        try:
            digest, found = _open(replica, keys, grant, state)
        except (IntegrityError, BlockMissing) as err:
            refused.append((grant.name, str(err)))
            continue
        with replica.database.transaction():
            new += proposals.add_many(found)
            replica.meta.put(_mark(grant), state.parcels.to_bytes(4, "big"))
            replica.puts.note_parcel(Parcel(grant.id, state.parcels, digest))
            wish = wish_acknowledgement(grant.id, state.parcels, created=replica.now_ms())
            replica.journal.append(wish.kind, wish.payload, created=wish.created)
    return Collected(new, tuple(refused))


def submit_parcel(
    proposed: list[Proposed],
    *,
    envelope: Envelope,
    grant_id: bytes,
    grant_salt: bytes,
    state: GrantState,
    author: AuthorKey,
    registry: Registry,
    store: BlockStore,
    now: int,
) -> tuple[int, Receipt]:
    """Seal these drafts in one parcel, have it stored, and place its pointer; returns the parcel's number and the receipt.

    The one-time key of the grant signs, so the tool's known account stands nowhere on the chain.
    """
    if envelope.box is None:
        raise IntegrityError(f"the grant to {envelope.scope_name!r} has no letter box")
    number = state.parcels + 1
    inbox = Inbox(envelope.chain_id, envelope.contract, envelope.vault, grant_id, number)
    block = seal_parcel(
        [(one.id, one.draft) for one in proposed], inbox=inbox, author=author, box=envelope.box
    )
    store.put_many([(block.cid, block.data)])
    if block.cid not in store.has_many([block.cid]):
        raise StorageError(f"{store.place} did not keep the parcel; nothing was submitted, propose again")
    sealed = seal_parcel_pointer(envelope.secret.secret, grant_id, number, block.digest)
    grantee = envelope.secret.grantee()
    call = Submit(
        grantee.address,
        envelope.vault,
        envelope.secret.blinded_scope(envelope.scope),
        grant_salt,
        state.parcels,
        sealed.salt_int,
        sealed.pointer,
    )
    signed = sign_call(
        call, grantee, now + DEADLINE_SECONDS, chain_id=envelope.chain_id, contract=envelope.contract
    )
    return number, registry.send(signed)


def _open(replica: Replica, keys: OwnerKeys, grant: Grant, state: GrantState) -> tuple[bytes, list[Proposed]]:
    """The digest of the last parcel, and what it proposes."""
    salt = state.parcel_salt.to_bytes(6, "big")
    digest = open_parcel_pointer(grant.secret.secret, grant.id, state.parcels, salt, state.parcel)
    inbox = Inbox(keys.chain_id, keys.contract, keys.vault, grant.id, state.parcels)
    parcel = read_parcel(
        replica.fetch(digest), digest=digest, inbox=inbox, author=grant.author, key=keys.generation.box()
    )
    return digest, [
        Proposed(grant.id, state.parcels, one.id, parcel.author, one.draft, one.signature, replica.now_ms())
        for one in parcel.proposals
    ]


def _mark(grant: Grant) -> str:
    return "inbox:" + grant.id.hex()


def _taken(replica: Replica, grant: Grant) -> int:
    return max(int.from_bytes(replica.meta.get(_mark(grant)) or b"\0", "big"), grant.acknowledged)
