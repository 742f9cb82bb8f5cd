from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path

import cryptography_vectors
import pytest
from cryptography.hazmat.bindings._rust import openssl
from cryptography.hazmat.primitives.asymmetric import ec, mlkem, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from hypothesis import given
from hypothesis import strategies as st

from memsync.crypto import hpke
from memsync.crypto.hpke import ENC, OVERHEAD, PUBLIC, HybridKey, open_box, seal_box
from memsync.crypto.sealing import Kind, aad
from memsync.errors import FormatError, InputError, MemSyncError

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/hpke.json").read_text(encoding="utf-8"))
PUBLISHED = Path(cryptography_vectors.__file__).parent / "HPKE"

WHERE = aad(b"v" * 32, b"s" * 16, bytes(16), Kind.SLOT, b"o" * 16)
KEY = HybridKey(bytes(range(32)))
BOX = seal_box(KEY.public, WHERE, b"slot", room=192)

decrypt_with_aad, encrypt_with_aad = openssl.hpke._decrypt_with_aad, openssl.hpke._encrypt_with_aad

CLASSIC = {
    16: (KEM.P256, lambda raw: ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1())),
    18: (KEM.P521, lambda raw: ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP521R1())),
    32: (KEM.X25519, x25519.X25519PrivateKey.from_private_bytes),
}
KDFS = {1: KDF.HKDF_SHA256, 2: KDF.HKDF_SHA384, 3: KDF.HKDF_SHA512}
AEADS = {1: AEAD.AES_128_GCM, 2: AEAD.AES_256_GCM, 3: AEAD.CHACHA20_POLY1305}
HYBRID = 0x647A
LABEL = b"\\.//^\\"


def published(name):
    return json.loads((PUBLISHED / name).read_text(encoding="utf-8"))


def supported():
    for case in published("test-vectors.json"):
        if (
            case["mode"] == 0
            and case["kem_id"] in CLASSIC
            and case["kdf_id"] in KDFS
            and case["aead_id"] in AEADS
        ):
            yield case


def hybrid():
    (found,) = [
        case
        for case in published("hpke-pq-test-vectors.json")
        if case["kem_id"] == HYBRID and case["kdf_id"] == 1
    ]
    return {name: bytes.fromhex(value) if isinstance(value, str) else value for name, value in found.items()}


def test_the_librarys_hpke_opens_every_base_mode_vector_of_rfc_9180():
    cases = list(supported())
    assert len(cases) == 18
    for case in cases:
        kem, load = CLASSIC[case["kem_id"]]
        suite = Suite(kem, KDFS[case["kdf_id"]], AEADS[case["aead_id"]])
        first = {name: bytes.fromhex(value) for name, value in case["encryptions"][0].items()}
        box = bytes.fromhex(case["enc"]) + first["ct"]
        private = load(bytes.fromhex(case["skRm"]))
        info = bytes.fromhex(case["info"])
        assert decrypt_with_aad(suite, box, private, info, first["aad"]) == first["pt"]


def test_a_seed_gives_the_published_hybrid_key_and_opens_its_box():
    case = hybrid()
    key = HybridKey(case["skRm"])
    assert key.public == case["pkRm"]
    first = {name: bytes.fromhex(value) for name, value in case["encryptions"][0].items()}
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    assert case["aead_id"] == 3
    assert (
        decrypt_with_aad(suite, case["enc"] + first["ct"], key.private, case["info"], first["aad"])
        == first["pt"]
    )


# A second HPKE, from the RFC and the draft alone: published values vouch for it, and it vouches for our one suite.


def extract(salt, suite, label, secret):
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + secret, "sha256")


