"""Reading: current state, whole, without any log."""

from __future__ import annotations

from memsync.chain.calls import Share
from memsync.chain.registry import GrantState, VaultState
from tests.contracts.actions import BOTH, DAY, READ, START, ZERO32, Person, key, submit, word
from tests.contracts.every_call import TOOL

NOTHING = VaultState(bytes(20), 0, 0, 0, ZERO32)
UNUSED = GrantState(0, 0, 0, 0, 0, 0)


def snapshot(registry, vault, grants):
    time, (signer, *head), rows, parcels = registry.ask("snapshot", vault, grants)
    states = [GrantState(*row, parcel=parcel) for row, parcel in zip(rows, parcels, strict=True)]
    return time, VaultState(bytes.fromhex(signer[2:]), *head), states


def test_what_never_was_reads_as_nothing(registry, alice):
    vault, grant = word("no vault"), word("no grant")
    assert registry.vault(vault) == NOTHING
    assert registry.grant(alice.vault, grant) == UNUSED
    assert registry.key_of(key("nobody").address) == ZERO32
    assert snapshot(registry, vault, [grant]) == (START, NOTHING, [UNUSED])
    assert not registry.is_granted(alice.gift(TOOL))
    assert not registry.is_granted(alice.gift(TOOL), vault=vault)


def test_a_snapshot_is_vault_grants_and_parcels_in_the_order_asked(registry, alice):
    gifts = [alice.gift(TOOL, salt=f"{i}") for i in range(4)]
    for gift in gifts[:3]:
        alice.share(gift)
    submit(registry, gifts[1])
    alice.revoke(gifts[2].id)
    asked = [gifts[i].id for i in (3, 1, 2, 0, 1)]
    time, head, states = snapshot(registry, alice.vault, asked)
    assert (time, head) == (START, alice.state)
    assert states == [registry.grant(alice.vault, grant) for grant in asked]
    assert [state.parcel for state in states] == [ZERO32, word("parcel 0"), ZERO32, ZERO32, word("parcel 0")]


def test_an_empty_snapshot_is_the_vault_alone(registry, alice):
    assert snapshot(registry, alice.vault, []) == (START, alice.state, [])


def test_a_page_of_five_hundred_grants_stays_far_below_a_nodes_limit(registry, alice):
    shares = [Share(word(f"grant {i}"), START - DAY, START + DAY, READ) for i in range(100)]
    registry.send_data(registry.calldata(registry.sign(alice.sharing(*shares), alice.signer)), gas=12_000_000)
    ids = [share.grant_id for share in shares] + [word(f"unknown {i}") for i in range(400)]
    _, _, states = snapshot(registry, alice.vault, ids)
    assert sum(state.known for state in states) == 100
    data = registry.artifact.encode_call("snapshot", (alice.vault, ids))
    gas = int(
        registry.node.rpc(
            "eth_estimateGas", {"to": "0x" + registry.contract.hex(), "data": "0x" + data.hex()}
        ),
        16,
    )
    assert gas < 6_000_000


def test_is_granted_never_reverts_and_is_true_for_held_rights_only(registry, gift):
    assert [rights for rights in range(256) if registry.is_granted(gift, rights)] == [1, 2, 3]


def test_is_granted_says_nothing_about_whose_vault_it_is(registry, alice, gift):
    """Why integrators bind the vault to its owner themselves: anybody opens a vault and grants in it."""
    impostor = Person.named(registry, "impostor").open()
    own = impostor.gift(TOOL)
    impostor.share(own, BOTH)
    assert registry.is_granted(own, BOTH)
    assert registry.ask("vaultIdOf", alice.owner.address, 0) == (alice.vault,)
    assert own.vault != alice.vault


def test_a_grant_that_stands_there_may_hold_nothing(registry, alice):
    """Why ``grantOf`` is no verdict: over, void and revoked grants have an ``end`` too."""
    over, void, revoked = (alice.gift(TOOL, salt=name) for name in ("over", "void", "revoked"))
    alice.share(over, start=START - 2 * DAY, end=START)
    alice.share(void)
    alice.revoke_all()
    alice.share(revoked)
    alice.revoke(revoked.id)
    for gift in (over, void, revoked):
        assert registry.grant(alice.vault, gift.id).end != 0
        assert not registry.is_granted(gift)
