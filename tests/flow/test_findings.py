"""What a hostile reading of the flow found: each was wrong once."""

from __future__ import annotations

import dataclasses
import secrets
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from memsync.chain.registry import Snapshot
from memsync.device.keystore_file import CHEAP_COST
from memsync.errors import (
    ChainError,
    ChainUnreachable,
    InputError,
    MemSyncError,
    NotFoundError,
    PayerError,
    PointerInvalid,
    StorageError,
)
from memsync.format.owner import MAX_GRANTS_AND_DEVICES
from memsync.memory import Draft
from memsync.shared import SharedVault, Tool
from memsync.store.directory import DirectoryStore
from memsync.testing import LyingStore, MemoryRegistry, MemoryStore
from memsync.vault import Vault
from tests.flow.actions import PASSPHRASE, World, texts
from tests.flow.checks import all_segments, keys_of_reader, opened_by
from tests.flow.moody import Moody
from tests.flow.power import PowerCut


@pytest.fixture
def moody(tmp_path):
    world = World(tmp_path, registry=Moody())
    yield world
    world.close()


class Lagging:
    """An RPC behind which several nodes answer, one of them late: while ``late``, what it shows is what was true then."""

    def __init__(self, inner: MemoryRegistry) -> None:
        self.inner = inner
        self.late: MemoryRegistry | None = None

    def fall_behind(self) -> None:
        self.late = MemoryRegistry()
        self.late.now, self.late._number = self.inner.now, self.inner._number
        self.late._vaults, self.late._grants = dict(self.inner._vaults), dict(self.inner._grants)

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    def snapshot(self, vault: bytes, grants: Sequence[bytes] = ()) -> Snapshot:
        return (self.late or self.inner).snapshot(vault, grants)

    def final_vault(self, vault: bytes) -> object:
        return (self.late or self.inner).final_vault(vault)


# ------------------------------------------------------------------ memories


def test_to_forget_a_memory_takes_no_other_that_names_it_out_of_the_journal(world: World) -> None:
    first, second = world.two_devices()
    old = first.remember("I live in Porto.")
    first.remember_many([Draft(kind="semantic", text="I live in Lisbon.", created=1, supersedes=(old.id,))])
    first.forget(old)
    first.push()
    first.pull()
    second.pull()
    assert texts(first) == texts(second) == {"I live in Lisbon."}


def test_a_text_forgotten_before_its_push_is_in_no_block_and_not_in_the_journal(world: World) -> None:
    vault = world.vault(pushed=True)
    secret = vault.remember("The well.")
    vault.edit(secret, "The well behind the house.")
    vault.forget(secret)
    assert all(b"The well" not in entry.payload for entry in vault._replica.journal.entries())
    receipt = vault.push()
    assert receipt.memories == 1, "the tombstone, since an earlier call could still land"
    assert texts(vault) == set()


def test_a_text_forgotten_while_its_push_is_on_the_way_is_not_sealed_again(moody: World) -> None:
    vault = moody.vault(pushed=True)
    secret = vault.remember("The well.")
    moody.registry.lose_call = True
    with pytest.raises(ChainUnreachable):
        vault.push()
    late = moody.registry.sent
    vault.forget(secret)
    with pytest.raises(ChainUnreachable):
        vault.push()
    moody.registry.lose_call = False
    moody.registry.send(late)
    vault.push()
    assert all(b"The well" not in entry.payload for entry in vault._replica.journal.entries())
    assert moody.restored_texts(vault) == texts(vault) == set()


def test_edits_chained_before_a_push_arrive_as_the_last_of_them(world: World) -> None:
    first, second = world.two_devices()
    memory = first.remember("One.")
    for text in ("Two.", "Three.", "Four."):
        memory = first.edit(memory, text)
    first.push()
    second.pull()
    assert texts(first) == texts(second) == {"Four."}
    assert second.conflicts() == []


def test_an_empty_id_names_no_memory(world: World) -> None:
    vault = world.vault()
    memory = vault.remember("The only one.")
    with pytest.raises(InputError):
        vault.forget(b"")
    assert texts(vault) == {"The only one."}
    vault.forget(memory.id[:12])
    assert texts(vault) == set(), "control: the beginning of an id does"


