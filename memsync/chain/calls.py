"""The contract's calls as values, and how the acting account signs them.

Each dataclass is one call of ``IMemoryRegistry`` with its arguments in the contract's order and names in snake case. The EIP-712
struct of a call is the acting account, then the arguments in order, then the deadline; ``SetSigner`` names the current signer too,
which is no argument. Pure: signs with a key it is handed, sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from memsync.crypto.eip712 import domain_separator
from memsync.crypto.secp256k1 import SecpKey, keccak, word
from memsync.errors import FormatError
from memsync.format.fields import as_bytes, as_list, as_text, as_uint
from memsync.ipld.dagcbor import Encodable, decode, encode

NO_DEADLINE = 2**256 - 1


@dataclass(frozen=True, slots=True)
class Share:
    """One grant to be made: id (32 bytes), first second, first second no more, rights 1 to 3."""

    grant_id: bytes
    start: int
    end: int
    rights: int


@dataclass(frozen=True, slots=True)
class Open:
    """Opens the vault of ``owner`` and ``nonce``; signed by the owner."""

    function: ClassVar[str] = "open"
    struct: ClassVar[str] = (
        "Open(address owner,uint256 nonce,address firstSigner,uint32 salt,bytes32 pointer,uint256 deadline)"
    )
    owner: bytes
    nonce: int
    first_signer: bytes
    salt: int
    pointer: bytes


@dataclass(frozen=True, slots=True)
class SetSigner:
    """Replaces the signer; signed by the owner. ``signer`` is the current one: in the struct, not in the arguments."""

    function: ClassVar[str] = "setSigner"
    struct: ClassVar[str] = (
        "SetSigner(address owner,uint256 nonce,address signer,address newSigner,uint256 deadline)"
    )
    owner: bytes
    nonce: int
    signer: bytes
    new_signer: bytes


@dataclass(frozen=True, slots=True)
class Commit:
    """Moves the head from ``sequence`` to the next; signed by the vault's signer, as are the three that follow."""

    function: ClassVar[str] = "commit"
    struct: ClassVar[str] = (
        "Commit(address signer,bytes32 vault,uint32 sequence,uint32 grantEpoch,uint32 salt,bytes32 pointer,uint256 deadline)"
    )
    vault: bytes
    sequence: int
    grant_epoch: int
    salt: int
    pointer: bytes


@dataclass(frozen=True, slots=True)
class CommitAndShare:
    """``Commit``, and in the same step revocations, then grants."""

    function: ClassVar[str] = "commitAndShare"
    struct: ClassVar[str] = (
        "CommitAndShare(address signer,bytes32 vault,uint32 sequence,uint32 grantEpoch,uint32 salt,bytes32 pointer,"
        "Share[] grants,bytes32[] revocations,uint256 deadline)"
        "Share(bytes32 grantId,uint40 start,uint40 end,uint8 rights)"
    )
    vault: bytes
    sequence: int
    grant_epoch: int
    salt: int
    pointer: bytes
    grants: tuple[Share, ...]
    revocations: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Revoke:
    """Makes a grant id a tombstone."""

    function: ClassVar[str] = "revoke"
    struct: ClassVar[str] = "Revoke(address signer,bytes32 vault,bytes32 grantId,uint256 deadline)"
    vault: bytes
    grant_id: bytes


@dataclass(frozen=True, slots=True)
class RevokeAll:
    """Voids every grant made under ``grant_epoch``. Sign with a short deadline only."""

    function: ClassVar[str] = "revokeAll"
    struct: ClassVar[str] = "RevokeAll(address signer,bytes32 vault,uint32 grantEpoch,uint256 deadline)"
    vault: bytes
    grant_epoch: int


@dataclass(frozen=True, slots=True)
class Submit:
    """Places a parcel in a grant's inbox; signed by the grantee's (one-time) key."""

    function: ClassVar[str] = "submit"
    struct: ClassVar[str] = (
        "Submit(address grantee,bytes32 vault,bytes32 scope,bytes32 grantSalt,uint32 sequence,uint48 salt,bytes32 pointer,uint256 deadline)"
    )
    grantee: bytes
    vault: bytes
    scope: bytes
    grant_salt: bytes
    sequence: int
    salt: int
    pointer: bytes


