"""``docs/contracts.md`` says what is so: numbers from the snapshots, names from the interface."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from memsync.chain.artifact import load_artifact
from memsync.chain.deploy import opcodes_used
from tests.contracts.snapshots import HOW, read_snapshot

PAGE = Path(__file__).parents[2] / "docs/contracts.md"


def gas_table() -> list[str]:
    rows = [
        f"| {name} | {row['direct']:,} | {row['relayed']:,} | {row['slots']} |"
        for name, row in read_snapshot("gas").items()
    ]
    return ["| call | direct | relayed | new slots |", "|---|---:|---:|---:|", *rows]


def storage_table() -> list[str]:
    layout = read_snapshot("storage")
    rows = ["| slot | variable | type |", "|---:|---|---|"]
    rows += [f"| {one['slot']} | `{one['name']}` | `{one['type']}` |" for one in layout["variables"]]
    rows += ["", "| struct | slot | bytes, from the right | member | type |", "|---|---:|---:|---|---|"]
    for name, members in layout["structs"].items():
        for one in members:
            last = one["offset"] + one["bytes"] - 1
            rows.append(
                f"| `{name}` | + {one['slot']} | {one['offset']} to {last} | `{one['name']}` | `{one['type']}` |"
            )
    return rows


def code_table() -> list[str]:
    code, artifact = read_snapshot("code"), load_artifact()
    return [
        "| what | is |",
        "|---|---|",
        f"| address | `{code['address']}` |",
        f"| init code hash | `{code['initCodeHash']}` |",
        f"| runtime hash | `{code['runtimeHash']}` |",
        f"| runtime size | {code['runtimeSize']:,} bytes |",
        f"| compiler | solc {artifact.compiler}, via IR, 1,000,000 runs, evmVersion cancun, no metadata |",
    ]


TABLES = {"gas": gas_table, "storage": storage_table, "code": code_table}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_in_the_docs_is_the_committed_snapshot(name):
    text = PAGE.read_text(encoding="utf-8")
    block = re.compile(rf"(<!-- {name}: [^\n]*-->\n)(.*?)(<!-- end -->)", re.DOTALL)
    found = block.search(text)
    assert found, f"docs/contracts.md has no table of {name}"
    expected = "\n".join(TABLES[name]()) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS") == "1":
        PAGE.write_text(block.sub(lambda match: match[1] + expected + match[3], text), encoding="utf-8")
        return
    assert found[2] == expected, f"the table of {name} is old{HOW}"


@pytest.mark.parametrize("kind", ["functions", "errors", "events"])
def test_everything_that_the_contract_can_say_or_be_asked_is_in_the_docs(kind):
    text = PAGE.read_text(encoding="utf-8")
    for entry in getattr(load_artifact(), kind).values():
        assert f"`{entry.name}" in text, f"{entry.name} is missing"


def test_every_rule_names_its_arguments_as_the_interface_does():
    text = PAGE.read_text(encoding="utf-8")
    for name in (
        "open",
        "setSigner",
        "commit",
        "commitAndShare",
        "revoke",
        "revokeAll",
        "submit",
        "publishKey",
    ):
        inputs = [one.name for one in load_artifact().functions[name].inputs]
        assert inputs[-2:] == ["deadline", "signature"]
        assert f"`{name}({', '.join(inputs[:-2])})`" in text


def test_the_opcodes_that_the_docs_name_are_those_in_the_code():
    *names, last = opcodes_used(load_artifact())
    text = PAGE.read_text(encoding="utf-8").replace("\n", " ")
    assert f"of the younger ones {', '.join(names)} and {last}:" in text
