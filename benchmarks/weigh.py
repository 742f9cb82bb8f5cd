"""One transaction on a local node, weighed: what it cost, the least that the same work can cost, and what it will cost.

``floor`` counts what no compiler can save today (Osaka): 21,000; the calldata; each storage slot read once; each slot made or changed
once; each log; 3,000 where a signature is recovered. Hashing, checks, memory and dispatch are what the measured cost has above it.
``next_schedule`` is computed, for no node runs it yet: EIP-2780 (15,000 a transaction), EIP-8038 (10,000 a write) and EIP-8037 (97,920 more
for a new slot) as they stood in review in autumn 2026.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from memsync.chain.node import LocalNode

BASE, NEXT_BASE = 21_000, 15_000
COLD_READ = 2_100
NEW, CHANGED = 20_000, 2_900
NEXT_NEW, NEXT_CHANGED = 108_020, 10_100
RECOVERY = 3_000
GAS = 5_000_000


@dataclass
class Scale:
    """A node, and who pays on it where nothing else is said."""

    node: LocalNode
    payer: str = field(init=False)

    def __post_init__(self) -> None:
        self.payer = self.node.rpc("eth_accounts")[0]
        self.node.rpc("anvil_autoImpersonateAccount", True)  # noqa: FBT003

    def send(self, to: str | None, data: bytes, sender: str | None = None) -> dict[str, Any]:
        """Mine one transaction, which must go through; the receipt."""
        sender = sender or self.payer
        self.node.rpc("anvil_setBalance", sender, hex(10**21))
        request = {"from": sender, "data": "0x" + data.hex(), "gas": hex(GAS)}
        receipt: dict[str, Any] = self.node.rpc(
            "eth_sendTransactionSync", request | ({"to": to} if to else {})
        )
        assert receipt["status"] == "0x1", (to, data.hex())
        return receipt

    def deploy(self, init_code: bytes) -> str:
        return str(self.send(None, init_code)["contractAddress"])

    def weigh(
        self, to: str, data: bytes, sender: str | None = None, *, signed: bool = False
    ) -> dict[str, int]:
        """Send it and tell what it cost, its floor, its new slots and the next schedule's price."""
        receipt = self.send(to, data, sender)
        gas, (read, made, changed) = int(receipt["gasUsed"], 16), self._slots(receipt["transactionHash"])
        logs = sum(
            375 * (1 + len(log["topics"])) + 8 * (len(log["data"]) // 2 - 1) for log in receipt["logs"]
        )
        work = calldata(data) + COLD_READ * read + logs + RECOVERY * signed
        return {
            "gas": gas,
            "floor": BASE + work + NEW * made + CHANGED * changed,
            "new_slots": made,
            "next_schedule": gas
            + NEXT_BASE
            - BASE
            + (NEXT_NEW - NEW) * made
            + (NEXT_CHANGED - CHANGED) * changed,
        }

    def _slots(self, transaction: str) -> tuple[int, int, int]:
        """How many slots a transaction read, made and changed, of whatever contract."""
        seen = self._traced(transaction, {})
        diff = self._traced(transaction, {"diffMode": True})
        before, after = (_storage(diff[side]) for side in ("pre", "post"))
        written = {slot for slot in before.keys() | after.keys() if before.get(slot, 0) != after.get(slot, 0)}
        made = sum(not before.get(slot, 0) for slot in written)
        return len(_storage(seen).keys() | written), made, len(written) - made

    def _traced(self, transaction: str, config: dict[str, Any]) -> dict[str, Any]:
        options = {"tracer": "prestateTracer", "tracerConfig": config}
        found: dict[str, Any] = self.node.rpc("debug_traceTransaction", transaction, options)
        return found


def calldata(data: bytes) -> int:
    return sum(16 if byte else 4 for byte in data)


def _storage(accounts: dict[str, Any]) -> dict[tuple[str, str], int]:
    return {
        (address, slot): int(word, 16)
        for address, account in accounts.items()
        for slot, word in (account.get("storage") or {}).items()
    }
