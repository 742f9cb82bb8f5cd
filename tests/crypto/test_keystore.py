from __future__ import annotations

import base64
import json
import tracemalloc
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from hypothesis import given
from hypothesis import strategies as st

from memsync.crypto import keystore
from memsync.crypto.kdf import hash256
from memsync.crypto.keystore import MAGIC, open_keystore, seal_keystore
from memsync.errors import FormatError, InputError, LockedError, WrongPassphrase
from memsync.ipld.dagcbor import decode

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/keystore.json").read_text(encoding="utf-8"))

CHEAP = {"memory": 8192, "passes": 1, "lanes": 1}
FILE = seal_keystore("pass", b"keys of a device", **CHEAP)


def test_argon2id_is_that_of_the_reference_code():
    """RFC 9106's own vectors use a secret and associated data, which we don't: this one is of the reference code, src/test.c."""
    found = Argon2id(salt=b"somesalt", length=32, iterations=2, lanes=1, memory_cost=65536).derive(
        b"password"
    )
    assert found.hex() == "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"


def split(file):
    """Header and sealed part, by the page."""
    start = len(MAGIC) + 4
    end = start + int.from_bytes(file[len(MAGIC) : start], "big")
    return decode(file[start:end]), file[end:-32]


@pytest.mark.parametrize(
    "case", VECTORS["good"], ids=lambda case: f"{case['memory']} {case['passes']} {case['lanes']}"
)
def test_a_keystore_is_the_one_in_the_vectors(case):
    file, plaintext = base64.b64decode(case["file"]), bytes.fromhex(case["plaintext"])
    cost = {name: case[name] for name in CHEAP}
    header, sealed = split(file)
    salts = iter((header["salt"], sealed[:32]))
    assert {name: header[name] for name in CHEAP} == cost
    assert open_keystore(case["passphrase"], file) == plaintext
    assert seal_keystore(case["passphrase"], plaintext, random=lambda _: next(salts), **cost) == file


@pytest.mark.parametrize("case", VECTORS["accepted"], ids=["NFKC"])
def test_a_passphrase_typed_on_another_keyboard_opens(case):
    assert open_keystore(case["passphrase"], base64.b64decode(case["file"])).hex() == case["plaintext"]


@pytest.mark.parametrize("case", VECTORS["bad"], ids=lambda case: case["why"])
def test_a_wrong_passphrase_a_damaged_file_and_a_hostile_one_are_told_apart(case):
    expected = {"WrongPassphrase": WrongPassphrase, "FormatError": FormatError}[case["error"]]
    with pytest.raises(expected) as caught:
        open_keystore(case["passphrase"], base64.b64decode(case["file"]))
    if case["fault"]:
        assert (caught.value.what, caught.value.fault) == ("keystore", case["fault"])


def test_defaults_are_64_mib_3_passes_4_lanes():
    file = seal_keystore("pass", b"keys")
    header = split(file)[0]
    assert len(header.pop("salt")) == 16
    assert header == {"kdf": "argon2id", "lanes": 4, "memory": 65536, "passes": 3}
    assert open_keystore("pass", file) == b"keys"


@given(st.integers(0, 8 * len(FILE) - 1))
def test_a_bit_flipped_anywhere_is_damage_and_no_wrong_passphrase(bit):
    bad = bytearray(FILE)
    bad[bit // 8] ^= 1 << bit % 8
    with pytest.raises(FormatError) as caught:
        open_keystore("pass", bytes(bad))
    assert caught.value.fault == ("version" if bit // 8 < len(MAGIC) else "hash")


@given(st.integers(0, len(FILE) - 1), st.binary(min_size=1, max_size=3))
def test_a_byte_cut_or_added_anywhere_is_damage(at, more):
    assert open_keystore("pass", FILE) == b"keys of a device"
    for bad in (FILE[:at], FILE[:at] + FILE[at + 1 :], FILE[:at] + more + FILE[at:]):
        with pytest.raises(FormatError):
            open_keystore("pass", bad)


@given(st.integers(8 * len(MAGIC), 8 * (len(FILE) - 32) - 1))
def test_a_forger_who_mends_the_sum_gets_nothing_opened(bit):
    bad = bytearray(FILE[:-32])
    bad[bit // 8] ^= 1 << bit % 8
    changed = bytes(bad) + hash256(bytes(bad))
    if _costly(changed):
        return
    with pytest.raises((FormatError, WrongPassphrase)):
        open_keystore("pass", changed)


def _costly(file):
    """Whether a flipped bit asks for more than 64 MiB or 2 passes: allowed, and too slow for a test."""
    try:
        _, memory, passes, _ = keystore._parameters(keystore._split(file)[0])
    except FormatError:
        return False
    return memory > 65536 or passes > 2


def test_hostile_parameters_take_no_memory():
    hostile = [base64.b64decode(case["file"]) for case in VECTORS["bad"] if case["fault"] == "value"]
    assert len(hostile) == 8
    tracemalloc.start()
    try:
        for file in hostile:
            with pytest.raises(FormatError):
                open_keystore("pass", file)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1024 * 1024


def test_a_keystore_that_needs_more_memory_than_there_is_says_so(monkeypatch):
    class Poor:
        def __init__(self, **_):
            pass

        def derive(self, _):
            raise MemoryError

    monkeypatch.setattr(keystore, "Argon2id", Poor)
    with pytest.raises(LockedError, match="8 MiB"):
        open_keystore("pass", FILE)


@pytest.mark.parametrize(
    "make",
    [
        lambda: seal_keystore("", b"keys"),
        lambda: seal_keystore("\ud800", b"keys", **CHEAP),
        lambda: seal_keystore("pass", b"keys", memory=8191),
        lambda: seal_keystore("pass", b"keys", memory=1024 * 1024 + 1),
        lambda: seal_keystore("pass", b"keys", passes=17),
        lambda: seal_keystore("pass", b"keys", lanes=0),
        lambda: seal_keystore("pass", bytes(300_000), **CHEAP),
        lambda: open_keystore("\ud800", FILE),
    ],
)
def test_arguments_out_of_bounds_are_the_callers_fault(make):
    with pytest.raises(InputError):
        make()


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_a_keystore_or_one_error(data, marked):
    with pytest.raises(FormatError):
        open_keystore("pass", MAGIC + data if marked else data)
