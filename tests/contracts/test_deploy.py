"""Putting the contract on a chain: once, at one address, at a price that is shown, and never where it wouldn't work."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from memsync.chain.artifact import load_artifact
from memsync.chain.deploy import (
    YOUNG_OPCODES,
    Deployment,
    _runs,
    ensure_deployed,
    opcodes_used,
    plan_deployment,
    record_deployment,
)
from memsync.errors import ChainError, PayerError, WrongContract
from tests.contracts.actions import Person, Registry
from tests.contracts.node import Node, hexed
from tests.contracts.own_node import NodeDeployer, running_node

ROOT = Path(__file__).parents[2]
ARTIFACT = load_artifact()


@pytest.fixture(scope="module")
def empty_node():
    """A node without the registry."""
    with running_node() as node:
        yield node


@pytest.fixture
def chain(empty_node):
    """Somebody with money on a node without the registry; put back afterwards."""
    mark = empty_node.rpc("evm_snapshot")
    yield NodeDeployer(empty_node)
    assert empty_node.rpc("evm_revert", mark)


def height(node: Node) -> int:
    return int(node.rpc("eth_blockNumber"), 16)


def set_code(node: Node, address: bytes, code: bytes) -> None:
    node.rpc("anvil_setCode", hexed(address), hexed(code))


def test_it_stands_at_its_address_with_its_code(chain):
    done = ensure_deployed(chain)
    assert done.address == ARTIFACT.address
    assert chain.node.code(done.address) == ARTIFACT.runtime_code
    assert done.block == height(chain.node)
    receipt = chain.rpc("eth_getTransactionReceipt", hexed(done.transaction))
    assert int(receipt["blockNumber"], 16) == done.block


def test_a_second_time_nothing_is_sent(chain):
    ensure_deployed(chain)
    before = height(chain.node)
    assert ensure_deployed(chain) == Deployment(31337, ARTIFACT.address)
    assert plan_deployment(chain).there
    assert height(chain.node) == before


def test_whoever_pays_it_is_the_same_address(chain):
    somebody_else = NodeDeployer(chain.node, b"\xe1" * 20)
    assert ensure_deployed(somebody_else).address == ARTIFACT.address
    assert plan_deployment(chain).there


def test_a_plan_sends_nothing_and_says_about_what_it_will_cost(chain):
    before = height(chain.node)
    plan = plan_deployment(chain)
    assert height(chain.node) == before
    assert (plan.there, plan.address, plan.cost) == (False, ARTIFACT.address, plan.gas * plan.gas_price)
    done = ensure_deployed(chain, plan)
    used = int(chain.rpc("eth_getTransactionReceipt", hexed(done.transaction))["gasUsed"], 16)
    assert used <= plan.gas <= used * 1.1


def test_other_code_at_the_address_is_refused(chain):
    set_code(chain.node, ARTIFACT.address, ARTIFACT.runtime_code[:-1] + b"\0")
    before = height(chain.node)
    with pytest.raises(WrongContract, match="is not this release's registry"):
        ensure_deployed(chain)
    assert height(chain.node) == before


def test_a_chain_that_lies_about_its_id_is_refused(chain):
    @dataclass(frozen=True)
    class Lying(NodeDeployer):
        def rpc(self, method, *params):
            return "0x1" if method == "eth_chainId" else super().rpc(method, *params)

    ensure_deployed(chain)
    with pytest.raises(WrongContract, match="computes other ids"):
        plan_deployment(Lying(chain.node))


def test_a_missing_factory_is_said_in_one_line(chain):
    set_code(chain.node, ARTIFACT.factory, b"")
    with pytest.raises(ChainError, match="no deterministic deployment factory at 0x4e59") as caught:
        ensure_deployed(chain)
    assert "\n" not in str(caught.value)


def test_a_strange_factory_is_refused_before_anything_is_sent(chain):
    set_code(chain.node, ARTIFACT.factory, bytes.fromhex("60145f5260145ff3"))  # returns 20 bytes, other ones
    before = height(chain.node)
    with pytest.raises(ChainError, match="isn't the usual one"):
        ensure_deployed(chain)
    assert height(chain.node) == before


def test_a_payer_without_money_is_told_how_much_it_takes(chain):
    chain.node.rpc("anvil_setBalance", hexed(chain.account), hex(10**12))
    before = height(chain.node)
    with pytest.raises(PayerError, match=r"has 0\.000001 ether on chain 31337, deploying takes about 0\.00"):
        ensure_deployed(chain)
    assert height(chain.node) == before


# ------------------------------------------------------------------ the chain's EVM


def test_the_opcodes_we_use_are_found_in_the_code():
    assert opcodes_used(ARTIFACT) == ["SHL", "SHR", "CHAINID", "PUSH0"]


def test_what_push_carries_is_no_opcode():
    def used(code: str) -> list[str]:
        return opcodes_used(
            replace(ARTIFACT, init_code=bytes.fromhex(code), runtime_code=bytes.fromhex(code))
        )

    assert used("605f" + "5f") == ["PUSH0"]
    assert used("605f") == []
    assert used("7f" + "5e" * 32) == []
    assert used("7f" + "5e" * 32 + "5e") == ["MCOPY"]
    assert used("61" + "5c") == []


@pytest.mark.parametrize("fork", ["london", "paris"])
def test_a_chain_that_lacks_an_opcode_is_refused_by_its_name(fork):
    with running_node("--hardfork", fork) as node:
        with pytest.raises(ChainError, match="lacks PUSH0, which the contract needs; nothing was sent"):
            ensure_deployed(NodeDeployer(node))
        assert height(node) == 0


def test_a_chain_at_shanghai_has_all_that_the_contract_needs():
    with running_node("--hardfork", "shanghai") as node:
        ensure_deployed(NodeDeployer(node))
        alice = Person.named(Registry(node, ARTIFACT, ARTIFACT.address), "alice").open()
        alice.commit()
        assert alice.state.sequence == 2


def test_every_probe_tells_a_chain_that_has_the_opcode_from_one_that_has_not(chain):
    names = [name for name, _ in YOUNG_OPCODES.values()]
    assert [name for name in names if not _runs(chain, name)] == []
    with running_node("--hardfork", "london") as old:
        deployer = NodeDeployer(old)
        assert [name for name in names if not _runs(deployer, name)] == [
            "CLZ", "BLOBHASH", "BLOBBASEFEE", "TLOAD", "TSTORE", "MCOPY", "PUSH0",
        ]  # fmt: skip


# ------------------------------------------------------------------ the record


def test_deployments_are_recorded_by_chain_in_order(tmp_path):
    file = tmp_path / "deployments.json"
    for chain_id, block in ((8453, 7), (1, 5), (8453, 9)):
        assert record_deployment(file, Deployment(chain_id, ARTIFACT.address, b"\x01" * 32, block))
    found = json.loads(file.read_text())
    assert list(found) == ["1", "8453"]
    assert found["8453"] == {"address": hexed(ARTIFACT.address), "block": 9, "transaction": "0x" + "01" * 32}


def test_a_development_chain_and_another_s_deployment_are_not_recorded(tmp_path):
    file = tmp_path / "deployments.json"
    assert not record_deployment(file, Deployment(31337, ARTIFACT.address, b"\x01" * 32, 1))
    assert not record_deployment(file, Deployment(1, ARTIFACT.address))
    assert not file.exists()


# ------------------------------------------------------------------ ape run deploy


def ape_run_deploy(node: Node, tmp_path: Path, *options: str) -> subprocess.CompletedProcess:
    command = [str(Path(sys.executable).parent / "ape"), "run", "deploy", "--network", node.url]
    record = ["--record", str(tmp_path / "deployments.json")]
    return subprocess.run(
        [*command, *record, *options], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_ape_run_deploy_shows_the_price_then_deploys_once_and_records_it(tmp_path):
    with running_node("--chain-id", "31339") as node:
        dry = ape_run_deploy(node, tmp_path, "--dry-run")
        assert (dry.returncode, height(node)) == (0, 0)
        assert f"goes to {hexed(ARTIFACT.address)} on chain 31339: about" in dry.stdout
        assert "nothing was sent" in dry.stdout

        nobody = ape_run_deploy(node, tmp_path)
        assert (nobody.returncode, height(node)) == (1, 0)
        assert "name who pays: --account ALIAS" in nobody.stderr

        done = ape_run_deploy(node, tmp_path, "--account", "TEST::0")
        assert (done.returncode, height(node)) == (0, 1), done.stderr
        assert done.stdout.index("about") < done.stdout.index("since block 1")
        recorded = json.loads((tmp_path / "deployments.json").read_text())
        assert recorded["31339"]["block"] == 1
        receipt = node.rpc("eth_getTransactionReceipt", recorded["31339"]["transaction"])
        assert receipt["status"] == "0x1"

        again = ape_run_deploy(node, tmp_path, "--account", "TEST::0")
        assert (again.returncode, height(node)) == (0, 1)
        assert "already; nothing to do" in again.stdout


def test_ape_run_deploy_says_what_is_wrong_in_one_line(tmp_path, chain):
    set_code(chain.node, ARTIFACT.factory, b"")
    failed = ape_run_deploy(chain.node, tmp_path, "--account", "TEST::0")
    assert failed.returncode == 1
    assert [line for line in failed.stderr.splitlines() if "factory" in line and line.startswith("Error: ")]
    assert "Traceback" not in failed.stdout + failed.stderr


def test_ape_run_deploy_prints_what_explorers_want(tmp_path, empty_node):
    printed = ape_run_deploy(empty_node, tmp_path, "--standard-json")
    assert json.loads(printed.stdout) == ARTIFACT.standard_json
