"""A development node over raw JSON-RPC: about a millisecond a transaction, where Ape takes twenty-four.

Time belongs to the test: every transaction and read happens at ``node.time``, and ``with node.at(time)`` moves it.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

START = 2_000_000_000
"""When tests begin, unix seconds: later than any real clock here, so that no test depends on today."""
GAS = 2_000_000


class RpcError(Exception):
    """The node answered with an error; ``data`` are the revert data of a call."""

    def __init__(self, error: dict) -> None:
        super().__init__(error.get("message"))
        data = error.get("data")
        self.data = bytes.fromhex(data[2:]) if isinstance(data, str) and data.startswith("0x") else b""


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction in a block; ``logs`` are (address, topics, data) of everything that was written."""

    hash: str
    ok: bool
    gas: int
    block: int
    logs: tuple[tuple[bytes, tuple[bytes, ...], bytes], ...]
    contract: bytes | None


@dataclass
class Node:
    url: str
    time: int = START
    _wire: http.client.HTTPConnection = field(init=False, repr=False)

    def __post_init__(self) -> None:
        place = urlsplit(self.url)
        self._wire = http.client.HTTPConnection(place.hostname, place.port, timeout=120)

    def rpc(self, method: str, *params: object) -> object:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        self._wire.request("POST", "/", body, {"content-type": "application/json"})
        answer = json.loads(self._wire.getresponse().read())
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]

    def close(self) -> None:
        self._wire.close()

    @contextmanager
    def at(self, time: int) -> Iterator[None]:
        """Everything inside happens at this block time. From one transaction to the next, time can stand still but not go back."""
        before, self.time = self.time, time
        try:
            yield
        finally:
            self.time = before

    def send(self, to: bytes | None, data: bytes, *, sender: bytes, gas: int = GAS, **more: object) -> Mined:
        """Mine one transaction from any account, funded first; a failed one is mined too."""
        self.rpc("anvil_setBalance", hexed(sender), hex(10**21))
        request = {"from": hexed(sender), "data": hexed(data), "gas": hex(gas), **more}
        return self._mine("eth_sendTransactionSync", request | ({"to": hexed(to)} if to else {}))

    def send_raw(self, transaction: bytes) -> Mined:
        """Mine one signed transaction."""
        return self._mine("eth_sendRawTransactionSync", hexed(transaction))

    def _mine(self, method: str, request: object) -> Mined:
        self.rpc("evm_setNextBlockTimestamp", hex(self.time))
        receipt = self.rpc(method, request)
        # The receipt can come before the node has taken the transaction out of its pool; put back then, it would mine it again.
        self.rpc("anvil_dropAllTransactions")
        return Mined(
            receipt["transactionHash"],
            receipt["status"] == "0x1",
            int(receipt["gasUsed"], 16),
            int(receipt["blockNumber"], 16),
            tuple(
                (raw(log["address"]), tuple(map(raw, log["topics"])), raw(log["data"]))
                for log in receipt["logs"]
            ),
            raw(receipt["contractAddress"]) if receipt.get("contractAddress") else None,
        )

    def read(self, to: bytes, data: bytes, *, sender: bytes = b"\x11" * 20) -> bytes:
        """Simulate a call on the latest state; ``RpcError`` with the revert data if it reverts."""
        request = {"from": hexed(sender), "to": hexed(to), "data": hexed(data), "gas": hex(30_000_000)}
        return raw(self.rpc("eth_call", request, "latest", None, {"time": hex(self.time)}))

    def deploy(self, init_code: bytes) -> bytes:
        """Put a test contract on the chain; returns its address."""
        mined = self.send(None, init_code, sender=b"\xde" * 20, gas=10_000_000)
        assert mined.ok, "a test contract couldn't be deployed"
        return mined.contract

    def code(self, address: bytes) -> bytes:
        return raw(self.rpc("eth_getCode", hexed(address), "latest"))

    def storage(self, address: bytes, slot: bytes) -> bytes:
        return raw(self.rpc("eth_getStorageAt", hexed(address), hexed(slot), "latest")).rjust(32, b"\0")

    def set_storage(self, address: bytes, slot: bytes, value: bytes) -> None:
        self.rpc("anvil_setStorageAt", hexed(address), hexed(slot), hexed(value))

    def changes(self, mined: Mined, address: bytes) -> dict[bytes, tuple[bytes, bytes]]:
        """The storage words of ``address`` that a transaction changed: slot -> (before, after)."""
        options = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
        traced = self.rpc("debug_traceTransaction", mined.hash, options)
        before, after = (
            {
                raw(slot): raw(word)
                for slot, word in traced[side].get(hexed(address), {}).get("storage", {}).items()
            }
            for side in ("pre", "post")
        )
        zero = bytes(32)
        return {
            slot: (before.get(slot, zero), after.get(slot, zero)) for slot in before.keys() | after.keys()
        }


def hexed(data: bytes) -> str:
    return "0x" + data.hex()


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
