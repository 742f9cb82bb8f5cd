"""Named attacks: replay, withholding by a relayer, a stolen signer, exhaustion."""

from __future__ import annotations

from dataclasses import replace

from memsync.chain.calls import Commit, PublishKey, Revoke, Share
from tests.contracts.actions import DAY, READ, START, STRANGER, Person, key, publishing, submit, word
from tests.contracts.checks import refused, unchanged
from tests.contracts.every_call import TOOL, everything, second_vault
from tests.contracts.node import hexed
from tests.contracts.wallets import Wallet


def live_on(registry, alice, gift) -> None:
    """Other calls, as they happen in between: alice and the tool go on, each with everything they can do."""
    alice.commit("one more")
    submit(registry, gift)
    other = alice.gift(key("another tool"), salt=f"at {alice.state.sequence}")
    alice.share(other)
    alice.revoke(other.id)
    alice.revoke_all()
    alice.share(alice.gift(TOOL, salt=f"at {alice.state.sequence}"))
    registry.relayed(publishing(registry, TOOL, f"card at {alice.state.sequence}"), TOOL)


# ------------------------------------------------------------------ replay


def test_a_replayed_publish_key_signature_changes_nothing_also_after_other_calls(registry, alice, gift):
    signed = registry.sign(publishing(registry, TOOL, "first card"), TOOL)
    registry.send(signed)
    with unchanged(lambda: registry.key_of(TOOL.address)), refused("StaleDigest", current=word("first card")):
        registry.send(signed)
    live_on(registry, alice, gift)
    registry.relayed(publishing(registry, TOOL, "last card"), TOOL)
    with unchanged(lambda: registry.key_of(TOOL.address)), refused("StaleDigest", current=word("last card")):
        registry.send(signed)


def test_a_replayed_revoke_all_signature_changes_nothing_also_after_other_calls(registry, alice, gift):
    signed = registry.sign(alice.revoking_all(), alice.signer)
    registry.send(signed)
    with unchanged(lambda: everything(alice, gift)), refused("StaleEpoch", current=1):
        registry.send(signed)
    after = alice.gift(TOOL, salt="after")
    alice.share(after)
    live_on(registry, replace(alice), after)
    kept = alice.gift(TOOL, salt="kept")
    alice.share(kept)
    with unchanged(lambda: everything(alice, kept)), refused("StaleEpoch", current=2):
        registry.send(signed)
    assert registry.is_granted(kept)


def test_a_replayed_set_signer_signature_changes_nothing_also_after_other_calls(registry, alice, gift):
    signed = registry.sign(alice.replacing_signer(key("second")), alice.owner)
    registry.send(signed)
    second = replace(alice, signer=key("second"))
    with unchanged(lambda: second.state), refused("InvalidSignature", account=alice.owner.address):
        registry.send(signed)
    live_on(registry, second, gift)
    third = second.set_signer(key("third"))
    live_on(registry, third, third_gift(registry, third))
    with unchanged(lambda: third.state), refused("InvalidSignature", account=alice.owner.address):
        registry.send(signed)


def third_gift(registry, person):
    given = person.gift(TOOL, salt=f"at {person.state.sequence}")
    person.share(given)
    return given


def test_no_signature_of_a_whole_life_can_be_used_a_second_time(registry, node, alice, gift):
    """Every transaction is recorded; at the end each is sent again, twice over, and everything stays as it is."""
    recorded = []
    send, registry_type = registry.send, type(registry)

    class Recording(registry_type):
        def send(self, signed, *, sender=STRANGER):
            recorded.append(signed)
            return send(signed, sender=sender)

    recording = Recording(registry.node, registry.artifact, registry.contract)
    person = replace(alice, registry=recording)
    second_vault(person).open()
    live_on(recording, person, gift)
    person = person.set_signer(key("second"))
    live_on(recording, person, third_gift(recording, person))
    person = person.set_signer(key("third"))
    live_on(recording, person, third_gift(recording, person))
    assert {signed.call.function for signed in recorded} == set(registry.artifact.functions) - VIEWS
    with unchanged(lambda: everything(person, gift)):
        for signed in recorded + recorded:
            node.send(registry.contract, registry.calldata(signed), sender=STRANGER)
    last = registry.sign(person.committing(), person.signer)
    assert node.send(registry.contract, registry.calldata(last), sender=STRANGER).ok


