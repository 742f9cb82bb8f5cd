"""Who reads what, once a grant has ended: tried with every key that the reader ever had."""

from __future__ import annotations

import pytest

from memsync.errors import AccessError
from memsync.shared import Tool
from memsync.testing import MemoryRegistry
from tests.flow.actions import World, texts
from tests.flow.checks import all_segments, keys_of_reader, opened_by, view_of


def test_a_loser_seals_again_after_a_revocation_and_the_revoked_key_opens_nothing_new(world: World) -> None:
    first, second = world.two_devices()
    first.remember("Known to the tool.")
    first.push()
    tool, grant = world.granted(first)
    shared = world.accepted(tool, grant)
    shared.pull()
    stolen = keys_of_reader(shared)
    assert opened_by(stolen, first) == all_segments(first) != set()

    second.pull()
    second.remember("Written while the other device revoked.")
    before = all_segments(first)
    first.revoke(grant)
    second.push()

    assert opened_by(stolen, first) == before
    new = all_segments(first) - before
    assert new
    assert opened_by([key.content for key in _owner_epochs(first)], first) == before | new


def test_a_push_after_a_bare_revocation_on_chain_rotates_first(world: World) -> None:
    vault = world.vault()
    vault.remember("Old.")
    tool, grant = world.granted(vault)
    shared = world.accepted(tool, grant)
    shared.pull()
    stolen = keys_of_reader(shared)
    assert vault.revoke(grant, emergency=True) is None
    with pytest.raises(AccessError, match="revoked"):
        shared.pull()
    before = all_segments(vault)
    vault.remember("New.")
    assert vault.push().rotated == ("personal",)
    assert opened_by(stolen, vault) == before
    assert all_segments(vault) - before
    assert vault.grants() == []


def test_an_expired_reader_cannot_read_the_push_that_notices(world: World) -> None:
    vault = world.vault()
    vault.remember("Old.")
    tool, grant = world.granted(vault, until="2h")
    shared = world.accepted(tool, grant)
    shared.pull()
    stolen = keys_of_reader(shared)
    world.pass_time(3 * 3600)
    before = all_segments(vault)
    vault.remember("New.")
    assert vault.push().rotated == ("personal",)
    assert opened_by(stolen, vault) == before
    assert all_segments(vault) - before
    with pytest.raises(AccessError, match="expired"):
        shared.pull()


def test_the_pointer_key_moves_on_when_the_last_reader_is_gone(world: World) -> None:
    vault = world.vault()
    vault.remember("Something.")
    first, one = world.granted(vault)
    second, two = world.granted(vault)
    gone, stays = world.accepted(first, one), world.accepted(second, two)
    gone.pull()
    envelope = gone._envelope
    vault.revoke(one)
    state = world.registry.snapshot(envelope.vault).vault
    assert vault._replica.registry.snapshot(envelope.vault).vault.pointer == state.pointer
    assert world.can_open_pointer(envelope), (
        "while a co-reader needs the pointer key, a former reader still sees which root"
    )
    stays.pull()
    vault.revoke(two)
    assert not world.can_open_pointer(envelope)


def test_revoke_all_ends_every_reader_and_the_next_push_rotates(world: World) -> None:
    vault = world.vault()
    vault.remember("Old.")
    tool, grant = world.granted(vault)
    shared = world.accepted(tool, grant)
    shared.pull()
    stolen = keys_of_reader(shared)
    world.revoke_all(vault)
    before = all_segments(vault)
    vault.remember("New.")
    assert vault.push().rotated == ("personal",)
    assert opened_by(stolen, vault) == before
    assert not world.can_open_pointer(shared._envelope)
    assert vault.grants() == []


def test_a_from_now_on_reader_cannot_read_the_same_epochs_past(world: World) -> None:
    vault = world.vault()
    vault.remember("Before the grant, pushed.")
    vault.push()
    vault.remember("Before the grant, not pushed yet.")
    tool, grant = world.granted(vault, from_now=True)
    vault.remember("After the grant.")
    vault.push()
    shared = world.accepted(tool, grant)
    seen = shared.pull()
    assert texts(shared) == {"After the grant."}
    assert seen.hidden == 2
    keys = keys_of_reader(shared)
    assert len(opened_by(keys, vault)) == 1
    assert len(all_segments(vault)) > 1


def test_a_from_now_on_reader_cannot_read_the_past_after_a_forget_rewrites_it(world: World) -> None:
    vault = world.vault()
    kept = [vault.remember(f"Before the grant, number {number}.") for number in range(3)]
    vault.push()
    tool, grant = world.granted(vault, from_now=True)
    vault.forget(kept[0])
    vault.remember("After the grant.")
    vault.push()
    shared = world.accepted(tool, grant)
    shared.pull()
    assert texts(shared) == {"After the grant."}
    assert texts(vault) == {kept[1].text, kept[2].text, "After the grant."}
    assert len(opened_by(keys_of_reader(shared), vault)) == 1


def test_a_from_now_on_reader_that_slept_reads_every_epoch_since_its_grant(world: World) -> None:
    vault = world.vault()
    vault.remember("Before the grant.")
    vault.push()
    sleeper, grant = world.granted(vault, from_now=True)
    wanted = set()
    for number in range(4):
        wanted.add(vault.remember(f"After the grant, epoch {number}.").text)
        vault.push()
        _, other = world.granted(vault, Tool.generate())
        vault.revoke(other)
    shared = world.accepted(sleeper, grant)
    shared.pull()
    assert texts(shared) == wanted
    assert len(view_of(shared).catalog.keys) == 5


def test_a_reader_of_one_scope_sees_no_change_of_another(world: World) -> None:
    vault = world.vault()
    vault.add_scope("work")
    vault.remember("Plan A.", scope="work")
    tool, grant = world.granted(vault, scope="work")
    shared = world.accepted(tool, grant)
    shared.pull()
    before = view_of(shared)
    vault.remember("A private thing.", scope="personal")
    vault.push()
    middle = view_of(shared)
    vault.remember("Plan B.", scope="work")
    vault.push()
    after = view_of(shared)
    assert middle.entry == before.entry
    assert after.entry != middle.entry, "control: a change of its own scope is seen"
    assert len(middle.root.entries) == len(before.root.entries)
    assert not {entry.sealed for entry in middle.root.entries} & {
        entry.sealed for entry in before.root.entries
    }
    assert not {entry.tag for entry in middle.root.entries} & {entry.tag for entry in before.root.entries}


def test_a_grant_says_why_it_does_not_stand(world: World) -> None:
    vault = world.vault()
    tool, grant = world.granted(vault)
    stranger = Tool.generate()
    with pytest.raises(AccessError, match="made for another card"):
        world.accepted(stranger, grant)
    other = World(world.folder, registry=MemoryRegistry(chain_id=5))
    with pytest.raises(AccessError, match="the link is for chain 31337"):
        world.accepted(tool, grant, registry=other.registry)
    other.close()
    shared = world.accepted(tool, grant)
    with pytest.raises(AccessError, match="no right to write"):
        shared.propose("Let me in.")


def _owner_epochs(vault):
    from memsync.sync.standing import epoch_keys, read_standing

    at = vault._replica
    keys = at.keys()
    standing = read_standing(at.registry.snapshot(keys.vault).vault, keys, at.fetch)
    scope = standing.owner.scopes[0]
    return epoch_keys(scope, standing.entry(scope), vault=keys.vault, fetch=at.fetch)
