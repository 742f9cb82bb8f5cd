"""The property that matters most: whatever A and A's grantees do, nothing of B's changes or becomes granted.

``Attacker`` draws random calls from everything a thief could have: its own keys and vaults, its tools' keys, a wallet that says yes to
all, every id, preimage and number of B's, and every signature that B and B's tools ever had carried. The control gives the same
generator one of B's keys, and B is harmed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest

from memsync.chain.calls import (
    NO_DEADLINE,
    Call,
    Commit,
    CommitAndShare,
    Open,
    PublishKey,
    Revoke,
    RevokeAll,
    SetSigner,
    Share,
    SignedCall,
    Submit,
)
from memsync.crypto.secp256k1 import SecpKey, grant_id
from tests.contracts.actions import (
    BOTH,
    DAY,
    START,
    STRANGER,
    ZERO32,
    Gift,
    Person,
    key,
    publishing,
    submit,
    word,
)
from tests.contracts.wallets import Wallet, settle

STEPS = 300


@dataclass
class Victim:
    """B: a vault with a past, two tools, and all that was ever signed for it."""

    person: Person
    tools: list[SecpKey]
    gifts: list[Gift]
    signatures: list[bytes] = field(default_factory=list)

    @classmethod
    def with_a_past(cls, registry, name: str) -> Victim:
        carried: list[bytes] = []

        class Recording(type(registry)):
            def send_data(self, data, **options):
                carried.append(data)
                return super().send_data(data, **options)

        recording = Recording(registry.node, registry.artifact, registry.contract)
        person = Person.named(recording, name).open()
        tools = [key(f"{name}'s tool {i}") for i in range(2)]
        over = person.gift(tools[0], salt="over")
        person.share(over)
        person.revoke(over.id)
        person.revoke_all()
        person = person.set_signer(key(f"{name}'s second signer"))
        gifts = [person.gift(tool, salt="live") for tool in tools]
        for gift in gifts:
            person.share(gift)
            submit(recording, gift)
            recording.relayed(publishing(recording, gift.grantee, f"{name}'s card"), gift.grantee)
        return cls(person, tools, [*gifts, over], carried)

    def look(self) -> tuple:
        """Everything of B's: vault, grants, inboxes, keys, and the vault that B could still open."""
        accounts = (self.person.owner.address, *(tool.address for tool in self.tools))
        return (
            self.person.registry.fingerprint(
                self.person.vault, tuple(gift.id for gift in self.gifts), accounts
            ),
            replace(self.person, nonce=1).state,
        )


