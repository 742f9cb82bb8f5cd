"""Vectors beside words: what they find, that each belongs to one memory, one model and one scope, and that they go with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from memsync.device.database import Database
from memsync.device.segments import Held
from memsync.errors import InputError, StorageError
from memsync.memory import Source, Tombstone, new_id
from memsync.recall import TextIndex, refresh
from memsync.recall.embedder import open_embedder
from memsync.testing import HashingEmbedder
from tests.recall.embedding import HOME, THINGS, WORK, Desk, Watched, memory, serving

DAY = 86_400_000


@pytest.fixture
def desk() -> Desk:
    found = Desk(embedder=HashingEmbedder())
    found.write(*map(memory, THINGS))
    return found


# ---------------------------------------------------------------------- what they find


def test_what_words_miss_is_found_by_its_vector(desk: Desk):
    assert desk.texts("photgraph") == []
    assert desk.meanings.embed() == len(THINGS)
    assert desk.texts("photgraph")[0] == THINGS[0]
    assert desk.texts("bycicle repayrs")[0] == THINGS[2]


def test_results_get_better_while_embedding_goes_on(desk: Desk):
    assert desk.meanings.embed(2) == 2
    assert desk.texts("photgraph")[0] == THINGS[0]
    assert THINGS[2] not in desk.texts("bycicle")
    assert desk.meanings.embed() == 3
    assert desk.texts("bycicle")[0] == THINGS[2]
    assert desk.meanings.embed() == 0
    desk.write(memory("A kayak for two"))
    assert desk.meanings.embed() == 1
    assert desk.texts("kayack")[0] == "A kayak for two"


def test_without_vectors_or_an_embedder_the_answer_is_that_of_the_words_alone(desk: Desk):
    plain = Desk(desk.database)
    questions = ("photograph in the hall", "rain", "who repairs a bicycle", "photgraph")
    before = [plain.found(one) for one in questions]
    assert [desk.found(one) for one in questions] == before
    desk.meanings.embed()
    assert [plain.found(one) for one in questions] == before
    assert [desk.found(one, words_only=True) for one in questions] == before
    assert [desk.found(one) for one in questions] != before


def test_times_bound_what_is_found_by_meaning_too(desk: Desk):
    desk.write(memory("A photograph of the tide", created=5 * DAY))
    desk.meanings.embed()
    assert desk.texts("photgraph", since=2 * DAY) == ["A photograph of the tide"]
    assert "A photograph of the tide" not in desk.texts("photgraph", until=2 * DAY)


def test_the_speakers_names_are_no_part_of_what_is_embedded_of_a_question():
    watched = Watched()
    desk = Desk(embedder=watched)
    desk.write(
        *(
            memory(text, source=Source(conversation="c", turn=str(at), role="Paul"))
            for at, text in enumerate(THINGS)
        )
    )
    desk.meanings.embed()
    watched.seen.clear()
    desk.found("What did Paul photgraph?")
    assert watched.seen == ["photgraph"]


def test_what_another_process_embedded_is_found_here(tmp_path: Path):
    path, key = tmp_path / "vault.db", b"k" * 32
    one, two = (Desk(Database.open(path, key), HashingEmbedder()) for _ in range(2))
    one.write(*map(memory, THINGS))
    assert two.texts("photgraph") == []
    one.meanings.embed(2)
    assert two.texts("photgraph")[0] == THINGS[0]
    one.meanings.embed()
    assert two.texts("bycicle")[0] == THINGS[2]
    [gone] = two.index.search("bicycle", [HOME], k=1)
    two.write(Tombstone(id=gone.memory.id, version=new_id(2, os.urandom), forgotten=2))
    assert THINGS[2] not in one.texts("bycicle")


# ---------------------------------------------------------------------- one scope


def test_what_another_scope_holds_changes_no_score(desk: Desk):
    desk.meanings.embed()
    before = [desk.found(one) for one in ("photgraph", "bicycle repairs", "rain")]
    desk.write(*(memory(f"photgraph bycicle {n}") for n in range(50)), scope=WORK)
    desk.meanings.embed()
    assert [desk.found(one) for one in ("photgraph", "bicycle repairs", "rain")] == before
    assert len(desk.texts("photgraph", WORK)) == 10
    assert THINGS[0] not in desk.texts("photgraph", WORK)


# ---------------------------------------------------------------------- what goes


def test_a_forgotten_memory_takes_its_vector_with_it(desk: Desk):
    desk.meanings.embed()
    [hit] = desk.index.search("bicycle", [HOME], k=1)
    desk.write(Tombstone(id=hit.memory.id, version=new_id(2, os.urandom), forgotten=2))
    assert desk.vectors() == len(THINGS) - 1
    assert THINGS[2] not in desk.texts("bycicle")
    assert desk.meanings.embed() == 0


def test_a_forgotten_memory_that_a_segment_still_holds_has_no_vector_even_if_no_index_knew_it(desk: Desk):
    kept = memory("A lighthouse on the cape")
    desk.memories.attach(HOME, Held(b"d" * 32, b"o" * 32, b"e" * 16), [kept])
    refresh(desk.memories, desk.index)
    desk.meanings.embed()
    assert desk.vectors() == len(THINGS) + 1
    desk.index.clear()
    desk.memories.write(HOME, [Tombstone(id=kept.id, version=new_id(2, os.urandom), forgotten=2)])
    assert desk.vectors() == len(THINGS)
    refresh(desk.memories, desk.index)
    assert desk.texts("lighthouse cape photgraph")[0] == THINGS[0]


def test_an_edit_takes_the_old_texts_vector_away_and_embeds_the_new(desk: Desk):
    desk.meanings.embed()
    [hit] = desk.index.search("bicycle", [HOME], k=1)
    desk.write(
        memory("Paul sold his bicycle to a violinist", id=hit.memory.id, replaces=(hit.memory.version,))
    )
    assert desk.vectors() == len(THINGS) - 1
    assert desk.meanings.embed() == 1
    assert desk.texts("vyolinist")[0] == "Paul sold his bicycle to a violinist"


def test_a_version_that_is_current_again_is_embedded_again(desk: Desk):
    desk.meanings.embed()
    [hit] = desk.index.search("bicycle", [HOME], k=1)
    edit = memory("Paul sold it", id=hit.memory.id, replaces=(hit.memory.version,))
    desk.write(edit)
    desk.meanings.embed()
    assert desk.vectors() == len(THINGS)
    # As after a root that the chain has undone: the edit was in it alone.
    desk.memories.drop(HOME, {(edit.id, edit.version)})
    refresh(desk.memories, desk.index)
    assert desk.vectors() == len(THINGS) - 1
    assert desk.meanings.embed() == 1
    assert desk.texts("bycicle")[0] == THINGS[2]


def test_what_no_index_knows_yet_is_embedded_once_one_does(desk: Desk):
    desk.memories.write(HOME, [memory("A kayak for two")])
    assert desk.meanings.embed() == len(THINGS)
    refresh(desk.memories, TextIndex(desk.database))  # by another's hand
    assert desk.meanings.embed() == 1


def test_what_is_forgotten_while_it_is_embedded_gets_no_vector():
    desk = Desk()
    things = [memory(text) for text in THINGS]
    desk.write(*things)
    desk.meanings.embedder = Watched(
        lambda _: desk.write(Tombstone(id=things[0].id, version=new_id(2, os.urandom), forgotten=2))
    )
    assert desk.meanings.embed() == len(THINGS) - 1
    assert desk.vectors() == len(THINGS) - 1


def files_with(folder: Path, needle: bytes) -> set[str]:
    return {one.name for one in folder.iterdir() if needle in one.read_bytes()}


@pytest.mark.parametrize("kind", ["sealed", "control"])
def test_no_file_holds_a_vector_and_none_is_left_of_a_forgotten_memory(
    tmp_path: Path, monkeypatch, kind: str
):
    path = tmp_path / "vault.db"
    if kind == "control":  # the control: the same search must find it where nothing is encrypted
        import apsw

        class Plain(apsw.Connection):
            def pragma(self, name, *value, **more):
                return None if name == "key" else super().pragma(name, *value, **more)

        monkeypatch.setattr(apsw, "Connection", Plain)
    desk = Desk(Database.open(path, b"k" * 32), HashingEmbedder())
    desk.write(*map(memory, THINGS))
    desk.meanings.embed()
    [hit] = desk.index.search("bicycle", [HOME], k=1)
    [(signs, elements)] = desk.database.run("SELECT signs, elements FROM vector WHERE row = ?", (hit.row,))
    pieces = [bytes(signs)[:24], bytes(elements)[100:148]]
    assert all(bool(files_with(tmp_path, piece)) == (kind == "control") for piece in pieces)
    desk.write(Tombstone(id=hit.memory.id, version=new_id(2, os.urandom), forgotten=2))
    desk.database.truncate_log()
    assert not any(files_with(tmp_path, piece) for piece in pieces)
    assert not desk.database.run("SELECT 1 FROM vector WHERE row = ? OR signs = ?", (hit.row, signs))


# ---------------------------------------------------------------------- one model


def test_another_model_embeds_everything_anew_and_is_never_mixed(desk: Desk):
    desk.meanings.embed()
    other = Watched(dimensions=128)
    desk.meanings.embedder = other
    assert (
        desk.texts("photgraph") == []
    )  # its vectors are not there yet, and the other model's are not compared
    assert desk.meanings.embed(2) == 2
    assert desk.meanings.counts() == {"hashing-128": 2}
    assert desk.meanings.embed() == 3
    assert {len(bytes(row[0])) for row in desk.database.run("SELECT elements FROM vector")} == {128}
    assert desk.texts("photgraph")[0] == THINGS[0]


def test_a_model_of_the_same_name_and_another_size_is_another(desk: Desk):
    desk.meanings.embed()
    other = Watched(dimensions=128)
    other.model = "hashing-256"
    desk.meanings.embedder = other
    assert desk.meanings.embed() == len(THINGS)
    assert desk.texts("photgraph")[0] == THINGS[0]


def test_an_embedder_whose_size_changed_meanwhile_is_answered_by_words(desk: Desk):
    desk.meanings.embed()
    other = Watched(dimensions=128)
    other.model = "hashing-256"
    desk.meanings.embedder = other
    assert desk.texts("bicycle") == [THINGS[2]]


# ---------------------------------------------------------------------- what fails


def test_embedding_goes_on_where_it_stopped():
    desk = Desk()
    desk.write(*(memory(f"thing number {n}") for n in range(100)))

    def fails_late(texts):
        if len(watched.seen) > 60:
            raise StorageError("out of reach; try again")

    watched = Watched(fails_late)
    desk.meanings.embedder = watched
    with pytest.raises(StorageError):
        desk.meanings.embed()
    assert desk.vectors() == 64
    watched.before = lambda _: None
    assert desk.meanings.embed() == 36
    embedded = [text for text in watched.seen if text.startswith("thing")]
    assert len(embedded) == len(set(embedded)) == 100


def test_without_an_embedder_there_is_nothing_to_embed_by():
    with pytest.raises(InputError, match="no embedder is chosen; `memsync config set"):
        Desk().meanings.embed()


def test_a_text_that_the_embedder_refuses_keeps_no_other_waiting():
    with serving() as server:
        server.refused = "poison"
        desk = Desk(embedder=open_embedder(server.setting))
        desk.write(*map(memory, THINGS), memory("poison for rats"), memory("Snow on the pass"))
        assert desk.meanings.embed() == len(THINGS) + 2
        assert desk.texts("photgraph")[0] == THINGS[0]
        assert desk.texts("rats")[0] == "poison for rats"
        assert desk.meanings.embed() == 0


def test_a_question_is_answered_by_words_while_the_endpoint_is_down_and_waits_for_it_once_only():
    with serving() as server:
        desk = Desk(embedder=open_embedder(server.setting))
        desk.write(*map(memory, THINGS))
        desk.meanings.embed()
        server.status = 500
        server.asked.clear()
        assert desk.texts("photgraph") == []
        assert desk.texts("bicycle") == [THINGS[2]]
        assert server.asked == ["photgraph"]
