from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.crypto import words
from memsync.crypto.epochs import ContentKey, EpochKey, new_epoch
from memsync.crypto.kdf import derive, equal, expand, mac
from memsync.crypto.pairwise import PairwiseSecret
from memsync.crypto.secp256k1 import ORDER, SecpKey, vault_id
from memsync.crypto.tree import DeviceKey, Generation, Locator, RootKey
from memsync.errors import InputError

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/derivations.json").read_text(encoding="utf-8"))
TREE = VECTORS["tree"]
VAULT = bytes.fromhex(TREE["vault"])


def untyped(value):
    if isinstance(value, list):
        return [untyped(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    if kind == "map":
        return {key: untyped(item) for key, item in inner}
    return {"int": int, "bytes": bytes.fromhex, "text": str}[kind](inner)


def plain_hkdf(key, salt, info, length):
    """RFC 5869, section 2, in so many words."""
    extracted = hmac.digest(salt or bytes(32), key, "sha256")
    found = last = b""
    for counter in range(1, -(-length // 32) + 1):
        last = hmac.digest(extracted, last + info + bytes([counter]), "sha256")
        found += last
    return found[:length]


@given(st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=200), st.integers(1, 8160))
def test_expand_is_hkdf_as_the_rfc_says_it(key, salt, info, length):
    assert expand(key, salt, info, length) == plain_hkdf(key, salt, info, length)


def test_expand_gives_the_vectors_of_rfc_5869():
    long = expand(bytes(range(80)), bytes(range(0x60, 0xB0)), bytes(range(0xB0, 0x100)), 82)
    assert long.hex().startswith("b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c")
    plain = expand(b"\x0b" * 22, b"", b"", 42)
    assert plain.hex().startswith("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d")


@pytest.mark.parametrize("length", [0, -1, 8161])
def test_a_length_that_hkdf_can_not_give_is_refused(length):
    with pytest.raises(InputError):
        derive(bytes(32), "x", length=length)


@pytest.mark.parametrize("case", VECTORS["derive"], ids=lambda case: f"{case['label']} {case['length']}")
def test_a_derived_key_is_the_one_in_the_vectors(case):
    key, args = bytes.fromhex(case["key"]), untyped(case["args"])
    out = derive(key, case["label"], *args, length=case["length"])
    assert out == expand(key, b"", bytes.fromhex(case["info"]), case["length"])
    assert out.hex() == case.get("out", out.hex())
    assert hashlib.sha256(out).hexdigest() == case.get("out_sha256", hashlib.sha256(out).hexdigest())


@pytest.mark.parametrize("case", VECTORS["mac"], ids=lambda case: str(len(case["parts"])))
def test_a_mac_is_the_one_in_the_vectors(case):
    assert mac(bytes.fromhex(case["key"]), *untyped(case["parts"])).hex() == case["out"]


@given(st.lists(st.binary(max_size=4) | st.integers(0, 300) | st.text(max_size=4), max_size=4), st.data())
def test_other_arguments_derive_another_key(args, data):
    others = data.draw(
        st.lists(st.binary(max_size=4) | st.integers(0, 300) | st.text(max_size=4), max_size=4)
    )
    same = [(type(a), a) for a in args] == [(type(b), b) for b in others]
    assert (derive(bytes(32), "x", *args) == derive(bytes(32), "x", *others)) == same
    assert (mac(bytes(32), *args) == mac(bytes(32), *others)) == same
    assert derive(bytes(32), "x", *args) != derive(bytes(32), "y", *args)


def test_equal_compares_bytes():
    assert equal(b"ab", b"ab")
    assert not equal(b"ab", b"ac")
    assert not equal(b"ab", b"abc")


def test_the_words_in_the_vectors_are_the_root():
    assert words.from_words(TREE["words"]).hex() == TREE["root"]


@pytest.mark.parametrize("case", TREE["owners"], ids=lambda case: f"{case['chain']} {case['i']}")
def test_an_owner_key_and_its_vault_are_those_in_the_vectors(case):
    contract = bytes.fromhex(case["contract"])
    owner = RootKey(bytes.fromhex(TREE["root"])).owner(case["chain"], contract, case["i"])
    assert owner.secret.hex() == case["secret"]
    assert owner.address.hex() == case["address"]
    assert vault_id(case["chain"], contract, owner.address).hex() == case["vault"]


@pytest.mark.parametrize("case", TREE["locators"], ids=lambda case: case["l"])
def test_a_locator_and_its_pointer_keys_are_those_in_the_vectors(case):
    locator = RootKey(bytes.fromhex(TREE["root"])).locator(VAULT, case["l"])
    assert locator.secret.hex() == case["secret"]
    for expected in case["pointer_keys"]:
        key = locator.pointer_key(expected["k"])
        assert key.hex() == expected["key"]
        assert derive(key, "root").hex() == expected["root"]
        assert derive(key, "access").hex() == expected["access"]


@pytest.mark.parametrize("case", TREE["generations"], ids=lambda case: case["g"])
def test_a_generation_is_the_one_in_the_vectors(case):
    generation = RootKey(bytes.fromhex(TREE["root"])).generation(VAULT, case["g"])
    assert generation.secret.hex() == case["secret"]
    assert generation.signer().secret.hex() == case["signer"]["secret"]
    assert generation.signer().address.hex() == case["signer"]["address"]
    assert generation.owner_key().hex() == case["owner_key"]
    assert generation.author().seed.hex() == case["author"]["seed"]
    assert generation.author().public.hex() == case["author"]["public"]
    assert generation.box_seed().hex() == case["box"]["seed"]
    assert hashlib.sha256(generation.box().public).hexdigest() == case["box"]["public_sha256"]


def test_a_devices_keys_are_those_in_the_vectors():
    case = VECTORS["device"]
    device = DeviceKey(bytes.fromhex(case["seed"]))
    assert device.box().seed.hex() == case["box"]["seed"]
    assert hashlib.sha256(device.box().public).hexdigest() == case["box"]["public_sha256"]
    assert device.author().seed.hex() == case["author"]["seed"]
    assert device.author().public.hex() == case["author"]["public"]


@pytest.mark.parametrize("case", VECTORS["epochs"], ids=lambda case: case["number"])
def test_an_epochs_keys_are_those_in_the_vectors(case):
    epoch = EpochKey(case["number"], bytes.fromhex(case["secret"]))
    assert epoch.history.hex() == case["history"]
    assert epoch.content.secret.hex() == case["content"]
    assert epoch.content == ContentKey(case["number"], bytes.fromhex(case["content"]))
    assert epoch.content.id.hex() == case["id"]
    assert epoch.content.tag(bytes.fromhex(case["root_salt"])).hex() == case["tag"]


def test_a_pairwise_secret_gives_what_the_vectors_say():
    case = {
        name: bytes.fromhex(value) for name, value in VECTORS["pairwise"].items() if isinstance(value, str)
    }
    pairwise = PairwiseSecret(case["secret"])
    assert pairwise.grantee().secret.hex() == VECTORS["pairwise"]["grantee"]["secret"]
    assert pairwise.grantee().address.hex() == VECTORS["pairwise"]["grantee"]["address"]
    assert pairwise.blinded_scope(case["scope"]) == case["blinded_scope"]
    assert pairwise.grant_salt(case["envelope"]) == case["grant_salt"]
    assert pairwise.grant_id(case["vault"], case["scope"], case["envelope"]) == case["grant_id"]


def leaves(root, chain, contract):
    """Every secret that one root gives for a few numbers."""
    yield root.secret
    for i in (0, 1):
        owner = root.owner(chain, contract, i)
        yield owner.secret
        vault = vault_id(chain, contract, owner.address)
        for number in (0, 1):
            locator, generation = root.locator(vault, number), root.generation(vault, number)
            yield locator.secret
            for k in (0, 1):
                key = locator.pointer_key(k)
                yield key
                yield from (derive(key, label) for label in ("root", "access", "salt", "commit"))
            yield generation.secret
            yield generation.signer().secret
            yield generation.owner_key()
            yield generation.author().seed
            yield generation.box_seed()


def test_no_two_leaves_of_the_tree_are_equal():
    roots = [RootKey(bytes([n] * 32)) for n in (1, 2)]
    found = [leaf for root in roots for chain in (1, 2) for leaf in leaves(root, chain, bytes(20))]
    assert len(found) == 2 * 2 * 2 * 33 + 4
    assert len(set(found)) == len(found) - 2, "only R itself comes once per chain"


def test_every_scalar_is_a_key_at_both_ends_of_the_range(monkeypatch):
    monkeypatch.setattr("memsync.crypto.secp256k1.derive", lambda *_, length: b"\0" * length)
    assert int.from_bytes(SecpKey.derive(b"", "x").secret, "big") == 1
    monkeypatch.setattr(
        "memsync.crypto.secp256k1.derive", lambda *_, length: (ORDER - 2).to_bytes(length, "big")
    )
    assert int.from_bytes(SecpKey.derive(b"", "x").secret, "big") == ORDER - 1
    monkeypatch.setattr(
        "memsync.crypto.secp256k1.derive", lambda *_, length: (ORDER - 1).to_bytes(length, "big")
    )
    assert int.from_bytes(SecpKey.derive(b"", "x").secret, "big") == 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: RootKey(bytes(31)),
        lambda: Locator(bytes(33)),
        lambda: Generation(b"", 0),
        lambda: Generation(bytes(32), 2**32),
        lambda: DeviceKey(bytes(31)),
        lambda: PairwiseSecret(bytes(16)),
        lambda: EpochKey(-1, bytes(32)),
        lambda: EpochKey(0, bytes(31)),
        lambda: ContentKey(2**32, bytes(32)),
        lambda: SecpKey(bytes(32)),
        lambda: SecpKey(ORDER.to_bytes(32, "big")),
        lambda: SecpKey(b"\1" * 31),
        lambda: RootKey(bytes(32)).owner(2**53, bytes(20)),
        lambda: RootKey(bytes(32)).owner(0, bytes(20)),
        lambda: RootKey(bytes(32)).owner(1, bytes(19)),
        lambda: RootKey(bytes(32)).owner(1, bytes(20), 2**32),
        lambda: RootKey(bytes(32)).locator(bytes(31)),
        lambda: RootKey(bytes(32)).locator(bytes(32), -1),
        lambda: RootKey(bytes(32)).generation(bytes(32), 2**32),
        lambda: Locator(bytes(32)).pointer_key(2**32),
        lambda: PairwiseSecret(bytes(32)).blinded_scope(bytes(32)),
        lambda: PairwiseSecret(bytes(32)).grant_salt(bytes(16)),
        lambda: new_epoch(0, lambda _: b"short"),
    ],
)
def test_keys_of_a_wrong_shape_are_refused(make):
    with pytest.raises(InputError):
        make()


def test_a_fresh_key_is_drawn_from_the_given_source():
    assert new_epoch(3, lambda n: b"\7" * n) == EpochKey(3, b"\7" * 32)
    assert RootKey.generate(random=lambda n: b"\7" * n) == RootKey(b"\7" * 32)
    assert DeviceKey.generate(random=lambda n: b"\7" * n) == DeviceKey(b"\7" * 32)
    assert PairwiseSecret.generate(random=lambda n: b"\7" * n) == PairwiseSecret(b"\7" * 32)
    assert RootKey.generate() != RootKey.generate()
