"""Break the contract in every small way, one at a time, and see that the tests notice: ``make mutate``.

    python tools/mutate.py                 every mutant; a table at the end; exit 1 if one survives that nobody has argued for
    python tools/mutate.py --list          only name them
    python tools/mutate.py --only TEXT     those whose name contains TEXT, with what killed them
    python tools/mutate.py --resume        go on after an interruption or a new test: who is dead stays dead

The syntax tree that solc gives tells where statements, conditions, comparisons, arguments and constants are (``tools/mutants.py``). Each
mutant goes through the canonical build. One that compiles to the original's bytecode is no other contract: *equivalent*. For the
others the tests run on an EVM in process (``pytest --in-process``, collected once, forked for each mutant), fast stories first and
made-up lives last, until one fails. Two mutants at a time. ``tools/mutants.json`` says in one
line why each survivor that is left may live. Never touches ``contracts/``.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from build import (
    MAIN,
    NAME,
    ROOT,
    SETTINGS,
    BuildFailed,
    checked,
    collect_sources,
    find_compiler,
)
from mutants import Mutant, find_mutants

SOURCES = (MAIN, "contracts/SignedCalls.sol")
ARGUED = ROOT / "tools/mutants.json"
KEPT = ROOT / ".toolchain/mutants.json"
AT_ONCE = 2
FIRST = ("vaults", "grants", "inbox", "views", "time", "authority", "typed_data")
TESTS = (*(f"tests/contracts/test_{one}.py" for one in FIRST), "tests/contracts", "tests/evm")


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: killed, equivalent, stillborn (it doesn't compile) or survived; and by what."""

    mutant: Mutant
    fate: str
    by: str = ""