def test_the_largest_texts_and_a_thousand_tags_arrive_whole(world: World) -> None:
    first, second = world.two_devices()
    words = {secrets.token_hex(64 * 1024) for _ in range(3)}
    for text in words:
        first.remember(text)
    tagged = first.remember("Tagged.", tags=[f"tag {number}" for number in range(1000)])
    first.push()
    second.pull()
    assert texts(second) == words | {"Tagged."}
    assert second.get(tagged.id) == tagged
    with pytest.raises(InputError):
        first.remember("Too many.", tags=[f"{number}{'x' * 100}" for number in range(3000)])
    assert texts(first) == words | {"Tagged."}
    assert first.status().waiting == 0


def test_keys_that_nobody_here_knows_survive_an_edit(world: World) -> None:
    first, second = world.two_devices()
    first.remember_many([Draft(kind="semantic", text="Blue.", created=1, unknown={"mood": [1, "calm"]})])
    first.push()
    second.pull()
    (memory,) = second.memories()
    second.edit(memory, "Green.")
    second.push()
    first.pull()
    (memory,) = first.memories()
    assert (memory.text, memory.unknown) == ("Green.", {"mood": [1, "calm"]})


# ------------------------------------------------------------------ scopes


@pytest.mark.parametrize("name", ["work\u202ekrow", "a\u2028b", "\u2066x", "x" * 65, ""])
def test_a_scopes_name_that_the_format_refuses_is_refused_at_once(world: World, name: str) -> None:
    vault = world.vault(pushed=True)
    with pytest.raises(InputError):
        vault.add_scope(name)
    with pytest.raises(InputError):
        vault.rename_scope("personal", name)
    assert vault.scopes() == ("personal",)
    assert vault.push().sequence == 0


def test_a_scope_renamed_on_two_devices_has_one_name_everywhere(world: World) -> None:
    first, second = world.two_devices()
    first.rename_scope("personal", "private")
    second.rename_scope("personal", "mine")
    first.push()
    second.pull()
    assert second.scopes() == ("mine",), "its own name stands until it is pushed"
    second.remember("Under my own name.", scope="mine")
    second.push()
    first.pull()
    assert first.scopes() == second.scopes() == ("mine",)
    assert texts(first) == {"Under my own name."}
    height = world.registry.snapshot(bytes(32)).block.number
    first.rename_scope("mine", "ours")
    first.rename_scope("ours", "mine")
    first.push()
    assert world.registry.snapshot(bytes(32)).block.number == height, "the name is what it was"
    assert first.status().waiting == 0


# ------------------------------------------------------------------ pushes


def test_wishes_that_another_device_fulfilled_wait_no_more(world: World) -> None:
    first, second = world.two_devices()
    tool, grant = world.granted(first, can="read+write")
    second.pull()
    world.accepted(tool, grant).propose("For both to see.")
    assert first.collect().new == second.collect().new == 1
    first.push()
    second.push()
    assert second.status().waiting == 0
    wish = second._replica
    from memsync.sync.wishes import wish_revocation

    wish.journal.add(wish_revocation(grant.id, created=1))
    first.revoke(grant)
    height = world.registry.snapshot(bytes(32)).block.number
    second.push()
    assert second.status().waiting == 0
    assert world.registry.snapshot(bytes(32)).block.number == height


def test_a_push_to_another_store_puts_everything_again(moody: World) -> None:
    vault = moody.vault(pushed=True)
    vault.remember("Something.")
    moody.registry.lose_call = True
    with pytest.raises(ChainUnreachable):
        vault.push()
    moody.registry.lose_call = False
    lying = LyingStore(moody.store)
    lying.lose(*list(moody.store.iter())[-2:])
    moody.store.delete(list(moody.store.iter())[-2:])
    assert vault.push().sequence == 2
    assert moody.restored_texts(vault) == {"Something."}


def test_an_attempt_from_before_revoke_all_is_not_sent_again(moody: World) -> None:
    vault = moody.vault(pushed=True)
    vault.remember("Something.")
    moody.registry.lose_call = True
    with pytest.raises(ChainUnreachable):
        vault.push()
    moody.registry.lose_call = False
    moody.revoke_all(vault)
    assert vault.push().sequence == 2


