"""The flow on a real chain: a Foundry node, blocks in a directory, devices as processes of their own."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from memsync.chain.ape import ApeRegistry, connect
from memsync.chain.node import LocalNode, local_node
from memsync.device.keystore_file import CHEAP_COST
from memsync.errors import (
    AccessError,
    ChainError,
    ChainReset,
    ChainUnreachable,
    DeviceRemoved,
    PayerError,
    VaultMoved,
)
from memsync.store.directory import DirectoryStore
from memsync.vault import Vault
from tests.flow.actions import PASSPHRASE, World, texts

if TYPE_CHECKING:
    from ape.api import AccountAPI

ROUNDS = 50
RACER = Path(__file__).parent / "racer.py"


@pytest.fixture(scope="module")
def node() -> Iterator[LocalNode]:
    with local_node() as running:
        yield running


@pytest.fixture
def chained(node: LocalNode, tmp_path: Path) -> Iterator[World]:
    with connect(node.url, payer="TEST::0") as registry:
        world = World(tmp_path, registry=registry, store=DirectoryStore(tmp_path / "blocks"))
        yield world
        world.close()


def own_payer(node: LocalNode, key: str | None = None) -> AccountAPI:
    """An account with a key of its own, for a chain on which the known test accounts don't pay."""
    import ape
    from ape_accounts import import_account_from_private_key

    passphrase = "long enough, with 1 number"
    ape.accounts.containers["accounts"].data_folder.mkdir(parents=True, exist_ok=True)
    account = import_account_from_private_key(
        f"payer-{secrets.token_hex(4)}", passphrase, key or secrets.token_hex(32)
    )
    account.set_autosign(True, passphrase=passphrase)
    node.rpc("anvil_setBalance", str(account.address), hex(10**18))
    return account


def start(world: World, node: LocalNode, vault, name: str, rounds: int, *when: str) -> subprocess.Popen[str]:
    home = vault.paths.folder.parents[1]
    command = [
        sys.executable,
        str(RACER),
        str(home),
        str(world.folder / "blocks"),
        node.url,
        name,
        str(rounds),
        *when,
    ]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=RACER.parents[2]
    )


def test_a_memory_goes_the_whole_way_on_a_node(chained: World, node: LocalNode) -> None:
    vault = chained.vault()
    words = vault.words
    vault.remember("The tide turns at noon.")
    receipt = vault.push()
    assert (receipt.sequence, receipt.final) == (1, True)
    tool, grant = chained.granted(vault, can="read+write", until="30d")
    shared = chained.accepted(tool, grant)
    shared.pull()
    assert texts(shared) == {"The tide turns at noon."}
    shared.propose("The reader likes the sea.")
    assert vault.collect().new == 1
    vault.accept(vault.review()[0])
    vault.push()
    shared.pull()
    assert len(texts(shared)) == 2
    vault.revoke(grant)
    with pytest.raises(AccessError, match="revoked"):
        shared.pull()
    other = chained.restored(words)
    assert texts(other) == texts(vault)
    assert other.recall("tide")[0].memory.text == "The tide turns at noon."


def test_two_processes_push_at_once_and_nothing_is_lost(chained: World, node: LocalNode) -> None:
    """50 rounds each, 100 in all."""
    first = chained.vault()
    words = first.words
    first.push()
    second = chained.restored(words)
    racers = [
        start(chained, node, vault, name, ROUNDS) for vault, name in ((first, "first"), (second, "second"))
    ]
    for racer in racers:
        out, err = racer.communicate(timeout=240)
        assert racer.returncode == 0, err[-2000:]
        assert len(out.split()) == ROUNDS
    wanted = {f"{name} {number}" for name in ("first", "second") for number in range(ROUNDS)}
    for vault in (first, second, chained.restored(words)):
        vault.pull()
        assert texts(vault) == wanted
    assert first.status().waiting == second.status().waiting == 0
    assert first.status().sequence == 1 + 2 * ROUNDS


@pytest.mark.parametrize("when", ["die-before-put", "die-after-put", "die-before-send", "die-after-send"])
def test_a_push_killed_anywhere_is_simply_repeated(chained: World, node: LocalNode, when: str) -> None:
    vault = chained.vault()
    words = vault.words
    vault.push()
    racer = start(chained, node, vault, "first", 3, when, "2")
    out, err = racer.communicate(timeout=120)
    assert racer.returncode == -9, err[-2000:]
    assert out.split() == ["0"]
    vault.push()
    assert vault.status().waiting == 0
    assert texts(vault) == {"first 0", "first 1"}
    assert texts(chained.restored(words)) == {"first 0", "first 1"}
    assert vault.status().sequence == 3


