"""Two or three devices and a reader against a plain model, through lost calls, lost answers, full disks, power cuts, time and reorgs.

The model knows what was acknowledged: each version written and each id forgotten. In the end every device, a restored one and a reader
with history hold exactly that; on the way no device loses what it wrote or shows again what it forgot. Where blocks are final at
once, what was written after a reader's end is opened by none of the keys that it ever had.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from memsync.errors import (
    AccessError,
    CallRefused,
    ChainError,
    ChainReset,
    InputError,
    MemSyncError,
    StorageError,
)
from memsync.memory import Memory
from memsync.shared import SharedVault, Tool
from memsync.testing import LyingStore, MemoryStore
from memsync.vault import Vault
from tests.flow.actions import World, texts
from tests.flow.checks import keys_of_reader, texts_opened_by
from tests.flow.moody import Moody
from tests.flow.power import Power, PowerCut

DEPTH = 3
THOROUGH = settings.default.max_examples > 1000
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 the files of one example, on the fastest disk there is
FAULTS = st.sampled_from([None, None, None, "lose_call", "lose_answer", "disk", "chain", "store"])
WHICH = st.integers(0, 5)


class Life(RuleBasedStateMachine):
    confirmations = 0

    def __init__(self) -> None:
        super().__init__()
        self.home = tempfile.TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None)
        self.registry = Moody(confirmations=self.confirmations)
        self.store, self.power = LyingStore(MemoryStore()), Power()
        self.world = World(
            Path(self.home.name),
            self.power.over(self.registry, "chain"),
            self.power.over(self.store, "store"),
        )
        self.versions: dict[bytes, Memory] = {}
        self.forgotten: set[bytes] = set()
        self.number = 0
        self.devices: list[Vault] = []
        self.wrote: list[set[bytes]] = []
        self.forgot: list[set[bytes]] = []
        self.late: list = []
        self.reader: SharedVault | None = None
        self.over = True
        self.after: set[str] = set()
        self.stolen: list = []

    @initialize()
    def two_devices(self) -> None:
        first = self.world.vault()
        self.words = first.words
        first.push()
        self.devices = [first]
        self.wrote, self.forgot = [set()], [set()]
        self.another_device()

    # --- what people do

    @rule(which=WHICH, scope=WHICH)
    def remember(self, which: int, scope: int) -> None:
        vault, names = self.device(which), self.device(which).scopes()
        self.wrote_down(which, vault.remember(self.text(), scope=names[scope % len(names)]))

    @rule(which=WHICH, memory=WHICH)
    def edit(self, which: int, memory: int) -> None:
        if found := list(self.device(which).memories()):
            self.wrote_down(which, self.device(which).edit(found[memory % len(found)], self.text()))

    @rule(which=WHICH, memory=WHICH)
    def forget(self, which: int, memory: int) -> None:
        if found := list(self.device(which).memories()):
            gone = found[memory % len(found)].id
            self.device(which).forget(gone)
            self.forgotten.add(gone)
            self.forgot[which % len(self.devices)].add(gone)

    @rule(which=WHICH, name=st.sampled_from(["work", "home"]))
    def add_scope(self, which: int, name: str) -> None:
        with suppress(InputError):
            self.device(which).add_scope(name)

    @rule(which=WHICH, scope=WHICH, name=st.sampled_from(["work", "home", "hobby"]))
    def rename_scope(self, which: int, scope: int, name: str) -> None:
        names = self.device(which).scopes()
        with suppress(InputError):
            if names[scope % len(names)] != "personal":
                self.device(which).rename_scope(names[scope % len(names)], name)

    @rule(which=WHICH, fault=FAULTS, step=st.integers(1, 20))
    def push(self, which: int, fault: str | None, step: int) -> None:
        self.attempt(which, Vault.push, fault, step)

    @rule(which=WHICH, fault=FAULTS, step=st.integers(1, 20))
    def pull(self, which: int, fault: str | None, step: int) -> None:
        self.attempt(which, Vault.pull, fault, step)

    @precondition(lambda self: len(self.devices) < 3)
    @rule()
    def another_device(self) -> None:
        with suppress(ChainError, LookupError):
            self.devices.append(self.world.restored(self.words))
            self.wrote.append(set())
            self.forgot.append(set())

    @precondition(lambda self: self.over)
    @rule(which=WHICH, fault=FAULTS, step=st.integers(1, 20), from_now=st.booleans())
    def grant(self, which: int, fault: str | None, step: int, *, from_now: bool) -> None:
        tool, made = Tool.generate(), []

        def give(vault: Vault) -> None:
            made.append(self.world.granted(vault, tool, until="2h", from_now=from_now)[1])

        self.attempt(which, give, fault, step)
        if made:
            self.reader = self.world.accepted(tool, made[0])
            self.over, self.after, self.stolen = False, set(), []

    @precondition(lambda self: self.reader is not None)
    @rule()
    def read(self) -> None:
        with suppress(AccessError):
            self.reader.pull()
            self.stolen = keys_of_reader(self.reader)

    @precondition(lambda self: not self.over)
    @rule(which=WHICH, fault=FAULTS, step=st.integers(1, 20), emergency=st.booleans())
    def revoke(self, which: int, fault: str | None, step: int, *, emergency: bool) -> None:
        self.read()
        ended = []

        def end(vault: Vault) -> None:
            vault.revoke(self.reader._grant, emergency=emergency)
            ended.append(True)

        with suppress(LookupError):
            self.attempt(which, end, fault, step)
        self.over = bool(ended)

    @rule(hours=st.integers(1, 3))
    def time_passes(self, hours: int) -> None:
        if self.reader is not None:
            self.read()
        self.registry.now += hours * 3600
        self.over = self.over or self.reader is None or self.registry.now >= self.reader.until

    @precondition(lambda self: self.late)
    @rule()
    def a_lost_call_lands(self) -> None:
        with suppress(CallRefused):
            self.registry.send(self.late.pop())

    # --- what holds all the time

    @invariant()
    def nothing_forgotten_comes_back(self) -> None:
        for vault, gone in zip(self.devices, self.forgot, strict=True):
            assert not gone & {memory.id for memory in vault.memories()}

    @invariant()
    def nobody_loses_what_they_wrote(self) -> None:
        for vault, mine in zip(self.devices, self.wrote, strict=True):
            assert mine - self.forgotten <= {memory.id for memory in vault.memories()}

    def teardown(self) -> None:
        try:
            self.check()
        finally:
            self.world.close()
            self.home.cleanup()

    def check(self) -> None:
        for vault in [*self.devices * 2, *self.devices]:
            with suppress(ChainReset):
                vault.push()
        for vault in self.devices * 2:
            vault.push()
        self.registry.mine(DEPTH)
        for vault in self.devices:
            vault.pull()
        replaced = {old for memory in self.versions.values() for old in memory.replaces}
        wanted = {
            memory.text
            for memory in self.versions.values()
            if memory.id not in self.forgotten and memory.version not in replaced
        }
        if not self.devices:
            return
        fresh = self.world.restored(self.words)
        for vault in [*self.devices, fresh]:
            assert texts(vault) == wanted
            assert vault.scopes() == fresh.scopes()
            assert vault.status().waiting == 0
            for name in vault.scopes():
                found = {memory.text for memory in vault.memories(scope=name)}
                assert found == {memory.text for memory in fresh.memories(scope=name)}
        height = self.registry.snapshot(bytes(32)).block.number
        for vault in self.devices:
            assert vault.push().sequence == 0
        assert self.registry.snapshot(bytes(32)).block.number == height
        assert self.world.restored_texts(fresh) == {one.text for one in fresh.memories(scope="personal")}
        assert len({grant.name for grant in fresh.grants()}) == len(fresh.grants()), "each was asked for once"
        self.check_reader(fresh)

    def check_reader(self, vault: Vault) -> None:
        if not self.over or self.confirmations:
            return
        assert not texts_opened_by(self.stolen, vault) & self.after
        if self.reader is not None and self.registry.now < self.reader.until:
            assert not texts(self.reader) & self.after

    # --- below the rules

    def device(self, which: int) -> Vault:
        return self.devices[which % len(self.devices)]

    def text(self) -> str:
        self.number += 1
        return f"text {self.number}"

    def wrote_down(self, which: int, memory: Memory) -> None:
        self.versions[memory.version] = memory
        self.wrote[which % len(self.devices)].add(memory.id)
        if self.over:
            self.after.add(memory.text)

    def attempt(self, which: int, act: object, fault: str | None, step: int) -> None:
        """Do it with a fault on the way. Whatever is raised must be the fault's, and the device goes on."""
        which %= len(self.devices)
        if fault in ("chain", "store"):
            self.power.cut(fault, step)
        elif fault == "disk":
            self.store.fail(StorageError("full"))
        elif fault is not None:
            setattr(self.registry, fault, True)
        try:
            act(self.devices[which])
        except PowerCut:
            self.devices[which] = self.world.reopened(self.devices[which])
        except (ChainError, StorageError) as error:
            # An undone opening, which the first device will repeat, is nobody's fault.
            undone = isinstance(error, ChainReset) or "UnknownVault" in str(error)
            if fault is None and not (undone and self.confirmations):
                raise
        finally:
            self.power.spare()
            self.store.fail(None)
            if self.registry.lose_call and hasattr(self.registry, "sent"):
                self.late.append(self.registry.sent)
            self.registry.lose_call = self.registry.lose_answer = False


class LifeOnASlowChain(Life):
    """Blocks are final three later, and are undone meanwhile; what was in them is mined again or not."""

    confirmations = DEPTH

    @rule(blocks=st.integers(1, DEPTH), again=st.integers(0, DEPTH))
    def undone(self, blocks: int, again: int) -> None:
        self.late.clear()
        for call in self.registry.undo(min(blocks, len(self.registry._past)))[:again]:
            with suppress(MemSyncError):
                self.registry.send(call)

    @rule(which=WHICH, rival=WHICH, scope=WHICH)
    def pushed_undone_and_overtaken(self, which: int, rival: int, scope: int) -> None:
        """What one device pushes is undone, and another's push takes its place."""
        self.remember(which, scope)
        self.push(which, None, 1)
        if self.registry._past:
            self.undone(1, 0)
        self.remember(rival, scope)
        self.push(rival, None, 1)

    @rule()
    def blocks_pass(self) -> None:
        self.late.clear()
        self.registry.mine()


_settings = settings(
    max_examples=300 if THOROUGH else 40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestLife, TestLifeOnASlowChain = Life.TestCase, LifeOnASlowChain.TestCase
TestLife.settings = TestLifeOnASlowChain.settings = _settings
