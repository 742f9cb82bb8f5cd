from __future__ import annotations

import json

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given
from hypothesis import strategies as st

from memsync.crypto.secp256k1 import SecpKey
from memsync.errors import FormatError, InputError, SignatureInvalid
from memsync.format.card import read_card, sign_card, write_card
from tests.format.vectors import Refused, cases, load
from tests.vectors import samples as s

VECTORS = load("card")
TEXT = VECTORS["good"][0]["json"].encode()


@pytest.mark.parametrize("good", VECTORS["good"])
def test_the_cards_of_the_vectors_are_verified(good):
    card = read_card(good["json"].encode())
    assert write_card(card).decode() == good["json"]
    assert (card.digest.hex(), card.fingerprint) == (good["digest"], good["fingerprint"])
    for name in ("account", "box", "author"):
        assert getattr(card, name).hex() == good[name]
    assert (card.name, card.url, card.issued) == (good["name"], good["url"], good["issued"])
    assert (card.request and card.request.hex()) == good["request"]


@cases(VECTORS["bad"])
def test_a_card_that_breaks_a_rule_is_refused(case):
    with Refused("card", case["fault"]):
        read_card(case["json"].encode())


def test_bytes_that_are_not_utf_8_are_refused():
    for data in (b"\xff" + TEXT, TEXT[:500].decode().encode("utf-16"), TEXT.replace(b"Claude", b"Cla\xc3de")):
        with Refused("card", "encoding"):
            read_card(data)


def test_keys_may_stand_in_any_order_with_any_space_between():
    fields = json.loads(TEXT)
    shuffled = json.dumps(dict(sorted(fields.items())), separators=(", ", " : ")).encode()
    assert shuffled != TEXT
    assert read_card(shuffled) == read_card(TEXT)


def test_a_card_is_what_eth_account_would_have_signed():
    card = sign_card(s.TOOL_ACCOUNT, **s.CARD)
    typed = encode_typed_data(
        domain_data={"name": "MemSync", "version": "1"},
        message_types={
            "Card": [
                {"name": "name", "type": "string"},
                {"name": "url", "type": "string"},
                {"name": "account", "type": "address"},
                {"name": "box", "type": "bytes"},
                {"name": "author", "type": "bytes32"},
                {"name": "issued", "type": "uint64"},
            ]
        },
        message_data=s.CARD | {"account": card.account},
    )
    signed = Account.sign_message(typed, s.TOOL_ACCOUNT.secret)
    assert (signed.signature, bytes(signed.message_hash)) == (card.signature, card.digest)


def test_the_request_is_not_part_of_what_is_signed_and_the_digest_does_not_change_by_it():
    plain, asked = (sign_card(s.TOOL_ACCOUNT, **s.CARD, request=request) for request in (None, bytes(16)))
    assert (plain.digest, plain.signature, plain.fingerprint) == (
        asked.digest,
        asked.signature,
        asked.fingerprint,
    )
    assert (plain.request, asked.request) == (None, bytes(16))


def test_the_fingerprint_tells_keys_apart_and_not_names():
    card = sign_card(s.TOOL_ACCOUNT, **s.CARD)
    renamed = sign_card(s.TOOL_ACCOUNT, **s.CARD | {"name": "Other", "url": "", "issued": 1})
    assert renamed.fingerprint == card.fingerprint
    assert len(card.fingerprint) == 39
    others = [
        sign_card(s.TOOL_ACCOUNT, **s.CARD | {"author": bytes(32)}),
        sign_card(s.TOOL_ACCOUNT, **s.CARD | {"box": s.STRANGER.box().public}),
        sign_card(SecpKey(bytes(31) + b"\1"), **s.CARD),
    ]
    assert len({card.fingerprint, *(other.fingerprint for other in others)}) == 4


def test_another_account_can_not_take_over_a_card():
    mine = json.loads(TEXT)
    thief = SecpKey(bytes(31) + b"\1")
    stolen = json.loads(write_card(sign_card(thief, **s.CARD)))
    for changes in ({"signature": stolen["signature"]}, {"account": stolen["account"]}):
        with pytest.raises(SignatureInvalid):
            read_card(json.dumps(mine | changes).encode())


def test_the_longest_card_is_one_byte_below_2048():
    url = "https://claude.example/"
    room = 2047 - len(write_card(sign_card(s.TOOL_ACCOUNT, **s.CARD | {"url": url}, request=bytes(16))))
    full = sign_card(s.TOOL_ACCOUNT, **s.CARD | {"url": url + "x" * room}, request=bytes(16))
    assert len(write_card(full)) == 2047
    with pytest.raises(InputError, match="2048"):
        sign_card(s.TOOL_ACCOUNT, **s.CARD | {"url": url + "x" * (room + 1)}, request=bytes(16))


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "a\u202eb"},
        {"name": "\ud800"},
        {"url": "http://a.example"},
        {"url": "https://localhost"},
        {"box": bytes(32)},
        {"author": bytes(31)},
        {"issued": -1},
        {"issued": 2**40},
        {"request": b""},
    ],
)
def test_a_card_that_could_not_be_read_can_not_be_made(changes):
    with pytest.raises(InputError) as refused:
        sign_card(s.TOOL_ACCOUNT, **s.CARD | changes)
    assert not isinstance(refused.value, FormatError)


@given(st.integers(0, 4000), st.integers(0, 255))
def test_a_byte_changed_in_a_card_gives_no_other_card(at, byte):
    at %= len(TEXT)
    changed = TEXT[:at] + bytes((byte,)) + TEXT[at + 1 :]
    try:
        card = read_card(changed)
    except (FormatError, SignatureInvalid):
        return
    # The request is not signed: whoever brings the card may name another.
    original = read_card(TEXT)
    assert (card.digest, card.account) == (original.digest, original.account)


JSON = (
    st.recursive(st.none() | st.text() | st.integers() | st.floats(), st.lists)
    .map(json.dumps)
    .map(str.encode)
)


@given(st.binary(max_size=2100) | JSON)
def test_any_bytes_end_in_one_error(data):
    with pytest.raises((FormatError, SignatureInvalid)):
        read_card(data)
