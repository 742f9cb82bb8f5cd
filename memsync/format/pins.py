"""Pins: the clear list of live blocks that a pinning provider is given, so that it keeps them (``docs/format.md`` §8).

In go digests, out comes one ``dag-cbor`` block: CIDs (tag 42, codec ``raw``) sorted by digest, each once. It says how many blocks a vault
has and which; it is never on chain, and a vault is whole without it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from memsync.errors import FormatError
from memsync.format.fields import as_list
from memsync.format.proofread import proofread
from memsync.ipld.cid import CID, DAG_CBOR, RAW
from memsync.ipld.dagcbor import decode, encode

_WHAT: Final = "pins"


def build_pins(digests: Iterable[bytes]) -> tuple[CID, bytes]:
    """The list of the raw blocks with these digests (32 bytes each), with its own CID. Given twice is listed once."""
    data = encode([CID(RAW, digest) for digest in sorted(set(digests))])
    proofread(lambda: _read(data))
    return CID.of(data, DAG_CBOR), data


def read_pins(data: bytes, cid: CID) -> tuple[bytes, ...]:
    """The digests listed in the block that ``cid`` names.

    Raises ``FormatError("pins", fault)``: ``hash``, ``type`` (no list of raw CIDs), ``order``, ``duplicate``, or what is wrong with the
    DAG-CBOR.
    """
    if cid.codec != DAG_CBOR:
        raise FormatError(_WHAT, "type", "the CID of pins is of codec dag-cbor")
    if CID.of(data, DAG_CBOR) != cid:
        raise FormatError(_WHAT, "hash", "the bytes fetched are not those that the CID names")
    return _read(data)


def _read(data: bytes) -> tuple[bytes, ...]:
    digests: list[bytes] = []
    for item in as_list(decode(data, what=_WHAT), what=_WHAT, name="pins"):
        if not isinstance(item, CID) or item.codec != RAW:
            raise FormatError(_WHAT, "type", "a pin is the CID of a raw block")
        if digests and item.digest <= digests[-1]:
            fault = "duplicate" if item.digest == digests[-1] else "order"
            raise FormatError(_WHAT, fault, "pins are sorted by digest and unique")
        digests.append(item.digest)
    return tuple(digests)
