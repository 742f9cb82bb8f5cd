"""A story's ledger tells the truth, so that tests may reason with it; and what the format promises holds in it."""

from __future__ import annotations

import pytest

from memsync.crypto.hpke import HybridKey, open_box
from memsync.crypto.sealing import Kind, open_block, open_entry
from tests.format.lives import tell


@pytest.fixture(scope="module")
def story():
    return tell("story")


def open_sealed(sealed, key: bytes) -> bytes:
    if sealed.boxed:
        return open_box(HybridKey(key), sealed.aad, sealed.data, what=sealed.kind)
    if sealed.kind is Kind.ENTRY:
        return open_entry(key, sealed.aad, sealed.data, what=sealed.kind)
    return open_block(key, sealed.aad, sealed.data, what=sealed.kind)


def test_everything_sealed_opens_with_the_key_that_the_ledger_names(story):
    for sealed in story.ledger.sealed:
        assert open_sealed(sealed, story.ledger.secrets[sealed.key]), sealed.name


def test_a_plaintext_holds_the_secrets_that_the_ledger_says_and_no_other(story):
    secrets = story.ledger.secrets
    for sealed in story.ledger.sealed:
        plaintext = open_sealed(sealed, secrets[sealed.key])
        held = {name for name, secret in secrets.items() if secret in plaintext}
        assert held == set(sealed.teaches), sealed.name


def test_every_block_is_in_the_ledger(story):
    assert {sealed.data for sealed in story.ledger.sealed} >= set(story.blocks.values())


def test_no_published_byte_holds_a_secret_in_clear(story):
    published = b"".join(story.blocks.values())
    for name, secret in story.ledger.secrets.items():
        assert secret not in published, name


def test_names_of_what_is_sealed_are_unique(story):
    names = [sealed.name for sealed in story.ledger.sealed]
    slots = [name for name in names if name.startswith("slot")]
    assert len(set(names)) == len(names), sorted(name for name in names if names.count(name) > 1)
    assert slots


def test_each_party_reaches_what_it_may_and_nothing_else(story):
    def content(party: str, until: int | None = None) -> set[str]:
        known = story.ledger.reach(story.ledger.holds[party], until=until)
        return {name.removeprefix("content ") for name in known if name.startswith("content ")}

    everything = {f"personal {n}" for n in range(4)} | {f"work {n}" for n in range(3)}
    assert content("owner") == content("laptop") == everything
    assert content("phone") == everything - {"personal 3", "work 2"}
    assert content("Historian") == {f"personal {n}" for n in range(4)}
    assert content("Newcomer") == {"personal 2", "personal 3"}
    assert content("Newcomer", until=7) == {"personal 2"}
    assert content("Former") == {"work 0"}
    assert content("Visitor") == {"personal 0"}
    assert content("Writer") == set()


def test_a_reader_from_now_on_reaches_no_epoch_key_and_so_no_lockbox(story):
    def lockboxes(party: str) -> set[str]:
        return {name for name in story.ledger.opens(story.ledger.holds[party]) if name.startswith("lockbox")}

    assert lockboxes("Newcomer") == lockboxes("Writer") == set()
    assert lockboxes("Historian") == {name for name in lockboxes("owner") if "personal" in name}


def test_a_removed_device_that_knows_a_grants_secret_opens_no_later_since_block(story):
    def since_blocks(*start: str) -> set[str]:
        return {name for name in story.ledger.opens(start) if name.startswith("since")}

    phone, newcomer = story.ledger.holds["phone"], story.ledger.holds["Newcomer"]
    assert "S Newcomer" in story.ledger.reach(phone)
    assert since_blocks(*newcomer) == {"since Newcomer 8", "since Newcomer 10"}
    assert since_blocks(*phone) == set()
    assert since_blocks(*phone, "content personal 3") == set()
    assert since_blocks(*story.ledger.holds["Historian"]) == set()


def test_two_tellings_share_no_block(story):
    assert not set(story.blocks) & set(tell("another").blocks)


def test_a_push_that_adds_nothing_writes_only_what_names_and_access_need(story):
    last = [sealed.kind for sealed in story.ledger.sealed if sealed.sequence == 10]
    assert Kind.SEGMENT not in last
    assert Kind.CATALOG not in last
    assert {Kind.ROOT, Kind.OWNER, Kind.ACCESS} <= set(last)
