"""Opening a vault, moving its head, replacing its signer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memsync.chain.calls import Open
from memsync.chain.registry import VaultState
from tests.contracts.actions import START, Person, key, word
from tests.contracts.checks import overflowed, refused, said, unchanged
from tests.contracts.layout import vault_slot

ZERO_ADDRESS = bytes(20)


def test_an_opened_vault_is_what_its_owner_said(registry, way):
    person = Person.named(registry, "carol")
    done = way(person.opening(), person.owner)
    said(done, ("Opened", {"vault": person.vault}))
    assert person.state == VaultState(person.signer.address, 1, 0, 0x0A11CE, word("first pointer"))


def test_a_vault_id_is_bound_to_chain_contract_owner_and_nonce(registry):
    person = Person.named(registry, "carol")
    assert registry.ask("vaultIdOf", person.owner.address, 0) == (person.vault,)
    other = replace(person, nonce=2**256 - 1)
    assert registry.ask("vaultIdOf", other.owner.address, other.nonce) == (other.vault,)
    assert other.vault != person.vault


def test_an_owner_may_have_many_vaults(registry, alice):
    second = replace(alice, nonce=1, signer=key("another signer")).open()
    assert second.state.signer != alice.state.signer
    with unchanged(lambda: alice.state):
        second.commit()


def test_a_vault_opens_once(registry, alice, way):
    with unchanged(lambda: alice.state):
        for again in (alice.opening(), replace(alice.opening(), pointer=word("other"))):
            with refused("VaultExists", vault=alice.vault):
                way(again, alice.owner)


def test_a_vault_with_an_empty_pointer_and_salt_exists_all_the_same(registry, way):
    person = Person.named(registry, "carol")
    opening = Open(person.owner.address, 0, person.signer.address, 0, bytes(32))
    way(opening, person.owner)
    with refused("VaultExists", vault=person.vault):
        way(opening, person.owner)
    with unchanged(lambda: person.state.pointer):
        way(replace(person.committing(), pointer=bytes(32), salt=0), person.signer)


def test_a_vault_needs_a_signer(registry, way):
    person = Person.named(registry, "carol")
    with refused("InvalidSigner", signer=ZERO_ADDRESS):
        way(replace(person.opening(), first_signer=ZERO_ADDRESS), person.owner)
    assert person.state.signer == ZERO_ADDRESS


def test_a_commit_moves_the_head_by_one(registry, alice, way):
    done = way(alice.committing("second"), alice.signer)
    said(
        done,
        ("Committed", {"vault": alice.vault, "sequence": 2, "salt": 0x5A17, "pointer": word("second")}),
    )
    assert alice.state == VaultState(alice.signer.address, 2, 0, 0x5A17, word("second"))


@pytest.mark.parametrize("sequence", [0, 1, 3, 2**32 - 1])
def test_a_commit_on_another_sequence_is_told_the_current_one(registry, alice, way, sequence):
    alice.commit()
    with unchanged(lambda: alice.state), refused("StaleSequence", current=2):
        way(replace(alice.committing(), sequence=sequence), alice.signer)


@pytest.mark.parametrize("grant_epoch", [0, 2, 2**32 - 1])
def test_a_commit_on_another_grant_epoch_is_told_the_current_one(registry, alice, way, grant_epoch):
    alice.revoke_all()
    with unchanged(lambda: alice.state), refused("StaleEpoch", current=1):
        way(replace(alice.committing(), grant_epoch=grant_epoch), alice.signer)
    way(alice.committing(), alice.signer)


def test_of_two_commits_on_one_head_the_first_wins(registry, alice):
    first, second = (registry.sign(alice.committing(name), alice.signer) for name in ("first", "second"))
    registry.send(first)
    with refused("StaleSequence", current=2):
        registry.send(second)
    assert alice.state.pointer == word("first")


def test_the_owner_replaces_the_signer_and_nothing_else(registry, alice, way):
    alice.commit()
    before = alice.state
    done = way(alice.replacing_signer(key("fresh")), alice.owner)
    said(done, ("SignerChanged", {"vault": alice.vault}))
    assert alice.state == replace(before, signer=key("fresh").address)
    with refused("NotTheAccount", account=key("fresh").address, caller=alice.signer.address):
        registry.direct(alice.committing(), alice.signer)
    registry.direct(alice.committing(), key("fresh"))


def test_a_signer_is_not_replaced_by_nobody_or_itself(registry, alice, way):
    for useless in (ZERO_ADDRESS, alice.signer.address):
        call = replace(alice.replacing_signer(alice.signer), new_signer=useless)
        with unchanged(lambda: alice.state), refused("InvalidSigner", signer=useless):
            way(call, alice.owner)


def test_the_signer_can_not_replace_itself(registry, alice):
    call = alice.replacing_signer(key("thief"))
    with refused("InvalidSignature", account=alice.owner.address):
        registry.relayed(call, alice.signer)
    with refused("NotTheAccount", account=alice.owner.address, caller=alice.signer.address):
        registry.direct(call, alice.signer.address)


def test_the_owner_can_not_commit_share_or_revoke(registry, alice):
    grant = word("grant")
    for call in (alice.committing(), alice.sharing(), alice.revoking(grant), alice.revoking_all()):
        with refused("InvalidSignature", account=alice.signer.address):
            registry.relayed(call, alice.owner)
        with refused("NotTheAccount", account=alice.signer.address, caller=alice.owner.address):
            registry.direct(call, alice.owner)


def test_an_owner_who_must_revoke_replaces_the_signer_first(registry, alice):
    gift = alice.gift(key("tool"))
    alice.share(gift)
    rescued = alice.set_signer(key("owner's own signer"))
    rescued.revoke(gift.id)
    assert not registry.is_granted(gift)


@pytest.mark.parametrize("call", ["committing", "sharing", "revoking_all"])
def test_an_unknown_vault_is_named_before_any_signature_is_looked_at(registry, way, call):
    nobody = Person.named(registry, "nobody")
    with refused("UnknownVault", vault=nobody.vault):
        way(getattr(nobody, call)(), key("anybody"))


def test_revoking_or_rescuing_in_an_unknown_vault_is_refused(registry, way):
    nobody = Person.named(registry, "nobody")
    with refused("UnknownVault", vault=nobody.vault):
        way(nobody.revoking(word("grant")), key("anybody"))
    with refused("UnknownVault", vault=nobody.vault):
        way(nobody.replacing_signer(key("fresh")), nobody.owner)
    with refused("UnknownVault", vault=nobody.vault):
        way(nobody.gift(key("tool")).parcel(0), key("tool"))


def test_the_last_sequence_is_not_passed(registry, node, alice):
    """Four thousand million commits take centuries; the number is written into storage instead."""
    slot = vault_slot(alice.vault)
    packed = node.storage(registry.contract, slot)
    node.set_storage(registry.contract, slot, packed[:8] + (2**32 - 1).to_bytes(4, "big") + packed[12:])
    assert alice.state.sequence == 2**32 - 1
    with unchanged(lambda: alice.state), overflowed():
        registry.relayed(alice.committing(), alice.signer)


def test_time_means_nothing_to_a_vault(registry, node, alice):
    with node.at(START + 10 * 365 * 86_400):
        alice.commit()
    assert alice.state.sequence == 2
