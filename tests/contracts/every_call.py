"""Each call of the contract once, ready to be made: for rules that all of them keep."""

from __future__ import annotations

from collections.abc import Callable

from memsync.chain.calls import Call, Share
from memsync.crypto.secp256k1 import SecpKey
from tests.contracts.actions import BOTH, DAY, READ, START, Gift, Person, Registry, key, publishing, word

TOOL = key("tool")
FROM, UNTIL = START - DAY, START + DAY
GRANTS = tuple(map(word, ("one", "two", "three")))

Ready = tuple[Call, SecpKey]
"""A call that will go through, and the account that acts."""


def open_vault(registry: Registry, alice: Person, gift: Gift) -> Ready:
    carol = Person.named(registry, "carol")
    return carol.opening(), carol.owner


def set_signer(registry: Registry, alice: Person, gift: Gift) -> Ready:
    return alice.replacing_signer(key("fresh")), alice.owner


def commit(registry: Registry, alice: Person, gift: Gift) -> Ready:
    return alice.committing(), alice.signer


def commit_and_share(registry: Registry, alice: Person, gift: Gift) -> Ready:
    one, two, three = GRANTS
    shares = Share(one, FROM, UNTIL, READ), Share(two, FROM, UNTIL, BOTH)
    return alice.sharing(*shares, revoking=(three, gift.id)), alice.signer


def revoke(registry: Registry, alice: Person, gift: Gift) -> Ready:
    return alice.revoking(gift.id), alice.signer


def revoke_all(registry: Registry, alice: Person, gift: Gift) -> Ready:
    return alice.revoking_all(), alice.signer


def submit(registry: Registry, alice: Person, gift: Gift) -> Ready:
    return gift.parcel(0), gift.grantee


def publish_key(registry: Registry, alice: Person, gift: Gift) -> Ready:
    return publishing(registry, TOOL, "card"), TOOL


EVERY_CALL: dict[str, Callable[[Registry, Person, Gift], Ready]] = {
    "open": open_vault,
    "setSigner": set_signer,
    "commit": commit,
    "commitAndShare": commit_and_share,
    "revoke": revoke,
    "revokeAll": revoke_all,
    "submit": submit,
    "publishKey": publish_key,
}


def everything(registry: Registry, alice: Person, gift: Gift) -> tuple:
    """All that any of these calls could change."""
    carol = Person.named(registry, "carol")
    return (
        registry.fingerprint(alice.vault, (gift.id, *GRANTS), (TOOL.address,)),
        registry.fingerprint(carol.vault),
    )
