"""The keeper killed at moments that a seed chooses, in the middle of verbs that change something: nothing is lost or half done."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path

from memsync.chain.node import local_node
from memsync.errors import MemSyncError
from memsync.intake import write_sample_export
from memsync.keeper.client import NoKeeper, call_served
from tests.keeper.test_keeper import runs, wait_until
from tests.people import Person

SEED = 20
LOCAL_KILLS = 8
CHAIN_KILLS = 2


class Killer:
    """Calls of the keeper, some of which it is killed in."""

    def __init__(self, person: Person, seed: int) -> None:
        self.person, self.choice = person, random.Random(seed)
        self.kept: set[str] = set()
        self.survived = 0

    def open(self) -> int:
        return self.person.unlock()

    def kill_within(self, seconds: float, verb: str, **given: object) -> None:
        """Kill the keeper within so many seconds of the call."""
        pid = self.open()
        moment = self.choice.uniform(0, seconds)

        def call() -> None:
            try:
                found = self.person.asks(verb, **given)
            except (MemSyncError, NoKeeper):
                return
            self.survived += 1
            if verb == "remember":
                self.kept.add(found["memory"]["id"])

        calling = threading.Thread(target=call)
        calling.start()
        time.sleep(moment)
        os.kill(pid, signal.SIGKILL)
        calling.join()
        wait_until(lambda: not runs(pid))


def test_a_keeper_killed_at_any_moment_of_a_local_verb_loses_nothing(person: Person):
    killer = Killer(person, SEED)
    export = write_sample_export(person.folder / "export.zip")
    for number in range(LOCAL_KILLS):
        verb, given, seconds = [
            ("remember", {"text": f"Memory {number}."}, 0.03),
            ("import", {"format": "chatgpt", "file": str(export)}, 0.6),
            ("scope add", {"name": f"scope {number}"}, 0.03),
            ("store add", {"place": str(person.folder / f"blocks {number}")}, 0.1),
        ][number % 4]
        killer.kill_within(seconds, verb, **given)
    killer.open()
    found = {one["id"] for one in person.gets("list", "--limit", "1000")["memories"]}
    assert killer.kept <= found
    report = person.gets("import", "chatgpt", str(export))["report"]
    assert report["memories"] in (0, 351)  # before, all of it or nothing
    assert person.gets("list")["count"] == len(found) + report["memories"]
    asked = {str(person.folder / f"blocks {number}") for number in range(LOCAL_KILLS)}
    assert set(person.gets("status")["stores"]) <= asked | {"blocks"}
    person.says("scope", "add", "afterwards")


def test_a_keeper_killed_as_it_answers_a_tool_has_it_in_the_ledger(person: Person):
    person.unlock()
    person.asks("remember", text="The launch is on the ninth of May.")
    person.gets("client", "grant", "claude", "--scope", "personal", "--yes")
    token = Path(person.gets("client", "token", "claude")["file"]).read_text().strip()
    for number in range(3):
        pid = person.unlock()
        call_served("recall", {"question": f"launch {number}"}, person.home, token=token, channel="mcp")
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda pid=pid: not runs(pid))
    person.unlock()
    asked = [one["question"] for one in person.gets("disclosures")["disclosures"]]
    assert asked == ["launch 2", "launch 1", "launch 0"]


def test_a_keeper_killed_at_any_moment_of_a_chain_verb_loses_nothing(person: Person):
    killer = Killer(person, SEED)
    with person.opened() as vault:
        words = vault.words
    card = person.says("key", "card", "Inkwell")
    with local_node() as node:
        person.says("chain", "use", node.url, "--payer", "TEST::0")
        person.says("remember", "The tide turns at noon.")
        for number in range(CHAIN_KILLS):
            verb, given = [
                ("push", {}),
                ("grant", {"who": card, "name": "Inkwell"}),
            ][number % 2]
            killer.kill_within(2.5, verb, **given)
        killer.open()
        person.says("remember", "Written after all of it.")
        person.says("push")
        assert person.gets("verify", "--deep")["findings"] == []
        for one in person.gets("grants")["grants"]:
            person.says("revoke", one["id"])
        assert person.gets("grants")["grants"] == []

        other = Person(person.folder / "other")
        (other.folder / "words").write_text(words)
        restored = other.gets(
            "restore", "--words", str(other.folder / "words"), "--network", node.url,
            "--store", str(person.home / "vaults" / "default" / "blocks"),
        )  # fmt: skip
        assert restored["memories"] == person.gets("list")["count"] == 2
