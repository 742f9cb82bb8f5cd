"""The verbs about who may read: grant, grants, revoke."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from memsync.errors import DecisionNeeded, FormatError, InputError
from memsync.format.card import Card, read_card
from memsync.format.places import read_place
from memsync.keeper.at import At
from memsync.keeper.values import grant_value, iso
from memsync.keeper.verb import Needs, Values, verb
from memsync.keeper.verbs.clients import served_value
from memsync.terms import parse_times


@verb("grant", Needs.CHAIN, "Vault.grant")
def grant(
    at: At,
    *,
    who: str,
    scope: str | None = None,
    until: str = "30d",
    can: Literal["read", "write", "read+write"] = "read",
    from_now: bool = False,
    name: str | None = None,
    at_places: list[str] | None = None,
    car: str | None = None,
    fingerprint: str | None = None,
    preview: bool = False,
) -> Values:
    """Grant a scope to a card (its JSON) or a contact (its name).

    ``preview``: only what would become readable. ``at_places``: https addresses for the link, by default the vault's gateways.
    ``fingerprint``: that of the card which the person saw; another is refused. ``car``: a file to write where no place of the vault can be
    reached from elsewhere.
    """
    vault = at.vault_on_chain if not preview else at.vault
    card = _card(at, who)
    if fingerprint is not None and fingerprint != card.fingerprint:
        raise DecisionNeeded(
            f"the card is another than the one shown, with fingerprint {card.fingerprint}; look at it again"
        )
    scope = scope or at.settings.scope
    places = _places(at, at_places)
    summary = vault.scope_summary(scope)
    _, end = parse_times(until, int(at.clock()))
    told: Values = {
        "card": {
            "name": card.name,
            "url": card.url,
            "account": "0x" + card.account.hex(),
            "fingerprint": card.fingerprint,
            "issued": iso(card.issued * 1000),
            "known": any(one.account == card.account for one in vault.contacts()),
        },
        "scope": scope,
        "memories": 0 if from_now or can == "write" else summary.memories,
        "earliest": iso(summary.earliest),
        "latest": iso(summary.latest),
        "can": can,
        "from_now": from_now,
        "until": iso(end * 1000),
        "places": places,
    }
    if preview:
        return told
    made = vault.grant(card, scope=scope, until=until, can=can, from_now=from_now, name=name, places=places)
    told["grant"] = grant_value(made)
    if car is not None and not places:
        if not Path(car).is_absolute():
            raise InputError(f"{car} must be a whole path; give it from the root on")
        written = vault.export_car(Path(car), grant=made)
        told["car"] = {"file": car, "blocks": written.blocks, "size": written.bytes}
    return told


@verb("grants", Needs.CHAIN, "Vault.grants")
def grants(at: At) -> Values:
    """Who is granted what: the keyed grants on the chain, if one is chosen, and what tools of this device are served."""
    keyed = at.vault_on_chain.grants() if at.settings.network is not None else []
    served = at.vault.served_grants()
    return {"grants": [grant_value(one) for one in keyed], "served": [served_value(one) for one in served]}


@verb("revoke", Needs.CHAIN, "Vault.revoke")
def revoke(at: At, *, who: str, emergency: bool = False) -> Values:
    """End a grant, by the grantee's name or the grant's id; ``emergency``: only the bare call on chain."""
    receipt = at.vault_on_chain.revoke(_grant_id(who), emergency=emergency)
    return {
        "sequence": None if receipt is None else receipt.sequence,
        "rotated": [] if receipt is None else list(receipt.rotated),
        "emergency": receipt is None,
    }


def _card(at: At, who: str) -> Card:
    """A card that was handed over, or that of a contact."""
    if who.lstrip().startswith("{"):
        return read_card(who.encode())
    return read_card(at.vault.contact(who).card)


def _places(at: At, given: list[str] | None) -> list[str]:
    """The addresses for the link: those given, else the vault's stores that anybody can reach."""
    if given is not None:
        return [read_place(place, what="link").url for place in given]
    found = []
    for place in at.settings.stores:
        try:
            found.append(read_place(place, what="link").url)
        except FormatError:
            continue
    return found


def _grant_id(who: str) -> bytes | str:
    """A grant's id where it is written as one, else a name."""
    text = who.removeprefix("0x")
    if len(text) == 64:
        try:
            return bytes.fromhex(text)
        except ValueError:
            return who
    return who
