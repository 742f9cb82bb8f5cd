"""The verbs about where blocks are kept: store add, list, remove, repair."""

from __future__ import annotations

from memsync.keeper.at import At
from memsync.keeper.verb import Needs, Values, verb


@verb("store list", Needs.VAULT, "Vault.stores")
def list_stores(at: At) -> Values:
    """The vault's stores, and what each holds of what the vault needs."""
    return {
        "stores": [
            {
                "store": one.place,
                "kind": one.kind,
                "blocks": one.blocks,
                "missing": one.missing,
                "error": one.error,
            }
            for one in at.vault.stores()
        ]
    }


@verb("store add", Needs.VAULT, "Vault.add_store")
def add_store(at: At, *, place: str, token_file: str | None = None) -> Values:
    """Keep the blocks in this place too, from now on: all that the vault needs is copied there."""
    copied = at.vault.add_store(place, token_file=token_file)
    return {"copied": copied.copied, "present": copied.present, "stores": list(at.vault.store_names())}


@verb("store remove", Needs.VAULT, "Vault.remove_store")
def remove_store(at: At, *, place: str) -> Values:
    """Use a place no longer. What is there stays there."""
    at.vault.remove_store(place)
    return {"stores": list(at.vault.store_names())}


@verb("store repair", Needs.VAULT, "Vault.repair_stores")
def repair_stores(at: At) -> Values:
    """Give each store the blocks that it lacks and another has."""
    copied = at.vault.repair_stores()
    return {"copied": copied.copied, "missing": len(copied.missing)}
