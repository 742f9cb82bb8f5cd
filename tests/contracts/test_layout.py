"""Where the contract keeps what: our constants, the compiler's layout, the committed snapshot and the real storage agree."""

from __future__ import annotations

from tests.contracts import layout
from tests.contracts.actions import BOTH, DAY, START, key, publishing, submit, word
from tests.contracts.every_call import TOOL
from tests.contracts.snapshots import HOW, committed


def test_the_storage_layout_is_the_committed_one(registry):
    assert registry.artifact.storage_layout == committed("storage", dict(registry.artifact.storage_layout)), (
        HOW
    )


def test_our_constants_are_the_compilers(registry):
    found = registry.artifact.storage_layout
    assert {one["name"]: one["slot"] for one in found["variables"]} == {
        "_vaults": layout.VAULTS,
        "_grants": layout.GRANTS,
        "parcelOf": layout.PARCELS,
        "keyOf": layout.KEYS,
    }
    for struct, slots in found["structs"].items():
        in_first = [one for one in slots if one["slot"] == 0]
        end = 0
        for member in in_first:
            assert member["offset"] == end, f"{struct}.{member['name']} leaves a gap"
            end += member["bytes"]
        assert end <= 32


def read(registry, slot, *kinds):
    return layout.unpack(registry.node.storage(registry.contract, slot), *kinds)


def test_a_vault_lies_where_the_constants_say(registry, alice):
    alice.revoke_all()
    alice.commit("second")
    slot = layout.vault_slot(alice.vault)
    signer, sequence, epoch, salt = read(registry, slot, 20, 4, 4, 4)
    assert signer == alice.signer.address
    assert [int.from_bytes(part, "big") for part in (sequence, epoch, salt)] == [2, 1, 0x5A17]
    assert registry.node.storage(registry.contract, layout.after(slot)) == word("second")


def test_a_grant_and_its_parcel_lie_where_the_constants_say(registry, alice):
    alice.revoke_all()
    gift = alice.gift(TOOL)
    alice.share(gift, BOTH)
    submit(registry, gift)
    submit(registry, gift)
    parts = read(registry, layout.grant_slot(alice.vault, gift.id), 5, 5, 4, 1, 4, 6)
    numbers = [int.from_bytes(part, "big") for part in parts]
    assert numbers == [START - DAY, START + 30 * DAY, 1, BOTH, 2, 0xC0FFEE]
    stored = registry.node.storage(registry.contract, layout.parcel_slot(alice.vault, gift.id))
    assert stored == word("parcel 1")


def test_a_key_lies_where_the_constants_say(registry):
    registry.relayed(publishing(registry, TOOL, "card"), TOOL)
    assert registry.node.storage(registry.contract, layout.key_slot(TOOL.address)) == word("card")
    assert registry.node.storage(registry.contract, layout.key_slot(key("nobody").address)) == bytes(32)


def test_nothing_else_is_stored(registry, alice, gift, ready):
    """Every word that any call changes lies in a slot that the constants name."""
    call, account = ready
    done = registry.relayed(call, account)
    vaults = [alice.vault, registry.ask("vaultIdOf", alice.owner.address, 1)[0]]
    ids = [gift.id, *map(word, ("one", "two", "three"))]
    slots = [layout.vault_slot(vault) for vault in vaults]
    named = {*slots, *map(layout.after, slots), layout.key_slot(TOOL.address)}
    named |= {place(alice.vault, grant) for grant in ids for place in (layout.grant_slot, layout.parcel_slot)}
    changed = registry.node.changes(done.mined, registry.contract).keys()
    assert changed
    assert changed <= named
