"""A session among thousands of messages that are wrong: it answers or ignores them, gives nothing away, and goes on being right."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.mcp_server.fuzzing import fuzz
from tests.mcp_server.mutations import ENVELOPE
from tests.mcp_server.wire import Wire, grant
from tests.people import Person

MUTATIONS = 5 * min(settings.default.max_examples, 2000)
"""500; 10,000 in `make torture`."""
SEED = 20260728


@pytest.mark.parametrize("modern", [False, True], ids=["2025", "2026"])
def test_mutated_messages_are_answered_or_ignored_and_the_next_call_is_right(keeper: Person, *, modern: bool):
    grant(keeper, "cursor")
    with Wire(keeper, "--client", "cursor") as wire:
        if modern:
            assert "result" in wire.ask("server/discover", _meta=ENVELOPE)
        else:
            wire.begin()
        found = fuzz(wire, MUTATIONS, seed=SEED, modern=modern)
        assert wire.end() == 0
    assert found.given_away == []
    assert wire.said == b""
    assert {"-32700", "-32600", "-32601", "-32602", "refused", "answered"} <= found.kinds.keys()
    assert "0" not in found.kinds and "-32603" not in found.kinds, found.kinds


@pytest.mark.parametrize(
    "version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "1999-01-01", ""]
)
def test_each_version_that_a_client_may_ask_for_is_agreed_on(keeper: Person, version: str):
    grant(keeper, "cursor")
    with Wire(keeper, "--client", "cursor") as wire:
        agreed = wire.begin(version)["protocolVersion"]
        assert agreed == (version if version[:2] == "20" else "2025-11-25")
        assert wire.call("recall", question="launch")["content"][0]["text"]
