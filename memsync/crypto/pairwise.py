"""A grant's pairwise secret S: 32 random bytes in the envelope, known to owner and grantee, of one grant and never changed.

From it follow the one-time account that stands in the grant's preimage, the blinded scope word, the grant's salt (which binds the
envelope) and the key of parcels' pointers: so the chain shows neither who was granted nor what, and both sides compute the same grant id.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from memsync.crypto.kdf import derive, mac
from memsync.crypto.randomness import Random, system_random
from memsync.crypto.secp256k1 import SecpKey, grant_id
from memsync.errors import InputError


@dataclass(frozen=True, slots=True)
class PairwiseSecret:
    """S of one grant. Parcels' pointers are sealed under it in ``pointer``."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != 32:
            raise InputError("a pairwise secret has 32 bytes")

    @classmethod
    def generate(cls, *, random: Random = system_random) -> PairwiseSecret:
        """A fresh one, for one grant."""
        return cls(random(32))

    def grantee(self) -> SecpKey:
        """The one-time account that the grant is made to, and that submits parcels."""
        return SecpKey.derive(self.secret, "grantee")

    def blinded_scope(self, scope: bytes) -> bytes:
        """The scope word on chain, 32 bytes, from the scope's id (16 bytes)."""
        if len(scope) != 16:
            raise InputError("a scope id has 16 bytes")
        return derive(self.secret, "scope", scope)

    def grant_salt(self, envelope_digest: bytes) -> bytes:
        """32 bytes that bind the grant on chain to the envelope with this digest."""
        if len(envelope_digest) != 32:
            raise InputError("a digest has 32 bytes")
        return mac(self.secret, "grant", envelope_digest)

    def grant_id(self, vault: bytes, scope: bytes, envelope_digest: bytes) -> bytes:
        """The grant's id, 32 bytes, from vault id, scope id (16 bytes) and the envelope's digest."""
        return grant_id(
            vault, self.grantee().address, self.blinded_scope(scope), self.grant_salt(envelope_digest)
        )
