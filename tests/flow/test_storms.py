"""Many devices at once, each a process of its own, on a real node: in the end all hold what was acknowledged, and nothing else."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import settings

from memsync.chain.ape import connect
from memsync.chain.node import LocalNode, local_node
from memsync.device.keystore_file import CHEAP_COST
from memsync.device.memories import Memories
from memsync.memory import Memory
from memsync.store.directory import DirectoryStore
from memsync.sync.wishes import RECORD
from memsync.vault import Vault
from tests.flow.actions import PASSPHRASE, World
from tests.flow.oracle import Oracle, held_by, until_nothing_changes
from tests.flow.storm import act, say_written

THOROUGH = settings.default.max_examples > 1000
DEVICES, OPERATIONS = (8, 200) if THOROUGH else (4, 25)
Attach = Callable[..., None]
STORM = Path(__file__).parent / "storm.py"


@pytest.fixture
def node() -> Iterator[LocalNode]:
    with local_node() as running:
        yield running


def joined(world: World, first: Vault, name: str) -> Vault:
    """Another device, without the words."""
    asked = {"passphrase": PASSPHRASE, "home": world.home(), "clock": world.clock}
    request = Vault.request(**asked, device=name, cost=CHEAP_COST)
    answer = first.add_device(request).answer
    vault = Vault.join(answer, **asked, store=world.store, registry=world.registry)
    world.open.append(vault)
    return vault


def family(world: World, devices: int) -> tuple[str, list[Vault]]:
    """The words of a vault with two scopes and something in each, and so many devices: half of them joined, half from the words."""
    first = world.vault()
    words = first.words
    first.add_scope("work")
    first.push()
    others = [
        joined(world, first, f"device {number}") if number % 2 else world.restored(words)
        for number in range(1, devices)
    ]
    return words, [first, *others]


def storm(world: World, node: LocalNode, vaults: list[Vault], operations: int, seed: int) -> Oracle:
    """Let each device loose in a process of its own, all at the same moment."""
    oracle, running = Oracle(), []
    for number, vault in enumerate(vaults):
        home, blocks = vault.paths.folder.parents[1], world.folder / "blocks"
        told = [home, blocks, node.url, f"TEST::{number + 1}", f"device {number}", seed + number, operations]
        running.append(
            subprocess.Popen(
                [sys.executable, str(STORM), *map(str, told)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=STORM.parents[2],
            )
        )
    try:
        assert [process.stdout.readline() for process in running] == ["ready\n"] * len(running)
        with ThreadPoolExecutor(len(running)) as pool:
            for process, (said, complaints) in zip(
                running, pool.map(lambda process: process.communicate("go\n"), running), strict=True
            ):
                assert process.returncode == 0, complaints[-3000:]
                oracle.hear(json.loads(line) for line in said.splitlines())
    finally:
        for process in running:
            process.kill()
            process.wait()
    return oracle


def in_conflict(vault: Vault) -> set[tuple[str, bytes]]:
    return {(scope, versions[0].id) for scope, versions in vault.conflicts()}


def test_devices_that_do_everything_at_once_come_to_hold_what_was_acknowledged(
    tmp_path: Path, node: LocalNode, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    with connect(node.url, payer="TEST::0") as registry:
        world = World(tmp_path, registry=registry, store=DirectoryStore(tmp_path / "blocks"))
        try:
            words, vaults = family(world, DEVICES)
            oracle = storm(world, node, vaults, OPERATIONS, seed)
            rest = until_nothing_changes(vaults)
            fresh = world.restored(words)
            losses = {vault.paths.folder: oracle.losses(vault) for vault in [*vaults, fresh]}
            with capsys.disabled():
                print(
                    f"\n{DEVICES} devices, seed {seed}: {oracle}, rounds to rest {rest}, versions that stand "
                    f"{len(oracle.wanted())}, forgotten {len(oracle.forgotten)}, losses {sum(map(len, losses.values()))}"
                )
            assert not any(losses.values()), losses
            assert oracle.counts["operations"] == DEVICES * OPERATIONS
            for vault in [*vaults, fresh]:
                assert vault.status().waiting == 0
                assert held_by(vault) == held_by(fresh)
                assert vault.scopes() == fresh.scopes()
                assert in_conflict(vault) == in_conflict(fresh)
                verified = vault.verify(deep=True)
                assert verified.ok, verified.findings
        finally:
            world.close()


def drops_a_merge(attach: Attach) -> Attach:
    """Holds the segments that come, and overlooks what is in them."""
    return lambda self, scope, segment, _: attach(self, scope, segment, [])


def overlooks_forgetting(attach: Attach) -> Attach:
    return lambda self, scope, segment, records: attach(
        self, scope, segment, [one for one in records if isinstance(one, Memory)]
    )


@pytest.mark.parametrize(
    ("broken", "shown"),
    [(None, []), (drops_a_merge, ["lost"]), (overlooks_forgetting, ["not to be there"])],
)
def test_the_oracle_notices_a_device_that_merges_otherwise(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    broken: Callable[[Attach], Attach] | None,
    shown: list[str],
) -> None:
    _, (first, second) = family(world, 2)
    oracle, said = Oracle(), []

    def say(*what: object) -> None:
        said.append(what)

    doomed = first.remember("To be forgotten.")
    say_written(say, "personal", doomed)
    until_nothing_changes([first, second])
    act(first, "remember", "New.", random.Random(1), say)
    first.forget(doomed)
    say("forgot", "personal", doomed.id.hex())
    first.push()
    say_written(say, "personal", second.edit(doomed, "Edited meanwhile."))
    if broken is not None:
        monkeypatch.setattr(Memories, "attach", broken(Memories.attach))
    second.pull()
    oracle.hear(said)
    assert oracle.losses(first) == []
    assert {one.partition(":")[0] for one in oracle.losses(second)} >= set(shown)
    assert bool(oracle.losses(second)) is bool(shown)


def test_the_oracle_notices_a_device_that_drops_what_it_wrote_when_it_loses_a_race(world: World) -> None:
    _, (first, second) = family(world, 2)
    oracle, said = Oracle(), []
    for vault in (first, second):
        act(vault, "remember", "A text.", random.Random(1), lambda *what: said.append(what))
    first.push()
    at = second._replica
    at.journal.remove([entry.ordinal for entry in at.journal.read(kind=RECORD)])
    until_nothing_changes([first, second])
    oracle.hear(said)
    assert [one.partition(":")[0] for one in oracle.losses(first)] == ["lost"]
