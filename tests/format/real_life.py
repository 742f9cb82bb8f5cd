"""A vault's life lived by the real code, with a store that keeps every block ever put and a chain that keeps every head.

Devices of one owner, tools of each kind, a race that leaves a loser's blocks behind: what is recorded is a :class:`Life`, and a thief
is set upon it as upon a told story.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from memsync.chain.calls import SignedCall
from memsync.chain.registry import Receipt
from memsync.crypto.words import from_words
from memsync.device.keystore_file import CHEAP_COST
from memsync.format.rights import READ, WRITE
from memsync.ipld.cid import CID
from memsync.shared import SharedVault, Tool
from memsync.store.port import Block
from memsync.sync.devices import name_this_device
from memsync.testing import MemoryRegistry, MemoryStore
from memsync.vault import Grant, Vault
from tests.flow.actions import PASSPHRASE, World
from tests.format.lessons import Role, Secret
from tests.format.opening import Public
from tests.format.scribe import Record, writing
from tests.format.watched import Life, Terms

RIGHTS = {"read": READ, "write": WRITE, "read+write": READ | WRITE}


class Witness(MemoryRegistry):
    """A chain that is watched. ``rival`` is done once, just before the next call is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.heads: list[tuple[int, bytes, bytes]] = []
        self.parcels: list[tuple[bytes, int, bytes, bytes]] = []
        self.rival: Callable[[], object] | None = None

    def send(self, signed: SignedCall) -> Receipt:
        if (rival := self.rival) is not None:
            self.rival = None
            rival()
        receipt = super().send(signed)
        for state in self._vaults.values():
            head = state.sequence, state.salt_bytes, state.pointer
            if head not in self.heads:
                self.heads.append(head)
        for (_, grant), state in self._grants.items():
            parcel = grant, state.parcels, state.parcel_salt.to_bytes(6, "big"), state.parcel
            if state.parcels and parcel not in self.parcels:
                self.parcels.append(parcel)
        return receipt

    @property
    def grants(self) -> frozenset[bytes]:
        return frozenset(grant for _, grant in self._grants)


class Archive(MemoryStore):
    """A store that somebody copies all the time: ``ever`` has every block, ``put`` the push that each came with or before. ``denies``
    that it has any."""

    def __init__(self, registry: Witness) -> None:
        super().__init__()
        self.ever: dict[bytes, bytes] = {}
        self.put: dict[bytes, int] = {}
        self.denies = False
        self._registry = registry

    def has_many(self, cids: Iterable[CID]) -> set[CID]:
        return set() if self.denies else super().has_many(cids)

    def _keep(self, blocks: Iterator[Block]) -> None:
        kept = list(blocks)
        for cid, data in kept:
            self.ever[cid.digest] = bytes(data)
            self.put.setdefault(cid.digest, len(self._registry.heads) + 1)
        super()._keep(iter(kept))


