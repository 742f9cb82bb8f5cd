"""Compile the contract into its one canonical artifact, or check that the committed one is what the sources give.

    python tools/build.py           write memsync/chain/registry.json
    python tools/build.py --check   rebuild and compare; exit 1 and one line if they differ

In: ``contracts/MemoryRegistry.sol`` with everything it imports, OpenZeppelin from ``tools/node_modules``, and the compiler of ``make
setup``. Out: one JSON file with the ABI, the code and its hashes, the CREATE2 address, the storage layout, and the standard-JSON input
that anybody can feed to solc to get the same bytes. Sources are keyed by stable relative names and no metadata is appended, so that
the code depends on the sources and on nothing of this machine. Ape can't switch the metadata off: what ``ape compile`` makes is the
same runtime code plus that tail. Never fetches anything.
"""

from __future__ import annotations

import json
import os
import posixpath
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from memsync.crypto.secp256k1 import keccak

ROOT = Path(__file__).resolve().parent.parent
ARTIFACT = ROOT / "memsync/chain/registry.json"
SOLC = "solc-v0.8.37"
MAIN = "contracts/MemoryRegistry.sol"
NAME = "MemoryRegistry"

# The deterministic deployment factory that most chains have at this address (EIP-7997 makes it part of the protocol).
FACTORY = bytes.fromhex("4e59b44847b379578588920ca78fbf26c0b4956c")
DEPLOY_SALT = b"memsync/v1".ljust(32, b"\0")

SETTINGS: dict[str, Any] = {
    "viaIR": True,
    "optimizer": {"enabled": True, "runs": 1_000_000},
    "evmVersion": "cancun",
    "metadata": {"bytecodeHash": "none", "appendCBOR": False},
    "outputSelection": {
        "*": {"*": ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "storageLayout"]}
    },
}

_IMPORT = re.compile(r'^import\s[^"]*"([^"]+)";', re.MULTILINE)


class BuildFailed(Exception):
    """The artifact can't be made, or isn't what it must be; the message is one line."""


def find_compiler() -> Path:
    """The compiler that ``make setup`` made, or the user's own of exactly this version."""
    places = [os.environ.get("SOLCX_BINARY_PATH"), ROOT / ".toolchain/solcx", Path.home() / ".solcx"]
    for place in places:
        if place and (Path(place) / SOLC).is_file():
            return Path(place) / SOLC
    raise BuildFailed(f"no {SOLC}: run `make setup`")


def compiler_version(solc: Path) -> str:
    """The version with its commit, without the platform: ``0.8.37+commit.f401782d``."""
    said = subprocess.run([str(solc), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"Version: (\d+\.\d+\.\d+\+commit\.[0-9a-f]+)", said)
    if not found:
        raise BuildFailed(f"{solc} doesn't tell its version")
    return found[1]


def collect_sources(main: str = MAIN) -> dict[str, str]:
    """Every source that ``main`` reaches, by stable name: ``contracts/…`` or ``@openzeppelin/contracts/…``."""
    found: dict[str, str] = {}
    waiting = [main]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        ours = name.startswith(("benchmarks/", "contracts/", "tests/"))
        path = ROOT / name if ours else ROOT / "tools/node_modules" / name
        if not path.is_file():
            raise BuildFailed(f"{name} is imported and not there: run `make setup`")
        found[name] = path.read_text(encoding="utf-8")
        here = posixpath.dirname(name)
        targets = _IMPORT.findall(found[name])
        waiting += [
            posixpath.normpath(posixpath.join(here, to)) if to.startswith(".") else to for to in targets
        ]
    return {name: found[name] for name in sorted(found)}


def compile_standard_json(
    solc: Path, given: dict[str, Any], *, allow_warnings: bool = False
) -> dict[str, Any]:
    """Run the compiler; any warning counts as a failure, unless they are allowed."""
    done = subprocess.run(
        [str(solc), "--standard-json"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if done.returncode != 0:
        raise BuildFailed(f"{solc} failed: {done.stderr.strip() or done.stdout.strip()}")
    return checked(json.loads(done.stdout), allow_warnings=allow_warnings)


def checked(answer: dict[str, Any], *, allow_warnings: bool = False) -> dict[str, Any]:
    """The compiler's answer, or ``BuildFailed`` with what it complains about."""
    harmless = ("info", "warning") if allow_warnings else ("info",)
    problems = [
        problem["formattedMessage"]
        for problem in answer.get("errors", [])
        if problem["severity"] not in harmless
    ]
    if problems:
        raise BuildFailed("\n".join(problems))
    return answer


def plain_layout(layout: dict[str, Any]) -> dict[str, Any]:
    """The compiler's storage layout without AST ids: variables by slot, and the members of each struct."""
    types = layout["types"]

    def members(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {
                "name": row["label"],
                "slot": int(row["slot"]),
                "offset": row["offset"],
                "bytes": int(types[row["type"]]["numberOfBytes"]),
                "type": types[row["type"]]["label"],
            }
            for row in rows
        ]

    structs = {
        kind["label"].removeprefix("struct ").rpartition(".")[2]: members(kind["members"])
        for kind in types.values()
        if "members" in kind
    }
    return {"variables": members(layout["storage"]), "structs": dict(sorted(structs.items()))}


def build() -> dict[str, Any]:
    """Compile and return the artifact."""
    solc = find_compiler()
    given = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in collect_sources().items()},
        "settings": SETTINGS,
    }
    made = compile_standard_json(solc, given)["contracts"][MAIN][NAME]
    init_code = bytes.fromhex(made["evm"]["bytecode"]["object"])
    runtime_code = bytes.fromhex(made["evm"]["deployedBytecode"]["object"])
    address = keccak(b"\xff" + FACTORY + DEPLOY_SALT + keccak(init_code))[12:]
    return {
        "contract": NAME,
        "compiler": compiler_version(solc),
        "factory": _hex(FACTORY),
        "deploySalt": _hex(DEPLOY_SALT),
        "address": _hex(address),
        "initCodeHash": _hex(keccak(init_code)),
        "runtimeHash": _hex(keccak(runtime_code)),
        "initCode": _hex(init_code),
        "runtimeCode": _hex(runtime_code),
        "storageLayout": plain_layout(made["storageLayout"]),
        "abi": made["abi"],
        "standardJson": given,
    }


def write_text(artifact: dict[str, Any]) -> str:
    return json.dumps(artifact, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> str:
    """Do what the command line says and return the line to print; ``BuildFailed`` if the committed artifact is another."""
    if arguments not in ([], ["--check"]):
        raise BuildFailed("usage: python tools/build.py [--check]")
    text = write_text(build())
    shown = os.path.relpath(ARTIFACT, ROOT)
    if not arguments:
        ARTIFACT.write_text(text, encoding="utf-8")
        return f"build: wrote {shown}"
    if not ARTIFACT.is_file() or ARTIFACT.read_text(encoding="utf-8") != text:
        raise BuildFailed(
            f"{shown} is not what contracts/ compiles to: run `python tools/build.py` and review the difference"
        )
    return f"build: {shown} is what contracts/ compiles to"


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


if __name__ == "__main__":
    try:
        print(main(sys.argv[1:]))
    except BuildFailed as failure:
        sys.exit(f"build: {failure}")
