"""What every request to the server has in common: its headers, its pages, and how an error of ours becomes one of the protocol's."""

from __future__ import annotations

from typing import Any, Final

import mcp_types as types
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from memsync.errors import InputError, MemSyncError, NotFoundError
from memsync.keeper.wire import place_of
from memsync.mcp_server.calls import Calls, log
from memsync.mcp_server.identity import Headers

Context = ServerRequestContext[Any, Any]
Pages = types.PaginatedRequestParams | None

_NO_RESOURCE: Final = -32002  # of the specifications before 2026-07-28, which has INVALID_PARAMS for it


def headers_of(ctx: Context) -> Headers:
    """The headers of the HTTP request that it came by; none over stdio."""
    return {} if ctx.request is None else dict(ctx.request.headers)


def one_page(params: Pages) -> None:
    """Every list here is one page: a cursor is none that was given."""
    if params is not None and params.cursor is not None:
        raise MCPError(code=types.INVALID_PARAMS, message="No such page; leave the cursor out")


def no_resource(ctx: Context, message: str) -> MCPError:
    """The protocol's error for a resource that isn't there."""
    modern = ctx.protocol_version in MODERN_PROTOCOL_VERSIONS
    return MCPError(code=types.INVALID_PARAMS if modern else _NO_RESOURCE, message=message)


def protocol_error(ctx: Context, calls: Calls, error: MemSyncError) -> MCPError:
    """An error of ours where no tool's result can hold it."""
    if isinstance(error, NotFoundError):
        return no_resource(ctx, calls.sentence(error))
    code = types.INVALID_PARAMS if isinstance(error, InputError) else types.INTERNAL_ERROR
    return MCPError(code=code, message=calls.sentence(error))


async def guard(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Around each request: nothing of what nobody foresaw reaches the client."""
    try:
        return await call_next(ctx)
    except (MCPError, ValidationError):
        raise
    except Exception as error:  # noqa: BLE001 - the log says where it is
        log.error("%s %s at %s", ctx.method[:64], type(error).__name__, place_of(error))
        raise MCPError(
            code=types.INTERNAL_ERROR, message="A fault of MemSync's own; please report it"
        ) from None
