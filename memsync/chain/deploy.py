"""Putting the contract on a chain, at the same address on every chain.

In go an RPC and somebody who pays; out comes where the contract stands. One transaction to the deterministic deployment factory, whose
address is part of ours (CREATE2, EIP-1014): nobody can put anything else there, and whoever comes second finds it done. Before anything
is sent, the chain is asked whether it can run what the compiler wrote; after it, whether it does. Imports no ape: ``ThroughApe`` is handed
a connected provider and an account.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from memsync.chain.artifact import Artifact, load_artifact
from memsync.chain.registry import DEVELOPMENT_CHAINS
from memsync.crypto.secp256k1 import vault_id
from memsync.errors import ChainError, ChainUnreachable, PayerError, WrongContract

# Opcodes younger than the EVM's first years: code -> (name, words it takes from the stack). Source: the EIP that brought each.
YOUNG_OPCODES: Mapping[int, tuple[str, int]] = {
    0x1B: ("SHL", 2),
    0x1C: ("SHR", 2),
    0x1D: ("SAR", 2),
    0x1E: ("CLZ", 1),
    0x3F: ("EXTCODEHASH", 1),
    0x46: ("CHAINID", 0),
    0x47: ("SELFBALANCE", 0),
    0x48: ("BASEFEE", 0),
    0x49: ("BLOBHASH", 1),
    0x4A: ("BLOBBASEFEE", 0),
    0x5C: ("TLOAD", 1),
    0x5D: ("TSTORE", 2),
    0x5E: ("MCOPY", 3),
    0x5F: ("PUSH0", 0),
}
_PUSH1, _PUSH32 = 0x60, 0x7F
_ANSWER = bytes.fromhex("602a60005360016000f3")  # return the one byte 0x2a


class Deployer(Protocol):
    """A chain, and an account on it that pays."""

    @property
    def account(self) -> bytes:
        """20 bytes; zero where only a plan is wanted."""
        ...

    def rpc(self, method: str, *params: object) -> Any:
        """One JSON-RPC request. Raises ``ChainError`` where the node answers with an error."""
        ...

    def transact(self, to: bytes, data: bytes) -> bytes:
        """Have a transaction mined; returns its hash (32 bytes). Raises ``ChainError``, ``PayerError``."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What deploying here takes. ``there``: nothing, it is done. ``gas`` is an estimate, ``gas_price`` in wei."""

    chain_id: int
    address: bytes
    there: bool
    gas: int = 0
    gas_price: int = 0
    balance: int = 0

    @property
    def cost(self) -> int:
        """In wei."""
        return self.gas * self.gas_price


@dataclass(frozen=True, slots=True)
class Deployment:
    """The contract on a chain. ``transaction`` and ``block`` are None where somebody else put it there before."""

    chain_id: int
    address: bytes
    transaction: bytes | None = None
    block: int | None = None


def plan_deployment(chain: Deployer) -> Plan:
    """Look, send nothing.

    Raises ``WrongContract`` if other code is at the address, ``ChainError`` if the factory is missing or the chain's EVM lacks an opcode.
    """
    artifact = load_artifact()
    chain_id = int(chain.rpc("eth_chainId"), 16)
    if _is_there(chain, artifact, chain_id):
        return Plan(chain_id, artifact.address, there=True)
    if not _code(chain, artifact.factory):
        raise ChainError(
            f"chain {chain_id} has no deterministic deployment factory at {_hex(artifact.factory)}; have it put there first "
            "(github.com/Arachnid/deterministic-deployment-proxy)"
        )
    missing = [name for name in opcodes_used(artifact) if not _runs(chain, name)]
    if missing:
        raise ChainError(
            f"the EVM of chain {chain_id} lacks {', '.join(missing)}, which the contract needs; nothing was sent"
        )
    request = {
        "from": _hex(chain.account),
        "to": _hex(artifact.factory),
        "data": _hex(_deployment_data(artifact)),
    }
    answer = _bytes(chain.rpc("eth_call", request, "latest"))
    if answer != artifact.address:
        raise ChainError(
            f"the factory at {_hex(artifact.factory)} on chain {chain_id} isn't the usual one; nothing was sent"
        )
    return Plan(
        chain_id,
        artifact.address,
        there=False,
        gas=int(chain.rpc("eth_estimateGas", request), 16),
        gas_price=int(chain.rpc("eth_gasPrice"), 16),
        balance=int(chain.rpc("eth_getBalance", _hex(chain.account), "latest"), 16),
    )


def ensure_deployed(chain: Deployer, plan: Plan | None = None) -> Deployment:
    """Deploy unless it is done, and check that what stands there works. Raises what ``plan_deployment`` raises, and ``PayerError``."""
    artifact = load_artifact()
    plan = plan or plan_deployment(chain)
    if plan.there:
        return Deployment(plan.chain_id, plan.address)
    if plan.balance < plan.cost:
        raise PayerError(
            f"{_hex(chain.account)} has {in_ether(plan.balance)} on chain {plan.chain_id}, deploying takes about {in_ether(plan.cost)}"
        )
    transaction = chain.transact(artifact.factory, _deployment_data(artifact))
    receipt = chain.rpc("eth_getTransactionReceipt", _hex(transaction))
    if not _is_there(chain, artifact, plan.chain_id):
        raise ChainError(
            f"transaction {_hex(transaction)} was mined and put no contract at {_hex(artifact.address)}"
        )
    return Deployment(plan.chain_id, plan.address, transaction, int(receipt["blockNumber"], 16))


