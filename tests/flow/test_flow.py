"""The whole way of a memory, from a device to a tool and back."""

from __future__ import annotations

import pytest

from memsync.errors import AccessError
from tests.flow.actions import World, texts


def test_what_was_remembered_is_found_before_and_after_the_push(world: World) -> None:
    vault = world.vault()
    memory = vault.remember("The lighthouse keeper's name is Ansel.", tags=["novel"])
    assert [hit.memory for hit in vault.recall("lighthouse keeper")] == [memory]
    receipt = vault.push()
    assert (receipt.sequence, receipt.memories) == (1, 1)
    assert [hit.memory for hit in vault.recall("lighthouse keeper")] == [memory]
    assert vault.push().sequence == 0
    assert vault.status().waiting == 0


def test_everything_comes_back_from_the_words(world: World) -> None:
    first, second = world.two_devices()
    first.remember("Chapter one begins in the fog.")
    memory = first.remember("The first draft was green.")
    first.push()
    first.edit(memory, "The first draft was blue.")
    first.push()
    second.pull()
    assert texts(second) == texts(first) == {"Chapter one begins in the fog.", "The first draft was blue."}
    assert [hit.memory.text for hit in second.recall("draft")] == ["The first draft was blue."]


def test_a_granted_tool_reads_its_scope_and_no_other(world: World) -> None:
    vault = world.vault()
    vault.add_scope("work")
    vault.remember("The budget is 40,000.", scope="work")
    vault.remember("I sleep badly.", scope="personal")
    tool, grant = world.granted(vault, scope="work")
    shared = world.accepted(tool, grant)
    assert shared.pull().added == 1
    assert texts(shared) == {"The budget is 40,000."}
    assert [hit.memory.text for hit in shared.recall("budget")] == ["The budget is 40,000."]


def test_a_revoked_tool_reads_nothing_new(world: World) -> None:
    vault = world.vault()
    vault.remember("Before.")
    tool, grant = world.granted(vault)
    shared = world.accepted(tool, grant)
    shared.pull()
    receipt = vault.revoke(grant)
    assert receipt.rotated == ("personal",)
    vault.remember("After.")
    vault.push()
    with pytest.raises(AccessError, match="revoked"):
        shared.pull()
    assert texts(shared) == {"Before."}


def test_a_proposal_is_reviewed_accepted_and_found(world: World) -> None:
    vault = world.vault()
    tool, grant = world.granted(vault, can="read+write")
    shared = world.accepted(tool, grant)
    shared.propose("The reader prefers short chapters.", tags=["style"])
    assert vault.collect().new == 1
    assert vault.collect().new == 0
    (proposed,) = vault.review()
    memory = vault.accept(proposed)
    assert memory.author == tool.keys.author().public
    vault.push()
    shared.pull()
    assert texts(shared) == {"The reader prefers short chapters."}
    assert vault.review() == []
