"""Keys of Ethereum accounts, and the ids that the contract computes: secp256k1, Keccak-256, ``abi.encode`` of words.

In go 32-byte secrets and digests, out come 20-byte addresses, 65-byte signatures (r | s | v, v 27 or 28, s in the lower half; RFC 6979
nonces) and 32-byte ids. A signature that could be written a second way is refused (EIP-2, EIP-191's v). It sends no transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from coincurve import PrivateKey, PublicKey
from eth_hash.backends.pycryptodome import keccak256

from memsync.crypto.kdf import derive
from memsync.errors import InputError, SignatureInvalid
from memsync.ipld.dagcbor import Encodable

ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
SIGNATURE: Final = 65
ADDRESS: Final = 20


@dataclass(frozen=True, slots=True)
class SecpKey:
    """A private key and the address of its account."""

    secret: bytes = field(repr=False)
    address: bytes = field(init=False, compare=False)
    """20 bytes."""
    private: PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.secret) != 32 or not 0 < int.from_bytes(self.secret, "big") < ORDER:
            raise InputError("a secp256k1 key has 32 bytes and lies between 0 and the group's order")
        private = PrivateKey(self.secret)
        object.__setattr__(self, "private", private)
        object.__setattr__(self, "address", _address(private.public_key))

    @classmethod
    def derive(cls, key: bytes, label: str, *args: Encodable) -> SecpKey:
        """The key scalar(key, label, args …): 48 derived bytes, mod (order - 1), + 1."""
        wide = int.from_bytes(derive(key, label, *args, length=48), "big")
        return cls((wide % (ORDER - 1) + 1).to_bytes(32, "big"))

    def sign(self, digest: bytes) -> bytes:
        """65 bytes, r | s | v, over a 32-byte digest; the same digest always gives the same signature."""
        if len(digest) != 32:
            raise InputError("a digest has 32 bytes")
        signature: bytes = self.private.sign_recoverable(digest, hasher=None)
        return signature[:64] + bytes((27 + signature[64],))


def recover(digest: bytes, signature: bytes) -> bytes:
    """The address (20 bytes) whose key made ``signature`` over ``digest``; ``SignatureInvalid`` if there is none.

    Any well-formed signature recovers to *some* address: the caller compares it.
    """
    if len(digest) != 32:
        raise InputError("a digest has 32 bytes")
    if len(signature) != SIGNATURE:
        raise SignatureInvalid(f"a signature has {SIGNATURE} bytes, this has {len(signature)}")
    if signature[64] not in (27, 28):
        raise SignatureInvalid(f"the last byte of a signature is 27 or 28, not {signature[64]}")
    if not 0 < int.from_bytes(signature[32:64], "big") <= ORDER // 2:
        raise SignatureInvalid("s of a signature is not in the lower half of the group")
    compact = signature[:64] + bytes((signature[64] - 27,))
    try:
        public = PublicKey.from_signature_and_message(compact, digest, hasher=None)
    except ValueError:
        raise SignatureInvalid("no key can have made this signature") from None
    return _address(public)


def keccak(data: bytes) -> bytes:
    """Keccak-256 as in Ethereum, 32 bytes."""
    return keccak256(data)


def word(value: int | bytes) -> bytes:
    """One word of ``abi.encode``: an unsigned integer, an address of 20 bytes, or 32 bytes."""
    if isinstance(value, int):
        if not 0 <= value < 1 << 256:
            raise InputError("a word holds an unsigned integer below 2^256")
        return value.to_bytes(32, "big")
    if len(value) not in (ADDRESS, 32):
        raise InputError(f"{len(value)} bytes are neither an address nor a word")
    return value.rjust(32, b"\0")


def vault_id(chain_id: int, contract: bytes, owner: bytes, nonce: int = 0) -> bytes:
    """keccak256(abi.encode(chain id, contract, owner, nonce)), 32 bytes, as the contract computes it."""
    _addresses(contract, owner)
    return keccak(word(chain_id) + word(contract) + word(owner) + word(nonce))


def grant_id(vault: bytes, grantee: bytes, scope: bytes, grant_salt: bytes) -> bytes:
    """keccak256(abi.encode(vault, grantee, scope, grantSalt)), 32 bytes; ``scope`` is the word on chain, not the scope's id."""
    _addresses(grantee)
    if not len(vault) == len(scope) == len(grant_salt) == 32:
        raise InputError("a vault id, a scope word and a grant salt have 32 bytes each")
    return keccak(word(vault) + word(grantee) + word(scope) + word(grant_salt))


def _addresses(*addresses: bytes) -> None:
    if any(len(address) != ADDRESS for address in addresses):
        raise InputError(f"an address has {ADDRESS} bytes")


def _address(public: PublicKey) -> bytes:
    return keccak(public.format(compressed=False)[1:])[12:]
