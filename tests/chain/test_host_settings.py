"""Ape takes over the program that imports it. Through ``connect`` it doesn't: each case is a program of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from memsync.chain.ape import ApeRegistry, connect
from memsync.chain.node import LocalNode, free_port, local_node
from memsync.errors import PayerError

TIMEOUT = 120

# What a program may have set; `report` prints what of it has become something else.
SETTINGS = """
import logging, os, signal, sys

def on_signal(number, frame): ...

def settings():
    loggers = [logging.getLogger(name) for name in ("ape", "web3.RequestManager", "web3.providers.HTTPProvider")]
    return {
        "SIGINT": signal.getsignal(signal.SIGINT), "SIGTERM": signal.getsignal(signal.SIGTERM),
        "levels": [logger.level for logger in loggers], "handlers": [list(logger.handlers) for logger in loggers],
        "root": (logging.root.level, list(logging.root.handlers)), "recursion": sys.getrecursionlimit(),
        "hook": sys.excepthook, "folder": os.getcwd(),
    }

def report(before):
    after = settings()
    print("changed:", *sorted(name for name in before if before[name] != after[name]))
"""
CONNECTED = """
from memsync.chain.ape import connect
from memsync.chain.calls import NO_DEADLINE, PublishKey, sign_call
from memsync.crypto.secp256k1 import SecpKey
def use():
    with connect({network!r}, payer="TEST::3") as registry:
        inside = settings()
        key = SecpKey(bytes(31) + bytes([{number}]))
        call = PublishKey(key.address, bytes(32), bytes([1]) * 32)
        registry.send(sign_call(call, key, NO_DEADLINE, chain_id=registry.chain_id, contract=registry.contract))
        report(inside)
"""
WITH_ITS_OWN = """
signal.signal(signal.SIGINT, on_signal); signal.signal(signal.SIGTERM, signal.SIG_IGN)
logging.getLogger("ape").setLevel(logging.ERROR); logging.basicConfig(level=logging.CRITICAL)
before = settings(); use(); report(before)
"""
IN_A_THREAD = """
import asyncio
async def main():
    before = settings()
    await asyncio.to_thread(use)
    report(before)
asyncio.run(main())
"""


def run(code: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    # Else Ape takes whatever is at port 8545; by itself it would pick a port at random, which may be in use.
    (home / "ape-config.yaml").write_text(f"foundry:\n  host: http://127.0.0.1:{free_port()}\n")
    return subprocess.run(
        [sys.executable, "-c", SETTINGS + code],
        capture_output=True,
        text=True,
        cwd=home,
        env={**os.environ, "HOME": str(home), "APE_DATA_FOLDER": str(home / "ape"), **more},
        timeout=TIMEOUT,
        check=False,
    )


@pytest.mark.parametrize(
    "number_and_code",
    [(1, WITH_ITS_OWN), (2, IN_A_THREAD)],
    ids=["with its own", "in asyncio's thread"],
)
def test_a_program_keeps_its_settings_through_connect_and_send(
    node: LocalNode, tmp_path: Path, number_and_code: tuple[int, str]
) -> None:
    number, code = number_and_code
    done = run(CONNECTED.format(network=node.url, number=number) + code, tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("changed:\nchanged:\n", "", 0)


def test_ape_starting_a_node_takes_no_signals_and_ctrl_c_stays_a_keyboard_interrupt(tmp_path: Path) -> None:
    code = """
from memsync.chain.ape import connect
before = settings()
with connect("ethereum:local:foundry", payer="TEST::0") as registry:
    report(before); print(registry.chain_id)
report(before)
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = run(code, tmp_path)
    assert (done.stdout, done.returncode) == ("changed:\n31337\nchanged:\ninterrupted\n", 0), done.stderr


def test_plain_ape_changes_all_of_these_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    """The control: what ``connect`` puts back, Ape really takes, and the cases above would see it."""
    code = """
before = settings()
import ape
report(before)
with ape.networks.ethereum.local.use_provider("foundry"):
    report(before)
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = run(code, tmp_path)
    first, *_, last = [line for line in done.stdout.splitlines() if line.startswith("changed:")]
    assert first == "changed: SIGINT"
    assert set(last.split()[1:]) >= {"SIGINT", "SIGTERM", "handlers", "levels"}
    assert "interrupted" not in done.stdout
    assert done.returncode == 130


def test_a_folder_that_ape_cannot_use_is_named(node: LocalNode, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code = f"""
from memsync.chain.ape import connect
from memsync.errors import ChainError
try:
    connect({node.url!r}).__enter__()
except ChainError as err:
    print(err)
"""
    done = run(code, tmp_path, APE_DATA_FOLDER=str(tmp_path / "file" / "ape"))
    assert done.stdout.startswith("Ape can't use ")
    assert done.stdout.endswith("; set APE_DATA_FOLDER to a folder that it may write to\n")


def test_test_accounts_pay_on_chain_31337_only(node: LocalNode) -> None:
    with local_node("--chain-id", "1337") as other:
        with pytest.raises(PayerError, match="everybody knows"), connect(other.url, payer="TEST::0"):
            pass
        with connect(other.url) as registry:
            import ape

            with pytest.raises(PayerError, match="everybody knows"):
                ApeRegistry(registry._provider, payer=ape.accounts.test_accounts[0])
    with connect(node.url, payer="TEST::0"):
        pass
    for alias in ("TEST::x", "TEST::99"):
        with pytest.raises(PayerError, match="no test account"), connect(node.url, payer=alias):
            pass
