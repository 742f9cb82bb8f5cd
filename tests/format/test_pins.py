from __future__ import annotations

import pytest

from memsync.errors import FormatError, InputError
from memsync.format.pins import build_pins, read_pins
from memsync.ipld.cid import CID, DAG_CBOR
from tests.format.vectors import Refused, cases, load, unbase64

VECTORS = load("pins")


@pytest.mark.parametrize("good", VECTORS["good"])
def test_the_pins_of_the_vectors_are_made_and_read(good):
    digests = [bytes.fromhex(digest) for digest in good["digests"]]
    cid, data = build_pins([*digests[::-1], *digests])
    assert (str(cid), data) == (good["cid"], unbase64(good["block"]))
    assert read_pins(data, cid) == tuple(digests)


@cases(VECTORS["bad"])
def test_pins_that_break_a_rule_are_refused(case):
    data = unbase64(case["block"])
    with Refused("pins", case["fault"]):
        read_pins(data, CID.of(data, DAG_CBOR))


def test_pins_under_another_name_are_refused():
    _, data = build_pins([bytes(32)])
    with Refused("pins", "hash"):
        read_pins(data, CID.of(b"", DAG_CBOR))
    with Refused("pins", "type"):
        read_pins(data, CID.of(data))


def test_a_digest_of_another_length_can_not_be_pinned():
    with pytest.raises(InputError) as refused:
        build_pins([bytes(31)])
    assert not isinstance(refused.value, FormatError)
