"""Chains on which a block is final only later, and may be undone until then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from memsync.errors import ChainReset, ChainUnreachable, Forked, LockedError, RolledBack
from memsync.shared import Tool
from tests.flow.actions import World, texts
from tests.flow.checks import all_segments, keys_of_reader, opened_by
from tests.flow.moody import Moody

DEPTH = 4
"""Blocks that lie upon a block when it is final."""


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, registry=Moody(confirmations=DEPTH))
    yield world
    world.close()


def settled(world: World) -> None:
    world.registry.mine(DEPTH)


def test_a_grant_that_is_not_final_yet_is_not_made_again(slow: World) -> None:
    vault = slow.vault(pushed=True)
    tool, grant = slow.granted(vault, from_now=True)
    for number in range(3):
        vault.remember(f"Note {number}.")
        assert vault.push().rotated == ()
    assert [one.id for one in vault.grants()] == [grant.id]
    reader = slow.accepted(tool, grant)
    reader.pull()
    assert len(texts(reader)) == 3


def test_a_push_with_nothing_to_do_costs_nothing_while_the_last_is_not_final(slow: World) -> None:
    vault = slow.vault(pushed=True)
    vault.add_scope("work")
    vault.remember("Plan A.", scope="work")
    _, grant = slow.granted(vault, scope="work")
    vault.revoke(grant)
    height = slow.registry.snapshot(bytes(32)).block.number
    for _ in range(3):
        assert vault.push().sequence == 0
    assert slow.registry.snapshot(bytes(32)).block.number == height
    settled(slow)
    assert vault.push().sequence == 0
    assert vault.status().waiting == 0


def test_what_was_pushed_is_pushed_again_when_its_block_is_undone(slow: World) -> None:
    vault = slow.vault(pushed=True)
    settled(slow)
    vault.remember("Kept through the storm.")
    tool, _ = slow.granted(vault)
    slow.registry.undo(1)
    vault.pull()
    assert texts(vault) == {"Kept through the storm."}
    assert vault.push().sequence == 2
    (again,) = vault.grants()
    reader = slow.accepted(tool, again)
    reader.pull()
    assert texts(reader) == {"Kept through the storm."}
    settled(slow)
    vault.pull()
    assert vault.status().waiting == 0


def test_an_undone_push_is_composed_anew_when_another_device_took_its_place(slow: World) -> None:
    first, second = slow.two_devices()
    settled(slow)
    first.remember("By the first.")
    first.push()
    slow.registry.undo(1)
    second.remember("By the second.")
    second.push()
    first.push()
    settled(slow)
    second.pull()
    first.pull()
    assert texts(first) == texts(second) == {"By the first.", "By the second."}
    assert first.status().waiting == second.status().waiting == 0


def test_a_scope_of_an_undone_root_is_sealed_anew_with_its_memories(slow: World) -> None:
    """Its segments were held when the root was undone, and were taken for a part of the next."""
    first, second = slow.two_devices()
    settled(slow)
    first.add_scope("work")
    first.remember("Plan A.", scope="work")
    first.push()
    slow.registry.undo(1)
    second.remember("Meanwhile.")
    second.push()
    first.push()
    settled(slow)
    first.pull()
    second.pull()
    assert {one.text for one in second.memories(scope="work")} == {"Plan A."}
    assert texts(first) == {"Plan A.", "Meanwhile."}


def test_what_was_sealed_under_an_undone_epoch_is_sealed_anew(slow: World) -> None:
    """The undone catalog can't be opened with the keys that are left: what it held must not be taken for reached."""
    first, second = slow.two_devices()
    _, grant = slow.granted(first)
    settled(slow)
    first.remember("Sealed under the next epoch.")
    first.revoke(grant)
    slow.registry.undo(1)
    second.remember("Meanwhile.")
    second.push()
    first.push()
    settled(slow)
    first.pull()
    second.pull()
    assert texts(first) == texts(second) == {"Sealed under the next epoch.", "Meanwhile."}
    assert first.grants() == []


