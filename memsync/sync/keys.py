"""What a device holds to act for the owner of one vault on one chain.

Derived from the words once, when the vault is bound to a chain; from then on the words can leave. In the device's encrypted database they
lie as the bytes that ``to_bytes`` gives.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from memsync.crypto.tree import Generation, Locator, RootKey
from memsync.errors import FormatError
from memsync.format.certificate import Certificate, certify
from memsync.format.fields import as_bytes, as_list, as_uint
from memsync.ipld.dagcbor import decode, encode

_WHAT = "keys"


@dataclass(frozen=True, slots=True)
class OwnerKeys:
    """Chain id, contract (20 bytes), vault id (32), the owner's address (20) and number i; locator l, a generation, and the owner's
    certificate for it.

    ``before``: those of the generation before, as long as the chain may still undo the step to this one.
    """

    chain_id: int
    contract: bytes
    vault: bytes
    owner: bytes
    number: int
    locator_number: int
    locator: Locator = field(repr=False)
    generation: Generation = field(repr=False)
    certificate: Certificate
    before: OwnerKeys | None = field(default=None, repr=False)

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

    @property
    def line(self) -> tuple[OwnerKeys, ...]:
        """These, and those of the generation before."""
        return (self,) if self.before is None else (self, *self.before.line)

    def of(self, generation: int) -> OwnerKeys | None:
        """Those of this generation, if they are among :attr:`line`."""
        return next((one for one in self.line if one.generation.number == generation), None)

    def to_bytes(self) -> bytes:
        """For the encrypted database, and for a device that is to have them too."""
        before = [] if self.before is None else [self.before.to_bytes()]
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
                *before,
            ]
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> OwnerKeys:
        """Back from there; ``FormatError`` for anything else."""
        fields = as_list(decode(data, what=_WHAT), what=_WHAT, name="keys")
        if len(fields) not in (10, 11):
            raise FormatError(_WHAT, "length", f"keys have 10 or 11 fields, not {len(fields)}")
        chain, contract, vault, owner, number, locator_number, locator, generation, secret, certificate = (
            fields[:10]
        )
        before = [as_bytes(one, what=_WHAT, name="the keys before") for one in fields[10:]]
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
            before=cls.from_bytes(before[0]) if before else None,
        )
