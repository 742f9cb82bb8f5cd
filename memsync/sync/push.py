"""Having what waits in the journal stored, then committed: in this order, so that a crash anywhere loses nothing.

Each round: read vault and grants at one block; take in what others committed; compose on that; put all blocks and have the store confirm
them; record the signed call; send it. Who loses the race pulls and composes anew. An attempt whose receipt never came is sent again with
the same bytes. The commit that landed is then read back the way every reader reads it, but that records in the very bytes that this push
sealed are not read a second time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from memsync.chain.calls import (
    Commit,
    CommitAndShare,
    Open,
    SignedCall,
    decode_signed,
    encode_signed,
    sign_call,
)
from memsync.chain.registry import Receipt as SentReceipt
from memsync.chain.registry import Snapshot
from memsync.collector import many_values
from memsync.crypto.tree import RootKey
from memsync.device.attempts import Attempt
from memsync.errors import (
    BlockMissing,
    CallRefused,
    ChainError,
    ChainUnreachable,
    FormatError,
    LockedError,
    PayerError,
    Stale,
    StorageError,
)
from memsync.format.block import Block
from memsync.format.owner import Grant, Owner
from memsync.format.rights import READ
from memsync.format.segment import Contents
from memsync.ipld.cid import CID, RAW
from memsync.progress import tell
from memsync.sync.compose import Composed, compose
from memsync.sync.composition import Renewal
from memsync.sync.devices import this_device
from memsync.sync.granted import known_grants
from memsync.sync.keys import OwnerKeys
from memsync.sync.pull import take_in
from memsync.sync.removal import Removal, forget_removal, next_call, removal_under_way
from memsync.sync.replica import WORDS, Replica
from memsync.sync.seats import replaced_grants
from memsync.sync.settling import read_earlier, waiting, weigh
from memsync.sync.standing import Standing
from memsync.sync.wishes import RECORD, Wishes, fulfilled, read_wishes

ROUNDS = 30
DEADLINE_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a push did. ``sequence`` 0: nothing waited and nobody had ended, so nothing was written.

    ``memories``: records sealed; ``blocks``, ``size``: how many, and bytes, were put; ``transaction`` hash, ``gas_used`` and ``payer`` of
    its last call; ``rotated``: names of scopes that began a new epoch; ``grants``: those made, by wish; ``replaced``: those made in place
    of others, by the old one's id; ``rounds``: 1 unless races were lost; ``final``: whether the head is, and has what was sent.
    """

    sequence: int = 0
    memories: int = 0
    blocks: int = 0
    size: int = 0
    transaction: bytes = b""
    gas_used: int = 0
    payer: bytes = b""
    rotated: tuple[str, ...] = ()
    grants: Mapping[bytes, Grant] = field(default_factory=dict)
    replaced: Mapping[bytes, Grant] = field(default_factory=dict)
    rounds: int = 0
    final: bool = True


@many_values()
def push(
    replica: Replica, first_owner: Owner, *, only: Collection[str] | None = None, though_moved: bool = False
) -> Receipt:
    """Push everything that waits; opens the vault on chain if it is not there yet, with ``first_owner`` in its owner block.

    ``only``: of what waits, these kinds of entries. ``though_moved``: also where the owner block says that the vault lives elsewhere now.
    Raises ``ChainError`` and its kin, ``StorageError``, ``IntegrityError`` and its kin. Whatever is raised, the journal still holds what
    was not committed, and the same push can simply be repeated.
    """
    replica.offered.clear()
    keys = replica.keys()
    if keys is None:
        raise ChainError("the vault is not bound to a chain yet")
    done, made = Receipt(), dict[bytes, Contents]()
    for number in range(1, ROUNDS + 1):
        snapshot = replica.registry.snapshot(keys.vault, [grant.id for grant in known_grants(replica)])
        pulled, standing = take_in(replica, keys, snapshot, though_moved=though_moved, made=made)
        if standing is None and done.sequence:
            raise ChainUnreachable(
                "the RPC says that the vault was opened, and does not show it; nothing is lost: wait a moment and push again, or try "
                "another RPC"
            )
        if standing is not None and {grant.id for grant in standing.owner.grants} != snapshot.grants.keys():
            continue
        keys = keys if standing is None else standing.keys
        try:
            removal = removal_under_way(replica)
            if standing is None or removal is None or removal.generation <= standing.root.generation:
                removal = None
            elif _prepare(replica, removal, snapshot):
                continue
            sent = _round(replica, keys, snapshot, standing, first_owner, only, removal, made)
        except CallRefused as refused:
            if _was_slower(refused):
                continue
            raise
        if sent is None:
            return replace(done, rounds=number, final=pulled.final)
        done = _joined(done, sent, number)
        if standing is not None:
            snapshot = replica.registry.snapshot(keys.vault)
            after, _ = take_in(replica, keys, snapshot, though_moved=though_moved, made=made)
            return replace(done, final=after.final and after.sequence >= done.sequence)
    raise ChainError(f"other devices were faster {ROUNDS} times in a row; nothing is lost, push again")


