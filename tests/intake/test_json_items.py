"""The reader of long lists against Python's own decoder, in every way of cutting the bytes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.errors import InputError
from memsync.intake import json_items
from memsync.intake.json_items import read_items

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
)
TEXTS = st.text(st.sampled_from('a"\\{}[],:\n\té😀\u2028\x00')) | st.text(max_size=20)
VALUES = st.recursive(
    LEAVES | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=4), max_size=6)


def in_chunks(data, sizes):
    """A ``read`` that returns pieces of ``data`` of these sizes, over and over, whatever was asked for."""
    at = step = 0

    def read(_):
        nonlocal at, step
        size = sizes[step % len(sizes)]
        piece = data[at : at + size]
        at, step = at + size, step + 1
        return piece

    return read


def load(data, sizes=(1 << 18,)):
    return list(read_items(in_chunks(data, sizes), "list"))


@given(
    OBJECTS,
    st.lists(st.integers(1, 40), min_size=1, max_size=5),
    st.booleans(),
    st.sampled_from([None, 1]),
    st.booleans(),
)
def test_any_list_of_objects_is_read_however_it_is_cut(objects, sizes, ascii_only, indent, with_mark):
    data = json.dumps(objects, ensure_ascii=ascii_only, indent=indent).encode("utf-8")
    assert load((b"\xef\xbb\xbf" if with_mark and sizes[0] > 3 else b"") + data, sizes) == objects


@given(OBJECTS, st.data())
def test_a_list_with_one_byte_altered_reads_as_python_reads_it_or_is_refused(objects, draw):
    data = bytearray(json.dumps(objects).encode())
    data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    try:
        got = load(bytes(data), (7,))
    except InputError:
        return
    assert got == json.loads(bytes(data))


@pytest.mark.parametrize("sizes", [(1,), (2,), (3,), (1 << 18,)])
def test_backslashes_before_quotes_are_followed_across_chunks(sizes):
    objects = [
        {"a": "\\" * n + '"' * m + "]}" + "\\" * k} for n in range(4) for m in range(3) for k in range(3)
    ]
    assert load(json.dumps(objects).encode(), sizes) == objects


def test_depth_up_to_the_limit_is_read():
    value = "deep"
    for _ in range(json_items.MAX_DEPTH - 2):
        value = [value]
    assert load(json.dumps([{"a": value}]).encode()) == [{"a": value}]
    with pytest.raises(InputError, match="nested over 100 deep"):
        load(json.dumps([{"a": [value]}]).encode())


def test_brackets_in_a_text_are_no_depth():
    objects = [{"code": "[" * 10_000 + "{" * 10_000}]
    assert load(json.dumps(objects).encode(), (1000,)) == objects


def test_one_object_past_the_limits_is_refused_and_many_below_are_read(monkeypatch):
    monkeypatch.setattr(json_items, "MAX_OBJECT_BYTES", 5000)
    many = json.dumps([{"a": "x" * 900}] * 100).encode()
    assert len(load(many, (500,))) == 100
    with pytest.raises(InputError, match="one conversation of list is over"):
        load(json.dumps([{"a": "x" * 9000}]).encode(), (500,))
    monkeypatch.setattr(json_items, "MAX_OBJECT_BYTES", 1 << 26)
    monkeypatch.setattr(json_items, "MAX_OBJECT_VALUES", 1000)
    assert len(load(json.dumps([{"a": [0] * 90}] * 100).encode(), (50,))) == 100
    with pytest.raises(InputError, match="one conversation of list is over"):
        load(json.dumps([{"a": [0] * 2000}]).encode(), (50,))