VIEWS = {"vaultOf", "grantOf", "parcelOf", "keyOf", "vaultIdOf", "grantIdOf", "isGranted", "snapshot"}


def test_a_signer_that_comes_back_brings_its_old_signatures_back(registry, alice):
    """Why a replaced signer is never reinstated: the contract can't know it was there before."""
    old = registry.sign(alice.revoking(word("some grant")), alice.signer)
    replaced = alice.set_signer(key("second"))
    with refused("InvalidSignature", account=key("second").address):
        registry.send(old)
    replaced.set_signer(alice.signer)
    registry.send(old)


def test_a_digest_that_comes_back_brings_its_old_signature_back(registry):
    """Why no digest is published twice; cards carry their time of issue."""
    registry.relayed(publishing(registry, TOOL, "first"), TOOL)
    old = registry.sign(PublishKey(TOOL.address, word("first"), word("second")), TOOL)
    registry.send(old)
    registry.relayed(PublishKey(TOOL.address, word("second"), word("first")), TOOL)
    registry.send(old)
    assert registry.key_of(TOOL.address) == word("second")


# ------------------------------------------------------------------ withholding


def test_a_grant_withheld_by_a_relayer_can_not_land_after_revoke_all(registry, alice):
    gift = alice.gift(TOOL)
    withheld = registry.sign(alice.sharing(Share(gift.id, START - DAY, START + DAY, READ)), alice.signer)
    alice.revoke_all()
    with refused("StaleEpoch", current=1):
        registry.send(withheld)
    assert not registry.is_granted(gift)
    alice.commit()
    with refused("StaleSequence", current=2):
        registry.send(withheld)
    assert registry.grant(alice.vault, gift.id).end == 0


def test_a_grant_withheld_by_a_relayer_lands_where_nothing_happened_since(registry, alice):
    """The control of the test above."""
    gift = alice.gift(TOOL)
    withheld = registry.sign(alice.sharing(Share(gift.id, START - DAY, START + DAY, READ)), alice.signer)
    registry.send(withheld)
    assert registry.is_granted(gift)


def test_a_grant_withheld_by_a_relayer_can_not_land_after_its_id_was_revoked(registry, alice):
    gift = alice.gift(TOOL)
    withheld = registry.sign(alice.sharing(Share(gift.id, START - DAY, START + DAY, READ)), alice.signer)
    alice.revoke(gift.id)
    with refused("GrantIdUsed", grantId=gift.id):
        registry.send(withheld)
    assert not registry.is_granted(gift)


def test_a_withheld_revoke_all_ends_newer_grants_until_its_deadline(registry, node, alice):
    """Why it is signed with a short deadline only."""
    withheld = registry.sign(alice.revoking_all(), alice.signer, deadline=START + 600)
    newer = alice.gift(TOOL)
    alice.share(newer)
    mark = node.rpc("evm_snapshot")
    with (
        node.at(START + 601),
        unchanged(lambda: registry.is_granted(newer)),
        refused("DeadlinePassed", deadline=START + 600),
    ):
        registry.send(withheld)
    assert node.rpc("evm_revert", mark)
    registry.send(withheld)
    assert not registry.is_granted(newer)


# ------------------------------------------------------------------ a stolen signer


def test_a_stolen_signer_can_not_take_the_vault(registry, alice):
    thief = alice.signer  # its key, in the wrong hands
    takeover = alice.replacing_signer(key("thief's own key"))
    with unchanged(lambda: alice.state.signer):
        with refused("InvalidSignature", account=alice.owner.address):
            registry.relayed(takeover, thief)
        with refused("NotTheAccount", account=alice.owner.address, caller=thief.address):
            registry.direct(takeover, thief.address)
        with refused("VaultExists", vault=alice.vault):
            registry.relayed(replace(alice.opening(), first_signer=key("thief's own key").address), thief)
        alice.commit("vandalism")
        alice.revoke_all()