def test_an_opening_that_lands_while_it_is_repeated_is_no_error(moody: World) -> None:
    vault = moody.vault()
    vault.remember("First.")
    moody.registry.lose_call = True
    with pytest.raises(ChainUnreachable):
        vault.push()
    moody.registry.lose_call = False
    send, late = moody.registry.send, moody.registry.sent

    def overtaken(signed):
        moody.registry.send = send
        send(late)
        return send(signed)

    moody.registry.send = overtaken
    vault.push()
    assert moody.restored_texts(vault) == {"First."}
    assert vault.status().waiting == 0


def test_a_lying_rpc_cannot_make_a_device_search_for_hours(world: World) -> None:
    vault = world.vault(pushed=True)
    state = world.registry.snapshot(vault.status().vault).vault
    world.registry._vaults[vault.status().vault] = dataclasses.replace(
        state, sequence=2**32 - 1, pointer=secrets.token_bytes(32)
    )
    with pytest.raises(PointerInvalid):
        vault.pull()


def test_a_vault_that_is_on_no_chain_yet_is_not_bound_by_a_look_at_the_wrong_one(world: World) -> None:
    vault = world.vault(registry=MemoryRegistry(chain_id=5))
    vault.remember("Something.")
    vault.pull()
    vault._replica._registry = world.registry
    assert vault.push().sequence == 1
    vault._replica._registry = MemoryRegistry(chain_id=5)
    with pytest.raises(ChainError, match="lives on chain 31337"):
        vault.push()


def test_what_nobody_could_pay_for_is_not_on_its_way(moody: World) -> None:
    vault = moody.vault()
    vault.remember("Something.")
    moody.registry.poor = True
    with pytest.raises(PayerError):
        vault.push()
    vault._replica._registry = MemoryRegistry(chain_id=5)
    assert vault.push().sequence == 1, "nothing can land on the first chain any more"
    other = moody.vault()
    moody.registry.poor = False
    other.push()
    moody.registry.poor = True
    with pytest.raises(PayerError):
        moody.granted(other)
    assert other.grants() == []
    moody.registry.poor = False
    assert other.push().rotated == ("personal",), "its envelope lies in the store: what it opens is over"
    assert other.status().waiting == 0


def test_a_device_brought_back_from_an_old_copy_neither_forks_nor_repeats_nor_revives(moody: World) -> None:
    first = moody.vault()
    words = first.words
    first.push()
    first.add_scope("work")
    gone = first.remember("To be forgotten.")
    first.remember("Kept.")
    moody.registry.lose_answer = True
    with pytest.raises(ChainUnreachable):
        moody.granted(first)
    moody.registry.lose_answer = False
    home, copy = first.paths.folder.parents[1], moody.folder / "backup"
    first._replica.database.truncate_log()
    shutil.copytree(home, copy)

    first.push()
    (grant,) = first.grants()
    first.forget(gone)
    first.remember("After the copy.")
    first.push()
    first.revoke(grant)
    first.close()
    shutil.rmtree(home)
    shutil.copytree(copy, home)

    first = moody.reopened(first)
    first.push()
    assert texts(first) == {"Kept.", "After the copy."}
    assert first.grants() == []
    assert first.status().waiting == 0
    height = moody.registry.snapshot(bytes(32)).block.number
    first.push()
    assert moody.registry.snapshot(bytes(32)).block.number == height
    assert texts(moody.restored(words)) == {"Kept.", "After the copy."}


# ------------------------------------------------------------------ grants


@pytest.mark.parametrize("lost", ["lose_call", "lose_answer"])
def test_a_grant_that_is_asked_for_again_after_a_failure_is_made_once(moody: World, lost: str) -> None:
    vault = moody.vault(pushed=True)
    tool = Tool.generate()
    setattr(moody.registry, lost, True)
    with pytest.raises(ChainUnreachable):
        moody.granted(vault, tool)
    setattr(moody.registry, lost, False)
    _, grant = moody.granted(vault, tool)
    assert [one.id for one in vault.grants()] == [grant.id]
    moody.accepted(tool, grant).pull()
    _, another = moody.granted(vault, tool)
    assert another.id != grant.id, "control: once it is there, the same again is another grant"