def test_a_payer_without_funds_is_named_and_nothing_is_lost(chained: World, node: LocalNode) -> None:
    vault = chained.vault(pushed=True)
    vault.remember("Worth a transaction.")
    account = node.rpc("eth_accounts")[9]
    node.rpc("anvil_setBalance", account, "0x0")
    with connect(node.url, payer="TEST::9") as poor:
        vault._replica._registry = poor
        with pytest.raises(PayerError, match="funds"):
            vault.push()
    vault._replica._registry = chained.registry
    assert vault.push().sequence == 2


def test_a_dead_rpc_a_reset_chain_and_a_real_networks_test_account_are_named(tmp_path: Path) -> None:
    with local_node() as first, connect(first.url, payer="TEST::0") as registry:
        world = World(tmp_path, registry=registry)
        vault = world.vault()
        vault.remember("Here today.")
        vault.push()
        vault._replica.clock = time.time
        first.stop()
        with pytest.raises(ChainUnreachable):
            vault.pull()
        assert texts(vault) == {"Here today."}
        with local_node() as second, connect(second.url, payer="TEST::0") as anew:
            vault._replica._registry = anew
            with pytest.raises(ChainReset, match="began anew"):
                vault.pull()
            vault.remember("And tomorrow.")
            with pytest.raises(ChainReset):
                vault.push()
            assert texts(vault) == {"Here today.", "And tomorrow."}
        world.close()
    with (
        local_node("--chain-id", "5") as other,
        pytest.raises(PayerError, match="everybody knows"),
        connect(other.url, payer="TEST::0"),
    ):
        pass


def test_a_vault_stays_on_its_own_chain(chained: World) -> None:
    vault = chained.vault(pushed=True)
    with local_node("--chain-id", "1337") as other, connect(other.url) as registry:
        vault._replica._registry = registry
        with pytest.raises(ChainError, match="lives on chain 31337"):
            vault.push()


def test_a_vault_moves_from_one_chain_to_another(node: LocalNode, tmp_path: Path) -> None:
    with local_node("--chain-id", "31338") as other:
        payer = own_payer(other)

        def old() -> AbstractContextManager[ApeRegistry]:
            return connect(node.url, payer="TEST::3")

        def new() -> AbstractContextManager[ApeRegistry]:
            return connect(other.url, payer=payer)

        store = DirectoryStore(tmp_path / "blocks")
        with old() as registry:
            world = World(tmp_path, registry=registry, store=store)
            world.clock = time.time  # type: ignore[method-assign]
            vault, second = world.vault(), None
            words = vault.words
            vault.remember("The tide turns at noon.")
            _, grant = world.granted(vault)
            second = world.restored(words)
        second.remember("By the second.")
        vault.remember("Not pushed yet.")
        done = vault.relocate(words, connect_new=new, connect_old=old)
        assert (done.chain_id, done.forwarded, done.warnings) == (31338, True, ())
        assert [one.name for one in done.grants] == [grant.name]
        with old() as registry:
            second._replica._registry = registry
            with pytest.raises(VaultMoved, match="chain 31338"):
                second.pull()
        assert second.relocate(words, connect_new=new, connect_old=old, revoke_old=True).written == 1
        with new() as registry:
            world.registry = registry
            vault = world.reopened(vault)
            assert vault.words == words, "the new chain has nothing final yet"
            other.rpc("anvil_mine", hex(100))
            vault.pull()
            assert vault.status().words_kept is False
            assert vault.verify(deep=True).ok
            wanted = {"The tide turns at noon.", "By the second.", "Not pushed yet."}
            assert texts(vault) == texts(world.reopened(second)) == texts(world.restored(words)) == wanted
            world.close()


@pytest.mark.parametrize("how", ["lost", "stolen"])
def test_a_device_is_added_and_removed_on_a_node(chained: World, how: str) -> None:
    laptop = chained.vault()
    words = laptop.words
    laptop.remember("The tide turns at noon.")
    laptop.push()
    home = chained.home()
    asked = {"passphrase": PASSPHRASE, "home": home, "clock": chained.clock}
    request = Vault.request(**asked, device="phone", cost=CHEAP_COST)
    where = {"store": chained.store, "registry": chained.registry}
    phone = Vault.join(laptop.add_device(request).answer, **asked, **where)
    chained.open.append(phone)
    assert texts(phone) == {"The tide turns at noon."}
    tool, _ = chained.granted(laptop, can="read+write")
    removed = laptop.remove_device("phone", words, stolen=how == "stolen")
    laptop.remember("After the phone.")
    laptop.push()
    with pytest.raises(DeviceRemoved):
        phone.push()
    (grant,) = removed.grants
    shared = chained.accepted(tool, grant)
    shared.pull()
    assert texts(shared) == {"The tide turns at noon.", "After the phone."}
    shared.propose("To the new letter box.")
    assert laptop.collect().new == 1
    assert texts(chained.restored(words)) == texts(laptop)
    assert laptop.verify(deep=True).ok