def _round(
    replica: Replica,
    keys: OwnerKeys,
    snapshot: Snapshot,
    standing: Standing | None,
    first_owner: Owner,
    only: Collection[str] | None,
    removal: Removal | None,
    made: dict[bytes, Contents],
) -> Receipt | None:
    """One attempt; how the segments that it seals are known again is noted in ``made``. None if there is nothing to do; ``CallRefused`` if
    somebody was faster."""
    now = replica.time_to_sign(snapshot)
    replica.note_time(snapshot)
    wishes = _wanted(replica, standing, now, only)
    ended, reset = _ended(snapshot, standing, now)
    renewal = None
    if removal is not None:
        # Grants that ended with the epoch of a stolen device are made anew.
        for grant in _ended_by(removal, snapshot, now):
            ended.pop(grant, None)
        renewal = Renewal(keys, removal.devices, all_grants=removal.epoch is not None)
        keys = removal.keys
    again = None if ended or renewal else _attempt_to_repeat(replica, keys, standing, wishes, now)
    if again is not None:
        signed = decode_signed(again.call)
        return _send(replica, again, signed, Receipt(sequence=again.sequence, memories=wishes.count))
    composed = compose(
        standing,
        keys,
        wishes,
        fetch=replica.fetch,
        ended=ended,
        grant_epoch_moved=reset,
        forgotten={scope.id: replica.memories.forgotten_in(scope.id) for scope in replica.scopes.all()}
        if standing
        else {},
        first_owner=first_owner,
        device=this_device(replica),
        renewal=renewal,
        random=replica.random,
    )
    if composed is None:
        return None
    made.clear()
    made.update(composed.contents)
    replica.offered |= {wish.scope for wish in wishes.grants if wish.rights & READ}
    replica.puts.note((block.digest for block in composed.blocks), at=replica.now_ms())
    replica.store.put_many(_told(composed.blocks))
    _confirm(replica, [block.digest for block in composed.blocks])
    signed = _sign(replica, keys, composed, now + DEADLINE_SECONDS)
    attempt = replica.attempts.begin(
        sequence=composed.sequence,
        root=composed.root,
        call=encode_signed(signed),
        blocks=[block.digest for block in composed.blocks],
        entries=wishes.ordinals,
        deadline=signed.deadline,
        created=replica.now_ms(),
    )
    return _send(
        replica,
        attempt,
        signed,
        Receipt(
            sequence=composed.sequence,
            memories=wishes.count,
            blocks=len(composed.blocks),
            size=sum(len(block.data) for block in composed.blocks),
            rotated=composed.rotated,
            grants=composed.grants,
            replaced=composed.replaced,
        ),
    )


def _prepare(replica: Replica, removal: Removal, snapshot: Snapshot) -> bool:
    """Make the call that a removal needs before its push; whether there was one."""
    state, now = snapshot.vault, replica.time_to_sign(snapshot)
    if state is None:
        return False
    call = next_call(removal, state, now=now)
    if call is not None and call.deadline > now:
        try:
            replica.registry.send(call)
        except CallRefused:  # of two devices that begin one, each looks again
            after = replica.registry.snapshot(removal.keys.vault).vault
            if after is None or (after.signer, after.grant_epoch) == (state.signer, state.grant_epoch):
                raise
        return True
    if call is None and state.signer == removal.signer:
        return False
    with replica.database.transaction():
        forget_removal(replica)
    raise ChainError(
        "the removal of a device did not reach the chain in time, and nothing was changed; say `memsync device remove` again"
    )


def _ended_by(removal: Removal, snapshot: Snapshot, now: int) -> set[bytes]:
    """The grants that the end of a stolen device's epoch ended, and nothing else."""
    return {
        grant
        for grant, state in snapshot.grants.items()
        if state.known and not state.revoked and state.epoch == removal.epoch and now < state.end
    }


def _told(blocks: Sequence[Block]) -> Iterator[tuple[CID, bytes]]:
    for done, block in enumerate(blocks):
        tell("storing blocks", done, len(blocks))
        yield block.cid, block.data
    tell("sending to the chain", len(blocks), len(blocks))


def _wanted(replica: Replica, standing: Standing | None, now: int, only: Collection[str] | None) -> Wishes:
    """What waits, without what the head has already and without texts that have been forgotten since."""
    entries = [entry for entry in waiting(replica) if only is None or entry.kind in only]
    done = set() if standing is None else fulfilled(entries, standing.owner, now)
    records = replica.journal.read(kind=RECORD) if only is None or RECORD in only else ()
    wishes = read_wishes(
        chain(
            (entry for entry in entries if entry.ordinal not in done),
            (entry for entry, wanted in weigh(replica, records) if wanted),
        ),
        without_grants=standing is None,
        now=now,
    )
    if standing is not None and wishes.revocations:
        later = replaced_grants(standing.owner)
        wishes.revocations[:] = [later.get(grant, grant) for grant in wishes.revocations]
    return wishes


