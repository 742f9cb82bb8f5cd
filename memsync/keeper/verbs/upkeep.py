"""The verbs about the vault as a whole: push, pull, status, history, verify, gc."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from memsync.keeper.at import At
from memsync.keeper.values import deed_value
from memsync.keeper.verb import Needs, Says, Values, verb


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
def status(at: At, *, all: bool = False) -> Values:  # noqa: A002 the option's name
    """Where the vault stands, for all that this device knows; nothing is asked of anybody. ``all``: also what the stores hold."""
    found = at.vault.status()
    holdings = at.vault.holdings() if all else None
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
        "holdings": None if holdings is None else asdict(holdings),
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


@verb("gc", Needs.CHAIN, "Vault.gc")
def gc(
    at: At,
    *,
    keep: Annotated[int, Says("how many of the last sequences are kept whole", least=1)] = 10,
    dry_run: bool = False,
) -> Values:
    """Delete from the places what no root of the last sequences needs; ``dry_run``: only say how much that is."""
    swept = at.vault_on_chain.gc(keep=keep, dry_run=dry_run)
    return {
        "sequence": swept.sequence,
        "oldest": swept.oldest,
        "kept": swept.kept,
        "young": swept.young,
        "blocks": swept.blocks,
        "size": swept.size,
        "places": [asdict(place) for place in swept.places],
        "dry_run": dry_run,
    }
