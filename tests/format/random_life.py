"""Lives made up at random by a seed: whatever people do with a vault, in any order, on two devices, with races and lost calls.

For what no told story thought of. What was done stands in ``deeds`` of the result, so that a breach can be told again.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from memsync.errors import ChainUnreachable
from memsync.vault import Grant
from tests.format.real_life import Biography

DEEDS = (
    "remember remember remember_elsewhere push push_elsewhere grant grant revoke revoke_in_an_emergency expire revoke_all "
    "forget edit propose race lose_a_call"
).split()


@dataclass
class Made:
    """A life while it is lived; its deeds take the world that it happens in."""

    seed: int
    deeds: list[str] = field(default_factory=list)
    live: dict[str, Grant] = field(default_factory=dict)
    _texts: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    def __call__(self, world: Biography) -> None:
        world.mine.add_scope("work")
        for _ in range(2):
            self.remember(world)
        world.mine.push()
        self.other = world.restored(world.words)
        for _ in range(self.chance.randint(12, 24)):
            self.deeds.append(self.chance.choice(DEEDS))
            deed: Callable[[Biography], None] = getattr(self, self.deeds[-1])
            deed(world)
        self.remember(world)
        world.mine.push()

    @property
    def scope(self) -> str:
        return self.chance.choice(["personal", "work"])

    @property
    def text(self) -> str:
        self._texts += 1
        return f"Text {self._texts} of life {self.seed}."

    def remember(self, world: Biography) -> None:
        world.mine.remember(self.text, scope=self.scope)

    def remember_elsewhere(self, _: Biography) -> None:
        self.other.pull()
        self.other.remember(self.text, scope=self.scope)

    def push(self, world: Biography) -> None:
        world.mine.push()

    def push_elsewhere(self, _: Biography) -> None:
        self.other.push()

    def forget(self, world: Biography) -> None:
        if memories := sorted(world.mine.memories(), key=lambda one: one.text):
            world.mine.forget(self.chance.choice(memories))

    def edit(self, world: Biography) -> None:
        if memories := sorted(world.mine.memories(), key=lambda one: one.text):
            world.mine.edit(self.chance.choice(memories), self.text)

    def grant(self, world: Biography) -> None:
        name = f"Tool number {len(world.names)}"
        can = self.chance.choice(["read", "read", "read+write", "write"])
        from_now = can != "write" and self.chance.random() < 0.5
        until = self.chance.choice(["30d", "2h"])
        self.live[name] = world.share(name, self.scope, can=can, from_now=from_now, until=until)

    def revoke(self, world: Biography) -> None:
        if grant := self._some():
            world.mine.revoke(grant)
            world.end(grant)

    def revoke_in_an_emergency(self, world: Biography) -> None:
        if grant := self._some():
            world.mine.revoke(grant, emergency=True)
            self._push_and_end(world, grant)

    def expire(self, world: Biography) -> None:
        world.pass_time(3 * 3600)
        over = [name for name, grant in self.live.items() if grant.end <= world.now()]
        self._push_and_end(world, *(self.live.pop(name) for name in over))

    def revoke_all(self, world: Biography) -> None:
        world.revoke_all(world.mine)
        self._push_and_end(world, *self.live.values())
        self.live.clear()

    def propose(self, world: Biography) -> None:
        writers = [name for name, grant in self.live.items() if "write" in grant.can]
        if writers:
            name = self.chance.choice(writers)
            world.taken(name, self.live[name]).propose(self.text)
            world.mine.collect()
            for proposal in world.mine.review():
                world.mine.accept(proposal)

    def race(self, world: Biography) -> None:
        self.other.remember(self.text, scope=self.scope)
        self.remember(world)
        world.witness.rival = self.other.push
        world.mine.push()

    def lose_a_call(self, world: Biography) -> None:
        def lost() -> None:
            raise ChainUnreachable("lost on the way there")

        self.remember(world)
        world.witness.rival = lost
        try:
            world.mine.push()
        except ChainUnreachable:
            world.mine.push()

    def _some(self) -> Grant | None:
        return self.live.pop(self.chance.choice(sorted(self.live))) if self.live else None

    def _push_and_end(self, world: Biography, *grants: Grant) -> None:
        self.remember(world)
        world.mine.push()
        for grant in grants:
            world.end(grant)
