"""Requests and answers between two devices: one way to write each, and whatever is altered is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from memsync.crypto.hpke import OVERHEAD
from memsync.errors import InputError, SignatureInvalid
from memsync.format.pairing import (
    ANSWER_ROOM,
    LIMIT,
    open_answer,
    read_request,
    seal_answer,
    sign_request,
    write_request,
)
from tests.format.vectors import Refused, cases, load
from tests.vectors import samples as s

VECTORS = load("pairing")
NONCE = bytes(range(16))
REQUEST = sign_request(s.DEVICE, name="phone 📱", issued=s.START, nonce=NONCE)
DATA = json.loads(write_request(REQUEST))


def written(**changed: object) -> bytes:
    fields = {name: value for name, value in (DATA | changed).items() if value is not None}
    return json.dumps(fields).encode()


def test_a_request_is_read_as_it_was_signed():
    assert read_request(write_request(REQUEST)) == REQUEST
    assert read_request(json.dumps(DATA, indent=2).encode()) == REQUEST, "spacing does not matter"
    assert REQUEST.device.hex() == REQUEST.fingerprint.replace(" ", "")
    assert [len(group) for group in REQUEST.fingerprint.split(" ")] == [4] * 8


def test_the_fingerprint_is_of_the_keys_and_of_nothing_else():
    other = sign_request(s.DEVICE, name="tablet", issued=0, nonce=bytes(16))
    assert other.device == REQUEST.device
    assert other.digest != REQUEST.digest
    assert sign_request(s.STRANGER, name="phone", issued=s.START, nonce=NONCE).device != REQUEST.device


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"memsync": "card"}, "type"),
        ({"version": 2}, "version"),
        ({"version": True}, "version"),
        ({"name": None}, "missing"),
        ({"more": 1}, "key"),
        ({"name": ""}, "size"),
        ({"name": "x" * 65}, "size"),
        ({"name": "a\nb"}, "value"),
        ({"name": 5}, "type"),
        ({"issued": "1"}, "type"),
        ({"issued": True}, "type"),
        ({"issued": -1}, "value"),
        ({"issued": 2**40}, "value"),
        ({"nonce": "AA"}, "length"),
        ({"nonce": "A"}, "encoding"),
        ({"nonce": "+" * 22}, "encoding"),
        ({"nonce": DATA["nonce"][:-1] + "x"}, "encoding"),
        ({"nonce": 7}, "type"),
        ({"box": DATA["author"]}, "length"),
        ({"author": DATA["nonce"]}, "length"),
        ({"signature": DATA["author"]}, "length"),
    ],
)
def test_a_request_that_breaks_a_rule_is_refused(changed, fault):
    with Refused("device request", fault):
        read_request(written(**changed))


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "encoding"),
        (b"\xff", "encoding"),
        (b"[" * 3000, "encoding"),
        (b"[]", "type"),
        (b'{"memsync":"device request","memsync":"device request"}', "duplicate"),
        (b" " * LIMIT, "size"),
    ],
)
def test_what_is_no_request_is_refused(data, fault):
    with Refused("device request", fault):
        read_request(data)


def test_a_request_is_signed_over_every_field():
    other = json.loads(
        write_request(sign_request(s.STRANGER, name="other", issued=s.START + 1, nonce=bytes(16)))
    )
    for name in ("name", "box", "author", "issued", "nonce", "signature"):
        with pytest.raises(SignatureInvalid):
            read_request(written(**{name: other[name]}))


def test_an_answer_opens_for_its_request_on_its_device_only():
    answer = seal_answer(REQUEST, b"keys")
    assert open_answer(answer, REQUEST, s.DEVICE) == b"keys"
    again = sign_request(s.DEVICE, name="phone 📱", issued=s.START, nonce=bytes(16))
    for request, device in ((again, s.DEVICE), (REQUEST, s.STRANGER), (replace(REQUEST, name="x"), s.DEVICE)):
        with Refused("device answer", "key"):
            open_answer(answer, request, device)


def test_every_answer_has_one_length_and_no_two_are_alike():
    answers = [seal_answer(REQUEST, keys) for keys in (b"", b"x", b"x" * (ANSWER_ROOM - 4))]
    assert len({len(one) for one in answers}) == 1
    assert len({*answers, seal_answer(REQUEST, b"x")}) == 4
    assert len(answers[0]) < LIMIT
    with pytest.raises(InputError):
        seal_answer(REQUEST, b"x" * (ANSWER_ROOM - 3))
    assert OVERHEAD + ANSWER_ROOM == 1648


def test_an_answer_altered_in_any_byte_is_refused():
    answer = json.loads(seal_answer(REQUEST, b"keys"))
    for at in range(0, len(answer["sealed"]) - 1, 97):
        text = answer["sealed"]
        other = "A" if text[at] != "A" else "B"
        data = json.dumps(answer | {"sealed": text[:at] + other + text[at + 1 :]}).encode()
        with Refused("device answer", "key"):
            open_answer(data, REQUEST, s.DEVICE)


def test_the_request_of_the_vectors_is_made_and_read_and_its_answer_opens():
    made = sign_request(s.DEVICE, name="phone 手機", issued=s.START, nonce=s.chosen("nonce", 16))
    assert write_request(made).decode() == VECTORS["request"]
    assert (made.device.hex(), made.digest.hex()) == (VECTORS["device"], VECTORS["digest"])
    assert open_answer(VECTORS["answer"].encode(), made, s.DEVICE).hex() == VECTORS["keys"]
    for text in VECTORS["altered"]:
        with pytest.raises(SignatureInvalid):
            read_request(text.encode())


@cases(VECTORS["bad_requests"])
def test_a_request_of_the_vectors_that_breaks_a_rule_is_refused(case):
    with Refused("device request", case["fault"]):
        read_request(case["json"].encode())
