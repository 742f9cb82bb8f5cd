"""A scope that somebody granted: what a tool, a backend or another person holds of a vault that is not theirs.

``Tool`` is who is granted: a seed of its own, with a card. ``SharedVault.accept`` follows a link to the envelope and checks that the grant
stands; from then on ``pull`` and ``recall`` read at the pointer's speed, and ``propose`` sends texts to the owner's review.
Its state is one encrypted database under a key derived from the tool's, or memory only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from memsync.chain.calls import NO_DEADLINE, PublishKey, sign_call
from memsync.chain.registry import Receipt, Registry, Snapshot
from memsync.crypto.kdf import derive
from memsync.crypto.randomness import Random, system_random
from memsync.crypto.secp256k1 import SecpKey
from memsync.crypto.tree import DeviceKey
from memsync.device.changes import ChangeKind, Changes, Noted
from memsync.device.database import Database
from memsync.device.heads import Head
from memsync.device.proposals import Proposals
from memsync.device.scopes import Scope as ScopeName
from memsync.device.segments import Held
from memsync.errors import AccessError, FormatError, InputError
from memsync.format.card import Card, sign_card
from memsync.format.catalog import NotForMe
from memsync.format.catalog_node import SegmentRow
from memsync.format.envelope import Envelope, read_envelope
from memsync.format.link import Link, read_link
from memsync.format.rights import READ
from memsync.format.segment import open_segment
from memsync.ipld.cid import CID, RAW
from memsync.memory import Draft, Memory, MemoryKind, Source
from memsync.recall import Hit
from memsync.recall.context import BUDGET, Context, pack
from memsync.recall.fuse import fuse
from memsync.store.port import BlockStore, get_block
from memsync.sync.outbox import Outbox
from memsync.sync.reading import View, check_grant, find_root, read_view
from memsync.sync.replica import TAKEN, Replica
from memsync.sync.sealing import need_key


@dataclass(frozen=True, slots=True)
class Tool:
    """Who can be granted something: a 32-byte seed, from which its keys follow. Keep it as you keep a password."""

    seed: bytes = field(repr=False)

    @classmethod
    def generate(cls, *, random: Random = system_random) -> Tool:
        """A fresh one."""
        return cls(random(32))

    @property
    def keys(self) -> DeviceKey:
        """Its boxes and its signature."""
        return DeviceKey(self.seed)

    @property
    def account(self) -> SecpKey:
        """The account that signs its card, where it has no other."""
        return SecpKey.derive(self.seed, "account")

    def card(
        self, name: str, *, url: str = "", request: bytes | None = None, now: float | None = None
    ) -> Card:
        """Its card, signed; hand it to who is to grant. ``request``: 16 random bytes that the envelope must then carry."""
        return sign_card(
            self.account,
            name=name,
            url=url,
            box=self.keys.box().public,
            author=self.keys.author().public,
            issued=int(time.time() if now is None else now),
            request=request,
        )

    def publish(
        self, name: str, *, registry: Registry, url: str = "", now: float | None = None
    ) -> tuple[Card, Receipt]:
        """Have the chain say that a fresh card is this account's current one. Raises what ``Registry.send`` raises."""
        card = self.card(name, url=url, now=now)
        call = PublishKey(card.account, registry.key_of(card.account), card.digest)
        signed = sign_call(
            call, self.account, NO_DEADLINE, chain_id=registry.chain_id, contract=registry.contract
        )
        return card, registry.send(signed)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that came or went in a shared scope: ``cursor`` to go on from, what happened, the memory's id and version (16 bytes
    each), and the memory if it is there."""

    cursor: int
    kind: ChangeKind
    id: bytes
    version: bytes
    memory: Memory | None


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a pull found: the head's sequence, how many versions came and went, and how many records are from before this grant's time."""

    sequence: int
    added: int
    removed: int
    hidden: int


