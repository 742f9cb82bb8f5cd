"""What is seen at the door: secrets by shape and checksum and characters that show nothing."""

import pytest

from memsync.crypto.words import to_words
from memsync.device.keystore_file import CHEAP_COST
from memsync.intake.screening import clean, screen
from memsync.vault import Vault

ZERO_PHRASE = "abandon " * 11 + "about"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"my wallet: {ZERO_PHRASE}", "seed-phrase"),
        ("legal winner thank year wave sausage worth useful legal winner thank yellow", "seed-phrase"),
        ("the card is 4111 1111 1111 1111, until May", "card"),
        ("pay with 5500-0055-5555-5559", "card"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn", "private-key"),
        ("private key: 0x" + "4f" * 32, "private-key"),
        ("use ghp_" + "a1B2" * 9, "token"),
        ("AKIAIOSFODNN7EXAMPLE is the id", "token"),
        ("password: hunter2hunter2", "password"),
    ],
)
def test_a_secret_is_known_by_its_shape(text: str, kind: str):
    found = screen(text)
    assert kind in found.secrets
    assert {"secret", f"secret:{kind}"} <= set(found.tags)


@pytest.mark.parametrize(
    "text",
    [
        "I abandon all about " * 6,
        "legal winner thank year wave sausage worth useful legal winner thank thank",  # no such checksum
        "order 4111 1111 1111 1112 arrived",
        "0000 0000 0000 0000",
        "the password is written in the blue book",
        "call +49 511 1234567 89",
        "timestamps 1700000000000 and 1700000000001",
        "the private key hangs behind the clock",
    ],
)
def test_what_only_looks_like_a_secret_is_none(text: str):
    assert screen(text).secrets == () and screen(text).tags == ()


def test_the_words_of_a_vault_are_a_secret_too():
    assert screen(f"my words are {to_words(bytes(range(32)))}").secrets == ("seed-phrase",)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("pay\u200bload", "payload"),
        ("a\u202eb\u2066c", "abc"),
        ("bell\x07 and\x00 null\n\ttab", "bell and null\n\ttab"),
        ("\ufeffstart", "start"),
        ("tag\U000e0041\U000e0042", "tag"),
        ("ok 🏳️‍🌈 family 👩‍👩‍👧", "ok 🏳️‍🌈 family 👩‍👩‍👧"),
        ("می‌خواهم", "می‌خواهم"),
        ("क्‍ष", "क्‍ष"),
        ("plain", "plain"),
    ],
)
def test_what_shows_nothing_goes_and_what_joins_letters_stays(text: str, cleaned: str):
    assert clean(text) == cleaned
    assert screen(text).removed == len(text) - len(cleaned)


def test_a_remembered_secret_is_tagged_and_found_by_its_owner(tmp_path):
    with Vault.create(passphrase="a passphrase", home=tmp_path, cost=CHEAP_COST) as vault:
        memory = vault.remember(f"wallet {ZERO_PHRASE}", tags=("money",))
        assert memory.tags == ("money", "secret", "secret:seed-phrase")
        assert vault.remember("Ada plays the cello").tags == ()
        assert vault.recall("wallet")[0].memory == memory
        edited = vault.edit(vault.remember("the card"), "the card 4111 1111 1111 1111")
        assert "secret:card" in edited.tags
