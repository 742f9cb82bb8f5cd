"""What is decided: which of this device's pushes the head builds on, and which a final head has made for good.

A commit lands long before it is final, and until then the chain may undo it. So an attempt is one of three things: it may still land; it
has *landed*, its root lies on the line of roots back from the head, and what it asked for stands and is not asked for again; or it
is *final*, and its entries leave the journal. In come a verified head and the chain's final one; out come changes of the journal and the
attempts, made in the caller's transaction. Nothing is decided by an answer that doesn't fit the head: the next one will.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from memsync.chain.calls import CommitAndShare, decode_signed
from memsync.chain.registry import VaultState
from memsync.device.attempts import Attempt
from memsync.device.heads import Head
from memsync.device.journal import Entry
from memsync.device.rows import Identity
from memsync.errors import BlockMissing, FormatError
from memsync.format.fields import as_bytes, as_list, as_uint
from memsync.format.owner import Owner
from memsync.format.records import identity_of
from memsync.format.root import Root, read_root
from memsync.ipld.dagcbor import decode, encode
from memsync.sync.keys import OwnerKeys
from memsync.sync.replica import POINTER, TAKEN, Replica
from memsync.sync.standing import Fetch, Place, Standing, distinct_locators, find_root, owner_of
from memsync.sync.wishes import RECORD, fulfilled

LINE, LANDED = "line", "landed"
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """Digests of the roots from the head back, by sequence; ``whole``: as far as the oldest attempt that may have made one."""

    roots: dict[int, bytes]
    whole: bool

    def has(self, attempt: Attempt, standing: Standing) -> bool:
        """Whether the head builds on this attempt. Where the line is broken, what the owner block says of its grants tells."""
        if self.whole or attempt.sequence in self.roots:
            return self.roots.get(attempt.sequence) == attempt.root
        call = decode_signed(attempt.call).call
        shared = {share.grant_id for share in call.grants} if isinstance(call, CommitAndShare) else set()
        return bool(shared & {grant.id for grant in standing.owner.grants})


def walk_back(replica: Replica, standing: Standing) -> Line:
    """The line back from the head. What was walked before is not read again; a root that no store has any more ends it early."""
    root, k = standing.root, standing.owner.pointer
    found = {root.sequence: root.digest}
    waiting = [attempt.sequence for attempt in replica.attempts.live() if attempt.sequence < root.sequence]
    oldest = min(waiting, default=root.sequence)
    before = _walked(replica)
    for sequence in range(root.sequence - 1, oldest - 1, -1):
        if root.previous is None:
            break
        found[sequence] = root.previous
        if before.get(sequence) == root.previous and oldest in before:
            found |= {known: digest for known, digest in before.items() if oldest <= known < sequence}
            break
        if sequence == oldest:
            break
        try:
            root, k = read_earlier(replica, standing.keys, root.previous, sequence, k)
        except (BlockMissing, FormatError):
            break
    return Line(found, whole=oldest in found)


def read_earlier(
    replica: Replica,
    keys: OwnerKeys,
    digest: bytes,
    sequence: int,
    pointer: int,
    *,
    fetch: Fetch | None = None,
) -> tuple[Root, int]:
    """A root of an earlier sequence, and the number of its pointer key: ``pointer`` or one before, or any of an earlier locator.
    ``fetch``: by another way than the replica's.

    Raises ``BlockMissing`` and ``FormatError``.
    """
    data = (fetch or replica.fetch)(digest)
    for one in distinct_locators(keys):
        for k in range(pointer if one.locator == keys.locator else sequence, -1, -1):
            try:
                root = read_root(
                    data,
                    digest=digest,
                    pointer_key=one.locator.pointer_key(k),
                    chain_id=keys.chain_id,
                    contract=keys.contract,
                    vault=keys.vault,
                    sequence=sequence,
                )
            except FormatError as refused:
                if refused.fault != "key":
                    raise
            else:
                return root, k
    raise FormatError("root", "key", f"no pointer key up to {pointer} opens the root of sequence {sequence}")


def head_taken(replica: Replica, keys: OwnerKeys) -> tuple[Root, Owner] | None:
    """The root that was last taken in and its owner block, from the store alone; None before the first.

    Raises ``BlockMissing`` and ``FormatError``.
    """
    taken, pointer = replica.meta.get(TAKEN), int.from_bytes(replica.meta.get(POINTER) or b"\0", "big")
    for sequence, digest in _walked(replica).items():
        if digest == taken:
            root, _ = read_earlier(replica, keys, digest, sequence, pointer)
            return root, owner_of(root, keys, replica.fetch)
    return None


def final_head(replica: Replica, standing: Standing, line: Line, final: VaultState | None) -> Head | None:
    """The final head, if the present one builds on it; None if the two answers don't fit together, or nothing is final yet."""
    head, keys = standing.state, standing.keys
    if final is None or final.sequence > head.sequence:
        return None
    if final.sequence == head.sequence:
        known = (final.pointer, final.salt) == (head.pointer, head.salt)
        return Head(head.sequence, standing.root.digest, standing.root.generation) if known else None
    place = find_root(final, keys, likely=standing.owner.pointer)
    if line.roots.get(final.sequence, place.digest) != place.digest:
        return None
    return Head(final.sequence, place.digest, _generation(replica, keys, final.sequence, place))


