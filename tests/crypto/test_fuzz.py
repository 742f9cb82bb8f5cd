"""Twenty thousand damaged inputs to each reader (a million under ``make torture``): each ends in a value or in the reader's one error.

A quarter of that to readers that are one call of ``cryptography`` taking most of a millisecond. Inputs are
good ones, changed a little by seeded chance, so that a failure is found again. DAG-CBOR has its own in tests/ipld.
"""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import settings

from memsync.crypto.ed25519 import AuthorKey, verify
from memsync.crypto.hpke import HybridKey, open_box, seal_box
from memsync.crypto.kdf import hash256
from memsync.crypto.keystore import MAGIC, _parameters, _split, open_keystore, seal_keystore
from memsync.crypto.pointer import open_pointer, seal_pointer
from memsync.crypto.sealing import Kind, aad, open_block, open_entry, seal_block, seal_entry
from memsync.crypto.secp256k1 import SecpKey, recover
from memsync.crypto.words import from_words, to_words
from memsync.errors import FormatError, PointerInvalid, SignatureInvalid, WrongWords
from memsync.ipld.car import read_car, write_car
from memsync.ipld.cid import CID, DAG_CBOR

KEY = bytes(range(32))
WHERE = aad(b"v" * 32, b"s" * 16, b"e" * 16, Kind.SEGMENT, b"o" * 16)
HYBRID, SIGNER, AUTHOR = HybridKey(KEY), SecpKey(KEY), AuthorKey(KEY)
POINTER = seal_pointer(KEY, KEY, 1, b"d" * 32)
KEYSTORE = seal_keystore("pass", b"keys", memory=8192, passes=1, lanes=1)
HEADER = KEYSTORE[: len(MAGIC) + 4 + KEYSTORE[len(MAGIC) + 3]]


def car():
    out = io.BytesIO()
    blocks = [b"", b"one", b"two" * 100]
    write_car([CID.of(b"one")], [(CID.of(block), block) for block in blocks], out.write)
    return out.getvalue()


def parameters(data):
    """The header of a keystore whose sum was mended by whoever damaged it, without Argon2id's time."""
    body = data + bytes(4096)
    return _parameters(_split(body + hash256(body))[0])


# Name: good input, reader, its error, and whether damage may still read as something.
READERS = {
    "cid bytes": (CID.of(b"x", DAG_CBOR).to_bytes(), CID.from_bytes, FormatError, True),
    "cid text": (
        str(CID.of(b"x")).encode(),
        lambda data: CID.parse(data.decode("latin-1")),
        FormatError,
        True,
    ),
    "car": (car(), lambda data: list(read_car(io.BytesIO(data).read)), FormatError, True),
    "block": (
        seal_block(KEY, WHERE, b"x"),
        lambda data: open_block(KEY, WHERE, data, what="x"),
        FormatError,
        False,
    ),
    "entry": (seal_entry(KEY, WHERE, b"x"), lambda data: open_entry(KEY, WHERE, data), FormatError, False),
    "box": (
        seal_box(HYBRID.public, WHERE, b"x", room=192),
        lambda data: open_box(HYBRID, WHERE, data, what="x"),
        FormatError,
        False,
    ),
    "public key": (HYBRID.public, lambda data: seal_box(data, WHERE, b"x", room=192), FormatError, True),
    "pointer": (
        POINTER.salt + POINTER.pointer,
        lambda data: open_pointer(KEY, KEY, 1, data[:4], data[4:]),
        PointerInvalid,
        False,
    ),
    "words": (to_words(KEY).encode(), lambda data: from_words(data.decode("latin-1")), WrongWords, True),
    "keystore": (KEYSTORE, lambda data: open_keystore("pass", data), FormatError, False),
    "keystore header": (HEADER, parameters, FormatError, True),
    "account's signature": (SIGNER.sign(KEY), lambda data: recover(KEY, data), SignatureInvalid, True),
    "author's signature": (
        AUTHOR.sign(KEY),
        lambda data: verify(AUTHOR.public, KEY, data),
        SignatureInvalid,
        False,
    ),
}

SLOW = {"box", "public key", "author's signature"}


def damaged(good, chance):
    data = bytearray(good)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = (
            chance.randrange(len(data) + 1)
            if chance.random() < 0.7
            else chance.randrange(min(len(data), 80) + 1)
        )
        match chance.randrange(4):
            case 0 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at : at + chance.randint(1, 40)] = b""
            case 2:
                data[at:at] = chance.randbytes(chance.randint(1, 40))
            case _:
                data[at : at + 1] = chance.choice((b"\x00", b"\xff", b"\x80", b" ", b"a"))
    return bytes(data)


@pytest.mark.parametrize("name", READERS)
def test_damaged_input_ends_in_a_value_or_in_one_error(name):
    good, read, error, may_read = READERS[name]
    read(good)
    chance, refused = random.Random(name), 0
    count = (50 if name in SLOW else 200) * settings().max_examples
    for _ in range(count):
        data = damaged(good, chance)
        if data == good:
            continue
        try:
            read(data)
        except error:
            refused += 1
        else:
            assert may_read, data.hex()
    assert refused > count // 2
