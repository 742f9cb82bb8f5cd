"""Memories as maps, records around them, and the witness leaf of each (``docs/format.md`` §4).

In comes a ``Memory``, a ``Tombstone`` or a ``Draft``; out go the DAG-CBOR map and its bytes, and back, strictly: a key that must not be
empty is absent or full, known keys have their types, unknown ones come back byte for byte. Grouping and sealing are in ``segment``.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from memsync.errors import FormatError, InputError
from memsync.format.fields import as_bytes, as_list, as_map, as_ms, as_uint
from memsync.ipld.dagcbor import Encodable, Value, decode, encode
from memsync.memory import (
    CONTENT_KEYS,
    IDENTITY_KEYS,
    KNOWN_KEYS,
    SOURCE_KEYS,
    Draft,
    InvalidMemory,
    Memory,
    Proof,
    Source,
    Tombstone,
)

MAX_MEMORY: Final = 192 * 1024
"""Bytes that the map of one memory or draft may have: so that every memory fits in a segment and a parcel."""

Kept: TypeAlias = Memory | Tombstone

_T = TypeVar("_T")
_PLAIN: Final = ("kind", "text", "created", "happened", "valid_from", "valid_until")
_REQUIRED: Final = frozenset({"kind", "text", "created"})
_IDENTITY: Final = frozenset({"id", "version"})
_TOMBSTONE: Final = ("id", "version", "forgotten")
_ID: Final = b"\x62id\x50"
_VERSION: Final = b"\x67version\x50"


@dataclass(frozen=True, slots=True)
class Record:
    """A memory or tombstone in a segment; ``batch`` is the sequence of the root that first attached it, 0: the one that attaches its
    segment; ``salt`` (16 bytes) keeps its witness leaf from being guessed."""

    batch: int
    salt: bytes
    memory: Kept

    def __post_init__(self) -> None:
        if not 0 <= self.batch < 1 << 32 or len(self.salt) != 16:
            raise InputError("a record has a batch below 2^32 and a salt of 16 bytes")

    def leaf(self) -> bytes:
        """The witness leaf, 32 bytes."""
        return witness_leaf(self.salt, encode_memory(self.memory))


@dataclass(frozen=True, slots=True)
class EncodedRecord:
    """A record as a segment takes it in: its bytes, its witness leaf, how many items of DAG-CBOR it is, the memory's id and version, its
    author and its time (ms), whether the record is new, of batch 0, and whether it is a memory's, no tombstone's."""

    data: bytes
    leaf: bytes
    items: int
    identity: tuple[bytes, bytes]
    author: bytes | None
    when: int
    is_new: bool
    is_memory: bool

    @classmethod
    def of(cls, record: Record) -> EncodedRecord:
        """What a record is in bytes; ``InvalidMemory`` above 192 KiB."""
        memory = record.memory
        identity = (memory.id, memory.version)
        return cls(
            *encode_record(record),
            identity,
            memory.author,
            memory.when,
            is_new=record.batch == 0,
            is_memory=isinstance(memory, Memory),
        )

    @classmethod
    def of_new(cls, salt: bytes, memory: bytes, *, what: str = "memory") -> EncodedRecord:
        """A new record of a memory or tombstone that ``encode_memory`` wrote, without encoding it anew; ``FormatError(what, …)``."""
        value = as_map(decode(memory, what=what), what=what, name="a memory")
        _need(value, _IDENTITY, what)
        if not value.keys() <= KNOWN_KEYS:
            encode([[value]])  # as in encode_record
        when = value.get("forgotten", value.get("happened", value.get("created")))
        author = value.get("author")
        return cls(
            b"\x83\x00\x50" + salt + memory,
            witness_leaf(salt, memory),
            3 + _count_items(value),
            (
                as_bytes(value["id"], 16, what=what, name="id"),
                as_bytes(value["version"], 16, what=what, name="version"),
            ),
            None if author is None else as_bytes(author, 32, what=what, name="author"),
            as_ms(when, what=what, name="a time"),
            is_new=True,
            is_memory="forgotten" not in value,
        )


def witness_leaf(salt: bytes, memory: bytes) -> bytes:
    """H(memory salt | cbor(memory or tombstone)), 32 bytes."""
    return hashlib.sha256(salt + memory).digest()


def memory_value(memory: Kept) -> dict[str, Encodable]:
    """The map of a memory or tombstone."""
    if isinstance(memory, Tombstone):
        return {"id": memory.id, "version": memory.version, "forgotten": memory.forgotten}
    value = _content_value(memory)
    value["id"] = memory.id
    value["version"] = memory.version
    if memory.replaces:
        value["replaces"] = memory.replaces
    if memory.author is not None and (proof := memory.proof) is not None:
        value["author"] = memory.author
        value["proof"] = [proof.grant, proof.parcel, proof.proposal, proof.signature]
    return value


def draft_value(draft: Draft) -> dict[str, Encodable]:
    """The map of a draft: a memory's without what only an accepted one has."""
    value = _content_value(draft)
    _encode_value(value)
    return value


