"""What ``ape console`` has beside Ape's own names: ``registry``, ``watch``, and a vault and a tool to play with.

``registry`` is the contract as Ape shows contracts, at the address that it has on every chain. It is looked for when it is first used: a
development chain without it gets it at once, any other says how to put it there. Loading this file connects to nothing and sends nothing.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ape import accounts, chain
from ape.contracts import ContractInstance
from ape.logging import logger
from eth_utils import to_checksum_address
from ethpm_types import ContractType

from memsync.chain.artifact import load_artifact
from memsync.chain.deploy import ThroughApe, ensure_deployed
from memsync.errors import ChainError, MemSyncError, PayerError, WrongContract

if TYPE_CHECKING:
    from memsync.demo import DemoVault
    from memsync.shared import SharedVault

NAMES = ["NotDeployed", "demo_tool", "demo_vault", "registry", "watch"]
DEVELOPMENT_CHAIN = 31337
"""The one chain whose test accounts pay by themselves."""
PAGE = 2_000  # blocks asked for at once; public RPCs refuse long ranges


def __dir__() -> list[str]:
    """The names that the console gets; Ape would take every import of this file otherwise."""
    return NAMES


class NotDeployed(ChainError):
    """The registry is not on the connected chain."""


class MemoryRegistry(ContractInstance):
    """The registry on whatever chain is connected; see ``contracts/interfaces/IMemoryRegistry.sol`` for its calls."""

    def __init__(self) -> None:
        artifact = load_artifact()
        abi = ContractType.model_validate({"contractName": "MemoryRegistry", "abi": list(artifact.abi)})
        super().__init__(to_checksum_address(artifact.address), abi)

    @property
    def address(self) -> str:
        """Where it is. Every use asks for it, so this is where it is looked for."""
        code = self.provider.get_code(self._address)
        if not code:
            self._arrive()
        elif code != load_artifact().runtime_code:
            raise WrongContract(
                f"the code at {self._address} on chain {self.provider.chain_id} is not this release's registry"
            )
        known = chain.contracts.contract_types  # by which Ape reads receipts, traces and errors
        if self._address not in known:
            known[self._address] = self.contract_type
        return self._address

    def _arrive(self) -> None:
        chain_id = self.provider.chain_id
        if chain_id != DEVELOPMENT_CHAIN:
            raise NotDeployed(
                f"ape run deploy --network {self.provider.network_choice} --account ALIAS puts the registry on chain {chain_id}"
            )
        with logger.at_level("WARNING"):
            ensure_deployed(ThroughApe(self.provider, accounts.test_accounts[0]))

    def __repr__(self) -> str:
        return f"<MemoryRegistry {self.address}>"

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            _ = self.address  # its errors would lose their names inside Ape's own look-up
        return super().__getattr__(name)


class Said(NamedTuple):
    """Something that the contract said: block number, event, arguments by their Solidity names (bytes and ints)."""

    block: int
    name: str
    values: Mapping[str, object]

    def __str__(self) -> str:
        shown = (f"{name} {_show(value)}" for name, value in self.values.items())
        return f"block {self.block}  {self.name:13} {'  '.join(shown)}"


class Watch:
    """What the contract says, in order, from block ``cursor`` on; the cursor moves as this is read, so the next reading goes on."""

    def __init__(self, contract: ContractInstance, cursor: int, every: float | None) -> None:
        self.contract, self.cursor, self.every = contract, cursor, every
        self._waiting: list[Said] = []

    def __repr__(self) -> str:
        return f"<Watch from block {self.cursor}: for event in …: print(event)>"

    def __iter__(self) -> Iterator[Said]:
        try:
            while True:
                self._ask()
                while self._waiting:
                    yield self._waiting.pop(0)
                if self.every is None:
                    return
                time.sleep(self.every)
        except KeyboardInterrupt:
            if self.every is None:
                raise

    def _ask(self) -> None:
        rpc = ThroughApe(self.contract.provider).rpc
        head = int(rpc("eth_blockNumber"), 16)
        self.cursor = min(self.cursor, head + 1)  # a development chain may have been put back
        while self.cursor <= head:
            last = min(self.cursor + PAGE - 1, head)
            wanted = {
                "address": self.contract.address,
                "fromBlock": hex(self.cursor),
                "toBlock": hex(last),
            }
            self._waiting += [_said(log) for log in rpc("eth_getLogs", wanted)]
            self.cursor = last + 1


def watch(contract: ContractInstance, since: int | None = None, every: float | None = None) -> Watch:
    """Follow the contract's events: iterate what comes back, once for what is new, or with ``every`` (seconds) until Ctrl-C.

    ``since``: the block to begin with. By default the first on a development chain, the next one elsewhere.
    """
    if since is None:
        head = contract.provider.get_block("latest").number
        since = 0 if contract.provider.chain_id == DEVELOPMENT_CHAIN else head + 1
    return Watch(contract, since, every)


def demo_vault() -> DemoVault:
    """An open vault with a made-up year of memories, pushed to the connected development chain; gone with the console."""
    from memsync import demo
    from memsync.chain.ape import ApeRegistry

    if chain.chain_id != DEVELOPMENT_CHAIN:
        raise PayerError(
            f"a demo vault is paid for by a test account: use a development chain, not chain {chain.chain_id}"
        )
    _demo_vaults.append(demo.demo_vault(ApeRegistry.at(registry, accounts.test_accounts[0])))
    return _demo_vaults[-1]


def demo_tool(vault: DemoVault | None = None, *, scope: str = "novel") -> SharedVault:
    """A tool that was granted one scope of a demo vault (the latest one, if none is named): it reads, and proposes."""
    from memsync import demo

    return demo.demo_tool(vault or (_demo_vaults[-1] if _demo_vaults else demo_vault()), scope=scope)


def _said(log: Mapping[str, Any]) -> Said:
    name, values = load_artifact().decode_event([_raw(topic) for topic in log["topics"]], _raw(log["data"]))
    return Said(int(log["blockNumber"], 16), name, values)


def _raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _show(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


def _in_one_line(err: MemSyncError) -> list[str]:
    return [f"{type(err).__name__}: {err}"]


# Ape's handler ends node and console on the spot; in a console, Ctrl-C stops the line that runs.
signal.signal(signal.SIGINT, signal.default_int_handler)
registry = MemoryRegistry()
_demo_vaults: list[DemoVault] = []
# At a prompt our errors say all that there is to say; IPython asks an exception for this before it shows a traceback.
MemSyncError._render_traceback_ = _in_one_line
