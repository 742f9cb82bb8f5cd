"""The verbs about the chain: which it is, and to choose another. Moving a vault asks for its words and is done by the command itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memsync.chain.lasting import SavedRegistry
from memsync.errors import InputError
from memsync.keeper.at import At
from memsync.keeper.values import iso
from memsync.keeper.verb import Needs, Values, verb

if TYPE_CHECKING:
    from memsync.chain.registry import Facts


@verb("chain", Needs.CHAIN, "ApeRegistry.describe")
def show(at: At) -> Values:
    """The chain that is chosen, its contract and who pays."""
    return {"network": at.settings.network, "payer": at.settings.payer, **_facts(at)}


@verb("chain use", Needs.CHAIN, "Vault.use_chain")
def use(at: At) -> Values:
    """Choose the call's network and payer for the vault, and remember it. A vault that is on another chain already is refused."""
    said = at.target
    if said.network is None:
        raise InputError("say which chain: `node`, an Ape network choice, or an RPC's URL")
    facts = _facts(at)
    at.vault.use_chain(said.network, registry=at.registry, payer=at.settings.payer)
    return {"network": said.network, "payer": at.settings.payer, **facts}


def _facts(at: At) -> Values:
    registry = at.registry
    chain: Any = registry.registry if isinstance(registry, SavedRegistry) else registry
    found: Facts = chain.describe()
    return {
        "chain_id": found.chain_id,
        "contract": "0x" + found.contract.hex(),
        "code_hash": None if found.code_hash is None else "0x" + found.code_hash.hex(),
        "registry": found.ours,
        "account": None if found.payer is None else "0x" + found.payer.hex(),
        "balance": None if found.balance is None else str(found.balance),
        "block": found.block.number,
        "block_time": iso(found.block.time * 1000),
    }