def encode_memory(memory: Kept) -> bytes:
    """cbor of the map; ``InvalidMemory`` above 192 KiB."""
    return _encode_value(memory_value(memory))


def encode_record(record: Record) -> tuple[bytes, bytes, int]:
    """cbor([batch, salt, memory]), the witness leaf, and how many items of DAG-CBOR the record is; encoded once for all three."""
    value = memory_value(record.memory)
    memory = _encode_value(value)
    if isinstance(record.memory, Memory) and record.memory.unknown:
        encode([[value]])  # refuses what would be too deep where a stream holds it
    data = b"\x83" + encode(record.batch) + b"\x50" + record.salt + memory
    return data, witness_leaf(record.salt, memory), 3 + _count_items(value)


def read_memory(value: Value, *, what: str = "memory") -> Kept:
    """The memory or tombstone of a decoded map; ``FormatError(what, …)`` for anything else."""
    found = as_map(value, what=what, name="a memory")
    if "forgotten" in found:
        as_map(found, _TOMBSTONE, what=what, name="a tombstone")
        arguments: dict[str, Any] = found
        return _made(Tombstone, arguments, what)
    arguments = _content(found, what)
    _need(found, _IDENTITY, what)
    arguments["id"] = found["id"]
    arguments["version"] = found["version"]
    if "replaces" in found:
        arguments["replaces"] = _filled_list(found["replaces"], what, "replaces")
    if "author" in found:
        arguments["author"] = as_bytes(found["author"], 32, what=what, name="author")
    if "proof" in found:
        arguments["proof"] = _read_proof(found["proof"], what)
    memory = _made(Memory, arguments, what)
    _refuse_large(memory, found, what)
    return memory


def identity_of(memory: bytes, *, what: str = "memory") -> tuple[bytes, bytes]:
    """The id and version (16 bytes each) in the bytes of a memory or tombstone; ``FormatError(what, …)`` where none can be told.

    Both keys are always there: what looks like one, and stands once, is it, and nothing else need be read.
    """
    if memory.count(_ID) == memory.count(_VERSION) == 1:
        at, then = memory.index(_ID) + len(_ID), memory.index(_VERSION) + len(_VERSION)
        return memory[at : at + 16], memory[then : then + 16]
    found = read_memory(decode(memory, what=what), what=what)
    return found.id, found.version


def read_draft(value: Value, *, what: str = "draft") -> Draft:
    """The draft of a decoded map; ``FormatError(what, …)`` for anything else, a tombstone or a memory among it."""
    found = as_map(value, what=what, name="a draft")
    if reserved := sorted(found.keys() & (IDENTITY_KEYS | {"forgotten"})):
        raise FormatError(what, "key", f"a draft has no {', '.join(reserved)}")
    draft = _made(Draft, _content(found, what), what)
    _refuse_large(draft, found, what)
    return draft


def read_record(value: Value, *, what: str = "record") -> Record:
    """The record of a decoded list; ``FormatError(what, …)`` for anything else."""
    batch, salt, memory = as_list(value, 3, what=what, name="a record")
    return Record(
        as_uint(batch, 32, what=what, name="batch"),
        as_bytes(salt, 16, what=what, name="memory salt"),
        read_memory(memory, what=what),
    )


