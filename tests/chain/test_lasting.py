"""A node that lasts: what was pushed yesterday is there today, whatever was killed in between."""

from __future__ import annotations

import gzip
import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from memsync.chain.ape import connect
from memsync.chain.lasting import (
    NodeStatus,
    SavedRegistry,
    is_own_node,
    node_status,
    start_node,
    stop_node,
    wait_saved,
)
from memsync.chain.node import Node, find_anvil, free_port, is_free, launch
from memsync.chain.node_files import NodeFiles
from memsync.chain.registry import Registry
from memsync.chain.warden import dump
from memsync.errors import ChainError, InputError, StorageError
from memsync.store.directory import DirectoryStore
from tests.flow.actions import World, texts

ROUNDS = 5
MINER = 0x14DC79964DA2C08B23698B3D3CC7CA32193D9955  # anvil's eighth account
STARTER = (
    "import sys, pathlib, memsync.chain.lasting as l; print(l.start_node(pathlib.Path(sys.argv[1])).pid)"
)


@dataclass(frozen=True)
class Place:
    """A node's folder, and the hands on its processes."""

    folder: Path

    def start(self, **how: int) -> NodeStatus:
        return start_node(self.folder, **how)

    @property
    def rpc(self) -> Callable[..., object]:
        return Node(self.record["port"]).rpc

    @property
    def record(self) -> dict:
        return json.loads((self.folder / "node").read_text())

    @property
    def chain(self) -> Path:
        return self.folder / "chain"

    def block(self, number: int | None = None) -> dict:
        """A block with its transactions; by default the last one."""
        with_transactions = True
        return self.rpc(
            "eth_getBlockByNumber", "latest" if number is None else hex(number), with_transactions
        )

    def head(self) -> tuple[int, str]:
        block = self.block()
        return int(block["number"], 16), block["hash"]

    def mine(self) -> int:
        """A transaction that nobody waits for to be safe; its block's number."""
        sender, other = self.rpc("eth_accounts")[7:9]
        call = {"from": sender, "to": other, "value": "0x1"}
        return int(self.rpc("eth_sendTransactionSync", call)["blockNumber"], 16)

    def kill(self, *which: str) -> None:
        """kill -9, the named processes in this order and at once; returns when all of the node is gone."""
        record = self.record
        for name in which:
            with suppress(ProcessLookupError):
                os.kill(record[name], signal.SIGKILL)
        until_true(lambda: not (lives(record["pid"]) or lives(record["anvil"])))


def lives(pid: int) -> bool:
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with suppress(OSError):  # one that nobody buried yet is dead
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def until_true(question: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not question():
        assert time.monotonic() < end, "never came true"
        time.sleep(0.01)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "node")
    try:
        yield made
    finally:
        files = NodeFiles(made.folder)
        while files.is_held():
            record = files.record()
            with suppress(ProcessLookupError):
                if record and record.pid:
                    os.kill(record.pid, signal.SIGKILL)
            time.sleep(0.02)
        if sys.platform.startswith("linux"):
            until_true(lambda: not made.folder.exists() or no_anvil_of(made.folder))


def no_anvil_of(folder: Path) -> bool:
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(line.read_bytes())
    return not any(b"--cache-path\0" + bytes(folder) in line for line in found)


@contextmanager
def chained(place: Place, tmp_path: Path, *, saved: bool = True) -> Iterator[World]:
    with connect(place.start().url, payer="TEST::0") as plain:
        registry: Registry = SavedRegistry(plain, place.folder) if saved else plain
        world = World(tmp_path, registry=registry, store=DirectoryStore(tmp_path / "blocks"))
        try:
            yield world
        finally:
            world.close()


# ---------------------------------------------------------------------- days


