"""The words are on this device until the vault stands on its chain, and then on paper only."""

from __future__ import annotations

import pytest

from memsync.crypto.words import from_words
from memsync.errors import LockedError
from memsync.vault import Vault
from tests.flow.actions import PASSPHRASE, World


def test_the_words_leave_the_device_with_the_first_final_push(world: World) -> None:
    vault = world.vault()
    words = vault.words
    assert words.split()[0] == "memsync"
    assert len(words.split()) == 25
    vault.remember("Before the chain.")
    assert vault.words == words
    assert vault.status().words_kept
    vault.push()
    assert not vault.status().words_kept
    with pytest.raises(LockedError, match="paper"):
        _ = vault.words
    vault.close()
    again = Vault.open(
        passphrase=PASSPHRASE, home=vault.paths.folder.parents[1], store=world.store, registry=world.registry
    )
    world.open.append(again)
    with pytest.raises(LockedError):
        _ = again.words
    root = from_words(words)
    held = b"".join(again._replica.meta.get(name) or b"" for name in again._replica.meta.names())
    assert root not in held
    assert again._replica.keys().locator.secret in held, "control: what is still held is found this way"


def test_a_restored_device_does_not_keep_the_words_either(world: World) -> None:
    _, second = world.two_devices()
    assert not second.status().words_kept


def test_nothing_of_a_failed_restore_is_left(world: World) -> None:
    never_pushed = world.vault().words
    before = {path for path in world.folder.rglob("*") if path.is_file()}
    with pytest.raises(LookupError):
        world.restored(never_pushed)
    assert {path for path in world.folder.rglob("*") if path.is_file()} == before
