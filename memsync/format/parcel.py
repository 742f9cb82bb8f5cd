"""Parcels: what a tool with the right to write leaves in its grant's inbox, boxed to the vault's letter box (``docs/format.md`` §8).

In go drafts that the tool signs one by one; out comes a block that only the vault's devices open. Back, every signature is checked before
any draft is handed on. A parcel repeats all that the owner has not acknowledged yet, signed under its own number. What the owner accepts
keeps the signature as its memory's proof (:func:`check_proof`). Tombstones are no drafts: a tool can't forget for the owner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from memsync.crypto.ed25519 import SIGNATURE, AuthorKey, verify
from memsync.crypto.hpke import OVERHEAD, HybridKey, open_box, seal_box
from memsync.crypto.sealing import SIZES, ZERO16, Kind, aad
from memsync.crypto.secp256k1 import ADDRESS
from memsync.errors import FormatError, InputError, SignatureInvalid
from memsync.format.block import Block, check_digest
from memsync.format.fields import as_bytes, as_list, as_map, as_uint, check_version
from memsync.format.proofread import proofread
from memsync.format.records import draft_value, read_draft
from memsync.format.sequence import be4
from memsync.ipld.dagcbor import Encodable, decode, encode
from memsync.memory import Draft, Memory, Proof

PROPOSAL: Final = 16
MAX_PLAINTEXT: Final = SIZES[-1] - OVERHEAD - 4
"""Bytes that the drafts of a parcel may take, with their signatures."""

_WHAT: Final = "parcel"
_KEYS: Final = frozenset({"v", "chain", "contract", "vault", "grant", "number", "author", "drafts"})
_SIGNED: Final = b"memsync/v1/proposal"


@dataclass(frozen=True, slots=True)
class Inbox:
    """Where a parcel lies: chain id, contract (20 bytes), vault id (32), grant id (32), and its number in that inbox, from 1."""

    chain_id: int
    contract: bytes
    vault: bytes
    grant: bytes
    number: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """A draft with its id (16 bytes) and the author's signature (64) for one inbox."""

    id: bytes
    draft: Draft
    signature: bytes


@dataclass(frozen=True, slots=True)
class Parcel:
    """A verified parcel: all its proposals are by ``author`` (Ed25519 key, 32 bytes) for ``inbox``."""

    inbox: Inbox
    author: bytes
    proposals: tuple[Proposal, ...]

    def proof(self, proposal: Proposal) -> Proof:
        """What a memory made of ``proposal`` carries along."""
        return Proof(self.inbox.grant, self.inbox.number, proposal.id, proposal.signature)


def seal_parcel(
    drafts: Sequence[tuple[bytes, Draft]], *, inbox: Inbox, author: AuthorKey, box: bytes
) -> Block:
    """Sign each ``(proposal id, draft)`` and box all to the letter box (public key, 1,216 bytes) in the smallest size that fits.

    ``InputError`` for no draft, a proposal twice, or more than one parcel holds.
    """
    rows: list[Encodable] = [
        [proposal, draft_value(draft), author.sign(_message(inbox, proposal, draft))]
        for proposal, draft in drafts
    ]
    plaintext = encode(
        {
            "v": 1,
            "chain": inbox.chain_id,
            "contract": inbox.contract,
            "vault": inbox.vault,
            "grant": inbox.grant,
            "number": inbox.number,
            "author": author.public,
            "drafts": rows,
        }
    )
    proofread(lambda: _read(plaintext, inbox, author.public))
    if len(plaintext) > MAX_PLAINTEXT:
        raise InputError(f"drafts of {len(plaintext)} bytes are more than the {MAX_PLAINTEXT} of a parcel")
    return Block.of(seal_box(box, _place(inbox), plaintext, room=_size(len(plaintext)) - OVERHEAD))


