"""What a vault must hold in the end, told from what its devices acknowledged and nothing else.

In go the lines that devices said, in any order; out comes the set of versions that stand, by the rule of the vault's format and no code of
the library: all versions are kept; one that another replaces is over; two that replace the same one both stand; who was forgotten in a
scope is gone from it with all versions, those that somebody wrote at the same time too, for ever. A move ends a memory in one scope and
writes it in the other, under an id that follows from the old one; what is forgotten is gone wherever somebody moved it meanwhile.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from memsync.vault import Vault

Named = tuple[str, str]
"""A scope, and a memory's id in it as hex."""


class Version(NamedTuple):
    """A version of a memory that stands; ids as hex."""

    scope: str
    memory: str
    version: str
    text: str


@dataclass
class Oracle:
    """What was acknowledged by all."""

    written: dict[Version, list[str]] = field(default_factory=dict)
    forgotten: set[Named] = field(default_factory=set)
    moved: dict[Named, set[Named]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def hear(self, lines: Iterable[list]) -> None:
        """Take in what a device said."""
        for what, *rest in lines:
            if what == "wrote":
                *version, replaces = rest
                self.written[Version(*version)] = replaces
            elif what == "forgot":
                self.forgotten.add(tuple(rest))
            elif what == "moved":
                self.moved.setdefault(tuple(rest[:2]), set()).add(tuple(rest[2:]))
            elif what == "pushed":
                sequence, rounds = rest
                self.counts["pushes"] += bool(sequence)
                self.counts["lost races"] += rounds - 1
            elif what == "beaten":
                self.counts["gave up"] += 1
            elif what == "did":
                self.counts["operations"] += 1

    def wanted(self) -> set[Version]:
        """What stands."""
        replaced = {
            (one.scope, one.memory, old) for one, replaces in self.written.items() for old in replaces
        }
        gone = {*self.gone(), *self.moved}
        return {
            one
            for one in self.written
            if one[:2] not in gone and (one.scope, one.memory, one.version) not in replaced
        }

    def gone(self) -> set[Named]:
        """What was forgotten, and all that it was moved to."""
        gone, todo = set(self.forgotten), list(self.forgotten)
        while todo:
            new = self.moved.get(todo.pop(), set()) - gone
            gone |= new
            todo += new
        return gone

    def doubtful(self) -> set[Named]:
        """Copies of what was moved to two scopes at once and forgotten in one: whether in both hangs on who heard of what first."""
        gone = self.gone()
        found = {one for to in self.moved.values() if to & gone for one in to - gone}
        todo = list(found)
        while todo:
            new = self.moved.get(todo.pop(), set()) - found
            found |= new
            todo += new
        return found

    def losses(self, vault: Vault) -> list[str]:
        """What is otherwise in a vault, a line for each version."""
        doubtful = self.doubtful()
        held, wanted = (
            {one for one in some if one[:2] not in doubtful} for some in (held_by(vault), self.wanted())
        )
        return [f"lost: {one}" for one in sorted(wanted - held)] + [
            f"not to be there: {one}" for one in sorted(held - wanted)
        ]

    def __str__(self) -> str:
        return ", ".join(f"{name} {count}" for name, count in self.counts.items())


def held_by(vault: Vault) -> set[Version]:
    """Every version that stands in a vault, as this device shows it."""
    return {
        Version(scope, one.id.hex(), one.version.hex(), one.text)
        for scope in vault.scopes()
        for one in vault.memories(scope=scope)
    }


def until_nothing_changes(vaults: Iterable[Vault]) -> int:
    """Have all push and pull until a whole round changed nothing; returns how many rounds that took."""
    vaults, rounds = list(vaults), 0
    while True:
        rounds += 1
        assert rounds < 10, "they never come to rest"
        pushed = [vault.push().sequence for vault in vaults]
        pulled = [vault.pull().changed for vault in vaults]
        if not any(pushed) and not any(pulled):
            return rounds
