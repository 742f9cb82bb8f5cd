"""An EVM in this process (revm), with the face of ``node.Node``: tens of thousands of calls a second, and no blocks.

What it can't do is left to a real node: gas as a block counts it, mempools, EIP-7702, traces. A test that asks for these is skipped
here and runs on anvil.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyrevm
import pytest
from eth_abi.abi import encode

from memsync.crypto.secp256k1 import keccak
from tests.contracts.node import GAS, START, Mined, RpcError

_EXECUTE = keccak(b"execute(address,bytes)")[:4]
_REVERTED = re.compile(r"Revert \{ gas_used: (\d+), output: (?:0x)?([0-9a-f]*) \}")


def registry_code(canonical: bytes) -> bytes:
    """The code under test: the canonical one, or what ``MEMSYNC_REGISTRY_CODE`` names (`tools/mutate.py`)."""
    path = os.environ.get("MEMSYNC_REGISTRY_CODE")
    return bytes.fromhex(Path(path).read_text()) if path else canonical


@dataclass
class InProcessNode:
    chain_id: int
    time: int = START
    evm: pyrevm.EVM = field(init=False, repr=False)
    _time_set: int = field(default=0, init=False)
    _sent: int = field(default=0, init=False)
    _deployed: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        env = pyrevm.Env(cfg=pyrevm.CfgEnv(chain_id=self.chain_id))
        self.evm = pyrevm.EVM(spec_id="PRAGUE", env=env)

    @contextmanager
    def at(self, time: int) -> Iterator[None]:
        before, self.time = self.time, time
        try:
            yield
        finally:
            self.time = before

    def place(self, address: bytes, code: bytes) -> None:
        """Put runtime code at an address, as nobody could on a chain."""
        self.evm.insert_account_info(_hex(address), pyrevm.AccountInfo(code=code))

    def send(self, to: bytes | None, data: bytes, *, sender: bytes, gas: int = GAS, **more: object) -> Mined:
        """One transaction from any account that has no code. Values can't be sent."""
        if int(str(more.get("value", "0x0")), 16):
            pytest.skip("values are sent on a real node")
        assert to is not None, "use deploy"
        ok, _ = self._run(to, data, sender, gas)
        result = self.evm.result
        logs = (
            [(_raw(log.address), tuple(log.data[0]), bytes(log.data[1])) for log in result.logs] if ok else []
        )
        self._sent += 1
        return Mined(f"{self._sent}", ok, result.gas_used, self._sent, tuple(logs), None)

    def read(self, to: bytes, data: bytes, *, sender: bytes = b"\x11" * 20) -> bytes:
        """Simulate a call on the present state; ``RpcError`` with the revert data if it reverts."""
        mark = self.evm.snapshot()
        ok, output = self._run(to, data, sender, 30_000_000)
        self.evm.revert(mark)
        if not ok:
            raise RpcError({"message": "execution reverted", "data": _hex(output)})
        return output

    def deploy(self, init_code: bytes) -> bytes:
        self._deployed += 1
        deployer = _hex(keccak(b"deployer %d" % self._deployed)[12:])
        return _raw(self.evm.deploy(deployer, init_code))

    def code(self, address: bytes) -> bytes:
        return bytes(self.evm.get_code(_hex(address)) or b"")

    def storage(self, address: bytes, slot: bytes) -> bytes:
        found: int = self.evm.storage(_hex(address), int.from_bytes(slot, "big"))
        return found.to_bytes(32, "big")

    def set_storage(self, address: bytes, slot: bytes, value: bytes) -> None:
        self.evm.insert_account_storage(
            _hex(address), int.from_bytes(slot, "big"), int.from_bytes(value, "big")
        )

    def changes(self, mined: Mined, address: bytes) -> dict[bytes, tuple[bytes, bytes]]:
        pytest.skip("traces are read from a real node")

    def rpc(self, method: str, *params: object) -> object:
        match method:
            case "evm_snapshot":
                return self.evm.snapshot()
            case "evm_revert":
                self.evm.revert(params[0])
                return True
            case "eth_chainId":
                return hex(self.chain_id)
        return pytest.skip(f"{method} is asked of a real node")

    def send_raw(self, transaction: bytes) -> Mined:
        return pytest.skip("signed transactions are sent to a real node")

    def close(self) -> None:
        pass

    def _run(self, to: bytes, data: bytes, sender: bytes, gas: int) -> tuple[bool, bytes]:
        if self._time_set != self.time:
            self.evm.set_block_env(pyrevm.BlockEnv(number=1, timestamp=self.time))
            self._time_set = self.time
        if sender == to:
            pytest.skip("a contract that sends to itself needs a real node")
        if self.code(
            sender
        ):  # no transaction comes from an account with code: have it call (`Driven` in contracts/test)
            data, to, sender = _EXECUTE + encode(["address", "bytes"], [_hex(to), data]), sender, b"\x57" * 20
        try:
            return True, bytes(self.evm.message_call(_hex(sender), _hex(to), calldata=data, gas=gas))
        except RuntimeError as err:
            text = str(err)
            found = _REVERTED.match(text)
            if found:
                return False, bytes.fromhex(found[2])
            if text.startswith("Halt"):
                return False, b""
            raise


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
