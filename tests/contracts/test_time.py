"""Every boundary of time: a grant's first and last second, a deadline's last second."""

from __future__ import annotations

import pytest

from memsync.chain.calls import NO_DEADLINE
from tests.contracts.actions import BOTH, READ, START, Gift
from tests.contracts.checks import refused, unchanged
from tests.contracts.every_call import TOOL, everything

FIRST, END = START + 1000, START + 2000


@pytest.fixture
def timed(alice) -> Gift:
    given = alice.gift(TOOL)
    alice.share(given, BOTH, start=FIRST, end=END)
    return given


@pytest.mark.parametrize(
    ("time", "holds"),
    [(FIRST - 1, False), (FIRST, True), (FIRST + 1, True), (END - 1, True), (END, False), (END + 1, False)],
)
def test_a_grant_holds_from_its_start_until_before_its_end(registry, node, alice, timed, way, time, holds):
    with node.at(time):
        assert registry.is_granted(timed, READ) is holds
        if holds:
            way(timed.parcel(0), TOOL)
        else:
            with refused("NotGranted", vault=alice.vault, grantId=timed.id):
                way(timed.parcel(0), TOOL)


def test_a_snapshot_tells_the_blocks_time(registry, node, alice):
    for time in (START, START + 7):
        with node.at(time):
            assert registry.ask("snapshot", alice.vault, [])[0] == time


def test_every_call_passes_at_its_deadline(node, ready, way):
    deadline = FIRST + 500
    with node.at(deadline):
        way(*ready, deadline=deadline)


def test_no_call_passes_after_its_deadline(registry, node, alice, gift, ready, way):
    deadline = FIRST + 500
    with node.at(deadline + 1):
        with (
            unchanged(lambda: everything(alice, gift)),
            refused("DeadlinePassed", deadline=deadline),
        ):
            way(*ready, deadline=deadline)
        with refused("DeadlinePassed", deadline=0):
            way(*ready, deadline=0)
        way(*ready, deadline=deadline + 1)


def test_without_a_deadline_a_signature_waits_for_ever(node, registry, alice):
    withheld = registry.sign(alice.committing(), alice.signer, deadline=NO_DEADLINE)
    with node.at(2**40):
        registry.send(withheld)
    assert alice.state.sequence == 2
