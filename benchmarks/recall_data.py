"""Memories with questions and evidence: LoCoMo's conversations from a file the user has, and our own three workflows.

LoCoMo (Maharana et al. 2024, arXiv 2402.17753) is CC BY-NC 4.0 and no part of this project: get ``locomo10.json`` from
``github.com/snap-research/LoCoMo``. A turn becomes a memory: its speaker is the source's role, its session the conversation.
"""

from __future__ import annotations

import json
import os
import random
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from memsync.device.database import Database
from memsync.device.memories import Memories
from memsync.memory import Memory, Source, new_id
from memsync.recall import TextIndex, refresh
from memsync.recall.embedder import Embedder
from memsync.recall.words import stems, terms

SCOPE = b"benchmark recall"
WORKFLOWS = Path(__file__).parents[1] / "tests" / "recall" / "workflows"
CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}


@dataclass(frozen=True)
class Turn:
    """A memory to be; ``at`` in ms."""

    id: str
    text: str
    at: int
    conversation: str | None
    place: str | None
    role: str | None
    title: str | None = None


@dataclass(frozen=True)
class Asked:
    """A question, its category, and the ids of the turns that answer it."""

    text: str
    category: str
    evidence: frozenset[str]


@dataclass
class Case:
    """One store with its questions."""

    name: str
    turns: list[Turn]
    questions: list[Asked]
    index: TextIndex = field(init=False)
    ids: dict[bytes, str] = field(init=False)

    @property
    def now(self) -> int:
        return max(one.at for one in self.turns)

    def fill(self, distractors: list[str] | None = None, embedder: Embedder | None = None) -> None:
        """Write everything into an index in memory, and embed it if there is an embedder."""
        database = Database.in_memory()
        memories, self.index, self.ids = Memories(database), TextIndex(database), {}
        records = []
        for number, one in enumerate(self.turns):
            memory = _memory(one, number)
            self.ids[memory.id] = one.id
            records.append(memory)
        records += [
            _memory(Turn("", text, self.turns[number % len(self.turns)].at, None, None, None), number)
            for number, text in enumerate(distractors or [])
        ]
        memories.write(SCOPE, records)
        refresh(memories, self.index)
        if embedder is not None:
            self.index.meanings.embedder = embedder
            self.index.meanings.embed()

    def shares_word(self, asked: Asked) -> bool:
        """Whether a question has a content word, the speakers' names aside, that its evidence has."""
        names = {word for one in self.turns for word in terms(one.role or "")}
        said = {word for one in self.turns if one.id in asked.evidence for word in stems(one.text)}
        return any(stem in said for word in terms(asked.text) if word not in names for stem in stems(word))

    def answers(self, question: str, k: int) -> list[str]:
        """The ids of the best k, "" for a distractor."""
        hits = self.index.search(question, [SCOPE], k=k, clock=self.now)
        return [self.ids.get(hit.memory.id, "") for hit in hits]


def _memory(one: Turn, number: int) -> Memory:
    source = None
    if one.conversation or one.role:
        source = Source(conversation=one.conversation, turn=one.place, role=one.role, title=one.title)
    return Memory(
        id=new_id(number, os.urandom),
        version=new_id(number, os.urandom),
        kind="episodic",
        text=one.text,
        created=one.at,
        source=source,
    )


def read_locomo(path: Path) -> list[Case]:
    """The conversations of a LoCoMo file; questions without usable evidence are left out."""
    cases = []
    for sample in json.loads(path.read_text("utf-8")):
        talk, turns = sample["conversation"], []
        sessions = sorted(
            (key for key in talk if re.fullmatch(r"session_\d+", key)), key=lambda key: int(key[8:])
        )
        for key in sessions:
            at = datetime.strptime(talk[f"{key}_date_time"], "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
            for place, turn in enumerate(talk[key]):
                caption = turn.get("blip_caption")
                text = turn["text"] + (f" [shares photo: {caption}]" if caption else "")
                turns.append(
                    Turn(turn["dia_id"], text, int(at.timestamp() * 1000), key, str(place), turn["speaker"])
                )
        ids = {one.id for one in turns}
        questions = [
            Asked(one["question"], CATEGORIES[one["category"]], found)
            for one in sample["qa"]
            if (found := _evidence(one, ids))
        ]
        cases.append(Case(sample["sample_id"], turns, questions))
    return cases


def _evidence(question: dict, ids: set[str]) -> frozenset[str]:
    parts = (part for one in question.get("evidence") or [] for part in re.split(r"[;\s]+", one))
    return frozenset(re.sub(r"^D:?(\d+):0*(\d+)$", r"D\1:\2", part) for part in parts) & ids


def foreign_facts(count: int) -> list[str]:
    """One-line facts about other people, by a seed."""
    chance = random.Random(1)
    who = "Aaron Bella Carlos Dina Edgar Farah Gustav Hanna Imran Judith Kofi Lena Marco Nora Otto Petra Quinn Rosa Sven Tara".split()
    did = (
        "bought a {} in {}|works as a {} in {}|lost a {} on the way to {}|paints every {} seen in {}|wants to learn about the {} from {}"
        "|gave a {} to a friend from {}|read about a {} near {}|dreams of a {} and a house in {}"
    ).split("|")
    what = "bicycle teacher camera violin nurse garden book dog painting kettle lamp boat coat puzzle race song ticket ring".split()
    where = "Oslo Lima Cairo Turin Leeds Malmö Kyoto Quito Dakar Perth Ghent Porto Tampa Bergen Nice Split Accra Hanoi Graz Cork".split()
    return [
        f"{chance.choice(who)} {chance.choice(did).format(chance.choice(what), chance.choice(where))}, year {chance.randrange(74)}"
        for _ in range(count)
    ]


def read_workflows() -> list[Case]:
    """Our own three."""
    cases = []
    for path in sorted(WORKFLOWS.glob("*.jsonl")):
        lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        turns = [
            Turn(
                one["id"],
                one["text"],
                int(datetime.fromisoformat(one["happened"]).timestamp() * 1000),
                one.get("conversation"),
                str(one["turn"]) if "turn" in one else None,
                one.get("role"),
                one.get("title"),
            )
            for one in lines
            if "text" in one
        ]
        questions = [
            Asked(one["question"], one["kind"], frozenset(one["evidence"]))
            for one in lines
            if "question" in one
        ]
        cases.append(Case(path.stem, turns, questions))
    return cases
