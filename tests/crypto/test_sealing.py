from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.crypto.sealing import (
    ENTRY_SIZE,
    MAX_ENTRY,
    MAX_PLAINTEXT,
    SIZES,
    ZERO16,
    Kind,
    aad,
    open_block,
    open_entry,
    pad,
    seal_block,
    seal_entry,
    sealed_size,
    unpad,
)
from memsync.errors import FormatError, InputError

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/sealing.json").read_text(encoding="utf-8"))

KEY = bytes(range(32))
HERE = aad(b"v" * 32, b"s" * 16, b"e" * 16, Kind.SEGMENT, b"o" * 16)


def place(case):
    parts = (bytes.fromhex(case[name]) for name in ("vault", "scope", "epoch"))
    return aad(*parts, Kind(case["kind"]), bytes.fromhex(case["object"]))


@pytest.mark.parametrize("case", VECTORS["blocks"], ids=lambda case: case["kind"])
def test_a_block_is_the_one_in_the_vectors(case):
    key, salt, plaintext = (bytes.fromhex(case[name]) for name in ("key", "salt", "plaintext"))
    where = place(case)
    assert where.hex() == case["aad"]
    seal, reopen = (seal_entry, open_entry) if case["kind"] == "entry" else (seal_block, open_block)
    block = seal(key, where, plaintext, random=lambda _: salt)
    assert len(block) == case["size"]
    assert block[32:64].hex() == case["commitment"]
    assert base64.b64encode(block).decode() == case.get("block", base64.b64encode(block).decode())
    assert hashlib.sha256(block).hexdigest() == case.get("block_sha256", hashlib.sha256(block).hexdigest())
    assert reopen(key, where, block, what=case["kind"]) == plaintext


@pytest.mark.parametrize(
    "case", VECTORS["sizes"]["cases"], ids=lambda case: f"{case['length']} in {case['size']}"
)
def test_a_plaintext_of_any_length_is_sealed_in_the_size_of_the_vectors(case):
    shared = VECTORS["sizes"]
    plaintext = bytes.fromhex(case["fill"]) * case["length"]
    salt = bytes.fromhex(shared["salt"])
    block = seal_block(bytes.fromhex(shared["key"]), place(shared), plaintext, random=lambda _: salt)
    assert len(block) == case["size"]
    assert hashlib.sha256(block).hexdigest() == case["block_sha256"]


@pytest.mark.parametrize("case", VECTORS["bad"], ids=lambda case: case["why"])
def test_a_bad_block_is_refused_by_name(case):
    key, block = bytes.fromhex(case["key"]), base64.b64decode(case["block"])
    if case["fault"] is None:
        assert open_block(key, place(case), block, what="segment") == b"hello"
        return
    with pytest.raises(FormatError) as caught:
        open_block(key, place(case), block, what="segment")
    assert (caught.value.what, caught.value.fault) == ("segment", case["fault"])


@given(st.binary(max_size=5000))
def test_a_plaintext_comes_back_and_its_block_has_one_of_the_seven_sizes(plaintext):
    block = seal_block(KEY, HERE, plaintext)
    assert len(block) in (4096, 8192)
    assert len(block) == sealed_size(len(plaintext))
    assert open_block(KEY, HERE, block, what="segment") == plaintext


def test_the_sizes_are_the_seven_powers_of_two_and_their_edges_are_exact():
    assert tuple(4096 << n for n in range(7)) == SIZES
    for size in SIZES:
        assert sealed_size(size - 84) == size
        if size < SIZES[-1]:
            assert sealed_size(size - 83) == 2 * size
        assert len(seal_block(KEY, HERE, bytes(size - 84))) == size
    assert sealed_size(0) == 4096
    assert MAX_PLAINTEXT == 262060


def test_too_long_a_plaintext_is_refused():
    assert len(seal_block(KEY, HERE, bytes(MAX_PLAINTEXT))) == SIZES[-1]
    with pytest.raises(InputError):
        seal_block(KEY, HERE, bytes(MAX_PLAINTEXT + 1))
    assert len(seal_entry(KEY, HERE, bytes(MAX_ENTRY))) == ENTRY_SIZE == 256
    with pytest.raises(InputError):
        seal_entry(KEY, HERE, bytes(MAX_ENTRY + 1))


def test_equal_plaintexts_give_blocks_that_share_nothing():
    blocks = [seal_block(KEY, HERE, b"the same") for _ in range(50)]
    assert len(set(blocks)) == 50
    for part in (slice(0, 32), slice(32, 64), slice(64, 80), slice(-16, None)):
        assert len({block[part] for block in blocks}) == 50


def test_the_salt_is_all_that_chance_decides():
    drawn = []

    def source(length):
        drawn.append(length)
        return b"\1" * length

    first = seal_block(KEY, HERE, b"x", random=source)
    assert first == seal_block(KEY, HERE, b"x", random=source)
    assert first[:32] == b"\1" * 32
    assert drawn == [32, 32]


