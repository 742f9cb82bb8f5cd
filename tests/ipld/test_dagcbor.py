from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsync.errors import FormatError, InputError
from memsync.ipld.cid import CID, DAG_CBOR, RAW
from memsync.ipld.dagcbor import MAX_DEPTH, MAX_ITEMS, decode, encode

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/dagcbor.json").read_text(encoding="utf-8"))

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.binary(max_size=40)
    | st.text(max_size=30)
    | st.builds(CID, st.sampled_from([RAW, DAG_CBOR]), st.binary(min_size=32, max_size=32))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=20,
)


def untyped(value):
    """The value that ``typed`` in vectors/make.py wrote."""
    if isinstance(value, list):
        return [untyped(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    match kind:
        case "int":
            return int(inner)
        case "bytes":
            return bytes.fromhex(inner)
        case "text":
            return inner
        case "cid":
            return CID.parse(inner)
        case "map":
            return {key: untyped(item) for key, item in inner}
    raise AssertionError(kind)


def alike(left, right):
    """Equal, and of equal types: 1 is not True."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(alike, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(alike(left[key], right[key]) for key in left)
    return left == right


@pytest.mark.parametrize("case", VECTORS["good"], ids=lambda case: case["bytes"][:16])
def test_a_value_has_the_encoding_in_the_vectors(case):
    value, data = untyped(case["value"]), bytes.fromhex(case["bytes"])
    assert encode(value) == data
    assert alike(decode(data), value)


@pytest.mark.parametrize("case", VECTORS["bad"], ids=lambda case: case["why"])
def test_what_is_not_the_one_encoding_is_refused(case):
    runs = case.get("runs") or [[case["bytes"], 1]]
    data = b"".join(bytes.fromhex(unit) * times for unit, times in runs)
    with pytest.raises(FormatError) as caught:
        decode(data, what="segment")
    assert (caught.value.what, caught.value.fault) == ("segment", case["fault"])


@given(VALUES)
def test_a_value_comes_back_as_it_was(value):
    assert alike(decode(encode(value)), value)


@given(VALUES, st.data())
def test_bytes_cut_or_added_anywhere_are_refused(value, data):
    encoded = encode(value)
    place = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(FormatError):
        decode(encoded[:place])
    with pytest.raises(FormatError):
        decode(encoded + data.draw(st.binary(min_size=1, max_size=3)))


@given(VALUES, st.data())
def test_no_other_bytes_decode_to_the_same_value(value, data):
    encoded = encode(value)
    bit = data.draw(st.integers(0, 8 * len(encoded) - 1))
    changed = bytearray(encoded)
    changed[bit // 8] ^= 1 << bit % 8
    try:
        found = decode(bytes(changed))
    except FormatError:
        return
    assert not alike(found, value)
    assert encode(found) == changed


def mutations(count):
    """Inputs near to good ones, always the same."""
    chance = random.Random(1)
    seeds = [bytes.fromhex(case["bytes"]) for case in VECTORS["good"]]
    seeds += [bytes.fromhex(case["bytes"]) for case in VECTORS["bad"] if "bytes" in case]
    for _ in range(count):
        data = bytearray(chance.choice(seeds)[:200])
        for _ in range(chance.randint(1, 4)):
            at = chance.randint(0, len(data))
            match chance.randint(0, 3):
                case 0:
                    data[at:at] = chance.choice(seeds)[:40]
                case 1:
                    data[at : at + chance.randint(0, 8)] = b""
                case 2:
                    data[at : at + 1] = chance.randbytes(1)
                case _:
                    data[at:at] = chance.choice(
                        (b"\x9b", b"\xbb", b"\x5b", b"\x81", b"\xa1", b"\xd8\x2a", b"\xff")
                    )
        yield bytes(data)


def test_twenty_thousand_fuzzed_inputs_are_a_canonical_value_or_one_error():
    """A million under ``make torture``."""
    read, count = 0, 200 * settings().max_examples
    for data in mutations(count):
        try:
            value = decode(data)
        except FormatError:
            continue
        read += 1
        assert encode(value) == data
    assert read > count // 40, "the inputs were too far from good ones to test anything"


def test_hostile_input_takes_no_more_than_64_mib():
    """In a process of its own, whose peak is that of the decoder; the last line is a decoder without bounds, as a control."""
    run = subprocess.run(
        [sys.executable, Path(__file__).with_name("hostile.py")], capture_output=True, text=True, check=True
    )
    *ours, unbounded = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(ours) == 10
    for case in ours:
        assert case["mib"] < 64, case
    assert unbounded["mib"] > 64, unbounded


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        float("nan"),
        2**64,
        -(2**63) - 1,
        {1: 2},
        {b"a": 1},
        "\ud800",
        {"\udfff": 1},
        {1},
        pytest.param(object(), id="object"),
        bytearray(b"a"),
        [1j],
    ],
    ids=repr,
)
def test_a_value_without_an_encoding_is_the_callers_fault(value):
    with pytest.raises(InputError):
        encode(value)


def test_levels_and_items_are_counted_alike_by_writer_and_reader():
    deep: list[object] = []
    for _ in range(MAX_DEPTH - 1):
        deep = [deep]
    assert decode(encode(deep)) == deep
    with pytest.raises(InputError):
        encode([deep])
    many = [0] * (MAX_ITEMS - 1)
    assert decode(encode(many)) == many
    with pytest.raises(InputError):
        encode([*many, 0])
    pairs = {f"{n:06}": n for n in range(MAX_ITEMS // 2 - 1)}
    assert decode(encode([pairs])) == [pairs]


def test_tuples_are_written_as_lists():
    assert encode((1, (2, b"a"))) == encode([1, [2, b"a"]])