class Compiler:
    """solc kept warm in a process of its own."""

    def __init__(self) -> None:
        command = [str(find_compiler()), "--standard-json-lines"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def compile(self, sources: dict[str, str], selection: dict[str, Any]) -> dict[str, Any]:
        given = {
            "language": "Solidity",
            "sources": {name: {"content": text} for name, text in sources.items()},
            "settings": {**SETTINGS, "outputSelection": selection},
        }
        self.process.stdin.write(json.dumps(given) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        return checked(json.loads(answer), allow_warnings=True)


class Tests:
    """The tests, collected once, asked about one code after the other (``tools/mutant_tests.py``)."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "pytest", "-q", "-s", "--tb=no", "--no-header", "--in-process"]
        command += ["-p", "no:ape_test", "-p", "no:cacheprovider", "-p", "mutant_tests"]
        self.process = subprocess.Popen(
            [*command, "--hypothesis-profile=mutate", *TESTS],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT / "tools")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        while (line := self._line()) != "ready":
            if self.process.poll() is not None:
                raise BuildFailed(f"the tests can't run: {line}")

    def first_failure(self, runtime_code: str) -> str:
        """The first test that fails on this code, or "" if all pass."""
        with tempfile.TemporaryDirectory(prefix="memsync-mutant-") as folder:
            path = Path(folder) / "code"
            path.write_text(runtime_code)
            self.process.stdin.write(f"{path}\n")
            self.process.stdin.flush()
            answer = self._line()
        return "" if answer == "-" else answer

    def _line(self) -> str:
        return self.process.stdout.readline().strip()


class Judge:
    """Compiles mutants and runs the tests on them; as many at once as there are pairs of compiler and tests."""

    def __init__(self, pairs: int) -> None:
        self.sources = collect_sources()
        self.compiler = Compiler()
        self.original = self.compile(self.compiler, self.sources)
        self.killers: dict[tuple[str, str], str] = {}
        self.idle: queue.SimpleQueue[tuple[Compiler, Tests]] = queue.SimpleQueue()
        self.pairs = [(self.compiler if i == 0 else Compiler(), Tests()) for i in range(pairs)]
        for pair in self.pairs:
            self.idle.put(pair)

    def compile(self, compiler: Compiler, sources: dict[str, str]) -> tuple[str, str]:
        """Init code and runtime code."""
        wanted = {MAIN: {NAME: ["evm.bytecode.object", "evm.deployedBytecode.object"]}}
        made = compiler.compile(sources, wanted)["contracts"][MAIN][NAME]["evm"]
        return made["bytecode"]["object"], made["deployedBytecode"]["object"]

    def mutants(self) -> list[Mutant]:
        answer = self.compiler.compile(self.sources, {name: {"": ["ast"]} for name in SOURCES})
        trees = ((name, answer["sources"][name]["ast"]) for name in SOURCES)
        return [one for name, tree in trees for one in find_mutants(name, self.sources[name], tree)]

    def judge(self, mutant: Mutant) -> Verdict:
        compiler, tests = pair = self.idle.get()
        try:
            text = mutant.applied_to(self.sources[mutant.file])
            code = self.compile(compiler, {**self.sources, mutant.file: text})
            if code == self.original:
                return Verdict(mutant, "equivalent")
            if code not in self.killers:
                self.killers[code] = tests.first_failure(code[1])
            killer = self.killers[code]
            return Verdict(mutant, "killed" if killer else "survived", killer)
        except BuildFailed:
            return Verdict(mutant, "stillborn")
        finally:
            self.idle.put(pair)

    def end(self) -> None:
        self.compiler.process.terminate()
        for compiler, tests in self.pairs:
            compiler.process.terminate()
            tests.process.terminate()


def judge_all(judge: Judge, mutants: list[Mutant]) -> Iterator[Verdict]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(judge.judge, mutants)


def report(verdicts: list[Verdict], seconds: float) -> bool:
    """Print the table; whether nobody survived unargued."""
    argued: dict[str, str] = json.loads(ARGUED.read_text()) if ARGUED.is_file() else {}
    survivors = [one.mutant for one in verdicts if one.fate == "survived"]
    for mutant in survivors:
        print(f"survived: {mutant.name}\n    {argued.get(mutant.name, 'NOT ARGUED')}")
    fates = ("killed", "equivalent", "survived", "stillborn")
    kinds = Counter((one.mutant.kind, one.fate) for one in verdicts)
    print("| mutation | made | killed | equivalent | survived |\n|---|---:|---:|---:|---:|")
    for kind in [*dict.fromkeys(one.mutant.kind for one in verdicts), "all"]:
        row = [
            sum(count for (of, fate), count in kinds.items() if kind in (of, "all") and fate == wanted)
            for wanted in fates
        ]
        print(f"| {kind} | {sum(row[:3])} | {row[0]} | {row[1]} | {row[2]} |")
    stillborn = sum(one.fate == "stillborn" for one in verdicts)
    slow = sum(one.by == "too slow" for one in verdicts)
    print(f"{stillborn} more didn't compile; {slow} were killed by never ending; {seconds / 60:.1f} minutes")
    stale = argued.keys() - {mutant.name for mutant in survivors}
    return all(mutant.name in argued for mutant in survivors) and not (
        stale and len(verdicts) > len(argued) * 4
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        description="break the contract in every small way and see that the tests notice"
    )
    parser.add_argument("--list", action="store_true", help="only name the mutants")
    parser.add_argument("--only", default="", metavar="TEXT", help="those whose name contains TEXT")
    parser.add_argument("--resume", action="store_true", help="judge only those that aren't dead yet")
    options = parser.parse_args(arguments)
    judge = Judge(0 if options.list else AT_ONCE)
    mutants = [one for one in judge.mutants() if options.only in one.name]
    if options.list:
        print("\n".join(one.name for one in mutants))
        judge.end()
        return 0
    failing = "" if options.only else judge.pairs[0][1].first_failure(judge.original[1])
    if failing:
        raise BuildFailed(f"{failing} fails on the contract as it is")
    dead = (
        {one.mutant.name: one for one in read_verdicts(mutants) if one.fate != "survived"}
        if options.resume
        else {}
    )
    started, verdicts = time.monotonic(), list(dead.values())
    keep(verdicts)
    for number, verdict in enumerate(
        judge_all(judge, [one for one in mutants if one.name not in dead]), len(dead) + 1
    ):
        verdicts.append(verdict)
        keep(verdicts)
        if verdict.fate == "survived" or options.only:
            print(f"{number}/{len(mutants)} {verdict.fate}: {verdict.mutant.name} {verdict.by}", flush=True)
        elif number % 10 == 0:
            print(f"{number}/{len(mutants)}", file=sys.stderr, flush=True)
    judge.end()
    return 0 if report(verdicts, time.monotonic() - started) or options.only else 1


def keep(verdicts: list[Verdict]) -> None:
    """Who killed whom: for reading afterwards, and for ``--resume``."""
    rows = [{"mutant": one.mutant.name, "fate": one.fate, "by": one.by} for one in verdicts]
    KEPT.write_text(json.dumps(rows, indent=1, ensure_ascii=False))


def read_verdicts(mutants: list[Mutant]) -> list[Verdict]:
    named = {one.name: one for one in mutants}
    rows = json.loads(KEPT.read_text()) if KEPT.is_file() else []
    return [Verdict(named[row["mutant"]], row["fate"], row["by"]) for row in rows if row["mutant"] in named]


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BuildFailed as failure:
        sys.exit(f"mutate: {failure}")
