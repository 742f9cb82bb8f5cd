"""What a thief has to open things with: the derivations, seals, boxes and pointers of ``docs/format.md``, written a second time.

In go secrets and public bytes, out come further secrets and plaintexts, or None. Nothing is asked of ``memsync`` but DAG-CBOR, so that a
thief goes on by the rules of the format whatever the library does.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from memsync.ipld.dagcbor import Encodable, encode
from tests.format.lessons import Role, Secret

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))
_SUITE = b"HPKE" + b"\x64\x7a" + b"\0\1" + b"\0\2"
"""MLKEM768-X25519, HKDF-SHA256, AES-256-GCM."""

_Hash = type(hashlib.sha256())
FEW, POINTERS = range(2), range(6)
"""Numbers of vaults, locators and generations, and of pointer keys, that a thief tries."""


class Place(NamedTuple):
    """What the AAD names besides the vault."""

    kind: str
    scope: bytes
    epoch: bytes
    object: bytes


@dataclass(frozen=True, slots=True)
class Public:
    """What everybody can have: blocks by digest; heads as (sequence, salt, pointer); parcels as (grant, number, salt, pointer)."""

    chain_id: int
    contract: bytes
    vault: bytes
    blocks: Mapping[bytes, bytes]
    heads: tuple[tuple[int, bytes, bytes], ...]
    grants: frozenset[bytes]
    parcels: tuple[tuple[bytes, int, bytes, bytes], ...]

    def words(self) -> set[bytes]:
        """Every public value of 32 bytes, each of which might be a key by mistake."""
        pointers = {pointer for _, _, pointer in self.heads} | {pointer for *_, pointer in self.parcels}
        plain = {bytes(32), b"\xff" * 32, self.contract.rjust(32, b"\0"), self.chain_id.to_bytes(32, "big")}
        return {self.vault, *self.blocks, *self.grants, *pointers, *plain}


def derived(secret: Secret, public: Public) -> list[Secret]:
    """What follows from one secret by section 3 of the format, one step down."""
    key, vault = secret.value, public.vault

    def one(role: Role, label: str, *args: Encodable, number: int = secret.number) -> Secret:
        return Secret(role, derive(key, label, *args), secret.scope, number)

    match secret.role:
        case Role.WORDS:
            owners = [
                Secret(Role.OWNERS, scalar(key, "owner", public.chain_id, public.contract, i)) for i in FEW
            ]
            return [
                *owners,
                *(one(Role.LOCATOR, "locator", vault, n, number=n) for n in FEW),
                *(one(Role.GENERATION, "generation", vault, n, number=n) for n in FEW),
            ]
        case Role.LOCATOR:
            return [one(Role.POINTER, "pointer", k, number=k) for k in POINTERS]
        case Role.POINTER:
            return [one(Role.ROOT, "root"), one(Role.ACCESS, "access")]
        case Role.GENERATION:
            return [
                Secret(Role.SIGNER, scalar(key, "signer"), number=secret.number),
                one(Role.OWNER, "owner"),
                one(Role.AUTHOR, "author"),
                one(Role.BOX, "box"),
            ]
        case Role.SEED:
            return [one(Role.BOX, "box"), one(Role.AUTHOR, "author")]
        case Role.EPOCH:
            content = one(Role.CONTENT, "content")
            return [content, replace(one(Role.HISTORY, "history"), of=content.value)]
        case Role.PAIRWISE:
            return [Secret(Role.GRANTEE, scalar(key, "grantee")), one(Role.PARCEL, "parcel")]
        case _:
            return []


def pointed(secret: Secret, public: Public) -> Iterator[tuple[int, bytes]]:
    """The blocks that a pointer key or a grant's parcel key finds on chain: sequence (or number of the parcel) and digest."""
    if secret.role is Role.POINTER:
        sealed = [(public.vault, sequence, salt, pointer) for sequence, salt, pointer in public.heads]
    else:
        sealed = list(public.parcels)
    for place, number, salt, pointer in sealed:
        commitment = derive(secret.value, "commit", place, be4(number), salt)
        pad = hashlib.sha256(b"memsync/v1/pad" + commitment).digest()
        digest = bytes(a ^ b for a, b in zip(pointer, pad, strict=True))
        if digest in public.blocks:
            yield number, digest


def unseal(key: bytes, vault: bytes, place: Place, data: bytes) -> bytes | None:
    """What a sealed block or entry holds; None if this is not its key and place."""
    aad, info = _bound(vault, place)
    once, commitment = _expand(_extract(key, data[:32]), info, 2)
    if commitment != data[32:64]:
        return None
    padded = AESGCM(once).decrypt(bytes(12), data[64:], aad)
    return padded[4 : 4 + int.from_bytes(padded[:4], "big")]


