"""How fast a command starts, and what an idle keeper holds: ``--help``, and verbs done by a keeper, each as a process from a shell.

    python benchmarks/cli.py [memories, default 10000]

Medians of 15 starts each, in seconds, beside what starting Python and importing click take in the same run; the keeper's resident memory in
MB, after it has answered, before a chain was used and after. The last line is one JSON object.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from format_size import Author

from memsync.chain.node import local_node
from memsync.device.keystore_file import CHEAP_COST
from memsync.memory import Draft
from memsync.vault import Vault

STARTS = 15
PASSPHRASE = "benchmark"  # noqa: S105


def main(count: int) -> None:
    author = Author(7)
    figures: dict[str, float | int] = {"memories": count, "starts": STARTS}
    with tempfile.TemporaryDirectory(prefix="m-") as folder, local_node() as node:
        home = Path(folder) / "home"
        (Path(folder) / "passphrase").write_text(PASSPHRASE)
        env = os.environ | {
            "MEMSYNC_HOME": str(home),
            "MEMSYNC_PASSPHRASE_FILE": f"{folder}/passphrase",
            "APE_DATA_FOLDER": f"{folder}/ape",
        }
        with Vault.create(passphrase=PASSPHRASE, home=home, cost=CHEAP_COST) as vault:
            vault.remember_many(
                Draft(kind="semantic", text=author.text(300), created=number) for number in range(count)
            )
        memsync = str(Path(sys.executable).parent / "memsync")

        def median(name: str, *command: str) -> None:
            took = []
            for _ in range(STARTS):
                start = time.perf_counter()
                subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
                took.append(time.perf_counter() - start)
            figures[name] = round(statistics.median(took), 3)

        median("python", sys.executable, "-c", "pass")
        median("python and click", sys.executable, "-c", "import click")
        median("--help", memsync, "--help")
        median("recall without a keeper", memsync, "recall", "the lighthouse")
        unlocked = subprocess.run([memsync, "unlock", "--json"], env=env, check=True, capture_output=True)
        pid = json.loads(unlocked.stdout)["pid"]
        try:
            median("remember", memsync, "remember", "The tide turns at noon.")
            median("recall", memsync, "recall", "the lighthouse")
            median("status", memsync, "status")
            figures["keeper MB"] = resident(pid)
            subprocess.run(
                [memsync, "chain", "use", node.url, "--payer", "TEST::0"],
                env=env,
                check=True,
                stdout=subprocess.DEVNULL,
            )
            subprocess.run([memsync, "push"], env=env, check=True, stdout=subprocess.DEVNULL)
            median("push of nothing", memsync, "push")
            figures["keeper MB after a push"] = resident(pid)
        finally:
            subprocess.run([memsync, "lock", "--all"], env=env, check=True, stdout=subprocess.DEVNULL)
    for name, figure in figures.items():
        print(f"{name:<28}{figure}")
    print(json.dumps(figures))


def resident(pid: int) -> int:
    """MB that the process has in memory; of Linux's /proc."""
    [line] = [one for one in Path(f"/proc/{pid}/status").read_text().splitlines() if one.startswith("VmRSS")]
    return int(line.split()[1]) // 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
