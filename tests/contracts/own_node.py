"""A development node of the test's own, with options of its own; Ape's traces every step of the EVM, which long runs can't bear."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from memsync.errors import ChainError
from tests.contracts.node import Node, RpcError, hexed, raw

PATIENCE = 20.0


@contextmanager
def running_node(*options: str) -> Iterator[Node]:
    """Start anvil with these options; end it with the context."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    anvil = shutil.which("anvil")
    assert anvil, "no anvil on PATH: run `make setup`"
    command = [anvil, "--silent", "--port", str(port), *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    node = Node(f"http://127.0.0.1:{port}")
    try:
        wait_until_it_answers(node, process)
        node.rpc("anvil_autoImpersonateAccount", True)  # noqa: FBT003
        yield node
    finally:
        node.close()
        process.terminate()
        process.wait(PATIENCE)


def wait_until_it_answers(node: Node, process: subprocess.Popen) -> None:
    started = time.monotonic()
    while time.monotonic() - started < PATIENCE:
        assert process.poll() is None, "anvil ended at once; are its options right?"
        try:
            node.rpc("eth_chainId")
        except OSError:
            node.close()
            time.sleep(0.02)
        else:
            return
    raise AssertionError("anvil doesn't answer")


@dataclass(frozen=True)
class NodeDeployer:
    """The deploying account on a test node: anybody, since the address doesn't depend on it."""

    node: Node
    account: bytes = b"\xde" * 20

    def __post_init__(self) -> None:
        self.node.rpc("anvil_setBalance", hexed(self.account), hex(10**21))

    def rpc(self, method: str, *params: object) -> object:
        try:
            return self.node.rpc(method, *params)
        except RpcError as err:
            raise ChainError(str(err)) from err

    def transact(self, to: bytes, data: bytes) -> bytes:
        return raw(self.node.send(to, data, sender=self.account, gas=5_000_000).hash)
