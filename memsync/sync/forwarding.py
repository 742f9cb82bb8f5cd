"""The note that a vault has moved: in the owner block of the chain that it left, for the owner's other devices. Only they can read it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from memsync.format.fields import as_bytes, as_list, as_uint
from memsync.format.owner import Owner
from memsync.ipld.dagcbor import Encodable, Value, decode, encode

NOTE = "moved"
"""The owner's setting that says where the vault lives now."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A registry: chain id and contract (20 bytes)."""

    chain_id: int
    contract: bytes

    def to_value(self) -> list[Encodable]:
        """As it stands in a block or entry."""
        return [self.chain_id, self.contract]

    @classmethod
    def from_value(cls, value: Value, *, what: str) -> Elsewhere:
        """Back; ``FormatError(what, …)`` for anything else."""
        chain_id, contract = as_list(value, 2, what=what, name="a registry")
        return cls(
            as_uint(chain_id, 53, what=what, name="chain"), as_bytes(contract, 20, what=what, name="contract")
        )


def moved_to(owner: Owner) -> Elsewhere | None:
    """Where the owner block says that the vault lives now; None for here."""
    note = owner.settings.get(NOTE)
    return None if note is None else Elsewhere.from_value(decode(encode(note)), what="owner")


def with_moved(owner: Owner, to: Elsewhere | None) -> Owner:
    """An owner block that says so."""
    others = {name: value for name, value in owner.settings.items() if name != NOTE}
    return replace(owner, settings=others | ({} if to is None else {NOTE: to.to_value()}))
