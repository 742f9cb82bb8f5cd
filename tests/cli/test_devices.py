"""Two devices of one person at two terminals: one asks, one adds, both show fingerprints; later one is removed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from memsync.chain.node import LocalNode, local_node
from tests.people import Person


@pytest.fixture(scope="module")
def node() -> Iterator[LocalNode]:
    with local_node() as running:
        yield running


@pytest.fixture
def places(tmp_path: Path) -> Path:
    return tmp_path / "blocks"


@pytest.fixture
def laptop(node: LocalNode, tmp_path: Path, places: Path) -> Person:
    found = Person(tmp_path / "laptop")
    (found.folder / "words").write_text(found.make_vault() + "\n")
    found.says("chain", "use", node.url, "--payer", "TEST::0")
    found.says("store", "add", str(places))
    found.says("remember", "The tide turns at noon.")
    found.says("push")
    return found


@pytest.fixture
def phone(node: LocalNode, tmp_path: Path) -> Person:
    return Person(tmp_path / "phone", {"MEMSYNC_NETWORK": node.url, "MEMSYNC_PAYER": "TEST::1"})


def fingerprint(text: str) -> str:
    found = re.search(r"(?:[0-9a-f]{4} ){7}[0-9a-f]{4}", text)
    assert found, text
    return found[0]


def paired(laptop: Person, phone: Person, places: Path) -> None:
    request = phone.says("device", "join", "--name", "phone")
    answer = laptop.says("device", "add", "-", "--yes", stdin=request)
    phone.says("device", "join", "-", "--store", str(places), "--yes", stdin=answer)


def test_two_devices_are_paired_through_pipes_and_show_the_same_fingerprints(laptop, phone, places):
    asked = phone.run("device", "join", "--name", "phone")
    assert asked.exit_code == 0
    assert asked.stdout.count("\n") == 1
    refused = laptop.run("device", "add", "-", stdin=asked.stdout)
    assert (refused.exit_code, refused.stdout) == (2, ""), "nobody is there to compare"
    added = laptop.run("device", "add", "-", "--yes", stdin=asked.stdout)
    assert added.exit_code == 0, added.stderr
    assert fingerprint(added.stderr.splitlines()[0]) == fingerprint(asked.stderr)
    joined = phone.run("device", "join", "-", "--store", str(places), "--yes", stdin=added.stdout)
    assert joined.exit_code == 0, joined.stderr
    assert fingerprint(joined.stderr) == fingerprint(added.stderr.splitlines()[1])
    assert joined.stdout == "1 memory is here in 1 scope, as of push 2\n"
    assert "The tide turns at noon." in phone.says("recall", "tide")
    listed = phone.says("device", "list")
    assert f"phone                   {fingerprint(asked.stderr)}" in listed
    assert re.search(r"^phone .* this device$", listed, re.MULTILINE)
    phone.says("remember", "The phone was here.")
    phone.says("push")
    laptop.says("pull")
    assert "phone was here" in laptop.says("recall", "phone")


def test_what_passes_between_devices_holds_no_secret_in_the_clear(laptop, phone, places):
    request = phone.says("device", "join")
    answer = laptop.says("device", "add", "-", "--yes", stdin=request)
    with laptop.opened() as vault:
        keys = vault._replica.keys()
        device = vault._secrets
    for secret in (keys.locator.secret, keys.generation.secret, device.device, device.database):
        assert secret not in (request + answer).encode()
        assert secret.hex() not in request + answer
    assert json.loads(request).keys() == {
        "memsync",
        "version",
        "name",
        "box",
        "author",
        "issued",
        "nonce",
        "signature",
    }
    assert json.loads(answer).keys() == {"memsync", "version", "sealed"}


def test_a_removed_device_is_told_so_and_keeps_what_it_had(laptop, phone, places, tmp_path):
    paired(laptop, phone, places)
    phone.says("remember", "Never pushed.")
    words = str(laptop.folder / "words")
    assert "there are:" in laptop.fails(4, "device", "remove", "tablet", "--words", words, "--yes")
    assert "another vault" in laptop.fails(
        3, "device", "remove", "phone", "--yes", stdin=Person(tmp_path / "other").make_vault()
    )
    found = laptop.gets("device", "remove", "phone", "--words", words, "--yes")
    assert (found["name"], found["generation"], found["rotated"], found["again"]) == (
        "phone",
        1,
        ["personal"],
        [],
    )
    laptop.says("remember", "After the phone.")
    laptop.says("push")
    for verb in ("pull", "push", "grants"):
        assert "this device has no place in the vault any more" in phone.fails(5, verb)
    assert "Never pushed." in phone.says("recall", "pushed")
    assert "After the phone." not in phone.says("recall", "after the phone")
    phone.says("export", "jsonl", str(tmp_path / "kept.jsonl"))
    request = phone.says("device", "join", "--vault", "again", "--name", "phone")
    answer = laptop.says("device", "add", "-", "--yes", stdin=request)
    phone.says("device", "join", "-", "--vault", "again", "--store", str(places), "--yes", stdin=answer)
    phone.says("import", "jsonl", str(tmp_path / "kept.jsonl"), "--vault", "again")
    phone.says("push", "--vault", "again")
    laptop.says("pull")
    assert "Never pushed." in laptop.says("recall", "pushed")
    assert [one["name"] for one in laptop.gets("device", "list")["devices"]][1:] == ["phone"]


def test_after_a_theft_another_device_joins_again_with_all_that_waits(laptop, phone, places, node, tmp_path):
    paired(laptop, phone, places)
    tablet = Person(tmp_path / "tablet", {"MEMSYNC_NETWORK": node.url, "MEMSYNC_PAYER": "TEST::2"})
    answer = laptop.says(
        "device", "add", "-", "--yes", stdin=tablet.says("device", "join", "--name", "tablet")
    )
    tablet.says("device", "join", "-", "--store", str(places), "--yes", stdin=answer)
    tablet.says("remember", "Waits on the tablet.")
    words = str(laptop.folder / "words")
    told = laptop.says("device", "remove", "phone", "--stolen", "--words", words, "--yes")
    assert "to be joined again: tablet" in told
    assert "device join" in tablet.fails(5, "push")
    request = tablet.says("device", "join")
    refused = laptop.run("device", "add", "-", "--yes", stdin=request)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "in the vault already, as 'tablet'" in refused.stderr
    answer = laptop.says("device", "add", "-", "--again", "--yes", stdin=request)
    assert "1 thing waits to be pushed" in tablet.says("device", "join", "-", stdin=answer)
    tablet.says("push")
    laptop.says("pull")
    assert "Waits on the tablet." in laptop.says("recall", "tablet")


def test_what_is_no_request_or_answer_is_refused_with_a_way_on(laptop, phone, tmp_path):
    assert "can't be read" in laptop.fails(2, "device", "add", str(tmp_path / "nothing"), "--yes")
    assert "device request" in laptop.fails(6, "device", "add", "-", "--yes", stdin="{}")
    assert "asked nobody" in phone.fails(4, "device", "join", "-", "--yes", stdin="{}")
    phone.says("device", "join", "--name", "phone")
    assert "device answer" in phone.fails(6, "device", "join", "-", "--yes", stdin="{}")
    assert "only device" in laptop.fails(
        2,
        "device",
        "remove",
        laptop.gets("device", "list")["devices"][0]["name"],
        "--words",
        str(laptop.folder / "words"),
        "--yes",
    )
