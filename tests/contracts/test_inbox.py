"""Submitting parcels, and publishing keys."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memsync.chain.calls import PublishKey
from tests.contracts.actions import BOTH, DAY, READ, START, WRITE, ZERO32, key, publishing, submit, word
from tests.contracts.checks import overflowed, refused, said, unchanged
from tests.contracts.layout import grant_slot

TOOL = key("tool")


def test_a_parcel_takes_the_next_number(registry, alice, gift, way):
    for sequence in range(3):
        done = way(gift.parcel(sequence, salt=2**48 - 1 - sequence), TOOL)
        said(done, ("Submitted", {"vault": alice.vault, "grantId": gift.id, "sequence": sequence + 1}))
        state = registry.grant(alice.vault, gift.id)
        assert (state.parcels, state.parcel_salt) == (sequence + 1, 2**48 - 1 - sequence)
        assert state.parcel == word(f"parcel {sequence}")
        assert (state.start, state.end, state.epoch, state.rights) == (START - DAY, START + 30 * DAY, 0, BOTH)


@pytest.mark.parametrize("sequence", [0, 2, 2**32 - 1])
def test_a_parcel_with_another_number_is_told_the_current_one(registry, alice, gift, way, sequence):
    submit(registry, gift)
    with unchanged(lambda: registry.grant(alice.vault, gift.id)), refused("StaleSequence", current=1):
        way(gift.parcel(sequence), TOOL)


def test_a_parcel_moves_neither_head_nor_access(registry, alice, gift, way):
    with unchanged(lambda: (alice.state, registry.is_granted(gift, BOTH))):
        way(gift.parcel(0), TOOL)


def test_a_parcel_needs_the_right_to_write(registry, alice, way):
    reading = alice.gift(TOOL, salt="reading")
    alice.share(reading, READ)
    with refused("NotGranted", vault=alice.vault, grantId=reading.id):
        way(reading.parcel(0), TOOL)
    writing = alice.gift(TOOL, salt="writing")
    alice.share(writing, WRITE)
    way(writing.parcel(0), TOOL)


def test_a_grant_is_found_only_by_its_whole_preimage(registry, alice, bob, gift, way):
    other = key("other tool")
    for wrong in (
        replace(gift, grantee=other),
        replace(gift, scope=word("other scope")),
        replace(gift, salt=word("other salt")),
        replace(gift, vault=bob.vault),
    ):
        with refused("NotGranted", vault=wrong.vault, grantId=wrong.id):
            way(wrong.parcel(0), wrong.grantee)
        assert not registry.is_granted(wrong)
    way(gift.parcel(0), TOOL)


def test_nobody_submits_in_the_grantees_name(registry, alice, gift):
    other = key("other tool")
    with refused("InvalidSignature", account=TOOL.address):
        registry.relayed(gift.parcel(0), other)
    with refused("NotTheAccount", account=TOOL.address, caller=alice.signer.address):
        registry.direct(gift.parcel(0), alice.signer.address)


def test_parcels_of_two_grants_do_not_mix(registry, alice, gift):
    second = alice.gift(TOOL, salt="second")
    alice.share(second)
    submit(registry, gift)
    submit(registry, gift)
    with unchanged(lambda: registry.grant(alice.vault, gift.id)):
        submit(registry, second, sequence=0)
    assert registry.grant(alice.vault, second.id).parcels == 1


def end_by_revoking(alice, gift):
    alice.revoke(gift.id)


def end_by_revoking_all(alice, gift):
    alice.revoke_all()


def end_by_time(alice, gift):
    alice.registry.node.time = START + 30 * DAY


@pytest.mark.parametrize("end", [end_by_revoking, end_by_revoking_all, end_by_time])
def test_a_grant_that_ended_takes_no_parcel(registry, node, alice, gift, way, end):
    submit(registry, gift)
    with node.at(START):  # puts the clock back for the next test
        end(alice, gift)
        with (
            unchanged(lambda: registry.grant(alice.vault, gift.id)),
            refused("NotGranted", vault=alice.vault, grantId=gift.id),
        ):
            way(gift.parcel(1), TOOL)


def test_an_empty_pointer_is_a_pointer(registry, alice, gift, way):
    way(gift.parcel(0, pointer=ZERO32, salt=0), TOOL)
    assert registry.grant(alice.vault, gift.id).parcels == 1


def test_the_last_parcel_number_is_not_passed(registry, node, alice, gift, way):
    slot = grant_slot(alice.vault, gift.id)
    packed = node.storage(registry.contract, slot)
    node.set_storage(registry.contract, slot, packed[:13] + b"\xff" * 4 + packed[17:])
    assert registry.grant(alice.vault, gift.id).parcels == 2**32 - 1
    with unchanged(lambda: registry.grant(alice.vault, gift.id)), overflowed():
        way(gift.parcel(2**32 - 1), TOOL)


# ---------------------------------------------------------------------- keys


def test_an_account_publishes_and_replaces_its_key(registry, way):
    for name in ("first card", "second card", "third card"):
        done = way(publishing(registry, TOOL, name), TOOL)
        said(done, ("KeyPublished", {"account": TOOL.address, "digest": word(name)}))
        assert registry.key_of(TOOL.address) == word(name)


def test_a_key_replaces_only_the_one_it_names(registry, way):
    way(publishing(registry, TOOL, "first"), TOOL)
    for wrong in (ZERO32, word("another")):
        with unchanged(lambda: registry.key_of(TOOL.address)), refused("StaleDigest", current=word("first")):
            way(PublishKey(TOOL.address, wrong, word("second")), TOOL)


def test_a_first_key_names_no_previous_one(registry, way):
    with refused("StaleDigest", current=ZERO32):
        way(PublishKey(TOOL.address, word("imagined"), word("first")), TOOL)


def test_a_key_is_not_replaced_by_nothing_or_itself(registry, way):
    with refused("InvalidDigest", digest=ZERO32):
        way(PublishKey(TOOL.address, ZERO32, ZERO32), TOOL)
    way(publishing(registry, TOOL, "first"), TOOL)
    for useless in (ZERO32, word("first")):
        with unchanged(lambda: registry.key_of(TOOL.address)), refused("InvalidDigest", digest=useless):
            way(PublishKey(TOOL.address, word("first"), useless), TOOL)


def test_nobody_publishes_for_another(registry):
    other = key("other tool")
    call = publishing(registry, TOOL, "planted")
    with refused("InvalidSignature", account=TOOL.address):
        registry.relayed(call, other)
    with refused("NotTheAccount", account=TOOL.address, caller=other.address):
        registry.direct(call, other.address)
    assert registry.key_of(TOOL.address) == ZERO32
