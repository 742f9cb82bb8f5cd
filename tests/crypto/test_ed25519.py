from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.crypto.ed25519 import AuthorKey, verify
from memsync.errors import InputError, SignatureInvalid

# RFC 8032, section 7.1: secret, public, message, signature.
PUBLISHED = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("seed", "public", "message", "signature"), PUBLISHED)
def test_keys_and_signatures_are_those_of_rfc_8032(seed, public, message, signature):
    key = AuthorKey(bytes.fromhex(seed))
    assert key.public.hex() == public
    assert key.sign(bytes.fromhex(message)).hex() == signature
    verify(key.public, bytes.fromhex(message), bytes.fromhex(signature))


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=1, max_size=60), st.data())
def test_a_bit_flipped_in_key_message_or_signature_is_refused(seed, message, data):
    key = AuthorKey(seed)
    parts = [key.public, message, key.sign(message)]
    verify(*parts)
    which = data.draw(st.integers(0, 2))
    bit = data.draw(st.integers(0, 8 * len(parts[which]) - 1))
    changed = bytearray(parts[which])
    changed[bit // 8] ^= 1 << bit % 8
    parts[which] = bytes(changed)
    with pytest.raises(SignatureInvalid):
        verify(*parts)


@pytest.mark.parametrize(
    ("public", "signature"),
    [
        (bytes(31), bytes(64)),
        (bytes(32), bytes(63)),
        (b"", b""),
        (b"\xff" * 32, bytes(64)),
        (bytes(33), bytes(65)),
    ],
)
def test_a_key_or_signature_of_a_wrong_shape_is_refused(public, signature):
    with pytest.raises(SignatureInvalid):
        verify(public, b"", signature)


def test_a_seed_of_another_length_is_the_callers_fault():
    with pytest.raises(InputError):
        AuthorKey(bytes(31))
