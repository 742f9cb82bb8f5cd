"""One node, one deployment, for all tests here, put back after each test: the node that Ape starts, or one in this process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from memsync.chain.artifact import load_artifact
from memsync.chain.deploy import ensure_deployed
from memsync.crypto.secp256k1 import keccak
from tests.contracts.actions import BOTH, CHAIN_ID, Gift, Person, Registry
from tests.contracts.compiled import init_code_of
from tests.contracts.every_call import EVERY_CALL, TOOL, Ready
from tests.contracts.in_process import InProcessNode, registry_code
from tests.contracts.node import Node
from tests.contracts.own_node import NodeDeployer, running_node

ON_A_NODE_ONLY = {
    "test_artifact.py",
    "test_deploy.py",
    "test_gas.py",
    "test_model_on_a_node.py",
    "test_the_docs.py",
    "test_through_ape.py",
}
"""What is about Ape, nodes, gas or files has no twin in process."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return (config.getoption("--in-process") and collection_path.name in ON_A_NODE_ONLY) or None


@pytest.fixture(scope="session")
def in_process(request) -> bool:
    return bool(request.config.getoption("--in-process"))


@pytest.fixture(scope="session")
def node(in_process):
    """The node that Ape has started, or with ``--in-process`` one that needs none."""
    if in_process:
        yield InProcessNode(CHAIN_ID)
        return
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


@pytest.fixture(autouse=True)
def _put_back(in_process, request) -> Iterator[None]:
    """What Ape does around each test on its node."""
    if not in_process:
        yield
        return
    node = request.getfixturevalue("registry").node
    mark = node.rpc("evm_snapshot")
    yield
    node.rpc("evm_revert", mark)


@pytest.fixture(scope="module")
def long_registry(in_process):
    """The same on a node of the module's own, for long runs; not put back after each test, so names there are used once."""
    if in_process:
        yield deployed_on(InProcessNode(CHAIN_ID))
        return
    with running_node() as node:
        yield deployed_on(node)


def deployed_on(node: Node | InProcessNode) -> Registry:
    artifact = load_artifact()
    if isinstance(node, InProcessNode):
        node.place(artifact.address, registry_code(artifact.runtime_code))
        return Registry(node, artifact, artifact.address, node.chain_id)
    done = ensure_deployed(NodeDeployer(node))
    assert done.transaction is not None
    return Registry(node, artifact, artifact.address, done.chain_id)


@pytest.fixture(scope="module")
def other_chain(in_process):
    """The registry at the same address on another chain."""
    if in_process:
        yield deployed_on(InProcessNode(31339))
        return
    with running_node("--chain-id", "31339") as node:
        yield deployed_on(node)


@pytest.fixture(scope="module")
def twin(other_chain):
    """The same code at another address of that chain."""
    return twin_of(other_chain)


def twin_of(registry: Registry) -> Registry:
    """The same code once more on the same chain, under another salt."""
    artifact = registry.artifact
    if isinstance(registry.node, InProcessNode):
        registry.node.place(b"\x77" * 20, registry_code(artifact.runtime_code))
        return replace(registry, contract=b"\x77" * 20)
    salt = b"another salt".ljust(32, b"\0")
    sent = registry.node.send(artifact.factory, salt + artifact.init_code, sender=b"\xde" * 20, gas=5_000_000)
    assert sent.ok
    address = keccak(b"\xff" + artifact.factory + salt + artifact.init_code_hash)[12:]
    return replace(registry, contract=address)


@pytest.fixture(scope="session")
def init_code(in_process):
    """The code that deploys one of ``contracts/test``: ``init_code(name, *arguments)``."""
    if in_process:
        return init_code_of
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
