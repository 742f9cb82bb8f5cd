"""Writing down what the code seals while it seals: where each block, entry and slot lies, and under which key.

In go calls to ``memsync``'s sealing, watched and passed on; out comes a record by the digest of what was sealed. So a thief can be told the
truth about a life without the thief's own rules having found it, and still be told it when the code breaks those rules.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from memsync.crypto import sealing
from memsync.format import access, envelope, parcel
from memsync.ipld.dagcbor import decode
from tests.format.opening import Place


@dataclass(frozen=True, slots=True)
class Written:
    """Where something was sealed; the key unless it was boxed, and what was in it."""

    place: Place
    key: bytes | None
    plaintext: bytes


Record = dict[bytes, Written]
"""By SHA-256 of what was sealed."""


@contextmanager
def writing() -> Iterator[Record]:
    """All that is sealed while this is open."""
    record: Record = {}
    seal, box = sealing._seal, access.seal_box

    def note(data: bytes, aad: bytes, key: bytes | None, plaintext: bytes) -> bytes:
        named = decode(aad)
        if len(named) == len(("memsync/v1", "vault", *Place._fields)):
            _, _, scope, epoch, kind, object_id = named
            place = Place(kind, scope, epoch, object_id)
            record[hashlib.sha256(data).digest()] = Written(place, key, plaintext)
        return data

    def watched_seal(key: bytes, aad: bytes, plaintext: bytes, *rest: object) -> bytes:
        return note(seal(key, aad, plaintext, *rest), aad, key, plaintext)

    def watched_box(public: bytes, aad: bytes, plaintext: bytes, **room: int) -> bytes:
        return note(box(public, aad, plaintext, **room), aad, None, plaintext)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sealing, "_seal", watched_seal)
        for module in (access, envelope, parcel):
            patch.setattr(module, "seal_box", watched_box)
        yield record
