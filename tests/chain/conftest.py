"""Two registries with one face: the rules in memory, and the contract on a Foundry node through Ape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from memsync.chain.node import LocalNode, local_node
from memsync.chain.registry import Registry
from memsync.testing import MemoryRegistry


@dataclass
class Bench:
    """A registry and the hand on its clock."""

    registry: Registry
    node: LocalNode | None = None

    def now(self) -> int:
        return self.registry.snapshot(bytes(32)).block.time

    def pass_time(self, seconds: int) -> None:
        if self.node is not None:
            self.node.pass_time(seconds)
        else:
            registry: Any = self.registry
            registry.now += seconds


@pytest.fixture(scope="session")
def node() -> Iterator[LocalNode]:
    with local_node() as running:
        yield running


@pytest.fixture(scope="session")
def ape_registry(node: LocalNode) -> Iterator[Registry]:
    from memsync.chain.ape import connect

    with connect(node.url, payer="TEST::0") as registry:
        yield registry


@pytest.fixture(params=["memory", "ape"])
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "memory":
        return Bench(MemoryRegistry())
    return Bench(request.getfixturevalue("ape_registry"), request.getfixturevalue("node"))
