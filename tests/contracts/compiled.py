"""The contracts that only tests use, compiled by the project's compiler; Ape isn't asked.

Kept in ``.toolchain`` under a hash of what was compiled: the second run compiles nothing.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi.abi import encode

from tools.build import ROOT, SETTINGS, collect_sources, compile_standard_json, find_compiler


@cache
def compiled(main: str) -> dict[str, dict[str, Any]]:
    """What the compiler makes of the contracts in the file ``main``, by name: ABI and init code."""
    selection = {"*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object"]}}
    given = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in collect_sources(main).items()},
        "settings": {**SETTINGS, "outputSelection": selection},
    }
    digest = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:16]
    kept = ROOT / f".toolchain/compiled/{digest}.json"
    if not kept.is_file():
        answer = compile_standard_json(find_compiler(), given, allow_warnings=True)  # others' code has some
        kept.parent.mkdir(parents=True, exist_ok=True)
        _write(kept, json.dumps(answer["contracts"][main]))
    found: dict[str, dict[str, Any]] = json.loads(kept.read_text())
    return found


def init_code_of(name: str, *arguments: object, main: str = "contracts/test/Wallets.sol") -> bytes:
    """The code that deploys one contract of ``main``."""
    made = compiled(main)[name]
    types = [one["type"] for row in made["abi"] if row["type"] == "constructor" for one in row["inputs"]]
    return bytes.fromhex(made["evm"]["bytecode"]["object"]) + encode(types, arguments)


def _write(path: Path, text: str) -> None:
    """Whole or not at all: two test runs may come here at once."""
    part = path.with_suffix(f".{hashlib.sha256(text.encode()).hexdigest()[:8]}")
    part.write_text(text)
    part.replace(path)
