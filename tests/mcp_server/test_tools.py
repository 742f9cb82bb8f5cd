"""What a client gets, by the SDK's own client: over stdio and over HTTP, of the protocol of 2026 and of those before."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import jsonschema
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

import memsync.keeper.served  # noqa: F401 - fills SERVED
from memsync.keeper.verb import SERVED
from tests.mcp_server.wire import LAUNCH, grant, http, serving, stdio, token
from tests.people import Person

COMMANDING = ("you must", "always", "you should", "never call", "important", "before answering")


@pytest.fixture(params=["stdio", "http"])
def way(request: pytest.FixtureRequest, keeper: Person):
    """Connects a client that may read and write `work`."""
    grant(keeper, "cursor", "--can", "read+write")
    if request.param == "stdio":
        yield lambda mode="auto": stdio(keeper, "--client", "cursor", mode=mode)
        return
    with serving(keeper) as url:
        yield lambda mode="auto": http(url, token(keeper, "cursor"), mode=mode)


Way = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_each_verb_is_a_tool_with_its_own_schemas_and_answers_by_them(way: Way, mode: str):
    async def story() -> None:
        async with way(mode) as client:
            assert client.protocol_version == ("2025-11-25" if mode == "legacy" else "2026-07-28")
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert tools.keys() == SERVED.keys()
            for name, verb in SERVED.items():
                tool, hints = tools[name], tools[name].annotations
                assert (tool.title, tool.input_schema, tool.output_schema) == (
                    verb.title,
                    verb.schema,
                    verb.answer,
                )
                assert (hints.read_only_hint, hints.destructive_hint) == (verb.reads, verb.destroys)
                assert (hints.idempotent_hint, hints.open_world_hint) == (verb.again, False)
                assert not [word for word in COMMANDING if word in tool.description.lower()]
            assert not [word for word in COMMANDING if word in client.instructions.lower()]

            async def call(name: str, **given: object) -> dict:
                found = await client.call_tool(name, given)
                assert not found.is_error, found
                jsonschema.Draft202012Validator(SERVED[name].answer).validate(found.structured_content)
                [text] = found.content
                prose = name in ("context", "profile")
                said = text.text if prose else json.loads(text.text)
                assert said == (found.structured_content["text"] if prose else found.structured_content)
                return found.structured_content

            [hit] = (await call("recall", question="When is the launch?"))["hits"]
            assert hit["text"] == LAUNCH
            assert (await call("recall", question="Porto"))["hits"] == []
            assert LAUNCH in (await call("context", question="launch", tokens=200))["text"]
            assert (await call("get", memory=hit["id"]))["memory"]["text"] == LAUNCH
            assert len((await call("list"))["memories"]) == 1
            [result] = (await call("search", query="launch"))["results"]
            assert (await call("fetch", id=result["id"]))["text"] == LAUNCH
            assert (await call("remember", text="Ada owns the checklist."))["state"] == "pending"
            assert (await call("forget", query="launch"))["preview"][0]["id"] == hit["id"]
            assert (await call("profile"))["tokens"] >= 0
            assert (await call("status"))["client"] == "cursor"

    asyncio.run(story())


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_what_cant_be_answered_is_told_as_the_protocol_has_it(way: Way, mode: str):
    async def story() -> None:
        async with way(mode) as client:
            for given, word in (
                ({}, "needs question"),
                ({"question": 7}, "must be a text"),
                ({"question": "x", "k": 51}, "of 1 to 50"),
                ({"question": "x", "colour": "red"}, "takes no 'colour'"),
                ({"question": "x", "scope": "personal"}, "memsync grant cursor"),
            ):
                found = await client.call_tool("recall", given)
                assert found.is_error and found.structured_content is None
                [text] = found.content
                assert word in text.text and "\n" not in text.text
            for name in ("nothing", "", "x" * 9000):
                with pytest.raises(MCPError, match="Unknown tool") as refused:
                    await client.call_tool(name, {})
                assert refused.value.code == -32602 and len(refused.value.message) < 100
            absent = -32002 if mode == "legacy" else -32602
            for uri in ("memory://" + "ab" * 16, "memory://nothing", "file:///etc/passwd", "memory://"):
                with pytest.raises(MCPError) as refused:
                    await client.read_resource(uri)
                assert refused.value.code == absent, uri
            with pytest.raises(MCPError, match="Unknown prompt"):
                await client.get_prompt("nothing", {})
            with pytest.raises(MCPError, match="needs question"):
                await client.get_prompt("context", {})
            with pytest.raises(MCPError, match="No such page"):
                await client.list_tools(cursor="1")

    asyncio.run(story())


def test_resources_and_prompts_are_what_a_person_puts_into_a_conversation(way: Way):
    async def story() -> None:
        async with way() as client:
            resources = {str(one.uri) for one in (await client.list_resources()).resources}
            assert "memory://granted" in resources
            profiles = {"memory://profile", "memory://profile/work"}
            assert resources == {"memory://granted"} | profiles
            templates = [
                one.uri_template for one in (await client.list_resource_templates()).resource_templates
            ]
            assert templates[0] == "memory://{id}"
            [granted] = (await client.read_resource("memory://granted")).contents
            assert [one["scope"] for one in json.loads(granted.text)["scopes"]] == ["work"]
            [hit] = (await client.call_tool("recall", {"question": "launch"})).structured_content["hits"]
            [memory] = (await client.read_resource(f"memory://{hit['id']}")).contents
            assert json.loads(memory.text)["memory"]["text"] == LAUNCH
            for uri in profiles:
                [text] = (await client.read_resource(uri)).contents
                assert text.text == (await client.get_prompt("profile", {})).messages[0].content.text
            prompts = {one.name for one in (await client.list_prompts()).prompts}
            assert prompts == {"context", "profile"}
            [message] = (await client.get_prompt("context", {"question": "launch"})).messages
            assert message.role == "user" and LAUNCH in message.content.text

    asyncio.run(story())


def test_three_clients_at_once_each_get_their_own(keeper: Person):
    names = ("claude-desktop", "cursor", "codex")
    for name in names[:2]:
        grant(keeper, name)
    keeper.says("grant", "codex", "--scope", "personal", "--for", "1d", "--yes")

    async def one(name: str) -> list[str]:
        async with stdio(keeper, "--client", name) as client:
            found = await asyncio.gather(
                *(client.call_tool("recall", {"question": f"launch Porto {turn}"}) for turn in range(10))
            )
            [texts] = {tuple(hit["text"] for hit in one.structured_content["hits"]) for one in found}
            assert (await client.call_tool("status", {})).structured_content["client"] == name
            return list(texts)

    async def story() -> list[list[str]]:
        return await asyncio.gather(*map(one, names))

    assert asyncio.run(story()) == [[LAUNCH], [LAUNCH], ["I live in Porto."]]
    totals = keeper.gets("disclosures", "--limit", "100")["totals"]
    assert {name: totals[name] for name in names} == dict.fromkeys(names, 10)
