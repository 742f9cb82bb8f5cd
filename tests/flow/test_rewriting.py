"""A profile in sentences, by a model that the person chose: what it is sent, what is believed, and when nothing is sent."""

from __future__ import annotations

import json

import pytest

from memsync.device.config import change_config
from memsync.errors import InputError, StorageError
from memsync.recall.rewriting import LONGEST, Writer
from memsync.vault import Vault
from tests.flow.actions import World
from tests.recall.embedding import serving

PREFERS = "I prefer trains to planes."


@pytest.fixture
def vault(world: World) -> Vault:
    vault = world.vault()
    vault.remember(PREFERS)
    vault.remember("My password is hunter2hunter2 and my card is 4111 1111 1111 1111.")
    return vault


def choose(vault: Vault, **settings: str) -> None:
    change_config(
        {f"profile.{name}": value for name, value in settings.items()}, vault.paths.folder.parents[1]
    )


def test_the_lines_and_nothing_else_are_sent_to_the_model_that_was_chosen(vault: Vault):
    with serving() as server:
        choose(vault, endpoint=server.setting)
        profile = vault.profile()
        assert vault.rewrite_profile(profile) == "They said 1 things.[2J"
    [asked] = server.requests
    assert asked["model"] == "hash"
    assert PREFERS in asked["messages"][1]["content"]
    assert "hunter2" not in json.dumps(asked) and "4111" not in json.dumps(asked)
    assert vault.disclosures() == []  # it left no machine


def test_without_a_choice_or_a_yes_nothing_is_sent(vault: Vault):
    with pytest.raises(InputError, match=r"config set profile\.endpoint"):
        vault.rewrite_profile(vault.profile())
    choose(vault, endpoint="https://models.example.org/v1#m")
    with pytest.raises(InputError, match=r"config set profile\.allow_remote yes"):
        vault.rewrite_profile(vault.profile())
    with pytest.raises(InputError, match="https"):
        Writer.read("http://models.example.org/v1#m", allow_remote=True)
    assert vault.disclosures() == []


def test_what_goes_to_another_machine_is_in_the_ledger_before(vault: Vault, monkeypatch: pytest.MonkeyPatch):
    written: list[int] = []
    monkeypatch.setattr(
        Writer, "rewrite", lambda *_: written.append(len(vault.disclosures())) or "They said."
    )
    choose(vault, endpoint="https://models.example.org/v1#m", allow_remote="yes")
    profile = vault.profile()
    vault.rewrite_profile(profile)
    [entry] = vault.disclosures()
    assert written == [1]
    assert (entry.who, entry.verb, entry.memories) == (
        "models.example.org",
        "profile",
        (profile.lines[0].memory,),
    )


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"choices": []}',
        b'{"choices": [{"message": {"content": 7}}]}',
        b'{"choices": [{"message": {"content": "  "}}]}',
        json.dumps({"choices": [{"message": {"content": "x" * (LONGEST + 1)}}]}).encode(),
        b"[" * 100_000,
    ],
)
def test_an_answer_that_is_none_is_a_named_error_and_the_lines_stand(vault: Vault, answer: bytes):
    with serving() as server:
        choose(vault, endpoint=server.setting)
        server.answer = answer or b" "
        with pytest.raises(StorageError, match=r"profile\.endpoint"):
            vault.rewrite_profile(vault.profile())
    assert PREFERS in vault.profile().text


def test_a_profile_without_lines_is_sent_to_nobody(world: World):
    with serving() as server:
        vault = world.vault()
        choose(vault, endpoint=server.setting)
        assert vault.rewrite_profile(vault.profile()) == ""
    assert server.requests == []


def test_a_server_that_is_down_or_refuses_is_named(vault: Vault):
    with serving() as server:
        choose(vault, endpoint=server.setting)
        server.status = 400
        with pytest.raises(InputError, match="refuses"):
            vault.rewrite_profile(vault.profile())
    with pytest.raises(StorageError):
        vault.rewrite_profile(vault.profile())