def record_deployment(file: Path, deployment: Deployment) -> bool:
    """Note address, block and transaction by chain id in a JSON file to be committed.

    Returns False, and writes nothing, for a development chain and where the transaction is not known.
    """
    if deployment.chain_id in DEVELOPMENT_CHAINS or deployment.transaction is None:
        return False
    known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    known[str(deployment.chain_id)] = {
        "address": _hex(deployment.address),
        "block": deployment.block,
        "transaction": _hex(deployment.transaction),
    }
    ordered = {chain_id: known[chain_id] for chain_id in sorted(known, key=int)}
    file.write_text(json.dumps(ordered, indent=2) + "\n", encoding="utf-8")
    return True


def opcodes_used(artifact: Artifact) -> list[str]:
    """The names of the young opcodes that init code and runtime code contain, in order of their numbers."""
    constructor = artifact.init_code.removesuffix(artifact.runtime_code)
    found = _opcodes(constructor) | _opcodes(artifact.runtime_code)
    return [YOUNG_OPCODES[code][0] for code in sorted(found & YOUNG_OPCODES.keys())]


def in_ether(wei: int) -> str:
    """An amount of wei as a person reads it."""
    return f"{wei / 10**18:.6f} ether"


class ThroughApe:
    """A ``Deployer`` over a connected Ape provider and an Ape account; without an account it can only plan."""

    def __init__(self, provider: Any, account: Any = None) -> None:
        self._provider = provider
        self._account = account

    @property
    def has_account(self) -> bool:
        return self._account is not None

    @property
    def account(self) -> bytes:
        return _bytes(str(self._account.address)) if self.has_account else bytes(20)

    def rpc(self, method: str, *params: object) -> Any:
        try:
            answer = self._provider.web3.provider.make_request(method, list(params))
        except (OSError, ValueError) as err:
            raise ChainUnreachable(f"the RPC doesn't answer {method}; is it running?") from err
        if "error" in answer:
            raise ChainError(f"the RPC refused {method}: {answer['error'].get('message', answer['error'])}")
        return answer["result"]

    def transact(self, to: bytes, data: bytes) -> bytes:
        request = {"from": _hex(self.account), "to": _hex(to), "data": _hex(data)}
        transaction = self._provider.network.ecosystem.create_transaction(
            sender=self._account.address,
            receiver=self._provider.web3.to_checksum_address(to),
            data=data,
            chain_id=self._provider.chain_id,
            gas=int(self.rpc("eth_estimateGas", request), 16) * 6 // 5,
        )
        return _bytes(str(self._account.call(transaction).txn_hash))


def _is_there(chain: Deployer, artifact: Artifact, chain_id: int) -> bool:
    code = _code(chain, artifact.address)
    if not code:
        return False
    if code != artifact.runtime_code:
        raise WrongContract(
            f"the code at {_hex(artifact.address)} on chain {chain_id} is not this release's registry; use another RPC"
        )
    question = {
        "to": _hex(artifact.address),
        "data": _hex(artifact.encode_call("vaultIdOf", (chain.account, 0))),
    }
    if _bytes(chain.rpc("eth_call", question, "latest")) != vault_id(
        chain_id, artifact.address, chain.account
    ):
        raise WrongContract(
            f"the registry at {_hex(artifact.address)} on chain {chain_id} computes other ids than it must"
        )
    return True


def _runs(chain: Deployer, opcode: str) -> bool:
    """Whether a few bytes with this opcode run to their end on the chain."""
    code, taken = next((code, taken) for code, (name, taken) in YOUNG_OPCODES.items() if name == opcode)
    try:
        probe = bytes((_PUSH1, 0)) * taken + bytes((code,)) + _ANSWER
        return (
            _bytes(chain.rpc("eth_call", {"from": _hex(chain.account), "data": _hex(probe)}, "latest"))
            == b"\x2a"
        )
    except ChainUnreachable:
        raise
    except ChainError:
        return False


def _opcodes(code: bytes) -> set[int]:
    """The opcodes in a piece of code, without what PUSH carries."""
    found, at = set(), 0
    while at < len(code):
        found.add(code[at])
        at += code[at] - _PUSH1 + 2 if _PUSH1 <= code[at] <= _PUSH32 else 1
    return found


def _deployment_data(artifact: Artifact) -> bytes:
    return artifact.deploy_salt + artifact.init_code


def _code(chain: Deployer, address: bytes) -> bytes:
    return _bytes(chain.rpc("eth_getCode", _hex(address), "latest"))


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
