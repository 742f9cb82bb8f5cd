"""The power is cut at every step: each call of the store and of the chain, before and after, and statements of the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings

from memsync.device.database import Database
from memsync.shared import Tool
from memsync.testing import MemoryRegistry, MemoryStore
from memsync.vault import Vault
from tests.flow.actions import World, texts
from tests.flow.checks import all_segments, keys_of_reader, opened_by
from tests.flow.power import Power, PowerCut


@pytest.fixture
def power(monkeypatch: pytest.MonkeyPatch) -> Power:
    power = Power()
    for name in ("run", "run_many"):
        plain = getattr(Database, name)

        def counted(self: Database, *args: object, _plain: Callable = plain) -> object:
            power.step("database")
            return _plain(self, *args)

        monkeypatch.setattr(Database, name, counted)
    return power


class Story:
    """What a person does, each act so that it can be begun again by somebody who doesn't know how far it came."""

    def __init__(self, folder: Path, power: Power) -> None:
        registry, store = MemoryRegistry(), MemoryStore()
        self.world = World(folder, power.over(registry, "chain"), power.over(store, "store"))
        self.outside = World(folder / "outside", registry, store)
        self.vault = self.world.vault()
        self.words = self.vault.words
        self.tool = Tool.generate()
        self.stolen: list = []
        self.before: set[str] = set()

    def acts(self) -> Iterator[Callable[[Vault], object]]:
        yield self.write("First.")
        yield Vault.push
        yield self.write("To be forgotten.")
        yield self.grant
        yield self.write("Second.")
        yield Vault.push
        yield self.propose
        yield Vault.collect
        yield self.accept
        yield Vault.push
        yield self.read
        yield self.forget
        yield Vault.push
        yield self.look
        yield self.revoke
        yield self.write("After the end.")
        yield Vault.push

    def write(self, text: str) -> Callable[[Vault], object]:
        return lambda vault: text in texts(vault) or vault.remember(text)

    def grant(self, vault: Vault) -> None:
        vault.push()
        if not vault.grants():
            vault.grant(self.tool.card("tool", now=0), scope="personal", can="read+write")

    def propose(self, vault: Vault) -> None:
        (grant,) = vault.grants()
        self.shared = self.outside.accepted(self.tool, grant)
        self.shared.propose("Proposed.")

    def accept(self, vault: Vault) -> None:
        for proposal in vault.review():
            vault.accept(proposal)

    def read(self, vault: Vault) -> None:
        self.shared.pull()

    def forget(self, vault: Vault) -> None:
        for memory in vault.memories():
            if memory.text == "To be forgotten.":
                vault.forget(memory)

    def look(self, vault: Vault) -> None:
        self.shared.pull()
        self.stolen, self.before = keys_of_reader(self.shared), all_segments(vault)

    def revoke(self, vault: Vault) -> None:
        vault.push()
        for grant in vault.grants():
            vault.revoke(grant)

    def play(self) -> None:
        for act in self.acts():
            with suppress(PowerCut):
                act(self.vault)
                continue
            self.vault = self.world.reopened(self.vault)
            act(self.vault)

    def check(self) -> None:
        wanted = {"First.", "Second.", "Proposed.", "After the end."}
        assert texts(self.vault) == wanted
        assert self.vault.status().waiting == 0
        assert self.vault.grants() == []
        assert texts(self.outside.restored(self.words)) == wanted
        assert self.outside.restored_texts(self.vault) == wanted
        assert opened_by(self.stolen, self.vault) <= self.before
        assert all_segments(self.vault) - self.before
        assert texts(self.shared) == wanted - {"After the end."}
        assert not [
            memory for memory in self.vault.memories() if memory.text == "Proposed." and not memory.proof
        ]

    def close(self) -> None:
        self.world.close()
        self.outside.close()


@pytest.mark.parametrize(("kind", "stride"), [("chain", 1), ("store", 1), ("database", 20)])
def test_a_cut_at_any_step_loses_nothing_and_repeats_nothing(
    tmp_path: Path, power: Power, kind: str, stride: int
) -> None:
    """A few steps of each kind, chosen anew each day that the story changes; `make torture` cuts at each that ``stride`` meets."""
    whole = Story(tmp_path / "whole", power)
    power.cut(kind, -1)
    whole.play()
    steps = power.spare()
    whole.check()
    whole.close()
    if settings.default.max_examples <= 100:
        stride = steps // 8
    met, cuts = 0, range(1 + steps % stride, steps, stride)
    for cut in cuts:
        story = Story(tmp_path / str(cut), power)
        power.cut(kind, cut)
        story.play()
        met += power.spare() == cut
        story.check()
        story.close()
    assert met >= len(cuts) - 2, "the last steps are not always needed"