@dataclass
class Attacker:
    """A, with tools and a lying wallet, and a seeded source of calls."""

    person: Person
    wallet: Wallet
    victim: Victim
    chance: random.Random
    stolen: list[SecpKey] = field(default_factory=list)
    landed: int = 0

    def __post_init__(self) -> None:
        self.tool = key("attacker's tool")
        self.keys = [self.person.owner, self.person.signer, self.tool, *self.stolen]
        theirs = self.victim.person
        self.vaults = [self.person.vault, theirs.vault, theirs.vault, theirs.vault, word("no vault")]
        self.vaults.append(Person(theirs.registry, self.wallet, self.wallet).vault)
        self.addresses = [
            one.address for one in (*self.keys, theirs.owner, theirs.signer, *self.victim.tools)
        ]
        self.addresses += [self.wallet.address, bytes(20), theirs.registry.contract]
        self.words = [word(name) for name in ("work", "live", "over", "salt", "anything")] + [
            ZERO32,
            theirs.vault,
        ]
        self.ids = [gift.id for gift in self.victim.gifts] + [
            grant_id(vault, address, self.words[0], self.words[1])
            for vault in self.vaults[:2]
            for address in self.addresses[:4]
        ]

    def attack(self) -> None:
        """One transaction, well or badly signed, of the attacker's own or of B's past."""
        registry = self.victim.person.registry
        if self.chance.random() < 0.1:
            data, sender = self.chance.choice(self.victim.signatures), STRANGER
        else:
            signed, sender = self.prepare()
            data = registry.calldata(signed)
        self.landed += registry.node.send(registry.contract, data, sender=sender).ok

    def prepare(self) -> tuple[SignedCall, bytes]:
        registry, pick = self.victim.person.registry, self.chance.choice
        call, account = self.draw()
        signer = pick(self.keys)
        how = self.chance.random()
        if how < 0.2:  # as the caller, whoever that is
            return SignedCall(call, NO_DEADLINE, account, b""), pick([one.address for one in self.keys])
        if how < 0.3:  # through the wallet that says yes
            return SignedCall(
                call, NO_DEADLINE, account, pick([b"yes", self.wallet.address])
            ), self.wallet.address
        if account == self.wallet.address:
            return SignedCall(call, NO_DEADLINE, account, b"yes"), STRANGER
        holder = next((one for one in self.keys if one.address == account), signer)
        signature = pick([holder, holder, signer]).sign(registry.digest(call, account))
        return SignedCall(call, NO_DEADLINE, account, signature), STRANGER

    def draw(self) -> tuple[Call, bytes]:
        """A call, mostly with numbers that fit the present state, and the account it needs."""
        registry, pick = self.victim.person.registry, self.chance.choice
        vault, grant = pick(self.vaults), pick(self.ids)
        state = registry.vault(vault)
        exact = self.chance.random() < 0.8
        sequence = state.sequence if exact else self.chance.randrange(8)
        epoch = state.grant_epoch if exact else self.chance.randrange(4)
        head = vault, sequence, epoch, self.chance.getrandbits(32), word(f"attack {self.chance.random()}")
        owner = pick([self.person.owner, self.person.owner, self.victim.person.owner]).address
        match self.chance.randrange(8):
            case 0:
                return Open(owner, self.chance.randrange(3), pick(self.addresses), *head[3:]), owner
            case 1:
                current = registry.vault(registry.ask("vaultIdOf", owner, 0)[0]).signer
                newcomer = pick(self.addresses)
                if owner == self.person.owner.address:  # its own vault it keeps, to go on with
                    newcomer = pick([self.person.signer, self.tool, self.wallet]).address
                return SetSigner(owner, 0, current, newcomer), owner
            case 2:
                return Commit(*head), state.signer
            case 3:
                ids = [pick(self.ids), word(f"fresh {self.chance.random()}")]
                chosen = self.chance.sample(ids, self.chance.randrange(3))
                rights = pick([1, 2, 3, 3, 0])
                shares = tuple(Share(one, START - DAY, START + DAY, rights) for one in chosen)
                return CommitAndShare(
                    *head, shares, tuple(self.chance.sample(self.ids, self.chance.randrange(2)))
                ), state.signer
            case 4:
                return Revoke(vault, grant), state.signer
            case 5:
                return RevokeAll(vault, epoch), state.signer
            case 6:
                gift = pick(self.victim.gifts)
                grantee, scope, salt = pick(self.addresses), pick(self.words), pick(self.words)
                if exact:
                    grantee, scope, salt = gift.grantee.address, gift.scope, gift.salt
                parcels = registry.grant(vault, grant_id(vault, grantee, scope, salt)).parcels
                return Submit(grantee, vault, scope, salt, parcels, *head[3:]), grantee
            case _:
                account = pick(self.addresses)
                return PublishKey(account, registry.key_of(account), pick(self.words)), account

    def is_granted_anything(self) -> bool:
        """Whether one of the attacker's accounts holds any right on B's vault, by any words it knows."""
        registry, vault = self.victim.person.registry, self.victim.person.vault
        accounts = [self.person.owner, self.person.signer, self.tool, self.wallet]
        return any(
            registry.is_granted(Gift(vault, account, scope, salt), rights)
            for account in accounts
            for scope in self.words[:3]
            for salt in self.words[:4]
            for rights in (1, 2, 3)
        )


def meet(registry, init_code, seed: int, **more) -> Attacker:
    name = f"{seed} {more}"
    victim = Victim.with_a_past(registry, f"victim {name}")
    wallet = Wallet(registry, registry.node.deploy(init_code("YesWallet")))
    settle(wallet)
    attacker = Person.named(registry, f"attacker {name}").open()
    attacker.share(attacker.gift(key("attacker's tool")), BOTH)
    stolen = [getattr(victim.person, role) for role in more.get("stolen", ())]
    return Attacker(attacker, wallet, victim, random.Random(seed), stolen)


