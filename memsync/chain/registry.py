"""Where pointers live: the port to the contract, and the values that cross it.

A ``Registry`` is one contract on one chain, seen through one RPC. It reads state pinned to one block and sends calls that somebody
else has signed; it holds no key of a vault and decides nothing. Two adapters: ``memsync.chain.ape`` (a real chain, through Ape) and
``memsync.testing.MemoryRegistry`` (the same rules in memory). Both pass one conformance suite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from memsync.chain.calls import SignedCall

ZERO32 = bytes(32)
DEVELOPMENT_CHAINS = frozenset({31337, 1337})
"""Chains of one's own, where nothing is ever final and a developer moves the time as they like."""


@dataclass(frozen=True, slots=True)
class BlockStamp:
    """A block: number, hash (32 bytes), time (unix seconds)."""

    number: int
    hash: bytes
    time: int


@dataclass(frozen=True, slots=True)
class VaultState:
    """A vault as the contract holds it; ``salt`` as an integer below 2**32."""

    signer: bytes
    sequence: int
    grant_epoch: int
    salt: int
    pointer: bytes

    @property
    def salt_bytes(self) -> bytes:
        return self.salt.to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class GrantState:
    """A grant as the contract holds it, with the pointer of its last parcel."""

    start: int
    end: int
    epoch: int
    rights: int
    parcels: int
    parcel_salt: int
    parcel: bytes = ZERO32

    @property
    def known(self) -> bool:
        return self.end != 0

    @property
    def revoked(self) -> bool:
        return self.end != 0 and self.rights == 0

    def holds(self, time: int, grant_epoch: int, rights: int = 0) -> bool:
        """Whether it holds at ``time`` with all of ``rights``: start inclusive, end exclusive, same grant epoch, not revoked."""
        return (
            self.rights != 0
            and self.rights & rights == rights
            and self.epoch == grant_epoch
            and self.start <= time < self.end
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A vault and some of its grants, all at one block. ``vault`` is None where there is no such vault."""

    block: BlockStamp
    vault: VaultState | None
    grants: Mapping[bytes, GrantState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """A call that was mined: transaction hash, block, gas used, and the account that paid."""

    transaction: bytes
    block: BlockStamp
    gas_used: int
    payer: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """Something that the contract said: event name, arguments by their Solidity names (bytes and ints), and where it stands."""

    name: str
    values: Mapping[str, object]
    block: BlockStamp
    transaction: bytes


@dataclass(frozen=True, slots=True)
class Facts:
    """A chain, its registry and who pays: chain id, contract (20 bytes), hash of its code (None: no code) and whether it is this release's
    registry, the payer's address (20 bytes) and balance (wei) or None, the latest block."""

    chain_id: int
    contract: bytes
    code_hash: bytes | None
    ours: bool
    payer: bytes | None
    balance: int | None
    block: BlockStamp


@runtime_checkable
class Registry(Protocol):
    """One registry contract on one chain.

    Every method raises ``ChainUnreachable`` when the chain gives no answer that makes sense and ``WrongContract`` when the code at the
    address is not the registry's. ``send`` also raises ``CallRefused`` (``Stale`` when the state has moved on) and ``PayerError``.
    """

    @property
    def chain_id(self) -> int: ...

    @property
    def contract(self) -> bytes:
        """20 bytes."""
        ...

    def snapshot(self, vault: bytes, grants: Sequence[bytes] = ()) -> Snapshot:
        """The vault and these grants at the latest block, all at the same one. Unknown grants come with ``known`` false."""
        ...

    def final_vault(self, vault: bytes) -> VaultState | None:
        """The vault at the last block that can't be undone; the latest one on a development chain."""
        ...

    def key_of(self, account: bytes) -> bytes:
        """The digest of the account's current card; 32 zero bytes if it published none."""
        ...

    def send(self, signed: SignedCall) -> Receipt:
        """Have it mined. Returns when it is, and raises when it can't be."""
        ...

    def events(self, vault: bytes, since: int = 0) -> list[Event]:
        """What the contract said about a vault from block ``since`` on, in order. For history only: state never needs it."""
        ...