@dataclass(frozen=True, slots=True)
class PublishKey:
    """Replaces the digest of an account's card."""

    function: ClassVar[str] = "publishKey"
    struct: ClassVar[str] = "PublishKey(address account,bytes32 previous,bytes32 digest,uint256 deadline)"
    account: bytes
    previous: bytes
    digest: bytes


Call = Open | SetSigner | Commit | CommitAndShare | Revoke | RevokeAll | Submit | PublishKey
_CALLS: Final[dict[str, type[Call]]] = {
    kind.function: kind
    for kind in (Open, SetSigner, Commit, CommitAndShare, Revoke, RevokeAll, Submit, PublishKey)
}
_WHAT: Final = "call"
_SHARE: Final = b"Share(bytes32 grantId,uint40 start,uint40 end,uint8 rights)"


@dataclass(frozen=True, slots=True)
class SignedCall:
    """A call with its deadline (unix seconds, inclusive), the account that signed, and 65 bytes r | s | v. Anybody may send it."""

    call: Call
    deadline: int
    account: bytes
    signature: bytes

    def arguments(self) -> tuple[object, ...]:
        """The contract function's arguments, in order: bytes, ints, and lists of these."""
        call = self.call
        fields = [
            getattr(call, name)
            for name in call.__slots__
            if not (isinstance(call, SetSigner) and name == "signer")
        ]
        if isinstance(call, CommitAndShare):
            fields[-2] = [(s.grant_id, s.start, s.end, s.rights) for s in call.grants]
            fields[-1] = list(call.revocations)
        return (*fields, self.deadline, self.signature)


def call_digest(call: Call, account: bytes, deadline: int, *, chain_id: int, contract: bytes) -> bytes:
    """The 32 bytes that ``account`` signs (EIP-712) for this call of the registry ``contract`` on ``chain_id``."""
    words = [keccak(call.struct.encode())]
    if isinstance(call, (Commit, CommitAndShare, Revoke, RevokeAll)):
        words.append(word(account))
    for name in call.__slots__:
        value = getattr(call, name)
        if name == "grants":
            words.append(keccak(b"".join(_hash_share(share) for share in value)))
        elif name == "revocations":
            words.append(keccak(b"".join(value)))
        else:
            words.append(word(value))
    words.append(word(deadline))
    return keccak(b"\x19\x01" + domain_separator(chain_id, contract) + keccak(b"".join(words)))


def sign_call(call: Call, key: SecpKey, deadline: int, *, chain_id: int, contract: bytes) -> SignedCall:
    """Sign a call as the account of ``key``."""
    digest = call_digest(call, key.address, deadline, chain_id=chain_id, contract=contract)
    return SignedCall(call, deadline, key.address, key.sign(digest))


def _hash_share(share: Share) -> bytes:
    words = (word(share.grant_id), word(share.start), word(share.end), word(share.rights))
    return keccak(keccak(_SHARE) + b"".join(words))


def encode_signed(signed: SignedCall) -> bytes:
    """A signed call as DAG-CBOR, to be kept until it has landed or can't any more."""
    call = signed.call
    fields: list[Encodable] = [getattr(call, name) for name in call.__slots__]
    if isinstance(call, CommitAndShare):
        fields[-2] = [[share.grant_id, share.start, share.end, share.rights] for share in call.grants]
        fields[-1] = list(call.revocations)
    return encode([call.function, fields, signed.deadline, signed.account, signed.signature])


def decode_signed(data: bytes) -> SignedCall:
    """Back from ``encode_signed``; ``FormatError("call", …)`` for anything else."""
    function, fields, deadline, account, signature = as_list(
        decode(data, what=_WHAT), 5, what=_WHAT, name="call"
    )
    kind = _CALLS.get(as_text(function, what=_WHAT, name="function"))
    if kind is None:
        raise FormatError(_WHAT, "value", "the contract has no such function")
    values: list[Any] = list(as_list(fields, len(kind.__slots__), what=_WHAT, name="arguments"))
    if kind is CommitAndShare:
        values[-2] = tuple(Share(*row) for row in values[-2])
        values[-1] = tuple(values[-1])
    return SignedCall(
        kind(*values),
        as_uint(deadline, 53, what=_WHAT, name="deadline"),
        as_bytes(account, 20, what=_WHAT, name="account"),
        as_bytes(signature, 65, what=_WHAT, name="signature"),
    )
