"""Prove what the contract promises, with Halmos: ``make prove``.

    python tools/prove.py                  everything; a table at the end; exit 1 if a property isn't proved
    python tools/prove.py NAME …           the named properties only, as Halmos reports them

The properties are in ``tests/proofs``: Solidity functions that Halmos runs with values of which nothing is known, from storage of which
nothing is known. They are compiled with the sources of ``contracts/``, by the same compiler and settings, except that for all but
``SignatureProofs`` the body of ``_checkSignature`` is another: a signature passes if the account isn't silent and has said this, and what
it has said is unknown (``tests/proofs/Oracle.sol``). What is named ``check_Refute_…`` is false, and must be found so: a proof must be
able to fail. Halmos expects a Foundry project; it gets the compiler's answer in Foundry's layout, and a ``forge`` that does nothing.
It lives in an environment of its own (``prove.lock``), with a home of its own.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from build import SETTINGS, BuildFailed, collect_sources, compile_standard_json, find_compiler
from toolchain import TOOLCHAIN, TOOLS, SetupFailed, make_environment, step

PROOFS = TOOLCHAIN / "proofs"
VENV = TOOLCHAIN / "prove"
SIGNED_CALLS = "contracts/SignedCalls.sol"
REAL_CHECK = re.compile(r"(    function _checkSignature\([^{]*\{\n)(.*?)(\n    \}\n)", re.DOTALL)
ORACLE = "        if (!Oracle.accepts(account, structHash)) revert IMemoryRegistry.InvalidSignature(account);"
HEADER = "import {IMemoryRegistry} from"

SUITES = {
    "RegistryProofs": True,
    "ReplayProofs": True,
    "SignatureProofs": False,
}
"""Which suite, and whether the signature check is the oracle's there."""

OPTIONS = [
    "--default-array-lengths=0,1",
    "--default-bytes-lengths=0,65",
    "--loop=3",
    "--solver-timeout-assertion=300s",
    "--solver-timeout-branching=1ms",
    "--no-status",
    "--solver=yices",
]


def install() -> None:
    step(
        "prove",
        [TOOLS / "prove.lock"],
        VENV / "bin/halmos",
        lambda: make_environment(VENV, TOOLS / "prove.lock"),
    )


def with_oracle(text: str) -> str:
    """SignedCalls.sol with the oracle in the place of the check, and everything else as it is."""
    text, count = REAL_CHECK.subn(lambda found: found[1] + ORACLE + found[3], text)
    if count != 1 or HEADER not in text:
        raise BuildFailed(f"{SIGNED_CALLS} has another form than tools/prove.py expects")
    return text.replace(HEADER, 'import {Oracle} from "../tests/proofs/Oracle.sol";\n' + HEADER, 1)


def compile_suite(suite: str, home: Path) -> None:
    """Compile ``tests/proofs/<suite>.sol`` and write what a Foundry project would hold."""
    main = f"tests/proofs/{suite}.sol"
    sources = collect_sources(main)
    if SUITES[suite]:
        sources[SIGNED_CALLS] = with_oracle(sources[SIGNED_CALLS])
    wanted = [
        "abi",
        "metadata",
        "storageLayout",
        "evm.bytecode",
        "evm.deployedBytecode",
        "evm.methodIdentifiers",
    ]
    answer = compile_standard_json(
        find_compiler(),
        {
            "language": "Solidity",
            "sources": {name: {"content": text} for name, text in sources.items()},
            "settings": {
                **SETTINGS,
                "metadata": {"bytecodeHash": "none"},
                "outputSelection": {"*": {"*": wanted, "": ["ast"]}},
            },
        },
        allow_warnings=True,  # of a parameter that the oracle doesn't look at, and of the proofs' own size
    )
    for source, contracts in answer["contracts"].items():
        for name, made in contracts.items():
            target = home / "out" / Path(source).name / f"{name}.json"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(json.dumps(as_foundry(made, answer["sources"][source])))


def as_foundry(made: dict[str, Any], source: dict[str, Any]) -> dict[str, Any]:
    code = {kind: dict(made["evm"][kind]) for kind in ("bytecode", "deployedBytecode")}
    for one in code.values():
        one["object"] = "0x" + one["object"]
    return {
        "abi": made["abi"],
        **code,
        "methodIdentifiers": made["evm"]["methodIdentifiers"],
        "metadata": json.loads(made["metadata"] or "{}"),
        "storageLayout": made["storageLayout"],
        "ast": source["ast"],
        "id": source["id"],
    }


def run_halmos(suite: str, home: Path, tests: list[str]) -> list[dict[str, Any]]:
    """Run one suite and return Halmos's rows: name, exit code, seconds, models."""
    forge = home / "bin/forge"
    forge.parent.mkdir(parents=True, exist_ok=True)
    forge.write_text("#!/bin/sh\nexit 0\n")
    forge.chmod(0o755)
    answer = home / "answer.json"
    answer.unlink(missing_ok=True)
    names = ["--match-test", f"^({'|'.join(tests)})"] if tests else []
    command = [str(VENV / "bin/halmos"), "--root", str(home), "--contract", suite, *OPTIONS, *names]
    env = {**os.environ, "HOME": str(home), "PATH": f"{forge.parent}:{VENV / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        [*command, "--json-output", str(answer)], env=env, check=False, capture_output=not tests, text=True
    )
    if not answer.is_file():
        if tests:  # none of this suite
            return []
        raise BuildFailed(f"halmos gave no answer:\n{done.stdout}{done.stderr}")
    results: dict[str, list[dict[str, Any]]] = json.loads(answer.read_text())["test_results"]
    return [row for rows in results.values() for row in rows]


def main(arguments: list[str]) -> int:
    install()
    started, failed = time.monotonic(), 0
    print("| property | result | seconds |\n|---|---|---:|")
    for suite in SUITES:
        home = PROOFS / suite
        compile_suite(suite, home)
        for row in run_halmos(suite, home, arguments):
            name = row["name"].partition("(")[0]
            control = "_Refute_" in name
            words = ("HOLDS", "refuted, as it must be") if control else ("proved", "FAILS")
            code = row["exitcode"]
            result = words[code] if code in (0, 1) else f"not decided ({code})"
            failed += code != control
            print(f"| `{suite}.{name}` | {result} | {(row['time'] or [0])[0]:.0f} |", flush=True)
    print(
        f"prove: {(time.monotonic() - started) / 60:.1f} minutes",
        "" if not failed else f"; {failed} not proved",
    )
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (BuildFailed, SetupFailed) as failure:
        sys.exit(f"prove: {failure}")