class Biography(World):
    """A world with one vault, whose life it records."""

    def __init__(self, folder: Path) -> None:
        self.witness = Witness()
        self.archive = Archive(self.witness)
        super().__init__(folder, self.witness, self.archive)
        self.mine = self.vault()
        self.words = self.mine.words
        self.names: dict[str, Tool] = {}
        self.terms: dict[str, list[Terms]] = {}
        self.devices: dict[str, int | None] = {}
        self.held: dict[str, tuple[Secret, ...]] = {}

    def vault(self, **terms: object) -> Vault:
        return named(super().vault(**terms), "The owner's first device")

    def restored(self, words: str, **where: object) -> Vault:
        return named(super().restored(words, **where), "A device that came by words")

    @property
    def sequence(self) -> int:
        return len(self.witness.heads)

    def share(
        self, name: str, scope: str, *, can: str = "read", from_now: bool = False, until: str = "30d"
    ) -> Grant:
        """Grant to a tool of this name, new or known."""
        tool = self.names.setdefault(name, Tool.generate())
        grant = self.mine.grant(
            tool.card(name, now=self.now()), scope=scope, until=until, can=can, from_now=from_now
        )
        scope_id = self.mine._replica.scopes.id_of(scope)
        self.terms.setdefault(name, []).append(
            Terms(grant.id, scope_id, RIGHTS[can], from_now, self.sequence)
        )
        return grant

    def end(self, grant: Grant) -> None:
        """Note that the last push noticed the end of a grant."""
        for name, terms in self.terms.items():
            self.terms[name] = [
                one if one.id != grant.id else Terms(*_but_last(one), ended=self.sequence) for one in terms
            ]

    def pair(self, name: str) -> Vault:
        """A device that comes by request and answer; what it has then is what a thief of it begins with."""
        home = self.home()
        request = Vault.request(
            passphrase=PASSPHRASE, device=name, home=home, cost=CHEAP_COST, clock=self.clock
        )
        vault = Vault.join(
            self.mine.add_device(request).answer,
            passphrase=PASSPHRASE,
            home=home,
            store=self.store,
            registry=self.registry,
            clock=self.clock,
        )
        self.open.append(vault)
        self.devices[name], self.held[name] = None, device_secrets(vault)
        return vault

    def lose(self, name: str, *, stolen: bool = False) -> None:
        """Remove a device; note which grants ended with it, and those that took their place."""
        before = {one.id: one for one in self.mine.grants()}
        removed = self.mine.remove_device(name, self.words, stolen=stolen)
        self.devices[name] = self.sequence
        left = {one.id for one in self.mine.grants()}
        for grant in (one for one in before.values() if one.id not in left):
            self.end(grant)
        for grant in removed.grants:
            scope = self.mine._replica.scopes.id_of(grant.scope)
            self.terms[grant.name].append(
                Terms(grant.id, scope, RIGHTS[grant.can], grant.from_now, self.sequence)
            )

    def taken(self, name: str, grant: Grant) -> SharedVault:
        return self.accepted(self.names[name], grant)

    def life(self, record: Record) -> Life:
        """All that was recorded, with what was written down of the sealing."""
        keys = self.mine._replica.keys()
        public = Public(
            keys.chain_id,
            keys.contract,
            keys.vault,
            dict(self.archive.ever),
            tuple(self.witness.heads),
            self.witness.grants,
            tuple(self.witness.parcels),
        )
        holds = {name: (Secret(Role.SEED, tool.seed),) for name, tool in self.names.items()}
        holds["owner"] = (Secret(Role.WORDS, from_words(self.words)),)
        holds |= self.held | {"laptop": device_secrets(self.mine)} if self.held else {}
        tools = {name: tuple(terms) for name, terms in self.terms.items()}
        devices = self.devices | {"laptop": None} if self.devices else {}
        return Life(public, dict(self.archive.put), holds, tools, record, devices)


def named(vault: Vault, name: str) -> Vault:
    """The same, under a name that no random bytes hold by chance."""
    name_this_device(vault._replica, name)
    return vault


def device_secrets(vault: Vault) -> tuple[Secret, ...]:
    """All secrets that a device has of itself: what else it knows it has read in blocks."""
    keys = vault._replica.keys()
    return (
        Secret(Role.SEED, vault._secrets.device),
        Secret(Role.LOCATOR, keys.locator.secret, number=keys.locator_number),
        Secret(Role.GENERATION, keys.generation.secret, number=keys.generation.number),
    )


def _but_last(terms: Terms) -> tuple[object, ...]:
    return terms.id, terms.scope, terms.rights, terms.from_now_on, terms.granted


def live(folder: Path, story: Callable[[Biography], None] | None = None) -> Life:
    """Live a whole life in ``folder``, as ``story`` goes."""
    with writing() as record:
        world = Biography(folder)
        try:
            (story or at_length)(world)
            return world.life(record)
        finally:
            world.close()


