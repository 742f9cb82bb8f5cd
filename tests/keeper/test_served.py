"""What a tool gets from the keeper: by its token, within its grant, in the words of its verbs; and what the person types for it."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import jsonschema
import pytest

import memsync.keeper.served  # noqa: F401 - fills SERVED
from memsync.device.lock import VaultLock
from memsync.device.paths import VaultPaths
from memsync.errors import AccessError, InputError, NotFoundError, NotOpen
from memsync.keeper import served_values
from memsync.keeper.client import call_served
from memsync.keeper.socket_path import socket_path
from memsync.keeper.turns import WAITING
from memsync.keeper.verb import SERVED
from tests.keeper.test_keeper import wait_until
from tests.people import Person

NOBODY = "memsync_" + "A" * 43


@pytest.fixture
def keeper(person: Person) -> Person:
    person.says("unlock")
    person.says("scope", "add", "work")
    person.says("remember", "The launch is on the ninth of May.", "--scope", "work", "--tag", "launch")
    person.says("remember", "I live in Porto.")
    return person


def token_of(person: Person, name: str = "claude-desktop", *more: str) -> str:
    person.says("grant", name, "--scope", "work", "--for", "30d", "--yes", *more)
    return Path(person.gets("client", "token", name)["file"]).read_text().strip()


def ask(person: Person, token: str, verb: str, **given: object) -> dict:
    found = call_served(verb, given, person.home, token=token, channel="mcp")
    jsonschema.Draft202012Validator(SERVED[verb].answer).validate(found)
    return found


def raw(
    person: Person, verb: str, body: bytes, token: str = "", *, length: int | None = None
) -> tuple[int, dict]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(socket_path(person.home)))
        size = len(body) if length is None else length
        head = f"POST /served/v1/{verb} HTTP/1.0\r\nHost: keeper\r\nAuthorization: Bearer {token}\r\nContent-Length: {size}\r\n\r\n"
        connection.sendall(head.encode() + body)
        answer = b""
        while chunk := connection.recv(1 << 16):
            answer += chunk
    head, _, told = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(told)


def test_a_person_grants_a_tool_which_recalls_and_the_person_sees_what_left(keeper: Person):
    token = token_of(keeper)
    [hit] = ask(keeper, token, "recall", question="When is the launch?")["hits"]
    assert (hit["text"], hit["scope"], hit["tags"]) == (
        "The launch is on the ninth of May.",
        "work",
        ["launch"],
    )
    assert ask(keeper, token, "recall", question="Porto")["hits"] == []
    told = keeper.says("disclosures", "--texts")
    assert "claude-desktop (mcp)  work  “When is the launch?”" in told
    assert "The launch is on the ninth of May." in told
    assert keeper.gets("disclosures", "--memory", hit["id"])["totals"] == {"claude-desktop": 2}
    assert "claude-desktop  work  read  on this device  until" in keeper.says("grants")
    assert keeper.says("revoke", "claude-desktop").startswith("ended: claude-desktop  work")
    with pytest.raises(AccessError, match="memsync grant claude-desktop"):
        ask(keeper, token, "recall", question="launch")


def test_each_verb_answers_by_its_schema(keeper: Person):
    token = token_of(keeper, "cursor", "--can", "read+write")
    [memory] = ask(keeper, token, "list")["memories"]
    assert ask(keeper, token, "get", memory=memory["id"])["memory"] == memory
    assert "ninth of May" in ask(keeper, token, "context", question="launch", tokens=200)["text"]
    [result] = ask(keeper, token, "search", query="launch")["results"]
    assert ask(keeper, token, "fetch", id=result["id"])["text"] == memory["text"]
    assert ask(keeper, token, "remember", text="Ada owns the checklist.")["state"] == "pending"
    preview = ask(keeper, token, "forget", query="launch ninth")
    assert [one["id"] for one in preview["preview"]] == [memory["id"]]
    assert [one["state"] for one in ask(keeper, token, "forget", memories=[memory["id"]])["outcomes"]] == [
        "pending"
    ]
    status = ask(keeper, token, "status")
    assert (status["client"], status["waiting"], status["next"]) == ("cursor", 2, None)
    assert [(one["scope"], one["can"], one["memories"]) for one in status["scopes"]] == [
        ("work", "read+write", 1)
    ]
    asked = {"recall", "list", "get", "context", "search", "fetch", "remember", "forget", "status"}
    keeper.says("remember", "I prefer trains to planes.", "--scope", "work")
    assert [one["text"] for one in ask(keeper, token, "profile")["lines"]] == ["I prefer trains to planes."]
    assert SERVED.keys() - asked == {"profile"}


def test_a_tool_without_its_token_gets_one_sentence(keeper: Person):
    token_of(keeper)
    for token in (NOBODY, "", "x"):
        with pytest.raises(AccessError, match="this token opens nothing here; have the person say"):
            ask(keeper, token, "status")
    assert raw(keeper, "status", b"{}", NOBODY)[0] == 401


def test_the_persons_own_verbs_take_no_token_and_the_tools_need_one(keeper: Person):
    status, told = raw(keeper, "recall", b'{"question": "launch"}')
    assert (status, told["error"]["name"]) == (401, "TokenRefused")


def test_locked_a_tool_is_told_what_the_person_types_and_works_after_it(keeper: Person):
    token = token_of(keeper)
    keeper.says("lock")
    with pytest.raises(NotOpen, match="`memsync unlock`"):
        ask(keeper, token, "status")
    keeper.says("unlock")
    assert ask(keeper, token, "status")["client"] == "claude-desktop"


def test_one_vault_locked_beside_another_is_a_token_that_opens_nothing(keeper: Person):
    token = token_of(keeper)
    keeper.env["MEMSYNC_VAULT"] = "second"
    keeper.says("init", "--yes")
    keeper.says("unlock")
    del keeper.env["MEMSYNC_VAULT"]
    assert ask(keeper, token, "status")["client"] == "claude-desktop"
    keeper.says("lock", "--vault", "default")
    with pytest.raises((AccessError, NotOpen)):
        ask(keeper, token, "status")


@pytest.mark.parametrize(
    ("verb", "given"),
    [
        ("recall", {}),
        ("recall", {"question": ""}),
        ("recall", {"question": "x" * 4001}),
        ("recall", {"question": 7}),
        ("recall", {"question": "x", "k": 0}),
        ("recall", {"question": "x", "k": 51}),
        ("recall", {"question": "x", "k": True}),
        ("recall", {"question": "x", "k": 1.5}),
        ("recall", {"question": "x", "colour": "red"}),
        ("recall", {"question": "x", "also": ["y"] * 9}),
        ("recall", {"question": "x", "also": [7]}),
        ("recall", {"question": "x", "since": "yesterday"}),
        ("recall", {"question": "x", "vault": "default"}),
        ("get", {"memory": "abc"}),
        ("get", {"memory": "A" * 32}),
        ("get", {"memory": "a" * 32 + "\n"}),
        ("list", {"limit": 201}),
        ("remember", {"text": "x" * 32_769}),
        ("remember", {"text": "x", "kind": "poem"}),
        ("remember", {"text": "x", "tags": ["y"] * 17}),
        ("remember", {"text": "x", "tags": [""]}),
        ("forget", {"query": ""}),
        ("forget", {"memories": ["a" * 31]}),
        ("forget", {"memories": ["a" * 32] * 101}),
    ],
)
def test_arguments_out_of_bounds_are_refused_by_name(keeper: Person, verb: str, given: dict):
    token = token_of(keeper, "cursor", "--can", "read+write")
    with pytest.raises(InputError, match=verb) as refused:
        call_served(verb, given, keeper.home, token=token, channel="mcp")
    assert "\n" not in str(refused.value) and "; " in str(refused.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"question": NaN}',
        b'{"question": "\\ud800"}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"question": "a\\u0000b"}',
    ],
)
def test_a_body_that_is_no_call_is_refused_and_one_that_is_odd_is_answered(keeper: Person, body: bytes):
    status, told = raw(keeper, "recall", body, token_of(keeper))
    assert status == (200 if b"u0000" in body else 400), told


def test_a_hundred_megabytes_are_refused_before_they_are_read(keeper: Person):
    token = token_of(keeper)
    try:
        status, told = raw(keeper, "recall", b'{"question": "' + b"x" * (5 << 20), token, length=100 << 20)
    except (BrokenPipeError, ConnectionResetError):
        return  # it hung up before all was sent
    assert (status, told["error"]["name"]) == (400, "InputError")


def test_a_tool_that_floods_waits_for_itself_alone(keeper: Person):
    token, other = token_of(keeper, "cursor", "--can", "read+write", "--trusted"), token_of(keeper)
    kept, refused, answered = [], [], []

    def flood(number: int) -> None:
        try:
            kept.append(ask(keeper, token, "remember", text=f"Number {number} of many."))
        except InputError as error:
            refused.append(str(error))

    def others() -> None:
        answered.append(ask(keeper, other, "recall", question="launch")["hits"])
        answered.append(keeper.asks("client list"))

    calls = [threading.Thread(target=flood, args=(number,)) for number in range(WAITING + 10)]
    with VaultLock(VaultPaths.of("default", keeper.home).lock).hold("push"):
        for one in calls:
            one.start()
        wait_until(lambda: len(refused) == 10)
        asking = threading.Thread(target=others, daemon=True)
        asking.start()
        wait_until(lambda: len(answered) == 2)
        assert not kept
    for one in calls:
        one.join()
    assert len(kept) == WAITING
    assert {"too many calls at once; wait for an answer, then repeat"} == set(refused)


def test_nothing_of_what_is_asked_is_in_the_keepers_log(keeper: Person):
    token = token_of(keeper)
    ask(keeper, token, "recall", question="xyzzy plugh")
    with pytest.raises(NotFoundError):
        ask(keeper, token, "get", memory="ab" * 16)
    log = (keeper.home / "keeper" / "log").read_text()
    assert "served recall ok" in log and "served get NotFoundError" in log
    for word in ("xyzzy", "claude-desktop", token, "abab"):
        assert word not in log


def test_a_name_that_is_a_cards_file_or_a_contact_is_no_tool(keeper: Person):
    assert "--from-now" in keeper.fails(2, "grant", "cursor", "--from-now", "--yes")
    assert "there is no file" in keeper.fails(2, "grant", "cursor.json", "--yes")
    assert "client's name" in keeper.fails(2, "client", "grant", "Cursor IDE", "--yes")
    assert keeper.gets("client", "list")["clients"] == []


def test_without_a_yes_nothing_is_granted(keeper: Person):
    result = keeper.run("grant", "cursor", "--scope", "work", stdin="n\n")
    assert result.exit_code != 0
    assert "will read 1 memory" in result.stderr
    assert keeper.gets("client", "list")["clients"] == []


def test_the_ledger_is_written_to_a_file_line_by_line(keeper: Person):
    token = token_of(keeper)
    for question in ("launch", "when"):
        ask(keeper, token, "recall", question=question)
    file = keeper.folder / "ledger.jsonl"
    keeper.says("disclosures", "--out", str(file))
    assert [json.loads(line)["question"] for line in file.read_text().splitlines()] == ["when", "launch"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert "new file" in keeper.fails(2, "disclosures", "--out", str(file))


def test_every_served_verb_says_what_it_does_and_orders_no_model_about():
    for verb in SERVED.values():
        assert verb.title and verb.says and verb.answer["additionalProperties"] is False
        jsonschema.Draft202012Validator.check_schema(verb.schema)
        jsonschema.Draft202012Validator.check_schema(verb.answer)
        for word in (
            "you must",
            "always",
            "you should",
            "never call",
            "important",
            "before answering",
            "instead of",
        ):
            assert word not in verb.says.lower(), (verb.name, word)
    assert served_values.NOTES.keys() == set(served_values.STATES)
