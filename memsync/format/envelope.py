"""Envelopes: what a granter gives one grantee, in a box of 4 KiB that only the grantee's key opens (``docs/format.md`` §8).

In go a grant's terms and keys; out comes a block whose digest the link names and whose grant salt the chain binds. Back, the vault's id is
recomputed from chain, contract, owner and nonce and must be the link's, so an envelope can't be of another vault than the link says. That
the grant *stands* is for the chain to say, under the id that :meth:`Envelope.grant_id` gives; an envelope that was never granted is paper.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from memsync.crypto.epochs import ContentKey, EpochKey
from memsync.crypto.hpke import OVERHEAD, PUBLIC, HybridKey, open_box, seal_box
from memsync.crypto.pairwise import PairwiseSecret
from memsync.crypto.sealing import ZERO16, Kind, aad
from memsync.crypto.secp256k1 import ADDRESS, vault_id
from memsync.errors import FormatError, InputError
from memsync.format.block import Block, check_digest
from memsync.format.fields import as_bytes, as_list, as_map, as_uint, check_version
from memsync.format.link import Link
from memsync.format.names import read_name
from memsync.format.places import read_places
from memsync.format.proofread import proofread
from memsync.format.rights import READ, WRITE, read_rights, read_times
from memsync.ipld.dagcbor import Encodable, Value, decode, encode

SIZE: Final = 4096
"""Bytes of an envelope's block; its terms may take 2,956."""

_WHAT: Final = "envelope"
_FROM_NOW_ON, _WITH_HISTORY = range(2)
_KEYS: Final = frozenset(
    {
        "v",
        "chain",
        "contract",
        "owner",
        "nonce",
        "generation",
        "request",
        "rights",
        "start",
        "end",
        "scope",
        "secret",
        "box",
        "places",
        "pointer",
        "key",
    }
)


@dataclass(frozen=True, slots=True)
class PointerKey:
    """pointerKey k (32 bytes) with its number."""

    number: int
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A grant's terms and keys.

    ``chain_id``, ``contract`` (20 bytes), ``owner`` (address, 20) and ``nonce`` give the vault's id; ``generation`` is the lowest that a
    root may be of; ``request`` the grantee's nonce (16), None when unsolicited; ``rights``, ``start``, ``end`` as on chain; ``scope``
    id (16) and name; ``secret`` of this grant. To read: ``pointer`` and ``key`` (an epoch key: with history; a content key: from now
    on). To write: ``box``, the letter box's public key (1,216).
    """

    chain_id: int
    contract: bytes
    owner: bytes
    nonce: int = 0
    generation: int
    request: bytes | None
    rights: int
    start: int
    end: int
    scope: bytes
    scope_name: str
    secret: PairwiseSecret
    places: tuple[str, ...] = ()
    box: bytes | None = field(default=None, repr=False)
    pointer: PointerKey | None = None
    key: ContentKey | EpochKey | None = None

    @property
    def vault(self) -> bytes:
        """The vault's id, 32 bytes."""
        return vault_id(self.chain_id, self.contract, self.owner, self.nonce)

    def grant_id(self, digest: bytes) -> bytes:
        """The grant's id on chain, 32 bytes, from the digest of the block that these terms came in."""
        return self.secret.grant_id(self.vault, self.scope, digest)


def seal_envelope(envelope: Envelope, box: bytes) -> Block:
    """Box the terms to the grantee's public key (1,216 bytes).

    ``InputError`` for terms that can't be read back or that are longer than 2,956 bytes: then name fewer places.
    """
    plaintext = encode(_value(envelope))
    if proofread(lambda: _read(plaintext)) != envelope:
        raise InputError("the terms of an envelope are texts, bytes and numbers")
    return Block.of(seal_box(box, _place(envelope.vault), plaintext, room=SIZE - OVERHEAD))


def read_envelope(data: bytes, link: Link, key: HybridKey) -> Envelope:
    """Open the envelope that a link names.

    Raises ``FormatError("envelope", fault)``: ``hash`` (not the bytes that the link names), ``size``, ``key`` (not boxed to this key, or
    altered), ``padding`` …, ``version``, ``missing``, ``key``, ``type``, ``length``, ``value`` (another vault than the link's, rights
    and keys that don't fit each other, times, a place), ``count``, ``duplicate``.
    """
    check_digest(data, link.envelope, what=_WHAT)
    if len(data) != SIZE:
        raise FormatError(_WHAT, "size", f"{len(data)} bytes instead of {SIZE}")
    envelope = _read(open_box(key, _place(link.vault), data, what=_WHAT))
    if (envelope.chain_id, envelope.contract) != (
        link.chain_id,
        link.contract,
    ) or envelope.vault != link.vault:
        raise FormatError(_WHAT, "value", "it is of another vault than its link")
    return envelope


