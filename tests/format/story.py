"""A vault's life, told in memory with the format's own builders: devices, scopes, grants, pushes, and all that was ever published.

A :class:`Story` plays the owner (all keys), the chain (heads, grants, inboxes) and the tools. Verbs queue; :meth:`Story.push` makes the
next root in the order that the design asks for: who has ended leaves and its scopes rotate, then memories are sealed, then a grant from now
on begins its epoch, then envelopes, owner and access block, root. Lives to tell are in ``lives``, what is kept of them in ``world``.
"""

from __future__ import annotations

from dataclasses import replace

from memsync.crypto.epochs import new_epoch
from memsync.crypto.pairwise import PairwiseSecret
from memsync.crypto.pointer import open_parcel_pointer, seal_parcel_pointer, seal_pointer
from memsync.crypto.sealing import ZERO16, Kind, aad
from memsync.format.access import DeviceSeat, FromNowOn, Reader, WithHistory, read_access, seal_access
from memsync.format.block import Ref
from memsync.format.catalog_edit import edit_catalog
from memsync.format.catalog_node import Epoch, SegmentRow
from memsync.format.certificate import certify
from memsync.format.entry import Entry, ScopeEntry
from memsync.format.envelope import Envelope, PointerKey, seal_envelope
from memsync.format.link import Link
from memsync.format.lockbox import seal_lockbox, seal_since
from memsync.format.owner import Device, EarlierGeneration, Grant, Owner, Scope, seal_owner
from memsync.format.parcel import read_parcel, seal_parcel
from memsync.format.records import Record
from memsync.format.rights import READ, WRITE
from memsync.format.root import seal_root
from memsync.format.segment import build_segments, carry, rewrite_segment
from memsync.format.witness import witness_of
from memsync.memory import Draft, Memory, Source, Tombstone, new_id
from tests.format.world import MONTH, START, Granted, Head, Party, ScopeState, World


