"""A version of a memory as it lies in its row of the table, and what is read of it there.

In comes a memory, out come the bytes of its ``rest``; in come columns, out comes the memory whole, or as much of it as an index reads,
which is had without decoding most of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from memsync.device.database import Row, blob, number, text
from memsync.errors import FormatError
from memsync.format.records import memory_value, read_memory
from memsync.ipld.dagcbor import decode, encode
from memsync.memory import SECRET_TAG, Memory

Identity = tuple[bytes, bytes]
"""A memory's or tombstone's id and version, 16 bytes each."""

_PLACE = ("conversation", "turn", "part", "role", "title")
_READ = tuple(bytes((0x60 + len(key),)) + key.encode() for key in (*_PLACE, "supersedes"))


@dataclass(frozen=True, slots=True)
class Found:
    """A version as it is kept: the number of its row, its scope's id, and the memory."""

    row: int
    scope: bytes
    memory: Memory


@dataclass(frozen=True, slots=True)
class Document:
    """What an index reads of a version: the number of its row, its scope's id, the text, the tags joined by spaces, its time (ms), where
    in which conversation it stands, the ids of what it supersedes, and whether it is tagged as a secret."""

    row: int
    scope: bytes
    text: str
    tags: str
    at: int = 0
    conversation: str | None = None
    turn: str | None = None
    part: str | None = None
    role: str | None = None
    title: str | None = None
    supersedes: tuple[bytes, ...] = ()
    secret: bool = False


def rest_of(memory: Memory) -> bytes:
    """cbor of the memory's map without its text."""
    value = memory_value(memory)
    del value["text"]
    return encode(value)


def read_row(row: Row) -> Found:
    """A version as its columns say: number, scope's id, text, rest."""
    at, scope, words, rest = row
    value = decode(blob(rest))
    if not isinstance(value, dict):
        raise FormatError("database", "type", "what must be the rest of a memory is something else")
    memory = read_memory({**value, "text": text(words)})
    if not isinstance(memory, Memory):
        raise FormatError("database", "type", "a tombstone lies where a memory must")
    return Found(number(at), blob(scope), memory)


def read_document(row: Row) -> Document:
    """What an index reads of a version, as its columns say: number, scope's id, text, tags, time, rest."""
    at, scope, words, tags, when, rest = row
    known = (number(at), blob(scope), text(words), text(tags), number(when))
    secret = _is_secret(text(tags), blob(rest))
    return Document(*known, **_origin(blob(rest)), secret=secret)


def _origin(rest: bytes) -> dict[str, Any]:
    """What an index reads of the rest. Many memories have none of these keys, and decoding takes longer than looking."""
    if not any(key in rest for key in _READ):
        return {}
    value = decode(rest)
    if not isinstance(value, dict):
        raise FormatError("database", "type", "what must be the rest of a memory is something else")
    source = value.get("source")
    found = {key: source.get(key) for key in _PLACE} if isinstance(source, dict) else {}
    superseded = value.get("supersedes")
    return found | {"supersedes": tuple(superseded) if isinstance(superseded, list) else ()}


def _is_secret(tags: str, rest: bytes) -> bool:
    """Whether one of the tags, which are joined here and whole in the rest, says so."""
    if SECRET_TAG not in tags:
        return False
    value = decode(rest)
    whole = value.get("tags") if isinstance(value, dict) else None
    return isinstance(whole, list) and SECRET_TAG in whole
