"""The description of the tools' API (OpenAPI 3.1.0), made of the table of their verbs: schemas are closed, errors have one form."""

from __future__ import annotations

from typing import Any

import memsync.keeper.served  # noqa: F401 - fills SERVED
from memsync import __version__
from memsync.keeper.verb import SERVED, Schema, ServedVerb

_REFUSED = {
    "400": "The arguments can't be used; the message names the one and says what it must be.",
    "401": "No token, or one that opens nothing.",
    "403": "Not granted, or no longer.",
    "404": "No memory of that id is granted.",
    "413": "The body is too large.",
    "415": "The body is not said to be JSON.",
    "423": "The memory is locked; the message says what the person types.",
    "429": "Too many calls of this tool at once.",
    "507": "The ledger can't be written, so that nothing is given.",
}


# What an answer leads on to: the verb, its argument, and where in the answer that stands.
_LINKS = {
    "recall": (("get", "memory", "/hits/0/id"), ("fetch", "id", "/hits/0/id")),
    "search": (("fetch", "id", "/results/0/id"),),
    "list": (("get", "memory", "/memories/0/id"), ("fetch", "id", "/memories/0/id")),
    "context": (("get", "memory", "/memories/0/id"),),
    "get": (("fetch", "id", "/memory/id"),),
}


def description() -> dict[str, Any]:
    """The API as an OpenAPI document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "MemSync, for the tools of this device",
            "version": __version__,
            "summary": "What a person keeps, as far as they granted it to the caller.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": {f"/v1/{verb.path}": {"post": _operation(verb)} for verb in SERVED.values()},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _error()},
            "responses": {
                status: {
                    "description": why,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                }
                for status, why in _REFUSED.items()
            },
        },
    }


def _operation(verb: ServedVerb) -> dict[str, Any]:
    first, _, rest = verb.says.partition("\n\n")
    return {
        "operationId": verb.name,
        "summary": verb.title,
        "description": f"{first}\n\n{rest}".strip(),
        "requestBody": {"required": True, "content": {"application/json": {"schema": verb.schema}}},
        "responses": {
            "200": {
                "description": "Done.",
                "content": {"application/json": {"schema": _answer(verb.answer)}},
                "links": {
                    f"{verb.name}_{other}": {
                        "operationId": other,
                        "requestBody": {argument: f"$response.body#{where}"},
                    }
                    for other, argument, where in _LINKS.get(verb.name, ())
                },
            },
            **{status: {"$ref": f"#/components/responses/{status}"} for status in _REFUSED},
        },
    }


def _answer(answer: Schema) -> Schema:
    return {
        **answer,
        "properties": {"ok": {"const": True}, **answer["properties"]},
        "required": ["ok", *answer["required"]],
    }


def _error() -> Schema:
    text = {"type": "string"}
    error = {
        "type": "object",
        "properties": {
            "name": text,
            "message": text,
            "next": {**text, "description": "What to do about it."},
            "code": {"type": "integer", "description": "The status again."},
        },
        "required": ["name", "message", "next", "code"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"ok": {"const": False}, "error": error},
        "required": ["ok", "error"],
        "additionalProperties": False,
    }
