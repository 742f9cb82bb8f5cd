"""The protocol's own inspector, another's client on Node, gets the tools and their answers over both transports."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import memsync.keeper.served  # noqa: F401 - fills SERVED
from memsync.keeper.verb import SERVED
from tests.mcp_server.wire import LAUNCH, environment, grant, serving, token
from tests.people import Person
from tests.shell import ROOT

pytestmark = pytest.mark.skipif(
    not os.environ.get("MEMSYNC_INSPECTOR"),
    reason="MEMSYNC_INSPECTOR=1 installs the MCP Inspector into .toolchain (110 MB; Node 24 for it is 205 MB more) and runs this",
)


@pytest.fixture(scope="module")
def inspector() -> list[str]:
    done = subprocess.run(
        [sys.executable, ROOT / "tools/inspector.py"], check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout.splitlines()[-1].split()


@pytest.fixture(params=["stdio", "http"])
def inspect(request: pytest.FixtureRequest, keeper: Person, inspector: list[str]):
    """Has the inspector do one method; what it printed."""
    grant(keeper, "cursor")

    def asks(*target: str):
        def ask(method: str, *args: str) -> dict:
            done = subprocess.run(
                [*inspector, "--cli", *target, "--method", method, *args],
                env=environment(keeper, HOME=str(keeper.folder)),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.stdout, (done.returncode, done.stderr)
            return json.loads(done.stdout)

        return ask

    if request.param == "stdio":
        env = [word for name, value in keeper.env.items() for word in ("-e", f"{name}={value}")]
        yield asks(*env, sys.executable, "-m", "memsync", "mcp", "--client", "cursor")
        return
    with serving(keeper) as url:
        yield asks(url, "--transport", "http", "--header", f"Authorization: Bearer {token(keeper, 'cursor')}")


def test_the_inspector_lists_calls_and_reads(inspect):
    tools = {tool["name"]: tool for tool in inspect("tools/list")["tools"]}
    assert tools.keys() == SERVED.keys()
    assert all(tools[name]["inputSchema"] == verb.schema for name, verb in SERVED.items())
    found = inspect("tools/call", "--tool-name", "recall", "--tool-arg", "question=launch")
    assert found["structuredContent"]["hits"][0]["text"] == LAUNCH
    assert json.loads(found["content"][0]["text"]) == found["structuredContent"]
    refused = inspect(
        "tools/call", "--tool-name", "recall", "--tool-arg", "question=launch", "scope=personal"
    )
    assert refused["isError"] is True and "memsync grant cursor" in refused["content"][0]["text"]
    assert "memory://granted" in {one["uri"] for one in inspect("resources/list")["resources"]}
    assert LAUNCH in json.dumps(
        inspect("prompts/get", "--prompt-name", "context", "--prompt-args", "question=launch")
    )
