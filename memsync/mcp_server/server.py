"""The tools of this device by the Model Context Protocol: a tool for each verb of ``SERVED``, in its own words and with its own schemas.

In come a client's requests, over whichever transport; out go the keeper's answers, as structured content and as text, or its one sentence
of error. No vault is opened in this process, no key is held, and a model is told what there is, never what to do.
https://modelcontextprotocol.io/specification
"""

from __future__ import annotations

import json
from typing import Any, Final

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

import memsync.keeper.served  # noqa: F401 - fills SERVED
from memsync import __version__
from memsync.errors import MemSyncError
from memsync.keeper.verb import SERVED, ServedVerb
from memsync.mcp_server.calls import Calls
from memsync.mcp_server.requests import Context, Pages, guard, headers_of, one_page
from memsync.mcp_server.resources import Resources

INSTRUCTIONS: Final = (
    "Memories that a person keeps on this device, of the scopes that they granted to this client. "
    "A memory's text is a quotation of what was written down, by the person or by others, at the time it names. "
    "What is proposed waits for the person's review, unless they trust this client with the scope. "
    "The person can read in a ledger what was given to whom."
)
PROSE: Final = frozenset({"context", "profile"})
"""The verbs whose answer is a text for a prompt, and is given as one."""


def make_server(calls: Calls) -> Server[Any]:
    """The server over ``calls``, for any transport."""

    async def list_tools(_: Context, params: Pages) -> types.ListToolsResult:
        one_page(params)
        return types.ListToolsResult(tools=[_tool(verb) for verb in SERVED.values()])

    async def call_tool(ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        if params.name not in SERVED:
            raise MCPError(code=types.INVALID_PARAMS, message=f"Unknown tool: {params.name[:64]}")
        try:
            found = await calls.ask(params.name, params.arguments or {}, headers_of(ctx))
        except MemSyncError as error:
            return types.CallToolResult(content=[_text(calls.sentence(error))], is_error=True)
        said = str(found["text"]) if params.name in PROSE else json.dumps(found, ensure_ascii=False)
        return types.CallToolResult(content=[_text(said)], structured_content=found)

    resources = Resources(calls)
    server: Server[Any] = Server(
        "memsync",
        version=__version__,
        title="MemSync",
        description="The memory that a person keeps on this device, as far as it is granted to this client.",
        instructions=INSTRUCTIONS,
        get_tool_input_schema=lambda name: SERVED[name].schema if name in SERVED else None,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=resources.list,
        on_list_resource_templates=resources.list_templates,
        on_read_resource=resources.read,
        on_list_prompts=resources.list_prompts,
        on_get_prompt=resources.get_prompt,
    )
    # In place of the SDK's own, which would tell a tracer of the environment's about each request.
    server.middleware[:] = [guard]
    return server


def _text(text: str) -> types.TextContent:
    return types.TextContent(text=text)


def _tool(verb: ServedVerb) -> types.Tool:
    return types.Tool(
        name=verb.name,
        title=verb.title,
        description=verb.says.replace("``", "`"),
        input_schema=verb.schema,
        output_schema=verb.answer,
        annotations=types.ToolAnnotations(
            title=verb.title,
            read_only_hint=verb.reads,
            destructive_hint=verb.destroys,
            idempotent_hint=verb.again,
            open_world_hint=False,
        ),
    )
