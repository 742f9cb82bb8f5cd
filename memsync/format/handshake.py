"""How two devices that stand before one person know, over a wire that anybody may hold, that nobody stands between them
(``docs/format.md`` §11).

A short authentication string by commit-then-reveal: the joining device commits to its request and a nonce before it sees the adding
device's one-time key, and reveals them, boxed to that key, after. Both then have one code of seven digits, made from all that passed, for
the person to carry from one screen to the other. In go bytes and what the person typed, out come frames; no wire is touched.

Who stands between must fix all that is his on each side before the last random bytes of that side's device are known to him, so whatever he
does the two codes are equal with a chance of 1 in 10^7 (S. Vaudenay, "Secure Communications over Insecure Channels Based on Short
Authenticated Strings", CRYPTO 2005; the same hash commitment is in ZRTP, RFC 6189 §4.4.1.1, and in Bluetooth's numeric comparison). Without
the commitment he would try a few million nonces until the codes agree. The chance is for each attempt, so that one that was begun
is the last: see ``memsync.vault.pairing``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from memsync.crypto.hpke import OVERHEAD, PUBLIC, HybridKey, open_box, seal_box
from memsync.crypto.kdf import derive, equal, mac
from memsync.crypto.randomness import Random, system_random
from memsync.crypto.tree import DeviceKey
from memsync.errors import FormatError
from memsync.format.pairing import Request, read_request, write_request
from memsync.ipld.dagcbor import encode

HEAD: Final = 8
"""Bytes before a frame's body: ``"memsync"`` and a byte for its kind."""
DIGITS: Final = 7
ROOM: Final = 4096

_MAGIC: Final = b"memsync"
_WHAT: Final = "pairing"
_AGAIN: Final = "start again on both devices"
_NONCE: Final = 32


class Kind(IntEnum):
    """What a frame is, in the order in which they pass: ``>`` from the joining device, ``<`` from the adding one."""

    COMMIT = 1  # > the commitment
    KEY = 2  # < a one-time public key
    REVEAL = 3  # > nonce and request, boxed to it
    EQUAL = 4  # < the person typed the right code here
    AGREED = 5  # > and says so there
    ANSWER = 6  # < the vault's keys
    TAKEN = 7  # > they are kept
    STOP = 8  # either, instead of any: why


class Why(IntEnum):
    """Why a device ends a pairing; told in the clear and unsigned, so it is a hint for the person and nothing else."""

    DIFFERENT = 1
    REFUSED = 2


SIZES: Final = {
    Kind.COMMIT: 32,
    Kind.KEY: PUBLIC,
    Kind.REVEAL: OVERHEAD + ROOM,
    Kind.EQUAL: 32,
    Kind.AGREED: 32,
    Kind.ANSWER: OVERHEAD + ROOM,
    Kind.TAKEN: 32,
    Kind.STOP: 1,
}
"""A frame's body has this many bytes, by its kind, whatever is in it."""


def write_frame(kind: Kind, body: bytes) -> bytes:
    """A frame, as it is sent."""
    if len(body) != SIZES[kind]:
        raise FormatError(_WHAT, "size", f"{kind.name} has {SIZES[kind]} bytes, not {len(body)}")
    return _MAGIC + bytes([kind]) + body


def read_head(head: bytes, wanted: Kind) -> Kind:
    """The kind of the frame whose first ``HEAD`` bytes these are: ``wanted`` or STOP.

    ``FormatError("pairing", "type")`` for bytes of something else, another kind included.
    """
    if len(head) != HEAD or not head.startswith(_MAGIC):
        raise FormatError(_WHAT, "type", f"what came is not from a device that pairs; {_AGAIN}")
    for kind in (wanted, Kind.STOP):
        if head[-1] == kind:
            return kind
    raise FormatError(_WHAT, "type", f"a frame of kind {head[-1]} instead of {wanted.name}; {_AGAIN}")


def shown_code(code: str) -> str:
    """The code in groups, as a screen shows it."""
    return f"{code[:3]} {code[3:]}"


def same_code(typed: str, code: str) -> bool:
    """Whether a person typed this code, with whatever spaces and hyphens."""
    return equal("".join(typed.replace("-", " ").split()).encode(errors="replace"), code.encode())


@dataclass(frozen=True, slots=True)
class Session:
    """What both sides know once the request is revealed. ``secret`` (32 bytes) is made from all that passed, and from the nonce,
    which only the two ends have: what is bound to it comes from the other end of this very pairing."""

    secret: bytes = field(repr=False)

    @property
    def code(self) -> str:
        """Seven digits, 23 bits, for the person; they tell nothing of the secret."""
        return (
            f"{int.from_bytes(derive(self.secret, 'pairing code', length=16), 'big') % 10**DIGITS:0{DIGITS}}"
        )

    def proof(self, kind: Kind) -> bytes:
        """The body (32 bytes) of a frame that says only that it is said: EQUAL, AGREED, TAKEN."""
        return mac(self.secret, "pairing", kind.name)

    def check_proof(self, kind: Kind, body: bytes) -> None:
        """``FormatError("pairing", "key")`` unless the other end said so."""
        if not equal(body, self.proof(kind)):
            raise FormatError(
                _WHAT, "key", f"{kind.name} is not from the other end of this pairing; {_AGAIN}"
            )

    @property
    def place(self) -> bytes:
        """What the box of the answer is bound to."""
        return encode(["memsync/v1", "pairing answer", self.secret])


class Joiner:
    """The joining device's part: :attr:`commitment`, then :meth:`reveal`, then, when the person said yes, :meth:`open`."""

    def __init__(self, request: Request, device: DeviceKey, *, random: Random = system_random) -> None:
        self._request, self._device = write_request(request), device
        self._nonce = random(_NONCE)
        self.commitment = _commitment(self._nonce, self._request)
        """The body of COMMIT."""

    def reveal(self, public: bytes) -> tuple[bytes, Session]:
        """The body of REVEAL, for the adding device's one-time key. ``FormatError("public key")`` for what is none."""
        box = seal_box(public, _place(self.commitment), self._nonce + self._request, room=ROOM)
        return box, _session(self.commitment, public, self._nonce, self._request)

    def open(self, session: Session, body: bytes) -> bytes:
        """The answer (``memsync.format.pairing``) in an ANSWER. ``FormatError("pairing", "key")`` if another sent it."""
        return open_box(self._device.box(), session.place, body, what=_WHAT)


class Adder:
    """The adding device's part: :attr:`public`, then :meth:`meet`, then, when the codes were found equal, :meth:`seal`."""

    def __init__(self, commitment: bytes, *, random: Random = system_random) -> None:
        self._commitment, self._key = commitment, HybridKey.generate(random=random)

    @property
    def public(self) -> bytes:
        """The body of KEY."""
        return self._key.public

    def meet(self, body: bytes) -> tuple[Request, Session]:
        """Who asks, from REVEAL. ``FormatError("pairing", "key" | "hash")`` for a box to another key, or something else than
        was committed to; what ``read_request`` raises."""
        plaintext = open_box(self._key, _place(self._commitment), body, what=_WHAT)
        nonce, request = plaintext[:_NONCE], plaintext[_NONCE:]
        if not equal(self._commitment, _commitment(nonce, request)):
            raise FormatError(_WHAT, "hash", f"it reveals something else than it had committed to; {_AGAIN}")
        return read_request(request), _session(self._commitment, self.public, nonce, request)

    @staticmethod
    def seal(request: Request, session: Session, answer: bytes) -> bytes:
        """The body of ANSWER: the answer, boxed once more, to that device and bound to this pairing."""
        return seal_box(request.box, session.place, answer, room=ROOM)


def _place(commitment: bytes) -> bytes:
    return encode(["memsync/v1", "pairing reveal", commitment])


def _commitment(nonce: bytes, request: bytes) -> bytes:
    return mac(nonce, "pairing commitment", request)


def _session(commitment: bytes, public: bytes, nonce: bytes, request: bytes) -> Session:
    return Session(mac(nonce, "pairing session", commitment, public, request))
