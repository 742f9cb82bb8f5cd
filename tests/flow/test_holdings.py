"""How much a vault has, per scope and place."""

from __future__ import annotations

from memsync.errors import StorageError
from memsync.store.mirror import MirrorStore
from memsync.sync.garbage import GRACE_SECONDS
from memsync.testing import LyingStore, MemoryStore
from memsync.vault import Vault
from tests.flow.actions import World


def fill(vault: Vault, world: World) -> None:
    vault.add_scope("work")
    for number in range(12):
        vault.remember(f"text {number}")
        vault.remember("work", scope="work") if number == 0 else None
        vault.push()
    _, grant = world.granted(vault, scope="work")
    vault.revoke(grant)
    vault.forget(next(iter(vault.memories(scope="personal"))))
    vault.push()
    world.pass_time(GRACE_SECONDS + 1)


def test_what_is_counted_is_what_the_store_has(world: World) -> None:
    vault = world.vault()
    assert vault.holdings().sequence == 0
    fill(vault, world)
    holdings = vault.holdings()
    assert holdings.sequence == vault.status().sequence
    personal, work = sorted(holdings.scopes, key=lambda one: one.scope)
    assert (personal.scope, personal.memories, personal.epochs) == ("personal", 11, 1)
    assert (work.scope, work.memories, work.records, work.epochs) == ("work", 1, 1, 2)
    assert personal.records == 12, "eleven and a tombstone"
    assert personal.segments >= work.segments == 1
    (place,) = holdings.places
    needed = world.store.size_many(vault.needed())
    assert (place.blocks, place.size) == (len(needed), sum(needed.values()))
    assert holdings.size == place.size > personal.size + work.size
    assert holdings.waste == place.waste >= personal.waste > 0


def test_what_is_called_waste_is_what_a_collection_frees(world: World) -> None:
    vault = world.vault()
    fill(vault, world)
    waste = vault.holdings().waste
    before = sum(map(len, world.store.blocks.values()))
    assert vault.gc().size == waste == before - sum(map(len, world.store.blocks.values()))
    assert vault.holdings().waste == 0


def test_a_place_that_does_not_answer_says_so(world: World) -> None:
    bad = LyingStore(MemoryStore("bad"))
    vault = world.vault(store=MirrorStore([MemoryStore("good"), bad]))
    fill(vault, world)
    bad.fail(StorageError("unplugged"))
    good, silent = vault.holdings().places
    assert good.error is None
    assert "unplugged" in str(silent.error)
