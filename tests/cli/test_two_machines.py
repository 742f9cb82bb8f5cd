"""Two machines: two homes that share nothing but a gateway and the chain, or a file that is carried."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from memsync.chain.node import LocalNode, local_node
from tests.people import Person


@pytest.fixture(scope="module")
def node() -> Iterator[LocalNode]:
    with local_node() as running:
        yield running


@pytest.fixture
def owner(node: LocalNode, tmp_path: Path) -> Person:
    found = Person(tmp_path / "owner")
    found.make_vault()
    found.says("chain", "use", node.url, "--payer", "TEST::0")
    found.says("scope", "add", "novel")
    found.says("remember", "The tide turns at noon.", "--scope", "novel", "--happened", "2023-01-05")
    found.says("remember", "The safe is behind the map.")
    return found


@pytest.fixture
def reader(node: LocalNode, tmp_path: Path) -> Person:
    return Person(tmp_path / "reader", {"MEMSYNC_NETWORK": node.url, "MEMSYNC_PAYER": "TEST::1"})


def served(owner: Person, *options: str) -> tuple[subprocess.Popen[str], str]:
    """A gateway in a process of its own, and its URL."""
    import os

    process = subprocess.Popen(
        [sys.executable, "-m", "memsync", "store", "serve", "--port", "0", *options],
        env=os.environ | owner.env,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
    assert found
    return process, found[0]


def test_a_grant_is_read_through_a_gateway_and_nothing_else_is(owner: Person, reader: Person, tmp_path: Path):
    card = tmp_path / "reader" / "card.json"
    reader.says("key", "card", "Inkwell", "--out", str(card))
    owner.says("push")
    told = owner.run(
        "grant", str(card), "--scope", "novel", "--for", "7d", "--yes", "--car", str(tmp_path / "inkwell.car")
    )
    assert "will read 1 memory of novel, 2023-01-05 to 2023-01-05, and new ones until" in told.stderr
    assert "fingerprint" in told.stderr
    assert "Inkwell (new)" in told.stderr
    assert "no store of this vault is in reach from elsewhere" in told.stdout
    link = told.stdout.split()[told.stdout.split().index("until") + 3]
    token = tmp_path / "token"
    process, url = served(owner, "--token-file", str(token))
    try:
        assert token.stat().st_mode & 0o777 == 0o600
        assert "give the one its owner gave you" in reader.fails(7, "accept", link, "--store", url)
        found = reader.gets(
            "accept", link, "--store", url, "--token-file", str(token), "--recall", "tide safe map"
        )
        assert [hit["text"] for hit in found["hits"]] == ["The tide turns at noon."]
        assert (found["scope"], found["memories"]) == ("novel", 1)
        owner.says("remember", "The tide is early on Sundays.", "--scope", "novel")
        owner.says("push")
        assert reader.gets("accept", link, "--store", url, "--token-file", str(token))["added"] == 1
        owner.says("revoke", "Inkwell")
        assert "revoked" in reader.fails(5, "accept", link, "--store", url, "--token-file", str(token))
    finally:
        process.terminate()
        process.communicate()
    assert list((tmp_path / "reader" / "home").rglob("blocks")) == []


def test_where_no_place_is_in_reach_a_file_carries_what_was_granted(
    owner: Person, reader: Person, tmp_path: Path
):
    card = tmp_path / "reader" / "card.json"
    reader.says("key", "card", "Inkwell", "--out", str(card))
    carried = tmp_path / "carried.car"
    result = owner.run("grant", str(card), "--scope", "novel", "--yes", "--car", str(carried), "--json")
    grant = json.loads(result.stdout)
    assert grant["car"]["file"] == str(carried)
    found = reader.gets("accept", grant["grant"]["link"], "--store", str(carried), "--recall", "tide")
    assert [hit["text"] for hit in found["hits"]] == ["The tide turns at noon."]
    owner.says("remember", "The tide is early on Sundays.", "--scope", "novel")
    owner.says("push")
    assert "is not in CAR file" in reader.fails(7, "accept", grant["grant"]["link"], "--store", str(carried))
    owner.says("export", "car", str(carried), "--grant", "Inkwell")
    assert reader.gets("accept", grant["grant"]["link"], "--store", str(carried))["added"] == 1


def test_a_proposal_comes_back_through_a_folder_that_both_reach(
    owner: Person, reader: Person, tmp_path: Path
):
    card, shared = tmp_path / "reader" / "card.json", tmp_path / "shared"
    reader.says("key", "card", "Inkwell", "--out", str(card))
    owner.says("push")
    owner.says("store", "add", str(shared))
    link = json.loads(
        owner.run("grant", str(card), "--scope", "novel", "--can", "read+write", "--yes", "--json").stdout
    )["grant"]["link"]
    assert "--store FOLDER" in reader.fails(2, "propose", link, "The tide is late.")
    reader.says("propose", link, "The tide is late.", "--store", str(shared))
    [proposal] = owner.gets("review")["proposals"]
    assert owner.says("review", "--accept", proposal["id"][:8]).startswith("1 accepted")
    owner.says("push")
    assert reader.gets("accept", link, "--store", str(shared))["memories"] == 2


def test_a_service_takes_only_the_grant_that_it_asked_for(owner: Person, reader: Person, tmp_path: Path):
    card = tmp_path / "reader" / "card.json"
    asked = reader.gets("key", "card", "Inkwell", "--request", "new", "--out", str(card))["request"]
    owner.says("push")
    carried = tmp_path / "carried.car"
    link = json.loads(
        owner.run("grant", str(card), "--scope", "novel", "--yes", "--car", str(carried), "--json").stdout
    )["grant"]["link"]
    assert "nobody here asked" in reader.fails(
        5, "accept", link, "--store", str(carried), "--request", "00" * 16
    )
    assert reader.gets("accept", link, "--store", str(carried), "--request", asked)["memories"] == 1
    assert "32 hexadecimal digits" in reader.fails(
        2, "accept", link, "--store", str(carried), "--request", "xyz"
    )


def test_a_contact_is_granted_by_name_and_a_changed_key_is_refused(
    owner: Person, reader: Person, tmp_path: Path
):
    card = tmp_path / "reader" / "card.json"
    reader.says("key", "card", "Inkwell", "--out", str(card))
    owner.says("push")
    first = owner.run(
        "grant", "-", "--scope", "novel", "--yes", "--car", str(tmp_path / "a.car"), stdin=card.read_text()
    )
    assert first.exit_code == 0, first.stderr
    again = owner.run("grant", "Inkwell", "--scope", "personal", "--yes", "--car", str(tmp_path / "b.car"))
    assert "Inkwell (known)" in again.stderr
    assert [one["name"] for one in owner.gets("contacts")["contacts"]] == ["Inkwell"]
    reader.says("key", "card", "Inkwell", "--key", "other", "--out", str(card))
    refused = owner.run("grant", str(card), "--scope", "novel", "--yes", "--car", str(tmp_path / "c.car"))
    assert refused.exit_code == 6
    assert "has changed" in refused.stderr
    owner.says("contacts", "remove", "Inkwell")
    assert (
        owner.run("grant", str(card), "--scope", "novel", "--yes", "--car", str(tmp_path / "c.car")).exit_code
        == 0
    )
    assert "no contact 'Nobody'" in owner.fails(4, "grant", "Nobody", "--scope", "novel")
    assert "there is no file" in owner.fails(2, "grant", "nowhere.json", "--scope", "novel")


def test_a_vault_comes_back_from_a_file_or_a_gateway_and_has_a_copy_of_its_own(
    owner: Person, node: LocalNode, tmp_path: Path
):
    words = owner.says("init", "--vault", "carried", "--yes", "--json")
    words = json.loads(words)["words"]
    owner.env["MEMSYNC_VAULT"] = "carried"
    owner.says("chain", "use", node.url, "--payer", "TEST::0")
    owner.says("remember", "To be carried.")
    owner.says("push")
    carried = tmp_path / "vault.car"
    owner.says("export", "car", str(carried))
    again = Person(tmp_path / "again", {"MEMSYNC_NETWORK": node.url, "MEMSYNC_PAYER": "TEST::1"})
    assert again.gets("restore", "--store", str(carried), stdin=words + "\n")["memories"] == 1
    carried.unlink()
    again.says("remember", "And pushed on.")
    again.says("push")
    assert again.gets("status")["stores"] == ["blocks"]
    process, url = served(owner, "--public")
    owner.says("pull", "--store", str(tmp_path / "again" / "home" / "vaults" / "default" / "blocks"))
    try:
        third = Person(tmp_path / "third", {"MEMSYNC_NETWORK": node.url})
        assert third.gets("restore", "--store", url, stdin=words + "\n")["memories"] == 2
        assert third.gets("status")["stores"] == ["blocks", url]
        assert "all is well" in third.says("verify", "--deep")
    finally:
        process.terminate()
        process.communicate()
    assert len(third.gets("list")["memories"]) == 2


def test_a_published_key_is_on_the_chain(reader: Person, node: LocalNode):
    reader.says("key", "card", "Inkwell")
    first = reader.gets("key", "publish", "Inkwell")
    second = reader.gets("key", "publish", "Inkwell", "--url", "https://inkwell.example")
    assert first["account"] == second["account"]
    assert first["transaction"] != second["transaction"]
    assert json.loads(second["card"])["url"] == "https://inkwell.example"


def test_a_card_is_taken_from_where_a_service_publishes_it(owner: Person, reader: Person, tmp_path: Path):
    card = json.loads(reader.gets("key", "card", "Inkwell")["card"])
    places = tmp_path / "www" / ".well-known"
    places.mkdir(parents=True)
    (places / "memsync.json").write_text(json.dumps(card, separators=(",", ":"), ensure_ascii=False))
    (places / "big.json").write_text("x" * 100_000)
    handler = functools.partial(SilentHandler, directory=str(tmp_path / "www"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_port}/.well-known"
        made = owner.run(
            "grant", f"{base}/memsync.json", "--scope", "novel", "--yes", "--car", str(tmp_path / "g.car")
        )
        assert made.exit_code == 0, made.stderr
        assert "Inkwell (new), fingerprint" in made.stderr
        assert owner.run("grant", f"{base}/nowhere.json", "--scope", "novel", "--yes").exit_code == 7
        assert owner.run("grant", f"{base}/big.json", "--scope", "novel", "--yes").exit_code in {6, 7}
        server.shutdown()
    refused = owner.run("grant", "http://gateway.example/memsync.json", "--scope", "novel", "--yes")
    assert (refused.exit_code, "https" in refused.stderr) == (2, True)


class SilentHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass
