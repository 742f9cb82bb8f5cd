"""Who can learn what, found by trying: from some secrets and every public byte, all that the derivations of ``docs/format.md`` lead to.

In go :class:`Public` (all blocks ever stored, all heads, grants and parcels ever on chain) and the secrets that somebody begins with; out
comes a :class:`Thief` who has gone on until nothing new opened. A thief knows no object id, scope or epoch but those that it read in what
it opened. It tries every key at every place that such a key may be used for, with every id that it has seen, on every block. One who is
``told`` knows in addition where everything lies, entries and slots too, tries every secret there as a key, and guesses at derivations
that the format does not have (``guesses``). By what rules, ``opening`` says; what a plaintext teaches, ``lessons``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product

from tests.format.guesses import guess
from tests.format.lessons import Learned, Role, Secret, learn
from tests.format.opening import (
    Place,
    Public,
    be4,
    derived,
    epoch_of,
    may_be_box,
    pointed,
    unbox,
    unseal,
)

ZERO16 = bytes(16)


class Form(StrEnum):
    """How sealed bytes come: as a block, as an entry in a root, as a slot in an access block."""

    BLOCK = "block"
    ENTRY = "entry"
    SLOT = "slot"


@dataclass(frozen=True, slots=True)
class Sealed:
    """Sealed bytes and their SHA-256. ``block``: digest of the block that they are in. ``near``: the object bytes of the root or access
    block around them."""

    digest: bytes
    form: Form
    data: bytes = field(repr=False, compare=False)
    block: bytes = field(compare=False)
    near: bytes = field(default=b"", compare=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """What was opened: the sealed bytes, at which place, with which secret, and what was in them."""

    sealed: Sealed
    place: Place
    by: Secret
    plaintext: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """Where everything is: each sealed thing with its place; every value that was ever a key of one; and every secret of the vault by its
    bytes, to know it when it is met."""

    places: Mapping[Sealed, Place]
    keys: frozenset[bytes]
    secrets: Mapping[bytes, tuple[Secret, ...]]


@dataclass(slots=True)
class Thief:
    """What somebody knows. :meth:`go` makes it all that can be known."""

    public: Public
    told: Told | None = None
    secrets: set[Secret] = field(default_factory=set)
    words: set[bytes] = field(default_factory=set)
    """Values of 32 bytes in what was opened, whatever they are."""
    ids: set[bytes] = field(default_factory=set)
    refs: set[tuple[bytes, bytes]] = field(default_factory=set)
    scopes: set[bytes] = field(default_factory=set)
    seats: set[tuple[bytes, bytes]] = field(default_factory=set)
    """Scope and id of grants."""
    opened: dict[Sealed, Opened] = field(default_factory=dict)
    closed: set[Sealed] = field(default_factory=set)
    _pointed: set[tuple[int, bytes]] = field(default_factory=set)
    _used: set[Secret] = field(default_factory=set)
    _tried: set[tuple[bytes, bytes, Place]] = field(default_factory=set)

    def go(self, start: Iterable[Secret]) -> Thief:
        """Learn on from ``start`` until nothing new comes: first where what is open points to, then everywhere."""
        self.closed |= {Sealed(at, Form.BLOCK, data, at) for at, data in self.public.blocks.items()}
        if self.told is not None:
            self.closed |= self.told.places.keys()
        self.take(start)
        if self.told is None:
            steps = [self._follow, self._try_boxes, self._try_roots, self._try_everywhere]
        else:
            steps = [self._try_where_told, self._guess]
        while True:
            for step in steps:
                before = self._size()
                step()
                if self._size() > before:
                    break
            else:
                return self

    def take(self, secrets: Iterable[Secret]) -> None:
        """Know these, and all that is derived from them."""
        waiting = [one for one in secrets if one not in self.secrets]
        while waiting:
            secret = waiting.pop()
            if secret in self.secrets:
                continue
            self.secrets.add(secret)
            waiting += derived(secret, self.public)

    def all_words(self) -> set[bytes]:
        """Values that may be keys by mistake; public ones only for who has nothing else to try, since others would find the same."""
        return self.words if self.secrets else self.public.words()

    def have(self, *roles: Role) -> list[Secret]:
        return [one for one in self.secrets if one.role in roles]

    def _blocks(self) -> list[Sealed]:
        return [one for one in self.closed if one.form is Form.BLOCK]

    def _size(self) -> tuple[int, ...]:
        return len(self.secrets) + len(self.opened) + len(self.ids) + len(self.refs), len(self._pointed)

    # Where to try

    def _follow(self) -> None:
        """Go where a pointer, a reference or a root already opened leads."""
        for secret in self.have(Role.POINTER, Role.PARCEL):
            self._pointed |= set(pointed(secret, self.public))
        by_digest = {one.digest: one for one in self._blocks()}
        for sequence, digest in self._pointed:
            if digest in by_digest:
                self._try_root(by_digest[digest], range(sequence, sequence + 1))
        for object_id, digest in tuple(self.refs):
            if digest in by_digest:
                self._try_block(by_digest[digest], (object_id,))
        for sealed in [one for one in self.closed if one.form is not Form.BLOCK]:
            self._try_part(sealed, tuple(self.seats))

    def _try_boxes(self) -> None:
        """Every seed on every block, as an envelope and as each parcel."""
        places = [Place("envelope", ZERO16, ZERO16, ZERO16)]
        places += [
            Place("parcel", ZERO16, ZERO16, grant + be4(number))
            for grant, number, _, _ in self.public.parcels
        ]
        for sealed in filter(lambda one: may_be_box(one.data), self._blocks()):
            for secret, place in product(self.have(Role.BOX), places):
                self._try(sealed, place, secret)

    def _try_everywhere(self) -> None:
        """Every key with every id that was seen on every block."""
        seats = list(product(self.scopes, self.public.grants))
        for sealed in tuple(self.closed):
            if sealed.form is Form.BLOCK:
                self._try_block(sealed, tuple(self.ids))
            else:
                self._try_part(sealed, seats)

    def _try_roots(self) -> None:
        """Every root key on every block at every sequence: a root need not have come on chain."""
        for sealed in self._blocks():
            self._try_root(sealed, range(1, len(self.public.heads) + 2))

    def _try_root(self, sealed: Sealed, sequences: Iterable[int]) -> None:
        for secret in self.have(Role.ROOT):
            for sequence in sequences:
                self._try(sealed, Place("root", ZERO16, ZERO16, be4(sequence)), secret)

    def _try_block(self, sealed: Sealed, objects: Iterable[bytes]) -> None:
        """Every key at every place for such a key, with each of ``objects``."""
        for secret in self.have(*_KINDS):
            for object_id in objects:
                for place in self._places(secret, object_id):
                    self._try(sealed, place, secret)

    def _try_part(self, sealed: Sealed, seats: Iterable[tuple[bytes, bytes]]) -> None:
        if sealed.form is Form.ENTRY:
            for secret in self.have(Role.CONTENT):
                self._try(sealed, Place("entry", secret.scope, epoch_of(secret), sealed.near), secret)
        else:
            for secret in self.have(Role.BOX):
                self._try(sealed, Place("slot", ZERO16, ZERO16, sealed.near), secret)
                for scope, grant in seats:
                    self._try(sealed, Place("slot", scope, ZERO16, sealed.near + grant), secret)

    def _places(self, secret: Secret, object_id: bytes) -> Iterator[Place]:
        for kind in _KINDS[secret.role]:
            if kind in ("owner", "access"):
                yield Place(kind, ZERO16, ZERO16, object_id)
                continue
            yield Place(kind, secret.scope, epoch_of(secret), object_id)

    def _try_where_told(self) -> None:
        """Every key, whatever it is for, on everything, at its place; public values if there is none. What never was a key is left out: a
        seal commits to its key, so nothing else opens it."""
        assert self.told is not None
        secrets = [one for one in self.secrets if one.value in self.told.keys or one.role in _SEEDS]
        if not self.secrets:
            secrets = [Secret(Role.UNKNOWN, word) for word in self.all_words()]
        new = [one for one in secrets if one not in self._used]
        self._used.update(new)
        for sealed in self.closed & self.told.places.keys():
            place = self.told.places[sealed]
            for secret in new:
                if place.kind not in _BOXED or secret.role in _SEEDS:
                    self._try(sealed, place, secret)

    def _guess(self) -> None:
        assert self.told is not None
        self.take(guess(self.secrets, self.all_words(), self.public.vault, self.told.secrets))

    # Trying

    def _try(self, sealed: Sealed, place: Place, secret: Secret) -> None:
        if sealed in self.opened:
            return
        attempt = secret.value, sealed.digest, place
        if attempt in self._tried:
            return
        self._tried.add(attempt)
        opener = unbox if place.kind in _BOXED else unseal
        plaintext = opener(secret.value, self.public.vault, place, sealed.data)
        if plaintext is not None:
            self._keep(Opened(sealed, place, secret, plaintext))

    def _keep(self, opened: Opened) -> None:
        self.opened[opened.sealed] = opened
        self.closed.discard(opened.sealed)
        place = opened.place
        found: Learned = learn(place.kind, place.scope, opened.plaintext)
        self.ids |= found.ids
        self.refs |= found.refs
        self.words |= found.words - self.public.blocks.keys()
        self.scopes |= found.scopes
        self.seats |= found.seats
        block = opened.sealed.block
        self.closed |= {
            one for one in (part_of(part, place, block) for part in found.parts) if one not in self.opened
        }
        self.take(found.secrets)


_SEEDS = (Role.BOX, Role.SEED, Role.GENERATION)
_BOXED = frozenset({"slot", "envelope", "parcel"})
_KINDS = {
    Role.OWNER: ("owner",),
    Role.ACCESS: ("access",),
    Role.CONTENT: ("catalog", "segment"),
    Role.HISTORY: ("lockbox",),
    Role.SINCE: ("since",),
}
"""Kinds of blocks that each key seals, but the root."""


def part_of(data: bytes, around: Place, block: bytes) -> Sealed:
    """An entry or slot within the block that was opened at the place ``around``."""
    form = Form.ENTRY if around.kind == "root" else Form.SLOT
    return Sealed(hashlib.sha256(data).digest(), form, data, block, around.object)