def expand(key, suite, label, info, length):
    info = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    found = last = b""
    while len(found) < length:
        last = hmac.digest(key, last + info + bytes([len(found) // 32 + 1]), "sha256")
        found += last
    return found[:length]


def shared_secret(seed, enc):
    """MLKEM768-X25519: SHA3-256(ML-KEM secret | X25519 secret | X25519 ciphertext | X25519 public | label)."""
    expanded = hashlib.shake_256(seed).digest(96)
    first = mlkem.MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).decapsulate(enc[:1088])
    curve = x25519.X25519PrivateKey.from_private_bytes(expanded[64:])
    second = curve.exchange(x25519.X25519PublicKey.from_public_bytes(enc[1088:]))
    return hashlib.sha3_256(
        first + second + enc[1088:] + curve.public_key().public_bytes_raw() + LABEL
    ).digest()


def schedule(secret, info, aead_id):
    suite = b"HPKE" + HYBRID.to_bytes(2, "big") + b"\0\1" + aead_id.to_bytes(2, "big")
    context = b"\0" + extract(b"", suite, b"psk_id_hash", b"") + extract(b"", suite, b"info_hash", info)
    key = extract(secret, suite, b"secret", b"")
    return expand(key, suite, b"key", context, 32), expand(key, suite, b"base_nonce", context, 12)


def test_the_second_hpke_gives_the_published_secret_key_and_nonce():
    case = hybrid()
    secret = shared_secret(case["skRm"], case["enc"])
    assert secret == case["shared_secret"]
    assert schedule(secret, case["info"], 3) == (case["key"], case["base_nonce"])
    for number, sealed in enumerate(case["encryptions"][:3]):
        nonce = (int.from_bytes(case["base_nonce"], "big") ^ number).to_bytes(12, "big")
        aead = ChaCha20Poly1305(case["key"])
        assert (
            aead.decrypt(nonce, bytes.fromhex(sealed["ct"]), bytes.fromhex(sealed["aad"])).hex()
            == sealed["pt"]
        )


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=188), st.binary(max_size=40))
def test_the_second_hpke_opens_our_boxes(seed, plaintext, where):
    box = seal_box(HybridKey(seed).public, where, plaintext, room=192)
    key, nonce = schedule(shared_secret(seed, box[:ENC]), where, 2)
    padded = AESGCM(key).decrypt(nonce, box[ENC:], b"")
    assert padded == len(plaintext).to_bytes(4, "big") + plaintext + bytes(188 - len(plaintext))


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=300))
def test_a_box_comes_back_and_has_the_size_of_its_room(seed, plaintext):
    key = HybridKey(seed)
    box = seal_box(key.public, WHERE, plaintext, room=304)
    assert len(box) == 304 + OVERHEAD == 304 + 1136
    assert open_box(key, WHERE, box, what="slot") == plaintext


def test_a_slot_takes_1328_bytes():
    assert len(BOX) == 1328
    assert len(KEY.public) == PUBLIC == 1216


@pytest.mark.parametrize("case", VECTORS["keys"], ids=lambda case: case["seed"][:8])
def test_a_seed_gives_the_public_key_in_the_vectors(case):
    seed = bytes.fromhex(case["seed"])
    assert hashlib.shake_256(seed).hexdigest(96) == case["expanded"]
    assert HybridKey(seed).public.hex() == case["public"]


