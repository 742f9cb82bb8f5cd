"""One node, one deployment, for all tests here; Ape puts the chain back after each test."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from memsync.chain.artifact import load_artifact
from memsync.chain.deploy import ensure_deployed
from memsync.crypto.secp256k1 import keccak
from tests.contracts.actions import BOTH, CHAIN_ID, Gift, Person, Registry
from tests.contracts.every_call import EVERY_CALL, TOOL, Ready
from tests.contracts.node import Node
from tests.contracts.own_node import NodeDeployer, running_node


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
    return deployed_on(node)


@pytest.fixture(scope="module")
def long_registry():
    """The same on a node of the module's own, for long runs; not put back after each test, so names there are used once."""
    with running_node() as node:
        yield deployed_on(node)


def deployed_on(node: Node) -> Registry:
    artifact = load_artifact()
    done = ensure_deployed(NodeDeployer(node))
    assert done.transaction is not None
    return Registry(node, artifact, artifact.address, done.chain_id)


@pytest.fixture(scope="module")
def other_chain():
    """The registry at the same address on another chain."""
    with running_node("--chain-id", "31339") as node:
        yield deployed_on(node)


@pytest.fixture(scope="module")
def twin(other_chain):
    """The same code at another address of that chain, under another salt."""
    artifact = other_chain.artifact
    salt = b"another salt".ljust(32, b"\0")
    sent = other_chain.node.send(
        artifact.factory, salt + artifact.init_code, sender=b"\xde" * 20, gas=5_000_000
    )
    assert sent.ok
    address = keccak(b"\xff" + artifact.factory + salt + artifact.init_code_hash)[12:]
    return replace(other_chain, contract=address)


@pytest.fixture(scope="session")
def init_code():
    """The code that deploys one of ``contracts/test``: ``init_code(name, *arguments)``."""
    import ape

    @cache
    def compiled(name: str, *arguments: object) -> bytes:
        return bytes(ape.project.contracts[name](*arguments).data)

    return compiled


@pytest.fixture(scope="session")
def deploy(node, init_code):
    """Puts one of ``contracts/test`` on the chain: ``deploy(name, *arguments)`` gives its address."""
    return lambda name, *arguments: node.deploy(init_code(name, *arguments))


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
