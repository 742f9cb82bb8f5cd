"""Lives made up at random, lived by the contract and by the model at once: after every step both say and hold the same.

Three registries: here, at another address of the same chain, and at the same address of another chain. Owners, signers, tools,
strangers and wallets with code of their own make every call, themselves or by signature, well and badly; time passes; and every
signature that was ever made is kept and sent again, anywhere. ``RegistryLife`` doesn't know what runs the contract: a lane says so in
``settle``.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from memsync.chain.calls import Call, SignedCall
from memsync.chain.registry import GrantState, VaultState
from memsync.crypto.secp256k1 import keccak
from tests.contracts import layout
from tests.contracts.actions import STRANGER, Refused
from tests.contracts.cast import KEYS, Draw, World, holder
from tests.contracts.evidence import compact, sign, spoil
from tests.contracts.model import Said, Signature, account_named

LUCK = st.integers(0, 2**48 - 1)
"""All that is random in a step. Life goes on from where it stands, so a shorter life with the same luck is another life, but a life."""
RELAYER = STRANGER
OVERFLOW = bytes.fromhex("4e487b71" + "11".rjust(64, "0"))
TURN = keccak(b"turn(bool)")[:4]


@dataclass(frozen=True)
class Kept:
    """A signature that somebody has seen: it never goes away."""

    call: Call
    deadline: int
    signature: Signature


class RegistryLife(RuleBasedStateMachine):
    """``settle`` gives the three worlds, this chain's two first; wallet 0 says yes to all, 1 has a key, 2 changes its mind."""

    looks_everywhere = True

    def settle(self) -> Sequence[World]:
        raise NotImplementedError

    def __init__(self) -> None:
        super().__init__()
        self.worlds = list(self.settle())
        self.kept: list[Kept] = []
        self.landed: dict[str, int] = {}

    # ------------------------------------------------------------------ rules

    @initialize(luck=LUCK)
    def begin(self, luck: int) -> None:
        """Some vaults are open, with a grant or two."""
        chance = random.Random(luck)
        for function in ("open", "open", "open", "commitAndShare", "commitAndShare"):
            self.act(function, chance.getrandbits(48))

    @rule(luck=LUCK)
    def open(self, luck: int) -> None:
        self.act("open", luck)

    @rule(luck=LUCK)
    def set_signer(self, luck: int) -> None:
        self.act("setSigner", luck)

    @rule(luck=LUCK)
    def commit(self, luck: int) -> None:
        self.act("commit", luck)

    @rule(luck=LUCK)
    def commit_and_share(self, luck: int) -> None:
        self.act("commitAndShare", luck)

    @rule(luck=LUCK)
    def revoke(self, luck: int) -> None:
        self.act("revoke", luck)

    @rule(luck=LUCK)
    def revoke_all(self, luck: int) -> None:
        self.act("revokeAll", luck)

    @rule(luck=LUCK)
    def submit(self, luck: int) -> None:
        self.act("submit", luck)

    @rule(luck=LUCK)
    def publish_key(self, luck: int) -> None:
        self.act("publishKey", luck)

    @rule(luck=LUCK)
    def withhold(self, luck: int) -> None:
        """Something is signed and not sent: a relayer keeps it for later."""
        chance = random.Random(luck)
        world = chance.choice(self.worlds)
        draw = Draw(world, chance)
        call = draw.call(
            chance.choice(("setSigner", "commit", "commitAndShare", "revoke", "revokeAll", "submit"))
        )
        self.signed(world, call, self.account_of(world, call), draw.deadline(), None)

    @rule(luck=LUCK)
    def replay(self, luck: int) -> None:
        """A signature that once was made is sent as it was, here or elsewhere, now."""
        chance = random.Random(luck)
        if self.kept:
            one = chance.choice(self.kept)
            at_home = [
                world for world in self.worlds if one.signature.said and is_at_home(one.signature.said, world)
            ]
            world = chance.choice((at_home or self.worlds) if chance.random() < 0.7 else self.worlds)
            form = (
                compact(one.signature)
                if chance.random() < 0.3 and len(one.signature.data) == 65
                else one.signature
            )
            self.make(world, one.call, one.deadline, RELAYER, form, chance)

    @rule(luck=LUCK)
    def wait(self, luck: int) -> None:
        """Time passes: a little, or to the second before, at or after something begins or ends."""
        chance = random.Random(luck)
        now = self.worlds[0].now
        moments = [now + 1, now + 2, now + 3, now + chance.randrange(1, 60)]
        moments += [one.deadline for one in self.kept[-5:]]
        for world in self.worlds:
            for grant in list(world.model.grants.values())[-5:]:
                moments += [grant.start, grant.end]
        moment = chance.choice([one for one in moments if now <= one < now + 10**7]) + chance.choice(
            (-1, 0, 0, 1)
        )
        for world in self.worlds:
            world.registry.node.time = max(now, moment)
        self.look(self.worlds[0], chance)

    @rule(yes=st.booleans())
    def change_mind(self, yes: bool) -> None:  # noqa: FBT001
        for world in self.worlds:
            data = TURN + int(yes).to_bytes(32, "big")
            assert world.registry.node.send(world.wallets[2], data, sender=RELAYER).ok
            world.model.wallets[world.wallets[2]] = lambda _said, _signature: yes

    @rule(luck=LUCK)
    def grow_old(self, luck: int) -> None:
        """As after billions of calls: a number stands at the end of its range."""
        chance = random.Random(luck)
        world = chance.choice(self.worlds[:2])
        if world.model.vaults and chance.random() < 0.2:
            vault = chance.choice(list(world.model.vaults))
            name, offset = chance.choice((("sequence", 20), ("grant_epoch", 24)))
            state = replace(world.model.vaults[vault], **{name: 2**32 - 2})
            world.model.vaults[vault] = state
            node, slot = world.registry.node, layout.vault_slot(vault)
            packed = bytearray(node.storage(world.registry.contract, slot))
            packed[32 - offset - 4 : 32 - offset] = (2**32 - 2).to_bytes(4, "big")
            node.set_storage(world.registry.contract, slot, bytes(packed))

    def teardown(self) -> None:
        for world in self.worlds:
            self.look_everywhere(world)

    # ------------------------------------------------------------------ a step

    def act(self, function: str, luck: int) -> None:
        """One call in one world, by whoever must make it or by somebody else, with good or bad evidence."""
        chance = random.Random(luck)
        world = self.worlds[0] if chance.random() < 0.8 else chance.choice(self.worlds)
        draw = Draw(world, chance)
        call, deadline = draw.call(function), draw.deadline()
        account = self.account_of(world, call)
        how = chance.random()
        if how < 0.4:
            sender = account if how < 0.36 else chance.choice(world.accounts)
            self.make(world, call, deadline, sender, None, chance)
            return
        signature = self.signed(world, call, account, deadline, chance)
        if how > 0.93 and len(signature.data) == 65:
            signature = spoil(signature, chance)
        elif how > 0.8 and len(signature.data) == 65:
            signature = compact(signature)
        elif how > 0.76 and self.kept:
            signature = chance.choice(self.kept).signature  # of something else
        self.make(world, call, deadline, RELAYER, signature, chance)

    def account_of(self, world: World, call: Call) -> bytes:
        return account_named(call) or world.model.vault(getattr(call, "vault", b"")).signer

    def signed(
        self, world: World, call: Call, account: bytes, deadline: int, chance: random.Random | None
    ) -> Signature:
        """What the account signs, or what somebody else signs for it; kept for ever."""
        signer = holder(world, account)
        if chance and chance.random() < 0.08:
            signer = chance.choice(list(KEYS.values()))
        said = Said(world.registry.chain_id, world.registry.contract, account, call, deadline)
        signature = sign(said, signer, world)
        self.kept.append(Kept(call, deadline, signature))
        return signature

    def make(
        self,
        world: World,
        call: Call,
        deadline: int,
        sender: bytes,
        signature: Signature | None,
        chance: random.Random,
    ) -> None:
        """Have the model and the contract make the call, and compare what they say and hold."""
        evidence = signature.data if signature else b""
        try:
            expected = world.model.make(call, deadline, now=world.now, sender=sender, signature=signature)
        except Refused as refusal:
            expected = (refusal.name, refusal.values)
        try:
            done = world.registry.send(SignedCall(call, deadline, b"", evidence), sender=sender)
            found = done.events
        except Refused as refusal:
            found = (
                refusal.name if refusal.name or refusal.data == OVERFLOW else f"{refusal}",
                refusal.values,
            )
        if found != expected:
            note(f"{world.now}: {call} until {deadline} from {sender.hex()} with {signature}")
        assert found == expected, f"the contract said {found}, the model {expected}"
        if isinstance(found, list):
            self.landed[call.function] = self.landed.get(call.function, 0) + 1
        self.look(world, chance)

    # ------------------------------------------------------------------ what both hold

    def look(self, world: World, chance: random.Random) -> None:
        if self.looks_everywhere:
            self.look_everywhere(world)
        else:
            self.look_at(world, chance.choice(list(world.model.vaults) or world.vaults))
        vault, preimage = chance.choice(world.vaults), chance.choice(world.preimages)
        made = list(world.model.grants)
        if made and chance.random() < 0.8:
            vault, grant = chance.choice(made)
            ids = world.ids.get(vault, [])
            preimage = world.preimages[ids.index(grant)] if grant in ids else preimage
        rights = chance.choice((1, 2, 3, 0, 4, 255))
        held = world.registry.ask("isGranted", vault, *preimage, rights)[0]
        assert held == world.model.is_granted(world.now, vault, *preimage, rights), (vault, preimage, rights)

    def look_everywhere(self, world: World) -> None:
        for vault in world.vaults:
            self.look_at(world, vault)
        for account in world.accounts:
            assert world.key_of(account) == world.model.key_of(account), account

    def look_at(self, world: World, vault: bytes) -> None:
        """The vault, and every grant that anything here could have made in it, as ``snapshot`` answers."""
        ids = world.ids_in(vault)
        assert world.snapshot(vault, ids) == expected_snapshot(world, vault, ids), vault


def is_at_home(said: Said, world: World) -> bool:
    return (said.chain_id, said.contract) == (world.registry.chain_id, world.registry.contract)


def expected_snapshot(world: World, vault: bytes, ids: Sequence[bytes]) -> bytes:
    """The answer of ``snapshot`` as bytes, written by hand."""
    grants = [world.model.grant(vault, id_) for id_ in ids]
    parts = [
        words(world.now),
        head_words(world.model.vault(vault)),
        words(8 * 32, (9 + 6 * len(ids)) * 32, len(ids)),
    ]
    parts += [grant_words(one) for one in grants]
    return b"".join([*parts, words(len(ids)), *(one.parcel for one in grants)])


def words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(32, "big") for number in numbers)


@cache
def head_words(state: VaultState) -> bytes:
    signer = int.from_bytes(state.signer, "big")
    return words(signer, state.sequence, state.grant_epoch, state.salt) + state.pointer


@cache
def grant_words(state: GrantState) -> bytes:
    return words(state.start, state.end, state.epoch, state.rights, state.parcels, state.parcel_salt)
