"""Many memories at once: what is found is exactly what was meant, and forgetting and moving are all or nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memsync.errors import InputError, NotFoundError
from memsync.memory import Draft, Memory, Source
from memsync.recall.plain import PlainQuery
from memsync.vault import ScopeSummary, Vault
from tests.flow.actions import World, texts

DAY = 86_400_000
TEXTS = ["The car is red.", "A red scarf.", "Café Rouge, in the Rue Cler", "私は上海に住んでいる", "Straße"]


@pytest.fixture
def vault(world: World) -> Vault:
    vault = world.vault()
    vault.add_scope("work")
    return vault


def found(vault: Vault, **asked: object) -> list[str]:
    return [memory.text for _, memory in vault.find(**asked)]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("car", ["The car is red."]),
        ("RED", ["A red scarf.", "The car is red."]),
        ("red the", ["The car is red."]),
        ("red blue", []),
        ("cafe", ["Café Rouge, in the Rue Cler"]),
        ("CAFÉ,", []),
        ("rouge,", ["Café Rouge, in the Rue Cler"]),
        ("rou", []),
        ("上海", ["私は上海に住んでいる"]),
        ("STRASSE", ["Straße"]),
        ("straße", ["Straße"]),
        ("is a", []),
    ],
)
def test_a_query_finds_what_has_all_its_words_and_nothing_else(
    vault: Vault, query: str, wanted: list[str]
) -> None:
    for text in TEXTS:
        vault.remember(text)
    assert sorted(found(vault, query=query)) == wanted


@pytest.mark.parametrize(
    ("query", "text", "there"),
    [
        ("car", "scar car", True),
        ("car", "scar", False),
        ("c++", "I write C++.", True),
        ("a b", "b\na", True),
        ("कि", "की", False),
        ("क", "की", False),
        ("가", "각", False),
        ("か", "が", False),
        ("ǅ", "ǆ", True),
        ("ﬁn", "fin", True),
        ("Ａ", "a", True),
    ],
)
def test_a_word_is_that_word_in_every_script(query: str, text: str, *, there: bool) -> None:
    memory = Memory(id=ID, version=ID, kind="semantic", text=text, created=0)
    assert PlainQuery(query).matches(memory) is there


ID = bytes.fromhex("01900000000070008000000000000001")


def test_conditions_narrow_each_other(vault: Vault) -> None:
    vault.remember("Red tide", tags=["Sea"], happened=5 * DAY)
    vault.remember("Red tape", tags=["office"], scope="work", happened=datetime(1970, 1, 8, tzinfo=UTC))
    late = vault.remember("Blue tape", tags=["office"], scope="work", happened=9 * DAY)
    assert found(vault, query="red") == ["Red tape", "Red tide"]
    assert found(vault, query="red", scope="work") == ["Red tape"]
    assert found(vault, tag="sea") == ["Red tide"]
    assert found(vault, tag="se") == []
    assert found(vault, query="office tape") == ["Blue tape", "Red tape"]
    assert found(vault, since=6 * DAY, until=9 * DAY) == ["Red tape"]
    assert found(vault, scope="work", limit=1) == ["Blue tape"]
    assert found(vault, scope="work", limit=0) == []
    assert vault.find(ids=[late.id]) == [("work", late)]
    assert vault.find(ids=[late.id[:15], late.id]) == [("work", late)]
    assert found(vault, ids=[late.id], query="red") == []
    assert found(vault, ids=[late.id], until=9 * DAY) == []


def test_who_asks_for_nothing_finds_nothing(vault: Vault) -> None:
    memory = vault.remember("Here.")
    with pytest.raises(InputError, match="say what to find"):
        vault.find()
    with pytest.raises(InputError, match="empty query"):
        vault.find(query=" \n")
    with pytest.raises(InputError, match="empty id"):
        vault.find(ids=[b""])
    with pytest.raises(NotFoundError, match="no memory"):
        vault.find(ids=[memory.id, bytes(16)])
    with pytest.raises(NotFoundError, match="no scope"):
        vault.find(scope="nowhere")


def test_pages_of_candidates_are_all_read(vault: Vault) -> None:
    vault.remember_many(
        Draft(kind="semantic", text=f"number {at} {'even' if at % 2 == 0 else 'odd'}", created=at)
        for at in range(1201)
    )
    assert len(vault.find(query="even")) == 601
    assert vault.forget_many(memory for _, memory in vault.find(query="odd")) == 600
    assert vault.count() == 601


def test_many_are_forgotten_or_none(vault: Vault) -> None:
    kept, first, second = vault.remember("Stays."), vault.remember("Goes."), vault.remember("Goes too.")
    with pytest.raises(NotFoundError):
        vault.forget_many([first, bytes(16)])
    assert vault.count() == 3
    assert vault.forget_many([first, second.id, first]) == 2
    assert texts(vault) == {kept.text}
    assert vault.forget_many([]) == 0
    with pytest.raises(NotFoundError):
        vault.forget_many([first])


def test_what_was_never_pushed_is_forgotten_without_a_trace(vault: Vault) -> None:
    memories = [vault.remember(f"secret {at}") for at in range(40)]
    assert vault.forget_many(memories) == 40
    assert not [entry for entry in vault._replica.journal.entries() if b"secret" in entry.payload]


def test_a_memory_moves_with_all_its_fields(world: World, vault: Vault) -> None:
    old = vault.remember(
        "The budget is 40,000.",
        kind="episodic",
        tags=["b", "a"],
        source=Source(tool="notes", title="Plan"),
        happened=DAY,
    )
    [new] = vault.move([old], to="work")
    assert new.id != old.id and new.version != old.version
    for field in ("kind", "text", "created", "tags", "source", "happened", "unknown"):
        assert getattr(new, field) == getattr(old, field)
    assert vault.find(scope="work") == [("work", new)]
    assert vault.find(query="budget") == [("work", new)]
    assert [hit.memory for hit in vault.recall("budget")] == [new]
    with pytest.raises(NotFoundError):
        vault.get(old.id)


def test_a_reader_of_the_old_scope_loses_it_and_one_of_the_new_gains_it(world: World, vault: Vault) -> None:
    vault.remember("Stays.")
    old = vault.remember("Moves.")
    vault.push()
    personal = world.accepted(*world.granted(vault))
    work = world.accepted(*world.granted(vault, scope="work"))
    personal.pull(), work.pull()
    assert texts(personal) == {"Stays.", "Moves."} and texts(work) == set()
    vault.move([old.id], to="work")
    vault.push()
    personal.pull(), work.pull()
    assert texts(personal) == {"Stays."} and texts(work) == {"Moves."}
    assert not {memory.id for memory in work.memories()} & {old.id}


def test_move_is_all_or_nothing_and_leaves_what_is_there(vault: Vault) -> None:
    here, there = vault.remember("Here."), vault.remember("There.", scope="work")
    with pytest.raises(NotFoundError, match="no memory"):
        vault.move([here, bytes(16)], to="work")
    with pytest.raises(NotFoundError, match="no scope"):
        vault.move([here], to="nowhere")
    assert vault.find(scope="personal") == [("personal", here)]
    waiting = vault.status().waiting
    assert vault.move([there], to="work") == []
    assert vault.status().waiting == waiting
    assert [one.text for one in vault.move([here, there], to="work")] == ["Here."]
    assert found(vault, scope="work") == ["Here.", "There."]


def test_a_memory_can_come_back(vault: Vault) -> None:
    memory = vault.remember("To and fro.")
    seen = {memory.id}
    for number in range(4):
        [memory] = vault.move([memory], to="personal" if number % 2 else "work")
        assert memory.id not in seen
        seen.add(memory.id)
    assert found(vault, scope="personal") == ["To and fro."]
    vault.push()
    assert found(vault, scope="personal") == ["To and fro."]


def test_a_conflict_moves_with_all_its_versions(world: World) -> None:
    first, second = world.two_devices()
    first.add_scope("work")
    memory = first.remember("Draft.")
    first.push(), second.pull()
    first.edit(memory, "Blue draft."), second.edit(memory, "Green draft.")
    first.push(), second.push(), first.pull()
    assert {one.text for _, one in first.find(query="blue")} == {"Blue draft.", "Green draft."}
    assert len(first.find(query="draft", limit=1)) == 2
    moved = first.move([memory], to="work")
    assert {one.text for one in moved} == {"Blue draft.", "Green draft."} and len(
        {one.id for one in moved}
    ) == 1
    [(scope, versions)] = first.conflicts()
    assert scope == "work" and set(versions) == set(moved)
    first.push(), second.pull()
    assert {one.version for one in second.memories()} == {one.version for one in moved}
    assert first.scope_summary("work").memories == 1


def test_two_devices_that_move_one_memory_make_one_of_it(world: World) -> None:
    first, second = world.two_devices()
    first.add_scope("work")
    memory = first.remember("One of a kind.")
    first.push(), second.pull()
    first.move([memory], to="work"), second.move([memory], to="work")
    first.push(), second.push(), first.pull()
    for device in (first, second):
        assert [one.text for _, one in device.find(query="kind")] == ["One of a kind."]
        assert device.conflicts() == []


def test_what_was_superseded_is_still_named_after_a_move(world: World, vault: Vault) -> None:
    old = vault.remember("The old way.")
    draft = Draft(kind="semantic", text="The new way.", created=1, supersedes=(old.id,))
    vault.remember_many([draft])
    [(_, new)] = vault.find(query="new way")
    moved = {one.text: one for one in vault.move([new], to="work") + vault.move([old], to="work")}
    assert moved["The new way."].supersedes == (moved["The old way."].id,)


def test_a_move_does_not_tell_which_tool_reads_the_other_scope(world: World, vault: Vault) -> None:
    tool, grant = world.granted(vault, can="read+write")
    world.accepted(tool, grant).propose("The reader likes the sea.")
    vault.collect()
    accepted = vault.accept(vault.review()[0])
    assert accepted.proof is not None and accepted.proof.grant == grant.id
    [moved] = vault.move([accepted], to="work")
    assert (moved.author, moved.proof) == (None, None)
    vault.push()
    reader = world.accepted(*world.granted(vault, scope="work"))
    reader.pull()
    assert list(reader.memories()) == [moved]


def test_a_summary_says_what_a_grant_would_open(world: World, vault: Vault) -> None:
    assert vault.scope_summary("work") == ScopeSummary("work", 0, None, None)
    vault.remember("Early.", scope="work", happened=-DAY)
    late = vault.remember("Late.", scope="work")
    gone = vault.remember("Gone.", scope="work", happened=-9 * DAY)
    vault.edit(late, "Later.")
    vault.forget(gone)
    assert vault.scope_summary("work") == ScopeSummary("work", 2, -DAY, late.created)
    with pytest.raises(NotFoundError):
        vault.scope_summary("nowhere")
