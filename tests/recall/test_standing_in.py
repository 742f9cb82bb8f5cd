"""What stands in for a word of a question: a form of it, a word that means nearly the same, a name that others say.

Each needle is found among others by what stands in, and lost by a twin of the ranking that does without it.
"""

import os

import pytest

from memsync.device.database import Database
from memsync.device.memories import Memories
from memsync.memory import SECRET_TAG, Memory, Source, new_id
from memsync.recall import TextIndex, rank, refresh, words
from memsync.recall.forms import irregular
from memsync.recall.related import related
from memsync.recall.words import stem, stems

HOME = b"h" * 16
FILLER = [f"Note {n}: nothing to report from the {place}" for n in range(40) for place in ("mill", "quay")]


def memory(text: str, number: int, **content) -> Memory:
    return Memory(
        id=new_id(number, os.urandom),
        version=new_id(number, os.urandom),
        kind="semantic",
        text=text,
        created=number,
        **content,
    )


def index_of(*texts: str, roles: str = "", secrets: tuple[str, ...] = ()) -> TextIndex:
    """Over these texts, each with its letter's role in one conversation if there are ``roles``, and filler."""
    names = {"u": "user", "a": "assistant", "P": "Priya", "T": "Tomas"}
    database = Database.in_memory()
    memories, index = Memories(database), TextIndex(database)
    records = [
        memory(
            text,
            n,
            source=Source(conversation="talk", turn=str(n), role=names[roles[n]]) if roles else None,
        )
        for n, text in enumerate(texts)
    ]
    records += [memory(text, 1000 + n) for n, text in enumerate(FILLER)]
    records += [memory(text, 2000 + n, tags=(SECRET_TAG,)) for n, text in enumerate(secrets)]
    memories.write(HOME, records)
    refresh(memories, index)
    return index


def found(index: TextIndex, question: str, **how) -> list[str]:
    return [hit.memory.text for hit in index.search(question, [HOME], k=3, **how)]


@pytest.fixture
def without_forms(monkeypatch):
    related("")
    with monkeypatch.context() as patch:
        patch.setattr(words, "_forms", dict)
        words._stem_of_short.cache_clear()
        yield
    words._stem_of_short.cache_clear()


FORMS = [
    ("We bought it from Hilde", "What did I buy?"),
    ("Hilde taught the twins", "Who can teach?"),
    ("Two women wait outside", "Which woman?"),
    ("Hilde drove home", "Who did drive?"),
    ("Who will write to us?", "It was written by Hilde"),
]


@pytest.mark.parametrize(("needle", "question"), FORMS)
def test_an_irregular_form_is_the_word_it_is_a_form_of(needle: str, question: str):
    assert found(index_of(needle), question)[0] == needle


@pytest.mark.parametrize(("needle", "question"), FORMS)
def test_without_the_list_of_forms_it_is_lost(needle: str, question: str, without_forms):
    assert needle not in found(index_of(needle), question)


def test_forms_are_put_back_once_and_other_words_left_alone():
    assert stems("at a bit of life it is as it was") == "at a bit of life it is as it wa".split()
    assert all(stem(form) == stem(word) for form, word in irregular())


def test_a_related_word_stands_in_but_comes_after_the_word_itself(monkeypatch):
    needle, itself = "Hilde sees a doctor on Mondays", "Hilde sees a physician on Fridays"
    assert found(index_of(needle), "physician?")[0] == needle
    assert found(index_of(needle, itself), "physician?")[:2] == [itself, needle]
    monkeypatch.setattr(rank, "related", lambda word: ())
    assert found(index_of(needle), "physician?") == []


def test_a_related_word_that_stands_everywhere_says_nothing():
    few = [f"Doctor number {n}" for n in range(3)]
    many = [f"Doctor number {n}" for n in range(12)]
    assert set(found(index_of(*few), "physician?")) == set(few)
    assert found(index_of(*many), "physician?") == []


def test_hits_name_only_words_that_they_have_themselves():
    [hit] = index_of("Hilde sees a doctor").search("physician?", [HOME])
    assert hit.why == ()


SPOKEN_OF = (
    "Priya: three things go wrong by themselves",
    "Tomas starts on Monday, Priya shows him round",
    "Priya and Tomas had lunch",
    "The keys are with Priya",
    "Tomas goes on leave and comes back in May",
)


def test_who_is_spoken_of_more_than_they_speak_is_looked_for(monkeypatch):
    index = index_of(*SPOKEN_OF)
    assert found(index, "Who has the keys of Priya?")[0] == "The keys are with Priya"
    assert "Priya and Tomas had lunch" in found(index, "With whom did Priya eat?")
    monkeypatch.setattr(rank, "_speaks", lambda *_: True)
    assert "Priya and Tomas had lunch" not in found(index, "With whom did Priya eat?")


def test_who_speaks_more_than_they_are_spoken_of_is_no_word():
    index = index_of(
        "I would rather sail at noon",
        "Thanks, Priya!",
        "I would rather sail at dawn",
        "So be it",
        roles="TTPP",
    )
    view = index._view(HOME)
    asked = rank.read_question(view, "When would Priya sail?", [])
    assert asked.words == ("sail",) and len(asked.speakers) == 1
    assert found(index, "When would Priya sail?")[0] == "I would rather sail at dawn"


def test_between_a_user_and_an_assistant_names_are_words_like_others():
    lines = ("My sister Priya sails", "Sailing is healthy, user", "The user may ask me", "Tomas sails too")
    index = index_of(*lines, roles="uaau")
    view = index._view(HOME)
    for question, name in (("Does Priya sail?", "priya"), ("Does the user sail?", "user")):
        asked = rank.read_question(view, question, [])
        assert stem(name) in asked.words and not asked.speakers
    assert found(index, "Does Priya sail?")[0] == lines[0]


def test_who_is_spoken_of_is_told_without_what_is_secret():
    plain = ("Priya: I sail on Sundays", "We mend nets with a friend")
    secrets = tuple(f"Priya owes number {n} money" for n in range(9))
    asked = "Does Priya sail with a friend?"
    answers = [
        index.search(asked, [HOME], secrets=[])
        for index in (index_of(*plain), index_of(*plain, secrets=secrets))
    ]
    assert answers[0] and [(hit.memory.text, hit.score) for hit in answers[0]] == [
        (hit.memory.text, hit.score) for hit in answers[1]
    ]
    known = index_of(*plain, *secrets).search(asked, [HOME], secrets=[])
    assert {hit.memory.text: hit.score for hit in known}[plain[0]] != answers[0][0].score


@pytest.mark.parametrize("text", ["", "дом", "牙医", "แมว", "\ud800", "went went went", "ﬀ"])
def test_any_text_has_forms_and_relatives(text: str):
    for one in stems(text):
        assert isinstance(related(one), tuple)