def _generation(replica: Replica, keys: OwnerKeys, sequence: int, place: Place) -> int:
    """The generation of an earlier root: that of the keys, unless the step to it is not final yet."""
    if keys.before is None:
        return keys.generation.number
    try:
        return read_earlier(replica, keys, place.digest, sequence, place.k)[0].generation
    except (BlockMissing, FormatError):
        return keys.before.generation.number


def settle(
    replica: Replica,
    standing: Standing,
    line: Line,
    final: Head | None,
    *,
    now: int,
    keep: Collection[Identity] = (),
) -> None:
    """Note what has landed; let go of what is final, but for records of the memories to ``keep``, by scope and id."""
    landed = [attempt for attempt in replica.attempts.live() if line.has(attempt, standing)]
    if final is not None:
        roots = {final.root, *line.roots.values(), *(attempt.root for attempt in landed)}
        replica.attempts.settle(final.sequence, roots)
        landed = [attempt for attempt in landed if attempt.sequence > final.sequence]
    replica.meta.put(LANDED, encode([attempt.number for attempt in landed]))
    replica.meta.put(LINE, encode([[sequence, digest] for sequence, digest in sorted(line.roots.items())]))
    if final is not None and final.root == standing.root.digest:
        replica.journal.remove(_done(replica, standing, now, keep))


def unsettle(replica: Replica) -> None:
    """No head is there: nothing has landed."""
    replica.meta.delete(LANDED)
    replica.meta.delete(LINE)


def waiting(replica: Replica) -> list[Entry]:
    """The journal but for its records, without what the head has by this device's own pushes; all of it when the chain has undone them.

    Whether the head has a record, its segments tell: see ``weigh``.
    """
    landed = {ordinal for number in _landed(replica) for ordinal in replica.journal.of_attempt(number)}
    return [entry for entry in replica.journal.read(other_than=RECORD) if entry.ordinal not in landed]


def weigh(replica: Replica, entries: Iterable[Entry]) -> Iterator[tuple[Entry, bool]]:
    """Entries of records, each with whether it is still to be brought: no held segment has it, and it has not been forgotten since."""
    source = iter(entries)
    while page := list(islice(source, _PAGE)):
        asked: dict[bytes, list[Identity]] = {}
        named = [(entry, entry.scope or b"", identity_of(entry.payload, what="journal")) for entry in page]
        for _, scope, identity in named:
            asked.setdefault(scope, []).append(identity)
        left = {scope: replica.memories.unreached_among(scope, some) for scope, some in asked.items()}
        for entry, scope, identity in named:
            yield entry, identity in left[scope]


def _done(replica: Replica, standing: Standing, now: int, keep: Collection[Identity]) -> list[int]:
    """The entries that a final head has, whoever brought them, and those that nobody wants any more."""
    done = [*fulfilled([*replica.journal.read(other_than=RECORD)], standing.owner, now)]
    known = {scope.id for scope in standing.owner.scopes}
    records = (entry for entry in replica.journal.read(kind=RECORD) if entry.scope in known)
    return done + [
        entry.ordinal
        for entry, wanted in weigh(replica, records)
        if not wanted and not (keep and (entry.scope, identity_of(entry.payload, what="journal")[0]) in keep)
    ]


def _landed(replica: Replica) -> list[int]:
    data = replica.meta.get(LANDED)
    rows = [] if data is None else as_list(decode(data), what="database", name="landed")
    return [as_uint(row, 53, what="database", name="attempt") for row in rows]


def _walked(replica: Replica) -> dict[int, bytes]:
    data = replica.meta.get(LINE)
    found = {}
    for row in [] if data is None else as_list(decode(data), what="database", name="line"):
        sequence, digest = as_list(row, 2, what="database", name="root")
        found[as_uint(sequence, 32, what="database", name="sequence")] = as_bytes(
            digest, 32, what="database", name="root"
        )
    return found
