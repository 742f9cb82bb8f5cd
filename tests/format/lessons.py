"""What a plaintext teaches whoever opened it: secrets, references, ids, and parts that are sealed again.

In go the kind and scope of a place and the plaintext found there; out comes what ``docs/format.md`` puts into such a plaintext, and with it
every value of 16 or 32 bytes, whatever it is. Nothing is checked: what a careless writer put there is learned as well.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise

from memsync.ipld.dagcbor import Value, decode


class Role(StrEnum):
    """What a secret is for; letters as in the format."""

    WORDS = "R"
    OWNERS = "owner's account"
    LOCATOR = "P"
    POINTER = "pointer key"
    ROOT = "root key"
    ACCESS = "access key"
    GENERATION = "W"
    SIGNER = "signer"
    OWNER = "owner key"
    AUTHOR = "author key"
    BOX = "box seed"
    SEED = "D"
    EPOCH = "K"
    CONTENT = "content key"
    HISTORY = "history key"
    PAIRWISE = "S"
    GRANTEE = "one-time account"
    PARCEL = "parcel key"
    SINCE = "since key"
    UNKNOWN = "some 32 bytes"


@dataclass(frozen=True, slots=True)
class Secret:
    """32 secret bytes with their role; ``scope`` (its id) and ``number`` where they are of one, for reports; ``of``: the content key that
    a history or since key goes with."""

    role: Role
    value: bytes = field(repr=False)
    scope: bytes = field(default=b"", compare=False)
    number: int = field(default=-1, compare=False)
    of: bytes = field(default=b"", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Learned:
    """What one plaintext taught. ``parts``: entries or slots in it, still sealed; ``seats``: scope and id of grants."""

    secrets: tuple[Secret, ...]
    parts: tuple[bytes, ...]
    scopes: frozenset[bytes]
    ids: frozenset[bytes]
    words: frozenset[bytes]
    refs: frozenset[tuple[bytes, bytes]]
    seats: frozenset[tuple[bytes, bytes]] = frozenset()


def learn(kind: str, scope: bytes, plaintext: bytes) -> Learned:
    """All that there is in ``plaintext``, found at a place of this kind and scope."""
    value: Value = decode(plaintext) if plaintext else []
    secrets, parts, scopes, seats = tuple(_secrets(kind, scope, value)), (), set(), set()
    if kind == "root":
        parts = tuple(sealed for _, sealed in value.pop("entries"))
    elif kind == "access":
        parts = tuple(value[1])
    elif kind == "owner":
        scopes = {row[0] for row in value["scopes"]}
        seats = {(grant["scope"], grant["id"]) for grant in value["grants"]}
    elif kind == "envelope":
        scopes = {value["scope"][0]}
    ids: set[bytes] = set()
    words: set[bytes] = set()
    refs: set[tuple[bytes, bytes]] = set()
    _harvest(value, ids, words, refs)
    return Learned(
        secrets,
        parts,
        frozenset(scopes),
        frozenset(ids),
        frozenset(words),
        frozenset(refs),
        frozenset(seats),
    )


def records(kind: str, plaintext: bytes) -> Iterator[dict]:
    """The memories, tombstones and drafts in a segment or parcel, as maps."""
    value = decode(plaintext)
    if kind == "segment":
        for _, data in value[1]:
            yield from (memory for _, _, memory in decode(zlib.decompress(data)))
    elif kind == "parcel":
        yield from (draft for _, draft, _ in value["drafts"])


def _secrets(kind: str, scope: bytes, value: Value) -> Iterator[Secret]:
    if not value:
        return
    match kind:
        case "slot":
            role = (Role.CONTENT, Role.EPOCH, Role.GENERATION)[value[0]]
            yield Secret(role, value[2], scope, value[1])
            if role is Role.CONTENT and value[3]:
                yield Secret(Role.SINCE, value[3][2], scope, value[1], of=value[2])
        case "lockbox":
            yield from (Secret(Role.EPOCH, key, scope, number) for number, key in value[1])
        case "since":
            yield from (Secret(Role.CONTENT, key, scope, number) for number, key in value[1])
        case "owner":
            yield from (Secret(Role.EPOCH, key, one, number) for one, _, number, key in value["scopes"])
            yield from (Secret(Role.PAIRWISE, grant["secret"], grant["scope"]) for grant in value["grants"])
            yield from _since_keys(value)
            for number, owner_key, box_seed in value["earlier"]:
                yield Secret(Role.OWNER, owner_key, number=number)
                yield Secret(Role.BOX, box_seed, number=number)
        case "envelope":
            scope = value["scope"][0]
            yield Secret(Role.PAIRWISE, value["secret"], scope)
            if value["pointer"]:
                yield Secret(Role.POINTER, value["pointer"][1], number=value["pointer"][0])
            if value["key"]:
                history, number, key = value["key"]
                yield Secret(Role.EPOCH if history else Role.CONTENT, key, scope, number)


def _since_keys(owner: dict) -> Iterator[Secret]:
    """Those of the owner's setting, each with the current content key of its grant's scope."""
    from tests.format.opening import derive

    scope_of = {grant["id"]: grant["scope"] for grant in owner["grants"]}
    current = {scope: (number, derive(key, "content")) for scope, _, number, key in owner["scopes"]}
    for grant, _, _, key in owner["settings"].get("since", ()):
        scope = scope_of[grant]
        number, content = current[scope]
        yield Secret(Role.SINCE, key, scope, number, of=content)


def _harvest(value: Value, ids: set[bytes], words: set[bytes], refs: set[tuple[bytes, bytes]]) -> None:
    if isinstance(value, bytes):
        if len(value) == 16:
            ids.add(value)
        elif len(value) == 32:
            words.add(value)
    elif isinstance(value, dict):
        for one in value.values():
            _harvest(one, ids, words, refs)
    elif isinstance(value, list):
        for one in value:
            _harvest(one, ids, words, refs)
        for left, right in pairwise(value):
            if isinstance(left, bytes) and isinstance(right, bytes) and (len(left), len(right)) == (16, 32):
                refs.add((left, right))
