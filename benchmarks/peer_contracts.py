"""Where the peers' code comes from: ``Peers.sol`` by our compiler, others' contracts as their authors published them on npm.

``peers.json`` pins each package by content. They are fetched once, by the machine's own npm, into ``.toolchain/peers``; nothing in
them is run but the bytecode, on a local node.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from build import SETTINGS, collect_sources, compile_standard_json, find_compiler  # noqa: E402, the path comes first

PEERS = ROOT / ".toolchain/peers"
PINNED: dict[str, dict[str, str]] = json.loads((ROOT / "benchmarks/peers.json").read_text())
EAS = "@ethereum-attestation-service/eas-contracts"


def published(package: str, path: str) -> bytes:
    """The init code in one artifact of a package."""
    with tarfile.open(fileobj=io.BytesIO(_tarball(package))) as archive:
        member = archive.extractfile(f"package/{path}")
        assert member, f"{package} has no {path}"
        artifact: dict[str, Any] = json.load(member)
    return bytes.fromhex(artifact["bytecode"].removeprefix("0x"))


def compiled(name: str) -> bytes:
    """The init code of one contract of ``Peers.sol``, built as the registry is."""
    main = "benchmarks/Peers.sol"
    given = {
        "language": "Solidity",
        "sources": {source: {"content": text} for source, text in collect_sources(main).items()},
        "settings": {**SETTINGS, "outputSelection": {main: {name: ["evm.bytecode.object"]}}},
    }
    made = compile_standard_json(find_compiler(), given)["contracts"][main][name]
    return bytes.fromhex(made["evm"]["bytecode"]["object"])


def _tarball(package: str) -> bytes:
    pin = PINNED[package]
    kept = PEERS / f"{package.replace('/', '+')}-{pin['version']}.tgz"
    if not kept.is_file():
        PEERS.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", "--silent", "--pack-destination", str(PEERS), f"{package}@{pin['version']}"]
        name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]
        (PEERS / name).rename(kept)
    data = kept.read_bytes()
    digest = "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()
    assert digest == pin["integrity"], f"{kept} isn't what peers.json names; delete it"
    return data