def test_a_source_of_randomness_that_gives_too_little_is_refused():
    with pytest.raises(InputError):
        seal_block(KEY, HERE, b"x", random=lambda _: b"")


@given(
    st.sampled_from(["block", "entry"]),
    st.binary(max_size=100),
    st.sampled_from(["flip", "cut", "add"]),
    st.data(),
)
def test_a_bit_flipped_a_byte_cut_or_added_anywhere_is_refused(shape, plaintext, change, data):
    seal, reopen = {"block": (seal_block, open_block), "entry": (seal_entry, open_entry)}[shape]
    good = seal(KEY, HERE, plaintext)
    assert reopen(KEY, HERE, good, what=shape) == plaintext
    match change:
        case "flip":
            bit = data.draw(st.integers(0, 8 * len(good) - 1))
            bad = bytearray(good)
            bad[bit // 8] ^= 1 << bit % 8
        case "cut":
            at = data.draw(st.integers(0, len(good) - 1))
            bad = good[:at] + good[at + 1 :]
        case _:
            at = data.draw(st.integers(0, len(good)))
            bad = good[:at] + data.draw(st.binary(min_size=1, max_size=2)) + good[at:]
    with pytest.raises(FormatError) as caught:
        reopen(KEY, HERE, bytes(bad), what=shape)
    assert caught.value.fault in ("size", "key", "tag")


PLACES = st.tuples(
    st.sampled_from([b"v" * 32, b"w" * 32, bytes(32)]),
    st.sampled_from([b"s" * 16, b"t" * 16, ZERO16]),
    st.sampled_from([b"e" * 16, b"f" * 16, ZERO16]),
    st.sampled_from(list(Kind)),
    st.sampled_from([b"o" * 16, b"p" * 16, b"\0\0\0\1", b"\0\0\0\2", b"o" * 32, b""]),
)


@given(PLACES, PLACES)
def test_a_block_opens_in_its_own_place_only(here, there):
    block, entry = seal_block(KEY, aad(*here), b"x"), seal_entry(KEY, aad(*here), b"x")
    assert open_block(KEY, aad(*here), block, what="block") == b"x"
    assert open_entry(KEY, aad(*here), entry) == b"x"
    if here == there:
        return
    for reopen, sealed in ((open_block, block), (open_entry, entry)):
        with pytest.raises(FormatError) as caught:
            reopen(KEY, aad(*there), sealed, what="block")
        assert caught.value.fault == "key"


@pytest.mark.parametrize(
    ("part", "other"),
    [(0, b"w" * 32), (1, b"t" * 16), (2, b"f" * 16), (3, Kind.CATALOG), (4, b"p" * 16)],
    ids=["vault", "scope", "epoch", "kind", "object"],
)
def test_a_block_moved_to_another_place_is_refused(part, other):
    here = [b"v" * 32, b"s" * 16, b"e" * 16, Kind.SEGMENT, b"o" * 16]
    there = [*here[:part], other, *here[part + 1 :]]
    block = seal_block(KEY, aad(*here), b"x")
    assert open_block(KEY, aad(*here), block, what="segment") == b"x"
    with pytest.raises(FormatError):
        open_block(KEY, aad(*there), block, what="segment")


@given(st.integers(0, 255))
def test_another_key_is_refused(bit):
    block, wrong = seal_block(KEY, HERE, b"x"), bytearray(KEY)
    wrong[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FormatError) as caught:
        open_block(bytes(wrong), HERE, block, what="segment")
    assert caught.value.fault == "key"


@given(st.binary(max_size=120), st.integers(0, 60))
def test_padding_comes_off_as_it_went_on(plaintext, room):
    if len(plaintext) + 4 > room:
        with pytest.raises(InputError):
            pad(plaintext, room)
    else:
        assert unpad(pad(plaintext, room), "x") == plaintext


@given(st.binary(min_size=4, max_size=80))
def test_padding_has_one_form(padded):
    try:
        plaintext = unpad(padded, "x")
    except FormatError as error:
        fault = error.fault
    else:
        assert pad(plaintext, len(padded)) == padded
        return
    assert fault in ("length", "padding")


@pytest.mark.parametrize(
    "make",
    [
        lambda: aad(bytes(31), ZERO16, ZERO16, Kind.ROOT, b""),
        lambda: aad(bytes(32), bytes(15), ZERO16, Kind.ROOT, b""),
        lambda: aad(bytes(32), ZERO16, bytes(17), Kind.ROOT, b""),
        lambda: seal_block(bytes(31), HERE, b""),
        lambda: open_block(bytes(33), HERE, bytes(4096), what="x"),
    ],
)
def test_a_key_or_place_of_a_wrong_shape_is_the_callers_fault(make):
    with pytest.raises(InputError):
        make()