def test_what_was_pushed_yesterday_is_there_today(place: Place, tmp_path: Path) -> None:
    with chained(place, tmp_path) as world:
        vault = world.vault()
        words = vault.words
        vault.remember("The tide turns at noon.")
        vault.push()
        key = vault._replica.keys().vault
        yesterday = place.start()
        head, events = place.head(), world.registry.events(key)
        blocks = [place.block(n) for n in range(head[0] + 1)]
        receipt = place.rpc("eth_getTransactionReceipt", "0x" + events[-1].transaction.hex())
        snapshot = world.registry.snapshot(key)
        stopped = stop_node(place.folder)
        assert (stopped.running, stopped.clean, stopped.pid, stopped.lost) == (False, True, 0, "")
        assert stopped.block == stopped.saved_block == head[0]
        today = place.start()
        assert (today.url, today.contract, today.block) == (yesterday.url, yesterday.contract, head[0])
        assert today.clean and not today.lost and not today.trouble
        assert [place.block(n) for n in range(head[0] + 1)] == blocks
        assert place.rpc("eth_getTransactionReceipt", "0x" + events[-1].transaction.hex()) == receipt
        # The registry that was connected yesterday goes on, as does one that connects today.
        assert world.registry.snapshot(key) == snapshot
        assert world.registry.events(key) == events and len(events) > 0
        vault.pull()
        vault.remember("And again at midnight.")
        assert vault.push().sequence == 2
        with connect(today.url) as anew:
            assert len(anew.events(key)) > len(events)
        assert texts(world.restored(words)) == {"The tide turns at noon.", "And again at midnight."}
        assert place.block(head[0] + 1)["parentHash"] == head[1]


def test_the_state_after_an_earlier_block_does_not_last(place: Place) -> None:
    place.start()
    block = hex(place.mine())
    account = place.rpc("eth_accounts")[7]
    place.mine()
    before = place.rpc("eth_getBalance", account, block)
    assert before != place.rpc("eth_getBalance", account, "latest")
    stop_node(place.folder)
    place.start()
    with pytest.raises(ChainError, match="requested"):
        place.rpc("eth_getBalance", account, block)


def test_a_chain_ahead_of_the_clock_never_runs_backwards(place: Place) -> None:
    place.start()
    Node(place.record["port"]).pass_time(3600)
    ahead = int(place.block()["timestamp"], 16)
    assert ahead > time.time() + 3000
    stop_node(place.folder)
    place.start()
    place.mine()
    assert int(place.block()["timestamp"], 16) >= ahead


# ---------------------------------------------------------------------- kills


@pytest.mark.parametrize("which", ["anvil", "pid"])
def test_when_one_process_is_killed_the_other_ends_and_the_chain_goes_on(place: Place, which: str) -> None:
    place.start()
    block = place.mine()
    wait_saved(place.folder, block)
    head = place.head()
    place.kill(which)
    found = node_status(place.folder)
    assert (found.running, found.clean, found.pid, found.block) == (False, False, 0, block)
    assert f"what came after block {block} (saved at " in found.lost
    again = place.start()
    assert again.running and not again.clean and again.lost == found.lost
    assert place.head() == head
    assert place.mine() == block + 1
    assert stop_node(place.folder).clean
    assert place.start().lost == ""


def test_nothing_is_lost_when_all_is_killed_as_soon_as_a_push_returned(place: Place, tmp_path: Path) -> None:
    with chained(place, tmp_path) as world:
        vault = world.vault()
        words = vault.words
        for number in range(ROUNDS):
            vault.remember(f"Round {number}.")
            receipt = vault.push()
            place.kill(*(("pid", "anvil") if number % 2 else ("anvil", "pid")))
            assert receipt.sequence == number + 1
            assert place.start().lost
            vault.pull()
            assert vault.status().sequence == number + 1
        assert texts(world.restored(words)) == {f"Round {number}." for number in range(ROUNDS)}


