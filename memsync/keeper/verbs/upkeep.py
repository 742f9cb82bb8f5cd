"""The verbs about the vault as a whole: push, pull, status, history, verify."""

from __future__ import annotations

from memsync.keeper.at import At
from memsync.keeper.values import deed_value
from memsync.keeper.verb import Needs, Values, verb


@verb("push", Needs.CHAIN, "Vault.push")
def push(at: At) -> Values:
    """Store and commit all that waits. Whatever goes wrong, push again."""
    receipt = at.vault_on_chain.push()
    return {
        "sequence": receipt.sequence,
        "memories": receipt.memories,
        "blocks": receipt.blocks,
        "size": receipt.size,
        "transaction": "0x" + receipt.transaction.hex() if receipt.transaction else None,
        "gas_used": receipt.gas_used,
        "payer": "0x" + receipt.payer.hex() if receipt.payer else None,
        "rotated": list(receipt.rotated),
        "final": receipt.final,
        "troubles": at.vault_on_chain.troubles(),
    }


@verb("pull", Needs.CHAIN, "Vault.pull")
def pull(at: At) -> Values:
    """Take in what the owner's other devices pushed."""
    pulled = at.vault_on_chain.pull()
    return {
        "sequence": pulled.sequence,
        "changed": pulled.changed,
        "segments": pulled.segments,
        "dropped": pulled.dropped,
        "final": pulled.final,
    }


@verb("status", Needs.VAULT, "Vault.status")
def status(at: At) -> Values:
    """Where the vault stands, for all that this device knows; nothing is asked of anybody."""
    found = at.vault.status()
    return {
        "vault": found.name,
        "folder": str(at.vault.paths.folder),
        "id": None if found.vault is None else "0x" + found.vault.hex(),
        "chain_id": found.chain_id,
        "contract": None if found.contract is None else "0x" + found.contract.hex(),
        "network": at.settings.network,
        "payer": at.settings.payer,
        "sequence": found.sequence,
        "memories": found.memories,
        "waiting": found.waiting,
        "proposals": found.proposals,
        "grants": found.grants,
        "scopes": list(found.scopes),
        "words_kept": found.words_kept,
        "embedder": found.embedder,
        "embedded": found.embedded,
        "embedder_trouble": found.embedder_trouble,
        "stores": list(at.settings.stores),
        "places": list(found.places),
        "last_push": None if found.last_push is None else deed_value(found.last_push),
    }


@verb("history", Needs.VAULT, "Vault.history")
def history(at: At, *, limit: int = 20) -> Values:
    """What this device did on the chain, the latest first."""
    return {"history": [deed_value(deed) for deed in at.vault.history(limit)]}


@verb("verify", Needs.VAULT, "Vault.verify")
def verify(at: At, *, deep: bool = False) -> Values:
    """Look whether all is as it must be; reads only. Without a chain in reach, what this device has is looked at."""
    registry = at.chain_or_none() if at.settings.network else None
    found = (at.vault if registry is None else at.vault_on_chain).verify(deep=deep)
    return {
        "findings": [{"what": one.what, "next": one.next} for one in found.findings if one.wrong],
        "notes": [{"what": one.what, "next": one.next} for one in found.findings if not one.wrong],
        "blocks": found.blocks,
        "checked": found.checked,
        "chain": registry is not None,
    }
