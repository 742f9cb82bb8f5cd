"""Mutations sent in a session that goes on being right; what came back, and whether anything in it should not have."""

from __future__ import annotations

import json
import queue
from collections import Counter
from dataclasses import dataclass, field

from tests.mcp_server.mutations import ENVELOPE, Mutations
from tests.mcp_server.wire import LAUNCH, PATIENCE, Wire

GIVEN_AWAY = (b"Traceback", b'File \\"', b".py", b"site-packages", b"pydantic", b"/home", b"/tmp", b"/root")
"""What no answer may hold: where this program is, and what it is made of."""


@dataclass
class Found:
    """How many answers of which kind; ``given_away`` are answers that held what no answer may."""

    kinds: Counter[str] = field(default_factory=Counter)
    given_away: list[bytes] = field(default_factory=list)
    sent: int = 0


def fuzz(wire: Wire, count: int, seed: int, *, modern: bool = False, every: int = 500) -> Found:
    """Send ``count`` mutations; after each ``every`` a valid call must be answered rightly, by a process that lives."""
    mutations, found = Mutations(seed, modern=modern), Found()
    while found.sent < count:
        for _ in range(min(every, count - found.sent)):
            wire.send(mutations.line() + b"\n")
            found.sent += 1
            _look(wire, found)
        for number, call in enumerate(({"question": "launch"}, {"question": "When is the launch?", "k": 1})):
            ident = f"right-{found.sent}-{number}"
            params = {"name": "recall", "arguments": call} | ({"_meta": ENVELOPE} if modern else {})
            wire.send({"jsonrpc": "2.0", "id": ident, "method": "tools/call", "params": params})
            answer = _until(wire, ident, found)
            [hit] = answer["result"]["structuredContent"]["hits"]
            assert hit["text"] == LAUNCH
        assert wire.process.poll() is None
    return found


def _look(wire: Wire, found: Found) -> None:
    """Take what has come, without waiting."""
    while True:
        try:
            _take(wire.lines.get_nowait(), found)
        except queue.Empty:
            return


def _until(wire: Wire, ident: str, found: Found) -> dict:
    while True:
        line = wire.lines.get(timeout=PATIENCE)
        assert line, ("the server has ended", wire.process.wait(PATIENCE), wire.said)
        answer = _take(line, found)
        if answer.get("id") == ident:
            return answer


def _take(line: bytes, found: Found) -> dict:
    answer = json.loads(line)
    assert answer["jsonrpc"] == "2.0" and ("result" in answer) != ("error" in answer), line
    refused = answer.get("result", {}).get("isError")
    kind = str(answer["error"]["code"]) if "error" in answer else "refused" if refused else "answered"
    found.kinds[kind] += 1
    if any(word in line for word in GIVEN_AWAY):
        found.given_away.append(line[:500])
    return answer
