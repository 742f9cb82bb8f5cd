"""The verbs about whose cards this device has met."""

from __future__ import annotations

from memsync.keeper.at import At
from memsync.keeper.values import contact_value
from memsync.keeper.verb import Needs, Values, verb


@verb("contacts", Needs.VAULT, "Vault.contacts")
def list_contacts(at: At) -> Values:
    """The contacts."""
    return {"contacts": [contact_value(one) for one in at.vault.contacts()]}


@verb("contacts remove", Needs.VAULT, "Vault.remove_contact")
def remove_contact(at: At, *, who: str) -> Values:
    """Forget a contact, so that another key under its name is taken; its grants stay."""
    return {"removed": contact_value(at.vault.remove_contact(who))}
