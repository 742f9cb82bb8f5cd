"""Several vaults of one person at a terminal: made, listed, chosen, brought back from the words."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import memsync
from memsync.chain.node import LocalNode, local_node
from memsync.device.keystore_file import CHEAP_COST
from memsync.keeper.client import call_served
from memsync.vault import Vault
from tests.people import PASSPHRASE, Person


@pytest.fixture(scope="module")
def node() -> Iterator[LocalNode]:
    with local_node() as running:
        yield running


@pytest.fixture(autouse=True)
def keystores_that_open_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    for verb in (Vault.bring_vault, Vault.restore.__func__, Vault.request.__func__):
        monkeypatch.setitem(verb.__kwdefaults__, "cost", CHEAP_COST)


@pytest.fixture
def places(tmp_path: Path) -> Path:
    return tmp_path / "blocks"


@pytest.fixture
def ada(node: LocalNode, tmp_path: Path, places: Path) -> Iterator[Person]:
    found = Person(tmp_path / "ada")
    (found.folder / "words").write_text(found.make_vault() + "\n")
    found.says("chain", "use", node.url, "--payer", "TEST::0")
    found.says("store", "add", str(places))
    found.says("remember", "In the first.")
    found.says("push")
    yield found
    found.leaves()


def words(person: Person) -> tuple[str, str]:
    return "--words", str(person.folder / "words")


def test_a_further_vault_is_made_listed_chosen_and_used_by_every_command(ada, node, places):
    told = ada.says("vault", "create", "company", "--paid-by", "TEST::3", *words(ada))
    assert told == (
        "vault company is there, number 1 of these words; choose it with --vault, or by `memsync vault use`\n"
    )
    assert "another vault 'default'" in ada.fails(2, "vault", "create", "default", *words(ada))
    ada.says("remember", "In the company's.", "--vault", "company")
    ada.says("--vault", "company", "push")
    assert "company's" in ada.says("--vault", "company", "recall", "company")
    assert "company's" not in ada.says("recall", "company")
    ada.env["MEMSYNC_VAULT"] = "default"
    assert "company's" in ada.says("--vault", "company", "recall", "company"), (
        "a flag comes before a variable"
    )
    del ada.env["MEMSYNC_VAULT"]
    first, second = ada.gets("vault", "list")["vaults"]
    assert (first["number"], first["here"], second["name"], second["here"]) == (
        0,
        "default",
        "company",
        "company",
    )
    ada.says("vault", "use", "company")
    assert "no vault 'other'" in ada.fails(4, "vault", "use", "other")
    assert ada.gets("status")["vault"] == "company"
    assert "payer     TEST::3" in ada.says("chain", "show")
    listed = ada.says("vault", "list").splitlines()
    assert [line.split()[0] for line in listed] == ["default", "*"]
    assert listed[1].split() == ["*", "company", "1", second["id"][:12], "here"]
    with memsync.open(passphrase=PASSPHRASE, home=ada.home) as vault:
        assert vault.number == 1
    assert sorted(ada.gets("store", "list", "--vault", "company")["stores"][1]) == sorted(
        ada.gets("store", "list", "--vault", "default")["stores"][1]
    )
    again = ada.gets("vault", "create", "company", *words(ada))
    assert (again["number"], again["sequence"]) == (1, 2), "nothing was left to do"


def test_the_keeper_holds_several_vaults_and_a_tool_reaches_the_one_that_it_was_granted(ada):
    ada.says("vault", "create", "company", *words(ada))
    ada.unlock()
    ada.says("unlock", "--vault", "company")
    ada.forgets_the_passphrase()
    ada.says("--vault", "company", "remember", "The budget is 3 million.")
    assert [one["number"] for one in ada.gets("vault", "list")["vaults"]] == [0, 1]
    ada.says("--vault", "company", "client", "grant", "cursor", "--scope", "personal", "--yes")
    token = Path(ada.gets("--vault", "company", "client", "token", "cursor")["file"]).read_text().strip()
    found = call_served("recall", {"question": "budget first"}, ada.home, token=token, channel="mcp")
    assert "3 million" in str(found) and "In the first" not in str(found)
    assert ada.says("vault", "rename", "company", "firm") == (
        "listed as firm from the next push on; on this device it is still --vault company\n"
    )
    assert ada.gets("vault", "forget", "firm", "--yes")["vault"]["number"] == 1
    assert [one["number"] for one in ada.gets("vault", "list")["vaults"]] == [0]
    assert "no vault 'firm' is listed; there are: none" in ada.fails(4, "vault", "rename", "firm", "x")


def test_the_words_bring_back_all_vaults_even_one_that_was_taken_off_the_list_and_tell_of_those_without_blocks(
    ada, node, places, tmp_path
):
    ada.says("vault", "create", "company", *words(ada))
    ada.says("--vault", "company", "remember", "In the company's.")
    ada.says("--vault", "company", "push")
    ada.says("vault", "create", "lonely", "--store", str(tmp_path / "lonely"), *words(ada))
    (Path(tmp_path / "lonely")).rename(tmp_path / "usb")
    chain = {"MEMSYNC_NETWORK": node.url, "MEMSYNC_PAYER": "TEST::1"}
    back = Person(tmp_path / "back", dict(chain))
    told = back.run("restore", "--all", "--store", str(places), *words(ada))
    assert told.exit_code == 0, told.stderr
    assert told.stdout.splitlines()[:2] == [
        "1 memory is back in 1 scope, as of push 3",
        "company: 1 memory is back, as of push 2",
    ]
    assert "listed too: lonely; `memsync vault restore --all`" in told.stdout
    assert "lonely is not back: " in told.stderr
    back.env = {name: value for name, value in back.env.items() if name not in chain}
    assert "company's" in back.says("--vault", "company", "recall", "company")
    back.says("--vault", "company", "remember", "From the new device.")
    back.says("--vault", "company", "push")
    back.says("vault", "use", "company")
    assert back.says("vault", "restore", "lonely", "--store", str(tmp_path / "usb"), *words(ada)) == (
        "lonely: 0 memories are back, as of push 1\n"
    )
    assert back.says("vault", "restore", "--all", *words(ada)) == "no other vault was brought back\n"
    one = Person(tmp_path / "one", dict(chain))
    assert "listed too: company, lonely" in one.says("restore", "--store", str(places), *words(ada))
    one.says("vault", "forget", "lonely", "--yes")
    assert "there are: company" in one.fails(4, "vault", "restore", "lonely", *words(ada))
    kept = one.gets("vault", "restore", "2", "--as", "kept", "--store", str(tmp_path / "usb"), *words(ada))
    assert [(made["vault"], made["number"]) for made in kept["vaults"]] == [("kept", 2)]
    shutil.rmtree(places)
    assert "blocks" in one.fails(7, "vault", "restore", "company", *words(ada))


def test_a_device_without_the_words_joins_each_vault_and_knows_which_it_is(ada, node, places, tmp_path):
    ada.says("vault", "create", "company", *words(ada))
    phone = Person(tmp_path / "phone", {"MEMSYNC_NETWORK": node.url, "MEMSYNC_PAYER": "TEST::1"})
    for name in ("default", "company"):
        request = phone.says("--vault", name, "device", "join", "--name", "phone")
        answer = ada.says("--vault", name, "device", "add", "-", "--yes", stdin=request)
        phone.says("--vault", name, "device", "join", "-", "--store", str(places), "--yes", stdin=answer)
        if name == "default":
            assert [one["here"] for one in phone.gets("vault", "list")["vaults"]] == ["default", None]
            for command in (("create", "x"), ("restore", "company"), ("restore", "--all")):
                told = phone.fails(3, "vault", *command)
                assert "24 words" in told and "`memsync device join --vault NAME`" in told
    assert [one["here"] for one in phone.gets("vault", "list")["vaults"]] == ["default", "company"]
    removed = ada.run("device", "remove", "phone", "--yes", *words(ada))
    assert "from this vault only; say it for each other that it had: company" in removed.stderr
    assert [one["name"] for one in ada.gets("--vault", "company", "device", "list")["devices"]][1:] == [
        "phone"
    ]
    assert phone.gets("--vault", "company", "vault", "list") | {"current": ""} == (
        phone.gets("vault", "list") | {"current": ""}
    )
