"""The contract in this process against the model: some 20,000 steps in `make test`, 200,000 and more in `make torture`."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from memsync.chain.artifact import load_artifact
from tests.contracts.actions import CHAIN_ID, Registry
from tests.contracts.cast import inhabited, settle_wallets
from tests.contracts.compiled import init_code_of
from tests.contracts.in_process import InProcessNode, registry_code
from tests.contracts.machine import RegistryLife

STEPS = 200
LIVES = 1000 if settings.default.max_examples > 1000 else 100
TWIN = b"\x77" * 20


class LifeInProcess(RegistryLife):
    def settle(self):
        artifact = load_artifact()
        here, elsewhere = InProcessNode(CHAIN_ID), InProcessNode(31339)
        wallets = {node.chain_id: settle_wallets(deploying(node)) for node in (here, elsewhere)}
        for node, address in ((here, artifact.address), (here, TWIN), (elsewhere, artifact.address)):
            node.place(address, registry_code(artifact.runtime_code))
            yield inhabited(Registry(node, artifact, address, node.chain_id), wallets[node.chain_id])


def deploying(node):
    return lambda name, *arguments: node.deploy(init_code_of(name, *arguments))


TestLife = LifeInProcess.TestCase
TestLife.settings = settings(
    max_examples=LIVES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)
