"""Who could learn what: every secret of a story by name, which follows from which, and everything sealed, with what it teaches.

For tests that ask what a party reaches from all bytes ever published. Nothing is computed from the names: ``secrets`` holds the real
bytes and each :class:`Sealed` its real key and ciphertext, so a claim of :meth:`Ledger.reach` can be tried by opening.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from memsync.crypto.sealing import Kind


@dataclass(frozen=True, slots=True)
class Sealed:
    """One sealed thing: a block, or an entry or slot within one.

    ``key`` names the secret that opens it: 32 bytes for ``seal_block``, or, if ``boxed``, the seed of a pair. ``teaches`` names the
    secrets in its plaintext.
    """

    name: str
    kind: Kind
    sequence: int
    key: str
    boxed: bool
    aad: bytes
    data: bytes
    teaches: tuple[str, ...] = ()


@dataclass(slots=True)
class Ledger:
    """``secrets`` by name; ``derived`` pairs (from all of these, to); ``sealed`` in order of publication; ``holds``: what each party
    began with."""

    secrets: dict[str, bytes] = field(default_factory=dict)
    derived: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    sealed: list[Sealed] = field(default_factory=list)
    holds: dict[str, set[str]] = field(default_factory=dict)

    def know(self, name: str, secret: bytes, *, of: str | tuple[str, ...] = ()) -> str:
        """Note a secret; ``of`` is the one, or all, that it is derived from."""
        assert self.secrets.setdefault(name, secret) == secret, f"two secrets named {name}"
        parents = (of,) if isinstance(of, str) else of
        if parents and (parents, name) not in self.derived:
            self.derived.append((parents, name))
        return name

    def give(self, party: str, *names: str) -> None:
        """Note that a party has secrets by other ways than blocks."""
        assert all(name in self.secrets for name in names)
        self.holds.setdefault(party, set()).update(names)

    def note(self, sealed: Sealed) -> None:
        assert sealed.key in self.secrets
        assert all(name in self.secrets for name in sealed.teaches)
        self.sealed.append(sealed)

    def reach(self, start: Iterable[str], *, until: int | None = None) -> set[str]:
        """Every secret that follows from those at ``start`` and all that was published (up to the push ``until``)."""
        known, before = set(start), -1
        while len(known) > before:
            before = len(known)
            known.update(child for parents, child in self.derived if known.issuperset(parents))
            for sealed in self.sealed:
                if sealed.key in known and (until is None or sealed.sequence <= until):
                    known.update(sealed.teaches)
        return known

    def opens(self, start: Iterable[str]) -> set[str]:
        """The names of all sealed things that can be opened from there."""
        known = self.reach(start)
        return {sealed.name for sealed in self.sealed if sealed.key in known}
