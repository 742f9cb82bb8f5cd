"""``memsync serve`` as a tool, a web page and a stranger see it."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import pytest

from memsync.http.openapi import description
from memsync.http.serving import served
from memsync.http.tools import MAX_BODY, tools_app
from memsync.keeper.socket_path import socket_path
from memsync.keeper.verb import SERVED
from tests.people import Person, short_folder

NOBODY = "memsync_" + "A" * 43


@pytest.fixture(scope="module")
def person() -> Iterator[Person]:
    with short_folder() as folder:
        found = Person(Path(folder))
        found.make_vault()
        found.says("unlock")
        found.says("scope", "add", "work")
        found.says("remember", "The launch is on the ninth of May.", "--scope", "work")
        found.says("grant", "agent", "--scope", "work", "--can", "read+write", "--yes")
        yield found
        found.leaves()


@pytest.fixture(scope="module")
def token(person: Person) -> str:
    return person.says("client", "token", "agent", "--show").strip()


@pytest.fixture(scope="module")
def url(person: Person) -> Iterator[str]:
    with served(tools_app(person.home)) as url:
        yield url


def ask(
    url: str, path: str, body: bytes | None = b"{}", *, method: str = "POST", **headers: str
) -> tuple[int, dict, http.client.HTTPMessage]:
    line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        said = {"Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        line.request(method, path, body, {name: value for name, value in said.items() if value})
        answer = line.getresponse()
        data = answer.read()
        return answer.status, json.loads(data) if data else {}, answer.headers
    finally:
        line.close()


def head(token: str, *more: str) -> bytes:
    lines = [
        "POST /v1/status HTTP/1.1",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        *more,
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def test_a_tool_recalls_with_its_token(url: str, token: str):
    status, told, _ = ask(
        url, "/v1/recall", b'{"question": "When is the launch?"}', Authorization=f"Bearer {token}"
    )
    assert (status, told["ok"]) == (200, True)
    assert [hit["text"] for hit in told["hits"]] == ["The launch is on the ninth of May."]


def test_it_is_told_as_over_http(person: Person, url: str, token: str):
    ask(
        url,
        "/v1/recall",
        b'{"question": "over what was this asked"}',
        Authorization=f"Bearer {token}",
        memsync_channel="mcp",
    )
    assert {"http"} == {one["channel"] for one in person.gets("disclosures")["disclosures"]}


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", f"Bearer {NOBODY}", "Basic YTpi", "Bearer \x80\xff"]
)
def test_without_a_clients_token_nothing_is_answered(url: str, authorization: str):
    for verb in SERVED:
        status, told, headers = ask(url, f"/v1/{verb}", Authorization=authorization)
        assert status in {400, 401}, told
        assert status == 400 or headers["WWW-Authenticate"] == "Bearer"
        assert told["error"].keys() == {"name", "message", "next", "code"}


def test_no_error_tells_a_tool_where_the_memory_is():
    with short_folder() as folder:
        home = Path(folder) / "home"
        socket_path(home).parent.mkdir(parents=True)
        socket_path(home).write_text("no socket")
        with served(tools_app(home)) as url:
            status, told, _ = ask(url, "/v1/status", Authorization=f"Bearer {NOBODY}")
    assert status == 400 and "socket" in told["error"]["message"]
    assert str(home) not in json.dumps(told)


def test_the_persons_own_verbs_are_not_there(url: str, token: str):
    for path in (
        "/v1/grant",
        "/v1/export",
        "/v1/unlock",
        "/v1/lock",
        "/v1/about",
        "/v1/disclosures",
        "/served/v1/recall",
        "/",
        "//v1/recall",
        "/v1/recall/",
    ):
        assert ask(url, path, Authorization=f"Bearer {token}")[0] == 404, path


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8041",
        "127.0.0.1.evil.example",
        "127.0.0.1@evil.example",
        "",
        "[::2]",
        "127.0.0.1:x",
    ],
)
def test_a_name_that_was_bound_to_this_machine_by_a_stranger_is_turned_away(url: str, token: str, host: str):
    with socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=20) as line:
        line.sendall(head(token, f"Host: {host}", "Content-Length: 2", "Connection: close") + b"{}")
        answer = b"".join(iter(lambda: line.recv(1 << 16), b""))
    assert answer.split()[1] in {b"421", b"400"}
    assert b"scopes" not in answer


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
)
def test_a_web_page_is_turned_away_and_no_page_is_ever_allowed(url: str, token: str, headers: dict):
    status, _, answered = ask(url, "/v1/status", Authorization=f"Bearer {token}", **headers)
    assert status == 403
    asked = ask(url, "/v1/status", None, method="OPTIONS", Access_Control_Request_Method="POST", **headers)
    for one in (answered, asked[2]):
        assert not [name for name in one if name.lower().startswith("access-control")]
    assert asked[0] in {403, 405}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/json; charset=utf-8", 200),
    ],
)
def test_a_body_must_say_that_it_is_json(url: str, token: str, kind: str, status: int):
    assert ask(url, "/v1/status", Authorization=f"Bearer {token}", Content_Type=kind)[0] == status


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"question": NaN}',
        b'{"question": "\\ud800"}',
        b"\xff",
        b"[" * 200_000,
        b'{"question": "x", "vault": "default"}',
    ],
)
def test_a_body_that_is_no_call_is_refused_in_one_line(url: str, token: str, body: bytes):
    status, told, _ = ask(url, "/v1/recall", body, Authorization=f"Bearer {token}")
    assert (status, told["ok"]) == (400, False)
    assert told["error"]["next"] and "\n" not in told["error"]["message"]


def test_a_body_without_end_is_cut_off(url: str, token: str):
    status, told, _ = ask(
        url, "/v1/recall", b'{"question": "' + b"x" * MAX_BODY + b'"}', Authorization=f"Bearer {token}"
    )
    assert (status, told["error"]["code"]) == (413, 413)
    with socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=20) as line:
        line.sendall(head(token, "Host: localhost", "Transfer-Encoding: chunked"))
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        sent = 0
        try:
            for _ in range(100):
                line.sendall(chunk)
                sent += 65536
        except OSError:
            pass
        line.settimeout(20)
        try:
            answer = line.recv(1 << 16)
        except ConnectionResetError:
            answer = b""
    assert b" 413 " in answer.split(b"\r\n")[0] or (answer == b"" and sent < 100 * 65536)


def test_locked_it_says_what_the_person_types_and_goes_on_after_it():
    with short_folder() as folder:
        other = Person(Path(folder))
        with served(tools_app(other.home)) as url:
            status, told, _ = ask(url, "/v1/status", Authorization=f"Bearer {NOBODY}")
            assert (status, told["error"]["next"]) == (423, "have the person say `memsync init`")
            other.make_vault()
            status, told, _ = ask(url, "/v1/status", Authorization=f"Bearer {NOBODY}")
            assert (status, told["error"]["next"]) == (423, "have the person say `memsync unlock`")
            other.says("unlock")
            other.says("grant", "agent", "--yes")
            token = other.says("client", "token", "agent", "--show").strip()
            assert ask(url, "/v1/status", Authorization=f"Bearer {token}")[0] == 200
            other.says("lock")
            assert ask(url, "/v1/status", Authorization=f"Bearer {token}")[0] == 423
        other.leaves()


def test_the_description_is_served_and_closed(url: str):
    status, told, _ = ask(url, "/openapi.json", None, method="GET")
    assert (status, told) == (200, json.loads(json.dumps(description())))
    assert told["openapi"] == "3.1.0"
    for path in told["paths"].values():
        for schema in (
            path["post"]["requestBody"]["content"]["application/json"]["schema"],
            path["post"]["responses"]["200"]["content"]["application/json"]["schema"],
        ):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["additionalProperties"] is False
    assert ask(url, "/openapi.json", b"{}")[0] == 405


def test_the_command_serves_until_it_is_stopped(person: Person, token: str):
    with subprocess.Popen(
        [sys.executable, "-m", "memsync", "serve", "--port", "0", "--json"],
        env=person.shell_env(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            url = json.loads(process.stdout.readline())["url"]
            assert urlsplit(url).hostname == "127.0.0.1"
            assert ask(url, "/v1/status", Authorization=f"Bearer {token}")[0] == 200
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) in {0, 130}
