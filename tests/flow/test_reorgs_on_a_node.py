"""A real node that drops transactions, replaces them and undoes blocks: none of it is an alarm, and the same push completes."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from eth_account import Account

from memsync.chain import mining
from memsync.chain.ape import connect
from memsync.chain.artifact import load_artifact
from memsync.chain.calls import SignedCall
from memsync.chain.node import LocalNode, local_node
from memsync.chain.registry import Receipt
from memsync.errors import ChainError, ChainUnreachable, RolledBack
from memsync.shared import Tool
from memsync.store.directory import DirectoryStore
from memsync.vault import Vault
from tests.flow.actions import World, texts
from tests.flow.test_on_a_node import own_payer

KEY = secrets.token_hex(32)
FINAL = 2
"""Blocks that lie upon a final one, where an epoch has one slot."""


@pytest.fixture(scope="module")
def node() -> Iterator[LocalNode]:
    with local_node("--chain-id", "31338", "--slots-in-an-epoch", "1") as running:
        running.rpc("anvil_mine", hex(FINAL + 1))
        yield running


@pytest.fixture(scope="module")
def payer(node: LocalNode) -> object:
    return own_payer(node, KEY)


@pytest.fixture
def chained(node: LocalNode, payer: object, tmp_path: Path) -> Iterator[World]:
    with connect(node.url, payer=payer) as registry:
        world = World(tmp_path, registry=registry, store=DirectoryStore(tmp_path / "blocks"))
        yield world
        world.close()


@pytest.fixture
def unmined(node: LocalNode) -> Iterator[None]:
    """Nothing is mined until somebody says so."""
    mine_by_itself(node, yes=False)
    yield
    node.rpc("anvil_dropAllTransactions")
    mine_by_itself(node, yes=True)


def mine_by_itself(node: LocalNode, *, yes: bool) -> None:
    node.rpc("evm_setAutomine", yes)


def pending(node: LocalNode) -> dict:
    """The one transaction that waits, once there is one."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        waiting = node.rpc("txpool_content")["pending"]
        for of_account in waiting.values():
            for one in of_account.values():
                return one
        time.sleep(0.01)
    raise TimeoutError("nothing was sent")


