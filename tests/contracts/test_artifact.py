"""The one committed artifact: what it says of itself, what stands on the chain, and what ``ape compile`` makes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import ape

from memsync.chain.artifact import load_artifact
from memsync.crypto.secp256k1 import keccak
from tests.contracts.snapshots import HOW, committed

ROOT = Path(__file__).parents[2]


def test_code_hashes_and_address_are_the_committed_ones():
    artifact = load_artifact()
    found = {
        "runtimeSize": len(artifact.runtime_code),
        "runtimeHash": "0x" + keccak(artifact.runtime_code).hex(),
        "initCodeSize": len(artifact.init_code),
        "initCodeHash": "0x" + keccak(artifact.init_code).hex(),
        "address": "0x" + artifact.address.hex(),
    }
    assert found == committed("code", found), HOW


def test_the_artifact_says_of_itself_what_is_true():
    artifact = load_artifact()
    assert keccak(artifact.runtime_code) == artifact.runtime_hash
    assert keccak(artifact.init_code) == artifact.init_code_hash
    assert (
        artifact.address
        == keccak(b"\xff" + artifact.factory + artifact.deploy_salt + artifact.init_code_hash)[12:]
    )
    assert artifact.init_code.endswith(artifact.runtime_code)
    assert artifact.factory.hex() == "4e59b44847b379578588920ca78fbf26c0b4956c"


def test_the_code_on_the_chain_is_the_artifacts(registry):
    assert registry.node.code(registry.contract) == load_artifact().runtime_code


def test_the_code_is_small_enough_for_every_chain():
    artifact = load_artifact()
    assert len(artifact.runtime_code) < 10_300, "designed for 10.0 kB"
    assert len(artifact.init_code) < 24_576


def test_ape_compiles_the_same_code_up_to_the_metadata():
    ours = load_artifact().runtime_code
    apes = ape.project.contracts["MemoryRegistry"].contract_type.runtime_bytecode.to_bytes()
    tail = apes.removeprefix(ours)
    assert apes.startswith(ours)
    assert tail.startswith(b"\xfe\xa2\x64ipfs"), "the tail is not solc's metadata"
    assert int.from_bytes(tail[-2:], "big") == len(tail) - 3


def test_ape_sees_the_same_abi():
    contract = ape.project.contracts["MemoryRegistry"].contract_type
    ours = load_artifact()
    assert {entry.name for entry in contract.abi if entry.type == "function"} == set(ours.functions)
    for entry in (*contract.errors, *contract.events):
        table = ours.errors if entry.type == "error" else ours.events
        assert entry.name in {mine.name for mine in table.values()}


def test_nothing_made_for_tests_is_in_the_artifact():
    sources = load_artifact().standard_json["sources"]
    assert [name for name in sources if name.startswith("contracts/")] == [
        "contracts/MemoryRegistry.sol",
        "contracts/SignedCalls.sol",
        "contracts/interfaces/IMemoryRegistry.sol",
    ]
    for name in sources:
        assert re.fullmatch(r"(contracts|@openzeppelin/contracts)/[\w/]+\.sol", name), name
    for name, source in sources.items():
        if name.startswith("contracts/"):
            assert source["content"] == (ROOT / name).read_text(encoding="utf-8")


def test_the_contract_fits_in_one_reading():
    assert len((ROOT / "contracts/MemoryRegistry.sol").read_text(encoding="utf-8").splitlines()) <= 350


def test_the_build_refuses_an_artifact_that_is_not_what_the_sources_give(tmp_path):
    """``make check`` runs the passing side of this."""
    copied = tmp_path / "registry.json"
    text = (ROOT / "memsync/chain/registry.json").read_text(encoding="utf-8")
    copied.write_text(text.replace('"sequence"', '"sequenze"', 1), encoding="utf-8")
    script = (
        "import pathlib, sys; sys.path.insert(0, 'tools'); import build; "
        "build.ARTIFACT = pathlib.Path(sys.argv[1])\n"
        "try: print(build.main(['--check']))\n"
        "except build.BuildFailed as failure: sys.exit(f'build: {failure}')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(copied)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "is not what contracts/ compiles to" in done.stderr
    assert len(done.stderr.splitlines()) == 1
