"""Ethereum's side: keys, signatures, ids and EIP-712, beside eth-account and eth-abi."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_abi import encode as abi_encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils import keccak as their_keccak
from hypothesis import given
from hypothesis import strategies as st

from memsync.crypto import eip712
from memsync.crypto.secp256k1 import ORDER, SecpKey, grant_id, keccak, recover, vault_id, word
from memsync.errors import InputError, SignatureInvalid

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/eip712.json").read_text(encoding="utf-8"))

SECRETS = st.integers(1, ORDER - 1).map(lambda number: number.to_bytes(32, "big"))
WORDS = st.binary(min_size=32, max_size=32)
ADDRESSES = st.binary(min_size=20, max_size=20)


def raw(case, *names):
    return [bytes.fromhex(case[name]) for name in names]


@given(st.binary(max_size=300))
def test_keccak_is_that_of_ethereum(data):
    assert keccak(data) == their_keccak(data)


@given(SECRETS)
def test_a_key_has_the_address_that_eth_account_gives_it(secret):
    assert SecpKey(secret).address.hex() == Account.from_key(secret).address[2:].lower()


@given(SECRETS, WORDS)
def test_a_signature_is_the_one_of_eth_account_and_recovers(secret, digest):
    key = SecpKey(secret)
    signature = key.sign(digest)
    assert signature == bytes(Account.from_key(secret).unsafe_sign_hash(digest).signature)
    assert recover(digest, signature) == key.address
    assert int.from_bytes(signature[32:64], "big") <= ORDER // 2


@given(SECRETS, WORDS, st.data())
def test_a_bit_flipped_in_a_signature_or_digest_never_recovers_the_same_account(secret, digest, data):
    key = SecpKey(secret)
    both = bytearray(key.sign(digest) + digest)
    bit = data.draw(st.integers(0, 8 * len(both) - 1))
    both[bit // 8] ^= 1 << bit % 8
    try:
        found = recover(bytes(both[65:]), bytes(both[:65]))
    except SignatureInvalid:
        return
    assert found != key.address


@pytest.mark.parametrize("case", VECTORS["bad_signatures"], ids=lambda case: case["why"])
def test_a_malformed_signature_is_refused(case):
    digest, signature = raw(case, "digest", "signature")
    with pytest.raises(SignatureInvalid):
        recover(digest, signature)


def test_the_other_spelling_of_a_signature_recovers_elsewhere_and_is_refused_here():
    """The negated s is as valid a signature of the same account to who does not look."""
    key, digest = SecpKey(b"\1" * 32), b"\2" * 32
    good = key.sign(digest)
    negated = (ORDER - int.from_bytes(good[32:64], "big")).to_bytes(32, "big")
    other = good[:32] + negated + bytes([55 - good[64]])
    lenient = Account._recover_hash(digest, signature=other)
    assert lenient[2:].lower() == key.address.hex()
    with pytest.raises(SignatureInvalid):
        recover(digest, other)


@given(st.integers(0, 2**64), ADDRESSES, ADDRESSES, st.integers(0, 2**256 - 1))
def test_a_vault_id_is_the_hash_of_what_eth_abi_encodes(chain, contract, owner, nonce):
    encoded = abi_encode(["uint256", "address", "address", "uint256"], [chain, contract, owner, nonce])
    assert vault_id(chain, contract, owner, nonce) == keccak(encoded)
    assert vault_id(chain, contract, owner) == vault_id(chain, contract, owner, 0)


@given(WORDS, ADDRESSES, WORDS, WORDS)
def test_a_grant_id_is_the_hash_of_what_eth_abi_encodes(vault, grantee, scope, salt):
    encoded = abi_encode(["bytes32", "address", "bytes32", "bytes32"], [vault, grantee, scope, salt])
    assert grant_id(vault, grantee, scope, salt) == keccak(encoded)


@pytest.mark.parametrize("case", VECTORS["vault_ids"], ids=lambda case: str(case["chain"]))
def test_a_vault_id_is_the_one_in_the_vectors(case):
    assert vault_id(case["chain"], *raw(case, "contract", "owner"), case["nonce"]).hex() == case["id"]


@pytest.mark.parametrize("case", VECTORS["grant_ids"], ids=lambda case: case["grant_salt"][:4])
def test_a_grant_id_is_the_one_in_the_vectors(case):
    assert grant_id(*raw(case, "vault", "grantee", "scope", "grant_salt")).hex() == case["id"]


def author_of_eth_account(chain, contract, vault, generation, author_key, signer):
    signable = encode_typed_data(
        {"name": "MemSync", "version": "1", "chainId": chain, "verifyingContract": "0x" + contract.hex()},
        {
            "Author": [
                {"name": "vault", "type": "bytes32"},
                {"name": "generation", "type": "uint32"},
                {"name": "authorKey", "type": "bytes32"},
                {"name": "signer", "type": "address"},
            ]
        },
        {"vault": vault, "generation": generation, "authorKey": author_key, "signer": "0x" + signer.hex()},
    )
    return signable, keccak(b"\x19" + signable.version + signable.header + signable.body)


def card_of_eth_account(name, url, account, box, author, issued):
    signable = encode_typed_data(
        {"name": "MemSync", "version": "1"},
        {
            "Card": [
                {"name": "name", "type": "string"},
                {"name": "url", "type": "string"},
                {"name": "account", "type": "address"},
                {"name": "box", "type": "bytes"},
                {"name": "author", "type": "bytes32"},
                {"name": "issued", "type": "uint64"},
            ]
        },
        {
            "name": name,
            "url": url,
            "account": "0x" + account.hex(),
            "box": box,
            "author": author,
            "issued": issued,
        },
    )
    return signable, keccak(b"\x19" + signable.version + signable.header + signable.body)


@given(st.integers(1, 2**53), ADDRESSES, WORDS, st.integers(0, 2**32 - 1), WORDS, ADDRESSES)
def test_the_author_digest_is_that_of_eth_account(chain, contract, vault, generation, author, signer):
    signable, digest = author_of_eth_account(chain, contract, vault, generation, author, signer)
    assert eip712.domain_separator(chain, contract) == signable.header
    ours = eip712.author_digest(
        chain, contract, vault, generation=generation, author_key=author, signer=signer
    )
    assert ours == digest


@given(
    st.text(max_size=20),
    st.text(max_size=20),
    ADDRESSES,
    st.binary(max_size=1300),
    WORDS,
    st.integers(0, 2**64 - 1),
)
def test_the_card_digest_is_that_of_eth_account(name, url, account, box, author, issued):
    signable, digest = card_of_eth_account(name, url, account, box, author, issued)
    assert eip712.domain_separator() == signable.header
    ours = eip712.card_digest(name=name, url=url, account=account, box=box, author=author, issued=issued)
    assert ours == digest


@pytest.mark.parametrize("case", VECTORS["author"], ids=lambda case: str(case["chain"]))
def test_a_certificate_is_the_one_in_the_vectors(case):
    contract, vault, author, signer = raw(case, "contract", "vault", "author_key", "signer")
    digest = eip712.author_digest(
        case["chain"], contract, vault, generation=case["generation"], author_key=author, signer=signer
    )
    assert digest.hex() == case["digest"]
    assert SecpKey(bytes.fromhex(case["secret"])).sign(digest).hex() == case["signature"]
    assert recover(digest, bytes.fromhex(case["signature"])).hex() == case["owner"]
    assert vault_id(case["chain"], contract, bytes.fromhex(case["owner"])) == vault


@pytest.mark.parametrize("case", VECTORS["card"], ids=lambda case: case["name"])
def test_a_card_is_the_one_in_the_vectors(case):
    account, box, author = raw(case, "account", "box", "author")
    fields = {name: case[name] for name in ("name", "url", "issued")}
    digest = eip712.card_digest(account=account, box=box, author=author, **fields)
    assert digest.hex() == case["digest"]
    assert recover(digest, bytes.fromhex(case["signature"])) == account


def test_domains_are_those_in_the_vectors():
    case = VECTORS["domain"]
    assert eip712.domain_separator(case["chain"], bytes.fromhex(case["contract"])).hex() == case["separator"]
    assert eip712.domain_separator().hex() == case["separator_off_chain"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: vault_id(1, bytes(19), bytes(20)),
        lambda: vault_id(1, bytes(20), bytes(32)),
        lambda: vault_id(-1, bytes(20), bytes(20)),
        lambda: grant_id(bytes(31), bytes(20), bytes(32), bytes(32)),
        lambda: grant_id(bytes(32), bytes(32), bytes(32), bytes(32)),
        lambda: word(2**256),
        lambda: word(b"abc"),
        lambda: SecpKey(b"\1" * 32).sign(b"short"),
        lambda: recover(b"short", bytes(65)),
        lambda: eip712.domain_separator(1, None),
        lambda: eip712.domain_separator(None, bytes(20)),
        lambda: eip712.domain_separator(1, bytes(19)),
        lambda: eip712.author_digest(
            1, bytes(20), bytes(32), generation=2**32, author_key=bytes(32), signer=bytes(20)
        ),
        lambda: eip712.author_digest(
            1, bytes(20), bytes(32), generation=0, author_key=bytes(31), signer=bytes(20)
        ),
        lambda: eip712.card_digest(name="", url="", account=bytes(19), box=b"", author=bytes(32), issued=0),
        lambda: eip712.card_digest(
            name="", url="", account=bytes(20), box=b"", author=bytes(32), issued=2**64
        ),
        lambda: eip712.card_digest(
            name="\ud800", url="", account=bytes(20), box=b"", author=bytes(32), issued=0
        ),
    ],
)
def test_arguments_of_a_wrong_shape_are_the_callers_fault(make):
    with pytest.raises(InputError):
        make()
