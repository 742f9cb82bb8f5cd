"""Looking whether a vault is whole: chain, head, root, every block in every place, and what this device holds. Only reads.

In comes a replica, out come findings, each with the command that mends it; nothing raises for what is found. A mirror's places are read one
by one and past its own repairs, which would hide what they mend. What waits is no fault and is said all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from memsync.chain.registry import VaultState
from memsync.device.inventory import Inventory
from memsync.errors import (
    BlockMissing,
    ChainError,
    DeviceRemoved,
    Forked,
    FormatError,
    IntegrityError,
    LockedError,
    MemSyncError,
    PointerInvalid,
    RolledBack,
    SignatureInvalid,
    StorageError,
    VaultMoved,
)
from memsync.format.owner import Owner
from memsync.format.root import Root
from memsync.ipld.cid import CID, RAW
from memsync.store.mirror import places_of
from memsync.store.port import BlockStore, get_block
from memsync.sync.comparison import compare_scope, open_access
from memsync.sync.forwarding import moved_to
from memsync.sync.keys import OwnerKeys
from memsync.sync.reachable import Needed, needed_beside_scopes, needed_by_scope
from memsync.sync.removal import removal_under_way
from memsync.sync.replica import TAKEN, Replica
from memsync.sync.settling import head_taken
from memsync.sync.standing import read_standing

PUSH, PULL, REPAIR, RESTORE = "memsync push", "memsync pull", "memsync store repair", "memsync restore"
CHAIN, MOVE = "memsync chain use NETWORK", "memsync chain move"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, the command that mends it or goes on, and whether it is ``wrong`` or only waits."""

    what: str
    next: str
    wrong: bool = True


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found; how many blocks the root needs, and how many of them were read whole and are what their names say."""

    findings: tuple[Finding, ...]
    blocks: int
    checked: int

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not any(finding.wrong for finding in self.findings)


def verify(replica: Replica, *, deep: bool = False) -> Verification:
    """Look at everything that can be looked at. ``deep``: read every block in every place, open all, and compare with this device.

    Without a registry only what store and device have; a finding says so.
    """
    looking = _Looking(replica)
    keys = replica.keys()
    if keys is None:
        looking.note("the vault is on no chain yet: nothing of it is in blocks", PUSH)
    else:
        head = looking.head(keys)
        if head is not None:
            needed = looking.needed(keys, *head)
            looking.places(needed, deep=deep)
            if deep:
                looking.open(keys, *head)
    looking.waiting()
    return Verification(tuple(looking.findings), len(looking.blocks), len(looking.whole & looking.blocks))


@dataclass(slots=True)
class _Looking:
    """One verification while it is made."""

    replica: Replica
    findings: list[Finding] = field(default_factory=list)
    blocks: set[bytes] = field(default_factory=set)
    whole: set[bytes] = field(default_factory=set)

    def wrong(self, what: str, then: str) -> None:
        self.findings.append(Finding(what, then))

    def note(self, what: str, then: str) -> None:
        self.findings.append(Finding(what, then, wrong=False))

    def caught(self, error: MemSyncError, where: str = "") -> None:
        """What was raised becomes a finding, each thing once."""
        found = Finding(where + str(error), _mends(error))
        if found not in self.findings:
            self.findings.append(found)

    # ------------------------------------------------------------------ chain and head

    def head(self, keys: OwnerKeys) -> tuple[Root, Owner] | None:
        """The root to look at and its owner block; None where none can be read."""
        at = self.replica
        if not at.has_registry:
            self.note("no chain was asked: only this device and its store were looked at", CHAIN)
            try:
                return head_taken(at, keys)
            except MemSyncError as error:
                self.caught(error)
                return None
        here = (at.registry.chain_id, at.registry.contract)
        if here != (keys.chain_id, keys.contract):
            self.wrong(
                f"this vault lives on chain {keys.chain_id} at 0x{keys.contract.hex()}, and chain {here[0]} was asked",
                CHAIN,
            )
            return None
        try:
            state = at.registry.snapshot(keys.vault).vault
            if state is not None:
                return self._read(keys, state)
            self._absent(keys)
        except MemSyncError as error:
            self.caught(error)
        return None

    def _absent(self, keys: OwnerKeys) -> None:
        seen = self.replica.heads.seen()
        if self.replica.heads.final() is not None:
            self.wrong(
                f"chain {keys.chain_id} no longer knows this vault: it is another chain, or one that began anew",
                CHAIN,
            )
        elif seen is not None:
            self.note(f"chain {keys.chain_id} has undone the opening of this vault", PUSH)
        else:
            self.note(f"the vault is not on chain {keys.chain_id} yet", PUSH)

    def _read(self, keys: OwnerKeys, state: VaultState) -> tuple[Root, Owner] | None:
        at = self.replica
        seen, removal = at.heads.seen(), removal_under_way(at)
        if removal is not None and removal.generation > keys.generation.number:
            self.note("the removal of a device is not finished", PUSH)
            keys = removal.keys
        try:
            standing = read_standing(
                state,
                keys,
                self.read,
                least_generation=0 if seen is None or keys.before is not None else seen.generation,
                device=at.device,
                awaited=None if removal is None else removal.signer,
                check=lambda digest: at.heads.check(state.sequence, digest),
            )
        except DeviceRemoved as error:
            self.wrong(str(error), RESTORE)
            return None
        digest = standing.root.digest
        elsewhere = moved_to(standing.owner)
        if elsewhere is not None:
            self.wrong(str(VaultMoved(elsewhere.chain_id, elsewhere.contract)), MOVE)
        if at.meta.get(TAKEN) != digest:
            known = "nothing" if seen is None else f"sequence {seen.sequence}"
            self.note(f"the chain is at sequence {state.sequence}, this device has taken in {known}", PULL)
        self._grants(keys, standing.owner)
        return standing.root, standing.owner

    def _grants(self, keys: OwnerKeys, owner: Owner) -> None:
        snapshot = self.replica.registry.snapshot(keys.vault, [grant.id for grant in owner.grants])
        now = self.replica.time_at(snapshot)
        epoch = 0 if snapshot.vault is None else snapshot.vault.grant_epoch
        for grant in owner.grants:
            state = snapshot.grants[grant.id]
            if state.revoked or state.epoch != epoch or now >= state.end:
                self.note(f"the grant to {grant.name} has ended, and its keys are still in use", PUSH)

    # ------------------------------------------------------------------ blocks

    def needed(self, keys: OwnerKeys, root: Root, owner: Owner) -> list[Needed]:
        """Every block that the root needs, as far as nodes can be read."""
        found = list(needed_beside_scopes(root, owner))
        for scope in owner.scopes:
            try:
                for one in needed_by_scope(root, scope, vault=keys.vault, fetch=self.read):
                    found.append(one)  # noqa: PERF402 what comes before an error counts
            except BlockMissing:
                continue  # it is among those found, and its places will be asked for it
            except MemSyncError as error:
                self.caught(error, f"scope {scope.name}: ")
        self.blocks = {one.digest for one in found}
        return found

    def places(self, needed: Sequence[Needed], *, deep: bool) -> None:
        """Whether every place has every block; ``deep``: read them all there."""
        kinds = {CID(RAW, one.digest): one.kind.value for one in needed}
        nowhere, places = set(kinds), places_of(self.replica.store)
        for place in places:
            try:
                held = place.has_many(kinds)
            except StorageError as error:
                self.wrong(f"{place.place} does not answer: {error}", REPAIR)
                continue
            lacks = [cid for cid in kinds if cid not in held]
            if deep:
                lost, altered = self._read_all(place, [cid for cid in kinds if cid in held])
                lacks += lost
                if altered:
                    self.wrong(f"{place.place} has altered {_counted(kinds, altered)}", REPAIR)
            if lacks:
                self.wrong(f"{place.place} lacks {_counted(kinds, lacks)} of {len(kinds)} blocks", REPAIR)
            nowhere -= set(kinds) - set(lacks)
        if nowhere and len(places) > 1:
            self.wrong(f"no place that answers has {_counted(kinds, nowhere)}", REPAIR)

    def _read_all(self, place: BlockStore, cids: list[CID]) -> tuple[list[CID], list[CID]]:
        """Read all these; returns those that the place said it has and does not give, and those that it gives otherwise."""
        lost: list[CID] = []
        altered: list[CID] = []
        at = 0
        while at < len(cids):
            try:
                for cid, _ in place.get_many(cids[at:]):
                    self.whole.add(cid.digest)
                    at += 1
            except FormatError:
                altered.append(cids[at])
            except StorageError:
                lost.append(cids[at])
            at += 1
        return lost, altered

    def read(self, digest: bytes) -> bytes:
        """A block from the first place that has it whole, without repairing the others."""
        cid, failed = CID(RAW, digest), None
        for place in places_of(self.replica.store):
            try:
                data = get_block(place, cid)
            except (FormatError, StorageError) as error:
                failed = failed or error
            else:
                self.whole.add(digest)
                return data
        raise failed or StorageError("the mirror has no places")

    # ------------------------------------------------------------------ contents

    def open(self, keys: OwnerKeys, root: Root, owner: Owner) -> None:
        """Open all that the owner can open, and compare it with what this device holds."""
        try:
            open_access(root, owner, keys, self.read)
            taken = self.replica.meta.get(TAKEN) == root.digest
            held = Inventory(self.replica.database) if taken else None
            for scope in owner.scopes:
                compared = compare_scope(root, scope, held, vault=keys.vault, fetch=self.read)
                for error in compared.errors:
                    self.caught(error, f"scope {scope.name}: ")
                if compared.differs:
                    self.wrong(f"scope {scope.name}: {compared}", RESTORE)
        except BlockMissing:
            return  # its places were asked for it
        except MemSyncError as error:
            self.caught(error)

    def waiting(self) -> None:
        """What this device has yet to bring into the vault."""
        entries, attempts = self.replica.journal.count(), len(self.replica.attempts.live())
        if entries:
            self.note(f"waiting in the journal: {entries}", PUSH)
        if attempts:
            self.note(f"signed commits that may still land, or are not final yet: {attempts}", PULL)


def _counted(kinds: dict[CID, str], cids: Iterable[CID]) -> str:
    """``3 blocks (2 segment, 1 catalog)``."""
    found = Counter(kinds[cid] for cid in cids)
    total = sum(found.values())
    shown = ", ".join(f"{count} {kind}" for kind, count in found.most_common())
    return f"{total} block{'s' if total != 1 else ''} ({shown})"


def _mends(error: MemSyncError) -> str:
    if isinstance(error, (ChainError, PointerInvalid, RolledBack, Forked)):
        return CHAIN
    if isinstance(error, (LockedError, SignatureInvalid)):
        return RESTORE
    if isinstance(error, (StorageError, IntegrityError)):
        return REPAIR
    return "memsync verify"
