"""Several devices, lost races, attempts that were broken off: nothing written is lost, nothing forgotten comes back."""

from __future__ import annotations

import pytest

from memsync.errors import BlockMissing, ChainUnreachable, Forked, RolledBack, StorageError
from memsync.ipld.cid import CID, RAW
from memsync.shared import Tool
from memsync.testing import LyingStore, MemoryStore
from tests.flow.actions import World, texts
from tests.flow.moody import Moody


@pytest.fixture
def moody(tmp_path):
    world = World(tmp_path, registry=Moody())
    yield world
    world.close()


def test_two_devices_that_write_at_once_lose_nothing(world: World) -> None:
    first, second = world.two_devices()
    for number in range(5):
        first.remember(f"first {number}")
        second.remember(f"second {number}")
        first.push()
        assert second.push().sequence
    first.pull()
    assert texts(first) == texts(second) == {f"{who} {n}" for who in ("first", "second") for n in range(5)}
    assert first.status().waiting == second.status().waiting == 0


def test_two_devices_that_both_rotate_lose_nothing(world: World) -> None:
    first, second = world.two_devices()
    first.remember("Old.")
    first.push()
    readers = [world.granted(first) for _ in range(3)]
    second.pull()
    first.remember("By the first.")
    second.remember("By the second.")
    first.revoke(readers[0][1])
    second.revoke(readers[1][1])
    first.pull()
    assert texts(first) == texts(second) == {"Old.", "By the first.", "By the second."}
    stays = world.accepted(*readers[2])
    stays.pull()
    assert texts(stays) == texts(first)
    assert [grant.id for grant in first.grants()] == [readers[2][1].id]


def test_two_edits_of_one_memory_are_both_kept_and_shown_as_a_conflict(world: World) -> None:
    first, second = world.two_devices()
    memory = first.remember("The house is red.")
    first.push()
    second.pull()
    first.edit(memory, "The house is green.")
    second.edit(memory, "The house is blue.")
    first.push()
    second.push()
    first.pull()
    for vault in (first, second):
        ((scope, versions),) = vault.conflicts()
        assert (scope, {one.text for one in versions}) == (
            "personal",
            {"The house is green.", "The house is blue."},
        )
    first.edit(memory, "The house is white.")
    first.push()
    second.pull()
    assert second.conflicts() == []
    assert texts(second) == {"The house is white."}


@pytest.mark.parametrize("editor_first", [True, False])
def test_an_edit_races_a_forget_and_the_secret_stays_forgotten(world: World, *, editor_first: bool) -> None:
    first, second = world.two_devices()
    memory = first.remember("My secret is in the well.")
    first.push()
    second.pull()
    first.edit(memory, "My secret is under the oak.")
    second.forget(memory)
    devices = (first, second) if editor_first else (second, first)
    for vault in (*devices, *devices):
        vault.push()
        vault.pull()
    assert texts(first) == texts(second) == set()
    assert first.recall("secret") == second.recall("secret") == []
    tool, grant = world.granted(first)
    reader = world.accepted(tool, grant)
    reader.pull()
    assert texts(reader) == set()


def test_what_is_forgotten_is_in_no_segment_that_a_later_reader_opens(world: World) -> None:
    vault = world.vault()
    secret = vault.remember("Needle in a haystack.")
    vault.remember("Hay.")
    vault.push()
    tool, grant = world.granted(vault)
    reader = world.accepted(tool, grant)
    reader.pull()
    assert texts(reader) == {"Needle in a haystack.", "Hay."}, "control: it was there"
    vault.forget(secret)
    vault.push()
    later = world.accepted(*world.granted(vault))
    later.pull()
    assert texts(later) == {"Hay."}
    reader.pull()
    assert texts(reader) == {"Hay."}


def test_two_devices_that_add_a_scope_of_one_name_share_it(world: World) -> None:
    first, second = world.two_devices()
    first.add_scope("work")
    second.add_scope("work")
    first.remember("From the first.", scope="work")
    second.remember("From the second.", scope="work")
    first.push()
    second.push()
    first.pull()
    assert first.scopes() == second.scopes() == ("personal", "work")
    for vault in (first, second):
        assert {one.text for one in vault.memories(scope="work")} == {"From the first.", "From the second."}


def test_a_push_whose_call_was_lost_is_sent_again_with_the_same_bytes(moody: World) -> None:
    vault = moody.vault(pushed=True)
    vault.remember("Something.")
    moody.registry.lose_call = True
    with pytest.raises(ChainUnreachable):
        vault.push()
    first = moody.registry.sent
    moody.registry.lose_call = False
    receipt = vault.push()
    assert moody.registry.sent == first
    assert (receipt.sequence, receipt.memories) == (2, 1)
    assert vault.status().waiting == 0


