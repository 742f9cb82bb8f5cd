"""What a call costs doesn't depend on how many others are there: the same to the unit beside 1, 100 and 10,000 vaults and grants."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode

from memsync.chain.artifact import load_artifact
from memsync.chain.calls import SignedCall
from memsync.crypto.secp256k1 import keccak
from tests.contracts.actions import BOTH, CHAIN_ID, STRANGER, Person, Registry
from tests.contracts.compiled import init_code_of
from tests.contracts.every_call import EVERY_CALL, TOOL
from tests.contracts.in_process import InProcessNode, registry_code

CROWDS = (0, 1, 100, 10_000)
AT_ONCE = 1_000


def beside(others: int) -> dict[str, tuple[int, int]]:
    """(gas when the account calls, gas when it is relayed) of every call, beside so many others."""
    artifact = load_artifact()
    node = InProcessNode(CHAIN_ID)
    node.place(artifact.address, registry_code(artifact.runtime_code))
    registry = Registry(node, artifact, artifact.address)
    crowd = node.deploy(init_code_of("Crowd", main="tests/evm/Crowd.sol"))
    for first in range(0, others, AT_ONCE):
        last = min(first + AT_ONCE, others)
        data = encode(["address", "uint256", "uint256"], ["0x" + artifact.address.hex(), first, last])
        filled = node.send(
            crowd, keccak(b"settle(address,uint256,uint256)")[:4] + data, sender=STRANGER, gas=10**9
        )
        assert filled.ok
    alice = Person.named(registry, "alice").open()
    gift = alice.gift(TOOL)
    alice.share(gift, BOTH)
    found = {}
    for name, prepare in EVERY_CALL.items():
        call, account = prepare(alice, gift)
        signed = registry.sign(call, account)
        mark = node.rpc("evm_snapshot")
        relayed = registry.send(signed).mined.gas
        node.rpc("evm_revert", mark)
        mark = node.rpc("evm_snapshot")
        own = SignedCall(call, signed.deadline, account.address, b"")
        found[name] = registry.send(own, sender=account.address).mined.gas, relayed
        node.rpc("evm_revert", mark)
    return found


@pytest.fixture(scope="module")
def alone() -> dict[str, tuple[int, int]]:
    return beside(0)


@pytest.mark.parametrize("others", CROWDS[1:])
def test_a_call_costs_the_same_to_the_unit_however_many_others_there_are(alone, others):
    assert beside(others) == alone


def test_the_measure_sees_a_difference_where_there_is_one(alone):
    """Control: relaying costs more than calling, and calls differ."""
    assert all(own < relayed for own, relayed in alone.values())
    assert len(set(alone.values())) == len(alone)
