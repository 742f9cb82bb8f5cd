"""What the keeper embeds by itself: soon, off the main thread, as far as the settings allow, and no further than a lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from memsync.device.config import change_config
from memsync.keeper import embedding
from memsync.keeper.house import House
from memsync.vault import Vault
from tests.people import PASSPHRASE, Person
from tests.recall.embedding import Server, serving

TEXTS = [f"The photograph number {n} hangs in the hall" for n in range(100)]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as found:
        yield found


@pytest.fixture
def house(person: Person) -> Iterator[House]:
    """A keeper's inside with this person's vault open in it."""
    made = House(person.home)
    made.unlock({"passphrase": PASSPHRASE})
    yield made
    made.open.lock()


def embedded(vault: Vault) -> int:
    return vault.status().embedded


def until(true: object, *, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_running_keeper_embeds_what_is_remembered_and_finds_it_by_its_vector(
    person: Person, server: Server
):
    person.unlock()
    person.says("remember", "The photograph hangs in the hall")
    assert "nothing" in person.says("recall", "photgraph")
    person.says("config", "set", "recall.embedder", server.setting)
    until(lambda: person.gets("status")["embedded"] == 1)
    assert "The photograph hangs in the hall" in person.says("recall", "photgraph")
    assert f"1 embedded by {server.setting.removeprefix('http://').replace('/v1', '')}" in person.says(
        "status"
    )
    person.says("forget", person.gets("recall", "photograph")["hits"][0]["id"], "--yes")
    assert person.gets("status")["embedded"] == 0


def test_it_is_done_by_a_thread_of_its_own(house: House, person: Person, server: Server, monkeypatch):
    threads: list[str] = []
    real = Vault.embed

    def embed(vault: Vault, limit: int | None = None) -> int:
        threads.append(threading.current_thread().name)
        return real(vault, limit)

    monkeypatch.setattr(Vault, "embed", embed)
    monkeypatch.setattr(embedding, "EVERY", 0.01)
    change_config({"recall.embedder": server.setting}, person.home)
    with person.opened() as vault:
        vault.remember("The tide turns at noon.")
        living = threading.Thread(target=house.live, name="the main thread")
        living.start()
        until(lambda: embedded(vault) == 1)
        house.ended = True  # `end` would also end this process after its grace
        living.join()
        assert set(threads) == {"embedding"}
        assert not house._embedding._thread.is_alive()


def test_without_an_embedder_in_the_settings_nothing_is_embedded(house: House, person: Person):
    with person.opened() as vault:
        vault.remember("The tide turns at noon.")
        assert house._embedding.look() == 0
        assert (vault.status().embedder, vault.status().embedded) == (None, 0)


def test_a_lock_ends_it_after_the_part_under_way_and_it_goes_on_there(
    house: House, person: Person, server: Server
):
    change_config({"recall.embedder": server.setting}, person.home)
    say, locking = server.say, [True]

    def locks_meanwhile(body: dict) -> tuple[int, bytes]:
        if locking[0] and len(body["input"]) > 1:
            house.open.let_go()
        return say(body)

    server.say = locks_meanwhile
    with person.opened() as vault:
        for text in TEXTS:
            vault.remember(text)
        assert house._embedding.look() == embedding.PART
        assert embedded(vault) == embedding.PART
        assert house._embedding.look() == 0
        locking[0] = False
        house.unlock({"passphrase": PASSPHRASE})
        assert house._embedding.look() == len(TEXTS) - embedding.PART
        assert embedded(vault) == len(TEXTS)
        assert sorted(text for text in server.asked if text in TEXTS) == sorted(TEXTS)


def test_an_endpoint_that_is_down_is_asked_again_after_a_while_and_words_find_meanwhile(
    house: House, person: Person, server: Server, monkeypatch
):
    change_config({"recall.embedder": server.setting}, person.home)
    server.status = 500
    with person.opened() as vault:
        vault.remember(TEXTS[0])
        assert house._embedding.look() == 0
        asked = len(server.asked)
        server.status = 200
        assert house._embedding.look() == 0
        assert len(server.asked) == asked
        assert vault.recall("photograph")[0].memory.text == TEXTS[0]
        monkeypatch.setattr(embedding.time, "monotonic", lambda now=time.monotonic: now() + embedding.AGAIN)
        assert house._embedding.look() == 1


def test_status_says_why_nothing_is_embedded_and_recall_goes_by_words(person: Person):
    person.says("remember", "The tide turns at noon.")
    person.says("config", "set", "recall.embedder", "https://api.example.org/v1#small")
    assert "found by words only: api.example.org is another machine" in person.says("status")
    assert "The tide turns at noon." in person.says("recall", "tide")
    with person.opened() as vault, pytest.raises(ValueError, match=r"recall.allow_remote yes"):
        vault.embed()
    assert "is yes or no" in person.fails(2, "config", "set", "recall.allow_remote", "perhaps")
    person.says("config", "set", "recall.allow_remote", "yes")
    assert "0 embedded by api.example.org#small" in person.says("status")


def test_the_token_of_an_endpoint_is_read_from_its_file(person: Person, server: Server):
    (person.folder / "token").write_text("t0ken\n")
    change_config(
        {"recall.embedder": server.setting, "recall.token_file": str(person.folder / "token")}, person.home
    )
    with person.opened() as vault:
        vault.remember("The tide turns at noon.")
        assert vault.embed() == 1
    assert {one["Authorization"] for one in server.headers} == {"Bearer t0ken"}


def test_a_question_that_holds_a_secret_goes_to_no_endpoint(person: Person, server: Server):
    change_config({"recall.embedder": server.setting}, person.home)
    with person.opened() as vault:
        vault.remember("The tide turns at noon.")
        secret = vault.remember("my password is hunter2000")
        assert secret.tags
        assert vault.embed() == 1
        vault.recall("is my password: hunter2000 ?")
        vault.recall("tides")
        tagged = vault.remember("The spare key lies under the heron", tags=["secret"])
        vault.contradicting(tagged)
        vault.recall("where is the heron", words_only=True)
    assert not any("hunter" in text or "heron" in text for text in server.asked)
    assert "tides" in server.asked
