"""Clocks: the last block of an idle chain may be old, and a device's clock may be behind its chain's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from memsync.chain.registry import Snapshot
from memsync.errors import AccessError, ChainUnreachable
from memsync.testing import MemoryRegistry
from tests.flow.actions import World, texts

IDLE, YEAR = 2 * 24 * 3600, 365 * 24 * 3600


class IdleRegistry(MemoryRegistry):
    """Nothing has been mined for two days: reads come from an old block, the next transaction from a block of now."""

    def snapshot(self, vault: bytes, grants: Sequence[bytes] = ()) -> Snapshot:
        seen = super().snapshot(vault, grants)
        return replace(seen, block=replace(seen.block, time=self.now - IDLE))


class IdleWorld(World):
    def clock(self) -> float:
        return float(self.registry.now)  # type: ignore[attr-defined]


@pytest.fixture
def idle(tmp_path: Path):
    world = IdleWorld(tmp_path, registry=IdleRegistry())
    yield world
    world.close()


def test_a_push_lands_on_a_chain_that_was_idle_for_days(idle: World) -> None:
    vault = idle.vault()
    vault.remember("After a long silence.")
    assert vault.push().sequence == 1
    tool, grant = idle.granted(vault, until="1h", can="read+write")
    shared = idle.accepted(tool, grant)
    shared.pull()
    shared.propose("Good morning.")
    assert texts(shared) == {"After a long silence."}
    assert vault.collect().new == 1


def test_a_grant_that_expired_while_the_chain_was_idle_has_expired(idle: World) -> None:
    vault = idle.vault(pushed=True)
    tool, grant = idle.granted(vault, until="1h")
    shared = idle.accepted(tool, grant)
    idle.pass_time(3 * 3600)
    with pytest.raises(AccessError, match="expired"):
        shared.pull()
    vault.remember("Later.")
    assert vault.push().rotated == ("personal",)


def test_a_device_whose_clock_is_behind_goes_by_the_chains(world: World) -> None:
    vault = world.vault(pushed=True)
    vault._replica.clock = lambda: 1.0e9
    _, grant = world.granted(vault, until="2h")
    assert grant.end > world.now()
    world.pass_time(3 * 3600)
    vault.remember("Later.")
    assert vault.push().rotated == ("personal",)


def test_a_block_of_next_year_ends_no_grant_and_dates_nothing(tmp_path: Path) -> None:
    """An RPC that lied about the time had the next push drop every grant."""
    world = World(tmp_path, MemoryRegistry(chain_id=1))
    vault = world.vault(pushed=True)
    _, grant = world.granted(vault)
    true = world.now()
    vault._replica.clock = lambda: float(true)
    vault.remember("Sealed in time.")
    world.pass_time(YEAR)
    for verb in (vault.push, lambda: world.granted(vault), lambda: vault.revoke(grant)):
        with pytest.raises(ChainUnreachable, match="set the clock"):
            verb()
    world.pass_time(-YEAR)
    receipt = vault.push()
    assert (receipt.sequence, receipt.rotated) == (3, ())
    assert [one.id for one in vault.grants()] == [grant.id]
    world.close()


def test_on_a_chain_for_development_the_time_is_the_developers(world: World) -> None:
    vault = world.vault(pushed=True)
    _, grant = world.granted(vault)
    true = world.now()
    vault._replica.clock = lambda: float(true)
    world.pass_time(YEAR)
    assert vault.push().rotated == ("personal",)
    _, again = world.granted(vault)
    assert again.end > grant.end + IDLE