def test_a_forget_whose_push_was_undone_is_pushed_again(slow: World) -> None:
    first, second = slow.two_devices()
    secret = first.remember("The well.")
    first.push()
    second.pull()
    settled(slow)
    first.forget(secret)
    first.push()
    second.pull()
    assert texts(second) == set()
    slow.registry.undo(1)
    second.pull()
    second.remember("Meanwhile.")
    second.push()
    first.push()
    second.pull()
    assert texts(first) == texts(second) == {"Meanwhile."}
    assert slow.restored_texts(first) == {"Meanwhile."}


def test_an_opening_that_was_undone_is_repeated(slow: World) -> None:
    vault = slow.vault()
    vault.add_scope("work")
    vault.remember("The first thing.", scope="work")
    vault.push()
    slow.registry.undo(1)
    assert vault.pull().sequence == 0
    assert texts(vault) == {"The first thing."}
    vault.remember("The second thing.")
    vault.push()
    assert slow.restored_texts(vault) == {"The second thing."}
    settled(slow)
    vault.push()
    assert vault.status().waiting == 0
    assert {one.text for one in vault.memories(scope="work")} == {"The first thing."}


def test_another_device_leaves_an_undone_opening_to_the_first(slow: World) -> None:
    first = slow.vault()
    words = first.words
    first.remember("The first thing.")
    first.push()
    second = slow.restored(words)
    slow.registry.undo(1)
    second.remember("From the second.")
    with pytest.raises(ChainReset):
        second.push()
    first.push()
    second.push()
    assert texts(second) == {"The first thing.", "From the second."}


def test_a_chain_that_forgets_a_final_vault_is_another_chain(slow: World) -> None:
    vault = slow.vault(pushed=True)
    settled(slow)
    vault.pull()
    slow.registry._vaults, slow.registry._past = {}, type(slow.registry._past)(maxlen=DEPTH)
    with pytest.raises(ChainReset):
        vault.push()


def test_a_device_that_always_pushes_still_learns_what_is_final(slow: World) -> None:
    """Its head is never final when it looks; the one that is lies further back."""
    vault = slow.vault()
    early = {}
    for number in range(2 * DEPTH):
        vault.remember(f"Note {number}.")
        vault.push()
        early[number + 1] = dict(slow.registry._vaults)
    assert vault._replica.heads.seen().sequence == 2 * DEPTH
    assert vault._replica.heads.final().sequence == DEPTH
    assert not vault.status().words_kept
    slow.registry._vaults = early[DEPTH + 1]
    assert vault.pull().sequence == DEPTH + 1, "control: what is not final may be undone"
    slow.registry._vaults = early[DEPTH - 1]
    with pytest.raises(RolledBack):
        vault.pull()


def test_the_words_leave_a_device_that_only_pulls(slow: World) -> None:
    vault = slow.vault(pushed=True)
    words = vault.words
    second = slow.restored(words)
    assert second.words == words, "control: they stay while the vault may still be undone"
    settled(slow)
    second.pull()
    with pytest.raises(LockedError, match="paper"):
        _ = second.words


def test_a_reader_takes_an_undone_head_for_no_alarm(slow: World) -> None:
    first, second = slow.two_devices()
    tool, grant = slow.granted(first)
    reader = slow.accepted(tool, grant)
    settled(slow)
    first.remember("By the first.")
    first.push()
    reader.pull()
    assert texts(reader) == {"By the first."}
    slow.registry.undo(1)
    second.remember("By the second.")
    second.push()
    reader.pull()
    assert texts(reader) == {"By the second."}
    first.push()
    reader.pull()
    assert texts(reader) == {"By the first.", "By the second."}


def test_a_reader_that_reads_while_the_head_is_undone_and_made_anew_sees_no_fork(slow: World) -> None:
    """The head it read was undone, and another was final, before it asked what is final."""
    first, second = slow.two_devices()
    tool, grant = slow.granted(first)
    settled(slow)
    first.remember("By the first.")
    first.push()
    reader = slow.accepted(tool, grant)
    registry = slow.registry

    class Hasty:
        """Between two questions of the reader, the chain moves on."""

        def __getattr__(self, name: str) -> object:
            return getattr(registry, name)

        def final_vault(self, vault: bytes) -> object:
            reader._replica._registry = registry
            registry.undo(1)
            second.remember("By the second.")
            second.push()
            settled(slow)
            return registry.final_vault(vault)

    reader._replica._registry = Hasty()
    reader.pull()
    reader.pull()
    assert texts(reader) == {"By the second."}