def test_a_refused_grant_leaves_everything_as_it_was(world: World) -> None:
    vault = world.vault(pushed=True)
    card = Tool.generate().card("tool", now=world.now())
    for wrong in (
        {"name": "x" * 65},
        {"name": "a\u202eb"},
        {"places": ["http://10.0.0.1"]},
        {"until": 2**41},
    ):
        with pytest.raises(InputError):
            vault.grant(card, **{"scope": "personal", **wrong})
    assert vault.grants() == []
    assert vault.status().waiting == 0
    assert vault.push().sequence == 0
    vault.grant(card, scope="personal", name="y")


def test_the_last_grant_that_fits_is_made_and_the_next_is_refused(world: World) -> None:
    vault = world.vault(pushed=True)
    vault.remember("Shared with many.")
    tools = [Tool.generate() for _ in range(MAX_GRANTS_AND_DEVICES)]
    from memsync.sync.wishes import GrantWish, wish_grant

    at = vault._replica
    for number, tool in enumerate(tools[:-2]):
        wish = GrantWish(
            wish=at.random(16),
            name=f"{number:03}" + "n" * 61,
            account=tool.account.address,
            box=tool.keys.box().public,
            author=tool.keys.author().public,
            request=None,
            scope=at.scopes.id_of("personal"),
            rights=3,
            start=0,
            end=2**40 - 1,
            from_now=bool(number % 2),
        )
        at.journal.add(wish_grant(wish, created=1))
    vault.push()
    tool, grant = world.granted(vault, tools[-2])
    assert len(vault.grants()) == MAX_GRANTS_AND_DEVICES - 1
    with pytest.raises(InputError, match="128"):
        world.granted(vault, tools[-1])
    assert vault.status().waiting == 0
    reader = world.accepted(tool, grant)
    reader.pull()
    assert texts(reader) == {"Shared with many."}
    vault.revoke(grant)
    world.granted(vault, tools[-1])


def test_a_grant_through_a_late_node_is_returned_all_the_same(world: World) -> None:
    vault = world.vault(pushed=True)
    rpc = vault._replica._registry = Lagging(world.registry)
    send = world.registry.send

    def then_late(signed):
        rpc.fall_behind()
        return send(signed)

    world.registry.send = then_late
    tool, grant = world.granted(vault)
    rpc.late, world.registry.send = None, send
    assert world.accepted(tool, grant).pull().sequence == 2
    vault.push()
    assert [one.id for one in vault.grants()] == [grant.id]


def test_an_emergency_needs_no_store(world: World) -> None:
    store = LyingStore(MemoryStore())
    vault = world.vault(store=store, pushed=True)
    grants = [world.granted(vault)[1] for _ in range(3)]
    store.fail(StorageError("gone"))
    with pytest.raises(StorageError):
        vault.revoke(grants[0])
    for which in (grants[0], grants[1].id, grants[2].name):
        vault.revoke(which, emergency=True)
    states = world.registry.snapshot(vault.status().vault, [grant.id for grant in grants]).grants
    assert all(state.revoked for state in states.values())
    store.fail(None)
    with pytest.raises(NotFoundError):
        vault.revoke("nobody", emergency=True)
    vault.push()
    assert vault.grants() == []
    assert vault.status().waiting == 0


def test_the_keys_go_with_the_push_after_an_emergency_though_a_late_node_shows_the_grant_alive(
    world: World,
) -> None:
    vault = world.vault()
    vault.remember("Old.")
    tool, grant = world.granted(vault)
    shared = world.accepted(tool, grant)
    shared.pull()
    stolen = keys_of_reader(shared)
    rpc = vault._replica._registry = Lagging(world.registry)
    rpc.fall_behind()
    vault.revoke(grant, emergency=True)
    before = all_segments(vault)
    vault.remember("New.")
    receipt = vault.push()
    rpc.late = None
    assert receipt.rotated == ("personal",)
    assert opened_by(stolen, vault) == before
    assert all_segments(vault) - before