def _place(vault: bytes) -> bytes:
    return aad(vault, ZERO16, ZERO16, Kind.ENVELOPE, ZERO16)


def _value(envelope: Envelope) -> dict[str, Encodable]:
    pointer, key = envelope.pointer, envelope.key
    kind = _WITH_HISTORY if isinstance(key, EpochKey) else _FROM_NOW_ON
    return {
        "v": 1,
        "chain": envelope.chain_id,
        "contract": envelope.contract,
        "owner": envelope.owner,
        "nonce": envelope.nonce,
        "generation": envelope.generation,
        "request": envelope.request,
        "rights": envelope.rights,
        "start": envelope.start,
        "end": envelope.end,
        "scope": [envelope.scope, envelope.scope_name],
        "secret": envelope.secret.secret,
        "box": envelope.box,
        "places": envelope.places,
        "pointer": None if pointer is None else [pointer.number, pointer.secret],
        "key": None if key is None else [kind, key.number, key.secret],
    }


def _read(plaintext: bytes) -> Envelope:
    found = as_map(decode(plaintext, what=_WHAT), what=_WHAT, name="an envelope")
    check_version(found.get("v"), what=_WHAT)
    as_map(found, _KEYS, what=_WHAT, name="an envelope")
    chain_id = _uint(found["chain"], 53, "chain")
    if not chain_id:
        raise FormatError(_WHAT, "value", "a chain id is above 0")
    start, end = read_times(found["start"], found["end"], what=_WHAT)
    scope, scope_name = as_list(found["scope"], 2, what=_WHAT, name="scope")
    request, box = found["request"], found["box"]
    envelope = Envelope(
        chain_id=chain_id,
        contract=_bytes(found["contract"], ADDRESS, "contract"),
        owner=_bytes(found["owner"], ADDRESS, "owner"),
        nonce=_uint(found["nonce"], 53, "nonce"),
        generation=_uint(found["generation"], 32, "generation"),
        request=None if request is None else _bytes(request, 16, "request"),
        rights=read_rights(found["rights"], what=_WHAT),
        start=start,
        end=end,
        scope=_bytes(scope, 16, "a scope's id"),
        scope_name=read_name(scope_name, what=_WHAT),
        secret=PairwiseSecret(_bytes(found["secret"], 32, "secret")),
        places=read_places(as_list(found["places"], what=_WHAT, name="places"), what=_WHAT),
        box=None if box is None else _bytes(box, PUBLIC, "box"),
        pointer=_read_pointer(found["pointer"]),
        key=_read_key(found["key"]),
    )
    for name, right in (("pointer", READ), ("key", READ), ("box", WRITE)):
        if (found[name] is not None) != bool(envelope.rights & right):
            raise FormatError(_WHAT, "value", f"{name} and the rights don't fit each other")
    return envelope


def _read_pointer(value: Value) -> PointerKey | None:
    if value is None:
        return None
    number, secret = as_list(value, 2, what=_WHAT, name="pointer")
    return PointerKey(_uint(number, 32, "k"), _bytes(secret, 32, "a pointer key"))


def _read_key(value: Value) -> ContentKey | EpochKey | None:
    if value is None:
        return None
    kind, number, secret = as_list(value, 3, what=_WHAT, name="key")
    epoch, key = _uint(number, 32, "an epoch's number"), _bytes(secret, 32, "an epoch's key")
    if _uint(kind, 8, "kind of key") > _WITH_HISTORY:
        raise FormatError(_WHAT, "value", "a key is of kind 0, from now on, or 1, with history")
    return ContentKey(epoch, key) if kind == _FROM_NOW_ON else EpochKey(epoch, key)


def _uint(value: Value, bits: int, name: str) -> int:
    return as_uint(value, bits, what=_WHAT, name=name)


def _bytes(value: Value, length: int, name: str) -> bytes:
    return as_bytes(value, length, what=_WHAT, name=name)
