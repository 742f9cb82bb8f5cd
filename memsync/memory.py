"""What MemSync keeps: a memory, the tombstone of a forgotten one, and the draft of a proposed one. Plain values.

A memory has an ``id`` that stays and a ``version`` that each edit makes anew, both UUIDv7 (RFC 9562). Times are Unix milliseconds and
may be negative. A text is kept verbatim: nothing is trimmed, folded or normalised. A value that breaks a rule of ``docs/format.md`` §4
can't be made: :class:`InvalidMemory` says which. Encoding is in ``memsync.format.records``; no clock and no random source is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal, TypeAlias, TypeVar, get_args

from memsync.errors import InputError

MemoryKind: TypeAlias = Literal["semantic", "episodic", "procedural"]
KINDS: Final[tuple[MemoryKind, ...]] = get_args(MemoryKind)
SECRET_TAG: Final = "secret"  # noqa: S105 the tag's name
"""The tag of a memory that holds a secret; what kind, after a colon: ``secret:card``."""
MAX_TEXT: Final = 128 * 1024
"""Bytes of UTF-8 that a text may have."""
SOURCE_KEYS: Final = ("tool", "conversation", "title", "turn", "part", "role", "model")
IDENTITY_KEYS: Final = frozenset({"id", "version", "replaces", "author", "proof"})
CONTENT_KEYS: Final = frozenset(
    {"kind", "text", "created", "tags", "source", "happened", "valid_from", "valid_until", "supersedes"}
)
KNOWN_KEYS: Final = IDENTITY_KEYS | CONTENT_KEYS | {"forgotten"}
"""Keys with a meaning here; ``unknown`` holds none of them. ``forgotten`` makes a map a tombstone."""

_MS_LIMIT: Final = 1 << 53
_T = TypeVar("_T", str, bytes)


class InvalidMemory(InputError):
    """A value that breaks a rule of memories; ``fault`` is the word that a ``FormatError`` would carry."""

    def __init__(self, fault: str, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a memory came from; at least one is given, none is empty.

    ``conversation`` groups, ``title`` is what a person recognises it by; ``part`` ("2/3") is a piece of a message that was cut.
    """

    tool: str | None = None
    conversation: str | None = None
    title: str | None = None
    turn: str | None = None
    part: str | None = None
    role: str | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        fields = (self.tool, self.conversation, self.title, self.turn, self.part, self.role, self.model)
        given = [text for text in fields if text is not None]
        if not given:
            raise InvalidMemory("missing", f"a source names at least one of {', '.join(SOURCE_KEYS)}")
        for text in given:
            _check_text(text, "a source's field")