def test_a_revoked_grant_does_not_come_back_when_its_making_is_undone(tmp_path) -> None:
    world = World(tmp_path, registry=Moody(confirmations=4))
    vault = world.vault(pushed=True)
    world.registry.mine(4)
    for emergency in (False, True):
        _, grant = world.granted(vault)
        vault.revoke(grant, emergency=emergency)
        world.registry.undo(2)
        vault.push()
        assert vault.grants() == []
        world.registry.mine(4)
        vault.push()
        assert vault.status().waiting == 0
    world.close()


def test_a_grant_that_would_be_over_before_it_is_made_is_not_made(moody: World) -> None:
    vault = moody.vault(pushed=True)
    moody.registry.lose_call = True
    with pytest.raises(ChainUnreachable):
        moody.granted(vault, until="1h")
    moody.registry.lose_call = False
    moody.pass_time(3 * 3600)
    assert vault.push().rotated == ("personal",), "its envelope may lie in the store"
    assert vault.grants() == []
    assert vault.status().waiting == 0


# ------------------------------------------------------------------ proposals


def test_a_proposal_is_decided_once(world: World) -> None:
    vault = world.vault(pushed=True)
    tool, grant = world.granted(vault, can="read+write")
    world.accepted(tool, grant).propose(["Good.", "Bad."])
    vault.collect()
    good, bad = vault.review()
    forged = dataclasses.replace(good, draft=dataclasses.replace(good.draft, text="Never proposed."))
    vault.accept(forged)
    vault.refuse(bad)
    for decided in (good, bad):
        with pytest.raises(NotFoundError):
            vault.accept(decided)
        with pytest.raises(NotFoundError):
            vault.refuse(decided)
    assert texts(vault) == {"Good."}, "what is accepted is what was collected, whoever hands it in"


def test_a_proposal_accepted_on_one_device_is_not_pending_on_another(world: World) -> None:
    first, second = world.two_devices()
    tool, grant = world.granted(first, can="write")
    second.pull()
    world.accepted(tool, grant).propose("Once is enough.")
    assert first.collect().new == second.collect().new == 1
    first.accept(first.review()[0])
    first.push()
    second.pull()
    assert second.review() == []
    assert texts(second) == {"Once is enough."}


def test_a_parcel_whose_block_is_missing_is_collected_when_it_is_there(world: World) -> None:
    vault = world.vault(pushed=True)
    tool, grant = world.granted(vault, can="read+write")
    other, two = world.granted(vault, can="read+write")
    elsewhere = MemoryStore()
    shared = world.accepted(tool, grant)
    shared._store = elsewhere
    shared.propose("Late, but here.")
    world.accepted(other, two).propose("Here at once.")
    collected = vault.collect()
    assert collected.new == 1
    assert [name for name, _ in collected.refused] == [grant.name]
    world.store.put_many(elsewhere.blocks.items())
    assert vault.collect().new == 1
    assert {one.draft.text for one in vault.review()} == {"Late, but here.", "Here at once."}


@pytest.mark.parametrize("lost", ["lose_call", "lose_answer"])
def test_a_proposal_whose_call_or_answer_was_lost_comes_once(moody: World, lost: str) -> None:
    vault = moody.vault(pushed=True)
    tool, grant = moody.granted(vault, can="read+write")
    shared = moody.accepted(tool, grant)
    setattr(moody.registry, lost, True)
    with pytest.raises(ChainUnreachable):
        shared.propose("Lost on the way.")
    setattr(moody.registry, lost, False)
    if lost == "lose_call":
        shared.propose("Lost on the way.")
    shared.propose("And another.")
    vault.collect()
    assert sorted(one.draft.text for one in vault.review()) == ["And another.", "Lost on the way."]


def test_two_programs_of_one_tool_propose_at_once(world: World) -> None:
    vault = world.vault(pushed=True)
    tool, grant = world.granted(vault, can="write")
    state = world.folder / "state"
    where = {"key": tool, "registry": world.registry, "store": world.store, "clock": world.clock}
    one = SharedVault.accept(grant.link, state=state, **where)
    two = SharedVault.accept(grant.link, state=state, **where)
    send = world.registry.send

    def overtaken(signed):
        world.registry.send = send
        two.propose("By the second.")
        return send(signed)

    world.registry.send = overtaken
    one.propose("By the first.")
    vault.collect()
    assert {proposal.draft.text for proposal in vault.review()} == {"By the first.", "By the second."}
    one.close()
    two.close()


