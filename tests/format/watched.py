"""A vault's whole life as anybody could have recorded it, and what each party began with: what a thief is set upon.

A :class:`Life` holds every block ever stored, every head ever on chain, and for each party its first secrets and its terms. ``told``
makes one of a story; ``real_life`` of a life that the real code lived. What lies where is what the code said when it sealed it
(``scribe``); what each secret is, what opened with these keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from memsync.crypto.pointer import seal_parcel_pointer
from memsync.crypto.sealing import Kind
from memsync.format.rights import READ
from memsync.ipld.dagcbor import decode
from tests.format.disclosure import Form, Opened, Sealed, Thief, Told, part_of
from tests.format.lessons import Role, Secret, learn, records
from tests.format.opening import Place, Public, be4, epoch_id, pointed
from tests.format.scribe import Record, writing
from tests.format.story import Story

COMPUTED = (Role.POINTER, Role.ROOT, Role.ACCESS)
"""Of these there are as many as one likes to compute; only those that were used are worth knowing."""


@dataclass(frozen=True, slots=True)
class Terms:
    """One grant: ``granted`` is the push that made it, ``ended`` the push that noticed its end."""

    id: bytes
    scope: bytes
    rights: int
    from_now_on: bool
    granted: int
    ended: int | None = None

    @property
    def reads(self) -> bool:
        return bool(self.rights & READ)


@dataclass
class Life:
    """``published``: by which push a block came (one that came between two is the next one's). ``devices``: when each was removed.
    ``written``: what the code said when it sealed."""

    public: Public
    published: dict[bytes, int]
    holds: dict[str, tuple[Secret, ...]]
    tools: dict[str, tuple[Terms, ...]]
    written: Record
    devices: dict[str, int | None] = field(default_factory=dict)
    _thieves: dict[tuple[str | bool, ...], Thief] = field(default_factory=dict)

    @cached_property
    def places(self) -> dict[Sealed, Place]:
        """Where everything lies that was published: blocks, and what is sealed within roots and access blocks."""
        found: dict[Sealed, Place] = {}
        for digest, data in self.public.blocks.items():
            if (whole := self.written.get(digest)) is not None:
                found[Sealed(digest, Form.BLOCK, data, digest)] = whole.place
                for part in learn(whole.place.kind, whole.place.scope, whole.plaintext).parts:
                    sealed = part_of(part, whole.place, digest)
                    if sealed.digest in self.written:
                        found[sealed] = self.written[sealed.digest].place
        return found

    @cached_property
    def keys(self) -> frozenset[bytes]:
        """Every key that something was sealed with."""
        return frozenset({self.written[sealed.digest].key for sealed in self.places} - {None})

    @cached_property
    def truth(self) -> Thief:
        """Who has what every party began with, and all these keys."""
        unnamed = {key: (Secret(Role.UNKNOWN, key),) for key in self.keys}
        start = [secret for held in self.holds.values() for secret in held]
        start += [secret for (secret,) in unnamed.values()]
        return Thief(self.public, Told(self.places, self.keys, unnamed)).go(start)

    @cached_property
    def told(self) -> Told:
        used = self.keys | {one.value for one in self.pointers}
        secrets: dict[bytes, tuple[Secret, ...]] = {}
        for secret in self.truth.secrets:
            if secret.role not in COMPUTED or secret.value in used:
                secrets[secret.value] = (*secrets.get(secret.value, ()), secret)
        return Told(self.places, self.keys, secrets)

    def thief(self, *who: str, told: bool = True) -> Thief:
        """Who has all that these parties began with."""
        key = (*who, told)
        if key not in self._thieves:
            self._thieves[key] = self.with_secrets(
                (secret for name in who for secret in self.holds[name]), told=told
            )
        return self._thieves[key]

    def with_secrets(self, secrets: Iterable[Secret], *, told: bool = True) -> Thief:
        return Thief(self.public, self.told if told else None).go(secrets)

    # The truth about what was opened

    @cached_property
    def epochs(self) -> dict[bytes, tuple[bytes, int]]:
        """Scope and number of each epoch, by its id."""
        return {epoch_id(one.value): (one.scope, one.number) for one in self.truth.have(Role.CONTENT)}

    def number(self, opened: Opened) -> int:
        """The number of the epoch that something was sealed in."""
        return self.epochs[opened.place.epoch][1]

    def when(self, opened: Opened) -> int:
        return self.published[opened.sealed.block]

    def number_at(self, scope: bytes, sequence: int) -> int:
        """The number of a scope's current epoch in the root of this sequence; -1 if there was none yet."""
        return self._numbers.get((scope, be4(sequence)), -1)

    @cached_property
    def _numbers(self) -> dict[tuple[bytes, bytes], int]:
        heads = {digest for key in self.pointers for _, digest in pointed(key, self.public)}
        entries = [one for one in self.truth.opened.values() if one.sealed.form is Form.ENTRY]
        return {
            (one.place.scope, one.place.object): decode(one.plaintext)[0]
            for one in entries
            if one.sealed.block in heads
        }

    @cached_property
    def pointers(self) -> list[Secret]:
        """The pointer keys that were ever used."""
        return [one for one in self.truth.have(Role.POINTER) if any(pointed(one, self.public))]

    @cached_property
    def scopes(self) -> set[bytes]:
        return {scope for scope, _ in self.epochs.values()}

    @cached_property
    def first_seen(self) -> dict[tuple[bytes, bytes], int]:
        """By which push each version of a memory was first published, by id and version."""
        seen: dict[tuple[bytes, bytes], int] = {}
        for opened in self.truth.opened.values():
            if opened.place.kind == "segment":
                for one in records("segment", opened.plaintext):
                    name, when = (one["id"], one["version"]), self.when(opened)
                    seen[name] = min(when, seen.get(name, when))
        return seen

    def marks(self, but: Collection[bytes] = ()) -> dict[str, set[bytes]]:
        """What tells each grant (whose id is not in ``but``) and device of any owner block from another, by its name there."""
        found: dict[str, set[bytes]] = {}
        for name, grant, marks in self._marked:
            if grant not in but:
                found.setdefault(name, set()).update(marks)
        return found

    @cached_property
    def _marked(self) -> list[tuple[str, bytes, set[bytes]]]:
        owners = [decode(one.plaintext) for one in self.truth.opened.values() if one.place.kind == "owner"]
        fields = ("id", "account", "box", "author", "secret", "envelope")
        marked = [
            (row["name"], row["id"], {row["name"].encode(), *(row[field] for field in fields)})
            for owner in owners
            for row in owner["grants"]
        ]
        marked += [
            (name, b"", {name.encode(), device, box, author})
            for owner in owners
            for device, name, box, author, _ in owner["devices"]
        ]
        return marked

    def own(self, who: str) -> set[Secret]:
        """What follows from a party's first secrets without a block."""
        alone = Public(self.public.chain_id, self.public.contract, self.public.vault, {}, (), frozenset(), ())
        return Thief(alone).go(self.holds[who]).secrets

    def pairwise(self, who: str) -> set[Secret]:
        """The pairwise secrets of a tool's grants: those in the envelopes that are boxed to it."""
        own = {secret.value for secret in self.own(who)}
        envelopes = [one for one in self.truth.opened.values() if one.place.kind == "envelope"]
        return {
            Secret(Role.PAIRWISE, decode(one.plaintext)["secret"]) for one in envelopes if one.by.value in own
        }

    def since_keys(self, who: str) -> set[bytes]:
        """The keys of since blocks in the slots of a tool's grants."""
        grants = {one.id for one in self.tools[who]}
        slots = [
            one
            for one in self.truth.opened.values()
            if one.place.kind == "slot" and one.place.object[16:] in grants
        ]
        taught = [secret for one in slots for secret in learn("slot", one.place.scope, one.plaintext).secrets]
        return {secret.value for secret in taught if secret.role is Role.SINCE}

    def name(self, what: Opened | Sealed | Secret) -> str:
        """For reports."""
        if isinstance(what, Secret):
            return f"{what.role} {what.scope.hex()[:4]} {what.number}"
        if isinstance(what, Sealed):
            what = self.truth.opened[what]
        at = self.epochs.get(what.place.epoch, (b"", -1))
        return f"{what.place.kind} {at[0].hex()[:4]} {at[1]} by push {self.when(what)}"


def texts(thief: Thief) -> set[str]:
    """The texts of all memories that a thief can read."""
    found = (one for one in thief.opened.values() if one.place.kind == "segment")
    return {
        memory["text"] for one in found for memory in records("segment", one.plaintext) if "text" in memory
    }


def told(tell: Callable[[], Story]) -> Life:
    """The life of a vault whose story is told now."""
    with writing() as record:
        return of_story(tell(), record)


def of_story(story: Story, written: Record) -> Life:
    """A told story as everybody could have recorded it, and what was written down while it was told."""
    published: dict[bytes, int] = {}
    for sealed in story.ledger.sealed:
        published.setdefault(hashlib.sha256(sealed.data).digest(), sealed.sequence)
    public = Public(
        story.chain_id,
        story.contract,
        story.vault,
        dict(story.blocks),
        tuple((head.sequence, head.sealed.salt, head.sealed.pointer) for head in story.heads),
        frozenset(grant.id for grant in story.grants.values()),
        tuple(_parcels(story)),
    )
    holds = {
        party: tuple(_secret(name, story.ledger.secrets[name]) for name in sorted(names))
        for party, names in story.ledger.holds.items()
    }
    tools: dict[str, tuple[Terms, ...]] = {}
    for grant in story.grants.values():
        scope = story.scopes[grant.scope].id
        terms = Terms(grant.id, scope, grant.rights, grant.from_now_on, grant.granted, grant.ended)
        tools[grant.tool.name] = (*tools.get(grant.tool.name, ()), terms)
    devices = {name: device.removed for name, device in story.devices.items()}
    return Life(public, published, holds, tools, written, devices)


def _secret(name: str, value: bytes) -> Secret:
    """A first secret by its name in the ledger: ``R``, ``P 0``, ``W 1``, ``device laptop``."""
    kind, _, which = name.partition(" ")
    role = Role.SEED if kind == "device" else Role(kind)
    return Secret(role, value, number=int(which) if which.isdigit() else -1)


def _parcels(story: Story) -> Iterable[tuple[bytes, int, bytes, bytes]]:
    """Every parcel's pointer, also those that a later one took the place of."""
    grants = {grant.id: grant for grant in story.grants.values()}
    for sealed in story.ledger.sealed:
        if sealed.kind is Kind.PARCEL:
            object_id = decode(sealed.aad)[-1]
            grant, number = object_id[:32], int.from_bytes(object_id[32:], "big")
            digest = hashlib.sha256(sealed.data).digest()
            pointer = seal_parcel_pointer(grants[grant].secret.secret, grant, number, digest)
            yield grant, number, pointer.salt, pointer.pointer
