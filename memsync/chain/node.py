"""A Foundry node on this machine, for demos and tests: chain id 31337, loopback, a free port, gone when the context ends.

In comes nothing but the program ``anvil`` (from ``make setup``, or from PATH); out comes a node with the registry at its canonical
address. Its ten funded accounts have keys that everybody knows. Never a real network.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from memsync.chain.artifact import load_artifact
from memsync.errors import ChainError, ChainUnreachable

START_SECONDS = 20.0


class LocalNode:
    """A running anvil. ``url`` is its JSON-RPC endpoint."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = process
        self.url = f"http://127.0.0.1:{port}"

    def rpc(self, method: str, *params: object) -> Any:
        """One JSON-RPC request. Raises ``ChainUnreachable`` for no answer, ``ChainError`` for an error."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                found = json.load(answer)
        except (OSError, ValueError) as err:
            raise ChainUnreachable(f"the local node doesn't answer {method}: {err}") from err
        if "error" in found:
            raise ChainError(f"the local node refused {method}: {found['error'].get('message')}")
        return found["result"]

    def deploy(self) -> None:
        """Put the registry at its canonical address, if it isn't there."""
        artifact = load_artifact()
        address = "0x" + artifact.address.hex()
        if self.rpc("eth_getCode", address, "latest") != "0x":
            return
        sender = self.rpc("eth_accounts")[0]
        data = "0x" + (artifact.deploy_salt + artifact.init_code).hex()
        call = {"from": sender, "to": "0x" + artifact.factory.hex(), "data": data, "gas": hex(8_000_000)}
        self.rpc("eth_sendTransactionSync", call)
        if self.rpc("eth_getCode", address, "latest") == "0x":
            raise ChainError("the local node did not take the registry")

    def pass_time(self, seconds: int) -> None:
        """Move the chain's clock on by ``seconds`` and mine a block."""
        self.rpc("evm_increaseTime", seconds)
        self.rpc("evm_mine")

    def stop(self) -> None:
        """End it; at once if it doesn't listen."""
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def local_node(*options: str) -> Iterator[LocalNode]:
    """Start anvil with the registry deployed. ``options`` are passed to anvil as they are.

    Raises ``ChainError`` when there is no anvil or it does not start.
    """
    port = _free_port()
    command = [_find_anvil(), "--host", "127.0.0.1", "--port", str(port), "--silent", *options]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    node = LocalNode(process, port)
    try:
        _wait(node, process)
        node.deploy()
        yield node
    finally:
        node.stop()


def _find_anvil() -> str:
    found = shutil.which("anvil") or shutil.which("anvil", path=str(Path(sys.executable).parent))
    if not found:
        raise ChainError("no `anvil` on this machine: `make setup` brings one, or install Foundry")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(node: LocalNode, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise ChainError(f"anvil ended at once with code {process.returncode}")
        with suppress(ChainUnreachable):
            node.rpc("eth_chainId")
            return
        time.sleep(0.02)
    raise ChainError(f"anvil did not answer within {START_SECONDS:.0f} s")
