"""What two devices that pair over a wire say to each other: one code on both screens, unless somebody stands between them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.errors import FormatError, SignatureInvalid
from memsync.format import handshake
from memsync.format.handshake import (
    DIGITS,
    HEAD,
    SIZES,
    Adder,
    Joiner,
    Kind,
    read_head,
    same_code,
    shown_code,
    write_frame,
)
from memsync.format.pairing import open_answer, seal_answer, sign_request
from tests.format.vectors import Refused, load
from tests.vectors import samples as s

REQUEST = sign_request(s.DEVICE, name="phone", issued=s.START, nonce=bytes(16))
VECTORS = load("handshake")


def met(joiner: Joiner, adder: Adder) -> tuple[handshake.Session, handshake.Session]:
    box, here = joiner.reveal(adder.public)
    request, there = adder.meet(box)
    assert request == REQUEST
    return here, there


def test_both_sides_come_to_one_code_and_the_answer_opens():
    joiner = Joiner(REQUEST, s.DEVICE)
    adder = Adder(joiner.commitment)
    here, there = met(joiner, adder)
    assert here == there
    assert len(here.code) == DIGITS
    assert here.code.isdigit()
    answer = joiner.open(here, adder.seal(REQUEST, there, seal_answer(REQUEST, b"keys")))
    assert open_answer(answer, REQUEST, s.DEVICE) == b"keys"


def test_two_pairings_of_the_same_devices_have_nothing_in_common():
    sessions = []
    for _ in range(2):
        joiner = Joiner(REQUEST, s.DEVICE)
        sessions.append(met(joiner, Adder(joiner.commitment))[0])
    assert sessions[0].secret != sessions[1].secret


def test_a_frame_has_the_size_of_its_kind_whatever_is_in_it():
    joiner = Joiner(sign_request(s.DEVICE, name="x" * 64, issued=2**40 - 1, nonce=bytes(16)), s.DEVICE)
    adder = Adder(joiner.commitment)
    box, session = joiner.reveal(adder.public)
    for kind, body in [
        (Kind.COMMIT, joiner.commitment),
        (Kind.KEY, adder.public),
        (Kind.REVEAL, box),
        (Kind.EQUAL, session.proof(Kind.EQUAL)),
        (Kind.AGREED, session.proof(Kind.AGREED)),
        (Kind.ANSWER, adder.seal(REQUEST, session, b"short")),
        (Kind.TAKEN, session.proof(Kind.TAKEN)),
    ]:
        assert len(write_frame(kind, body)) == HEAD + SIZES[kind]
    with Refused("pairing", "size"):
        write_frame(Kind.STOP, b"")


@given(
    st.binary(max_size=12) | st.integers(0, 255).map(lambda kind: b"memsync" + bytes([kind])),
    st.sampled_from(Kind),
)
def test_no_bytes_are_taken_for_another_frame_than_the_next_or_a_stop(head: bytes, wanted: Kind):
    if head in (b"memsync" + bytes([wanted]), b"memsync" + bytes([Kind.STOP])):
        assert read_head(head, wanted) == head[-1]
    else:
        with Refused("pairing", "type"):
            read_head(head, wanted)


@given(st.sampled_from(Kind), st.sampled_from(Kind))
def test_only_the_frame_that_is_next_is_taken(came: Kind, wanted: Kind):
    frame = write_frame(came, bytes(SIZES[came]))
    if came in (wanted, Kind.STOP):
        assert read_head(frame[:HEAD], wanted) is came
    else:
        with Refused("pairing", "type"):
            read_head(frame[:HEAD], wanted)


@given(st.binary(max_size=64))
def test_a_reveal_of_any_plaintext_is_refused_with_one_of_the_errors_of_the_format(plaintext: bytes):
    adder = Adder(bytes(32))
    box = handshake.seal_box(adder.public, handshake._place(bytes(32)), plaintext, room=handshake.ROOM)
    with Refused("pairing", "hash"):
        adder.meet(box)


@given(nonce=st.binary(min_size=32, max_size=32), request=st.binary(max_size=200))
def test_what_was_committed_to_must_still_be_a_request(nonce: bytes, request: bytes):
    commitment = handshake._commitment(nonce, request)
    adder = Adder(commitment)
    box = handshake.seal_box(adder.public, handshake._place(commitment), nonce + request, room=handshake.ROOM)
    with pytest.raises((FormatError, SignatureInvalid)):
        adder.meet(box)


@pytest.mark.parametrize("at", [0, 1119, 1120, SIZES[Kind.REVEAL] - 1])
def test_a_reveal_or_answer_altered_in_a_bit_is_refused(at: int):
    joiner = Joiner(REQUEST, s.DEVICE)
    adder = Adder(joiner.commitment)
    box, session = joiner.reveal(adder.public)

    def altered(body: bytes) -> bytes:
        return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]

    with Refused("pairing", "key"):
        adder.meet(altered(box))
    with Refused("pairing", "key"):
        joiner.open(session, altered(adder.seal(REQUEST, session, b"answer")))


def test_another_request_or_nonce_than_was_committed_to_is_refused():
    joiner, other = Joiner(REQUEST, s.DEVICE), Joiner(REQUEST, s.DEVICE)
    adder = Adder(joiner.commitment)
    other.commitment = joiner.commitment  # the same place, another nonce
    with Refused("pairing", "hash"):
        adder.meet(other.reveal(adder.public)[0])


def test_an_answer_that_another_boxed_to_the_joining_device_is_refused():
    joiner, thief = Joiner(REQUEST, s.DEVICE), Joiner(REQUEST, s.DEVICE)
    session, _ = met(joiner, Adder(joiner.commitment))
    other, _ = met(
        thief, Adder(thief.commitment)
    )  # knows the vault and the request, not this pairing's nonce
    with Refused("pairing", "key"):
        joiner.open(session, Adder.seal(REQUEST, other, seal_answer(REQUEST, b"old keys")))


def test_what_one_end_says_is_no_proof_for_another_word_or_pairing():
    joiner, other = Joiner(REQUEST, s.DEVICE), Joiner(REQUEST, s.DEVICE)
    session, _ = met(joiner, Adder(joiner.commitment))
    stranger, _ = met(other, Adder(other.commitment))
    session.check_proof(Kind.EQUAL, session.proof(Kind.EQUAL))
    for proof in (session.proof(Kind.AGREED), stranger.proof(Kind.EQUAL), bytes(32), b""):
        with Refused("pairing", "key"):
            session.check_proof(Kind.EQUAL, proof)


def test_a_code_is_taken_however_it_is_spaced_and_no_other_is():
    assert shown_code("0123456") == "012 3456"
    for typed in ("0123456", "012 3456", " 012-3456\n", "0 1 2 3 4 5 6"):
        assert same_code(typed, "0123456")
    for typed in ("", "123456", "0123457", "0123456 0", "O123456", "\udcff", "٠١٢٣٤٥٦"):
        assert not same_code(typed, "0123456")


def test_a_key_that_is_none_is_refused():
    joiner = Joiner(REQUEST, s.DEVICE)
    for public in (bytes(1216), bytes([255]) * 1216):
        with pytest.raises(FormatError):
            joiner.reveal(public)


def test_the_handshake_of_the_vectors_is_played():
    nonce, seed = bytes.fromhex(VECTORS["nonce"]), bytes.fromhex(VECTORS["key_seed"])
    request = sign_request(s.DEVICE, name="phone 手機", issued=s.START, nonce=s.chosen("nonce", 16))
    joiner = Joiner(request, s.DEVICE, random=lambda _: nonce)
    adder = Adder(joiner.commitment, random=lambda _: seed)
    _, session = joiner.reveal(adder.public)
    assert joiner.commitment.hex() == VECTORS["commitment"]
    assert (session.secret.hex(), session.code) == (VECTORS["session"], VECTORS["code"])
    for name, proof in VECTORS["proofs"].items():
        assert session.proof(Kind[name]).hex() == proof
    met_request, there = adder.meet(bytes.fromhex(VECTORS["reveal"]))
    assert (met_request, there) == (request, session)
    assert joiner.open(session, bytes.fromhex(VECTORS["answer"])).decode() == load("pairing")["answer"]