@contextmanager
def beside(act: Callable[[], None]) -> Iterator[None]:
    """Do this at the same time, and wait for its end."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 told below
            failed.append(error)

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    assert not failed, failed


def settled(node: LocalNode) -> None:
    node.rpc("anvil_mine", hex(FINAL))


def undo(node: LocalNode, blocks: int, *calls: tuple[SignedCall, int]) -> None:
    """Put other blocks in the place of the last ones: empty, or with these calls, each with the number of its block, from 0."""
    sender, contract = node.rpc("eth_accounts")[0], "0x" + load_artifact().address.hex()
    pairs = []
    for signed, block in calls:
        arguments = tuple(
            "0x" + one.hex() if isinstance(one, bytes) and len(one) == 20 else one
            for one in signed.arguments()
        )
        data = load_artifact().encode_call(signed.call.function, arguments)
        call = {"from": sender, "to": contract, "data": "0x" + data.hex(), "gas": hex(500_000)}
        pairs.append([call, block])
    node.rpc("anvil_reorg", blocks, pairs)


class Heard:
    """A registry that notes the calls which are sent through it, and can lose them on the way there."""

    def __init__(self, registry: object) -> None:
        self._registry, self.sent, self.lose = registry, [], False

    def __getattr__(self, name: str) -> object:
        return getattr(self._registry, name)

    def send(self, signed: SignedCall) -> Receipt:
        self.sent.append(signed)
        if self.lose:
            raise ChainUnreachable("lost on the way there")
        return self._registry.send(signed)


def two_devices(world: World) -> tuple[Vault, Vault, Heard, Heard]:
    first, second = world.two_devices()
    heard = [Heard(world.registry), Heard(world.registry)]
    for vault, one in zip((first, second), heard, strict=True):
        vault._replica._registry = one
    return first, second, *heard


def check_rest(node: LocalNode, wanted: set[str], *vaults: Vault) -> None:
    """All push until they agree, and hold exactly this when all is final."""
    for vault in (*vaults, *vaults):
        vault.push()
    settled(node)
    for vault in vaults:
        vault.pull()
        assert texts(vault) == wanted
        assert vault.status().waiting == 0
        assert vault.push().sequence == 0
        assert vault.verify(deep=True).ok


# ---------------------------------------------------------------------- transactions


def test_a_transaction_that_the_node_drops_is_handed_in_again(
    chained: World, node: LocalNode, unmined: None
) -> None:
    vault = chained.vault()
    vault.remember("Dropped on the way.")
    dropped = []

    def drop() -> None:
        first = pending(node)["hash"]
        dropped.append(node.rpc("anvil_dropTransaction", first))
        assert pending(node)["hash"] == first
        node.rpc("evm_mine")

    with beside(drop):
        assert vault.push().sequence == 1
    assert dropped != [None]
    mine_by_itself(node, yes=True)
    check_head(chained, vault, {"Dropped on the way."})


def test_a_transaction_that_another_of_its_nonce_replaces_is_made_anew(
    chained: World, node: LocalNode, unmined: None
) -> None:
    vault = chained.vault()
    vault.remember("Replaced on the way.")

    def replace() -> None:
        first = pending(node)
        again = {
            "to": "0x" + "11" * 20,
            "value": 1,
            "gas": 21_000,
            "nonce": int(first["nonce"], 16),
            "maxFeePerGas": int(first["maxFeePerGas"], 16) * 3,
            "maxPriorityFeePerGas": int(first["maxPriorityFeePerGas"], 16) * 3 + 1,
            "chainId": 31338,
        }
        other = Account.sign_transaction(again, KEY)
        assert node.rpc("eth_sendRawTransaction", "0x" + other.raw_transaction.hex().removeprefix("0x"))
        node.rpc("evm_mine")
        assert pending(node)["hash"] != first["hash"]
        node.rpc("evm_mine")

    with beside(replace):
        assert vault.push().sequence == 1
    mine_by_itself(node, yes=True)
    check_head(chained, vault, {"Replaced on the way."})


def test_a_push_that_gave_up_waiting_and_whose_transaction_was_dropped_is_simply_repeated(
    chained: World, node: LocalNode, unmined: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = chained.vault()
    vault.remember("Waited for in vain.")
    with monkeypatch.context() as impatient:
        impatient.setattr(mining, "MINED_SECONDS", 0.2)
        with pytest.raises(ChainError, match="push again"):
            vault.push()
    node.rpc("anvil_dropTransaction", pending(node)["hash"])
    mine_by_itself(node, yes=True)
    assert vault.push().sequence == 1
    check_head(chained, vault, {"Waited for in vain."})


def test_a_push_that_gave_up_waiting_and_whose_transaction_still_waits_is_simply_repeated(
    chained: World, node: LocalNode, unmined: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = chained.vault()
    vault.remember("Still in the pool.")
    with monkeypatch.context() as impatient:
        impatient.setattr(mining, "MINED_SECONDS", 0.2)
        with pytest.raises(ChainError, match="push again"):
            vault.push()
    vault.remember("Written meanwhile.")

    def mine() -> None:
        time.sleep(0.5)
        node.rpc("evm_mine")
        mine_by_itself(node, yes=True)

    with beside(mine):
        vault.push()
    vault.push()
    check_head(chained, vault, {"Still in the pool.", "Written meanwhile."})


def check_head(world: World, vault: Vault, wanted: set[str]) -> None:
    """What is in the head is found by whoever has a grant of it."""
    assert texts(vault) == wanted
    assert world.restored_texts(vault) == wanted


# ---------------------------------------------------------------------- blocks


def test_a_commit_that_the_node_undoes_is_pushed_again(chained: World, node: LocalNode) -> None:
    vault = chained.vault(pushed=True)
    settled(node)
    vault.remember("Kept through the storm.")
    tool = Tool.generate()
    chained.granted(vault, tool)
    undo(node, 1)
    assert vault.pull().sequence == 1
    assert texts(vault) == {"Kept through the storm."}
    assert vault.push().sequence == 2
    (again,) = vault.grants()
    reader = chained.accepted(tool, again)
    reader.pull()
    assert texts(reader) == {"Kept through the storm."}
    check_rest(node, {"Kept through the storm."}, vault)


def test_a_revocation_that_the_node_undoes_is_made_again(chained: World, node: LocalNode) -> None:
    vault = chained.vault(pushed=True)
    vault.remember("Old.")
    _, grant = chained.granted(vault)
    settled(node)
    vault.push()
    vault.remember("New.")
    vault.revoke(grant)
    undo(node, 1)
    assert vault.push().sequence == 3
    assert vault.grants() == []
    state = chained.registry.snapshot(vault._replica.keys().vault, [grant.id]).grants[grant.id]
    assert state.revoked
    check_rest(node, {"Old.", "New."}, vault)


def test_another_devices_commit_mined_in_the_place_of_ones_own_is_no_alarm(
    chained: World, node: LocalNode
) -> None:
    first, second, _, lost = two_devices(chained)
    settled(node)
    for vault in (first, second):
        vault.pull()
    second.remember("By the second.")
    lost.lose = True
    with pytest.raises(ChainUnreachable):
        second.push()
    lost.lose = False
    first.remember("By the first.")
    assert first.push().sequence == 2
    undo(node, 1, (lost.sent[-1], 0))
    assert first.pull().sequence == 2
    assert texts(first) == {"By the first.", "By the second."}
    assert first.push().sequence == 3
    check_rest(node, {"By the first.", "By the second."}, second, first)


def test_two_devices_commits_mined_in_the_other_order_lose_nothing(chained: World, node: LocalNode) -> None:
    """The later one was made on the earlier: it fails now, and its device makes it anew."""
    first, second, by_first, by_second = two_devices(chained)
    settled(node)
    first.remember("By the first.")
    first.push()
    second.remember("By the second.")
    assert second.push().sequence == 3
    first.pull()
    undo(node, 2, (by_second.sent[-1], 0), (by_first.sent[-1], 1))
    assert second.pull().sequence == 2
    assert texts(second) == {"By the first.", "By the second."}
    check_rest(node, {"By the first.", "By the second."}, second, first)


def test_an_opening_that_the_node_undoes_is_repeated(chained: World, node: LocalNode) -> None:
    vault = chained.vault()
    vault.remember("The first thing.")
    vault.push()
    undo(node, 1)
    assert vault.pull().sequence == 0
    assert vault.push().sequence == 1
    check_rest(node, {"The first thing."}, vault)


def test_blocks_undone_below_what_was_final_are_an_alarm(chained: World, node: LocalNode) -> None:
    vault = chained.vault(pushed=True)
    vault.remember("Final.")
    vault.push()
    settled(node)
    assert vault.pull().final, "control: it is"
    undo(node, FINAL + 1)
    with pytest.raises(RolledBack, match="ask another RPC"):
        vault.push()
    assert texts(vault) == {"Final."}