@pytest.mark.parametrize("case", VECTORS["boxes"], ids=lambda case: str(len(case["plaintext"]) // 2))
def test_a_box_in_the_vectors_opens(case):
    key, box = HybridKey(bytes.fromhex(case["seed"])), base64.b64decode(case["box"])
    assert open_box(key, bytes.fromhex(case["aad"]), box, what="slot").hex() == case["plaintext"]
    assert len(box) == case["room"] + OVERHEAD


@pytest.mark.parametrize("case", VECTORS["bad"], ids=lambda case: case["why"])
def test_a_bad_box_is_refused_by_name(case):
    key, box = HybridKey(bytes.fromhex(case["seed"])), base64.b64decode(case["box"])
    with pytest.raises(FormatError) as caught:
        open_box(key, bytes.fromhex(case["aad"]), box, what="slot")
    assert (caught.value.what, caught.value.fault) == ("slot", case["fault"])


@given(st.sampled_from(["flip", "cut", "add"]), st.data())
def test_a_bit_flipped_a_byte_cut_or_added_anywhere_is_refused(change, data):
    at = data.draw(st.integers(0, len(BOX) - 1))
    match change:
        case "flip":
            bad = BOX[:at] + bytes([BOX[at] ^ 1 << data.draw(st.integers(0, 7))]) + BOX[at + 1 :]
        case "cut":
            bad = BOX[:at] + BOX[at + 1 :]
        case _:
            bad = BOX[:at] + data.draw(st.binary(min_size=1, max_size=2)) + BOX[at:]
    assert open_box(KEY, WHERE, BOX, what="slot") == b"slot"
    with pytest.raises(FormatError):
        open_box(KEY, WHERE, bad, what="slot")


@pytest.mark.parametrize(
    ("part", "other"),
    [(0, b"w" * 32), (1, b"t" * 16), (2, b"f" * 16), (3, Kind.ENVELOPE), (4, b"p" * 16)],
    ids=["vault", "scope", "epoch", "kind", "object"],
)
def test_a_box_moved_to_another_place_is_refused(part, other):
    here = [b"v" * 32, b"s" * 16, bytes(16), Kind.SLOT, b"o" * 16]
    assert open_box(KEY, aad(*here), BOX, what="slot") == b"slot"
    with pytest.raises(FormatError):
        open_box(KEY, aad(*[*here[:part], other, *here[part + 1 :]]), BOX, what="slot")


def test_our_info_is_the_place_and_the_aad_of_hpke_is_empty():
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    assert decrypt_with_aad(suite, BOX, KEY.private, WHERE, b"")[4:8] == b"slot"
    with_aad = encrypt_with_aad(suite, bytes(192), KEY.private.public_key(), WHERE, b"x")
    without = encrypt_with_aad(suite, bytes(192), KEY.private.public_key(), WHERE, b"")
    assert open_box(KEY, WHERE, without, what="slot") == b""
    with pytest.raises(FormatError):
        open_box(KEY, WHERE, with_aad, what="slot")


def test_another_key_is_refused():
    with pytest.raises(FormatError) as caught:
        open_box(HybridKey(bytes(32)), WHERE, BOX, what="slot")
    assert caught.value.fault == "key"


def test_equal_plaintexts_give_boxes_that_share_nothing():
    boxes = [seal_box(KEY.public, WHERE, b"x", room=192) for _ in range(20)]
    for part in (slice(0, 32), slice(1088, 1104), slice(ENC, ENC + 16), slice(-16, None)):
        assert len({box[part] for box in boxes}) == 20


@pytest.mark.parametrize(
    ("public", "fault"),
    [
        (b"", "length"),
        (KEY.public[:-1], "length"),
        (KEY.public + b"\0", "length"),
        (b"\xff" * 1184 + KEY.public[1184:], "value"),
        (KEY.public[:1184] + bytes(32), "value"),
        (KEY.public[:1184] + b"\1" + bytes(31), "value"),
    ],
    ids=["nothing", "cut", "longer", "coefficients too large", "X25519 zero", "X25519 of small order"],
)
def test_what_is_no_public_key_is_refused(public, fault):
    with pytest.raises(FormatError) as caught:
        seal_box(public, WHERE, b"x", room=192)
    assert (caught.value.what, caught.value.fault) == ("public key", fault)


def test_a_plaintext_longer_than_its_room_and_a_seed_of_another_length_are_the_callers_fault():
    with pytest.raises(InputError):
        seal_box(KEY.public, WHERE, bytes(189), room=192)
    with pytest.raises(InputError):
        HybridKey(bytes(31))


def test_a_pair_is_made_from_the_given_source():
    assert HybridKey.generate(random=lambda n: bytes(range(n))) == KEY
    assert HybridKey.generate() != HybridKey.generate()


class Lacking:
    """A KEM list as a build without ML-KEM has it."""


def test_a_build_without_the_hybrid_says_so_in_one_line(monkeypatch):
    hpke._suite.cache_clear()
    monkeypatch.setattr(hpke, "KEM", Lacking)
    try:
        with pytest.raises(MemSyncError) as caught:
            seal_box(KEY.public, WHERE, b"x", room=192)
    finally:
        hpke._suite.cache_clear()
    assert "pip install" in str(caught.value)
    assert "\n" not in str(caught.value)
