"""Many mutants for each reader: what a holder of the keys could write ends in a value or in the one error.

A mutant is a good plaintext with a value put, taken or moved somewhere, or bytes changed. Each reader is also shown to take some of them,
so that it is its rules that refuse and not the first byte. Signatures are checked last, so most mutants of signed things end there.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings

from memsync.crypto.epochs import EpochKey
from memsync.crypto.kdf import derive
from memsync.crypto.sealing import ZERO16, Kind, aad, seal_block
from memsync.errors import FormatError, SignatureInvalid
from memsync.format import access, entry, envelope, lockbox, owner, parcel, pins, root
from memsync.format.block import Block, Ref
from memsync.format.card import read_card
from memsync.format.link import read_link
from memsync.ipld.dagcbor import decode, encode
from tests.format.vectors import load, unbase64
from tests.vectors import samples as s

MUTANTS = 200 * settings().max_examples
"""20,000; a million in ``make torture``."""

ROOT_PLACE = aad(s.VAULT, ZERO16, ZERO16, Kind.ROOT, s.SEQUENCE.to_bytes(4, "big"))
ROOT_KEY = derive(s.POINTER_KEY, "root")
ACCESS_PLACE = aad(s.VAULT, ZERO16, ZERO16, Kind.ACCESS, bytes(16))
ACCESS_KEY = derive(s.POINTER_KEY, "access")
ENTRY = s.ENTRIES[0].entry
AUTHOR, KEY = s.TOOL.author().public, s.EPOCH.content


def read_root(plaintext: bytes) -> object:
    data = seal_block(ROOT_KEY, ROOT_PLACE, plaintext)
    return root.read_root(
        data,
        digest=Block.of(data).digest,
        pointer_key=s.POINTER_KEY,
        chain_id=s.CHAIN,
        contract=s.CONTRACT,
        vault=s.VAULT,
        sequence=s.SEQUENCE,
    )


def read_access(plaintext: bytes) -> object:
    data = seal_block(ACCESS_KEY, ACCESS_PLACE, plaintext)
    ref = Ref(bytes(16), Block.of(data).digest)
    return access.read_access(data, ref, pointer_key=s.POINTER_KEY, vault=s.VAULT)


def good(name: str, part: str | None = None) -> bytes:
    vectors = load(name)
    return unbase64((vectors[part] if part else vectors)["good"][0]["plaintext"])


READERS: dict[str, tuple[bytes, Callable[[bytes], object]]] = {
    "lockbox": (good("lockbox", "lockbox"), lambda data: lockbox._read(data, EpochKey, 3, "lockbox")),
    "access": (good("access"), read_access),
    "slot": (access._encode_slot(s.SEATS[1]), access._read_slot),
    "owner": (good("owner"), owner._read),
    "root": (good("root"), read_root),
    "entry": (
        encode([ENTRY.number, ENTRY.catalog.to_value(), ENTRY.lockbox.to_value(), ENTRY.count]),
        lambda data: entry._read(data, KEY),
    ),
    "envelope": (good("envelope"), envelope._read),
    "parcel": (good("parcel"), lambda data: parcel._read(data, s.INBOX, AUTHOR)),
    "pins": (unbase64(load("pins")["good"][0]["block"]), pins._read),
}
ODD: list[Any] = [
    None, True, False, 0, 1, 2, 3, -1, 23, 255, 2**16, 2**32 - 1, 2**32, 2**40, 2**53, 2**63, -(2**63), b"", bytes(15), bytes(16),
    bytes(20), bytes(32), bytes(33), bytes(64), bytes(65), bytes(256), bytes(1216), "", "a", "x" * 65, "https://a.example", "\u202e", "\0",
    [], [[]], {}, {"v": 1}, [None] * 3, [[bytes(16), bytes(32)]],
]  # fmt: skip


def paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield here
    if isinstance(value, dict):
        for key in value:
            yield from paths(value[key], (*here, key))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield from paths(value[index], (*here, index))


def mutate(value: Any, where: list[tuple[Any, ...]], chance: random.Random) -> Any:
    path = chance.choice(where)
    if not path:
        return chance.choice(ODD)
    value = at = copy.copy(value)
    for step in path[:-1]:  # what is on the way is copied, all else shared with the original
        at[step] = at = copy.copy(at[step])
    last = path[-1]
    act = chance.randrange(5)
    if act == 0:
        at[last] = chance.choice(ODD)
    elif act == 1:
        del at[last]
    elif act == 2 and isinstance(at, list):
        at.insert(last, chance.choice([*at, *ODD]))
    elif act == 2:
        at[chance.choice(["", "x", "v", "unknown"])] = chance.choice(ODD)
    elif act == 3 and isinstance(at, list):
        chance.shuffle(at)
    elif isinstance(at[last], bytes) and at[last]:
        flipped = bytearray(at[last])
        flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        at[last] = bytes(flipped)
    elif isinstance(at[last], int):
        at[last] += chance.choice([-1, 1])
    else:
        at[last] = chance.choice(ODD)
    return value


def spoil(data: bytes, chance: random.Random) -> bytes:
    at, act = chance.randrange(len(data)), chance.randrange(4)
    if act == 0:
        return data[:at] + bytes((chance.randrange(256),)) + data[at + 1 :]
    if act == 1:
        return data[:at] + data[at + 1 :]
    if act == 2:
        return data[:at] + chance.randbytes(chance.randrange(1, 9)) + data[at:]
    return data[: at or 1]


@pytest.mark.parametrize("name", READERS)
def test_a_mutant_ends_in_a_value_or_in_the_one_error(name):
    plaintext, read = READERS[name]
    assert name in ("root", "parcel") or read(plaintext)
    chance = random.Random(name)
    value = decode(plaintext)
    where = list(paths(value))
    taken = refused = 0
    for count in range(MUTANTS):
        data = encode(mutate(value, where, chance)) if count % 4 else spoil(plaintext, chance)
        try:
            read(data)
            taken += 1
        except FormatError:
            refused += 1
        except SignatureInvalid:
            assert name in ("root", "parcel")
            taken += 1  # by every rule but the last
    assert encode(value) == plaintext
    assert taken > 10
    assert refused > MUTANTS / 10


def test_a_spoiled_card_is_the_same_card_or_refused():
    text = load("card")["good"][0]["json"].encode()
    card, chance = read_card(text), random.Random("card")
    for _ in range(MUTANTS):
        try:
            found = read_card(spoil(text, chance))
        except (FormatError, SignatureInvalid):
            continue
        assert found.digest == card.digest


def test_a_spoiled_link_is_another_link_in_its_one_spelling_or_refused():
    text, chance = load("link")["good"][2]["text"], random.Random("link")
    other = 0
    for _ in range(MUTANTS):
        spoiled = spoil(text.encode(), chance).decode("latin-1")
        try:
            link = read_link(spoiled)
        except FormatError:
            continue
        assert str(link) == spoiled
        other += link != read_link(text)
    assert other > 100
