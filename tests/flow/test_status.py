"""What a device knows by itself about its vault."""

from __future__ import annotations

import pytest

from memsync.errors import StorageError
from memsync.ipld.cid import CID, RAW
from memsync.store.mirror import MirrorStore
from memsync.sync.replica import TAKEN
from memsync.testing import LyingStore, MemoryStore
from tests.flow.actions import World


class Untouchable:
    """Whatever is asked of it is an error."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"status asked for {name}")


def test_status_asks_nobody(world: World) -> None:
    vault = world.vault(pushed=True)
    vault._replica._store = vault._replica._registry = Untouchable()
    assert vault.status().sequence == 1


def test_status_grows_with_the_vault(world: World) -> None:
    vault = world.vault()
    status = vault.status()
    assert (status.vault, status.chain_id, status.contract) == (None, None, None)
    assert (status.places, status.grants, status.attempts, status.last_pull) == ((), 0, 0, None)
    vault.push()
    world.granted(vault)
    world.granted(vault, until="1d")
    vault.pull()
    status = vault.status()
    assert (status.chain_id, status.contract) == (world.registry.chain_id, world.registry.contract)
    assert (status.places, status.grants) == (("memory",), 2)
    assert status.last_pull == world.now() * 1000
    world.pass_time(2 * 86_400)
    assert vault.status().grants == 1
    vault.revoke(vault.grants()[-1])
    assert vault.status().grants == 0


def test_a_commit_that_may_still_land_is_counted(world: World) -> None:
    vault = world.vault(pushed=True)
    vault.remember("Once.")
    world.registry.send, plain = fails, world.registry.send
    with pytest.raises(StorageError):
        vault.push()
    assert (vault.status().attempts, vault.status().waiting) == (1, 1)
    world.registry.send = plain
    vault.push()
    assert (vault.status().attempts, vault.status().waiting) == (0, 0)


def fails(_: object) -> object:
    raise StorageError("the power went")


def test_only_places_that_have_the_live_root_are_named(world: World) -> None:
    first, second = MemoryStore("first"), LyingStore(MemoryStore("second"))
    vault = world.vault(store=MirrorStore([first, second]))
    words = vault.words
    vault.push()
    assert vault.status().places == ("first", "lying second")
    vault.remember("More.")
    second.drop_puts()
    vault.push()
    assert vault.status().places == ("first",)
    second.behave()
    second.put_many([(CID(RAW, root := vault._replica.meta.get(TAKEN)), first.blocks[CID(RAW, root)])])
    assert vault.status().places == ("first",), "nobody has asked yet"
    vault.push()
    assert vault.status().places == ("first", "lying second")
    second.fail(StorageError("away"))
    vault.pull()
    assert vault.status().places == ("first",)
    other = world.restored(words, store=first)
    assert other.status().places == ("first",)
    other.remember("From elsewhere.")
    other.push()
    vault._replica._store = first
    vault.pull()
    assert vault.status().places == ("first",)
