"""Two devices on one desk, each a real process: one listens, the other connects, and the person carries a code across."""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from memsync.chain.node import LocalNode, local_node
from memsync.device.keystore_file import CHEAP_COST
from memsync.errors import CodesDiffer
from memsync.vault import Vault
from tests.people import PASSPHRASE, Person, short_folder


@pytest.fixture(scope="module")
def node() -> Iterator[LocalNode]:
    with local_node() as running:
        yield running


@pytest.fixture
def laptop(node: LocalNode) -> Iterator[Person]:
    with short_folder() as folder:
        found = Person(Path(folder))
        found.make_vault()
        found.says("chain", "use", node.url, "--payer", "TEST::0")
        found.says("store", "add", str(found.folder / "blocks"))
        found.says("remember", "The tide turns at noon.")
        found.says("push")
        yield found
        found.leaves()


@pytest.fixture
def phone(tmp_path: Path) -> Person:
    return Person(tmp_path / "phone", {"MEMSYNC_PAYER": "TEST::1"})


class Screen:
    """A command that runs, its person's keyboard a pipe or a terminal, and what is read off its screen."""

    def __init__(self, who: Person, args: list[str], *, terminal: bool) -> None:
        self._keyboard, keys = pty.openpty() if terminal else os.pipe()[::-1]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "memsync", *args], env=who.shell_env(), cwd=who.folder,
            stdin=keys, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1,
        )  # fmt: skip
        os.close(keys)
        self.shown = ""

    def shows(self, pattern: str) -> str:
        """Wait for it."""
        while not (found := re.search(pattern, self.shown)):
            text = self._process.stderr.readline()
            assert text, (self.shown, self._process.wait())
            self.shown += text
        return found[1]

    def type(self, text: str) -> None:
        os.write(self._keyboard, text.encode() + b"\n")

    def ends(self) -> tuple[int, str]:
        out, err = self._process.communicate(timeout=60)
        self.shown += err
        os.close(self._keyboard)
        return self._process.returncode, out

    def kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self.ends()


@contextmanager
def running(who: Person, *args: str, terminal: bool = False) -> Iterator[Screen]:
    screen = Screen(who, [*args], terminal=terminal)
    try:
        yield screen
    finally:
        screen.kill()


def test_two_processes_pair_through_a_keeper_when_the_code_is_right_and_end_when_it_differs(laptop, phone):
    laptop.unlock()
    laptop.forgets_the_passphrase()
    with running(laptop, "device", "add", "--listen", "0") as left:
        said = shlex.split(left.shows(r"on the new device, say: memsync (.*)\n"))
        with Vault.reach(said[3], passphrase=PASSPHRASE, home=phone.home, cost=CHEAP_COST) as adding:
            left.type("000 0000" if adding.code != "000 0000" else "000 0001")
            with pytest.raises(CodesDiffer):
                adding.wait_until_equal()
        assert left.ends() == (6, "")
        assert left.shown.splitlines()[-1].startswith("memsync: the two devices don't show the same")
        assert len(laptop.gets("device", "list")["devices"]) == 1

    with running(laptop, "device", "add", "--listen", "0") as left:
        said = shlex.split(left.shows(r"on the new device, say: memsync (.*)\n"))
        assert said[-2:] == ["--store", str(laptop.folder / "blocks")]
        with running(phone, *said, "--name", "phone", terminal=True) as right:
            code = right.shows(r"code (\d{3} \d{4}): type it on the other device")
            left.shows("(phone asks for the whole vault)")
            assert code not in left.shown, "it could be nodded through"
            left.type(code)
            right.type("y")
            assert left.ends() == (0, "phone is in the vault, and has its keys\n")
            assert right.ends() == (
                0,
                " 1 memory is here in 1 scope, as of push 2\n",
            )  # click's prompt is the space
    phone.says("remember", "The phone was here.")
    phone.says("push")
    laptop.says("pull")
    assert "The tide turns at noon." in phone.says("recall", "tide")
    assert "The phone was here." in laptop.says("recall", "phone")


def test_what_can_not_be_paired_is_refused_with_a_way_on(laptop, phone, node):
    phone.env["MEMSYNC_NETWORK"] = node.url
    join = ("device", "join", "--fingerprint", "ab", "--connect")
    assert "nobody can be reached" in phone.fails(4, *join, "127.0.0.1:1")
    assert "is no address; give HOST:PORT" in phone.fails(2, *join, "8042")
    assert "goes without ANSWER" in phone.fails(2, *join, "127.0.0.1:1", "answer.json")
    told = laptop.fails(2, "device", "add", "--listen", "0", "--yes")
    assert "the code must be compared, in a script by --fingerprint" in told
    told = phone.fails(2, "device", "join", "--connect", "127.0.0.1:1")
    assert "nobody here to compare codes; say --fingerprint" in told
    assert "is no address; give [HOST:]PORT" in laptop.fails(2, "device", "add", "--listen", "here")
    assert "can't listen at" in laptop.fails(2, "device", "add", "--listen", "192.0.2.1:0")
    assert "needs REQUEST, or --listen PORT" in laptop.fails(2, "device", "add")
    phone.make_vault()
    assert "push first" in phone.fails(8, "device", "add", "--listen", "0")
    (phone.home / "vaults" / "default" / "keystore").unlink()
    request = phone.says("device", "join", "--vault", "other", "--name", "phone")
    assert "another than the one shown" in laptop.fails(
        9, "device", "add", "-", "--fingerprint", "ab", stdin=request
    )
