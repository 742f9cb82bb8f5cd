"""One ciphertext that AES-GCM opens under two keys, and that a sealed block refuses to be.

GCM's tag is linear in the ciphertext over GF(2^128) once both keys are known (Dodis, Grubbs, Ristenpart, Woodage, "Fast Message
Franking", 2018): one free block of ciphertext makes the tags under two keys meet.
"""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from memsync.crypto.kdf import PREFIX, expand
from memsync.crypto.sealing import Kind, aad, open_block, pad
from memsync.errors import FormatError
from memsync.ipld.dagcbor import encode

NONCE = bytes(12)
REDUCTION = 0xE1 << 120
WHERE = aad(b"v" * 32, b"s" * 16, b"e" * 16, Kind.SEGMENT, b"o" * 16)
ONE, TWO = b"\1" * 32, b"\2" * 32
SALT = b"\3" * 32


def times(x, y):
    """The product in GCM's field, bits in GCM's order (NIST SP 800-38D, 6.3)."""
    product = 0
    for bit in range(127, -1, -1):
        if y >> bit & 1:
            product ^= x
        x = x >> 1 ^ (REDUCTION if x & 1 else 0)
    return product


def inverse(x):
    result, power = 1 << 127, x
    for _ in range(127):
        power = times(power, power)
        result = times(result, power)
    return result


def blocks_of(data):
    padded = data + bytes(-len(data) % 16)
    return [int.from_bytes(padded[at : at + 16], "big") for at in range(0, len(padded), 16)]


def aes(key, block):
    encryptor = Cipher(AES(key), ECB()).encryptor()  # noqa: S305 - the raw block cipher, for the hash key and the tag's mask
    return int.from_bytes(encryptor.update(block), "big")


def polynomial(hash_key, coefficients):
    total = 0
    for coefficient in coefficients:
        total = times(total ^ coefficient, hash_key)
    return total


def for_two_keys(first, second, associated, ciphertext, free):
    """``ciphertext`` with block ``free`` replaced and one tag added, such that both keys open it."""
    blocks = blocks_of(ciphertext)
    blocks[free] = 0
    lengths = (8 * len(associated)) << 64 | 8 * len(ciphertext)
    coefficients = [*blocks_of(associated), *blocks, lengths]
    hashes = [aes(key, bytes(16)) for key in (first, second)]
    masks = [aes(key, NONCE + b"\0\0\0\1") for key in (first, second)]
    tags = [polynomial(h, coefficients) ^ mask for h, mask in zip(hashes, masks, strict=True)]
    powers = []
    for h in hashes:
        power = h
        for _ in range(len(blocks) - free):
            power = times(power, h)
        powers.append(power)
    blocks[free] = times(tags[0] ^ tags[1], inverse(powers[0] ^ powers[1]))
    tag = tags[0] ^ times(blocks[free], powers[0])
    return b"".join(block.to_bytes(16, "big") for block in blocks) + tag.to_bytes(16, "big")


def one_time(key):
    """The block's AES key and its commitment, as sealing derives them."""
    both = expand(key, SALT, encode([PREFIX, "seal", WHERE]), 64)
    return both[:32], both[32:]


@pytest.fixture(scope="module")
def crafted():
    """Valid to the last padding byte under the first key, but for sixteen bytes within its text."""
    plaintext = pad(b"Memories as the first reader sees them. ".ljust(4000, b"."), 4016)
    first, second = one_time(ONE)[0], one_time(TWO)[0]
    ciphertext = AESGCM(first).encrypt(NONCE, plaintext, WHERE)[:-16]
    return for_two_keys(first, second, WHERE, ciphertext, free=100)


def test_plain_gcm_opens_one_ciphertext_under_two_keys(crafted):
    first, second = (AESGCM(one_time(key)[0]).decrypt(NONCE, crafted, WHERE) for key in (ONE, TWO))
    assert first != second
    assert first[4:43] == b"Memories as the first reader sees them."
    with pytest.raises(InvalidTag):
        AESGCM(one_time(b"\4" * 32)[0]).decrypt(NONCE, crafted, WHERE)


def test_a_block_made_for_two_keys_opens_under_the_one_it_commits_to(crafted):
    block = SALT + one_time(ONE)[1] + crafted
    assert open_block(ONE, WHERE, block, what="segment").startswith(b"Memories as the first reader")
    with pytest.raises(FormatError) as caught:
        open_block(TWO, WHERE, block, what="segment")
    assert caught.value.fault == "key"


def test_a_block_made_for_two_keys_is_refused_under_the_one_it_does_not_commit_to(crafted):
    block = SALT + one_time(TWO)[1] + crafted
    with pytest.raises(FormatError) as caught:
        open_block(ONE, WHERE, block, what="segment")
    assert caught.value.fault == "key"


def test_commitments_of_two_keys_are_different():
    assert one_time(ONE)[1] != one_time(TWO)[1]
