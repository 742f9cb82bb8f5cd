"""No repr, text or error of a key shows a byte of it."""

from __future__ import annotations

import dataclasses
import traceback

import pytest

from memsync.crypto.ed25519 import AuthorKey
from memsync.crypto.epochs import ContentKey, EpochKey
from memsync.crypto.hpke import HybridKey
from memsync.crypto.keystore import open_keystore, seal_keystore
from memsync.crypto.pairwise import PairwiseSecret
from memsync.crypto.sealing import Kind, aad, open_block, seal_block
from memsync.crypto.secp256k1 import SecpKey
from memsync.crypto.tree import DeviceKey, Generation, Locator, RootKey
from memsync.errors import FormatError, InputError, WrongPassphrase

SECRET = bytes(range(100, 132))

MAKERS = {
    "AuthorKey": AuthorKey,
    "ContentKey": lambda secret: ContentKey(3, secret),
    "DeviceKey": DeviceKey,
    "EpochKey": lambda secret: EpochKey(3, secret),
    "Generation": lambda secret: Generation(secret, 3),
    "HybridKey": HybridKey,
    "Locator": Locator,
    "PairwiseSecret": PairwiseSecret,
    "RootKey": RootKey,
    "SecpKey": SecpKey,
}


def shows(text, secret):
    """Whether four bytes of ``secret`` stand in ``text``, as Python, hex or decimal shows them."""
    for at in range(len(secret) - 3):
        part = secret[at : at + 4]
        if repr(part)[2:-1] in text or part.hex() in text.lower() or ", ".join(map(str, part)) in text:
            return True
    return False


@dataclasses.dataclass
class Careless:
    secret: bytes


def test_a_careless_key_would_be_seen():
    assert shows(repr(Careless(SECRET)), SECRET)
    assert shows(SECRET.hex(), SECRET)
    assert shows(str(list(SECRET)), SECRET)


@pytest.mark.parametrize("name", MAKERS)
def test_a_key_does_not_show_itself(name):
    key = MAKERS[name](SECRET)
    for text in (repr(key), str(key), f"{key}", f"{[key]!r}", "%s" % (key,)):  # noqa: UP031
        assert text.count(name) == 1
        assert not shows(text, SECRET)


@pytest.mark.parametrize("name", MAKERS)
def test_what_is_derived_does_not_show_itself_either(name):
    key = MAKERS[name](SECRET)
    for attribute in dir(key):
        if attribute.startswith("_"):
            continue
        value = getattr(key, attribute)
        if dataclasses.is_dataclass(value):
            assert not shows(repr(value), SECRET)
            assert not shows(repr(value), getattr(value, "secret", getattr(value, "seed", b"")))


@pytest.mark.parametrize("name", MAKERS)
def test_a_refused_key_is_not_in_the_error(name):
    with pytest.raises(InputError) as caught:
        MAKERS[name](SECRET[:31])
    assert not shows("".join(traceback.format_exception(caught.value)), SECRET)


def test_errors_of_opening_do_not_show_keys_or_passphrases():
    where = aad(bytes(32), bytes(16), bytes(16), Kind.ROOT, b"")
    with pytest.raises(FormatError) as caught:
        open_block(SECRET, where, seal_block(bytes(32), where, b"hidden text"), what="root")
    assert not shows("".join(traceback.format_exception(caught.value)), SECRET)
    file = seal_keystore("the right one", SECRET, memory=8192, passes=1, lanes=1)
    with pytest.raises(WrongPassphrase) as wrong:
        open_keystore("hunter2hunter2", file)
    # The line of this test that calls it is in the traceback, so only what MemSync itself says is looked at.
    assert "hunter2" not in str(wrong.value)
    assert wrong.value.__cause__ is None
    assert wrong.value.__suppress_context__


@pytest.mark.parametrize("name", MAKERS)
def test_keys_are_equal_by_their_secret_and_do_not_change(name):
    key = MAKERS[name](SECRET)
    assert key == MAKERS[name](SECRET)
    assert key != MAKERS[name](SECRET[::-1])
    field = "seed" if hasattr(key, "seed") else "secret"
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(key, field, bytes(32))
