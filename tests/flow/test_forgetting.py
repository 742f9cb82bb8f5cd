"""Forgetting on one device what another moves at the same time: it is gone wherever it went, and what is only moved is kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from memsync.memory import Memory
from memsync.vault import Vault
from tests.flow.actions import World, texts
from tests.flow.oracle import until_nothing_changes


def family(world: World) -> tuple[list[Vault], str, Memory]:
    """Three devices of a vault with three scopes, up to date, its words, and a memory that all have."""
    first = world.vault()
    words = first.words
    for scope in ("work", "home"):
        first.add_scope(scope)
    memory = first.remember("Where it hurts.")
    first.push()
    return [first, world.restored(words), world.restored(words)], words, memory


def check_all(world: World, vaults: list[Vault], words: str, wanted: dict[str, set[str]]) -> None:
    until_nothing_changes(vaults)
    for vault in [*vaults, world.restored(words)]:
        found = {scope: {one.text for one in vault.memories(scope=scope)} for scope in vault.scopes()}
        assert {scope: texts for scope, texts in found.items() if texts} == wanted
        assert vault.verify(deep=True).ok


def moved_once(vault: Vault, memory: Memory) -> None:
    vault.move([memory], to="work")


def moved_on(vault: Vault, memory: Memory) -> None:
    for scope in ("work", "home", "personal"):
        (memory,) = vault.move([memory], to=scope)


def moved_and_edited(vault: Vault, memory: Memory) -> None:
    (there,) = vault.move([memory], to="work")
    vault.edit(there, "Where it hurts more.")


@pytest.mark.parametrize("pushed_first", ["the move", "the forgetting"])
@pytest.mark.parametrize("move", [moved_once, moved_on, moved_and_edited])
def test_what_is_forgotten_while_another_device_moves_it_is_gone_from_both_scopes(
    world: World, move: Callable[[Vault, Memory], None], pushed_first: str
) -> None:
    vaults, words, memory = family(world)
    mover, forgetter = vaults[:2] if pushed_first == "the move" else vaults[1::-1]
    move(mover, memory)
    forgetter.forget(memory)
    vaults[0].push()
    check_all(world, vaults, words, {})


def test_what_two_move_to_two_scopes_while_a_third_forgets_it_is_gone_from_all(world: World) -> None:
    vaults, words, memory = family(world)
    vaults[0].move([memory], to="work")
    vaults[1].move([memory], to="home")
    vaults[2].forget(memory)
    check_all(world, vaults, words, {})


def test_what_a_third_moved_before_it_heard_of_the_forgetting_is_gone_too(world: World) -> None:
    """The forgetter had found one copy, and had let go of its tombstone, which the head had by the first mover."""
    vaults, words, memory = family(world)
    vaults[0].move([memory], to="work")
    vaults[1].move([memory], to="home")
    vaults[2].forget(memory)
    vaults[0].push()
    vaults[2].pull()
    vaults[1].push()
    check_all(world, vaults, words, {})


def test_what_one_moves_and_then_forgets_is_gone_from_where_another_moved_it(world: World) -> None:
    vaults, words, memory = family(world)
    (there,) = vaults[0].move([memory], to="work")
    vaults[0].forget(there)
    vaults[1].move([memory], to="home")
    check_all(world, vaults, words, {})


@pytest.mark.parametrize(("second", "wanted"), [("work", {"work"}), ("home", {"work", "home"})])
def test_what_two_devices_move_at_once_is_forgotten_by_neither(
    world: World, second: str, wanted: set[str]
) -> None:
    vaults, words, memory = family(world)
    vaults[0].move([memory], to="work")
    vaults[1].move([memory], to=second)
    check_all(world, vaults, words, {scope: {"Where it hurts."} for scope in wanted})


@pytest.mark.parametrize("pushed_first", [0, 1])
def test_what_one_moves_on_while_another_moves_it_stays_where_it_went(
    world: World, pushed_first: int
) -> None:
    """The other's tombstone was taken for a forgetting, since its copy had been moved on here: a memory that nobody forgot was lost."""
    vaults, words, memory = family(world)
    (there,) = vaults[0].move([memory], to="work")
    vaults[0].move([there], to="personal")
    vaults[1].move([memory], to="work")
    vaults[pushed_first].push()
    check_all(world, vaults, words, {"personal": {"Where it hurts."}})


def test_what_two_move_and_a_third_forgets_is_gone_though_one_mover_had_heard_of_the_other(
    world: World,
) -> None:
    """Who moved it second had let go of its tombstone, which the head had by the first, and brought its copy after the forgetting."""
    vaults, words, memory = family(world)
    vaults[0].move([memory], to="work")
    vaults[1].move([memory], to="home")
    vaults[2].forget(memory)
    vaults[0].push()
    vaults[1].pull()
    vaults[2].push()
    check_all(world, vaults, words, {})


def test_a_copy_too_many_is_forgotten_by_itself(world: World) -> None:
    """Control: two have moved it to two scopes, and the person keeps one of the copies."""
    vaults, words, memory = family(world)
    vaults[0].move([memory], to="work")
    (there,) = vaults[1].move([memory], to="home")
    until_nothing_changes(vaults)
    vaults[1].forget(there)
    check_all(world, vaults, words, {"work": {"Where it hurts."}})


def test_what_was_moved_and_came_back_is_not_forgotten_by_its_own_tombstones(world: World) -> None:
    vaults, words, memory = family(world)
    (there,) = vaults[0].move([memory], to="work")
    vaults[0].push()
    vaults[1].pull()
    vaults[1].move([there], to="personal")
    vaults[2].remember("Meanwhile.")
    vaults[2].push()
    check_all(world, vaults, words, {"personal": {"Where it hurts.", "Meanwhile."}})


def test_a_copy_that_was_forgotten_does_not_end_what_another_moved_before(world: World) -> None:
    """Control: what is done one after the other is done as it was said."""
    vaults, words, memory = family(world)
    (there,) = vaults[0].move([memory], to="work")
    vaults[0].push()
    vaults[1].pull()
    (further,) = vaults[1].move([there], to="home")
    vaults[1].push()
    vaults[0].pull()
    again = vaults[0].remember("Where it hurts.")
    vaults[0].forget(again)
    check_all(world, vaults, words, {"home": {"Where it hurts."}})
    assert texts(vaults[2]) == {further.text}
