from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.crypto import pointer
from memsync.crypto.kdf import derive
from memsync.crypto.pointer import (
    PARCEL_SALT,
    SealedPointer,
    open_parcel_pointer,
    open_pointer,
    reveal,
    seal_parcel_pointer,
    seal_pointer,
    unmask,
)
from memsync.errors import InputError, PointerInvalid

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/pointer.json").read_text(encoding="utf-8"))

B32 = st.binary(min_size=32, max_size=32)
U32 = st.integers(0, 2**32 - 1)


def raw(case, *names):
    return [bytes.fromhex(case[name]) for name in names]


@pytest.mark.parametrize(
    "case", VECTORS["pointers"], ids=lambda case: f"{case['sequence']} {case['digest'][:4]}"
)
def test_a_pointer_is_the_one_in_the_vectors(case):
    key, vault, digest = raw(case, "pointer_key", "vault", "digest")
    sealed = seal_pointer(key, vault, case["sequence"], digest)
    assert (sealed.salt.hex(), sealed.pointer.hex()) == (case["salt"], case["pointer"])
    assert sealed.salt_int == case["salt_int"]
    assert open_pointer(key, vault, case["sequence"], sealed.salt, sealed.pointer) == digest
    assert reveal(key, vault, case["sequence"], sealed.salt).hex() == case["commitment"]


@pytest.mark.parametrize("case", VECTORS["bad"], ids=lambda case: case["why"])
def test_a_pointer_that_these_keys_did_not_seal_is_refused(case):
    key, vault, salt, sealed = raw(case, "pointer_key", "vault", "salt", "pointer")
    with pytest.raises(PointerInvalid):
        open_pointer(key, vault, case["sequence"], salt, sealed)


@pytest.mark.parametrize("case", VECTORS["parcels"], ids=lambda case: str(case["number"]))
def test_a_parcels_pointer_is_the_one_in_the_vectors(case):
    secret, grant, digest = raw(case, "secret", "grant", "digest")
    sealed = seal_parcel_pointer(secret, grant, case["number"], digest)
    assert (sealed.salt.hex(), sealed.pointer.hex()) == (case["salt"], case["pointer"])
    assert sealed.salt_int == case["salt_int"]
    assert open_parcel_pointer(secret, grant, case["number"], sealed.salt, sealed.pointer) == digest


@pytest.mark.parametrize("case", VECTORS["bad_parcels"], ids=lambda case: case["why"])
def test_a_parcels_pointer_that_this_grant_did_not_seal_is_refused(case):
    secret, grant, salt, sealed = raw(case, "secret", "grant", "salt", "pointer")
    with pytest.raises(PointerInvalid):
        open_parcel_pointer(secret, grant, case["number"], salt, sealed)


@given(B32, B32, U32, B32)
def test_sealing_again_gives_the_same_bytes_and_opens(key, vault, sequence, digest):
    sealed = seal_pointer(key, vault, sequence, digest)
    assert sealed == seal_pointer(key, vault, sequence, digest)
    assert open_pointer(key, vault, sequence, sealed.salt, sealed.pointer) == digest
    assert SealedPointer.from_chain(sealed.salt_int, sealed.pointer) == sealed
    parcel = seal_parcel_pointer(key, vault, sequence, digest)
    assert SealedPointer.from_chain(parcel.salt_int, parcel.pointer, width=PARCEL_SALT) == parcel
    assert open_parcel_pointer(key, vault, sequence, parcel.salt, parcel.pointer) == digest


@given(B32, B32, st.integers(1, 2**32 - 1), B32, st.integers(0, 287))
def test_a_bit_flipped_in_salt_or_pointer_is_refused(key, vault, sequence, digest, bit):
    sealed = seal_pointer(key, vault, sequence, digest)
    changed = bytearray(sealed.salt + sealed.pointer)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(PointerInvalid):
        open_pointer(key, vault, sequence, bytes(changed[:4]), bytes(changed[4:]))


@given(B32, B32, st.integers(1, 2**31), B32, B32)
def test_other_keys_vaults_and_sequences_do_not_open(key, vault, sequence, digest, other):
    sealed = seal_pointer(key, vault, sequence, digest)
    assert open_pointer(key, vault, sequence, sealed.salt, sealed.pointer) == digest
    for places in ((other, vault, sequence), (key, other, sequence), (key, vault, sequence + 1)):
        if places == (key, vault, sequence):
            continue
        with pytest.raises(PointerInvalid):
            open_pointer(*places, sealed.salt, sealed.pointer)


def test_one_root_under_two_sequences_and_two_roots_under_one_share_nothing_on_chain():
    key, vault = b"\1" * 32, b"\2" * 32
    sealed = [
        seal_pointer(key, vault, sequence, digest * 32) for sequence in range(20) for digest in (b"a", b"b")
    ]
    assert len({each.salt for each in sealed}) == len({each.pointer for each in sealed}) == 40


def test_what_was_revealed_proves_one_root_and_opens_no_other():
    key, vault, digest = b"\1" * 32, b"\2" * 32, b"\3" * 32
    first, second = seal_pointer(key, vault, 1, digest), seal_pointer(key, vault, 2, digest)
    c = reveal(key, vault, 1, first.salt)
    assert unmask(c, first.pointer) == digest
    assert unmask(c, second.pointer) != digest
    assert unmask(c, seal_pointer(key, vault, 1, b"\4" * 32).pointer) != b"\4" * 32


def test_a_parcels_pointer_is_no_roots_pointer():
    secret, grant, digest = b"\1" * 32, b"\2" * 32, b"\3" * 32
    sealed = seal_parcel_pointer(secret, grant, 1, digest)
    inner = derive(secret, "parcel")
    assert pointer.open_pointer(inner, grant, 1, *_root(inner, grant, digest)) == digest
    with pytest.raises(PointerInvalid):
        open_pointer(inner, grant, 1, sealed.salt[:4], sealed.pointer)


def _root(key, place, digest):
    sealed = seal_pointer(key, place, 1, digest)
    return sealed.salt, sealed.pointer


@pytest.mark.parametrize(
    "make",
    [
        lambda: seal_pointer(bytes(31), bytes(32), 1, bytes(32)),
        lambda: seal_pointer(bytes(32), bytes(31), 1, bytes(32)),
        lambda: seal_pointer(bytes(32), bytes(32), 2**32, bytes(32)),
        lambda: seal_pointer(bytes(32), bytes(32), -1, bytes(32)),
        lambda: seal_pointer(bytes(32), bytes(32), 1, bytes(31)),
        lambda: seal_parcel_pointer(bytes(31), bytes(32), 1, bytes(32)),
        lambda: open_pointer(bytes(32), bytes(31), 1, bytes(4), bytes(32)),
        lambda: reveal(bytes(32), bytes(32), 1, bytes(6)),
        lambda: unmask(bytes(31), bytes(32)),
        lambda: SealedPointer.from_chain(2**32, bytes(32)),
        lambda: SealedPointer.from_chain(-1, bytes(32)),
    ],
)
def test_arguments_of_a_wrong_shape_are_the_callers_fault(make):
    with pytest.raises(InputError):
        make()