def test_without_waiting_a_block_is_lost_by_the_same_kill(place: Place, tmp_path: Path) -> None:
    with chained(place, tmp_path, saved=False) as world:
        vault = world.vault(pushed=True)
        wait_saved(place.folder, place.head()[0])
        os.kill(place.record["pid"], signal.SIGSTOP)  # as if it had not come to it yet
        vault.remember("Mined, and gone.")
        assert vault.push().sequence == 2
        assert place.head()[0] > NodeFiles(place.folder).saved().block
        place.kill("pid", "anvil")
        place.start()
        assert world.registry.snapshot(vault._replica.keys().vault).vault.sequence == 1


def test_a_send_and_a_final_head_wait_until_they_are_saved(place: Place, tmp_path: Path) -> None:
    with chained(place, tmp_path) as world:
        vault = world.vault(pushed=True)
        key = vault._replica.keys().vault
        patient: SavedRegistry = world.registry
        hasty = SavedRegistry(patient.registry, place.folder, timeout=0.3)
        os.kill(place.record["pid"], signal.SIGSTOP)
        vault._replica._registry = hasty
        vault.remember("Mined, not yet safe.")
        with pytest.raises(StorageError, match=r"mined in block \d+ and is not safe yet"):
            vault.push()
        assert hasty.snapshot(key).vault.sequence == 2
        with pytest.raises(StorageError, match="not safe yet"):
            hasty.final_vault(key)
        with pytest.raises(StorageError, match="not safe yet"):
            wait_saved(place.folder, place.head()[0], timeout=0.1)
        assert "can't save" in node_status(place.folder).trouble
        os.kill(place.record["pid"], signal.SIGCONT)
        assert patient.final_vault(key).sequence == 2
        vault._replica._registry = patient
        vault.push()
        assert vault.status().waiting == 0
        assert NodeFiles(place.folder).saved().block == place.head()[0]
        assert node_status(place.folder).trouble == ""


def test_the_same_number_in_the_next_run_is_not_taken_for_the_block_that_was_lost(place: Place) -> None:
    class Unlucky:
        """A registry whose node is killed, and started by somebody else, before its answer arrives."""

        def send(self, _signed):
            os.kill(place.record["pid"], signal.SIGSTOP)
            lost = place.mine()
            place.kill("pid", "anvil")
            place.start()
            assert place.mine() == lost
            wait_saved(place.folder, lost)
            return type("Receipt", (), {"block": type("Block", (), {"number": lost})})

    place.start()
    with pytest.raises(StorageError, match="not safe yet"):
        SavedRegistry(Unlucky(), place.folder, timeout=0.3).send(None)


def torn(state: bytes) -> bool:
    """Whether accounts and transactions are of different moments: not as many sent as the sender's nonce says."""
    found = json.loads(gzip.decompress(state))
    sent = sum(int(one["info"]["from"], 16) == MINER for one in found["transactions"])
    nonces = [account["nonce"] for address, account in found["accounts"].items() if int(address, 16) == MINER]
    return nonces != [sent] and (sent, nonces) != (0, [])


@contextmanager
def mining_on(place: Place) -> Iterator[None]:
    """Inside, somebody mines one block after the other, as long as there is a node."""
    ending = threading.Event()

    def mine() -> None:
        with suppress(ChainError):
            while not ending.is_set():
                place.mine()

    miner = threading.Thread(target=mine)
    miner.start()
    try:
        yield
    finally:
        ending.set()
        miner.join()


def test_a_kill_at_any_moment_leaves_a_chain_that_can_be_read(place: Place) -> None:
    chance = random.Random(5)
    safe = 0
    for number in range(8):
        place.start()
        assert place.head()[0] >= safe
        assert not torn(dump(Node(place.record["port"]))[1])
        with mining_on(place):
            time.sleep(chance.uniform(0, 0.35))
            for _ in range(chance.randrange(3)):
                NodeFiles(place.folder).ring(b"s")
            safe = node_status(place.folder).saved_block
            place.kill(*chance.sample(["pid", "anvil"], 2 - number % 2))
    assert safe > 20