def _content_value(content: Memory | Draft) -> dict[str, Encodable]:
    # Unknown keys are values that came from DAG-CBOR, or encode() refuses them.
    value: dict[str, Any] = dict(content.unknown)
    for name in _PLAIN:
        if (item := getattr(content, name)) is not None:
            value[name] = item
    if content.tags:
        value["tags"] = content.tags
    if content.supersedes:
        value["supersedes"] = content.supersedes
    if (source := content.source) is not None:
        value["source"] = {name: text for name in SOURCE_KEYS if (text := getattr(source, name)) is not None}
    return value


def _content(found: dict[str, Value], what: str) -> dict[str, Any]:
    """Arguments of a ``Memory`` or ``Draft`` but for identity; types of single values are left to its own rules."""
    _need(found, _REQUIRED, what)
    arguments: dict[str, Any] = {}
    unknown: dict[str, Value] = {}
    for name, item in found.items():
        if name not in CONTENT_KEYS:
            if name not in IDENTITY_KEYS:
                unknown[name] = item
        elif item is None:
            raise FormatError(what, "value", f"{name} is null where it would be left out")
        elif name in {"tags", "supersedes"}:
            arguments[name] = _filled_list(item, what, name)
        elif name == "source":
            arguments[name] = _read_source(item, what)
        else:
            arguments[name] = item
    if unknown:
        arguments["unknown"] = unknown
    return arguments


def _filled_list(value: Value, what: str, name: str) -> tuple[Value, ...]:
    items = as_list(value, what=what, name=name)
    if not items:
        raise FormatError(what, "value", f"{name} is empty where it would be left out")
    return tuple(items)


def _read_source(value: Value, what: str) -> Source:
    found = as_map(value, what=what, name="source")
    if not found.keys() <= set(SOURCE_KEYS):
        raise FormatError(what, "key", "source has a key that is not defined")
    return _made(Source, found, what)


def _read_proof(value: Value, what: str) -> Proof:
    grant, parcel, proposal, signature = as_list(value, 4, what=what, name="proof")
    return _made(
        Proof,
        {
            "grant": grant,
            "parcel": as_uint(parcel, 32, what=what, name="a proof's parcel"),
            "proposal": proposal,
            "signature": signature,
        },
        what,
    )


def _made(kind: type[_T], arguments: dict[str, Any], what: str) -> _T:
    try:
        return kind(**arguments)
    except InvalidMemory as flaw:
        raise FormatError(what, flaw.fault, str(flaw)) from None


def _need(found: dict[str, Value], names: frozenset[str], what: str) -> None:
    if not names <= found.keys():
        missing = sorted(names - found.keys())
        raise FormatError(what, "missing", f"it lacks {', '.join(missing)}")


def _refuse_large(content: Memory | Draft, found: dict[str, Any], what: str) -> None:
    """Refuse a map above the limit; its exact size costs an encoding, which few need."""
    rough = 2048 + 4 * len(content.text) + 17 * (len(content.supersedes) + len(found.get("replaces", ())))
    rough += 9 * len(content.tags) + 4 * sum(map(len, content.tags))
    if "source" in found:
        rough += 4 * sum(map(len, found["source"].values()))
    if (rough > MAX_MEMORY or content.unknown) and (size := len(encode(found))) > MAX_MEMORY:
        raise FormatError(what, "size", f"{size} bytes; a memory has at most {MAX_MEMORY}")


def _count_items(value: Encodable) -> int:
    if isinstance(value, dict):
        return 1 + len(value) + sum(map(_count_items, value.values()))
    if isinstance(value, (list, tuple)):
        return 1 + sum(map(_count_items, value))
    return 1


def _encode_value(value: dict[str, Encodable]) -> bytes:
    data = encode(value)
    _check_size(len(data))
    return data


def _check_size(size: int) -> None:
    if size > MAX_MEMORY:
        raise InvalidMemory("size", f"{size} bytes encoded; a memory has at most {MAX_MEMORY}")