def test_an_attempt_on_an_undone_root_is_not_sent_on_another(slow: World) -> None:
    """The contract compares numbers only: the old call would take the place of what lies there now."""
    first, second = slow.two_devices()
    settled(slow)
    second.remember("Undone.")
    second.push()
    first.remember("By the first.")
    slow.registry.lose_call = True
    with pytest.raises(ChainUnreachable):
        first.push()
    slow.registry.lose_call = False
    slow.registry.undo(1)
    second.remember("In its place.")
    second.push()
    settled(slow)
    second.pull()
    assert second.status().waiting == 0
    first.push()
    second.pull()
    assert texts(first) == texts(second) == {"Undone.", "By the first.", "In its place."}


def test_texts_that_wait_for_a_scope_of_an_undone_root_find_one_again(slow: World) -> None:
    """They were moved to the winner's scope of that name; then the winner's root was undone, and the loser's old call landed."""
    first, second = slow.two_devices()
    settled(slow)
    second.add_scope("work")
    second.remember("Plan B.", scope="work")
    slow.registry.lose_call = True
    with pytest.raises(ChainUnreachable):
        second.push()
    late = slow.registry.sent
    slow.registry.lose_call = False
    first.add_scope("work")
    first.remember("Plan A.", scope="work")
    first.push()
    second.pull()
    assert len(list(second.memories(scope="work"))) == 2, "control: both are in the winner's scope"
    slow.registry.undo(1)
    slow.registry.send(late)
    for vault in (second, first, second):
        vault.push()
        assert vault.scopes() == ("personal", "work")
    settled(slow)
    for vault in (first, second):
        vault.pull()
        assert {one.text for one in vault.memories(scope="work")} == {"Plan A.", "Plan B."}
        assert vault.status().waiting == 0


def test_an_abandoned_grant_that_lands_while_it_is_looked_for_is_made_once(slow: World) -> None:
    """Between the head that is read and the question what is final, the lost call lands and is final."""
    vault = slow.vault(pushed=True)
    tool = Tool.generate()
    slow.registry.lose_call = True
    with pytest.raises(ChainUnreachable):
        slow.granted(vault, tool)
    slow.registry.lose_call = False
    registry, late = slow.registry, slow.registry.sent
    asked = []

    class Hasty:
        def __getattr__(self, name: str) -> object:
            return getattr(registry, name)

        def final_vault(self, vault_id: bytes) -> object:
            if not asked:
                asked.append(registry.send(late))
                settled(slow)
            return registry.final_vault(vault_id)

    vault._replica._registry = Hasty()
    vault.push()
    assert len(vault.grants()) == 1
    assert vault.status().waiting == 0


def test_a_fork_of_what_was_final_is_still_an_alarm(slow: World) -> None:
    first, second = slow.two_devices()
    settled(slow)
    first.pull()
    past, before = slow.registry._past.copy(), dict(slow.registry._vaults)
    first.remember("One history.")
    first.push()
    settled(slow)
    first.pull()
    slow.registry._vaults, slow.registry._past = before, past
    second.remember("Another history.")
    second.push()
    settled(slow)
    with pytest.raises(Forked):
        first.pull()
    assert texts(first) == {"One history."}


def test_a_revoked_reader_opens_nothing_new_though_its_revocation_was_undone(slow: World) -> None:
    vault = slow.vault(pushed=True)
    vault.remember("Old.")
    tool, grant = slow.granted(vault)
    shared = slow.accepted(tool, grant)
    shared.pull()
    stolen = keys_of_reader(shared)
    settled(slow)
    vault.push()
    before = all_segments(vault)
    vault.remember("New.")
    vault.revoke(grant)
    slow.registry.undo(1)
    assert vault.push().sequence
    assert opened_by(stolen, vault) == before
    assert all_segments(vault) - before
