"""Valid messages of a session, changed in one place or several, for a server that must answer or ignore them and live on."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any, Final

VALID: Final[list[tuple[str, dict[str, Any]]]] = [
    ("tools/call", {"name": "recall", "arguments": {"question": "launch", "k": 3, "also": ["May"]}}),
    ("tools/call", {"name": "context", "arguments": {"question": "launch", "tokens": 200}}),
    ("tools/call", {"name": "list", "arguments": {"limit": 2, "since": "2020-01-01"}}),
    ("tools/call", {"name": "get", "arguments": {"memory": "ab" * 16}}),
    ("tools/call", {"name": "forget", "arguments": {"query": "launch"}}),
    ("tools/call", {"name": "status", "arguments": {}}),
    ("tools/list", {}),
    ("resources/list", {}),
    ("resources/templates/list", {}),
    ("resources/read", {"uri": "memory://granted"}),
    ("resources/read", {"uri": "memory://" + "ab" * 16}),
    ("prompts/list", {}),
    ("prompts/get", {"name": "context", "arguments": {"question": "launch"}}),
    ("ping", {}),
    ("notifications/cancelled", {"requestId": 1, "reason": "no more"}),
    ("notifications/progress", {"progressToken": 1, "progress": 0.5}),
]
METHODS: Final = [
    "initialize", "server/discover", "tools/nothing", "", "rpc.discover", "logging/setLevel", "completion/complete",
    "resources/subscribe", "subscriptions/listen", "sampling/createMessage", "roots/list", "notifications/initialized",
    "notifications/nothing", "__class__", "x" * 10_000, "tools/call\n", "\x00", "tasks/get",
]  # fmt: skip
ODD: Final[list[Any]] = [
    None, True, False, 0, -1, 1.5, 1e308, 2**63, -(2**64), 10**400, "", " ", "\x00", "\u202e", "é" * 100, "x" * 5000, "../../etc/passwd",
    "memory://", "' OR 1=1 --", "${jndi:x}", [], {}, [[]], {"": ""}, [None] * 50, {"__proto__": {}}, ["x"] * 2000, "😀",
]  # fmt: skip


ODD_LINES: Final = [
    b"", b" ", b"null", b"true", b"0", b'""', b"{}", b"[]", b"\r", b"]" * 1000, b'{"id": ' + b"[" * 900, b"{'jsonrpc': '2.0'}",
    b"\xef\xbb\xbf{}",
    b"\xff\xfe\x00{", b"\x00" * 50, b"\xc3\x28", b"Content-Length: 5", b"GET / HTTP/1.1", b'{"jsonrpc": "2.0"}',
    b'{"jsonrpc": "2.0", "id": 3, "result": {}}',
    b'{"jsonrpc": "2.0", "id": 4, "error": {}}',
    b'{"jsonrpc": "2.0", "id": 7, "error": {"code": -1, "message": "x"}}',
    b'{"jsonrpc": "2.0", "id": "\\ud800", "method": "ping"}',
    b'{"jsonrpc": "2.0", "id": null, "method": "ping"}',
]  # fmt: skip
ENVELOPE: Final[dict[str, Any]] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
"""What each request of the protocol of 2026 says of who sends it."""


class Mutations:
    """Lines by a seed, of the protocol of 2026 or of those before; ids are above ``first``, to meet none of the session's own."""

    def __init__(self, seed: int, *, modern: bool = False, first: int = 1_000_000) -> None:
        self._chance, self._modern = random.Random(seed), modern
        self._id = first
        self._ways: list[Callable[[], bytes]] = [
            self._types, self._types, self._types, self._types, self._ids, self._method, self._nested, self._number, self._twice,
            self._bytes, self._bytes, self._batch, self._cut, self._unknown_keys, self._dropped, self._cancelled, self._envelope,
            self._odd_json,
        ]  # fmt: skip

    def line(self) -> bytes:
        """One line, without its end."""
        if self._chance.random() < 0.004:
            return self._long()
        return self._chance.choice(self._ways)().replace(b"\n", b" ")

    def _message(self) -> dict[str, Any]:
        method, params = self._chance.choice(VALID)
        self._id += 1
        found: dict[str, Any] = {"jsonrpc": "2.0", "id": self._id, "method": method}
        if method.startswith("notifications/"):
            del found["id"]
        found["params"] = copy.deepcopy(params)
        if self._modern and "id" in found:
            found["params"]["_meta"] = copy.deepcopy(ENVELOPE)
        return found

    def _types(self) -> bytes:
        """Values of another type, somewhere."""
        found = self._message()
        for _ in range(self._chance.choice((1, 1, 1, 2, 4))):
            places = list(_places(found))
            holder, key = self._chance.choice(places)
            holder[key] = copy.deepcopy(self._chance.choice(ODD))
        return _json(found)

    def _ids(self) -> bytes:
        return _json(self._message() | {"id": self._chance.choice([*ODD, "same", "same", 5, "5"])})

    def _method(self) -> bytes:
        return _json(self._message() | {"method": self._chance.choice(METHODS)})

    def _nested(self) -> bytes:
        depth = self._chance.choice((50, 150, 250, 1000, 50_000))
        opening, closing = self._chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
        deep = opening * depth + b"1" + closing * self._chance.choice((depth, depth, depth - 1))
        where = self._chance.choice((b'"HERE"', b'"recall"', b'"launch"'))
        found = self._message()
        found["params"]["here"] = "HERE"
        return _json(found).replace(where, deep, 1)

    def _number(self) -> bytes:
        huge = self._chance.choice(
            (
                b"9" * 5000,
                b"1e999",
                b"-1e999",
                b"NaN",
                b"Infinity",
                b"0x10",
                b"01",
                b"1" + b"0" * 400,
                b"1.",
                b"+1",
            )
        )
        found = self._message()
        found.setdefault("params", {})["here"] = "HERE"
        if self._chance.random() < 0.5:
            found["id"] = "HERE"
        return _json(found).replace(b'"HERE"', huge)

    def _twice(self) -> bytes:
        line = _json(self._message())
        key = self._chance.choice(
            ('"id": 5', '"method": "ping"', '"params": {}', '"jsonrpc": "1.0"', '"id": null')
        )
        return (
            line[:-1] + f", {key}}}".encode()
            if self._chance.random() < 0.5
            else f"{{{key}, ".encode() + line[1:]
        )

    def _bytes(self) -> bytes:
        line = bytearray(_json(self._message()))
        for _ in range(self._chance.choice((1, 1, 3, 20))):
            line[self._chance.randrange(len(line))] = self._chance.randrange(256)
        return bytes(line)

    def _batch(self) -> bytes:
        return _json([self._message() for _ in range(self._chance.choice((0, 1, 3, 100)))])

    def _cut(self) -> bytes:
        line = _json(self._message())
        return line[: self._chance.randrange(len(line))] * self._chance.choice((1, 1, 2))

    def _unknown_keys(self) -> bytes:
        found = self._message()
        target = self._chance.choice([found, found["params"]])
        for _ in range(self._chance.choice((1, 5, 500))):
            target[f"key{self._chance.random()}"] = self._chance.choice(ODD[:15])
        return _json(found)

    def _dropped(self) -> bytes:
        found = self._message()
        holder, key = self._chance.choice(list(_places(found)))
        if isinstance(holder, dict):
            del holder[key]
        return _json(found)

    def _cancelled(self) -> bytes:
        given_up = self._chance.choice([self._id, self._id - 1, str(self._id), *ODD])
        params = {"requestId": given_up, "reason": self._chance.choice(["", None, "x" * 1000])}
        return _json({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})

    def _envelope(self) -> bytes:
        """The other age's envelope, or a broken one."""
        found = self._message()
        version = self._chance.choice(["2026-07-28", "1999-01-01", "", *ODD[:8]])
        found["params"]["_meta"] = self._chance.choice(
            [
                {
                    "io.modelcontextprotocol/protocolVersion": version,
                    "io.modelcontextprotocol/clientCapabilities": {},
                },
                {"progressToken": self._chance.choice(ODD)},
                *ODD,
            ]
        )
        return _json(found)

    def _odd_json(self) -> bytes:
        return self._chance.choice(ODD_LINES)

    def _long(self) -> bytes:
        size = self._chance.choice((3 << 20, 5 << 20))
        found = self._message()
        found["params"]["here"] = "x" * size
        return _json(found) if self._chance.random() < 0.7 else b"x" * size


def _places(value: Any):
    """Where something is: each holder and key, itself among what is held."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, held in items:
        yield value, key
        yield from _places(held)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode(errors="replace")