def test_the_owner_recovers_while_the_thief_spams_commits(registry, node, alice):
    """The thief fills the block before the owner's call, and the next ones, with commits and revocations of everything."""
    rescue = registry.sign(alice.replacing_signer(key("fresh")), alice.owner)
    before = alice.state
    spam = [
        Commit(alice.vault, before.sequence + i, before.grant_epoch, i, word(f"spam {i}")) for i in range(50)
    ]
    node.rpc("evm_setAutomine", False)  # noqa: FBT003
    try:
        sent = [
            send_unmined(registry, registry.sign(call, alice.signer), nonce=i, tip=100)
            for i, call in enumerate(spam)
        ]
        sent.append(send_unmined(registry, rescue, sender=b"\x0e" * 20, nonce=0, tip=1))
        sent.append(
            send_unmined(
                registry,
                registry.sign(Commit(alice.vault, 51, 0, 0, word("too late")), alice.signer),
                sender=b"\x0f" * 20,
                nonce=0,
                tip=0,
            )
        )
        node.rpc("evm_setNextBlockTimestamp", hex(START))
        node.rpc("evm_mine")
    finally:
        node.rpc("evm_setAutomine", True)  # noqa: FBT003
    receipts = [node.rpc("eth_getTransactionReceipt", one) for one in sent]
    assert len({receipt["blockNumber"] for receipt in receipts}) == 1
    assert [receipt["status"] for receipt in receipts] == ["0x1"] * 51 + ["0x0"]
    assert (alice.state.signer, alice.state.sequence) == (key("fresh").address, before.sequence + 50)
    with refused("InvalidSignature", account=key("fresh").address):
        registry.relayed(alice.committing(), alice.signer)
    replace(alice, signer=key("fresh")).commit("rescued")
    assert alice.state.pointer == word("rescued")


def send_unmined(registry, signed, *, sender=STRANGER, nonce, tip) -> str:
    node = registry.node
    node.rpc("anvil_setBalance", hexed(sender), hex(10**21))
    return node.rpc(
        "eth_sendTransaction",
        {
            "from": hexed(sender),
            "to": hexed(registry.contract),
            "data": hexed(registry.calldata(signed)),
            "gas": hex(200_000),
            "nonce": hex(nonce + int(node.rpc("eth_getTransactionCount", hexed(sender), "latest"), 16)),
            "maxFeePerGas": hex(10**12),
            "maxPriorityFeePerGas": hex(tip * 10**9),
        },
    )


def test_a_thief_can_not_hold_up_a_revocation(registry, alice):
    gift = alice.gift(TOOL)
    alice.share(gift)
    mine = registry.sign(Revoke(alice.vault, gift.id), alice.signer)
    for i in range(5):
        alice.commit(f"spam {i}")
        alice.revoke_all()
    registry.send(mine)
    assert registry.grant(alice.vault, gift.id).rights == 0


# ------------------------------------------------------------------ exhaustion


def test_seventy_thousand_revoke_alls_exhaust_nothing(long_registry, init_code):
    """More than a 16-bit epoch would bear, all really done; the vault then works as before, at the same price."""
    registry = long_registry
    alice = Person.named(registry, "tireless alice").open()
    early = alice.gift(TOOL, salt="early")
    alice.share(early)
    wallet = Wallet(registry, registry.node.deploy(init_code("TirelessSigner")))
    alice.set_signer(wallet)
    for done in range(0, 70_000, 3_500):
        arguments = registry.contract, alice.vault, done, 3_500
        assert wallet.tell("revokeAllAgain(address,bytes32,uint256,uint256)", *arguments, gas=16_000_000)
    assert alice.state.grant_epoch == 70_000
    back = alice.set_signer(key("fresh"))
    gift = back.gift(TOOL, salt="late")
    done = back.share(gift)
    assert registry.is_granted(gift)
    assert not registry.is_granted(early)
    submit(registry, gift)
    back.revoke_all()
    assert back.state.grant_epoch == 70_001
    assert not registry.is_granted(gift)
    fresh = Person.named(registry, "erin").open()
    other = fresh.share(fresh.gift(TOOL))
    assert abs(done.mined.gas - other.mined.gas) < 100


def test_ten_thousand_tombstones_cost_a_new_grant_nothing(long_registry):
    registry, alice = long_registry, Person.named(long_registry, "much revoking alice").open()
    before = alice.share(alice.gift(TOOL, salt="before")).mined.gas
    for i in range(40):
        ids = tuple(word(f"tombstone {i} {j}") for j in range(250))
        registry.send_data(
            registry.calldata(registry.sign(alice.sharing(revoking=ids), alice.signer)), gas=16_000_000
        )
    after = alice.share(alice.gift(TOOL, salt="after")).mined.gas
    assert abs(after - before) < 100
