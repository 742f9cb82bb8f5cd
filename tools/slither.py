"""Run Slither over the contract: part of ``make prove``.

Slither gets the canonical build's sources, laid out under ``.toolchain/slither`` by their stable names, and our compiler. Every
finding about our own code must stand in ``slither.json`` with the reason, in one line, why it is none; a reason without a finding is
stale and fails too. What Slither says about OpenZeppelin's files is OpenZeppelin's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from build import ROOT, SETTINGS, BuildFailed, collect_sources, find_compiler
from prove import VENV, install
from toolchain import TOOLCHAIN, SetupFailed

HOME = TOOLCHAIN / "slither"
ARGUED = ROOT / "tools/slither.json"


def findings() -> list[dict[str, Any]]:
    """What Slither finds in ``contracts/``."""
    sources = collect_sources()
    for name, text in sources.items():
        path = HOME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    wanted = ["abi", "devdoc", "evm.bytecode", "evm.deployedBytecode", "metadata", "userdoc"]
    given = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sources.items()},
        "settings": {**SETTINGS, "outputSelection": {"*": {"*": wanted, "": ["ast"]}}},
    }
    (HOME / "input.json").write_text(json.dumps(given))
    command = [
        str(VENV / "bin/slither"),
        "input.json",
        "--compile-force-framework",
        "solc-json",
        "--json",
        "-",
    ]
    command += ["--solc", str(find_compiler()), "--exclude-dependencies"]
    env = {**os.environ, "HOME": str(HOME)}
    done = subprocess.run(command, cwd=HOME, env=env, check=False, capture_output=True, text=True)
    try:
        answer = json.loads(done.stdout)
    except ValueError as err:
        raise BuildFailed(f"slither gave no answer:\n{done.stdout}{done.stderr}") from err
    if not answer["success"]:
        raise BuildFailed(f"slither failed: {answer['error']}")
    rows: list[dict[str, Any]] = answer["results"].get("detectors", [])
    return [row for row in rows if any(_file(one).startswith("contracts/") for one in row["elements"])]


def _file(element: dict[str, Any]) -> str:
    return str(element["source_mapping"]["filename_relative"])


def name_of(row: dict[str, Any]) -> str:
    """Detector and place: ``timestamp: MemoryRegistry._holds``."""
    first = row["elements"][0]
    parent = first.get("type_specific_fields", {}).get("parent", {}).get("name", "")
    return f"{row['check']}: {parent}.{first['name']}"


def main() -> int:
    install()
    argued: dict[str, str] = json.loads(ARGUED.read_text()) if ARGUED.is_file() else {}
    found = {name_of(row): row for row in findings()}
    for name, row in found.items():
        print(
            f"{row['impact'].lower()}, {name}\n    {argued.get(name) or 'NOT ARGUED: ' + row['description']}"
        )
    stale = argued.keys() - found.keys()
    for name in stale:
        print(f"argued and not found: {name}")
    open_ones = found.keys() - argued.keys()
    print(f"slither: {len(found)} findings, {len(open_ones)} of them not argued")
    return 1 if open_ones or stale else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BuildFailed, SetupFailed) as failure:
        sys.exit(f"slither: {failure}")
