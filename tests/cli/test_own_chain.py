"""A chain of one's own that lasts: started, used, killed, found again; chosen, shown, and refused where the vault is elsewhere."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from memsync.chain.node import local_node
from tests.people import Person, short_folder

KEYFILE = """
import json, os, pathlib, sys
from eth_account import Account
folder = pathlib.Path(os.environ["APE_DATA_FOLDER"]) / "accounts"
folder.mkdir(parents=True)
made = Account.create()
(folder / "ada.json").write_text(json.dumps(Account.encrypt(made.key, "a payer's passphrase", kdf="pbkdf2", iterations=1)))
print(made.address)
"""


@pytest.fixture(scope="module")
def person() -> Iterator[Person]:
    with short_folder() as folder:
        found = Person(Path(folder))
        found.make_vault()
        yield found
        found.run("node", "stop")
        found.leaves()


def test_the_next_day_everything_is_still_there(person: Person):
    assert "memsync node start" in person.fails(8, "push")
    started = person.gets("node", "start")
    assert started["running"]
    assert person.gets("node", "start")["pid"] == started["pid"]
    person.says("remember", "Written on the first day.")
    assert person.gets("push")["sequence"] == 1
    assert "block" in person.says("node", "stop")
    assert not person.gets("node", "status")["running"]
    assert "memsync node start" in person.fails(8, "push")
    assert person.gets("list")["count"] == 1

    again = person.gets("node", "start")
    assert (again["url"], again["clean"]) == (started["url"], True)
    assert person.says("pull").endswith("nothing new\n")
    person.says("remember", "Written on the second day.")
    assert person.gets("push")["sequence"] == 2


def test_a_killed_node_has_what_was_pushed(person: Person):
    before = person.gets("node", "start")
    person.says("remember", "Just before the power cut.")
    pushed = person.gets("push")["sequence"]
    os.kill(before["pid"], signal.SIGKILL)
    until = time.monotonic() + 15
    while person.gets("node", "status")["running"]:
        assert time.monotonic() < until
        time.sleep(0.1)
    told = person.says("node", "start")
    assert "not stopped properly" in told
    assert person.gets("pull")["sequence"] == pushed
    person.says("remember", "After it.")
    assert person.gets("push")["sequence"] == pushed + 1
    assert person.says("verify", "--deep").startswith("all is well")


def test_the_chain_is_shown_with_contract_code_payer_and_last_block(person: Person):
    person.says("node", "start")
    found = person.gets("chain")
    assert (found["network"], found["payer"], found["chain_id"], found["registry"]) == (
        "node",
        "TEST::0",
        31337,
        True,
    )
    assert found["code_hash"].startswith("0x")
    assert int(found["balance"]) > 10**18
    assert found["block"] > 0
    told = person.says("chain")
    assert "the registry of this release" in told
    assert found["account"] in told


def test_a_vault_that_was_pushed_is_not_taken_to_another_chain_by_choosing_it(person: Person):
    person.says("node", "start")
    person.says("push")
    with local_node("--chain-id", "31338") as other:
        told = person.fails(8, "chain", "use", other.url)
        assert "memsync chain move" in told
        assert person.gets("status")["network"] == "node"
        assert "31338" in person.fails(8, "push", "--network", other.url)


def test_a_chain_that_began_anew_is_noticed_and_not_overwritten(person: Person):
    person.says("node", "start")
    person.says("push")
    memories = person.gets("list")["count"]
    with local_node() as empty:
        person.says("remember", "Waits.")
        told = person.fails(8, "push", "--network", empty.url)
        assert "another chain, or one that began anew" in told
        assert int(empty.rpc("eth_blockNumber"), 16) == 1
    assert person.gets("list")["count"] == memories + 1
    assert person.gets("push")["memories"] == 1


def test_a_payers_keyfile_is_asked_for_its_passphrase(tmp_path: Path):
    person = Person(tmp_path / "ada")
    person.make_vault()
    made = subprocess.run(
        [sys.executable, "-c", KEYFILE],
        env=os.environ | person.env,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    with local_node("--chain-id", "31338") as node:
        node.rpc("anvil_setBalance", made, hex(10**18))
        person.says("unlock")
        chosen = person.gets("chain", "use", node.url, "--payer", "ada")
        assert (chosen["account"], chosen["payer"]) == (made.lower(), "ada")
        assert "MEMSYNC_PAYER_PASSPHRASE_FILE" in person.fails(3, "push")
        secret = person.folder / "payer"
        person.env["MEMSYNC_PAYER_PASSPHRASE_FILE"] = str(secret)
        secret.write_text("another\n")
        assert "does not open the account 'ada'" in person.fails(8, "push")
        secret.write_text("a payer's passphrase\n")
        assert person.gets("push")["payer"] == made.lower()
        person.says("remember", "One more.")
        secret.unlink()  # the keeper knows it now
        assert person.gets("push")["sequence"] == 2
        person.leaves()
        person.says("remember", "And one without a keeper.")
        secret.write_text("a payer's passphrase\n")
        alone = person.types("push", "--json")
        assert json.loads(alone.stdout)["sequence"] == 3
        assert alone.stderr == ""
        told = [person.folder / "home" / "config.toml", person.folder / "home" / "keeper" / "log"]
        assert not any("a payer's passphrase" in file.read_text() for file in told)


def test_a_vault_moves_from_the_own_node_to_another_chain_and_its_other_device_follows(tmp_path: Path):
    first, second = Person(tmp_path / "first"), Person(tmp_path / "second")
    for one in (first, second):
        one.env["APE_DATA_FOLDER"] = str(tmp_path / "ape")
    made = subprocess.run(
        [sys.executable, "-c", KEYFILE],
        env=os.environ | first.env,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    secret = tmp_path / "payer"
    secret.write_text("a payer's passphrase\n")
    words = first.make_vault()
    blocks = str(tmp_path / "blocks")
    with local_node() as old, local_node("--chain-id", "31338") as new:
        new.rpc("anvil_setBalance", made, hex(10**18))
        first.says("chain", "use", old.url, "--payer", "TEST::0")
        first.says("store", "add", blocks)
        first.says("scope", "add", "novel")
        first.says("remember", "The tide turns at noon.", "--scope", "novel")
        first.says("push")
        first.says("key", "card", "Inkwell", "--out", str(tmp_path / "card"))
        first.run("grant", str(tmp_path / "card"), "--scope", "novel", "--yes")
        second.says(
            "restore", "--store", blocks, "--network", old.url, "--payer", "TEST::1", stdin=words + "\n"
        )
        second.says("remember", "Not pushed when the vault moved.")
        before = first.gets("status")["id"]
        first.unlock()
        for one in (first, second):
            one.env["MEMSYNC_PAYER_PASSPHRASE_FILE"] = str(secret)

        assert "--payer" in first.fails(2, "chain", "move", new.url, stdin=words)
        wrong = "memsync " + "zoo " * 24
        assert "word" in first.fails(3, "chain", "move", new.url, "--payer", "ada", stdin=wrong + "\n")
        moved = first.types("chain", "move", new.url, "--payer", "ada", stdin=words + "\n")
        assert moved.returncode == 0, moved.stderr
        assert "the vault is on chain 31338 now" in moved.stdout
        assert "Inkwell  novel  read" in moved.stdout
        status = first.gets("status")
        assert (status["chain_id"], status["network"], status["memories"]) == (31338, new.url, 1)
        assert status["id"] != before
        assert "all is well" in first.says("verify")

        told = second.fails(8, "pull")
        assert "31338" in told
        assert "memsync chain move" in told
        followed = second.types("chain", "move", new.url, "--payer", "ada", stdin=words + "\n")
        assert followed.returncode == 0, followed.stderr
        assert second.gets("status")["id"] == status["id"]
        pushed = second.types("push")
        assert pushed.returncode == 0, pushed.stderr
        first.unlock()
        assert first.gets("pull")["changed"]
        assert {one["text"] for one in first.gets("list")["memories"]} == {
            "The tide turns at noon.",
            "Not pushed when the vault moved.",
        }
        first.leaves()