def test_a_kill_while_it_starts_changes_nothing(place: Place) -> None:
    chance = random.Random(6)
    place.start()
    place.mine()
    head = place.head()
    stop_node(place.folder)
    for _ in range(4):
        starter = subprocess.Popen(
            [sys.executable, "-c", STARTER, str(place.folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until_true(NodeFiles(place.folder).is_held)
        time.sleep(chance.uniform(0, 0.1))
        try:
            if place.record["pid"]:
                place.kill("pid")
        finally:
            starter.wait(timeout=60)
    place.start()
    assert place.head() == head


def test_a_dump_of_a_busy_chain_is_of_one_moment(place: Place) -> None:
    place.start()
    for _ in range(200):  # the more there is to write, the wider the gap that a block can fall into
        place.mine()
    node = Node(place.record["port"])
    with mining_on(place):
        until_true(lambda: torn(bytes.fromhex(node.rpc("anvil_dumpState")[2:])))
        taken = [dump(node)[1] for _ in range(15)]
    assert not any(map(torn, taken))


# ---------------------------------------------------------------------- two of them


def test_two_starters_at_once_make_one_node(place: Place) -> None:
    command = [sys.executable, "-c", STARTER, str(place.folder)]
    starters = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = [starter.communicate(timeout=60) for starter in starters]
    assert [starter.returncode for starter in starters] == [0] * 3, said
    assert {out.strip() for out, _ in said} == {str(node_status(place.folder).pid)}
    assert place.start().pid == place.record["pid"]


def test_who_starts_a_node_waits_for_the_registry_that_another_is_putting_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of two calls of the same bytes and number a node takes one and refuses the other, before either is in a block."""
    node = launch(free_port())
    others: list[threading.Timer] = []

    class Beaten(Node):
        def rpc(self, method: str, *params: object, **how: float) -> Any:
            if method != "eth_sendTransactionSync":
                return super().rpc(method, *params, **how)
            for other in others:
                other.start()
            raise ChainError("the local node refused eth_sendTransactionSync: transaction already imported")

    try:
        with monkeypatch.context() as patch:
            patch.setattr("memsync.chain.node.ANSWER_SECONDS", 0.2)
            with pytest.raises(ChainError, match="already imported"):
                Beaten(node.port).deploy()
        others.append(threading.Timer(0.3, node.deploy))
        Beaten(node.port).deploy()
        others[0].join(20)
    finally:
        node.stop()


def test_a_port_that_is_taken_is_named_and_another_can_be_chosen(place: Place, tmp_path: Path) -> None:
    port = free_port()
    other = Place(tmp_path / "other")
    assert place.start(port=port).url == f"http://127.0.0.1:{port}"
    with pytest.raises(ChainError, match=f"port {port} is taken by anvil.*--port"):
        other.start(port=port)
    stop_node(place.folder)
    assert is_free(port)
    stranger = launch(port)
    try:
        with pytest.raises(ChainError, match=f"port {port} is taken by anvil.*--port"):
            place.start()
        assert not node_status(place.folder).running
        assert node_status(place.folder).clean
        moved = free_port()
        assert place.start(port=moved).url == f"http://127.0.0.1:{moved}"
    finally:
        stranger.stop()
    stop_node(place.folder)
    assert place.start().url == f"http://127.0.0.1:{moved}"
    with pytest.raises(InputError, match="stop it first"):
        place.start(port=port)


def test_a_node_is_one_chain(place: Place) -> None:
    assert place.start(chain_id=1337).chain_id == 1337
    with pytest.raises(InputError, match="1337"):
        place.start()
    assert stop_node(place.folder).chain_id == 1337
    with pytest.raises(InputError, match="is chain 1337, not 31337"):
        place.start()
    assert int(place.start(chain_id=1337) and place.rpc("eth_chainId"), 16) == 1337


def test_an_own_node_is_known_by_its_address(place: Place) -> None:
    planned = node_status(place.folder)
    assert not planned.running and not is_own_node(place.folder, planned.url)
    url = place.start().url
    stop_node(place.folder)
    port = place.record["port"]
    assert is_own_node(place.folder, url)
    assert is_own_node(place.folder, f"http://localhost:{port}/")
    for strange in (
        f"http://example.org:{port}",
        f"http://127.0.0.1:{port + 1}",
        "ethereum:local:foundry",
        "http://[",
        "",
    ):
        assert not is_own_node(place.folder, strange)


def test_an_anvil_that_outlived_its_keeper_is_ended_and_a_stranger_is_not(place: Place) -> None:
    place.start()
    stop_node(place.folder)
    record = place.record
    stray, stranger = (
        subprocess.Popen([find_anvil(), "--silent", "--port", str(port), "--cache-path", str(cache)])
        for port, cache in (
            (record["port"], place.folder / "anvil"),
            (free_port(), place.folder.parent / "anvil"),
        )
    )
    try:
        for process, gone in ((stranger, False), (stray, True)):
            until_true(lambda: not is_free(record["port"]))
            (place.folder / "node").write_text(json.dumps(record | {"anvil": process.pid, "clean": False}))
            if gone:
                assert place.start().running
                until_true(lambda: stray.poll() is not None)
            else:
                with pytest.raises(ChainError, match="is taken by anvil"):
                    place.start()
                assert stranger.poll() is None
    finally:
        for process in (stray, stranger):
            process.kill()
            process.wait()


# ---------------------------------------------------------------------- what goes wrong


def test_a_damaged_chain_is_named_and_left_as_it_is(place: Place) -> None:
    place.start()
    place.mine()
    stop_node(place.folder)
    good = place.chain.read_bytes()
    middle = len(good) // 2
    flipped = good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :]
    renumbered = good.replace(b'"block": 2', b'"block": 3')
    for bad in (good[:-1], good[:50], flipped, renumbered, b"", good + b"\0"):
        assert bad != good
        place.chain.write_bytes(bad)
        with pytest.raises(StorageError, match=r"is damaged \(.*put a copy of it back, or move it away"):
            place.start()
        assert place.chain.read_bytes() == bad
        assert not NodeFiles(place.folder).is_held()
    place.chain.write_bytes(good)
    assert place.start().block == 2


def test_a_missing_anvil_is_named(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ChainError, match="no `anvil` on this machine"):
        place.start()
    assert not node_status(place.folder).running


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="needs Linux to fill a disk for one process")
def test_a_full_disk_is_told_and_overcome(place: Place, tmp_path: Path) -> None:
    with chained(place, tmp_path) as world:
        vault = world.vault(pushed=True)
        vault._replica._registry = SavedRegistry(world.registry.registry, place.folder, timeout=0.5)
        pid = place.record["pid"]
        safe = NodeFiles(place.folder).saved().block
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
        vault.remember("More than fits.")
        with pytest.raises(
            StorageError, match=r"mined in block \d+ and is not safe yet.*file too large.*make room"
        ):
            vault.push()
        found = node_status(place.folder)
        assert found.running and found.block > found.saved_block == safe
        assert "file too large" in found.trouble
        with pytest.raises(StorageError, match=r"can't be saved \(file too large\) and runs on"):
            stop_node(place.folder)
        place.mine()
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        vault.push()
        assert vault.status().waiting == 0
        assert node_status(place.folder).trouble == ""
        assert stop_node(place.folder).clean


def test_a_termination_saves_and_ends_clean(place: Place) -> None:
    pid = place.start().pid
    block = place.mine()
    os.kill(pid, signal.SIGTERM)
    until_true(lambda: not NodeFiles(place.folder).is_held())
    found = node_status(place.folder)
    assert (found.running, found.clean, found.saved_block) == (False, True, block)
    assert stop_node(place.folder) == found


def test_the_keeping_process_loads_nothing_heavy() -> None:
    code = "import memsync.chain.warden, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "memsync.chain.warden" in loaded
    assert not loaded & {"ape", "web3", "eth_abi", "cryptography", "coincurve", "apsw", "urllib.request"}
