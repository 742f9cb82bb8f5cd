"""How long a client waits for memories over MCP: three clients at once, each its own server process, one keeper, beside asking the keeper
without MCP.

    python benchmarks/mcp_speed.py --memories 100000

Made-up memories, as recall_speed.py makes them, in a vault of their own. Each client asks ``QUESTIONS`` questions, one after the other,
after a few that are not counted; then the same three at once by the keeper's own protocol, and one client alone each way. A time is from
the question to the answer, in ms; ``start_s`` is from starting a server until it has listed its tools, ``keeper_mb`` the keeper's resident
memory after all. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from recall_speed import Language, memories, percentile

from memsync.device.keystore_file import CHEAP_COST
from memsync.device.paths import VaultPaths
from memsync.keeper.client import call, call_served
from memsync.memory import Draft
from memsync.vault import Vault

CLIENTS = ("claude-desktop", "cursor", "codex")
QUESTIONS = 60
UNCOUNTED = 5
PASSPHRASE = "benchmark"  # noqa: S105


def make_vault(home: Path, count: int) -> None:
    """A vault with so many memories, in a process of its own, whose memory is then free again."""
    chance = random.Random(5)
    made = memories(Language(chance), chance, count)
    with Vault.create(passphrase=PASSPHRASE, home=home, cost=CHEAP_COST) as vault:
        vault.remember_many(
            Draft(kind=one.kind, text=one.text, created=one.created, source=one.source) for one in made
        )


def questions_of(client: str) -> list[str]:
    chance = random.Random(client)
    language = Language(random.Random(5))
    language._chance = chance  # noqa: SLF001 - the same words, other questions
    return [language.text(chance.randrange(4, 10)) for _ in range(UNCOUNTED + QUESTIONS)]


async def over_mcp(client: str, env: dict[str, str], starts: list[float]) -> list[float]:
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "memsync", "mcp", "--client", client], env=env
    )
    times = []
    begun = time.perf_counter()
    async with Client(stdio_client(server)) as session:
        assert (await session.list_tools()).tools
        starts.append(time.perf_counter() - begun)
        for question in questions_of(client):
            begun = time.perf_counter()
            found = await session.call_tool("recall", {"question": question})
            times.append(1000 * (time.perf_counter() - begun))
            assert not found.is_error, found
            assert found.structured_content["hits"]
    return times[UNCOUNTED:]


def directly(client: str, home: Path) -> list[float]:
    token = VaultPaths.of("default", home).client_token(client).read_text().strip()
    times = []
    for question in questions_of(client):
        begun = time.perf_counter()
        found = call_served("recall", {"question": question}, home, token=token, channel="mcp")
        times.append(1000 * (time.perf_counter() - begun))
        assert found["hits"]
    return times[UNCOUNTED:]


def resident(pid: int) -> int:
    """MB, as the system counts them."""
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True)
    return int(told.stdout) // 1024


def figures_of(name: str, times: list[float]) -> dict[str, float]:
    return {f"{name}_p50": percentile(times, 0.5), f"{name}_p95": percentile(times, 0.95)}


def measure(home: Path, env: dict[str, str]) -> dict[str, float]:
    starts: list[float] = []

    async def together(clients: tuple[str, ...]) -> list[float]:
        return [
            one
            for times in await asyncio.gather(*(over_mcp(each, env, starts) for each in clients))
            for one in times
        ]

    figures: dict[str, float] = {}
    figures |= figures_of("mcp_alone", asyncio.run(together(CLIENTS[:1])))
    figures["start_s"] = round(starts.pop(), 2)
    figures |= figures_of("direct_alone", directly(CLIENTS[0], home))
    figures |= figures_of("mcp", asyncio.run(together(CLIENTS)))
    with ThreadPoolExecutor(len(CLIENTS)) as threads:
        times = [one for each in threads.map(lambda client: directly(client, home), CLIENTS) for one in each]
    return figures | figures_of("direct", times)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--memories", type=int, default=10_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="m-") as folder:
        home = Path(folder) / "home"
        (Path(folder) / "passphrase").write_text(PASSPHRASE)
        own = {"MEMSYNC_HOME": str(home), "MEMSYNC_PASSPHRASE_FILE": f"{folder}/passphrase"}
        env = {name: value for name, value in os.environ.items() if not name.startswith("MEMSYNC_")} | own
        making = get_context("fork").Process(target=make_vault, args=(home, asked.memories))
        making.start()
        making.join()
        assert making.exitcode == 0

        def say(*command: str) -> None:
            subprocess.run(
                [sys.executable, "-m", "memsync", *command],
                env=env,
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

        say("unlock")
        try:
            for client in CLIENTS:
                say("grant", client, "--scope", "personal", "--for", "1d", "--yes")
            begun = time.perf_counter()
            directly(CLIENTS[0], home)  # the index is made by the first question
            print(f"first questions {time.perf_counter() - begun:.1f} s", flush=True)
            figures: dict[str, float] = {"memories": asked.memories, "clients": len(CLIENTS)} | measure(
                home, env
            )
            figures["keeper_mb"] = resident(int(str(call("about", {}, home)["pid"])))
        finally:
            say("lock", "--all")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
