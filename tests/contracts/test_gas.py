"""What each call costs, as whole transactions, and how many storage slots it makes: held by ``gas.json`` and by the design's budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from memsync.chain.calls import NO_DEADLINE, Share
from tests.contracts.actions import START, ZERO32, Done, Gift, Person, key, publishing, submit, word
from tests.contracts.every_call import TOOL, Ready
from tests.contracts.snapshots import HOW, committed
from tests.contracts.wallets import Wallet, settle

DEADLINE = START + 600
TOLERANCE = 1.02

# The budget that the design set, measured on its prototype: (direct, relayed) with a 65-byte signature.
BUDGET = {
    "open": (70_700, 76_100),
    "commit": (36_700, 42_200),
    "commitAndShare, one grant": (64_000, 71_100),
    "commitAndShare, one revocation": (45_200, 51_500),
    "revoke": (32_000, 37_400),
    "revokeAll": (29_800, 35_200),
    "setSigner": (30_200, 35_600),
    "submit, first": (58_100, 63_600),
    "submit, next": (41_100, 46_500),
    "publishKey, first": (47_000, 52_400),
    "publishKey, next": (30_300, 35_700),
}
SLOTS = {
    "open": 2,
    "commitAndShare, one grant": 1,
    "revoke, unknown id": 1,
    "submit, first": 1,
    "publishKey, first": 1,
}


@dataclass
class Case:
    """A call and what has to happen before it."""

    prepare: Callable[[Person, Gift], object]
    call: Callable[[Person, Gift], Ready]


def nothing(person: Person, gift: Gift) -> None:
    pass


def written_to(person: Person, gift: Gift) -> None:
    submit(person.registry, gift)


def published(person: Person, gift: Gift) -> None:
    person.registry.relayed(publishing(person.registry, TOOL, "first card"), TOOL)


CASES = {
    "open": Case(
        nothing, lambda p, g: (Person.named(p.registry, "carol").opening(), key("carol's owner key"))
    ),
    "commit": Case(nothing, lambda p, g: (p.committing(), p.signer)),
    "commitAndShare, one grant": Case(nothing, lambda p, g: (p.sharing(one_share(p)), p.signer)),
    "commitAndShare, one revocation": Case(nothing, lambda p, g: (p.sharing(revoking=(g.id,)), p.signer)),
    "revoke": Case(nothing, lambda p, g: (p.revoking(g.id), p.signer)),
    "revoke, unknown id": Case(nothing, lambda p, g: (p.revoking(word("unknown")), p.signer)),
    "revokeAll": Case(nothing, lambda p, g: (p.revoking_all(), p.signer)),
    "setSigner": Case(nothing, lambda p, g: (p.replacing_signer(key("fresh")), p.owner)),
    "submit, first": Case(nothing, lambda p, g: (g.parcel(0, salt=0xC0FFEEC0FFEE), TOOL)),
    "submit, next": Case(written_to, lambda p, g: (g.parcel(1, salt=0xC0FFEEC0FFEE), TOOL)),
    "publishKey, first": Case(nothing, lambda p, g: (publishing(p.registry, TOOL, "first card"), TOOL)),
    "publishKey, next": Case(published, lambda p, g: (publishing(p.registry, TOOL, "second card"), TOOL)),
}


def one_share(person: Person) -> Share:
    return Share(person.gift(TOOL, salt="new").id, START - 3600, START + 30 * 86_400, 3)


def deadline_of(name: str) -> int:
    """Ten minutes, as clients sign; a revocation is signed without end of time."""
    return NO_DEADLINE if name.startswith("revoke,") or name == "revoke" else DEADLINE


def measure(registry, name: str, person: Person, gift: Gift) -> dict[str, int]:
    node, case = registry.node, CASES[name]
    case.prepare(person, gift)
    call, account = case.call(person, gift)
    mark = node.rpc("evm_snapshot")
    direct = registry.direct(call, account, deadline=deadline_of(name))
    slots = new_slots(registry, direct)
    assert node.rpc("evm_revert", mark)
    relayed = registry.relayed(call, account, deadline=deadline_of(name))
    assert new_slots(registry, relayed) == slots
    return {"direct": direct.mined.gas, "relayed": relayed.mined.gas, "slots": slots}


def new_slots(registry, done: Done) -> int:
    changes = registry.node.changes(done.mined, registry.contract).values()
    return sum(before == ZERO32 != after for before, after in changes)


@pytest.fixture(scope="session")
def measured() -> dict:
    """All rows, once the tests below have measured them."""
    return {}


@pytest.mark.parametrize("name", CASES)
def test_a_call_costs_no_more_than_designed(registry, alice, gift, measured, name):
    found = measured[name] = measure(registry, name, alice, gift)
    for way, budget in zip(("direct", "relayed"), BUDGET.get(name, (10**9, 10**9)), strict=True):
        assert found[way] <= budget * TOLERANCE, f"{name}, {way}: {found[way]} gas, designed for {budget}"
    assert found["slots"] == SLOTS.get(name, 0)


def test_a_call_costs_what_the_snapshot_says(measured):
    assert measured.keys() == CASES.keys(), "run the whole file"
    expected = committed("gas", measured)
    assert expected.keys() == measured.keys(), f"gas.json has other rows{HOW}"
    for name, row in measured.items():
        assert row["slots"] == expected[name]["slots"], f"{name} makes another number of new slots{HOW}"
        for way in ("direct", "relayed"):
            assert row[way] <= expected[name][way] * TOLERANCE, (
                f"{name}, {way}: {row[way]} gas, was {expected[name][way]}{HOW}"
            )
            if row[way] < expected[name][way] / TOLERANCE:
                print(f"{name}, {way}: now {row[way]} gas, was {expected[name][way]}{HOW}")


def test_a_yes_by_erc_1271_costs_less_than_nine_thousand_more_than_a_key(registry, deploy, alice):
    """Not gated: most of it is the wallet's own code."""
    wallet = Wallet(registry, deploy("YesWallet"))
    person, _ = settle(wallet)
    call = person.committing()
    asked = registry.send_data(
        registry.artifact.encode_call(
            "commit",
            (call.vault, call.sequence, call.grant_epoch, call.salt, call.pointer, DEADLINE, b"any" * 22),
        )
    )
    plain = alice.commit()
    assert asked.mined.gas < plain.mined.gas + 9_000
