"""A message as it comes in: JSON-RPC 2.0 read strictly, and what is answered to bytes that are none (section 5.1)."""

from __future__ import annotations

import json
from typing import Final

import mcp_types as types
from pydantic import ValidationError

LONGEST: Final = 4 << 20
"""Bytes of a message."""


def read_message(data: bytes) -> types.JSONRPCMessage | None:
    """The message; None for what is none."""
    try:
        return types.jsonrpc_message_adapter.validate_json(data, by_name=False)
    except ValidationError:
        return None


def refusal(data: bytes) -> types.JSONRPCError:
    """What is answered to what is no message: with its id, where it has one."""
    try:
        found = json.loads(data)
        ident = found.get("id") if isinstance(found, dict) else None
    except (ValueError, RecursionError):
        return error(types.PARSE_ERROR, "Parse error")
    known = type(ident) is int or (type(ident) is str and ident.isprintable())
    return error(types.INVALID_REQUEST, "Invalid request", ident if known else None)


def error(code: int, message: str, ident: types.RequestId | None = None) -> types.JSONRPCError:
    """An answer that is an error."""
    return types.JSONRPCError(jsonrpc="2.0", id=ident, error=types.ErrorData(code=code, message=message))


def line_of(message: types.JSONRPCMessage) -> str:
    """A message as JSON."""
    return message.model_dump_json(by_alias=True, exclude_unset=True)
