"""Each call of the contract once, ready to be made: for rules that all of them keep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

from memsync.chain.calls import Call, Share
from memsync.crypto.secp256k1 import SecpKey
from tests.contracts.actions import BOTH, DAY, READ, START, Gift, Person, key, publishing, word

TOOL = key("tool")
FROM, UNTIL = START - DAY, START + DAY
GRANTS = tuple(map(word, ("one", "two", "three")))

Ready = tuple[Call, SecpKey]
"""A call that will go through, and the account that acts."""


def open_vault(person: Person, gift: Gift) -> Ready:
    return second_vault(person).opening(), person.owner


def set_signer(person: Person, gift: Gift) -> Ready:
    return person.replacing_signer(key("fresh")), person.owner


def commit(person: Person, gift: Gift) -> Ready:
    return person.committing(), person.signer


def commit_and_share(person: Person, gift: Gift) -> Ready:
    one, two, three = GRANTS
    shares = Share(one, FROM, UNTIL, READ), Share(two, FROM, UNTIL, BOTH)
    return person.sharing(*shares, revoking=(three, gift.id)), person.signer


def revoke(person: Person, gift: Gift) -> Ready:
    return person.revoking(gift.id), person.signer


def revoke_all(person: Person, gift: Gift) -> Ready:
    return person.revoking_all(), person.signer


def submit(person: Person, gift: Gift) -> Ready:
    return gift.parcel(0), gift.grantee


def publish_key(person: Person, gift: Gift) -> Ready:
    return publishing(person.registry, gift.grantee, "card"), gift.grantee


def second_vault(person: Person) -> Person:
    return replace(person, nonce=person.nonce + 1)


EVERY_CALL: dict[str, Callable[[Person, Gift], Ready]] = {
    "open": open_vault,
    "setSigner": set_signer,
    "commit": commit,
    "commitAndShare": commit_and_share,
    "revoke": revoke,
    "revokeAll": revoke_all,
    "submit": submit,
    "publishKey": publish_key,
}


def acting_as(call: Call, account: bytes) -> Call:
    """The same call with another acting account, where the call names it."""
    name = next((field.name for field in fields(call) if field.name in ("owner", "grantee", "account")), None)
    return replace(call, **{name: account}) if name else call


def everything(person: Person, gift: Gift) -> tuple:
    """All that any of these calls could change."""
    registry = person.registry
    return (
        registry.fingerprint(person.vault, (gift.id, *GRANTS), (gift.grantee.address,)),
        registry.fingerprint(second_vault(person).vault),
    )