def test_a_tool_that_may_only_write_can_do_so_for_ever(world: World) -> None:
    """It never learns what the owner has taken in; a parcel leaves out the oldest that it has sent before."""
    vault = world.vault(pushed=True)
    tool, grant = world.granted(vault, can="write")
    shared = world.accepted(tool, grant)
    for number in range(5):
        shared.propose(f"{number} {secrets.token_hex(40 * 1024)}")
        vault.collect()
    assert [one.draft.text[:1] for one in vault.review()] == ["0", "1", "2", "3", "4"]


def test_what_does_not_fit_in_a_parcel_is_refused_and_forgotten(world: World) -> None:
    vault = world.vault(pushed=True)
    tool, grant = world.granted(vault, can="read+write")
    shared = world.accepted(tool, grant)
    shared.propose("a" + secrets.token_hex(60 * 1024))
    with pytest.raises(InputError, match="pull"):
        shared.propose(["b" + secrets.token_hex(60 * 1024), "c" + secrets.token_hex(60 * 1024)])
    vault.collect()
    vault.push()
    shared.pull()
    shared.propose("d")
    vault.collect()
    assert [one.draft.text[:1] for one in vault.review()] == ["a", "d"]


# ------------------------------------------------------------------ readers


def test_a_second_acceptance_with_the_same_state_goes_on_where_the_first_ended(world: World) -> None:
    vault = world.vault()
    vault.remember("One.")
    tool, grant = world.granted(vault)
    state = world.folder / "state"
    where = {"key": tool, "registry": world.registry, "store": world.store, "clock": world.clock}
    with SharedVault.accept(grant.link, state=state, **where) as shared:
        (change,) = shared.follow()
    vault.remember("Two.")
    vault.push()
    with SharedVault.accept(grant.link, state=state, **where) as shared:
        assert texts(shared) == {"One."}
        (another,) = shared.follow(change.cursor)
        assert another.memory.text == "Two."
        assert list(shared.follow(another.cursor)) == []
        assert [one.memory.text for one in shared.follow()] == ["One.", "Two."]


def test_a_cursor_of_another_state_is_refused_rather_than_skipping_changes(world: World) -> None:
    vault = world.vault()
    vault.remember("One.")
    vault.remember("Two.")
    tool, grant = world.granted(vault)
    with world.accepted(tool, grant) as shared:
        cursor = [change.cursor for change in shared.follow()][-1]
    afresh = world.accepted(tool, grant)
    with pytest.raises(InputError, match="cursor"):
        list(afresh.follow(cursor + 1))
    assert len(list(afresh.follow())) == 2


def test_a_grant_that_begins_later_says_when_and_ends_nobody_else(world: World) -> None:
    vault = world.vault(pushed=True)
    vault._replica.clock = lambda: world.clock() + 7200
    tool, grant = world.granted(vault)
    with pytest.raises(MemSyncError, match="begins in"):
        world.accepted(tool, grant)
    vault.remember("Something.")
    assert vault.push().rotated == ()
    world.pass_time(7200)
    shared = world.accepted(tool, grant)
    shared.pull()
    assert texts(shared) == {"Something."}


# ------------------------------------------------------------------ making and restoring


def _terms(world: World, **more: object) -> dict:
    return {
        "passphrase": PASSPHRASE,
        "cost": CHEAP_COST,
        "registry": world.registry,
        "clock": world.clock,
        **more,
    }


