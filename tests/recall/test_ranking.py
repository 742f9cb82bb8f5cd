"""How what is found is ordered: neighbours, times, speakers, titles, labels, several questions, and what may contradict what."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memsync.device.database import Database
from memsync.device.keystore_file import CHEAP_COST
from memsync.device.memories import Memories
from memsync.memory import Memory, Source, new_id
from memsync.recall import TextIndex, refresh
from memsync.recall.contradict import contradictions
from memsync.recall.fuse import fuse
from memsync.recall.times import spans
from memsync.vault import Vault

HOME = b"h" * 16


def ms(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp() * 1000)


def memory(text: str, *, day: str = "2025-01-01", **content) -> Memory:
    at = ms(day)
    return Memory(
        id=content.pop("id", None) or new_id(at, os.urandom),
        version=new_id(at, os.urandom),
        kind="semantic",
        text=text,
        created=at,
        **content,
    )


def talk(name: str, *lines: str, day: str = "2025-01-01", title: str | None = None) -> list[Memory]:
    return [
        memory(
            line.partition("> ")[2],
            day=day,
            source=Source(conversation=name, turn=str(turn), role=line.partition("> ")[0], title=title),
        )
        for turn, line in enumerate(lines)
    ]


class Desk:
    def __init__(self, *records: Memory) -> None:
        self.database = Database.in_memory()
        self.memories, self.index = Memories(self.database), TextIndex(self.database)
        self.memories.write(HOME, records)
        refresh(self.memories, self.index)

    def hits(self, question: str, **how):
        return self.index.search(question, [HOME], **how)

    def texts(self, question: str, **how) -> list[str]:
        return [hit.memory.text for hit in self.hits(question, **how)]


def test_an_answer_without_a_word_of_the_question_is_found_beside_it():
    desk = Desk(
        *talk("a", "user> Which instrument did your aunt teach you?", "assistant> The viola, for six years."),
        *talk("b", "user> What shall we eat?", "assistant> Soup."),
    )
    hits = desk.hits("What instrument did the aunt teach?")
    assert hits[0].memory.text == "The viola, for six years."
    assert hits[0].why == () and "aunt" in hits[1].why


def test_a_time_that_the_question_names_is_favoured():
    lessons = [memory(f"Cello lesson, we played piece {n}", day=f"2025-{n:02}-10") for n in range(1, 13)]
    desk = Desk(*lessons)
    assert desk.texts("What did we play in March?", k=1) == ["Cello lesson, we played piece 3"]
    now = ms("2025-07-11")
    assert desk.texts("What did we play yesterday?", k=1, clock=now) == ["Cello lesson, we played piece 7"]
    assert desk.texts("Which piece did we play last month?", k=1, clock=now) == [
        "Cello lesson, we played piece 6"
    ]
    assert desk.texts("What happened in September?", k=1) == ["Cello lesson, we played piece 9"]


@pytest.mark.parametrize(
    ("question", "day", "inside"),
    [
        ("what did I say yesterday", "2025-03-11", True),
        ("what did I say yesterday", "2025-03-12", False),
        ("what happened last week", "2025-03-05", True),
        ("what has changed since Monday", "2025-03-11", True),
        ("what has changed since Monday", "2025-03-08", False),
        ("two weeks ago", "2025-02-26", True),
        ("in the last week of November", "2024-11-28", True),
        ("on 3 May 2024", "2024-05-03", True),
        ("on 2024-05-03", "2024-05-03", True),
        ("last summer", "2024-07-20", True),
        ("before March 2025", "2024-12-01", True),
        ("before March 2025", "2025-03-05", False),
        ("you may not", "2025-05-03", False),
        ("in May", "2025-05-03", True),
        ("on 31 February 2025", "2025-06-01", False),
        ("999 years ago", "2025-03-01", False),
    ],
)
def test_times_are_understood(question: str, day: str, inside):
    found = spans(question, now=ms("2025-03-12"), first=ms("2023-01-01"), last=ms("2025-12-31"))
    assert any(span.start <= ms(day) + 1 < span.end for span in found) is inside


def test_a_speaker_that_the_question_names_is_favoured_and_roles_are_no_names():
    desk = Desk(
        *talk("a", "Ada> I would rather play outside.", "Bob> I would rather play chess."),
        *talk("b", "Bob> Nothing new.", "Ada> Nothing at all."),
    )
    assert desk.texts("What would Bob rather play?", k=1) == ["I would rather play chess."]
    plain = Desk(*talk("a", "user> I would rather play chess.", "assistant> The user plays chess."))
    assert plain.texts("does the user play chess")[0] == "The user plays chess."


def test_the_title_of_a_conversation_counts():
    desk = Desk(
        *talk("a", "user> It locks up at forty a second.", title="Load test"),
        *talk("b", "user> We test the soup.", title="Kitchen"),
    )
    assert desk.texts("What did the load test show?", k=1) == ["It locks up at forty a second."]


def test_a_word_nobody_wrote_is_taken_for_one_that_begins_alike():
    desk = Desk(memory("The cello of the organist"), memory("something else"))
    assert desk.texts("celllo") == ["The cello of the organist"]
    assert desk.texts("xylophone") == []


def test_superseded_and_expired_memories_come_later_and_say_so():
    old = memory("Ada lives in Rome, Via Appia")
    new = memory("Ada lives in Lisbon", supersedes=(old.id,))
    over = memory("Ada lives in a tent", valid_until=ms("2025-02-01"))
    desk = Desk(old, new, over)
    hits = desk.hits("Where does Ada live?", clock=ms("2025-03-01"))
    assert hits[0].memory == new and hits[0].labels == ()
    assert {hit.memory.text: hit.labels for hit in hits[1:]} == {
        old.text: ("superseded",),
        over.text: ("expired",),
    }


def test_two_edits_of_one_memory_are_labelled_as_a_conflict():
    first = memory("the meeting is on Monday")
    edits = [
        memory(f"the meeting is on {day}", id=first.id, replaces=(first.version,))
        for day in ("Tuesday", "Friday")
    ]
    desk = Desk(first, *edits)
    assert [hit.labels for hit in desk.hits("meeting")] == [("conflict",)] * 2


def test_several_questions_are_one_answer_in_which_nothing_stands_twice():
    desk = Desk(memory("Ada plays the cello"), memory("Bob plays the drum"), memory("Carl sings"))
    answers = [desk.hits("cello"), desk.hits("drum"), desk.hits("who plays the cello")]
    hits = fuse(answers, 5)
    assert [hit.memory.text for hit in hits] == ["Ada plays the cello", "Bob plays the drum"]
    assert set(hits[0].why) == {"cello", "plays"}


def test_a_vault_answers_in_parts_packs_a_prompt_and_says_what_changed(tmp_path):
    clock = [ms("2025-03-01") / 1000]
    with Vault.create(
        passphrase="a passphrase", home=tmp_path, cost=CHEAP_COST, clock=lambda: clock[0]
    ) as vault:
        cello, drum = vault.remember("Ada plays the cello"), vault.remember("Bob plays the drum")
        assert {hit.memory for hit in vault.recall(queries=["cello", "drum"])} == {cello, drum}
        assert vault.recall("cello", queries=["cello"])[0].memory == cello
        assert vault.recall() == [] and vault.context().memories == ()
        assert set(vault.context("who plays what?").memories) == {cello, drum}
        clock[0] = ms("2025-04-01") / 1000
        edited = vault.edit(drum, "Bob no longer plays the drum")
        assert vault.changed(ms("2025-03-15")) == [("edited", edited)]
        assert vault.changed(ms("2025-02-15")) == [("edited", edited), ("added", cello)]
        assert [one.memory for one in vault.contradicting("Bob plays the drum")] == [edited]
        assert vault.contradicting(cello) == []


def test_what_may_contradict_is_named_with_a_reason_and_what_does_not_is_not():
    old = memory("Vera lives in Lisbon", day="2024-01-01")
    new = memory("Vera moved to Porto", day="2025-01-01")
    desk = Desk(old, new, memory("Vera likes Lisbon's trams"), memory("Otto lives in Graz"))
    hits = [hit for hit in desk.hits(old.text) if hit.memory != old]
    assert [(one.memory, one.reason) for one in contradictions(old.text, hits, old)] == [
        (new, "says differently where somebody lives")
    ]


def test_a_time_beside_a_happening_is_understood():
    desk = Desk(
        memory("We moved to Porto", day="2024-06-01"),
        *(
            memory(f"I go to the gym in {place} street", day=day)
            for place, day in (("Oak", "2024-01-01"), ("Elm", "2025-01-01"))
        ),
    )
    gyms = [text for text in desk.texts("Which gym did I go to before we moved to Porto?") if "gym" in text]
    assert gyms[0] == "I go to the gym in Oak street"
    gyms = [text for text in desk.texts("Which gym did I go to after we moved to Porto?") if "gym" in text]
    assert gyms[0] == "I go to the gym in Elm street"


class TestWorkflows:
    """The three long workflows, asked with the weights as shipped."""

    @pytest.fixture(scope="class")
    def cases(self):
        sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
        from recall_data import read_workflows

        cases = read_workflows()
        for case in cases:
            case.fill()
        return cases

    def test_four_of_five_pieces_of_evidence_are_among_the_first_ten(self, cases):
        found = [
            len(one.evidence & set(case.answers(one.text, 10))) / len(one.evidence)
            for case in cases
            for one in case.questions
        ]
        assert len(found) == 156
        assert sum(found) / len(found) > 0.8

    def test_every_question_names_memories_that_are_there(self, cases):
        for case in cases:
            assert 300 <= len(case.turns) <= 600 and len(case.questions) >= 50
            ids = [one.id for one in case.turns]
            assert len(set(ids)) == len(ids)
            assert all(one.evidence and one.evidence <= set(ids) for one in case.questions)