def test_a_push_whose_answer_was_lost_has_landed_once(moody: World) -> None:
    vault = moody.vault(pushed=True)
    vault.remember("Something.")
    moody.registry.lose_answer = True
    with pytest.raises(ChainUnreachable):
        vault.push()
    moody.registry.lose_answer = False
    assert vault.push().sequence == 0
    assert vault.status().sequence == 2
    assert vault.status().waiting == 0
    assert texts(vault) == {"Something."}


def test_a_push_that_somebody_else_carried_first_has_landed_once(moody: World) -> None:
    """The relayed call loses against its own signature, and what it wished is so: that is success."""
    vault = moody.vault(pushed=True)
    vault.remember("Something.")
    moody.registry.overtaken = True
    vault.push()
    moody.registry.overtaken = False
    assert vault.status().sequence == 2
    assert vault.status().waiting == 0
    assert texts(vault) == {"Something."}


def test_a_grant_whose_answer_was_lost_is_made_once(moody: World) -> None:
    vault = moody.vault(pushed=True)
    moody.registry.lose_answer = True
    with pytest.raises(ChainUnreachable):
        moody.granted(vault)
    moody.registry.lose_answer = False
    vault.push()
    assert len(vault.grants()) == 1
    assert vault.status().waiting == 0


def test_an_abandoned_attempt_that_lands_late_finds_its_blocks_and_wins(moody: World) -> None:
    vault = moody.vault(pushed=True)
    vault.remember("First try.")
    moody.registry.lose_call = True
    with pytest.raises(ChainUnreachable):
        vault.push()
    late = moody.registry.sent
    vault.remember("Second thought.")
    with pytest.raises(ChainUnreachable):
        vault.push()
    moody.registry.lose_call = False
    moody.registry.send(late)
    receipt = vault.push()
    assert (receipt.sequence, receipt.memories) == (3, 1)
    words = moody.restored_texts(vault)
    assert words == texts(vault) == {"First try.", "Second thought."}


def test_a_store_that_keeps_nothing_is_found_out_before_the_commit(world: World) -> None:
    store = LyingStore(MemoryStore())
    vault = world.vault(store=store, pushed=True)
    vault.remember("Something.")
    store.drop_puts()
    with pytest.raises(StorageError, match="push again"):
        vault.push()
    assert vault.status().sequence == 1
    store.behave()
    assert vault.push().sequence == 2


def test_a_store_that_lost_changed_or_swapped_a_block_changes_nothing_here(world: World) -> None:
    inner = world.store
    first = world.vault()
    words = first.words
    first.remember("Old.")
    first.push()
    store = LyingStore(inner)
    second = world.restored(words, store=store)
    known = set(inner.iter())
    first.remember("New.")
    first.push()
    new = sorted(set(inner.iter()) - known)
    for block in new:
        for lie in (store.lose, store.alter):
            lie(block)
            with pytest.raises((BlockMissing, Exception)) as refused:
                second.pull()
            assert type(refused.value).__name__ in {"BlockMissing", "FormatError"}
            assert texts(second) == {"Old."}
            store.behave()
    store.swap(new[0], new[1])
    with pytest.raises(Exception, match="hash"):
        second.pull()
    assert texts(second) == {"Old."}
    store.behave()
    second.pull()
    assert texts(second) == {"Old.", "New."}


def test_an_older_head_than_one_seen_final_is_an_alarm_and_reading_goes_on(world: World) -> None:
    vault = world.vault(pushed=True)
    vault.remember("One.")
    vault.push()
    old = dict(world.registry._vaults)
    vault.remember("Two.")
    vault.push()
    new = dict(world.registry._vaults)
    world.registry._vaults = old
    with pytest.raises(RolledBack):
        vault.pull()
    assert texts(vault) == {"One.", "Two."}
    vault.remember("Three.")
    with pytest.raises(RolledBack):
        vault.push()
    world.registry._vaults = new
    assert vault.push().sequence == 4


def test_another_root_under_a_final_sequence_is_a_fork(world: World) -> None:
    first, second = world.two_devices()
    before = dict(world.registry._vaults)
    first.remember("One history.")
    first.push()
    after = dict(world.registry._vaults)
    world.registry._vaults = before
    second.remember("Another history.")
    second.push()
    with pytest.raises(Forked):
        first.pull()
    assert texts(first) == {"One history."}
    world.registry._vaults = after
    with pytest.raises(Forked):
        second.pull()


def test_a_grant_that_loses_the_race_is_made_on_the_winners_state(world: World) -> None:
    first, second = world.two_devices()
    _, one = world.granted(first)
    tool, two = world.granted(second, Tool.generate())
    assert {grant.id for grant in second.grants()} == {one.id, two.id}
    first.remember("For both.")
    first.push()
    reader = world.accepted(tool, two)
    reader.pull()
    assert texts(reader) == {"For both."}
    assert all(CID(RAW, digest) in set(world.store.iter()) for digest in (reader.link.envelope,))
