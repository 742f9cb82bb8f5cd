"""The contract on a real node against the model: the lives of ``machine.py``, with blocks, a mempool's rules and a node's encoding between.

500 steps in `ape test`, 20,000 in `make torture`; ``tests/evm`` takes ten times as many in this process.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.contracts.cast import inhabited, settle_wallets
from tests.contracts.conftest import twin_of
from tests.contracts.machine import RegistryLife

LONG = settings.default.max_examples > 1000
USUAL = settings(
    max_examples=200 if LONG else 5,
    stateful_step_count=100,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def life(long_registry, other_chain, init_code):
    """Makes lives; each begins on chains that are as they were."""
    here = (long_registry, twin_of(long_registry))
    wallets = {
        registry.chain_id: settle_wallets(
            lambda name, *arguments, node=registry.node: node.deploy(init_code(name, *arguments))
        )
        for registry in (long_registry, other_chain)
    }
    nodes = (long_registry.node, other_chain.node)
    times = [node.time for node in nodes]
    marks = [node.rpc("evm_snapshot") for node in nodes]

    class LifeOnANode(RegistryLife):
        looks_everywhere = False

        def settle(self):
            for i, node in enumerate(nodes):
                assert node.rpc("evm_revert", marks[i])
                marks[i], node.time = node.rpc("evm_snapshot"), times[i]
            return [inhabited(one, wallets[one.chain_id]) for one in (*here, other_chain)]

    yield LifeOnANode
    for node, time in zip(nodes, times, strict=True):
        node.time = time


def test_the_contract_and_the_model_live_the_same_lives(life):
    run_state_machine_as_test(life, settings=USUAL)
