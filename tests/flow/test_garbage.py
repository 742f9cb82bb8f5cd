"""What lies in the stores and is needed no more goes; nothing else does, whoever works meanwhile and wherever the power is cut."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memsync.errors import AccessError, BlockMissing, ChainError, ChainUnreachable, InputError, StorageError
from memsync.ipld.cid import CID, RAW
from memsync.store.mirror import MirrorStore
from memsync.sync import garbage
from memsync.sync.garbage import GRACE_SECONDS, KEEP
from memsync.testing import LyingStore, MemoryStore
from memsync.vault import Vault
from tests.flow.actions import World, texts
from tests.flow.moody import Moody
from tests.flow.power import Power, PowerCut


def held(world: World) -> set[CID]:
    return set(world.store.iter())


def sizes(world: World) -> dict[CID, int]:
    return world.store.size_many(held(world))


def age(world: World) -> None:
    world.pass_time(GRACE_SECONDS + 1)


def pushes(vault: Vault, count: int, word: str = "text") -> None:
    for number in range(count):
        vault.remember(f"{word} {number}")
        vault.push()


def foreign(world: World) -> CID:
    """A block as any other vault might have put it into the folder."""
    data = secrets.token_bytes(4096)
    cid = CID.of(data, RAW)
    world.store.put_many([(cid, data)])
    return cid


def died_while_putting(world: World, vault: Vault) -> set[CID]:
    """A push whose program ended once the blocks were stored; what it left there."""
    before = held(world)

    class Dies:
        def __getattr__(self, name: str) -> object:
            return getattr(world.store, name)

        def put_many(self, blocks: Iterable) -> None:
            world.store.put_many(blocks)
            raise PowerCut

    vault.remember("Pushed at last.")
    vault._replica.use_store(Dies())
    with pytest.raises(PowerCut):
        vault.push()
    vault._replica.use_store(world.store)
    return held(world) - before


def needed(vault: Vault) -> set[CID]:
    return set(vault.needed())


def test_what_no_kept_sequence_reaches_goes_and_all_else_stays(world: World) -> None:
    vault = world.vault()
    words = vault.words
    pushes(vault, KEEP + 5)
    age(world)
    other = foreign(world)
    before = sizes(world)
    swept = vault.gc()
    assert (swept.sequence, swept.oldest) == (KEEP + 5, 6)
    assert held(world) < before.keys()
    assert swept.blocks == len(before) - len(held(world))
    assert swept.size == sum(before.values()) - sum(sizes(world).values())
    assert other in held(world)
    assert needed(vault) <= held(world)
    assert swept.kept == len(held(world)) - 1, "nothing is left but what is kept"
    assert vault.verify(deep=True).findings == ()
    assert texts(world.restored(words)) == texts(vault)
    assert vault.gc().blocks == 0


def test_a_rehearsal_says_the_same_and_deletes_nothing(world: World) -> None:
    vault = world.vault()
    pushes(vault, 4)
    age(world)
    before = held(world)
    would = vault.gc(keep=1, dry_run=True)
    assert held(world) == before
    assert would.blocks > 0
    assert vault.gc(keep=1) == would


def test_an_orphan_of_this_device_goes_once_it_is_old_and_another_vaults_block_stays(world: World) -> None:
    vault, other = world.vault(pushed=True), world.vault(pushed=True)
    pushes(other, 3, "of another vault")
    theirs, stranger = needed(other), foreign(world)
    orphans = died_while_putting(world, vault)
    early = vault.gc(keep=1)
    assert (early.blocks, early.young) == (0, len(orphans))
    age(world)
    vault.gc(keep=1)
    assert not orphans & held(world)
    assert theirs | {stranger} <= held(world)
    vault.push()
    assert vault.verify(deep=True).ok
    assert other.verify(deep=True).ok


@pytest.mark.parametrize("how", ["lost", "undone"])
def test_what_a_commit_needs_that_may_still_land_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(garbage, "GRACE_SECONDS", -1)  # that they are young is not what keeps them
    registry = Moody(confirmations=3)
    world = World(tmp_path, registry)
    vault = world.vault()
    pushes(vault, 2)
    registry.mine(4)
    vault.pull()
    vault.remember("On its way.")
    registry.lose_call = how == "lost"
    with suppress(ChainUnreachable):
        vault.push()
    if how == "undone":
        registry.undo(1)
    registry.lose_call = False
    vault.pull()
    assert vault.gc(keep=1).blocks > 0
    registry.send(registry.sent)
    vault.pull()
    assert vault.status().sequence == 3
    assert vault.verify(deep=True).ok
    assert "On its way." in world.restored_texts(vault)
    world.close()


def test_roots_that_may_be_undone_and_those_before_them_are_kept(tmp_path: Path) -> None:
    registry = Moody(confirmations=3)
    world = World(tmp_path, registry)
    vault = world.vault()
    words = vault.words
    pushes(vault, 8)
    age(world)
    vault.pull()
    with world.restored(words) as other:  # it has no attempt that keeps anything
        final = other._replica.heads.final().sequence
        swept = other.gc(keep=1)
    assert swept.oldest <= final < swept.sequence
    registry.undo(2)
    with suppress(ChainError):
        vault.pull()
    vault.push()
    registry.mine(4)
    vault.pull()
    assert texts(vault) == {f"text {number}" for number in range(8)}
    assert vault.verify(deep=True).ok
    world.close()


def test_a_parcel_stays_until_it_was_taken_in_and_that_is_on_the_chain(world: World) -> None:
    vault = world.vault()
    tool, grant = world.granted(vault, can="read+write")
    before = held(world)
    world.accepted(tool, grant).propose("Proposed.")
    (parcel,) = held(world) - before
    age(world)
    vault.gc(keep=1)
    assert parcel in held(world), "nobody took it in yet"
    vault.collect()
    vault.gc(keep=1)
    assert parcel in held(world), "another device would ask for it"
    vault.push()
    vault.gc(keep=1)
    assert parcel not in held(world)
    (proposal,) = vault.review()
    assert proposal.draft.text == "Proposed."


def test_each_place_is_swept_by_itself_and_one_that_fails_is_named(world: World) -> None:
    good, bad = MemoryStore("good"), LyingStore(MemoryStore("bad"))
    vault = world.vault(store=MirrorStore([good, bad]))
    pushes(vault, 5)
    age(world)
    bad.fail(StorageError("unplugged"))
    swept = vault.gc(keep=1)
    first, second = swept.places
    assert (first.place, first.error) == ("good", None)
    assert first.blocks > 0
    assert second.blocks == 0
    assert "unplugged" in second.error
    bad.fail(None)
    again = vault.gc(keep=1)
    assert [one.blocks for one in again.places] == [0, first.blocks]
    assert set(good.iter()) == set(bad.iter())
    assert vault.verify(deep=True).ok


def test_a_vault_that_cannot_be_read_whole_is_left_as_it_is(world: World) -> None:
    vault = world.vault()
    pushes(vault, 4)
    age(world)
    world.store.delete([CID(RAW, vault._standing().root.owner.digest)])
    before = held(world)
    with pytest.raises(BlockMissing):
        vault.gc(keep=1)
    assert held(world) == before


def test_another_device_may_keep_less(world: World) -> None:
    first, second = world.two_devices()
    pushes(first, 6)
    second.pull()
    age(world)
    second.gc(keep=1)
    pushes(first, 2, "later")
    age(world)
    assert first.gc(keep=20).oldest == 1
    first.gc(keep=2)
    assert first.verify(deep=True).ok
    second.pull()
    assert texts(second) == texts(first)


@pytest.mark.parametrize("keep", [0, -1])
def test_the_present_sequence_is_always_kept(world: World, keep: int) -> None:
    with pytest.raises(InputError):
        world.vault(pushed=True).gc(keep=keep)


def test_another_device_that_pushes_between_any_two_steps_loses_nothing(tmp_path: Path) -> None:
    """The other device pushes twice at one step of the collection: at each one in turn."""
    at = 1
    while True:
        power = Interrupted()
        world = World(tmp_path / str(at))
        shared = world.store
        first, second = world.two_devices()
        pushes(first, 3)
        died_while_putting(world, first)
        second.pull()
        age(world)

        def meanwhile(vault: Vault = second) -> None:
            vault.remember("Meanwhile.")
            vault.push()
            vault.remember("And again.")
            vault.push()

        first._replica.use_store(power.over(shared, "store"))
        power.at(at, meanwhile)
        first.gc(keep=1)
        power.spare()
        first.push()
        second.pull()
        assert texts(first) == texts(second)
        for vault in (first, second):
            assert vault.verify(deep=True).ok
        world.close()
        if not power.met:
            break
        at += 1
    assert at > 20


class Interrupted(Power):
    """Not a cut, but something that somebody else does at a step."""

    met = False

    def at(self, left: int, act: Callable[[], None]) -> None:
        self.act = act
        self.cut("store", left)

    def step(self, kind: str) -> None:
        try:
            super().step(kind)
        except PowerCut:
            self.met = True
            self.act()


def test_a_cut_at_any_step_is_mended_by_the_same_command(tmp_path: Path) -> None:
    """In the end the stores are as after a collection that nobody disturbed: nothing that could go is out of reach."""
    at, left = 1, None
    while True:
        power = Power()
        world = World(tmp_path / str(at))
        first, vault = world.two_devices()  # the second has put nothing: it knows only what roots reach
        pushes(first, 4)
        age(world)
        vault.pull()
        vault._replica.use_store(OneByOne(world.store, power))
        power.cut("delete", at)
        cut = False
        try:
            vault.gc(keep=1)
        except PowerCut:
            cut = True
            vault = world.reopened(vault)
            assert vault.verify(deep=True).ok
            vault.gc(keep=1)
        assert len(held(world)) == (left or len(held(world)))
        left = len(held(world))
        world.close()
        if not cut:
            break
        at += 1
    assert at > 8


class OneByOne:
    """A store that deletes block by block, each a step."""

    def __init__(self, inner: MemoryStore, power: Power) -> None:
        self._inner, self._power = inner, power

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def delete(self, cids: Iterable[CID]) -> None:
        for cid in cids:
            self._power.step("delete")
            self._inner.delete([cid])
            self._power.step("delete")


ACTS = st.lists(
    st.sampled_from(
        ["remember", "push", "push", "forget", "grant", "from now", "revoke", "other", "died", "gc"]
    ),
    min_size=4,
    max_size=30,
)


@settings(
    max_examples=5000 if settings.default.max_examples > 1000 else 40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(acts=ACTS, keep=st.integers(1, 4))
def test_after_any_life_everybody_still_reads_and_no_orphan_is_left(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str], keep: int
) -> None:
    world = World(tmp_path_factory.mktemp("life"))
    first = world.vault()
    words = first.words
    first.push()
    second = world.restored(words)
    stranger, orphans, readers = foreign(world), set(), []
    for number, act in enumerate(acts):
        if act == "remember":
            first.remember(f"text {number}")
        elif act == "push":
            first.push()
        elif act == "forget":
            for memory in list(first.memories())[:1]:
                first.forget(memory)
        elif act in ("grant", "from now"):
            tool, grant = world.granted(first, from_now=act == "from now", until="90d")
            readers.append((tool, grant, world.accepted(tool, grant)))
        elif act == "revoke" and readers:
            tool, grant, shared = readers.pop()
            first.revoke(grant)
            with pytest.raises(AccessError):
                shared.pull()
        elif act == "other":
            second.remember(f"of the other {number}")
            second.push()
        elif act == "died":
            orphans |= died_while_putting(world, first)
        elif act == "gc":
            first.gc(keep=keep)
    age(world)
    first.pull()
    swept = first.gc(keep=keep)
    assert swept.sequence - swept.oldest + 1 >= min(keep, swept.sequence)
    assert stranger in held(world)
    assert not orphans & held(world)
    assert first.verify(deep=True).ok
    first.push()
    second.push()
    first.pull()
    assert texts(first) == texts(second) == texts(world.restored(words))
    for tool, grant, shared in readers:
        shared.pull()
        assert texts(world.accepted(tool, grant)) <= texts(first)
        fresh = world.accepted(tool, grant)
        fresh.pull()
        assert texts(fresh) == texts(shared)
    world.close()
