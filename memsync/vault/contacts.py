"""A vault's verbs about the people and tools whose cards it has met, and about its chain."""

from __future__ import annotations

from memsync.chain.registry import Registry
from memsync.device.config import change_config
from memsync.device.contacts import Contact, Contacts
from memsync.errors import ChainError
from memsync.sync.replica import WORDS
from memsync.vault.base import OpenVault


class ContactVerbs(OpenVault):
    """What a person does about contacts, and to choose a chain."""

    def contacts(self) -> list[Contact]:
        """Whose cards were met, by name."""
        return Contacts(self._replica.database).all()

    def contact(self, name: str) -> Contact:
        """The contact of this name; ``NotFoundError`` names those that there are."""
        return Contacts(self._replica.database).named(name)

    def remove_contact(self, name: str) -> Contact:
        """Forget a contact, so that another key under its name is taken. Its grants stay."""
        with self._working("contacts remove") as at:
            found = Contacts(at.database).named(name)
            Contacts(at.database).remove(found.account)
            return found

    def check_chain(self, registry: Registry) -> None:
        """``ChainError`` unless the vault can be on this chain: it is there, or on none yet."""
        at, keys = self._replica, self._replica.keys()
        if keys is None or (keys.chain_id, keys.contract) == (registry.chain_id, registry.contract):
            return
        if at.meta.get(WORDS) is None or at.heads.seen() is not None or self._may_land(at):
            raise ChainError(
                f"this vault lives on chain {keys.chain_id} at 0x{keys.contract.hex()}, and this is chain {registry.chain_id}; "
                "`memsync chain move NETWORK` brings it there"
            )

    def use_chain(self, network: str, *, registry: Registry, payer: str | None = None) -> None:
        """Remember the chain and who pays there in the settings. ``ChainError`` for a vault that is on another."""
        self.check_chain(registry)
        name = f"vaults.{self.name}"
        change_config({f"{name}.network": network, f"{name}.payer": payer}, self.paths.folder.parents[1])
