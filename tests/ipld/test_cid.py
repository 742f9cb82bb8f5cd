from __future__ import annotations

import json
from pathlib import Path

import multiformats
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.errors import FormatError, InputError
from memsync.ipld.cid import CID, DAG_CBOR, RAW

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/cid.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", VECTORS["good"], ids=lambda case: case["text"][-8:])
def test_a_block_has_the_name_in_the_vectors(case):
    cid = CID.of(bytes.fromhex(case["block"]), case["codec"])
    assert str(cid) == case["text"]
    assert cid.to_bytes().hex() == case["bytes"]
    assert CID.parse(case["text"]) == CID.from_bytes(cid.to_bytes()) == cid


@pytest.mark.parametrize("case", VECTORS["bad_texts"], ids=lambda case: case["why"])
def test_another_text_is_refused(case):
    with pytest.raises(FormatError) as caught:
        CID.parse(case["text"])
    assert (caught.value.what, caught.value.fault) == ("cid", case["fault"])


@pytest.mark.parametrize("case", VECTORS["bad_bytes"], ids=lambda case: case["why"])
def test_other_bytes_are_refused(case):
    with pytest.raises(FormatError) as caught:
        CID.from_bytes(bytes.fromhex(case["bytes"]))
    assert (caught.value.what, caught.value.fault) == ("cid", case["fault"])


@given(st.binary(max_size=200), st.sampled_from([(RAW, "raw"), (DAG_CBOR, "dag-cbor")]))
def test_names_are_those_of_multiformats(block, codec):
    theirs = multiformats.CID("base32", 1, codec[1], multiformats.multihash.digest(block, "sha2-256"))
    ours = CID.of(block, codec[0])
    assert str(ours) == str(theirs)
    assert ours.to_bytes() == bytes(theirs)


@given(
    st.binary(min_size=32, max_size=32), st.sampled_from([RAW, DAG_CBOR]), st.integers(0, 58), st.characters()
)
def test_a_text_with_another_character_names_something_else_or_nothing(digest, codec, place, character):
    cid = CID(codec, digest)
    text = str(cid)
    changed = text[:place] + character + text[place + 1 :]
    try:
        found = CID.parse(changed)
    except FormatError:
        assert changed != text
    else:
        assert str(found) == changed
        assert (found == cid) == (changed == text)


@given(st.binary(max_size=40))
def test_bytes_are_the_one_form_of_a_cid_or_refused(data):
    try:
        found = CID.from_bytes(data)
    except FormatError:
        assert not (len(data) == 36 and data[:4] in (b"\x01\x55\x12\x20", b"\x01\x71\x12\x20"))
    else:
        assert found.to_bytes() == data


def test_a_cid_is_made_of_a_known_codec_and_a_whole_digest_only():
    assert CID(RAW, bytes(32)).codec == RAW
    with pytest.raises(InputError):
        CID(0x70, bytes(32))
    with pytest.raises(InputError):
        CID(RAW, bytes(31))
