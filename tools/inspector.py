"""Install the Model Context Protocol's inspector into ``.toolchain/inspector``, from its own lock: another's client, for the tests.

In: ``tools/inspector/package-lock.json``, and ``node.lock`` where PATH's Node.js is older than the inspector needs. Out: what runs it. It
takes 110 MB, so that `make setup` leaves it out; tests/mcp_server/test_inspector.py asks for it where ``MEMSYNC_INSPECTOR`` is set.
"""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from toolchain import (
    TOOLCHAIN,
    TOOLS,
    find_node,
    make_environment,
    node_version,
    package_environment,
    run,
    step,
)

HOME = TOOLCHAIN / "inspector"
PROGRAM = HOME / "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
FLOOR = (22, 19)


def install() -> list[Path]:
    """Install what is not there yet; the command's first words."""
    node = find_node()
    if node_version(node / "node") < FLOOR:
        node = TOOLCHAIN / "node" / "bin"
        step(
            "node",
            [TOOLS / "node.lock"],
            node / "node",
            lambda: make_environment(node.parent, TOOLS / "node.lock"),
        )
    step("inspector", [TOOLS / "inspector/package-lock.json"], PROGRAM, lambda: _make(node))
    return [node / "node", PROGRAM]


def _make(node: Path) -> None:
    HOME.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(TOOLS / "inspector" / name, HOME)
    found = package_environment()
    env = {**found, "PATH": f"{node}{os.pathsep}{found['PATH']}"}
    run(node / "npm", "ci", "--prefix", HOME, "--ignore-scripts", "--no-audit", "--no-fund", env=env)


if __name__ == "__main__":
    print(shlex.join(map(str, install())))
