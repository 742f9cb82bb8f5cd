"""The server over HTTP on this machine: who is let in, what is turned away before it is read, and one token beside another."""

from __future__ import annotations

import asyncio
import json
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests.mcp_server.wire import LAUNCH, PATIENCE, grant, http, serving, token
from tests.people import Person

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "recall", "arguments": {"question": "launch"}},
}


@pytest.fixture
def url(keeper: Person):
    grant(keeper, "cursor")
    with serving(keeper) as found:
        yield found


def post(url: str, body: object, *, method: str = "POST", path: str = "/mcp", **headers: str | None):
    """Status, headers and body; a header that is None is left out."""
    where = urlsplit(url)
    sent = {
        "Host": where.netloc,
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        "Authorization": "Bearer memsync_" + "A" * 43,
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection = HTTPConnection(where.hostname, where.port, timeout=PATIENCE)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()


def test_each_request_is_answered_in_the_name_of_its_own_token(keeper: Person, url: str):
    grant(keeper, "codex")
    keeper.says("grant", "codex", "--scope", "personal", "--for", "1d", "--yes")

    async def one(name: str) -> list[str]:
        async with http(url, token(keeper, name)) as client:
            found = await client.call_tool("recall", {"question": "launch Porto"})
            assert (await client.call_tool("status", {})).structured_content["client"] == name
            return sorted(hit["text"] for hit in found.structured_content["hits"])

    async def story() -> list[list[str]]:
        return await asyncio.gather(*(one(name) for name in ("cursor", "codex", "cursor")))

    assert asyncio.run(story()) == [[LAUNCH], ["I live in Porto.", LAUNCH], [LAUNCH]]
    keeper.says("revoke", "cursor")
    status, _, body = post(url, CALL, Authorization=f"Bearer {token(keeper, 'cursor')}")
    told = json.loads(body)["result"]
    assert status == 200 and told["isError"] and "memsync grant cursor" in told["content"][0]["text"]
    status, _, body = post(url, CALL)
    told = json.loads(body)["result"]
    assert status == 200 and told["isError"] and "opens nothing here" in told["content"][0]["text"]


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer ", "Basic QTpC", "memsync_x"])
def test_without_a_token_nothing_is_answered(url: str, given: str | None):
    status, headers, body = post(url, PING, Authorization=given)
    assert status == 401 and headers["www-authenticate"].startswith("Bearer")
    assert b"memsync client token" in body


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:80"},
        {"Host": "localhost"},
        {"Host": "localhost:1"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": None},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "https://localhost:1"},
        {"Origin": "http://localhost:1"},
        {"Origin": "http://localhost.evil.example"},
    ],
)
def test_who_comes_by_another_name_or_from_a_page_is_turned_away(url: str, headers: dict):
    status, told, _ = post(url, PING, **headers)
    assert status == (403 if headers.get("Host", "") is not None else 400), (
        headers
    )  # uvicorn's own, without a Host
    assert not [name for name in told if name.lower().startswith("access-control")]


def test_its_own_names_are_let_in_and_no_page_is_told_that_it_may_read(url: str):
    port = urlsplit(url).port
    for name in (f"localhost:{port}", f"127.0.0.1:{port}", f"LocalHost:{port}", f"[::1]:{port}"):
        status, told, body = post(url, PING, Host=name, Origin=f"http://localhost:{port}")
        assert (status, json.loads(body)["result"]) == (200, {}), name
        assert not [one for one in told if one.lower().startswith("access-control")]
    assert post(url, b"", method="OPTIONS", Access_Control_Request_Method="POST")[0] == 405


def test_only_posts_to_its_one_path_of_bounded_size_are_read(url: str):
    assert post(url, PING, path="/")[0] == post(url, PING, path="/mcp/")[0] == 404
    for method in ("GET", "DELETE", "PUT", "HEAD"):
        status, told, _ = post(url, b"", method=method)
        assert (status, told["allow"]) == (405, "POST")
    assert post(url, b'{"x": "' + b"x" * (5 << 20) + b'"}')[0] == 413
    assert post(url, PING)[0] == 200
    for body in (b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"jsonrpc": "2.0", "id": 1, "method": 5}'):
        for version in ("2025-06-18", "2026-07-28"):
            status, _, told = post(url, body, MCP_Protocol_Version=version)
            assert status == 400 and b"Traceback" not in told and b".py" not in told, (body[:20], told)
    assert post(url, PING)[0] == 200
