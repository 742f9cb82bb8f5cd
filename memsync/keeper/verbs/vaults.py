"""The verbs about the further vaults of the same words: list, rename, take off the list. They are about the vault that has the list; to
make one or bring one back takes the words: the commands do these."""

from __future__ import annotations

from memsync.keeper.at import At
from memsync.keeper.values import vault_value
from memsync.keeper.verb import Needs, Values, verb


@verb("vault list", Needs.VAULT, "Vault.vaults")
def list_vaults(at: At) -> Values:
    """This vault and the further ones of its words, as of the last push or pull."""
    vault, found = at.vault, at.vault.status().vault
    first: Values = {
        "number": vault.number,
        "name": vault.name,
        "id": None if found is None else "0x" + found.hex(),
        "listed": True,
        "here": vault.name,
    }
    return {"vaults": [first, *map(vault_value, vault.vaults())]}


@verb("vault rename", Needs.VAULT, "Vault.rename_vault")
def rename(at: At, *, who: str, name: str) -> Values:
    """Have the list call a vault by another name, from the next push on."""
    at.vault.rename_vault(who, name)
    return {"vault": vault_value(at.vault.listed_vault(name))}


@verb("vault forget", Needs.VAULT, "Vault.unlist_vault")
def forget(at: At, *, who: str) -> Values:
    """Take a vault off the list, from the next push on and for good. The vault itself stays."""
    return {"vault": vault_value(at.vault.unlist_vault(who))}
