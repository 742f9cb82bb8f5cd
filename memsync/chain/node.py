"""A Foundry node on this machine, for demos and tests: chain id 31337, loopback, a free port, gone when the context ends.

In comes nothing but the program ``anvil`` (from ``make setup``, or from PATH); out comes a node with the registry at its canonical
address. Its ten funded accounts have keys that everybody knows. Never a real network. One that lasts: ``memsync.chain.lasting``.
"""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from gzip import GzipFile
from pathlib import Path
from typing import Any

from memsync.errors import ChainError, ChainUnreachable

HOST = "127.0.0.1"
START_SECONDS = 20.0
ANSWER_SECONDS = 30.0
_PR_SET_PDEATHSIG = 1


class Node:
    """An anvil that listens at ``port`` of this machine, whoever runs it. ``url`` is its JSON-RPC endpoint."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://{HOST}:{port}"

    def rpc(self, method: str, *params: object, timeout: float = ANSWER_SECONDS) -> Any:
        """One JSON-RPC request. Raises ``ChainUnreachable`` for no answer, ``ChainError`` for an error."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        connection = http.client.HTTPConnection(HOST, self.port, timeout=timeout)
        try:
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            found = json.load(connection.getresponse())
        except (OSError, ValueError, http.client.HTTPException) as err:
            raise ChainUnreachable(f"the local node doesn't answer {method}: {err}") from err
        finally:
            connection.close()
        if "error" in found:
            raise ChainError(f"the local node refused {method}: {found['error'].get('message')}")
        return found["result"]

    def deploy(self) -> None:
        """Put the registry at its canonical address, if it isn't there; one that another is putting there is waited for."""
        from memsync.chain.artifact import load_artifact

        artifact = load_artifact()
        address = "0x" + artifact.address.hex()
        if self.rpc("eth_getCode", address, "latest") != "0x":
            return
        sender = self.rpc("eth_accounts")[0]
        data = "0x" + (artifact.deploy_salt + artifact.init_code).hex()
        call = {"from": sender, "to": "0x" + artifact.factory.hex(), "data": data, "gas": hex(8_000_000)}
        refused: ChainError | None = None
        try:
            self.rpc("eth_sendTransactionSync", call)
        except ChainUnreachable:
            raise
        except ChainError as error:  # another's call of the same bytes is on its way, perhaps
            refused = error
        until = time.monotonic() + (0 if refused is None else ANSWER_SECONDS)
        while self.rpc("eth_getCode", address, "latest") == "0x":
            if time.monotonic() > until:
                raise refused or ChainError("the local node did not take the registry")
            time.sleep(0.05)

    def pass_time(self, seconds: int) -> None:
        """Move the chain's clock on by ``seconds`` and mine a block."""
        self.rpc("evm_increaseTime", seconds)
        self.rpc("evm_mine")


class LocalNode(Node):
    """An anvil that this process has started."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        super().__init__(port)
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

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
    node = launch(free_port(), *options)
    try:
        node.deploy()
        yield node
    finally:
        node.stop()


def launch(
    port: int, *options: str, state: GzipFile | None = None, bound: bool = False, quiet: bool = True
) -> LocalNode:
    """Start anvil at ``port`` and return when it answers.

    ``state``: what ``anvil_dumpState`` gave, unzipped, to begin from. ``bound``: the system ends anvil when this process dies, where it can
    (Linux). Not ``quiet``: what anvil complains of goes where this process's complaints go. Raises ``ChainError``.
    """
    command = [find_anvil(), "--host", HOST, "--port", str(port), "--silent", *options]
    if state is not None:
        command += ["--load-state", "/dev/stdin"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL if state is None else subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL if quiet else None,
        start_new_session=True,
        preexec_fn=_die_with_parent() if bound else None,
    )
    node = LocalNode(process, port)
    try:
        if state is not None and process.stdin is not None:
            with suppress(BrokenPipeError), process.stdin:
                shutil.copyfileobj(state, process.stdin)
        _wait(node, process)
    except BaseException:
        node.stop()
        raise
    return node


def find_anvil() -> str:
    """The path of the program; ``ChainError`` when there is none."""
    found = shutil.which("anvil") or shutil.which("anvil", path=str(Path(sys.executable).parent))
    if not found:
        raise ChainError("no `anvil` on this machine: `make setup` brings one, or install Foundry")
    return found


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_free(port: int) -> bool:
    """Whether anvil could listen at ``port`` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as anvil: ended connections don't count
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _die_with_parent() -> Callable[[], None] | None:
    """What a child does before it becomes anvil, so that it never outlives its parent. None where the system has no such thing."""
    if not sys.platform.startswith("linux"):
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def bind() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we asked
            os.kill(os.getpid(), signal.SIGKILL)

    return bind


def _wait(node: LocalNode, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        answers = False
        with suppress(ChainUnreachable):
            node.rpc("eth_chainId")
            answers = True
        if process.poll() is not None:  # asked last: another program at this port may have answered
            raise ChainError(f"anvil ended at once with code {process.returncode}")
        if answers:
            return
        time.sleep(0.02)
    raise ChainError(f"anvil did not answer within {START_SECONDS:.0f} s")