def read_parcel(data: bytes, *, digest: bytes, inbox: Inbox, author: bytes, key: HybridKey) -> Parcel:
    """Open a parcel of ``inbox`` and verify it; ``author`` is the key on the grantee's card.

    Raises ``FormatError("parcel", fault)``: ``hash``, ``size`` (no size of a parcel, or larger than needed), ``key`` (not boxed to this
    letter box for this inbox, or altered), ``padding`` …, ``version``, ``missing``, ``key``, ``type``, ``length``, ``value`` (another
    inbox or author), ``count``, ``duplicate``, or what :func:`memsync.format.records.read_draft` finds; ``SignatureInvalid``.
    """
    check_digest(data, digest, what=_WHAT)
    if len(data) not in SIZES:
        raise FormatError(_WHAT, "size", f"{len(data)} bytes is none of the seven sizes")
    plaintext = open_box(key, _place(inbox), data, what=_WHAT)
    if _size(len(plaintext)) != len(data):
        raise FormatError(_WHAT, "size", f"{len(plaintext)} bytes boxed in {len(data)}, more than needed")
    return _read(plaintext, inbox, author)


def check_proof(memory: Memory, *, chain_id: int, contract: bytes, vault: bytes) -> None:
    """Return if the author of ``memory`` proposed it as it is; else raise ``SignatureInvalid``."""
    if memory.author is None or memory.proof is None:
        raise SignatureInvalid("the memory names no author")
    proof = memory.proof
    inbox = Inbox(chain_id, contract, vault, proof.grant, proof.parcel)
    verify(memory.author, _message(inbox, proof.proposal, memory.draft()), proof.signature)


def _message(inbox: Inbox, proposal: bytes, draft: Draft) -> bytes:
    where: list[Encodable] = [inbox.chain_id, inbox.contract, inbox.vault, inbox.grant, inbox.number]
    return _SIGNED + encode([*where, proposal, draft_value(draft)])


def _place(inbox: Inbox) -> bytes:
    return aad(inbox.vault, ZERO16, ZERO16, Kind.PARCEL, inbox.grant + be4(inbox.number))


def _size(length: int) -> int:
    return next(size for size in SIZES if length <= size - OVERHEAD - 4)


def _read(plaintext: bytes, inbox: Inbox, author: bytes) -> Parcel:
    found = as_map(decode(plaintext, what=_WHAT), what=_WHAT, name="a parcel")
    check_version(found.get("v"), what=_WHAT)
    as_map(found, _KEYS, what=_WHAT, name="a parcel")
    where = Inbox(
        as_uint(found["chain"], 53, what=_WHAT, name="chain"),
        as_bytes(found["contract"], ADDRESS, what=_WHAT, name="contract"),
        as_bytes(found["vault"], 32, what=_WHAT, name="vault"),
        as_bytes(found["grant"], 32, what=_WHAT, name="grant"),
        as_uint(found["number"], 32, what=_WHAT, name="number"),
    )
    if where != inbox:
        raise FormatError(_WHAT, "value", "it is of another inbox, or has another number, than its pointer")
    if as_bytes(found["author"], 32, what=_WHAT, name="author") != author:
        raise FormatError(_WHAT, "value", "its author is not the one on the grantee's card")
    proposals: list[Proposal] = []
    for row in as_list(found["drafts"], what=_WHAT, name="drafts"):
        proposal, draft, signature = as_list(row, 3, what=_WHAT, name="a proposal")
        proposals.append(
            Proposal(
                as_bytes(proposal, PROPOSAL, what=_WHAT, name="a proposal's id"),
                read_draft(draft, what=_WHAT),
                as_bytes(signature, SIGNATURE, what=_WHAT, name="signature"),
            )
        )
    if not proposals:
        raise FormatError(_WHAT, "count", "no draft in it")
    if len({proposal.id for proposal in proposals}) < len(proposals):
        raise FormatError(_WHAT, "duplicate", "a proposal stands twice")
    for one in proposals:
        verify(author, _message(inbox, one.id, one.draft), one.signature)
    return Parcel(inbox, author, tuple(proposals))
