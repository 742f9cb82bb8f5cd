from __future__ import annotations

from dataclasses import replace

import pytest

from memsync.crypto.hpke import OVERHEAD, seal_box
from memsync.crypto.sealing import ZERO16, Kind, aad
from memsync.errors import FormatError, InputError
from memsync.format.block import Block
from memsync.format.envelope import SIZE, Envelope, PointerKey, read_envelope, seal_envelope
from memsync.format.link import read_link
from tests.format.vectors import Refused, cases, load, unbase64
from tests.vectors import samples as s

VECTORS = load("envelope")
TERMS = [s.ENVELOPE, s.READ_ONLY, s.WRITE_ONLY]
TOOL = s.TOOL.box()
PLACE = aad(s.VAULT, ZERO16, ZERO16, Kind.ENVELOPE, ZERO16)


def read(data: bytes) -> Envelope:
    return read_envelope(data, s.link_to(Block.of(data).digest), TOOL)


@pytest.mark.parametrize(("good", "terms"), zip(VECTORS["good"], TERMS, strict=True))
def test_the_envelopes_of_the_vectors_are_read_by_their_links(good, terms):
    link = read_link(good["link"])
    envelope = read_envelope(unbase64(good["block"]), link, TOOL)
    assert envelope == terms
    assert envelope.vault == link.vault == s.VAULT
    assert envelope.grant_id(link.envelope).hex() == good["grant"]


@pytest.mark.parametrize("terms", TERMS)
def test_what_is_boxed_is_read_and_every_envelope_is_4_kib(terms):
    block = seal_envelope(terms, TOOL.public)
    assert len(block.data) == SIZE == 4096
    assert read(block.data) == terms


@cases(VECTORS["bad_plaintexts"])
def test_an_envelope_that_breaks_a_rule_is_refused(case):
    with Refused("envelope", case["fault"]):
        read(seal_box(TOOL.public, PLACE, unbase64(case["plaintext"]), room=SIZE - OVERHEAD))


@cases(VECTORS["bad_blocks"])
def test_a_block_that_is_no_envelope_for_this_key_is_refused(case):
    with Refused("envelope", case["fault"]):
        read(unbase64(case["block"]))


def test_an_envelope_put_in_the_place_of_another_is_refused_by_its_digest():
    mine, other = (seal_envelope(terms, TOOL.public) for terms in (s.READ_ONLY, s.ENVELOPE))
    assert read_envelope(mine.data, s.link_to(mine.digest), TOOL) == s.READ_ONLY
    with Refused("envelope", "hash"):
        read_envelope(other.data, s.link_to(mine.digest), TOOL)


def test_only_the_grantee_opens_it_and_only_for_the_vault_of_the_link():
    block = seal_envelope(s.ENVELOPE, TOOL.public)
    link = s.link_to(block.digest)
    assert read_envelope(block.data, link, TOOL)
    with Refused("envelope", "key"):
        read_envelope(block.data, link, s.STRANGER.box())
    with Refused("envelope", "key"):
        read_envelope(block.data, s.link_to(block.digest, vault=s.OTHER_VAULT), TOOL)


def test_a_link_that_names_another_chain_or_contract_beside_the_right_vault_is_refused():
    block = seal_envelope(s.ENVELOPE, TOOL.public)
    link = s.link_to(block.digest)
    for other in (replace(link, chain_id=1), replace(link, contract=bytes(20))):
        with Refused("envelope", "value"):
            read_envelope(block.data, other, TOOL)


def test_an_envelope_of_another_vault_boxed_for_this_one_is_refused():
    terms = replace(s.ENVELOPE, owner=s.TOOL_ACCOUNT.address)
    honest = seal_envelope(terms, TOOL.public)
    link = s.link_to(honest.digest, vault=terms.vault)
    assert read_envelope(honest.data, link, TOOL) == terms
    from_elsewhere = unbase64(
        next(case for case in VECTORS["bad_plaintexts"] if case["why"] == "another owner")["plaintext"]
    )
    with Refused("envelope", "value"):
        read(seal_box(TOOL.public, PLACE, from_elsewhere, room=SIZE - OVERHEAD))


@pytest.mark.parametrize(
    "changes",
    [
        {"rights": 0},
        {"rights": 1},
        {"rights": 2},
        {"end": s.START},
        {"box": None},
        {"key": None},
        {"pointer": None},
        {"pointer": PointerKey(2**32, bytes(32))},
        {"scope_name": ""},
        {"places": ["https://a.example"]},
        {"places": ("http://a.example",)},
        {"places": ("https://10.0.0.1",)},
        {"places": tuple(f"https://{n}.example/" + "x" * 170 for n in "abcdefgh")},
        {"generation": -1},
        {"chain_id": 0},
        {"request": bytes(15)},
    ],
)
def test_a_builder_refuses_what_a_reader_would(changes):
    with pytest.raises(InputError) as refused:
        seal_envelope(replace(s.ENVELOPE, **changes), TOOL.public)
    assert not isinstance(refused.value, FormatError)


def test_eight_long_places_fit_where_there_is_no_letter_box():
    places = tuple(f"https://{n}.example/" + "x" * 180 for n in "abcdefgh")
    terms = replace(s.READ_ONLY, places=places)
    assert read(seal_envelope(terms, TOOL.public).data) == terms


def test_no_secret_stands_in_a_repr():
    text = repr(s.ENVELOPE)
    for secret in (s.PAIRWISE.secret, s.POINTER_KEY, s.EPOCH.secret):
        assert repr(secret)[2:-1] not in text
        assert secret.hex() not in text