class Story(World):
    """A vault from its first push on; what happens is told by the verbs, in order."""

    # What happens between pushes

    def add_scope(self, name: str) -> None:
        self.scopes[name] = ScopeState(self.random(16), name, [new_epoch(0, self.random)])
        self._know_epoch(self.scopes[name])
        self._access_changed = True

    def rename_scope(self, old: str, new: str) -> None:
        """Only the owner sees names; the story keeps the first one."""
        self.scopes[old].name = new
        self._access_changed = True

    def add_device(self, name: str) -> Party:
        party = self.devices[name] = self._party(name)
        self.ledger.give(name, f"device {name}", "P 0", f"W {self.generation}")
        self._access_changed = True
        return party

    def remove_device(self, name: str) -> None:
        """Begin a generation without it: every scope rotates, every WRITE grant is replaced by one to the new letter box."""
        self.devices[name].removed = self.sequence
        self._earlier.append(EarlierGeneration.of(self.w))
        self.generation += 1
        self._know_generation()
        self._rotating.update(self.scopes)
        for old in [grant for grant in self.grants.values() if grant.ended is None and grant.rights & WRITE]:
            old.ended = self.sequence
            self.grant(
                old.tool.name, old.scope, old.rights, from_now_on=old.from_now_on, name=f"{old.name} again"
            )
        self._access_changed = True

    def remember(self, scope: str, text: str, **fields: object) -> Memory:
        memory_id, version = (new_id(self.now * 1000, self.random) for _ in range(2))
        memory = Memory(id=memory_id, version=version, kind="semantic", text=text, created=self.now * 1000)
        memory = replace(memory, **fields)
        self.scopes[scope].queue.append(memory)
        return memory

    def edit(self, scope: str, memory: Memory, text: str) -> Memory:
        version = new_id(self.now * 1000, self.random)
        edited = replace(memory, version=version, text=text, replaces=(memory.version,))
        self.scopes[scope].queue.append(edited)
        return edited

    def forget(self, scope: str, memory: Memory) -> None:
        version = new_id(self.now * 1000, self.random)
        self.scopes[scope].queue.append(Tombstone(id=memory.id, version=version, forgotten=self.now * 1000))

    def grant(
        self, tool: str, scope: str, rights: int, *, from_now_on: bool = False, name: str = ""
    ) -> Granted:
        """Wish for a grant; the next push makes it."""
        party = self.tools.get(tool)
        if party is None:
            party = self.tools[tool] = self._party(tool)
            self.ledger.give(tool, f"device {tool}")
        secret = PairwiseSecret.generate(random=self.random)
        grant = Granted(name or tool, party, scope, rights, from_now_on, secret, self.sequence)
        key = self.ledger.know(f"S {grant.name}", secret.secret)
        self.ledger.know(f"grantee {grant.name}", secret.grantee().secret, of=key)
        self.wishes.append(grant)
        self._access_changed = True
        return grant

    def revoke(self, name: str) -> None:
        """End a grant with the next push; a reader's scope rotates, and the pointer key moves on if no other reader survives."""
        grant = self.grants[name]
        grant.ended = self.sequence
        self._access_changed = True
        if grant.rights & READ:
            self._rotating.add(grant.scope)
            if not any(other.rights & READ for other in self._live()):
                self.pointer += 1
                self._know_pointer()

    def propose(self, name: str, *texts: str) -> None:
        """The tool leaves a parcel with these drafts in its grant's inbox."""
        grant = self.grants[name]
        grant.parcels += 1
        inbox = self._inbox(grant)
        drafts = [
            (
                self.random(16),
                Draft(kind="semantic", text=text, created=self.now * 1000, source=Source(tool=name)),
            )
            for text in texts
        ]
        block = seal_parcel(drafts, inbox=inbox, author=grant.tool.key.author(), box=self.w.box().public)
        grant.parcel = seal_parcel_pointer(grant.secret.secret, grant.id, grant.parcels, block.digest)
        place = aad(self.vault, ZERO16, ZERO16, Kind.PARCEL, grant.id + grant.parcels.to_bytes(4, "big"))
        self._publish(
            block, Kind.PARCEL, f"{name} {grant.parcels}", f"letter box {self.generation}", place, boxed=True
        )

    def accept(self, name: str, *which: int) -> list[Memory]:
        """The owner opens the grant's last parcel, takes in the drafts ``which``, and acknowledges it whole."""
        grant = self.grants[name]
        sealed = grant.parcel
        assert sealed is not None
        digest = open_parcel_pointer(
            grant.secret.secret, grant.id, grant.parcels, sealed.salt, sealed.pointer
        )
        parcel = read_parcel(
            self.blocks[digest],
            digest=digest,
            inbox=self._inbox(grant),
            author=grant.tool.key.author().public,
            key=self.w.box(),
        )
        taken = []
        for proposal in (parcel.proposals[at] for at in which):
            memory_id, version = (new_id(self.now * 1000, self.random) for _ in range(2))
            proof = parcel.proof(proposal)
            taken.append(proposal.draft.accepted(memory_id, version, author=parcel.author, proof=proof))
        self.scopes[grant.scope].queue += taken
        grant.acknowledged = grant.parcels
        self._access_changed = True
        return taken

    # The push

    def push(self) -> Head:
        """Make the next root of all that happened since the last."""
        for name in sorted(self._rotating):
            self._rotate(self.scopes[name])
        leaves = [leaf for name in sorted(self.scopes) for leaf in self._seal_scope(self.scopes[name])]
        for name in sorted({grant.scope for grant in self.wishes if grant.from_now_on}):
            self._rotate(self.scopes[name])
        for grant in self.wishes:
            self._make(grant)
        if self._access_changed:
            self._access = self._seal_access()
            self._owner = self._seal_owner()
        head = self._seal_root(leaves)
        self._rotating, self.wishes, self._access_changed = set(), [], False
        self.heads.append(head)
        return head

    def _rotate(self, scope: ScopeState) -> None:
        epoch = new_epoch(scope.epoch.number + 1, self.random)
        where = {"vault": self.vault, "scope": scope.id}
        block, scope.lockbox = seal_lockbox(epoch, scope.epochs, **where, random=self.random)
        earlier = [self._epoch_name(scope, old.number) for old in scope.epochs]
        scope.epochs.append(epoch)
        name = self._know_epoch(scope)
        place = aad(self.vault, scope.id, epoch.content.id, Kind.LOCKBOX, scope.lockbox.object_id)
        self._publish(block, Kind.LOCKBOX, name, f"history {name}", place, teaches=earlier)
        self._access_changed = True

    def _seal_scope(self, scope: ScopeState) -> list[bytes]:
        """Seal what waits, re-sealing the newest segment of this epoch along while it stays small; rewrite what holds the forgotten."""
        if not scope.queue:
            return []
        catalog = self.catalog(scope)
        rows = self.segments(scope)
        dead = {memory.id for memory in scope.queue if isinstance(memory, Tombstone)}
        changed: dict[tuple[int, int], SegmentRow | None] = {}
        for row, segment in rows:
            if any(record.memory.id in dead for record in segment.records):
                key = self._content(scope, row.epoch)
                block, new = rewrite_segment(
                    [(row, segment)],
                    drop=lambda record: record.memory.id in dead,
                    key=key,
                    vault=self.vault,
                    scope=scope.id,
                    random=self.random,
                )
                changed[row.order] = new
                self._publish_segment(scope, block, new)
        records = [Record(0, self.random(16), memory) for memory in scope.queue]
        last = rows[-1] if rows else None
        key = scope.epoch.content
        dropped: list[tuple[int, bytes]] = []
        if (
            last is not None
            and last[0].epoch == Epoch.of(key)
            and last[0].order not in changed
            and len(last[1].records) < 3
        ):
            kept, dropped = carry([last], lambda _: False)
            records = [*kept, *records]
            changed[last[0].order] = None
        leaves, appended = [], []
        sealed = build_segments(
            records, key=key, vault=self.vault, scope=scope.id, dropped=dropped, random=self.random
        )
        for index, segment in enumerate(sealed):
            row = segment.row((self.sequence, index))
            appended.append(row)
            leaves += segment.leaves
            self._publish_segment(scope, segment.block, row)
        edited = edit_catalog(catalog, scope.catalog, replace=changed, append=appended, random=self.random)
        scope.catalog, scope.queue = edited.root, []
        self._publish_nodes(scope, edited.blocks)
        scope.count = sum(row.count for row, _ in self.segments(scope))
        return leaves

    def _make(self, grant: Granted) -> None:
        scope = self.scopes[grant.scope]
        reads, writes = grant.rights & READ, grant.rights & WRITE
        key = scope.epoch.content if grant.from_now_on else scope.epoch
        grant.since = scope.epoch.number if reads and grant.from_now_on else None
        envelope = Envelope(
            chain_id=self.chain_id,
            contract=self.contract,
            owner=self.owner_key.address,
            generation=self.generation,
            request=self.random(16),
            rights=grant.rights,
            start=self.now,
            end=self.now + MONTH,
            scope=scope.id,
            scope_name=scope.name,
            secret=grant.secret,
            places=("https://store.example/vault/",),
            box=self.w.box().public if writes else None,
            pointer=PointerKey(self.pointer, self.pointer_key) if reads else None,
            key=key if reads else None,
        )
        block = seal_envelope(envelope, grant.tool.key.box().public)
        grant.link = Link(self.chain_id, self.contract, self.vault, block.digest)
        grant.id = envelope.grant_id(block.digest)
        self.grants[grant.name] = grant
        teaches = [f"S {grant.name}"]
        if reads:
            name = self._epoch_name(scope, scope.epoch.number)
            teaches += [f"pointer key {self.pointer}", f"content {name}" if grant.from_now_on else name]
        place = aad(self.vault, ZERO16, ZERO16, Kind.ENVELOPE, ZERO16)
        self._publish(
            block, Kind.ENVELOPE, grant.name, f"box {grant.tool.name}", place, boxed=True, teaches=teaches
        )

    def _seal_owner(self) -> Ref:
        owner = Owner(
            generation=self.generation,
            locator=0,
            pointer=self.pointer,
            scopes=tuple(Scope(scope.id, scope.name, scope.epoch) for scope in self.scopes.values()),
            grants=tuple(self._listed(grant) for grant in self._live()),
            devices=tuple(
                Device(one.id, one.name, one.key.box().public, one.key.author().public, one.added)
                for one in self._remaining()
            ),
            earlier=tuple(self._earlier),
            settings={"since": [[grant, *one.to_value()] for grant, one in sorted(self._since.items())]},
        )
        block, ref = seal_owner(owner, generation=self.w, vault=self.vault, random=self.random)
        teaches = [self._epoch_name(scope, scope.epoch.number) for scope in self.scopes.values()]
        teaches += [f"S {grant.name}" for grant in self._live()]
        teaches += [self._since_name(grant) for grant in self._live() if grant.id in self._since]
        teaches += [f"{what} {old.number}" for old in self._earlier for what in ("owner key", "letter box")]
        place = aad(self.vault, ZERO16, ZERO16, Kind.OWNER, ref.object_id)
        self._publish(block, Kind.OWNER, "", f"owner key {self.generation}", place, teaches=teaches)
        return ref

    def _listed(self, grant: Granted) -> Grant:
        assert grant.link is not None
        scope = self.scopes[grant.scope]
        return Grant(
            id=grant.id,
            name=grant.name,
            account=grant.tool.account.address,
            box=grant.tool.key.box().public,
            author=grant.tool.key.author().public,
            scope=scope.id,
            rights=grant.rights,
            start=START + grant.granted * 3600,
            end=START + grant.granted * 3600 + MONTH,
            secret=grant.secret,
            envelope=grant.link.envelope,
            since=grant.since,
            acknowledged=grant.acknowledged,
        )

    def _seal_access(self) -> Ref:
        seats: list[Reader | DeviceSeat] = []
        slots: list[tuple[Party, bytes, bytes, list[str]]] = []
        self._since = {}
        for device in self._remaining():
            seats.append(DeviceSeat(device.key.box().public, self.w))
            slots.append((device, ZERO16, b"", [f"W {self.generation}"]))
        for grant in self._live():
            if grant.rights & READ:
                scope = self.scopes[grant.scope]
                seats.append(
                    Reader(grant.tool.key.box().public, grant.id, scope.id, self._slot(grant, scope))
                )
                name = self._epoch_name(scope, scope.epoch.number)
                teaches = [f"content {name}" if grant.from_now_on else name]
                if grant.id in self._since:
                    teaches.append(self._since_name(grant))
                slots.append((grant.tool, scope.id, grant.id, teaches))
        block, ref = seal_access(self.pointer_key, seats, vault=self.vault, random=self.random)
        place = aad(self.vault, ZERO16, ZERO16, Kind.ACCESS, ref.object_id)
        self._publish(block, Kind.ACCESS, "", f"access {self.pointer}", place)
        whole = read_access(block.data, ref, pointer_key=self.pointer_key, vault=self.vault)
        for party, scope_id, grant_id, taught in slots:
            key, bound = (
                party.key.box(),
                aad(self.vault, scope_id, ZERO16, Kind.SLOT, ref.object_id + grant_id),
            )
            for box in whole.boxes:
                one = replace(whole, boxes=(box,))
                if one.reader_slot(key, grant=grant_id, scope=scope_id) if grant_id else one.device_slot(key):
                    self._note(
                        Kind.SLOT, party.name, f"box {party.name}", bound, box, boxed=True, teaches=taught
                    )
        return ref

    def _slot(self, grant: Granted, scope: ScopeState) -> FromNowOn | WithHistory:
        if not grant.from_now_on:
            return WithHistory(scope.epoch, grant.acknowledged)
        assert grant.since is not None
        current = scope.epoch.content
        missed = [epoch.content for epoch in scope.epochs[grant.since : -1]]
        if not missed:
            return FromNowOn(current, None, grant.acknowledged)
        where = {"vault": self.vault, "scope": scope.id}
        block, since = seal_since(missed, current=current, **where, random=self.random)
        place = aad(self.vault, scope.id, current.id, Kind.SINCE, since.ref.object_id)
        teaches = [f"content {self._epoch_name(scope, key.number)}" for key in missed]
        self._since[grant.id] = since
        key = self.ledger.know(self._since_name(grant), since.key)
        self._publish(block, Kind.SINCE, grant.name, key, place, teaches=teaches)
        return FromNowOn(current, since, grant.acknowledged)

    def _since_name(self, grant: Granted) -> str:
        """Of the key of a grant's since block: each access block has another."""
        return f"since {grant.name} {self.sequence}"

    def _seal_root(self, leaves: list[bytes]) -> Head:
        assert self._access is not None
        assert self._owner is not None
        entries = [
            ScopeEntry(
                scope.id,
                scope.epoch.content,
                Entry(scope.epoch.number, scope.catalog, scope.lockbox, scope.count),
            )
            for scope in self.scopes.values()
        ]
        block = seal_root(
            pointer_key=self.pointer_key,
            chain_id=self.chain_id,
            contract=self.contract,
            vault=self.vault,
            sequence=self.sequence,
            generation=self.generation,
            author=self.w.author(),
            certificate=certify(self.owner_key, self.w, chain_id=self.chain_id, contract=self.contract),
            previous=self.heads[-1].digest if self.heads else None,
            access=self._access,
            owner=self._owner,
            witness=witness_of(leaves) or self.random(32),
            entries=entries,
            random=self.random,
        )
        sequence = self.sequence.to_bytes(4, "big")
        place = aad(self.vault, ZERO16, ZERO16, Kind.ROOT, sequence)
        self._publish(block, Kind.ROOT, "", f"root {self.pointer}", place)
        sealed = seal_pointer(self.pointer_key, self.vault, self.sequence, block.digest)
        head = Head(
            self.sequence, sealed, self.w.signer().address, block.digest, self.pointer, self.generation
        )
        root = self.root(head)
        by_tag = {entry.tag: entry.sealed for entry in root.entries}
        for scope, one in zip(self.scopes.values(), entries, strict=True):
            key = f"content {self._epoch_name(scope, one.key.number)}"
            bound = aad(self.vault, scope.id, one.key.id, Kind.ENTRY, sequence)
            self._note(Kind.ENTRY, scope.name, key, bound, by_tag[one.key.tag(root.salt)])
        return head
