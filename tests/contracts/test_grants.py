"""Sharing and revoking: with a commit, alone, and all at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from memsync.chain.calls import Revoke, Share
from memsync.chain.registry import GrantState
from tests.contracts.actions import BOTH, DAY, READ, START, WRITE, key, submit, word
from tests.contracts.checks import overflowed, refused, said, unchanged
from tests.contracts.layout import vault_slot

TOOL = key("tool")
FROM, UNTIL = START - DAY, START + DAY


def one(gift, rights=BOTH, start=FROM, end=UNTIL) -> Share:
    return Share(gift.id, start, end, rights)


def test_pointer_and_access_change_together(registry, alice, way):
    gift, over = alice.gift(TOOL), alice.gift(TOOL, salt="over")
    alice.share(over)
    done = way(alice.sharing(one(gift, READ), revoking=(over.id,), name="third"), alice.signer)
    said(
        done,
        ("Committed", {"vault": alice.vault, "sequence": 3, "salt": 0x5A17, "pointer": word("third")}),
        ("Revoked", {"vault": alice.vault, "grantId": over.id}),
        ("Granted", {"vault": alice.vault, "grantId": gift.id}),
    )
    assert (alice.state.sequence, alice.state.pointer) == (3, word("third"))
    assert registry.grant(alice.vault, gift.id) == GrantState(FROM, UNTIL, 0, READ, 0, 0)
    assert registry.is_granted(gift)
    assert not registry.is_granted(over)


def test_a_share_with_nothing_to_share_is_a_commit(registry, alice, way):
    said(
        way(alice.sharing(), alice.signer),
        ("Committed", {"vault": alice.vault, "sequence": 2, "salt": 0x5A17, "pointer": word("pointer 2")}),
    )


def test_many_grants_and_revocations_fit_in_one_call(registry, alice, way):
    old = [alice.gift(TOOL, salt=f"old {i}") for i in range(5)]
    new = [alice.gift(TOOL, salt=f"new {i}") for i in range(7)]
    way(alice.sharing(*map(one, old)), alice.signer)
    way(alice.sharing(*map(one, new), revoking=tuple(gift.id for gift in old)), alice.signer)
    assert [registry.is_granted(gift) for gift in old + new] == [False] * 5 + [True] * 7


def test_a_share_on_a_stale_head_or_epoch_grants_and_revokes_nothing(registry, alice, way):
    gift, held = alice.gift(TOOL), alice.gift(TOOL, salt="held")
    alice.share(held)
    call = alice.sharing(one(gift), revoking=(held.id,))
    look = lambda: registry.fingerprint(alice.vault, (gift.id, held.id))  # noqa: E731
    with unchanged(look), refused("StaleSequence", current=2):
        way(replace(call, sequence=1), alice.signer)
    with unchanged(look), refused("StaleEpoch", current=0):
        way(replace(call, grant_epoch=1), alice.signer)


def make_live(alice, gift):
    alice.share(gift)


def make_over(alice, gift):
    alice.share(gift, start=START - 2 * DAY, end=START - DAY)


def make_revoked(alice, gift):
    alice.share(gift)
    alice.revoke(gift.id)


def make_ended_by_revoke_all(alice, gift):
    alice.share(gift)
    alice.revoke_all()


def make_tombstone_of_an_unknown_id(alice, gift):
    alice.revoke(gift.id)


USED = [make_live, make_over, make_revoked, make_ended_by_revoke_all, make_tombstone_of_an_unknown_id]


@pytest.mark.parametrize("use", USED, ids=lambda use: use.__name__.removeprefix("make_"))
def test_a_used_or_tombstoned_grant_id_is_refused(registry, alice, way, use):
    gift = alice.gift(TOOL)
    use(alice, gift)
    with (
        unchanged(lambda: registry.fingerprint(alice.vault, (gift.id,))),
        refused("GrantIdUsed", grantId=gift.id),
    ):
        way(alice.sharing(one(gift)), alice.signer)
    fresh = alice.gift(TOOL, salt="fresh")
    way(alice.sharing(one(fresh)), alice.signer)
    assert registry.is_granted(fresh)


@pytest.mark.parametrize("known", [False, True])
def test_a_grant_id_that_this_call_revokes_is_refused(registry, alice, way, known):
    gift = alice.gift(TOOL)
    if known:
        alice.share(gift)
    with (
        unchanged(lambda: registry.fingerprint(alice.vault, (gift.id,))),
        refused("GrantIdUsed", grantId=gift.id),
    ):
        way(alice.sharing(one(gift), revoking=(gift.id,)), alice.signer)


def test_a_grant_id_twice_in_one_call_is_refused(registry, alice, way):
    gift = alice.gift(TOOL)
    with refused("GrantIdUsed", grantId=gift.id):
        way(alice.sharing(one(gift), one(gift, READ)), alice.signer)


def test_an_id_used_in_one_vault_is_free_in_another(registry, alice, bob):
    gift = alice.gift(TOOL)
    alice.share(gift)
    registry.relayed(bob.sharing(one(gift)), bob.signer)
    assert registry.is_granted(gift)
    assert not registry.is_granted(
        gift, vault=bob.vault
    )  # the id binds alice's vault: no preimage of bob's leads to it


@pytest.mark.parametrize(
    ("start", "end"), [(START, START), (START + 1, START), (0, 0), (2**40 - 1, 2**40 - 1)]
)
def test_a_grant_must_begin_before_it_ends(registry, alice, way, start, end):
    gift = alice.gift(TOOL)
    with refused("InvalidTimes", grantId=gift.id, start=start, end=end):
        way(alice.sharing(one(gift, start=start, end=end)), alice.signer)


def test_the_longest_grant_runs_from_the_first_to_the_last_second(registry, node, alice, way):
    gift = alice.gift(TOOL)
    way(alice.sharing(one(gift, start=0, end=2**40 - 1)), alice.signer)
    with node.at(2**40 - 2):
        assert registry.is_granted(gift)
    with node.at(2**40 - 1):
        assert not registry.is_granted(gift)


@pytest.mark.parametrize("rights", [0, 4, 5, 128, 255])
def test_rights_are_read_write_or_both(registry, alice, way, rights):
    gift = alice.gift(TOOL)
    with refused("InvalidRights", grantId=gift.id, rights=rights):
        way(alice.sharing(one(gift, rights)), alice.signer)


@pytest.mark.parametrize("held", [READ, WRITE, BOTH])
def test_a_grant_holds_the_rights_it_names_and_no_others(registry, alice, held):
    gift = alice.gift(TOOL)
    alice.share(gift, held)
    assert [registry.is_granted(gift, asked) for asked in range(8)] == [
        1 <= asked <= 3 and held & asked == asked for asked in range(8)
    ]
    assert not registry.is_granted(gift, 255)


def test_a_revoked_grant_is_a_tombstone_for_ever(registry, node, alice, way):
    gift = alice.gift(TOOL)
    alice.share(gift)
    said(way(alice.revoking(gift.id), alice.signer), ("Revoked", {"vault": alice.vault, "grantId": gift.id}))
    assert registry.grant(alice.vault, gift.id) == GrantState(START - DAY, START + 30 * DAY, 0, 0, 0, 0)
    for asked in range(4):
        assert not registry.is_granted(gift, asked)
    alice.revoke_all()
    with node.at(START + 1000 * DAY), refused("GrantIdUsed", grantId=gift.id):
        way(alice.sharing(one(gift, end=START + 2000 * DAY)), alice.signer)


def test_an_unknown_id_can_be_revoked_in_advance(registry, alice, way):
    gift = alice.gift(TOOL)
    said(way(alice.revoking(gift.id), alice.signer), ("Revoked", {"vault": alice.vault, "grantId": gift.id}))
    assert registry.grant(alice.vault, gift.id) == GrantState(0, 1, 0, 0, 0, 0)
    assert not registry.is_granted(gift)


@pytest.mark.parametrize("use", [make_revoked, make_tombstone_of_an_unknown_id])
def test_revoking_again_changes_nothing_and_says_nothing(registry, alice, way, use):
    gift = alice.gift(TOOL)
    use(alice, gift)
    with unchanged(lambda: registry.fingerprint(alice.vault, (gift.id,))):
        said(way(alice.revoking(gift.id), alice.signer))
    done = way(alice.sharing(revoking=(gift.id, gift.id)), alice.signer)
    assert [name for name, _ in done.events] == ["Committed"]


def test_a_grant_that_is_over_or_void_can_still_be_revoked(registry, alice):
    for use, salt in ((make_over, "over"), (make_ended_by_revoke_all, "void")):
        gift = alice.gift(TOOL, salt=salt)
        use(alice, gift)
        said(alice.revoke(gift.id), ("Revoked", {"vault": alice.vault, "grantId": gift.id}))
        assert registry.grant(alice.vault, gift.id).rights == 0


def test_a_signed_revocation_passes_whatever_else_the_signer_does_meanwhile(registry, alice):
    gift = alice.gift(TOOL)
    alice.share(gift)
    withheld = registry.sign(Revoke(alice.vault, gift.id), alice.signer)
    alice.commit()
    alice.revoke_all()
    alice.commit()
    registry.send(withheld)
    assert registry.grant(alice.vault, gift.id).rights == 0


def test_only_a_new_signer_makes_a_signed_revocation_void(registry, alice):
    gift = alice.gift(TOOL)
    alice.share(gift)
    withheld = registry.sign(Revoke(alice.vault, gift.id), alice.signer)
    successor = alice.set_signer(key("successor"))
    with refused("InvalidSignature", account=successor.signer.address):
        registry.send(withheld)
    assert registry.is_granted(gift)


def test_the_inbox_outlives_revocation(registry, alice, way):
    gift = alice.gift(TOOL)
    alice.share(gift)
    submit(registry, gift)
    submit(registry, gift)
    before = registry.grant(alice.vault, gift.id)
    way(alice.revoking(gift.id), alice.signer)
    assert registry.grant(alice.vault, gift.id) == replace(before, rights=0)
    assert (before.parcels, before.parcel_salt, before.parcel) == (2, 0xC0FFEE, word("parcel 1"))


def test_revoke_all_ends_every_grant_made_before_and_none_made_after(registry, alice, bob, way):
    gifts = [alice.gift(TOOL, salt=f"{i}") for i in range(3)]
    for gift in gifts:
        alice.share(gift)
    others = bob.gift(TOOL)
    bob.share(others)
    said(way(alice.revoking_all(), alice.signer), ("RevokedAll", {"vault": alice.vault, "grantEpoch": 1}))
    later = alice.gift(TOOL, salt="later")
    alice.share(later)
    assert [registry.is_granted(gift) for gift in (*gifts, later, others)] == [False] * 3 + [True] * 2
    with refused("NotGranted", vault=alice.vault, grantId=gifts[0].id):
        submit(registry, gifts[0])


@pytest.mark.parametrize("grant_epoch", [0, 2, 2**32 - 1])
def test_revoke_all_on_another_epoch_is_told_the_current_one(registry, alice, way, grant_epoch):
    alice.revoke_all()
    with unchanged(lambda: alice.state), refused("StaleEpoch", current=1):
        way(replace(alice.revoking_all(), grant_epoch=grant_epoch), alice.signer)


def test_the_last_grant_epoch_is_not_passed(registry, node, alice, way):
    slot = vault_slot(alice.vault)
    packed = node.storage(registry.contract, slot)
    node.set_storage(registry.contract, slot, packed[:4] + b"\xff" * 4 + packed[8:])
    assert alice.state.grant_epoch == 2**32 - 1
    with unchanged(lambda: alice.state), overflowed():
        way(alice.revoking_all(), alice.signer)
    gift = alice.gift(TOOL)
    alice.share(gift)
    alice.revoke(gift.id)  # one by one still works
    assert not registry.is_granted(gift)


def test_a_grant_with_a_stored_epoch_of_the_future_holds_nothing(registry, alice):
    gift = alice.gift(TOOL)
    alice.revoke_all()
    alice.share(gift)
    assert registry.is_granted(gift)
    slot = vault_slot(alice.vault)
    packed = registry.node.storage(registry.contract, slot)
    registry.node.set_storage(registry.contract, slot, packed[:4] + bytes(4) + packed[8:])
    assert not registry.is_granted(gift)
