"""The list of a person's further vaults, in the owner block of vault 0: what changes it, and how this device remembers it.

A row is a vault's number i, its id and its name. Who was first to list a number named it; a name that is taken gets a number behind
it; a number that was taken off the list is never listed again, on whatever device, for a vault stands on the chain under it. In go a list
and a wish about it, out comes the next list.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from memsync.format.fields import as_bytes, as_list, as_uint
from memsync.format.names import read_name
from memsync.format.owner import OtherVault, Owner
from memsync.ipld.dagcbor import Encodable, Value, decode, encode
from memsync.sync.replica import VAULTS, Replica

UNLISTED = "unlisted"
"""The owner's setting with the numbers that were taken off the list."""
_LONGEST = 63  # of a name that can be a folder's


@dataclass(frozen=True, slots=True)
class VaultWish:
    """What is wanted of one number: listed with ``id`` (32 bytes) and ``name``; called ``name``, without an id; taken off, with neither."""

    number: int
    id: bytes | None = None
    name: str | None = None

    def to_value(self) -> list[Encodable]:
        """As it stands in the journal."""
        return [self.number, self.id, self.name]

    @classmethod
    def from_value(cls, value: Value, *, what: str) -> VaultWish:
        """Back; ``FormatError(what, …)`` for anything else."""
        number, vault, name = as_list(value, 3, what=what, name="a vault")
        return cls(
            as_uint(number, 32, what=what, name="i"),
            None if vault is None else as_bytes(vault, 32, what=what, name="a vault's id"),
            None if name is None else read_name(name, what=what),
        )


@dataclass(frozen=True, slots=True)
class VaultList:
    """The further vaults, by number, and the numbers that were taken off."""

    rows: tuple[OtherVault, ...] = ()
    unlisted: frozenset[int] = field(default_factory=frozenset)

    @classmethod
    def of(cls, owner: Owner) -> VaultList:
        """That of an owner block."""
        numbers = as_list(decode(encode(owner.settings.get(UNLISTED, []))), what="owner", name="unlisted")
        return cls(owner.vaults, frozenset(as_uint(one, 32, what="owner", name="i") for one in numbers))

    @property
    def next_number(self) -> int:
        """A number above all that ever were on this list."""
        return max({0, *self.unlisted, *(one.number for one in self.rows)}) + 1

    def get(self, number: int) -> OtherVault | None:
        """The vault of this number."""
        return next((one for one in self.rows if one.number == number), None)

    def named(self, name: str) -> OtherVault | None:
        """The vault of this name."""
        return next((one for one in self.rows if one.name == name), None)

    def after(self, wishes: Iterable[VaultWish]) -> VaultList:
        """The list with these wishes done, one after the other, as far as they can be."""
        found = self
        for wish in wishes:
            found = found._after(wish)
        return found

    def _after(self, wish: VaultWish) -> VaultList:
        known, others = self.get(wish.number), tuple(one for one in self.rows if one.number != wish.number)
        if wish.name is None:
            return VaultList(others, self.unlisted | {wish.number})
        if wish.number in self.unlisted or (known is None and wish.id is None):
            return self
        if known is not None and wish.id is not None:
            row = replace(known, id=wish.id)
        else:
            row = OtherVault(wish.number, wish.id or known.id, self._free(wish))  # type: ignore[union-attr]
        return VaultList(tuple(sorted((*others, row), key=lambda one: one.number)), self.unlisted)

    def _free(self, wish: VaultWish) -> str:
        """The wished name, or that with a number where another vault has it."""
        taken = {one.name for one in self.rows if one.number != wish.number}
        name = free = wish.name or ""
        number = 1
        while free in taken:
            number += 1
            free = f"{name[: _LONGEST - 1 - len(str(number))]}-{number}"
        return free


def with_list(owner: Owner, wanted: VaultList) -> Owner:
    """An owner block with this list."""
    settings = dict(owner.settings)
    if wanted.unlisted:
        numbers: list[Encodable] = [*sorted(wanted.unlisted)]
        settings[UNLISTED] = numbers
    return replace(owner, vaults=wanted.rows, settings=settings)


def is_listed(owner: Owner, wish: VaultWish) -> bool:
    """Whether nothing is left to do for a wish."""
    now = VaultList.of(owner)
    return now.after([wish]) == now


def remember_list(replica: Replica, owner: Owner) -> None:
    """Know the list of this owner block, and no other."""
    found = VaultList.of(owner)
    rows: list[Encodable] = [[one.number, one.id, one.name] for one in found.rows]
    replica.meta.put(VAULTS, encode([rows, [*sorted(found.unlisted)]]))


def known_list(replica: Replica) -> VaultList:
    """The list that was remembered."""
    data = replica.meta.get(VAULTS)
    if data is None:
        return VaultList()
    rows, numbers = as_list(decode(data), 2, what="database", name="vaults")
    found = []
    for row in as_list(rows, what="database", name="vaults"):
        number, vault, name = as_list(row, 3, what="database", name="a vault")
        found.append(
            OtherVault(
                as_uint(number, 32, what="database", name="i"),
                as_bytes(vault, 32, what="database", name="a vault's id"),
                read_name(name, what="database"),
            )
        )
    unlisted = as_list(numbers, what="database", name="unlisted")
    return VaultList(tuple(found), frozenset(as_uint(one, 32, what="database", name="i") for one in unlisted))
