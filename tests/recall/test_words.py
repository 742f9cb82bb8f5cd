"""Search by words: what is found, in which order, from which scopes, and that any text is a safe question."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsync.device.database import Database
from memsync.device.memories import Memories
from memsync.device.segments import Held
from memsync.memory import Memory, Tombstone, new_id
from memsync.recall import Hit, Index, TextIndex, refresh
from memsync.recall.words import MAX_WORDS, terms

HOME, WORK = b"h" * 16, b"w" * 16


def memory(text: str, *, created: int = 1, **content) -> Memory:
    return Memory(
        id=content.pop("id", None) or new_id(created, os.urandom),
        version=new_id(created, os.urandom),
        kind="semantic",
        text=text,
        created=created,
        **content,
    )


class Desk:
    """Memories with their index, refreshed after each write."""

    def __init__(self, database: Database | None = None) -> None:
        self.database = database or Database.in_memory()
        self.memories = Memories(self.database)
        self.index = TextIndex(self.database)

    def write(self, *records: Memory | Tombstone, scope: bytes = HOME) -> None:
        self.memories.write(scope, records)
        refresh(self.memories, self.index)

    def texts(self, question: str, scopes=(HOME,), **how) -> list[str]:
        return [hit.memory.text for hit in self.index.search(question, scopes, **how)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_it_is_an_index(desk: Desk):
    assert isinstance(desk.index, Index)


def test_the_memory_with_the_rarer_and_more_words_comes_first(desk: Desk):
    desk.write(
        memory("Ada plays the cello on Sundays"),
        memory("Ada moved to Lisbon"),
        memory("The cello of Ada was made in Lisbon in 1890"),
        *(memory(f"Ada said thing number {n}") for n in range(20)),
    )
    assert desk.texts("where was Ada's cello made?", k=2) == [
        "The cello of Ada was made in Lisbon in 1890",
        "Ada plays the cello on Sundays",
    ]
    assert desk.texts("submarine") == []


def test_a_hit_says_where_how_well_and_why(desk: Desk):
    lisbon = memory("Ada moved to Lisbon", tags=("family", "travel"))
    desk.write(lisbon, memory("unrelated words"))
    [hit] = desk.index.search("When did Ada move, and who travels?", [HOME])
    assert (hit.memory, hit.scope, hit.why) == (lisbon, HOME, ("ada", "move", "travels"))
    assert isinstance(hit, Hit)
    assert hit.score > 0


def test_words_are_found_in_other_forms_cases_and_accents(desk: Desk):
    desk.write(memory("She was RUNNING to the Café"), memory("nothing"))
    for question in ("run", "Runs!", "cafe", "CAFÉ", "cafe\u0301"):
        assert desk.texts(question) == ["She was RUNNING to the Café"], question


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("明天天气怎么样？我想去北京。", "北京的天气"),
        ("昨日は東京で寿司を食べました", "東京"),
        ("나는 어제 서울에서 친구를 만났다", "서울"),
        ("ฉันชอบกินข้าวผัด", "ข้าวผัด"),
        ("שלום עולם, אני גר בחיפה", "בחיפה"),
        ("أحب القهوة في الصباح", "القهوة"),
        ("Ich wohne in der Königstraße", "KÖNIGSTRASSE königstraße"),
        ("приехал в Москву", "москву"),
        ("mein Passwort 🏳️‍🌈 🎻", "passwort"),
        ("version v1.2.3 of foo_bar()", "foo_bar 1.2.3"),
    ],
)
def test_other_scripts_are_found_and_do_not_match_everything(text: str, question: str, desk: Desk):
    desk.write(
        memory(text), memory("something else in English"), memory("我喜欢音乐"), memory("私は音楽が好き")
    )
    assert desk.texts(question) == [text]


def test_a_question_of_common_words_only_is_still_asked(desk: Desk):
    desk.write(memory("to be or not to be"), memory("nothing else"))
    assert desk.texts("To be, or not to be?") == ["to be or not to be"]
    assert terms("What is the cello of Ada?") == ["cello", "ada"]


@pytest.mark.parametrize(
    "question",
    ["", " ", "\0", '"', '""', "'", "*", "ada*", "NEAR(", "ada NEAR/2 cello", "text:ada", "{text}", "^ada", "-ada", "(", ")", "a AND", "OR",
     "NOT ada", "+", "\\", ";DROP TABLE memory;--", "%s", "\ud800", "🏳️‍🌈", "_", "a" * 100_000, "ada " * 50_000, "\u202e", "?1"],
    ids=lambda question: ascii(question)[:20],
)  # fmt: skip
def test_any_text_is_a_safe_question(question: str, desk: Desk):
    desk.write(memory("ada plays the cello"))
    desk.index.search(question, [HOME])
    assert desk.texts("cello") == ["ada plays the cello"]
    assert len(terms(question)) <= MAX_WORDS


DESK = Desk()
DESK.write(memory("ada plays the cello"))


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_no_text_is_query_syntax(question: str):
    DESK.index.search(question, [HOME], since=0, now=1)
    hits = DESK.index.search(question + " cello", [HOME])
    assert [hit.memory.text for hit in hits] == ["ada plays the cello"]


def test_every_word_of_a_text_finds_it_again(desk: Desk):
    text = "Zoë's 3 cats—Ödön, naïve & œuvre—eat 50% more; e\u0301te\u0301, İstanbul, ﬁne, Straße, हिन्दी में, ไทย 日本語 한국어"
    desk.write(memory(text), memory("nothing of it"))
    words = [word for word in text.split() if word != "&"]
    assert len(words) == 16
    for word in words:
        assert desk.texts(word) == [text], word


def test_a_scope_that_was_not_asked_gives_nothing_and_shifts_no_score(desk: Desk):
    desk.write(memory("ada plays the cello"), memory("bob plays the drum"))
    [before] = desk.index.search("cello", [HOME])
    desk.write(*(memory(f"cello {n} ada") for n in range(50)), scope=WORK)
    assert desk.index.search("cello", [HOME]) == [before]
    assert len(desk.texts("cello", [HOME, WORK], k=100)) == 51
    assert desk.texts("cello", []) == []
    assert desk.texts("cello", [b"x" * 16]) == []
    assert len(desk.texts("cello", [HOME, HOME])) == 1


def test_time_bounds_what_is_found(desk: Desk):
    desk.write(
        *(memory(f"cello lesson {n}", created=n) for n in range(10)),
        memory("cello later", created=1, happened=100),
    )
    assert set(desk.texts("cello", since=3, until=6)) == {f"cello lesson {n}" for n in (3, 4, 5)}
    assert desk.texts("cello", since=50) == ["cello later"]
    assert len(desk.texts("cello", until=2)) == 2
    assert len(desk.texts("cello", k=50)) == 11


def test_what_is_not_valid_now_is_left_out_and_the_next_best_comes(desk: Desk):
    desk.write(
        *(memory(f"lives in Rome {n}", valid_until=50) for n in range(60)),
        memory("lives in Lisbon now, not in Rome any more, as everybody knows by now", valid_from=50),
        memory("born in Rome as the third of five children, long before anybody wrote it down"),
    )
    assert len(desk.texts("rome", k=100)) == 62
    assert set(desk.texts("rome", k=2, now=50)) == {
        "lives in Lisbon now, not in Rome any more, as everybody knows by now",
        "born in Rome as the third of five children, long before anybody wrote it down",
    }
    assert len(desk.texts("rome", k=100, now=49)) == 61


def test_what_was_written_a_moment_ago_is_found_and_pulled_memories_too(desk: Desk):
    desk.write(memory("written here"))
    desk.memories.attach(HOME, Held(b"d" * 32, b"o" * 16, b"e" * 16), [memory("pulled here")])
    refresh(desk.memories, desk.index)
    assert set(desk.texts("here now")) == {"written here", "pulled here"}


def test_an_edit_is_found_by_its_new_words_only(desk: Desk):
    old = memory("ada lives in Rome")
    desk.write(old)
    new = memory("ada lives in Lisbon", id=old.id, replaces=(old.version,))
    desk.write(new)
    assert desk.texts("rome") == []
    assert desk.texts("lisbon ada") == ["ada lives in Lisbon"]


def test_a_forgotten_memory_is_found_no_more_and_its_words_leave_the_index(desk: Desk):
    secret = memory("the code is xyzzyplugh")
    desk.write(secret, memory("the code of umbrellas"))

    def in_index(word: str) -> bool:
        rows = [row for table in desk.index._tables() for row in desk.database.run(f"SELECT * FROM {table}")]  # noqa: S608 ours
        return any(
            word in (value if isinstance(value, str) else ascii(value)) for row in rows for value in row
        )

    assert in_index("xyzzyplugh")
    desk.memories.write(HOME, [Tombstone(id=secret.id, version=new_id(2, os.urandom), forgotten=2)])
    assert desk.texts("xyzzyplugh") == []  # also before the index was told
    refresh(desk.memories, desk.index)
    assert desk.texts("xyzzyplugh code") == ["the code of umbrellas"]
    assert not in_index("xyzzyplugh")
    assert in_index("umbrella")


def test_the_index_holds_no_second_copy_of_the_texts(desk: Desk):
    kept = "Ada plays the cello, and the cello plays Ada."
    desk.write(memory(kept))

    def holds(table: str) -> bool:
        rows = desk.database.run(f"SELECT * FROM {table}")  # noqa: S608 ours
        cells = [value.encode() if isinstance(value, str) else value for row in rows for value in row]
        return any(kept.encode() in bytes(cell) for cell in cells if isinstance(cell, bytes))

    assert desk.index._tables()
    assert not any(map(holds, desk.index._tables()))
    assert holds("memory")  # the same look finds it where it is kept
    assert desk.texts("cello") == [kept]


def test_a_crash_between_writing_and_indexing_loses_nothing(tmp_path: Path):
    path, key = tmp_path / "v.db", os.urandom(32)
    first = Desk(Database.open(path, key))
    first.write(memory("indexed before"))
    first.memories.write(HOME, [memory("not indexed before")])
    first.database.close()
    again = Desk(Database.open(path, key))
    assert again.texts("indexed") == ["indexed before"]
    assert refresh(again.memories, again.index) == 1
    assert set(again.texts("indexed")) == {"indexed before", "not indexed before"}
    assert refresh(again.memories, again.index) == 0


def test_an_index_that_fails_half_way_is_told_again(desk: Desk):
    desk.memories.write(HOME, [memory("ada plays the cello")])

    class Failing(TextIndex):
        def add_many(self, documents):
            super().add_many(documents)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        refresh(desk.memories, Failing(desk.database))
    assert desk.texts("cello") == []
    assert refresh(desk.memories, desk.index) == 1
    assert desk.texts("cello") == ["ada plays the cello"]


def test_the_index_is_a_cache(desk: Desk):
    desk.write(*(memory(f"cello lesson {n}") for n in range(5)))
    desk.write(memory("cello at work"), scope=WORK)
    before = desk.texts("cello", [HOME, WORK])
    desk.index.clear()
    assert desk.texts("cello", [HOME, WORK]) == []
    assert refresh(desk.memories, desk.index) == 6
    assert desk.texts("cello", [HOME, WORK]) == before


def test_an_index_of_another_version_is_made_anew(tmp_path: Path, monkeypatch):
    path, key = tmp_path / "v.db", os.urandom(32)
    first = Desk(Database.open(path, key))
    first.write(memory("ada plays the cello"))
    first.database.close()
    monkeypatch.setattr("memsync.recall.index.VERSION", b"words 99")
    again = Desk(Database.open(path, key))
    assert again.texts("cello") == []
    assert refresh(again.memories, again.index) == 1
    assert again.texts("cello") == ["ada plays the cello"]


def test_more_than_one_batch_is_refreshed(desk: Desk):
    desk.write(*(memory(f"lesson {n}") for n in range(4500)))
    assert desk.texts("4321") == ["lesson 4321"]
    assert len(desk.texts("lesson", k=5000)) == 4500