@dataclass(frozen=True, slots=True)
class Proof:
    """That the author proposed this memory: Ed25519 ``signature`` (64 bytes) over proposal ``proposal`` (16) in parcel number
    ``parcel`` (u32) of grant ``grant`` (32)."""

    grant: bytes
    parcel: int
    proposal: bytes
    signature: bytes

    def __post_init__(self) -> None:
        for name, value, length in (
            ("grant", self.grant, 32),
            ("proposal", self.proposal, 16),
            ("signature", self.signature, 64),
        ):
            _check_bytes(value, length, f"a proof's {name}")
        if not 0 <= self.parcel < 1 << 32:
            raise InvalidMemory("value", "a proof's parcel number is below 2^32")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A memory before anyone has taken it in: no id, no version, no author."""

    kind: MemoryKind
    text: str
    created: int
    tags: tuple[str, ...] = ()
    source: Source | None = None
    happened: int | None = None
    valid_from: int | None = None
    valid_until: int | None = None
    supersedes: tuple[bytes, ...] = ()
    unknown: Mapping[str, object] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _check_content(self)

    def accepted(
        self, memory_id: bytes, version: bytes, *, author: bytes | None = None, proof: Proof | None = None
    ) -> Memory:
        """This draft as a memory, with an id and a version (16 bytes each) of its own."""
        return Memory(
            id=memory_id,
            version=version,
            kind=self.kind,
            text=self.text,
            created=self.created,
            tags=self.tags,
            source=self.source,
            happened=self.happened,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            supersedes=self.supersedes,
            author=author,
            proof=proof,
            unknown=self.unknown,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """One version of one memory.

    ``id`` and ``version`` 16 bytes each; ``created``, ``happened``, ``valid_from``, ``valid_until`` in ms; ``tags`` and ``supersedes``
    (ids of 16 bytes) and ``replaces`` (the versions that this edit puts an end to) sorted and unique; ``author`` the Ed25519 key
    (32 bytes) of the tool that proposed it, with its ``proof``, or neither; ``unknown`` keys of later versions, kept as they came.
    """

    id: bytes
    version: bytes
    kind: MemoryKind
    text: str
    created: int
    tags: tuple[str, ...] = ()
    source: Source | None = None
    happened: int | None = None
    valid_from: int | None = None
    valid_until: int | None = None
    supersedes: tuple[bytes, ...] = ()
    replaces: tuple[bytes, ...] = ()
    author: bytes | None = None
    proof: Proof | None = None
    unknown: Mapping[str, object] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        _check_id(self.id, "id")
        _check_id(self.version, "version")
        _check_content(self)
        for other in self.replaces:
            _check_bytes(other, 16, "a version in replaces")
        _check_sorted(self.replaces, "replaces")
        if self.version in self.replaces:
            raise InvalidMemory("value", "a version can't replace itself")
        if (self.author is None) != (self.proof is None):
            raise InvalidMemory("missing", "an author and a proof come together")
        if self.author is not None:
            _check_bytes(self.author, 32, "an author's key")

    @property
    def when(self) -> int:
        """The time in ms by which it is found: when it happened, else when it was written down."""
        return self.created if self.happened is None else self.happened

    def draft(self) -> Draft:
        """What was proposed: the memory without id, version, replaces, author and proof."""
        return Draft(**{name: getattr(self, name) for name in _CONTENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """Kills the memory ``id`` with all its versions, for ever. ``forgotten`` in ms."""

    id: bytes
    version: bytes
    forgotten: int

    def __post_init__(self) -> None:
        _check_id(self.id, "id")
        _check_id(self.version, "version")
        _check_ms(self.forgotten, "forgotten")

    @property
    def author(self) -> None:
        """Only the owner forgets."""
        return

    @property
    def when(self) -> int:
        """The time in ms by which it is found."""
        return self.forgotten


_CONTENT: Final = (*sorted(CONTENT_KEYS), "unknown")


def new_id(ms: int, random: Callable[[int], bytes]) -> bytes:
    """A UUIDv7 (RFC 9562 §5.7): 48 bits of ``ms`` (not negative), then 74 random bits about version and variant."""
    if not 0 <= ms < 1 << 48:
        raise InputError("a UUIDv7 carries a time between 1970 and the year 10889")
    tail = int.from_bytes(random(10), "big")
    bits = ms << 80 | 7 << 76 | (tail >> 62 & 0xFFF) << 64 | 2 << 62 | tail & (1 << 62) - 1
    return bits.to_bytes(16, "big")


def _check_content(value: Draft | Memory) -> None:
    if value.kind not in KINDS:
        raise InvalidMemory("value", f"kind is one of {', '.join(KINDS)}")
    _check_text(value.text, "text")
    if len(value.text) > MAX_TEXT or len(value.text.encode()) > MAX_TEXT:
        raise InvalidMemory("size", f"text has more than {MAX_TEXT} bytes")
    _check_ms(value.created, "created")
    if value.happened is not None:
        _check_ms(value.happened, "happened")
    if value.valid_from is not None:
        _check_ms(value.valid_from, "valid_from")
    if value.valid_until is not None:
        _check_ms(value.valid_until, "valid_until")
    if value.tags:
        for tag in value.tags:
            _check_text(tag, "a tag")
        _check_sorted(value.tags, "tags")
    if value.supersedes:
        for other in value.supersedes:
            _check_bytes(other, 16, "an id in supersedes")
        _check_sorted(value.supersedes, "supersedes")
    if value.unknown and not KNOWN_KEYS.isdisjoint(value.unknown):
        raise InvalidMemory("key", "a key with a meaning stands among the unknown ones")


def _check_text(value: str, name: str) -> None:
    if type(value) is not str:
        raise InvalidMemory("type", f"{name} is not a text")
    if not value:
        raise InvalidMemory("size", f"{name} is empty")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidMemory("encoding", f"{name} has a lone surrogate, which no UTF-8 has") from None


def _check_bytes(value: bytes, length: int, name: str) -> None:
    if type(value) is not bytes:
        raise InvalidMemory("type", f"{name} is not a byte string")
    if len(value) != length:
        raise InvalidMemory("length", f"{name} has {len(value)} bytes instead of {length}")


def _check_id(value: bytes, name: str) -> None:
    _check_bytes(value, 16, name)
    if value[6] >> 4 != 7 or value[8] >> 6 != 2:
        raise InvalidMemory("value", f"{name} is not a UUIDv7")


def _check_ms(value: int, name: str) -> None:
    if type(value) is not int:
        raise InvalidMemory("type", f"{name} is not an integer")
    if not -_MS_LIMIT < value < _MS_LIMIT:
        raise InvalidMemory("value", f"{name} is not within 2^53 milliseconds of 1970")


def _check_sorted(values: tuple[_T, ...], name: str) -> None:
    # Texts compare by code point, which is the order of their UTF-8 bytes.
    for left, right in pairwise(values):
        if left >= right:
            raise InvalidMemory(
                "duplicate" if left == right else "order", f"{name} are sorted by their bytes and unique"
            )