def at_length(world: Biography) -> None:
    """Two dozen pushes with everything that can happen."""
    vault: Vault = world.mine
    vault.add_scope("work")
    old = [vault.remember(f"Before everything, personal {number}.") for number in range(3)]
    vault.remember("Before everything, work.", scope="work")
    vault.push()
    visitor = world.share("Visitor", "personal")
    vault.remember("While the visitor reads.")
    vault.push()
    vault.revoke(visitor)
    world.end(visitor)
    vault.remember("After the visitor.")
    vault.push()

    historian = world.share("Historian", "personal")
    world.taken("Historian", historian).pull()
    early = world.share("Early", "personal", from_now=True)
    middle = vault.remember("Between early and late.")
    vault.remember("Early is here.", scope="work")
    vault.push()
    late = world.share("Latecomer", "personal", from_now=True)
    colleague = world.share("Colleague", "work")
    brief = world.share("Brief", "work", until="2h", can="read+write")
    writer = world.share("Writer", "work", can="write")
    vault.forget(old[0])
    vault.edit(old[1], "Before everything, and edited.")
    vault.push()

    other = world.restored(world.words)
    world.taken("Writer", writer).propose(["Proposed and taken.", "Proposed and refused."])
    world.taken("Brief", brief).propose("From one who reads, too.")
    vault.collect()
    for proposal in vault.review():
        (vault.refuse if "refused" in proposal.draft.text else vault.accept)(proposal)
    other.remember("By the other device, in a race.")
    vault.remember("By this device, in a race.")
    world.witness.rival = other.push
    vault.push()

    vault.revoke(colleague)
    world.end(colleague)
    vault.remember("After the colleague.", scope="work")
    vault.remember("After the colleague, personal.")
    vault.push()
    vault.forget(middle)
    vault.forget(old[2])
    vault.push()

    world.pass_time(3 * 3600)
    vault.remember("After the brief one.", scope="work")
    vault.push()
    world.end(brief)
    vault.revoke(early, emergency=True)
    vault.remember("After the early one.")
    vault.push()
    world.end(early)
    other.pull()
    other.add_scope("health")
    other.remember("Only ever for the owner.", scope="health")
    world.witness.rival = lambda: (vault.remember("Faster."), vault.push())
    other.push()
    vault.pull()
    world.share("Doctor", "health", can="read+write", from_now=True)
    vault.remember("For the doctor.", scope="health")
    vault.push()
    assert late.from_now


def in_short(world: Biography) -> None:
    """A grant of each kind, an end and a forgotten memory."""
    vault = world.mine
    old = vault.remember("Before everything.")
    vault.remember("Before everything, too.")
    vault.push()
    vault.add_scope("work")
    vault.remember("Work.", scope="work")
    world.share("Historian", "personal")
    world.share("Early", "personal", from_now=True)
    world.share("Writer", "work", can="write")
    colleague = world.share("Colleague", "work")
    vault.remember("After early came.")
    vault.push()
    world.share("Latecomer", "personal", from_now=True)
    vault.forget(old)
    vault.push()
    vault.remember("Sealed by the push that ends the colleague's grant.", scope="work")
    vault.revoke(colleague)
    world.end(colleague)
    vault.remember("After the colleague.", scope="work")
    vault.push()


def with_devices(world: Biography) -> None:
    """Three devices, of which one is removed and one stolen, while tools of each kind read and write."""
    vault = world.mine
    vault.add_scope("work")
    vault.remember("Before everything.")
    vault.remember("Before everything, work.", scope="work")
    vault.push()
    phone, tablet = world.pair("phone"), world.pair("tablet")
    world.share("Historian", "personal")
    world.share("Early", "personal", from_now=True)
    writer = world.share("Writer", "work", can="write")
    world.share("Colleague", "work", can="read+write")
    phone.pull()
    phone.remember("By the phone.")
    phone.push()
    world.taken("Writer", writer).propose("Before the phone was lost.")
    vault.collect()
    for proposal in vault.review():
        vault.accept(proposal)
    vault.push()
    world.lose("phone")
    vault.remember("After the phone.")
    vault.remember("After the phone, work.", scope="work")
    vault.push()
    anew = next(one for one in vault.grants() if one.name == "Writer")
    world.taken("Writer", anew).propose("To the new letter box.")
    vault.collect()
    tablet.pull()
    tablet.remember("By the tablet, which follows.")
    tablet.push()
    vault.pull()
    world.share("Newcomer", "personal", from_now=True)
    world.lose("tablet", stolen=True)
    vault.remember("After the tablet.")
    vault.remember("After the tablet, work.", scope="work")
    vault.push()