def test_a_failed_restore_leaves_the_blocks_that_lay_in_the_folder(world: World) -> None:
    """The default store is in the vault's own folder: somebody may have brought the only copy of the blocks there."""
    home = world.folder / "home"
    with Vault.create(home=home, **_terms(world)) as vault:
        words = vault.words
        vault.remember("The only copy.")
        vault.push()
        folder = vault.paths.folder
    for name in ("keystore", "vault.db", "lock"):
        (folder / name).unlink()
    blocks = sorted(path for path in (folder / "blocks").rglob("*") if path.is_file())
    away = [(block, world.folder / block.name) for block in blocks[:2]]  # one of them is not the access block
    for block, aside in away:
        block.rename(aside)
    with pytest.raises(StorageError):
        Vault.restore(words, home=home, **_terms(world))
    for block, aside in away:
        aside.rename(block)
    assert sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "lock") == blocks
    with Vault.restore(words, home=home, **_terms(world)) as vault:
        assert texts(vault) == {"The only copy."}


def test_a_restore_under_the_name_of_a_vault_leaves_that_vault(world: World) -> None:
    first = world.vault()
    words = first.words
    first.push()
    first.remember("Only here.")
    home = first.paths.folder.parents[1]
    for make in (
        lambda: Vault.restore(words, home=home, store=world.store, **_terms(world)),
        lambda: Vault.create(home=home, store=world.store, **_terms(world)),
    ):
        with pytest.raises(InputError, match="already"):
            make()
    assert texts(world.reopened(first)) == {"Only here."}


def test_two_vaults_in_one_home_know_nothing_of_each_other(world: World) -> None:
    home = world.folder / "home"
    with (
        Vault.create("one", home=home, store=world.store, **_terms(world)) as one,
        Vault.create("two", home=home, store=world.store, **_terms(world)) as two,
    ):
        one.remember("In the first.")
        two.remember("In the second.")
        one.push()
        two.push()
        assert (texts(one), texts(two)) == ({"In the first."}, {"In the second."})
        assert one.status().vault != two.status().vault


@pytest.mark.parametrize("at", range(1, 60, 3))
def test_a_vault_is_made_whole_or_not_at_all(world: World, monkeypatch, at: int) -> None:
    from memsync.device.database import Database

    home, run, left = world.folder / "home", Database.run, [at]

    def cut(self, *args):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return run(self, *args)

    monkeypatch.setattr(Database, "run", cut)
    with suppress(KeyboardInterrupt):
        Vault.create(home=home, **_terms(world)).close()
    monkeypatch.undo()
    if not (home / "vaults/default/keystore").exists():
        assert [path for path in home.rglob("*") if path.is_file()] == []
        Vault.create(home=home, **_terms(world)).close()
    with Vault.open(home=home, passphrase=PASSPHRASE) as vault:
        assert vault.scopes() == ("personal",)
        assert vault.words


def test_a_vault_whose_database_is_gone_is_not_opened_as_an_empty_one(world: World) -> None:
    vault = world.vault(pushed=True)
    home = vault.paths.folder.parents[1]
    vault.close()
    vault.paths.database.unlink()
    with pytest.raises(NotFoundError, match="database"):
        Vault.open(home=home, passphrase=PASSPHRASE)
    assert not vault.paths.database.exists()


def test_a_restore_reads_one_head_while_another_device_pushes(world: World) -> None:
    first = world.vault()
    words = first.words
    first.remember("Before.")
    first.push()
    pushed = []

    class Busy(DirectoryStore):
        pass

    store, fetch = world.store, world.store._fetch

    def busy(cids):
        if not pushed:
            pushed.append(True)
            first.remember("During.")
            first.push()
        return fetch(cids)

    store._fetch = busy
    second = world.restored(words)
    store._fetch = fetch
    assert texts(second) <= {"Before.", "During."} and "Before." in texts(second)
    second.remember("After.")
    second.push()
    first.pull()
    assert texts(first) == texts(second) == {"Before.", "During.", "After."}


def test_a_vault_whose_making_was_cut_between_its_two_moves_can_be_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, plain = world.home(), Path.replace

    def cut(path: Path, target: Path) -> Path:
        if path.name == "keystore":
            raise PowerCut
        return plain(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", cut)
        patched.setattr(shutil, "rmtree", lambda *_, **__: None)  # nothing of the program runs on
        with pytest.raises(PowerCut):
            Vault.create(passphrase=PASSPHRASE, home=home, cost=CHEAP_COST)
    Vault.create(passphrase=PASSPHRASE, home=home, cost=CHEAP_COST).close()
    assert Vault.open(passphrase=PASSPHRASE, home=home).words
