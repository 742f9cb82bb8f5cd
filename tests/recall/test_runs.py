"""The index settles: what is found never depends on how much of it has become runs, nor on who wrote it or when it was read."""

import os
import random
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from memsync.device import memories
from memsync.device.database import Database
from memsync.device.memories import Memories
from memsync.memory import Memory, Source, Tombstone, new_id
from memsync.recall import TextIndex, refresh, shelf

HOME = b"h" * 16
WORDS = "ada bob cello drum lisbon rome moved plays lessons monday river bread letter wrote green old house".split()


def made(count: int, *, seed: int = 3) -> list[Memory]:
    chance = random.Random(seed)
    return [
        Memory(
            id=new_id(n, chance.randbytes),
            version=new_id(n, chance.randbytes),
            kind="semantic",
            text=" ".join(chance.choices(WORDS, k=chance.randrange(3, 9))) + f" number{n}",
            created=n * 1000,
            source=Source(conversation=f"c{n // 7}", turn=str(n % 7)) if n % 3 else None,
        )
        for n in range(count)
    ]


def dead(memory: Memory) -> Tombstone:
    return Tombstone(id=memory.id, version=new_id(9, os.urandom), forgotten=9)


class Desk:
    def __init__(self, database: Database | None = None) -> None:
        self.database = database or Database.in_memory()
        self.memories, self.index = Memories(self.database), TextIndex(self.database)

    def write(self, *records) -> None:
        self.memories.write(HOME, records)
        refresh(self.memories, self.index)

    def found(self, question: str, k: int = 12) -> list[tuple[str, float]]:
        return [
            (hit.memory.text, round(hit.score, 3))
            for hit in self.index.search(question, [HOME], k=k, clock=0)
        ]


@pytest.fixture
def small_runs(monkeypatch):
    monkeypatch.setattr(shelf, "FRESH", 16)
    monkeypatch.setattr(shelf, "LARGEST", 64)


QUESTIONS = (
    "where did ada move?",
    "cello lessons on monday",
    "old green house by the river",
    "who wrote a letter to bob in rome",
    "number7",
)


def test_what_has_settled_is_found_as_what_is_fresh(small_runs, monkeypatch):
    records = made(150)
    settled = Desk()
    for start in range(0, 150, 25):
        settled.write(*records[start : start + 25])
    runs = settled.index._shelf(1).runs()
    assert len(runs) > 1 and max(run.count for run in runs) > 32  # some were merged
    monkeypatch.setattr(shelf, "FRESH", 10_000)
    fresh = Desk()
    fresh.write(*records)
    assert not fresh.index._shelf(1).runs()
    for question in QUESTIONS:
        assert settled.found(question) == fresh.found(question), question
        assert settled.found(question)


def test_what_is_written_at_once_settles_in_full_runs_and_is_found_as_what_is_fresh(small_runs, monkeypatch):
    records = made(150)
    at_once = Desk()
    at_once.write(*records[:10])
    at_once.write(*records[10:])
    assert [run.count for run in at_once.index._shelf(1).runs()] == [64, 64, 22]
    assert at_once.index._shelf(1).fresh() == []
    for seed in (5, 6):
        at_once.write(*made(25, seed=seed))
    assert [run.count for run in at_once.index._shelf(1).runs()] == [
        64,
        64,
        25,
        47,
    ]  # of the small, those that fit
    at_once.write(*(dead(one) for seed in (5, 6) for one in made(25, seed=seed)))
    monkeypatch.setattr(shelf, "FRESH", 10_000)
    fresh = Desk()
    fresh.write(*records)
    for question in QUESTIONS:
        assert {text for text, _ in at_once.found(question)} == {text for text, _ in fresh.found(question)}, (
            question
        )


def test_of_long_texts_the_index_takes_in_fewer_at_once_and_all_in_the_end(monkeypatch):
    monkeypatch.setattr(memories, "LONG", 5_000)
    monkeypatch.setattr(memories, "_BATCH", 8)
    desk, records = Desk(), made(40)
    desk.memories.write(HOME, [replace(one, text=one.text + " goose" * 100) for one in records])
    added, gone = desk.memories.unindexed()
    assert (len(added), gone) == (8, [])
    refresh(desk.memories, desk.index)
    assert desk.memories.unindexed() == ([], [])
    assert len(desk.found("goose", k=50)) == 40


def test_what_is_forgotten_leaves_a_run_with_all_its_words(small_runs):
    desk, records = Desk(), made(64)
    desk.write(*records)
    gone = records[5]
    assert desk.found("number5")

    def words() -> set[str]:
        return {row[0] for row in desk.database.run(f"SELECT word FROM {desk.index._shelf(1)._postings}")}  # noqa: S608

    assert "number5" in words()
    desk.write(Tombstone(id=gone.id, version=new_id(9, os.urandom), forgotten=9))
    assert desk.found("number5") == []
    assert "number5" not in words() and "number6" in words()
    only = Desk()
    only.write(*(one for one in records if one is not gone))
    assert {text for text, _ in desk.found("cello monday", k=80)} == {
        text for text, _ in only.found("cello monday", k=80)
    }


def test_what_another_process_wrote_forgot_and_settled_is_noticed(small_runs, tmp_path: Path):
    path, key = tmp_path / "v.db", os.urandom(32)
    mine, theirs = Desk(Database.open(path, key)), Desk(Database.open(path, key))
    records = made(40)
    for at, one in enumerate(records):
        theirs.write(one)
        assert mine.found(f"number{at}")[0][0] == one.text
    theirs.write(Tombstone(id=records[39].id, version=new_id(9, os.urandom), forgotten=9))
    theirs.write(Tombstone(id=records[0].id, version=new_id(9, os.urandom), forgotten=9))
    assert mine.found("number39") == mine.found("number0") == []
    assert mine.found("number38")


def test_what_a_transaction_took_back_is_found_no_more(small_runs):
    desk, [one, other, *_] = Desk(), made(3)

    def write_and_fail() -> None:
        with desk.database.transaction():
            desk.write(one)
            assert desk.found("number0")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert desk.found("number0") == []
    desk.write(other)
    assert desk.found("number0") == [] and desk.found("number1")


def test_no_number_of_an_index_depends_on_another_scope(small_runs):
    desk, records = Desk(), made(60)
    desk.write(*records)
    before = [desk.found(question) for question in QUESTIONS]
    desk.memories.write(b"w" * 16, made(90, seed=4))
    refresh(desk.memories, desk.index)
    assert [desk.found(question) for question in QUESTIONS] == before


def test_many_threads_may_ask_and_write_at_once(small_runs, tmp_path: Path):
    desk, records = Desk(Database.open(tmp_path / "v.db", os.urandom(32))), made(80)
    failed: list[BaseException] = []

    def live(which: int) -> None:
        try:
            for at in range(which, 80, 4):
                desk.write(records[at])
                assert desk.found(f"number{at}")[0][0] == records[at].text
        except BaseException as error:  # noqa: BLE001 told below
            failed.append(error)

    threads = [threading.Thread(target=live, args=(which,)) for which in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