def unbox(seed: bytes, vault: bytes, place: Place, data: bytes) -> bytes | None:
    """What an HPKE box (RFC 9180, base mode) holds; None if it is not boxed to this seed's key for this place."""
    secret = _decapsulate(seed, data[:1120])
    info_hash = _labeled_extract(b"", b"info_hash", _bound(vault, place)[0])
    context = b"\0" + _labeled_extract(b"", b"psk_id_hash", b"") + info_hash
    secret = _labeled_extract(secret, b"secret", b"")
    key = _labeled_expand(secret, b"key", context, 32)
    try:
        padded = AESGCM(key).decrypt(_labeled_expand(secret, b"base_nonce", context, 12), data[1120:], b"")
    except InvalidTag:
        return None
    return padded[4 : 4 + int.from_bytes(padded[:4], "big")]


def may_be_box(data: bytes) -> bool:
    """Whether the X25519 value of a box could stand where it would: it is below 2^255."""
    return data[1119] < 0x80


@lru_cache(maxsize=1 << 16)
def derive(key: bytes, label: str, *args: Encodable) -> bytes:
    """derive(key, label, args …) of the format, 32 bytes."""
    return _expand(_extract(key, bytes(32)), encode(["memsync/v1", label, *args]), 1)[0]


def scalar(key: bytes, label: str, *args: Encodable) -> bytes:
    """scalar(key, label, args …) of the format: a private key of an account."""
    first, second = _expand(_extract(key, bytes(32)), encode(["memsync/v1", label, *args]), 2)
    return (int.from_bytes(first + second[:16], "big") % (ORDER - 1) + 1).to_bytes(32, "big")


@lru_cache(maxsize=4096)
def epoch_id(content: bytes) -> bytes:
    """The id of the epoch of a content key."""
    return derive(content, "id")[:16]


def epoch_of(secret: Secret) -> bytes:
    """The epoch that a content key, or another key that goes with one, is of."""
    return epoch_id(secret.value if secret.role is Role.CONTENT else secret.of)


def be4(number: int) -> bytes:
    return number.to_bytes(4, "big")


@lru_cache(maxsize=1 << 16)
def _extract(key: bytes, salt: bytes) -> tuple[_Hash, _Hash]:
    """The pseudo-random key of HKDF, as the two hashes of an HMAC that have taken it in: a thief tries it on many places."""
    prk = hmac.digest(salt, key, "sha256").ljust(64, b"\0")
    return hashlib.sha256(prk.translate(_INNER)), hashlib.sha256(prk.translate(_OUTER))


def _expand(prk: tuple[_Hash, _Hash], info: bytes, blocks: int) -> list[bytes]:
    made = [b""]
    for number in range(1, blocks + 1):
        inner, outer = prk[0].copy(), prk[1].copy()
        inner.update(made[-1] + info + bytes((number,)))
        outer.update(inner.digest())
        made.append(outer.digest())
    return made[1:]


@lru_cache(maxsize=1 << 17)
def _bound(vault: bytes, place: Place) -> tuple[bytes, bytes]:
    """The AAD of a place, and what the keys of its seal are bound to."""
    aad = encode(["memsync/v1", vault, place.scope, place.epoch, place.kind, place.object])
    return aad, encode(["memsync/v1", "seal", aad])


@lru_cache(maxsize=1 << 16)
def _decapsulate(seed: bytes, enc: bytes) -> bytes:
    """The shared secret of MLKEM768-X25519 (X-Wing)."""
    mlkem, x25519, public = _pair(seed)
    theirs = enc[1088:]
    try:
        agreed = x25519.exchange(X25519PublicKey.from_public_bytes(theirs))
    except ValueError:
        agreed = bytes(32)
    kem = mlkem.decapsulate(enc[:1088])
    return hashlib.sha3_256(kem + agreed + theirs + public + b"\\.//^\\").digest()


@lru_cache(maxsize=256)
def _pair(seed: bytes) -> tuple[MLKEM768PrivateKey, X25519PrivateKey, bytes]:
    expanded = hashlib.shake_256(seed).digest(96)
    x25519 = X25519PrivateKey.from_private_bytes(expanded[64:])
    return MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), x25519, x25519.public_key().public_bytes_raw()


def _labeled_extract(salt: bytes, label: bytes, key: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + _SUITE + label + key, "sha256")


def _labeled_expand(secret: bytes, label: bytes, info: bytes, length: int) -> bytes:
    info = length.to_bytes(2, "big") + b"HPKE-v1" + _SUITE + label + info
    return hmac.digest(secret, info + b"\1", "sha256")[:length]
