"""What an embedder gets: no secret if it is an endpoint, and on another machine nothing that isn't in the ledger before."""

from __future__ import annotations

import pytest

from memsync.device.disclosures import Disclosures
from memsync.recall.embedder import open_embedder
from memsync.testing import HashingEmbedder
from tests.recall.embedding import HOME, THINGS, WORK, Desk, Watched, memory, serving


@pytest.fixture
def desk() -> Desk:
    found = Desk(embedder=HashingEmbedder())
    found.write(*map(memory, THINGS))
    return found


def test_a_secret_is_never_sent_to_an_endpoint_and_is_embedded_in_this_process_only():
    secrets = [
        memory("door code 4711 hearth", tags=("secret",)),
        memory("card 42 anvil", tags=("secret:card",)),
    ]
    with serving() as server:
        desk = Desk(embedder=open_embedder(server.setting))
        desk.write(*map(memory, THINGS), *secrets)
        assert desk.meanings.embed() == len(THINGS)
        assert desk.meanings.embed() == 0
        assert set(server.asked) == {*THINGS, "dimensions"}
        assert (
            desk.texts("hearth") == ["door code 4711 hearth"]
            or desk.texts("hearth")[0] == "door code 4711 hearth"
        )
    desk.meanings.embedder = HashingEmbedder()
    assert desk.meanings.embed() == len(THINGS) + 2


def test_what_leaves_this_machine_is_in_the_ledger_before_it_goes(desk: Desk):
    ledger = Disclosures(desk.database)
    written: list[int] = []
    remote = Watched(lambda _: written.append(len(ledger.query())), remote=True)
    ids = {one.memory.id for one in desk.memories.latest()}
    desk.write(memory("a plan for work"), scope=WORK)
    desk.meanings.embedder = remote
    desk.meanings.embed()
    entries = ledger.query()
    assert written == [2]
    assert {(one.who, one.channel, one.question) for one in entries} == {
        ("api.example.org", "embedding", None)
    }
    assert {one.scope: set(one.memories) for one in entries}[HOME] == ids
    desk.found("Where is the photgraph?", HOME, WORK)
    assert written == [2, 4]
    assert {(one.scope, one.question) for one in ledger.query()[:2]} == {
        (HOME, "photgraph"),
        (WORK, "photgraph"),
    }


def test_the_same_question_asked_again_for_more_leaves_once_only(desk: Desk):
    remote = Watched(remote=True)
    desk.meanings.embedder = remote
    desk.meanings.embed()
    remote.seen.clear()
    assert desk.texts("photgraph", k=1) == desk.texts("photgraph", k=4)[:1]
    assert remote.seen == ["photgraph"]
    assert [one.question for one in Disclosures(desk.database).query()].count("photgraph") == 1
    for n in range(40):
        desk.found(f"question {n}")
    desk.found("photgraph")
    assert remote.seen.count("photgraph") == 2


def test_what_stays_on_this_machine_is_no_disclosure(desk: Desk):
    desk.meanings.embed()
    desk.found("photgraph")
    with serving() as server:
        desk.meanings.embedder = open_embedder(server.setting)
        desk.meanings.embed()
        desk.found("photgraph")
    assert Disclosures(desk.database).query() == []
