"""The tree of keys, from R down to the last leaf that is derived.

::

    R ─ owner(chain, contract, i)   opens the vault, certifies authors         vault id = keccak(chain, contract, owner address, 0)
      ─ locator(vault, l) = P       ─ pointer_key(k)                           finds and opens roots
      ─ generation(vault, g) = W    ─ signer, owner_key, author, box           commits, opens the owner block, signs roots, letter box
    device, tool: own random seed   ─ box, author

Labels separate everything; from no leaf is there a way up. Scope epochs are random, not derived (``epochs``), and so is a grant's
pairwise secret (``pairwise``). Nothing here is stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from memsync.crypto.ed25519 import AuthorKey
from memsync.crypto.hpke import HybridKey
from memsync.crypto.kdf import derive
from memsync.crypto.randomness import Random, system_random
from memsync.crypto.secp256k1 import ADDRESS, SecpKey
from memsync.errors import InputError

_U32: Final = 1 << 32
_U53: Final = 1 << 53


@dataclass(frozen=True, slots=True)
class Locator:
    """P of one vault: what leads to its roots."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _secret(self.secret)

    def pointer_key(self, k: int) -> bytes:
        """pointerKey k, 32 bytes: seals pointers; derive(…, "root") and derive(…, "access") open root and access block."""
        _u32(k)
        return derive(self.secret, "pointer", k)


@dataclass(frozen=True, slots=True)
class Generation:
    """W of one vault and generation: what a device holds to act for the owner until the next removal of a device."""

    secret: bytes = field(repr=False)
    number: int

    def __post_init__(self) -> None:
        _secret(self.secret)
        _u32(self.number)

    def signer(self) -> SecpKey:
        """The account that commits, shares and revokes."""
        return SecpKey.derive(self.secret, "signer")

    def owner_key(self) -> bytes:
        """The key of the owner block, 32 bytes."""
        return derive(self.secret, "owner")

    def author(self) -> AuthorKey:
        """The key that signs roots, certified by the owner."""
        return AuthorKey(derive(self.secret, "author"))

    def box_seed(self) -> bytes:
        """The seed of the vault's letter box, 32 bytes, kept in the owner blocks of later generations."""
        return derive(self.secret, "box")

    def box(self) -> HybridKey:
        """The vault's letter box, where write-only tools leave parcels."""
        return HybridKey(self.box_seed())


@dataclass(frozen=True, slots=True)
class RootKey:
    """R: 32 random bytes, the 24 words. Everything of the owner follows from it, in every vault."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _secret(self.secret)

    @classmethod
    def generate(cls, *, random: Random = system_random) -> RootKey:
        """A fresh one."""
        return cls(random(32))

    def owner(self, chain_id: int, contract: bytes, i: int = 0) -> SecpKey:
        """The owner key of vault ``i`` on this chain and contract."""
        if not 0 < chain_id < _U53 or len(contract) != ADDRESS:
            raise InputError(
                f"a chain id is above 0 and below 2^53, a contract's address has {ADDRESS} bytes"
            )
        _u32(i)
        return SecpKey.derive(self.secret, "owner", chain_id, contract, i)

    def locator(self, vault: bytes, number: int = 0) -> Locator:
        """P of this vault id, number ``l``."""
        _vault(vault)
        _u32(number)
        return Locator(derive(self.secret, "locator", vault, number))

    def generation(self, vault: bytes, number: int = 0) -> Generation:
        """W of this vault id, generation ``g``."""
        _vault(vault)
        _u32(number)
        return Generation(derive(self.secret, "generation", vault, number), number)


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """A device's or a tool's own random seed, which never leaves it."""

    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        _secret(self.seed)

    @classmethod
    def generate(cls, *, random: Random = system_random) -> DeviceKey:
        """A fresh one."""
        return cls(random(32))

    def box(self) -> HybridKey:
        """The pair that slots, envelopes and pairing messages are boxed to."""
        return HybridKey(derive(self.seed, "box"))

    def author(self) -> AuthorKey:
        """The key that signs proposals."""
        return AuthorKey(derive(self.seed, "author"))


def _secret(secret: bytes) -> None:
    if len(secret) != 32:
        raise InputError("a key or seed has 32 bytes")


def _vault(vault: bytes) -> None:
    if len(vault) != 32:
        raise InputError("a vault id has 32 bytes")


def _u32(number: int) -> None:
    if not 0 <= number < _U32:
        raise InputError("numbers of vaults, locators, pointer keys and generations are below 2^32")
