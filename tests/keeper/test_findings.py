"""What was found by attacking the keeper, each as a test of what must be instead."""

from __future__ import annotations

import shutil

import pytest

from memsync.errors import MemSyncError, NotOpen
from memsync.keeper.held import Open
from tests.people import PASSPHRASE, Person


def test_calls_go_on_with_the_vault_they_have_and_new_ones_get_none(person: Person):
    held = Open(person.home)
    held.unlock_vault("default", PASSPHRASE)
    with held.open_vault("default", None, None) as vault:
        held.let_go("default")
        vault.remember("Still written.")
        with pytest.raises(NotOpen), held.open_vault("default", None, None):
            pass
    with pytest.raises(MemSyncError):  # closed by the last that had it
        vault.count()
    with person.opened() as vault:
        assert vault.count() == 1


def test_nothing_is_written_to_a_vault_that_was_put_away_and_made_anew(person: Person):
    person.unlock()
    person.says("remember", "In the old one.")
    shutil.move(person.home / "vaults" / "default", person.folder / "put-away")
    person.make_vault()
    person.says("remember", "In the new one.")
    with person.opened() as vault:
        assert [memory.text for memory in vault.memories()] == ["In the new one."]
    person.says("unlock")
    assert [one["text"] for one in person.gets("list")["memories"]] == ["In the new one."]