@pytest.mark.parametrize("seed", range(4))
def test_a_and_as_grantee_never_touch_or_are_granted_anything_of_bs(long_registry, init_code, seed):
    attacker = meet(long_registry, init_code, seed)
    before, own = attacker.victim.look(), attacker.person.state
    for step in range(STEPS):
        attacker.attack()
        if step % 10 == 0:
            assert attacker.victim.look() == before, f"seed {seed}, step {step}"
    assert attacker.victim.look() == before
    assert not attacker.is_granted_anything()
    for gift in attacker.victim.gifts[:2]:
        assert long_registry.is_granted(gift, BOTH)
    assert attacker.landed > STEPS / 10, "hardly any attack was a call that the registry took"
    assert attacker.person.state.sequence > own.sequence + 3, "the attacker's own vault took none of it"


@pytest.mark.parametrize("role", ["owner", "signer"])
def test_the_same_attacks_with_one_of_bs_keys_do_harm(long_registry, init_code, role):
    attacker = meet(long_registry, init_code, 1, stolen=(role,))
    before = attacker.victim.look()
    for _ in range(STEPS):
        attacker.attack()
        if attacker.victim.look() != before:
            return
    pytest.fail("the generator can't harm anybody: it proves nothing")


# ------------------------------------------------------------------ directed


def test_a_grantee_of_a_holds_nothing_of_b_under_the_same_words(registry, alice, bob):
    """The bug of a peer: an own account object opened everybody's memory to its delegate."""
    tool = key("tool")
    mine, theirs = alice.gift(tool), bob.gift(tool)
    alice.share(mine, BOTH)
    assert registry.is_granted(mine, BOTH)
    assert not registry.is_granted(theirs)
    assert not registry.is_granted(mine, vault=bob.vault)


def test_b_s_grant_id_granted_in_a_s_vault_opens_nothing(registry, alice, bob):
    tool = key("tool")
    theirs = bob.gift(tool)
    share = Share(theirs.id, START - DAY, START + DAY, BOTH)
    registry.relayed(alice.sharing(share), alice.signer)
    assert registry.grant(alice.vault, theirs.id).rights == BOTH
    assert not registry.is_granted(theirs)
    assert not registry.is_granted(theirs, vault=alice.vault)
    with pytest.raises(Exception, match="NotGranted"):
        submit(registry, theirs, sequence=0)
    with pytest.raises(Exception, match="NotGranted"):
        submit(registry, replace(theirs, vault=alice.vault), sequence=0)
    bob.share(theirs)
    assert registry.is_granted(theirs)


def test_a_can_neither_burn_nor_tombstone_an_id_of_b(registry, alice, bob):
    theirs = bob.gift(key("tool"))
    alice.revoke(theirs.id)
    bob.share(theirs)
    alice.revoke(theirs.id)
    alice.revoke_all()
    assert registry.is_granted(theirs)


def test_a_can_not_open_b_s_vault_before_b_does(registry, alice):
    bob = Person.named(registry, "bob")
    squatting = replace(bob.opening(), first_signer=alice.signer.address)
    with pytest.raises(Exception, match="InvalidSignature"):
        registry.relayed(squatting, alice.owner)
    with pytest.raises(Exception, match="NotTheAccount"):
        registry.direct(squatting, alice.owner.address)
    bob.open()


def test_the_gas_of_a_call_does_not_depend_on_what_others_did(long_registry):
    registry = long_registry
    first = Person.named(registry, "frugal 1").open()
    alone = first.share(first.gift(key("tool"))).mined.gas
    crowd = Person.named(registry, "crowd").open()
    for i in range(20):
        crowd.share(crowd.gift(key("tool"), salt=f"{i}"))
    second = Person.named(registry, "frugal 2").open()
    assert abs(second.share(second.gift(key("tool"))).mined.gas - alone) < 100
