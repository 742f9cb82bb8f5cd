"""What was found by attacking the keeper, each as a test of what must be instead."""

from __future__ import annotations

import shutil
import time

import pytest

from memsync.errors import MemSyncError, NotOpen
from memsync.keeper.held import Open
from tests.keeper.test_keeper import runs, wait_until
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


def test_a_key_of_the_settings_that_is_wrong_ends_no_keeper_and_still_lets_it_be_locked(person: Person):
    pid = person.unlock()
    (person.home / "config.toml").write_text('idle = "soon"\n')
    time.sleep(2.5)  # it looks at the settings once a second
    assert runs(pid)
    assert person.asks("about")["idle_after"] == 8 * 3600
    assert "no span of time" in person.fails(2, "list")
    person.says("lock", "--all")
    wait_until(lambda: not runs(pid))
