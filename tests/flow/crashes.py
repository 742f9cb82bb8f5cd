"""What a person does while the disk fails, each act in a folder of its own that can be copied: home, blocks and chain.

``main`` does an act in a process of its own, which the system kills at a step.
"""

from __future__ import annotations

import json
import pickle
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from memsync.device.keystore_file import CHEAP_COST
from memsync.errors import InputError, NotFoundError
from memsync.shared import Tool
from memsync.store.directory import DirectoryStore
from memsync.sync.garbage import GRACE_SECONDS
from memsync.testing import MemoryRegistry
from memsync.vault import ListedVault, Vault
from tests.flow.actions import PASSPHRASE, texts
from tests.flow.checks import segments_of
from tests.flow.disk import CUT, Disk

TOOL = Tool.generate()


class Chain(MemoryRegistry):
    """A registry that goes into a file."""

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__ |= MemoryRegistry().__dict__ | state


class Wired:
    """The chain of a folder, each call a step of the disk before and after; what it took in stays, whatever becomes of who sent it."""

    def __init__(self, chain: Chain, file: Path, disk: Disk) -> None:
        self._chain, self._file, self._disk = chain, file, disk

    def __getattr__(self, name: str) -> object:
        found = getattr(self._chain, name)
        if not callable(found):
            return found

        def call(*args: object, **named: object) -> object:
            beside = self._disk.kind == CUT
            if beside:
                self._disk.step()
            result = found(*args, **named)
            if name == "send":
                with self._file.open("wb") as file:
                    pickle.dump(self._chain, file)
                if beside:
                    self._disk.step()
            return result

        return call


@dataclass
class Scene:
    """One folder, and the disk below it."""

    folder: Path
    disk: Disk

    @cached_property
    def chain(self) -> Chain:
        file = self.folder / "chain"
        return pickle.loads(file.read_bytes()) if file.exists() else Chain()  # noqa: S301 our own

    def keep(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "chain").write_bytes(pickle.dumps(self.chain))

    def around(self, device: str) -> dict:
        return {
            "home": self.folder / device,
            "store": DirectoryStore(self.folder / "blocks"),
            "registry": Wired(self.chain, self.folder / "chain", self.disk),
            "clock": lambda: float(self.chain.now),
        }

    def create(self) -> Vault:
        return Vault.create(passphrase=PASSPHRASE, cost=CHEAP_COST, **self.around("home"))

    def open(self, device: str = "home") -> Vault:
        return Vault.open(passphrase=PASSPHRASE, **self.around(device))

    def restored(self, device: str = "other") -> Vault:
        words = (self.folder / "words").read_text()
        return Vault.restore(words, passphrase=PASSPHRASE, cost=CHEAP_COST, **self.around(device))

    def further(self, vault: Vault, listed: ListedVault, *, make: bool) -> Vault:
        """A further vault of the same words, on the device of this one."""
        return vault.bring_vault(
            listed,
            (self.folder / "words").read_text(),
            passphrase=PASSPHRASE,
            cost=CHEAP_COST,
            make=make,
            store=DirectoryStore(self.folder / "blocks"),
        )

    def copy(self, to: Path) -> Scene:
        shutil.copytree(self.folder, to)
        return Scene(to, self.disk)


@dataclass(frozen=True)
class Act:
    """``prepare`` brings a pushed vault to where the act begins; ``do`` can be begun again by who doesn't know how far it came."""

    prepare: Callable[[Scene, Vault], object]
    do: Callable[[Scene, Vault], object]


def begin(scene: Scene, act: str) -> None:
    """A folder in which the act can be done."""
    scene.keep()
    if act == "init":
        return
    with scene.create() as vault:
        (scene.folder / "words").write_text(vault.words)
        vault.remember("First.")
        vault.remember("To be forgotten.")
        vault.push()
        ACTS[act].prepare(scene, vault)
    scene.keep()


def do(scene: Scene, act: str) -> None:
    """Do the act, from the opening of the vault to its closing."""
    if act == "init":
        with suppress(InputError):  # it was there already
            scene.create().close()
        return
    vault = scene.open()
    try:
        ACTS[act].do(scene, vault)
    finally:
        vault.close()


@dataclass(frozen=True)
class View:
    """What can be seen of a vault: its memories, scopes, grants and list of further vaults, and what is wrong with it."""

    texts: frozenset[str]
    scopes: tuple[str, ...]
    grants: tuple[str, ...]
    listed: tuple[str, ...]
    wrong: tuple[str, ...]


