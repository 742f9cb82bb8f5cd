"""The disk fails at every step of what a person does, in every way: nothing acknowledged is lost, nothing half-done is seen, and the same
command completes."""

from __future__ import annotations

import itertools
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings

from memsync.errors import MemSyncError
from tests.flow.crashes import ACTS, Scene, begin, do, held, shared_view, view, waits
from tests.flow.disk import CUT, KINDS, TORN, Disk
from tests.flow.power import PowerCut
from tests.shell import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="SQLite's system calls are Linux's here")

THOROUGH = settings.default.max_examples > 1000
SAMPLE = 8  # steps of each kind of failure, where not all are tried
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 the files of one try, on the fastest disk there is


ALONE = """
import sys, types
sys.modules["tests"] = types.ModuleType("tests")  # another distribution has a package of this name
sys.modules["tests"].__path__ = [sys.argv[1] + "/tests"]
from tests.flow.crashes import main
main(*sys.argv[2:])
"""


@dataclass
class Tally:
    """How it went."""

    steps: int = 0
    killed: int = 0
    lost: list[str] = field(default_factory=list)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY if SHARED_MEMORY.is_dir() else None) as made:
        yield Path(made)


@pytest.fixture
def disk() -> Iterator[Disk]:
    made = Disk()
    with made.under_everything():
        yield made


class Trial:
    """One act, undisturbed once, and then with a failure at a chosen step in copies of the same folder."""

    def __init__(self, act: str, folder: Path, disk: Disk) -> None:
        self.act, self.folder, self.disk = act, folder, disk
        self.tries = itertools.count()
        self.origin = Scene(folder / "origin", disk)
        begin(self.origin, act)
        self.before = view(self.fresh())
        whole = self.fresh()
        disk.arm(CUT, -1)
        do(whole, act)
        self.steps_of = {CUT: disk.heal()}
        self.blocks, self.waits = held(whole), waits(whole)
        self.after = view(whole)
        self.shared = None if act == "init" else shared_view(whole)

    def fresh(self) -> Scene:
        return self.origin.copy(self.folder / str(next(self.tries)))

    def fail(self, kind: str, step: int) -> tuple[bool, str]:
        """Whether the step was met, and what is wrong afterwards."""
        scene = self.fresh()
        self.disk.arm(kind, step)
        raised: BaseException | None = None
        try:
            do(scene, self.act)
        except (PowerCut, Exception) as error:  # noqa: BLE001 whatever it is, it is looked at
            raised = error
        self.disk.heal()
        met = self.disk.met
        if kind not in (CUT, TORN) and not isinstance(raised, MemSyncError | None):
            return met, f"{raised!r} instead of an error that says what to do"
        done = raised is None
        del raised  # and with it what holds the vault open
        found = self.check(scene, done=done)
        shutil.rmtree(scene.folder)
        return met, found

    def check(self, scene: Scene, *, done: bool) -> str:
        """What is wrong after a restart, and after the same command again."""
        seen = view(Scene(scene.folder, self.disk))
        if seen not in ((self.after,) if done else (self.before, self.after)):
            return f"after the restart {seen}"
        again = Scene(scene.folder, self.disk)
        do(again, self.act)
        if (left := waits(again)) != self.waits:
            return f"after the same again {left} wait"
        if self.act == "gc" and held(again) != self.blocks:
            return f"after the same again there are {held(again)} blocks"
        if (seen := view(again)) != self.after:
            return f"after the same again {seen}"
        if self.shared is not None and (new := shared_view(again)) != self.shared:
            return f"a new device has {new}"
        return ""


def steps(trial: Trial, kind: str) -> Iterator[int]:
    """All steps, or a sample that differs from kind to kind and act to act."""
    most = trial.steps_of[CUT]
    stride = 1 if THOROUGH else max(1, most // SAMPLE)
    yield from range(1 + (most + len(kind) * 7) % stride, most + 1, stride)


@pytest.mark.parametrize(
    "act", [act for act in ACTS if THOROUGH or act != "vault"]
)  # that one has the most steps
def test_a_disk_that_fails_at_any_step_loses_nothing(
    act: str, folder: Path, disk: Disk, capsys: pytest.CaptureFixture[str]
) -> None:
    trial, tally = Trial(act, folder, disk), Tally()
    assert trial.after is not None
    assert trial.after.wrong == ()
    for kind in KINDS:
        for step in steps(trial, kind):
            met, wrong = trial.fail(kind, step)
            tally.steps += 1
            tally.killed += met
            if wrong:
                tally.lost.append(f"{kind} at step {step}: {wrong}")
    with capsys.disabled():
        print(f"\n{act}: steps {tally.steps}, killed {tally.killed}, lost {len(tally.lost)}")
    assert not tally.lost
    assert tally.killed > tally.steps // 2


@pytest.mark.parametrize("act", ACTS)
def test_a_process_that_is_killed_loses_nothing(act: str, folder: Path) -> None:
    """Killed by the system, in a process of its own, at a few steps."""
    disk = Disk()
    with disk.under_everything():
        trial = Trial(act, folder, disk)
    most = trial.steps_of[CUT]
    for step in range(1, most, 1 + most // 10) if THOROUGH else (most // 2,):
        scene = trial.fresh()
        ended = subprocess.run(
            [sys.executable, "-c", ALONE, str(ROOT), str(scene.folder), act, str(step)],
            check=False,
            capture_output=True,
        )
        assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
        assert trial.check(scene, done=False) == ""