def _ended(snapshot: Snapshot, standing: Standing | None, now: int) -> tuple[dict[bytes, bool], bool]:
    """The grants of the owner block that hold no more ``now``, and whether ``revokeAll`` has ended some.

    True for one that is revoked before its time, by the RPC's word: the end is written anew, so that a lie comes true and no grant stands
    on chain that the owner believes to have ended. ``ChainUnreachable`` for one that is not as this vault made it.
    """
    if standing is None or snapshot.vault is None:
        return {}, False
    gone: dict[bytes, bool] = {}
    reset = False
    for grant in standing.owner.grants:
        state = snapshot.grants[grant.id]
        terms = (state.start, state.end, state.rights)
        if not state.revoked and terms != (grant.start, grant.end, grant.rights):
            raise ChainUnreachable(
                f"the RPC shows the grant to {grant.name} otherwise than it was made; nothing was changed, try another RPC"
            )
        stale = state.epoch != snapshot.vault.grant_epoch
        if state.revoked or stale or now >= grant.end:
            gone[grant.id] = state.revoked and not stale and now < grant.end
            reset = reset or stale
    return gone, reset


def _attempt_to_repeat(
    replica: Replica, keys: OwnerKeys, standing: Standing | None, wishes: Wishes, now: int
) -> Attempt | None:
    """The live attempt that would do exactly what is to be done now, if it can still land.

    It must have been made on this very head: the contract compares numbers only, and an undone root may have had the same.
    """
    sequence = 1 if standing is None else standing.state.sequence + 1
    for attempt in replica.attempts.at(sequence):
        held = replica.journal.of_attempt(attempt.number)
        if not held or held != set(wishes.ordinals) or now >= attempt.deadline:
            continue
        if _holds(replica, attempt.blocks) and _made_on(replica, keys, standing, attempt):
            return attempt
    return None


def _made_on(replica: Replica, keys: OwnerKeys, standing: Standing | None, attempt: Attempt) -> bool:
    if standing is None:
        return True
    call = decode_signed(attempt.call).call
    if isinstance(call, (Commit, CommitAndShare)) and call.grant_epoch != standing.state.grant_epoch:
        return False
    try:
        root, _ = read_earlier(replica, keys, attempt.root, attempt.sequence, standing.owner.pointer + 1)
    except (BlockMissing, FormatError):
        return False
    return root.previous == standing.root.digest


def _confirm(replica: Replica, digests: Collection[bytes]) -> None:
    """Have the store say that it holds every block: a commit must never point to what isn't there."""
    if not _holds(replica, digests):
        raise StorageError(
            f"{replica.store.place} took {len(digests)} blocks and has not all of them; nothing was committed, push again"
        )


def _holds(replica: Replica, digests: Collection[bytes]) -> bool:
    wanted = {CID(RAW, digest) for digest in digests}
    return wanted <= replica.store.has_many(wanted)


def _sign(replica: Replica, keys: OwnerKeys, composed: Composed, deadline: int) -> SignedCall:
    signer = keys.generation.signer()
    if isinstance(composed.call, Open):
        secret = replica.meta.get(WORDS)
        if secret is None:
            raise LockedError("opening the vault on a chain needs its words: restore it from them first")
        signer = RootKey(secret).owner(keys.chain_id, keys.contract, keys.number)
    return sign_call(composed.call, signer, deadline, chain_id=keys.chain_id, contract=keys.contract)


def _send(replica: Replica, attempt: Attempt, signed: SignedCall, done: Receipt) -> Receipt:
    replica.attempts.sent(attempt.number, at=replica.now_ms())
    try:
        sent: SentReceipt = replica.registry.send(signed)
    except (CallRefused, PayerError) as refused:
        # Nothing was sent now. A call that was only too slow can still land if the chain undoes blocks, and then it is welcome to.
        slower = isinstance(refused, CallRefused) and _was_slower(refused)
        if attempt.sent is None and not slower:
            replica.attempts.drop(attempt.number)
        raise
    replica.attempts.sent(attempt.number, at=replica.now_ms(), proof=sent.transaction)
    return replace(done, transaction=sent.transaction, gas_used=sent.gas_used, payer=sent.payer)


def _was_slower(refused: CallRefused) -> bool:
    """Whether another call, perhaps an earlier one of ours, was mined first."""
    return isinstance(refused, Stale) or refused.name == "VaultExists"


def _joined(before: Receipt, now: Receipt, rounds: int) -> Receipt:
    """Two calls of one push (opening, then sharing) as one receipt."""
    return Receipt(
        sequence=now.sequence,
        memories=before.memories + now.memories,
        blocks=before.blocks + now.blocks,
        size=before.size + now.size,
        transaction=now.transaction,
        gas_used=before.gas_used + now.gas_used,
        payer=now.payer,
        rotated=tuple(sorted({*before.rotated, *now.rotated})),
        grants={**before.grants, **now.grants},
        replaced={**before.replaced, **now.replaced},
        rounds=rounds,
    )