def view(scene: Scene) -> View | None:
    """The vault as it can be seen when it is opened; None if it is not there."""
    try:
        vault = scene.open()
    except NotFoundError:
        return None
    with vault:
        seen, verified = frozenset(texts(vault)), vault.verify(deep=True)
        wrong = tuple(one.what for one in verified.findings if one.wrong)
        grants = () if vault.status().vault is None else tuple(one.name for one in vault.grants())
        listed = tuple(one.name for one in vault.vaults() if one.listed)
        return View(seen, vault.scopes(), grants, listed, wrong)


def waits(scene: Scene) -> int:
    """How much waits for a push."""
    with scene.open() as vault:
        return vault.status().waiting


def held(scene: Scene) -> int:
    """How many blocks there are."""
    return sum(1 for _ in DirectoryStore(scene.folder / "blocks").iter())


def shared_view(scene: Scene) -> frozenset[str]:
    """What a new device finds, from words, chain and blocks alone."""
    with scene.restored("new") as vault:
        found = texts(vault)
        for listed in vault.vaults():
            with scene.further(vault, listed, make=False) as other:
                found |= texts(other)
        return frozenset(found)


# ---------------------------------------------------------------------- the acts


def _write(vault: Vault, text: str) -> None:
    if text not in texts(vault):
        vault.remember(text)


def _two_wait(_: Scene, vault: Vault) -> None:
    vault.remember("Second.")
    vault.remember("Third.")


def _file_lies_ready(scene: Scene, _: Vault) -> None:
    lines = [json.dumps({"text": f"Brought along, number {number}."}) for number in range(5)]
    (scene.folder / "brought.jsonl").write_text("\n".join(lines) + "\n")


def _another_pushed(scene: Scene, _: Vault) -> None:
    with scene.restored() as other:
        other.remember("By another device.")
        other.push()


def _forget(_: Scene, vault: Vault) -> None:
    for memory in vault.memories():
        if memory.text == "To be forgotten.":
            vault.forget(memory)
    vault.push()


def _grant(_: Scene, vault: Vault) -> None:
    vault.push()
    if not vault.grants():
        vault.grant(TOOL.card("tool", now=0), scope="personal")


def _revoke(_: Scene, vault: Vault) -> None:
    vault.push()
    for grant in vault.grants():
        vault.revoke(grant)


def _almost_enough(_: Scene, vault: Vault) -> None:
    chance, number = random.Random(3), 0
    while sum(len(data) for _, data in segments_of(vault)) < 32_768:
        vault.remember(f"{number} {chance.randbytes(2500).hex()}")
        vault.push()
        number += 1


def _one_more(_: Scene, vault: Vault) -> None:
    _write(vault, f"One more: {random.Random(4).randbytes(2500).hex()}")
    vault.push()


def _waste(scene: Scene, vault: Vault) -> None:
    for number in range(4):
        vault.remember(f"text {number}")
        vault.push()
    scene.chain.now += GRACE_SECONDS + 1


def _further(scene: Scene, vault: Vault) -> None:
    listed = vault.list_vault("company", (scene.folder / "words").read_text())
    with scene.further(vault, listed, make=True) as company:
        _write(company, "In the company's.")
        company.push()


def _nothing(_: Scene, __: Vault) -> None:
    pass


ACTS = {
    "init": Act(_nothing, _nothing),
    "import": Act(
        _file_lies_ready,
        lambda scene, vault: vault.import_file(scene.folder / "brought.jsonl", "jsonl"),
    ),
    "push": Act(_two_wait, lambda _, vault: vault.push()),
    "pull": Act(_another_pushed, lambda _, vault: vault.pull()),
    "forget": Act(_nothing, _forget),
    "grant": Act(_nothing, _grant),
    "revoke": Act(_grant, _revoke),
    "merge": Act(_almost_enough, _one_more),
    "gc": Act(_waste, lambda _, vault: vault.gc(keep=1)),
    "vault": Act(_nothing, _further),
}


def main(folder: str, act: str, step: str) -> None:
    """Do the act in the folder, to the step and no further."""
    disk = Disk(kill=True)
    with disk.under_everything():
        disk.arm(CUT, int(step))
        do(Scene(Path(folder), disk), act)
