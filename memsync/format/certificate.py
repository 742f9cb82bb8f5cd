"""The certificate in a root: the vault's owner says which keys act for a generation of its devices.

In go the owner's key and a generation, out comes an EIP-712 signature over the generation's author key and signer; and back: a certificate
is good if the address that it recovers to gives the vault's id. So whoever knows the id needs no other trust to check who wrote a root.
The contract never sees it.
"""

from __future__ import annotations

from dataclasses import dataclass

from memsync.crypto.eip712 import author_digest
from memsync.crypto.secp256k1 import ADDRESS, SIGNATURE, SecpKey, recover, vault_id
from memsync.crypto.tree import Generation
from memsync.errors import SignatureInvalid
from memsync.format.fields import as_bytes, as_list
from memsync.ipld.dagcbor import Value


@dataclass(frozen=True, slots=True)
class Certificate:
    """``[author key b32, signer b20, signature b65]`` as it stands in a root."""

    author: bytes
    signer: bytes
    signature: bytes

    def to_value(self) -> list[bytes]:
        """The list that stands in a root."""
        return [self.author, self.signer, self.signature]

    @classmethod
    def from_value(cls, value: Value, *, what: str) -> Certificate:
        """Read such a list, without a check of its signature; ``FormatError(what, …)`` for anything else."""
        author, signer, signature = as_list(value, 3, what=what, name="certificate")
        return cls(
            as_bytes(author, 32, what=what, name="author key"),
            as_bytes(signer, ADDRESS, what=what, name="signer"),
            as_bytes(signature, SIGNATURE, what=what, name="the certificate's signature"),
        )


def certify(owner: SecpKey, generation: Generation, *, chain_id: int, contract: bytes) -> Certificate:
    """The owner's word that ``generation`` acts for the vault that this owner's address gives on this chain and contract."""
    author, signer = generation.author().public, generation.signer().address
    vault = vault_id(chain_id, contract, owner.address)
    digest = author_digest(
        chain_id, contract, vault, generation=generation.number, author_key=author, signer=signer
    )
    return Certificate(author, signer, owner.sign(digest))


def check_certificate(
    certificate: Certificate, *, vault: bytes, generation: int, chain_id: int, contract: bytes
) -> None:
    """Return if the owner of ``vault`` made this certificate for ``generation``; else raise ``SignatureInvalid``."""
    digest = author_digest(
        chain_id,
        contract,
        vault,
        generation=generation,
        author_key=certificate.author,
        signer=certificate.signer,
    )
    if vault_id(chain_id, contract, recover(digest, certificate.signature)) != vault:
        raise SignatureInvalid("the certificate is not by the vault's owner, or is for other keys")
