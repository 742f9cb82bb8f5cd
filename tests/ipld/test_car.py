from __future__ import annotations

import base64
import io
import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.errors import FormatError, InputError
from memsync.ipld.car import MAX_BLOCK, read_car, read_complete, write_car
from memsync.ipld.cid import CID, RAW

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/car.json").read_text(encoding="utf-8"))

BLOCKS = st.lists(st.binary(max_size=300), max_size=8)


def named(blocks):
    return [(CID.of(block), block) for block in blocks]


def written(blocks, roots=None):
    out = io.BytesIO()
    pairs = named(blocks)
    write_car([pairs[0][0]] if roots is None and pairs else roots or [], pairs, out.write)
    return out.getvalue()


def whole(data):
    reader = read_car(io.BytesIO(data).read)
    return reader.roots, list(reader)


@pytest.mark.parametrize("case", VECTORS["good"], ids=lambda case: f"{len(case['blocks'])} blocks")
def test_a_car_has_the_bytes_in_the_vectors(case):
    roots = [CID.parse(text) for text in case["roots"]]
    blocks = [(CID.parse(block["cid"]), base64.b64decode(block["block"])) for block in case["blocks"]]
    out = io.BytesIO()
    write_car(roots, blocks, out.write)
    assert out.getvalue() == base64.b64decode(case["car"])
    assert whole(out.getvalue()) == (tuple(roots), blocks)


@pytest.mark.parametrize("case", VECTORS["bad"], ids=lambda case: case["why"])
def test_a_bad_car_is_refused_by_name(case):
    with pytest.raises(FormatError) as caught:
        whole(base64.b64decode(case["car"]))
    assert (caught.value.what, caught.value.fault) == ("car", case["fault"])


@given(BLOCKS, st.integers(1, 700))
def test_blocks_come_back_in_order_however_small_the_pieces_read(blocks, piece):
    stream = io.BytesIO(written(blocks))
    assert list(read_car(lambda wanted: stream.read(min(wanted, piece)))) == named(blocks)


@given(st.lists(st.binary(min_size=1, max_size=100), min_size=1, max_size=4), st.data())
def test_a_bit_flipped_a_byte_cut_or_added_never_gives_the_needed_blocks(blocks, data):
    good = written(blocks)
    needed = {CID.of(block) for block in blocks}
    header = 1 + good[0]
    assert read_complete(io.BytesIO(good).read, needed) == dict(named(blocks))
    match data.draw(st.sampled_from(["flip", "cut", "add"])):
        case "flip":
            bit = data.draw(st.integers(8 * header, 8 * len(good) - 1))
            bad = bytearray(good)
            bad[bit // 8] ^= 1 << bit % 8
        case "cut":
            bad = bytearray(good[: data.draw(st.integers(0, len(good) - 1))])
        case _:
            place = data.draw(st.integers(header, len(good)))
            bad = bytearray(good[:place] + data.draw(st.binary(min_size=1, max_size=3)) + good[place:])
    try:
        found = read_complete(io.BytesIO(bytes(bad)).read, needed)
    except FormatError:
        return
    assert len(set(blocks)) < len(blocks) and found == dict(named(blocks)), (
        "one of two equal blocks may be lost"
    )


def test_a_car_cut_between_two_blocks_reads_well_but_is_not_complete():
    blocks = [b"one", b"two", b"three"]
    cut = written(blocks[:2], [CID.of(b"one")])
    assert whole(cut)[1] == named(blocks[:2])
    with pytest.raises(FormatError) as caught:
        read_complete(io.BytesIO(cut).read, [CID.of(block) for block in blocks])
    assert caught.value.fault == "missing"
    assert str(CID.of(b"three")) in str(caught.value)


def test_needed_blocks_come_once_and_duplicates_are_no_fault():
    blocks = [b"one", b"two", b"one", b"two", b"two"]
    reader = read_car(io.BytesIO(written(blocks)).read)
    assert list(reader.complete([CID.of(b"two"), CID.of(b"one")])) == named([b"one", b"two"])


def test_a_false_duplicate_is_refused():
    good, one = written([b"one", b"two", b"one"]), CID.of(b"one").to_bytes() + b"one"
    at = good.rindex(one) + len(one) - 1
    with pytest.raises(FormatError) as caught:
        read_complete(io.BytesIO(good[:at] + b"x" + good[at + 1 :]).read, [CID.of(b"one")])
    assert caught.value.fault == "hash"


def test_strangers_are_skipped_up_to_a_bound():
    data = written([b"wanted", *(bytes(1000) + bytes((n,)) for n in range(20))])
    needed = [CID.of(b"wanted")]
    assert read_complete(io.BytesIO(data).read, needed, max_strangers=30_000) == {needed[0]: b"wanted"}
    with pytest.raises(FormatError) as caught:
        read_complete(io.BytesIO(data).read, needed, max_strangers=10_000)
    assert caught.value.fault == "size"


def test_a_block_of_2_mib_passes_and_one_byte_more_does_not():
    largest = bytes(MAX_BLOCK)
    data = written([largest])
    assert whole(data)[1] == named([largest])
    with pytest.raises(FormatError) as caught:
        list(read_car(io.BytesIO(data).read, max_block=MAX_BLOCK - 1))
    assert caught.value.fault == "size"
    with pytest.raises(InputError):
        written([bytes(MAX_BLOCK + 1)])


def test_many_blocks_are_read_in_the_memory_of_one():
    block = bytes(range(256)) * 256
    section = b"\xa4\x80\x04" + CID.of(block).to_bytes() + block
    head = written([], [CID.of(block)])

    def stream():
        yield head
        for _ in range(400):
            yield section

    parts = stream()
    held = b""

    def read(wanted):
        nonlocal held
        if not held:
            held = next(parts, b"")
        given, held = held[:wanted], held[wanted:]
        return given

    tracemalloc.start()
    try:
        count = sum(1 for _ in read_car(read))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 400
    assert peak < 1024 * 1024 < 400 * len(block)


def test_a_claimed_length_takes_no_memory():
    head = written([], [CID.of(b"")])
    tracemalloc.start()
    try:
        with pytest.raises(FormatError):
            list(read_car(io.BytesIO(head + b"\xa4\x80\x80\x01" + b"short").read))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1024 * 1024


def test_a_writer_refuses_a_block_under_a_wrong_name():
    with pytest.raises(InputError):
        write_car([], [(CID(RAW, bytes(32)), b"other")], io.BytesIO().write)


@given(st.binary(max_size=120), st.booleans())
def test_any_bytes_are_a_car_or_one_error(data, behind_a_good_start):
    try:
        roots, blocks = whole(written([b"x"]) + data if behind_a_good_start else data)
    except FormatError:
        return
    assert all(CID.of(block, cid.codec) == cid for cid, block in blocks)
    assert all(isinstance(root, CID) for root in roots)
