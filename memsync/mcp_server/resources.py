"""What a person may put into a conversation themselves: memories and profiles as resources, and prompts.

In goes a URI or a prompt's name, out comes what the tools' verb of the same meaning finds. The list names what is granted and the profiles,
never each memory: those are read by the id that a tool gave.
"""

from __future__ import annotations

import json
import re
from typing import Final
from urllib.parse import quote, unquote

import mcp_types as types
from mcp.shared.exceptions import MCPError

from memsync.errors import MemSyncError
from memsync.keeper.verb import SERVED
from memsync.mcp_server.calls import Calls
from memsync.mcp_server.requests import (
    Context,
    Pages,
    headers_of,
    no_resource,
    one_page,
    protocol_error,
)

_MEMORY: Final = re.compile(r"memory://([0-9a-f]{32})", re.ASCII)
_PROFILE: Final = re.compile(r"memory://profile(?:/([^/]{1,600}))?", re.ASCII)
_GRANTED: Final = "memory://granted"
_JSON: Final = "application/json"
_TEXT: Final = "text/plain"


class Resources:
    """The handlers of resources and prompts over ``calls``."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def list(self, ctx: Context, params: Pages) -> types.ListResourcesResult:
        """What is granted; and the profiles, of all granted scopes and of each. Without a keeper those whose names are known."""
        one_page(params)
        found = [
            types.Resource(
                uri=_GRANTED,
                name="granted",
                title="What is granted",
                description="Which scopes this client may read or write to, and until when.",
                mime_type=_JSON,
            )
        ]
        found.append(_profile("memory://profile", "profile", "Profile"))
        try:
            status = await self._calls.ask("status", {}, headers_of(ctx))
        except MemSyncError:
            return types.ListResourcesResult(resources=found)
        scopes = status["scopes"]
        for one in scopes if isinstance(scopes, list) else ():
            name = str(one["scope"])
            uri = f"memory://profile/{quote(name, safe='')}"
            found.append(_profile(uri, f"profile-{name}", f"Profile: {name}"))
        return types.ListResourcesResult(resources=found)

    async def list_templates(self, _: Context, params: Pages) -> types.ListResourceTemplatesResult:
        """One memory by its id, and one scope's profile."""
        one_page(params)
        memory = types.ResourceTemplate(
            uri_template="memory://{id}",
            name="memory",
            title="One memory",
            description="A memory whole, by its id of 32 hexadecimal digits.",
            mime_type=_JSON,
        )
        profile = types.ResourceTemplate(
            uri_template="memory://profile/{scope}",
            name="scope-profile",
            title="Profile of a scope",
            description=_says("profile"),
            mime_type=_TEXT,
        )
        return types.ListResourceTemplatesResult(resource_templates=[memory, profile])

    async def read(self, ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        """The text of one."""
        verb, given = _asked(params.uri)
        if not verb:
            raise no_resource(ctx, "No such resource; `resources/list` has those there are")
        found = await self._ask(ctx, verb, given)
        prose = verb == "profile"
        text = str(found["text"]) if prose else json.dumps(found, ensure_ascii=False)
        content = types.TextResourceContents(uri=params.uri, mime_type=_TEXT if prose else _JSON, text=text)
        return types.ReadResourceResult(contents=[content])

    async def list_prompts(self, _: Context, params: Pages) -> types.ListPromptsResult:
        """Those that a person starts a conversation with."""
        one_page(params)
        return types.ListPromptsResult(prompts=[_prompt(name) for name in _PROMPTS])

    async def get_prompt(self, ctx: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        """The block as the person's own message."""
        if params.name not in _PROMPTS:
            raise MCPError(code=types.INVALID_PARAMS, message=f"Unknown prompt: {params.name[:64]}")
        given = {name: value for name, value in (params.arguments or {}).items() if value}
        unknown = given.keys() - _PROMPTS[params.name].keys()
        if unknown:
            takes = ", ".join(_PROMPTS[params.name])
            raise MCPError(code=types.INVALID_PARAMS, message=f"`{params.name}` takes {takes} only")
        found = await self._ask(ctx, params.name, given)
        message = types.PromptMessage(role="user", content=types.TextContent(text=str(found["text"])))
        return types.GetPromptResult(description=SERVED[params.name].title, messages=[message])

    async def _ask(self, ctx: Context, verb: str, given: dict[str, str]) -> dict[str, object]:
        try:
            return await self._calls.ask(verb, given, headers_of(ctx))
        except MemSyncError as error:
            raise protocol_error(ctx, self._calls, error) from error


# The prompts by verb, with what the person may fill in, and whether they must.
_PROMPTS: Final = {"context": {"question": True, "scope": False}, "profile": {"scope": False}}


def _asked(uri: str) -> tuple[str, dict[str, str]]:
    """The verb that answers for a URI, and its arguments; an empty name for none."""
    if uri == _GRANTED:
        return "status", {}
    if memory := _MEMORY.fullmatch(uri):
        return "get", {"memory": memory[1]}
    if profile := _PROFILE.fullmatch(uri):
        return "profile", {} if profile[1] is None else {"scope": unquote(profile[1])}
    return "", {}


def _profile(uri: str, name: str, title: str) -> types.Resource:
    return types.Resource(uri=uri, name=name, title=title, description=_says("profile"), mime_type=_TEXT)


def _prompt(name: str) -> types.Prompt:
    verb = SERVED[name]
    arguments = [
        types.PromptArgument(name=one, description=verb.parameters[one].says.what, required=required)
        for one, required in _PROMPTS[name].items()
    ]
    return types.Prompt(name=name, title=verb.title, description=_says(name), arguments=arguments)


def _says(name: str) -> str:
    return SERVED[name].says.replace("``", "`")
