"""One node, one deployment, for all tests here; Ape puts the chain back after each test."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import pytest

from memsync.chain.artifact import load_artifact
from memsync.chain.deploy import ensure_deployed
from tests.contracts.actions import BOTH, CHAIN_ID, Gift, Person, Registry
from tests.contracts.every_call import EVERY_CALL, TOOL, Ready
from tests.contracts.node import Node, hexed, raw


@dataclass(frozen=True)
class NodeDeployer:
    """The deploying account on the test node: anybody, since the address doesn't depend on it."""

    node: Node
    account: bytes = b"\xde" * 20

    def rpc(self, method: str, *params: object) -> object:
        return self.node.rpc(method, *params)

    def transact(self, to: bytes, data: bytes) -> bytes:
        return raw(self.node.send(to, data, sender=self.account, gas=5_000_000).hash)


@pytest.fixture(scope="session")
def node():
    """The node that Ape has started."""
    import ape

    node = Node(ape.chain.provider.uri)
    assert int(node.rpc("eth_chainId"), 16) == CHAIN_ID
    node.rpc("anvil_autoImpersonateAccount", True)  # noqa: FBT003
    yield node
    node.close()


@pytest.fixture(scope="session")
def registry(node):
    """The canonical code, put by the factory where it stands on every chain."""
    deployer = NodeDeployer(node)
    node.rpc("anvil_setBalance", hexed(deployer.account), hex(10**21))
    artifact = load_artifact()
    assert ensure_deployed(deployer).transaction is not None
    return Registry(node, artifact, artifact.address)


@pytest.fixture(scope="session")
def deploy(node):
    """Puts one of ``contracts/test`` on the chain: ``deploy(name, *arguments)`` gives its address."""
    import ape

    @cache
    def init_code(name: str, *arguments: object) -> bytes:
        return bytes(ape.project.contracts[name](*arguments).data)

    def put(name: str, *arguments: object) -> bytes:
        return node.deploy(init_code(name, *arguments))

    return put


@pytest.fixture
def alice(registry) -> Person:
    """Somebody with an open vault."""
    return Person.named(registry, "alice").open()


@pytest.fixture
def bob(registry) -> Person:
    """Somebody else with an open vault."""
    return Person.named(registry, "bob").open()


@pytest.fixture
def gift(alice) -> Gift:
    """What alice has granted a tool, to read and write."""
    given = alice.gift(TOOL)
    alice.share(given, BOTH)
    return given


@pytest.fixture(params=EVERY_CALL)
def ready(request, alice, gift) -> Ready:
    """Each call of the contract in turn, with the account that acts."""
    call, account = EVERY_CALL[request.param](alice, gift)
    assert call.function == request.param
    return call, account


@pytest.fixture(params=["direct", "relayed"])
def way(request, registry):
    """The two ways of every call: by the account itself, or by a stranger with its signature."""
    return getattr(registry, request.param)
