"""What memsync.ipld and memsync.crypto take in: no file, socket, clock; none of Ape's or web3's world."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import memsync

ROOT = Path(memsync.__file__).parent
MODULES = sorted(ROOT.glob("ipld/*.py")) + sorted(ROOT.glob("crypto/*.py"))
FORBIDDEN = {
    "os",
    "socket",
    "time",
    "random",
    "pathlib",
    "datetime",
    "asyncio",
    "urllib",
    "http",
    "subprocess",
    "io",
    "logging",
}
FOREIGN = {"ape", "web3", "eth_account", "numpy", "eth_abi", "requests", "httpx"}


def imported(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def test_no_module_imports_what_reaches_outside():
    assert len(MODULES) >= 18
    for path in MODULES:
        assert not set(imported(path.read_text(encoding="utf-8"))) & (FORBIDDEN | FOREIGN), path.name


def test_an_import_that_reaches_outside_would_be_seen():
    assert set(imported("def f():\n    from os import path\n    import time, ape.api")) == {
        "os",
        "time",
        "ape",
    }


def test_importing_all_of_it_loads_nothing_of_ape_or_web3():
    names = [f"memsync.{path.parent.name}.{path.stem}" for path in MODULES if path.stem != "__init__"]
    code = f"import importlib, json, sys\nfor name in {names!r}: importlib.import_module(name)\nprint(json.dumps(list(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in json.loads(run.stdout)}
    assert {"cryptography", "coincurve", "Crypto"} <= loaded
    assert not loaded & FOREIGN
