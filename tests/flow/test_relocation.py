"""A vault moves to another chain with everything in it, however often it is cut off, and its other devices follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from hypothesis import settings

from memsync.crypto.tree import RootKey
from memsync.crypto.words import from_words, to_words
from memsync.device.contacts import Contacts
from memsync.device.database import Database
from memsync.device.disclosures import Disclosure, Disclosures
from memsync.device.imported import Imported
from memsync.device.meta import Meta
from memsync.errors import (
    AccessError,
    ChainUnreachable,
    InputError,
    LockedError,
    StorageError,
    VaultMoved,
    WrongWords,
)
from memsync.shared import Tool
from memsync.sync.replica import WORDS
from memsync.sync.wishes import GRANT, GrantWish, wish_grant
from memsync.testing import MemoryRegistry, MemoryStore
from memsync.vault import GrantAgain, Relocated, Vault
from memsync.vault import relocation as relocation_module
from tests.flow.actions import PASSPHRASE, World, texts
from tests.flow.power import Power, PowerCut


def at(registry: object) -> Callable:
    return lambda: nullcontext(registry)


def gone() -> object:
    """The old chain doesn't answer."""
    raise ChainUnreachable("nobody there")


class Move:
    """A world with a second chain."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.there = MemoryRegistry(chain_id=10, contract=b"\x10" * 20)
        self.vault = world.vault()
        self.words = self.vault.words

    def move(self, vault: Vault | None = None, **how: object) -> Relocated:
        return (vault or self.vault).relocate(
            self.words,
            **{"connect_new": at(self.there), "connect_old": at(self.world.registry), **how},
        )

    def opened(self, vault: Vault | None = None, registry: object = None) -> Vault:
        vault = vault or self.vault
        vault.close()
        home = vault.paths.folder.parents[1]
        again = Vault.open(
            passphrase=PASSPHRASE,
            home=home,
            store=self.world.store,
            registry=registry or self.there,
            clock=self.world.clock,
        )
        self.world.open.append(again)
        return again

    def restored(self) -> Vault:
        return self.world.restored(self.words, registry=self.there)

    def left(self, vault: Vault) -> bool:
        return vault.paths.moving.exists()


@pytest.fixture
def move(world: World) -> Move:
    return Move(world)


def rich(move: Move) -> dict[str, object]:
    """Everything that a vault can hold, some of it pushed and some not; returns what must be there afterwards."""
    vault, world = move.vault, move.world
    vault.add_scope("work")
    vault.rename_scope("personal", "home")
    old = vault.remember("First draft.", scope="home", tags=["a"], happened=5)
    vault.remember("Budget.", scope="work")
    vault.push()
    vault.edit(old, "Second draft.")
    vault.forget(vault.remember("Gone.", scope="home"))
    tool, grant = world.granted(vault, scope="home", can="read+write", until="10d")
    world.granted(vault, scope="work", until="20d")
    shared = world.accepted(tool, grant)
    shared.propose(["Taken.", "Undecided."])
    vault.collect()
    vault.accept(vault.review()[0])
    vault.push()
    vault.remember("Not pushed.", scope="work")
    vault.add_scope("new")
    vault.remember("In a new scope.", scope="new")
    database = vault._replica.database
    Disclosures(database).append(Disclosure(1, "cursor", "mcp", "recall", bytes(16), "who?", (old.id,)))
    Imported(database).add_many([b"\x01" * 16])
    Meta(database).put("of the keeper", b"kept")
    return held(vault)


def held(vault: Vault) -> dict[str, object]:
    """What a vault holds that no chain is bound to."""
    replica = vault._replica
    scopes = {scope.name: scope.id for scope in replica.scopes.all()}
    return {
        "scopes": scopes,
        "versions": {
            name: {
                (one.id, one.version): one
                for found in replica.memories.latest([scope], limit=1000)
                for one in replica.memories.versions(scope, found.memory.id)
            }
            for name, scope in scopes.items()
        },
        "forgotten": replica.database.run(
            "SELECT id, version, forgotten FROM tombstone ORDER BY id, version"
        ),
        "proposals": [(one.draft.text, one.grant) for one in vault.review()],
        "contacts": Contacts(replica.database).all(),
        "disclosures": Disclosures(replica.database).query(),
        "imported": b"\x01" * 16 in Imported(replica.database),
        "meta": Meta(replica.database).get("of the keeper"),
    }


def test_everything_comes_along(move: Move) -> None:
    wanted = rich(move)
    lines: list[str] = []
    before = move.vault.history(100)
    done = move.move(progress=lines.append)
    assert (done.chain_id, done.contract) == (10, b"\x10" * 20)
    assert done.forwarded and done.warnings == ()
    assert [(one.scope, one.can) for one in done.grants] == [("home", "read+write"), ("work", "read")]
    assert all(isinstance(one, GrantAgain) and one.end > move.world.now() for one in done.grants)
    assert len(lines) == 5
    assert held(move.vault) == wanted
    assert [hit.memory.text for hit in move.vault.recall("draft")] == ["Second draft."]
    vault = move.opened()
    assert held(vault) == wanted
    status = vault.status()
    assert (status.chain_id, status.vault, status.waiting) == (10, done.vault, 0)
    assert vault.grants() == []
    assert vault.verify(deep=True).findings == ()
    assert [deed.kind for deed in vault.history(1)] == ["move"] and vault.history(100)[1:] == before
    assert not move.left(vault)
    assert sorted(one.name for one in vault.paths.folder.iterdir() if one.name.startswith("vault.db")) == [
        "vault.db", "vault.db-shm", "vault.db-wal"
    ]  # fmt: skip
    back = move.restored()
    assert {
        name: found for name, found in held(back).items() if name in ("scopes", "versions", "forgotten")
    } == {name: wanted[name] for name in ("scopes", "versions", "forgotten")}


def test_a_proposal_that_waited_can_still_be_accepted(move: Move) -> None:
    rich(move)
    move.move()
    vault = move.opened()
    [proposal] = vault.review()
    assert vault.accept(proposal).text == "Undecided."
    vault.push()
    assert "Undecided." in {one.text for one in move.restored().memories(scope="home")}


def test_the_words_leave_again(move: Move) -> None:
    move.vault.push()
    move.move()
    with pytest.raises(LockedError):
        _ = move.vault.words
    assert move.vault.status().words_kept is False


def test_the_words_stay_until_the_new_chain_is_final(move: Move) -> None:
    move.vault.push()
    move.there = MemoryRegistry(chain_id=10, confirmations=3)
    move.move()
    vault = move.opened()
    assert vault.words == move.words
    move.there.undo(1)
    vault.push()
    move.there.mine(5)
    vault.pull()
    assert vault.status().words_kept is False
    assert vault.status().sequence == 1


def test_who_may_not_move_is_told(move: Move) -> None:
    with pytest.raises(InputError, match="on no chain yet"):
        move.move()
    move.vault.push()
    with pytest.raises(WrongWords, match="another vault"):
        move.vault.relocate(to_words(b"\x07" * 32), connect_new=at(move.there))
    with pytest.raises(WrongWords):
        move.vault.relocate("twelve words", connect_new=at(move.there))
    with pytest.raises(InputError, match="already"):
        move.move(connect_new=at(move.world.registry))
    with pytest.raises(InputError, match="the old chain given is 10"):
        move.move(connect_old=at(move.there))
    with pytest.raises(InputError, match="needs the old chain"):
        move.move(connect_old=None, revoke_old=True)
    assert texts(move.vault) == set()


def test_another_contract_on_the_same_chain_is_another_home(move: Move) -> None:
    move.vault.remember("Stays with me.")
    move.vault.push()
    move.there = MemoryRegistry(contract=b"\x44" * 20)
    assert move.move().contract == b"\x44" * 20
    assert texts(move.restored()) == {"Stays with me."}


def test_a_program_that_has_the_vault_open_is_noticed_before_anything_is_done(move: Move) -> None:
    move.vault.push()
    home = move.vault.paths.folder.parents[1]
    with Vault.open(passphrase=PASSPHRASE, home=home, store=move.world.store) as other:
        other.count()
        with pytest.raises(StorageError, match="open in another program"):
            move.move()
        assert not move.left(move.vault)
        move.vault.remember("Still in use.")
    move.move()
    assert texts(move.opened()) == {"Still in use."}


def test_grants_live_on_where_they_were_or_end_with_the_move(move: Move) -> None:
    world, vault = move.world, move.vault
    vault.remember("Before.")
    tool, grant = world.granted(vault)
    shared = world.accepted(tool, grant)
    again = Move(world)
    again.vault.remember("Before.")
    ended = world.accepted(*world.granted(again.vault))
    move.move()
    again.there = move.there
    done = again.move(revoke_old=True)
    assert [one.can for one in done.grants] == ["read"]
    assert shared.pull().added == 1
    with pytest.raises(AccessError, match="revoked"):
        ended.pull()


def test_what_was_wished_about_grants_is_said(move: Move) -> None:
    world, vault = move.world, move.vault
    vault.remember("Before.")
    _, grant = world.granted(vault)
    _, other = world.granted(vault, until="1d")
    vault._wish_end(vault._known_as(grant))
    card = Tool.generate().card("late", now=world.now())
    vault._replica.journal.add(
        wish_grant(
            GrantWish(wish=bytes(16), name="late", account=card.account, box=card.box, author=card.author, request=None,
                      scope=vault._replica.scopes.id_of("personal"), rights=1, start=0, end=world.now() + 99, from_now=False),
            created=1,
        )
    )  # fmt: skip
    done = move.move(connect_old=gone)
    assert [one.name for one in done.grants] == [other.name, grant.name]
    said = "\n".join(done.warnings)
    assert "the grant to late that waited was not made" in said
    assert f"the end of the grant to {grant.name} had not reached chain 31337" in said
    assert "was not read" in said and "no word was left" in said and "other devices are not told" in said
    assert not done.forwarded
    assert move.opened()._replica.journal.entries(kind=GRANT) == []


def test_the_end_of_a_grant_that_waited_goes_with_the_word_left_behind(move: Move) -> None:
    world, vault = move.world, move.vault
    vault.remember("Before.")
    tool, grant = world.granted(vault)
    shared = world.accepted(tool, grant)
    vault._wish_end(vault._known_as(grant))
    vault.remember("Only for the new chain.")
    move.move()
    with pytest.raises(AccessError, match="revoked"):
        shared.pull()
    assert texts(move.opened()) == {"Before.", "Only for the new chain."}


def test_other_devices_are_told_and_follow_with_what_only_they_have(move: Move) -> None:
    world, first = move.world, move.vault
    kept, doomed = first.remember("Both know."), first.remember("Forgotten by one.")
    first.push()
    second = world.restored(move.words)
    first.forget(doomed)
    first.remember("By the first.")
    second.remember("By the second.")
    second.edit(kept, "Both know, says the second.")
    second.add_scope("second's")
    second.remember("There.", scope="second's")
    move.move()
    for refused in (second.pull, second.push, second.grants, second.collect):
        with pytest.raises(VaultMoved, match="chain 10 at 0x1010") as moved:
            refused()
        assert (moved.value.chain_id, moved.value.contract, moved.value.exit_code) == (10, b"\x10" * 20, 8)
    assert [one.next for one in second.verify().findings if one.wrong] == ["memsync chain move"]
    done = move.move(second)
    assert done.written > 0 and done.forwarded
    first, second = move.opened(), move.opened(second)
    first.pull()
    wanted = {"Both know, says the second.", "By the first.", "By the second.", "There."}
    assert texts(first) == texts(second) == texts(move.restored()) == wanted
    assert first.scopes() == second.scopes() == ("personal", "second's")
    assert [first.status().waiting, second.status().waiting] == [0, 0]
    first.remember("On.")
    first.push()
    second.pull()
    assert texts(second) == wanted | {"On."}


def test_two_devices_that_move_at_once_end_up_as_one(move: Move) -> None:
    first = move.vault
    first.remember("Both know.")
    first.push()
    second = move.world.restored(move.words)
    first.remember("First."), second.remember("Second.")
    send = move.there.send
    raced = []

    def slow(signed: object) -> object:
        if not raced:
            raced.append(1)
            move.there.send = send
            move.move(second, connect_old=None)
        return send(signed)

    move.there.send = slow
    move.move(connect_old=None)
    first, second = move.opened(), move.opened(second)
    second.pull()
    assert texts(first) == texts(second) == {"Both know.", "First.", "Second."}
    assert first._replica.memories.count() == 3


def test_without_word_each_device_moves_by_hand(move: Move) -> None:
    move.vault.remember("One.")
    move.vault.push()
    second = move.world.restored(move.words)
    done = move.move(connect_old=None)
    assert not done.forwarded and "other devices are not told" in done.warnings[0]
    second.remember("Two.")
    second.push()
    move.move(second, connect_old=None)
    vault = move.opened()
    vault.pull()
    assert texts(vault) == {"One.", "Two."}


def test_a_vault_does_not_move_to_two_places(move: Move) -> None:
    move.vault.push()
    second = move.world.restored(move.words)
    move.move()
    with pytest.raises(VaultMoved, match="chain 10"):
        move.move(second, connect_new=at(MemoryRegistry(chain_id=7)))


def test_a_move_that_was_begun_is_finished_first(move: Move) -> None:
    move.vault.push()
    unreachable, other = MemoryRegistry(chain_id=7), MemoryRegistry(chain_id=8)
    with pytest.raises(StorageError):
        move.move(connect_new=at(Refusing(unreachable)))
    assert move.left(move.vault)
    move.there = other
    assert move.move().chain_id == 8, "what never got to chain 7 is thrown away"
    vault = move.opened()
    third = MemoryRegistry(chain_id=9)
    with pytest.raises(KeyboardInterrupt):
        vault.relocate(move.words, connect_new=at(third), connect_old=Interrupting(other))
    with pytest.raises(InputError, match=r"chain 9 .* was begun and has got there"):
        vault.relocate(move.words, connect_new=at(MemoryRegistry(chain_id=11)))
    assert vault.relocate(move.words, connect_new=at(third), connect_old=at(other)).chain_id == 9


class Refusing:
    def __init__(self, inner: MemoryRegistry) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def send(self, _: object) -> object:
        raise StorageError("no")

    def snapshot(self, *args: object) -> object:
        raise StorageError("no")


class Interrupting:
    """Connects once, and is interrupted the second time."""

    def __init__(self, registry: MemoryRegistry) -> None:
        self.registry, self.times = registry, 0

    @contextmanager
    def __call__(self) -> Iterator[MemoryRegistry]:
        self.times += 1
        if self.times == 2:
            raise KeyboardInterrupt
        yield self.registry


def test_a_vault_can_move_on_and_come_home(move: Move) -> None:
    home, first = move.world.registry, move.there
    move.vault.remember("Well travelled.")
    move.vault.push()
    second = move.world.restored(move.words)
    move.move()
    vault = move.opened()
    vault.remember("Abroad.")
    vault.push()
    assert vault.relocate(move.words, connect_new=at(home), connect_old=at(first)).chain_id == 31337
    vault = move.opened(vault, home)
    assert vault.verify(deep=True).ok
    vault.remember("Home.")
    vault.push()
    second.pull()
    assert texts(second) == texts(vault) == {"Well travelled.", "Abroad.", "Home."}


def test_a_scope_of_the_same_name_there_takes_what_is_here(move: Move) -> None:
    """Two vaults of the same words that met nowhere: one made on each chain."""
    other = move.world.vault(registry=move.there)
    root = from_words(move.words)
    other._replica.meta.put(WORDS, root)
    other.remember("Already there.")
    other.add_scope("work")
    other.push()
    move.vault.add_scope("work")
    move.vault.remember("From here."), move.vault.remember("At work.", scope="work")
    move.vault.push()
    move.move()
    vault = move.opened()
    other.pull()
    assert vault.scopes() == other.scopes() == ("personal", "work")
    assert texts(vault) == texts(other) == {"Already there.", "From here.", "At work."}


def test_the_new_vault_has_keys_of_its_own(move: Move) -> None:
    rich(move)
    before, root = move.vault._standing(), RootKey(from_words(move.words))
    old_keys = move.vault._replica.keys()
    move.move()
    vault = move.opened()
    after, keys = vault._standing(), vault._replica.keys()
    assert keys.vault != old_keys.vault and keys.owner != old_keys.owner
    assert keys.generation.secret != old_keys.generation.secret
    assert keys.owner == root.owner(10, b"\x10" * 20, 0).address
    old = {scope.id: scope.epoch.secret for scope in before.owner.scopes}
    assert {scope.id for scope in after.owner.scopes} >= old.keys()
    assert not {scope.epoch.secret for scope in after.owner.scopes} & set(old.values())


# ---------------------------------------------------------------- cut off anywhere


class Cut:
    """A move with power over its chains, store, database and files."""

    def __init__(self, folder: Path, power: Power) -> None:
        registry, store = MemoryRegistry(), MemoryStore()
        self.world = World(folder, power.over(registry, "chain"), power.over(store, "store"))
        self.move = Move(self.world)
        self.move.there = power.over(MemoryRegistry(chain_id=10, contract=b"\x10" * 20), "chain")
        self.wanted = rich(self.move)
        self.second = self.world.restored(self.move.words)
        self.second.remember("By the second.", scope="home")
        self.history = len(self.move.vault.history(100))

    def play(self) -> Relocated | None:
        try:
            done = self.move.move(revoke_old=True)
        except PowerCut:
            vault = self.move.opened(registry=self.world.registry)
            self.move.vault = vault
            try:
                done = self.move.move(vault, revoke_old=True)
            except InputError:  # it is there already: the cut came after everything else
                return None
        return done

    def check(self, done: Relocated | None) -> None:
        move = self.move
        assert done is None or (done.forwarded and [one.scope for one in done.grants] == ["home", "work"])
        vault = move.opened()
        assert held(vault) == self.wanted
        assert vault.status().waiting == 0
        assert [deed.kind for deed in vault.history(100)].count("move") == 1
        assert len(vault.history(100)) == self.history + 1
        assert not move.left(vault)
        assert vault.verify(deep=True).ok
        with pytest.raises(VaultMoved):
            self.second.push()
        move.move(self.second)
        vault.pull()
        second = move.opened(self.second)
        texts_wanted = {one.text for found in self.wanted["versions"].values() for one in found.values()} - {
            "First draft."
        } | {"By the second."}
        assert texts(vault) == texts(second) == texts(move.restored()) == texts_wanted
        self.world.close()


@pytest.fixture
def power(monkeypatch: pytest.MonkeyPatch) -> Power:
    power = Power()
    for name in ("run", "run_many", "close_alone"):
        plain = getattr(Database, name)

        def counted(self: Database, *args: object, _plain: Callable = plain) -> object:
            power.step("database")
            return _plain(self, *args)

        monkeypatch.setattr(Database, name, counted)
    replace, rmtree, flush = Path.replace, relocation_module.shutil.rmtree, relocation_module.flush

    def around(plain: Callable) -> Callable:
        def call(*args: object, **named: object) -> object:
            power.step("files")
            done = plain(*args, **named)
            power.step("files")
            return done

        return call

    monkeypatch.setattr(Path, "replace", around(replace))
    monkeypatch.setattr(relocation_module.shutil, "rmtree", around(rmtree))
    monkeypatch.setattr(relocation_module, "flush", around(flush))
    return power


@pytest.mark.parametrize(("kind", "stride"), [("chain", 1), ("store", 1), ("files", 1), ("database", 25)])
def test_a_move_cut_off_anywhere_goes_on(tmp_path: Path, power: Power, kind: str, stride: int) -> None:
    whole = Cut(tmp_path / "whole", power)
    power.cut(kind, -1)
    done = whole.play()
    steps = power.spare()
    whole.check(done)
    assert steps > 5
    if settings.default.max_examples <= 100:
        stride = max(stride, steps // 8)
    met, unheard, cuts = 0, 0, range(1 + steps % stride, steps + 1, stride)
    for cut in cuts:
        story = Cut(tmp_path / str(cut), power)
        power.cut(kind, cut)
        done = story.play()
        met += power.spare() == cut
        unheard += done is None
        story.check(done)
    assert unheard <= 1
    assert met >= len(cuts) - 2
