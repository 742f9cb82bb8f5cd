"""What the keeper does by itself: when a grant's time is over, its scope gets new keys, and nothing else is pushed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from memsync.chain.registry import Registry
from memsync.device.config import change_config
from memsync.errors import ChainUnreachable
from memsync.keeper import house as rooms
from memsync.keeper.chains import Chains
from memsync.keeper.house import House
from memsync.vault import Vault
from tests.flow.actions import PASSPHRASE, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture
def house(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A keeper's inside with a vault of this world open in it, whose chain is the world's; it looks around at every turn."""
    vault = world.vault(pushed=True)
    home = vault.paths.folder.parents[1]
    real = Vault.of_secrets

    def of_secrets(name: str, secrets: object, **where: object) -> Vault:
        return real(name, secrets, **{**where, "clock": world.clock, "store": world.store})

    @contextmanager
    def connected(_chains: Chains, _settings: object, _passphrase: object = None) -> Iterator[Registry]:
        yield world.registry

    monkeypatch.setattr(Vault, "of_secrets", of_secrets)
    monkeypatch.setattr(Chains, "connected", connected)
    monkeypatch.setattr(rooms, "TEND", -1.0)
    change_config({"chain.network": "the world's"}, home)
    made = House(home)
    made.unlock({"passphrase": PASSPHRASE})
    yield made
    made.open.lock()


def test_keys_change_by_themselves_when_a_grant_is_over_and_nothing_else_is_pushed(
    world: World, house: House
):
    [vault] = [one for one in world.open if isinstance(one, Vault)]
    tool, grant = world.granted(vault, until="2h")
    shared = world.accepted(tool, grant)
    vault.remember("Not pushed yet.")
    house._tend()
    assert world.can_open_pointer(shared._envelope)
    world.pass_time(3 * 3600)
    assert vault.expired() == [grant.name]
    house._tend()
    assert not world.can_open_pointer(shared._envelope)
    assert vault.grants() == []
    assert vault.expired() == []
    assert vault.status().waiting == 1
    assert vault.history(1)[0].kind == "expiry"
    before = world.registry.snapshot(vault._replica.keys().vault).vault.sequence
    house._tend()
    assert world.registry.snapshot(vault._replica.keys().vault).vault.sequence == before


def test_a_chain_that_does_not_answer_is_tried_again_and_the_keeper_goes_on(
    world: World, house: House, monkeypatch: pytest.MonkeyPatch
):
    [vault] = [one for one in world.open if isinstance(one, Vault)]
    world.granted(vault, until="2h")
    world.pass_time(3 * 3600)
    answering = Chains.connected

    @contextmanager
    def silent(*_: object) -> Iterator[Registry]:
        raise ChainUnreachable("no answer; try again")
        yield world.registry

    monkeypatch.setattr(Chains, "connected", silent)
    house._tend()
    assert vault.expired()
    assert not house.ended
    monkeypatch.setattr(Chains, "connected", answering)
    house._tend()
    assert not vault.expired()