class SharedVault:
    """One granted scope. Made by :meth:`accept`; a context manager that closes its state."""

    def __init__(
        self, link: Link, envelope: Envelope, tool: Tool, replica: Replica, fetch_store: BlockStore
    ) -> None:
        self.link = link
        self._envelope = envelope
        self._tool = tool
        self._replica = replica
        self._store = fetch_store
        self._grant = envelope.grant_id(link.envelope)
        self._changes = Changes(replica.database)

    @classmethod
    def accept(
        cls,
        link: str | Link,
        *,
        key: Tool,
        registry: Registry,
        store: BlockStore,
        state: Path | None = None,
        request: bytes | None = None,
        unsolicited: bool = True,
        clock: Callable[[], float] = time.time,
        random: Random = system_random,
    ) -> SharedVault:
        """Take up a grant.

        ``state``: a file for what is read, encrypted under the tool's key; None: memory only. ``request``: the nonce that was put beside
        the card; the envelope must carry it. ``unsolicited=False`` refuses an envelope without one, as a service should.
        ``AccessError`` for a link that is for somebody else, or a grant that does not stand.
        """
        link = read_link(link) if isinstance(link, str) else link
        if (link.chain_id, link.contract) != (registry.chain_id, registry.contract):
            raise AccessError(
                f"the link is for chain {link.chain_id}, contract 0x{link.contract.hex()}, this is chain {registry.chain_id}; "
                "connect to the link's"
            )
        envelope = _open_envelope(get_block(store, link.cid), link, key)
        if not (unsolicited if request is None else envelope.request == request):
            raise AccessError(
                "nobody here asked for this grant: it does not carry the request's nonce; ask for it with a fresh card"
            )
        grant_id = envelope.grant_id(link.envelope)
        snapshot = registry.snapshot(link.vault, [grant_id])
        check_grant(envelope, grant_id, snapshot, now=max(int(clock()), snapshot.block.time))
        database = (
            Database.in_memory()
            if state is None
            else Database.open(state, derive(key.seed, "database", grant_id))
        )
        replica = Replica(database, store=store, registry=registry, clock=clock, random=random)
        with database.transaction():
            replica.scopes.replace_all([ScopeName(envelope.scope, envelope.scope_name)])
        return cls(link, envelope, key, replica, store)

    def close(self) -> None:
        """Close its state."""
        self._replica.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"SharedVault({self._envelope.scope_name!r})"

    @property
    def scope(self) -> str:
        """The scope's name, as the granter called it."""
        return self._envelope.scope_name

    @property
    def until(self) -> int:
        """When the grant ends, Unix seconds."""
        return self._envelope.end

    # ------------------------------------------------------------------ reading

    def pull(self) -> Refreshed:
        """Take in what the granter pushed.

        ``AccessError`` when the grant has been revoked, has expired or is left out; ``PointerInvalid``, ``SignatureInvalid``,
        ``RolledBack``, ``Forked``,
        ``FormatError``, ``BlockMissing`` for what chain or store do wrong. Then nothing has changed here.
        """
        at = self._replica
        snapshot = self._snapshot()
        state, _ = check_grant(self._envelope, self._grant, snapshot, now=at.time_at(snapshot), rights=READ)
        seen = at.heads.seen()
        root = find_root(
            self._envelope, state, at.fetch, least_generation=0 if seen is None else seen.generation
        )
        at.heads.check(root.sequence, root.digest)
        view = read_view(self._envelope, self._grant, root, self._tool.keys.box(), at.fetch)
        rows, hidden = self._rows(view)
        held = at.segments.held(self._envelope.scope)
        added = list(self._open(view, [row for row in rows if row.ref.digest not in held]))
        gone = held.keys() - {row.ref.digest for row in rows}
        final = at.registry.final_vault(self._envelope.vault)
        with at.database.transaction():
            before = self._current()
            at.heads.note(
                Head(root.sequence, root.digest, root.generation),
                final=final is not None
                and (final.sequence, final.pointer) == (state.sequence, state.pointer),
            )
            for segment, records in added:
                at.memories.attach(self._envelope.scope, segment, records)
            at.memories.drop(self._envelope.scope, at.memories.detach(self._envelope.scope, gone))
            at.meta.put(TAKEN, root.digest)
            Proposals(at.database).taken_in(self._grant, view.acknowledged)
            after = self._current()
            self._changes.note(
                self._envelope.scope,
                came=sorted(after - before),
                went=sorted(before - after),
                sequence=root.sequence,
            )
            at.refresh_index()
        return Refreshed(root.sequence, len(after - before), len(before - after), hidden)

    def recall(
        self,
        question: str = "",
        *,
        queries: Sequence[str] = (),
        k: int = 10,
        since: int | None = None,
        until: int | None = None,
    ) -> list[Hit]:
        """The best ``k`` memories for a question, of what was pulled; ``queries``: a hard one in parts, as well.

        ``AccessError`` once the grant's time is over.
        """
        self._check_clock()
        at = self._replica
        asked = [one for one in dict.fromkeys([question, *queries]) if one]
        answers = [
            at.index.search(one, [self._envelope.scope], k=k, since=since, until=until, clock=at.now_ms())
            for one in asked
        ]
        return fuse(answers, k) if len(answers) > 1 else [hit for hits in answers for hit in hits]

    def context(
        self, question: str = "", *, queries: Sequence[str] = (), tokens: int = BUDGET, k: int = 25
    ) -> Context:
        """What is found, as a block for a prompt of at most ``tokens``: dated, by conversation, quoted as data."""
        hits, index = self.recall(question, queries=queries, k=k), self._replica.index
        beside = {hit.row: [one.memory for one in index.neighbours(hit.scope, hit.row)] for hit in hits[:5]}
        return pack(
            hits, budget=tokens, neighbours=lambda hit: beside[hit.row], scope_name=lambda _: self.scope
        )

    def memories(self) -> Iterator[Memory]:
        """Every memory that was pulled, the latest first."""
        self._check_clock()
        last = None
        while page := self._replica.memories.latest([self._envelope.scope], after=last):
            yield from (one.memory for one in page)
            last = page[-1]

    def follow(self, since: int = 0, *, every: float | None = None) -> Iterator[Change]:
        """Pull, and yield what came and went after the cursor ``since``; with ``every`` (seconds) again and again, else once.

        A cursor belongs to the state that gave it: with a state in memory only, begin at 0 after each ``accept``. ``InputError`` for one
        that this state can't have given.
        """
        while True:
            self.pull()
            if not 0 <= since <= self._changes.last():
                raise InputError(
                    f"the cursor {since} is of another state, this has come to {self._changes.last()}: begin at 0, or keep the state in a "
                    "file"
                )
            for noted in self._changes.after(since):
                since = noted.number
                yield self._change(noted)
            if every is None:
                return
            time.sleep(every)

    # ------------------------------------------------------------------ proposing

    def propose(
        self,
        texts: str | Iterable[str],
        *,
        kind: MemoryKind = "semantic",
        tags: Iterable[str] = (),
        source: Source | None = None,
        happened: int | None = None,
    ) -> Receipt:
        """Send texts to the owner's review: signed, sealed to the vault's letter box, placed in this grant's inbox.

        A parcel carries again what the owner has not taken in yet, as far as this state knows; with a state in memory only, what an
        earlier run proposed and nobody collected is replaced. If it can't be told whether the call landed, the next parcel carries
        the texts too, and the same texts again are the same proposals. ``AccessError`` without the right to write; ``InputError`` for
        more than a parcel holds.
        """
        at = self._replica
        now = at.now_ms()
        drafts = [
            Draft(
                kind=kind,
                text=text,
                created=now,
                tags=tuple(sorted(set(tags))),
                source=source,
                happened=happened,
            )
            for text in ([texts] if isinstance(texts, str) else texts)
        ]
        if not drafts:
            raise InputError("nothing to propose")
        return Outbox(at, self._tool.keys, self._envelope, self.link.envelope, self._store).propose(drafts)

    # ------------------------------------------------------------------ below the verbs

    def _snapshot(self) -> Snapshot:
        return self._replica.registry.snapshot(self._envelope.vault, [self._grant])

    def _check_clock(self) -> None:
        if self._replica.clock() >= self._envelope.end:
            raise AccessError(f"the grant to {self.scope!r} has expired; ask the granter for a new one")

    def _rows(self, view: View) -> tuple[list[SegmentRow], int]:
        """The segments that this reader has keys for, and how many records the others hold."""
        rows, hidden = [], 0
        if view.entry is not None:
            for row in view.catalog.rows(view.entry.catalog, count=view.entry.count):
                if isinstance(row, NotForMe) or row.epoch.id not in view.catalog.keys:
                    hidden += row.count
                else:
                    rows.append(row)
        return rows, hidden

    def _open(self, view: View, rows: list[SegmentRow]) -> Iterator[tuple[Held, list]]:  # type: ignore[type-arg]
        by_digest = {row.ref.digest: row for row in rows}
        catalog = view.catalog
        for cid, data in self._replica.store.get_many([CID(RAW, digest) for digest in by_digest]):
            row = by_digest[cid.digest]
            key = need_key(catalog.keys, row.epoch.id)
            segment = open_segment(data, row, key=key, vault=catalog.vault, scope=catalog.scope)
            yield (
                Held(cid.digest, row.ref.object_id, row.epoch.id),
                [record.memory for record in segment.records],
            )

    def _current(self) -> set[tuple[bytes, bytes]]:
        last, found = None, set()
        while page := self._replica.memories.latest([self._envelope.scope], after=last, limit=1000):
            found |= {(one.memory.id, one.memory.version) for one in page}
            last = page[-1]
        return found

    def _change(self, noted: Noted) -> Change:
        found = [
            one.memory
            for one in self._replica.memories.starting_with(noted.id)
            if one.memory.version == noted.version
        ]
        return Change(noted.number, noted.kind, noted.id, noted.version, found[0] if found else None)


def _open_envelope(data: bytes, link: Link, tool: Tool) -> Envelope:
    try:
        return read_envelope(data, link, tool.keys.box())
    except FormatError as refused:
        if refused.fault != "key":
            raise
        raise AccessError(
            "this link was made for another card than this one; send the granter your card and ask for a link of your own"
        ) from refused
