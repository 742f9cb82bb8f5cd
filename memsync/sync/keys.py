"""What a device holds to act for the owner of one vault on one chain.

Derived from the words once, when the vault is bound to a chain; from then on the words can leave. In the device's encrypted database they
lie as the bytes that ``to_bytes`` gives.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from memsync.crypto.tree import Generation, Locator, RootKey
from memsync.format.certificate import Certificate, certify
from memsync.format.fields import as_bytes, as_list, as_uint
from memsync.ipld.dagcbor import decode, encode

_WHAT = "keys"


@dataclass(frozen=True, slots=True)
class OwnerKeys:
    """Chain id, contract (20 bytes), vault id (32), the owner's address (20) and number i; locator l, a generation, and the owner's
    certificate for it."""

    chain_id: int
    contract: bytes
    vault: bytes
    owner: bytes
    number: int
    locator_number: int
    locator: Locator = field(repr=False)
    generation: Generation = field(repr=False)
    certificate: Certificate

    @classmethod
    def derive(
        cls,
        root: RootKey,
        *,
        chain_id: int,
        contract: bytes,
        number: int = 0,
        locator: int = 0,
        generation: int = 0,
    ) -> OwnerKeys:
        """Of vault ``number`` of these words on this chain and contract."""
        from memsync.crypto.secp256k1 import vault_id

        owner = root.owner(chain_id, contract, number)
        vault = vault_id(chain_id, contract, owner.address)
        made = root.generation(vault, generation)
        return cls(
            chain_id=chain_id,
            contract=contract,
            vault=vault,
            owner=owner.address,
            number=number,
            locator_number=locator,
            locator=root.locator(vault, locator),
            generation=made,
            certificate=certify(owner, made, chain_id=chain_id, contract=contract),
        )

    def to_bytes(self) -> bytes:
        """For the encrypted database."""
        return encode(
            [
                self.chain_id,
                self.contract,
                self.vault,
                self.owner,
                self.number,
                self.locator_number,
                self.locator.secret,
                self.generation.number,
                self.generation.secret,
                self.certificate.to_value(),
            ]
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> OwnerKeys:
        """Back from the database; ``FormatError`` for anything else."""
        chain, contract, vault, owner, number, locator_number, locator, generation, secret, certificate = (
            as_list(decode(data, what=_WHAT), 10, what=_WHAT, name="keys")
        )
        return cls(
            chain_id=as_uint(chain, 53, what=_WHAT, name="chain"),
            contract=as_bytes(contract, 20, what=_WHAT, name="contract"),
            vault=as_bytes(vault, 32, what=_WHAT, name="vault"),
            owner=as_bytes(owner, 20, what=_WHAT, name="owner"),
            number=as_uint(number, 32, what=_WHAT, name="number"),
            locator_number=as_uint(locator_number, 32, what=_WHAT, name="locator number"),
            locator=Locator(as_bytes(locator, 32, what=_WHAT, name="locator")),
            generation=Generation(
                as_bytes(secret, 32, what=_WHAT, name="generation"),
                as_uint(generation, 32, what=_WHAT, name="generation number"),
            ),
            certificate=Certificate.from_value(certificate, what=_WHAT),
        )
