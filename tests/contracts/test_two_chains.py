"""Two chains, one pair of words: nothing that stands on one tells of the other, or is worth anything there."""

from __future__ import annotations

from memsync.chain.artifact import load_artifact
from memsync.crypto.secp256k1 import grant_id, vault_id
from memsync.crypto.tree import RootKey
from tests.contracts.actions import CHAIN_ID, START, Open, Person, key, word
from tests.contracts.checks import refused

WORDS = RootKey(b"\x2a" * 32)
ELSEWHERE = 31339


def person_on(registry, chain_id: int) -> Person:
    owner = WORDS.owner(chain_id, registry.contract)
    return Person(registry, owner, key(f"signer on {chain_id}"))


def test_the_same_words_have_another_owner_another_vault_and_other_grants_on_another_chain():
    contract = load_artifact().address
    here, there = (WORDS.owner(chain, contract) for chain in (CHAIN_ID, ELSEWHERE))
    assert here.address != there.address
    vaults = {
        vault_id(chain, contract, who.address, 0) for chain in (CHAIN_ID, ELSEWHERE) for who in (here, there)
    }
    assert len(vaults) == 4, "not even the same owner has the same id on two chains"
    tool = key("tool").address
    assert len({grant_id(vault, tool, word("scope"), word("salt")) for vault in vaults}) == 4
    assert WORDS.owner(CHAIN_ID, contract).address == here.address, (
        "control: the same chain gives the same owner"
    )


def test_an_opening_signed_for_one_chain_opens_nothing_on_the_other(registry, other_chain):
    mine = person_on(registry, CHAIN_ID)
    signed = registry.sign(mine.opening(), mine.owner, deadline=START + 600)
    with refused("InvalidSignature", account=mine.owner.address):
        other_chain.send(signed)
    registry.send(signed)
    assert mine.state.sequence == 1
    assert other_chain.vault(mine.vault).signer == bytes(20)


def test_a_chain_that_begins_again_has_no_vault_and_takes_the_same_opening_again(registry):
    """After a reset the contract is at its address, the vault is not there, and its owner may open it as before."""
    mine = person_on(registry, CHAIN_ID)
    opening: Open = mine.opening()
    mark = registry.node.rpc("evm_snapshot")
    registry.relayed(opening, mine.owner)
    before = mine.state
    assert registry.node.rpc("evm_revert", mark)
    assert mine.state.signer == bytes(20)
    registry.relayed(opening, mine.owner)
    assert mine.state == before
