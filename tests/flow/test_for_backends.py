"""``docs/for-backends.md``: its programs are written to files and run, on a node, as a backend and a person would."""

from __future__ import annotations

import os
import re
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from memsync import AccessError, DirectoryStore, Vault
from memsync.chain.ape import connect
from memsync.chain.node import LocalNode, local_node
from tests.flow.actions import World

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/for-backends.md").read_text(encoding="utf-8")
RPC = "http://127.0.0.1:8545"
BLOCK = re.compile(r"^```python(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PROGRAMS = dict(BLOCK.findall(PAGE))
DRAFT = "Ruth gets the full draft by 30 June."
TIMEOUT = 90


@dataclass
class Folder:
    """The page's programs in a folder, with a node in place of the page's RPC."""

    path: Path
    node: LocalNode
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name, code in PROGRAMS.items():
            (self.path / name).write_text(code.replace(RPC, self.node.url), encoding="utf-8")

    def start(self, *command: str) -> subprocess.Popen[str]:
        env = {**os.environ, "HOME": str(self.path), "APE_DATA_FOLDER": str(self.path / "ape")}
        process = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.path,
            env=env,
        )
        self.started.append(process)
        return process

    def run(self, *command: str, typed: str = "") -> str:
        return self.finish(self.start(*command), typed)

    def finish(self, process: subprocess.Popen[str], typed: str = "") -> str:
        shown, said = process.communicate(typed, timeout=TIMEOUT)
        assert (process.returncode, said) == (0, "")
        return shown

    def person(self) -> Vault:
        """The person's vault, opened by the test itself."""
        return Vault.open(
            "try",
            passphrase="only for trying",
            home=self.path / "person",
            registry=self.registry,
            store=DirectoryStore(self.path / "blocks"),
        )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Folder]:
    with local_node() as node, connect(node.url, payer="TEST::0") as registry:
        made = Folder(tmp_path_factory.mktemp("backend"), node)
        made.registry = registry
        yield made
        for process in made.started:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def link(folder: Folder) -> str:
    """A link for the backend of ``inkwell.py``: asked for with a nonce, granted to read and propose, accepted once."""
    first = folder.start("first.py")
    card = first.stdout.readline()
    (folder.path / "card.json").write_text(card)
    shared = folder.run("person.py").strip()
    assert DRAFT in folder.finish(first, shared + "\n")
    with chdir(folder.path):
        inkwell = runpy.run_path("inkwell.py")
        card, nonce = inkwell["ask"]()
        with folder.person() as vault:
            granted = vault.grant(card, scope="personal", can="read+write").link
        with pytest.raises(AccessError, match="nobody here asked"):
            inkwell["open_link"](granted, folder.registry, bytes(16))
        inkwell["open_link"](granted, folder.registry, nonce).close()
    return granted


def test_the_first_program_has_ten_lines_and_finds_a_memory(link: str) -> None:
    assert len(PROGRAMS["first.py"].splitlines()) == 10


def test_four_workers_read_at_once(folder: Folder, link: str) -> None:
    workers = [folder.start("worker.py", link) for _ in range(4)]
    for worker in workers:
        assert folder.finish(worker, "full draft\nfull draft\n") == f"['{DRAFT}']\n" * 2


def test_a_server_follows_changes_once_and_ends_in_order_on_ctrl_c(folder: Folder, link: str) -> None:
    server = folder.start("server.py", link)
    lines = iter(server.stdout.readline, "")
    assert f"added {DRAFT}\n" in lines
    assert f"['{DRAFT}']\n" in lines
    folder.run("propose.py", link)
    with folder.person() as vault:
        assert vault.collect().new == 1
        vault.accept(vault.review()[0])
        vault.push()
        assert "added The reading aloud starts with chapter 11.\n" in lines
        server.send_signal(signal.SIGINT)
        rest, said = server.communicate(timeout=TIMEOUT)
        assert (rest.splitlines()[-2:], said, server.returncode) == (["closed in order", "bye"], "", 0)
        again = folder.start("server.py", link)
        lines = iter(again.stdout.readline, "")
        vault.remember("Chapter 12 is short.")
        vault.push()
        assert next(line for line in lines if line.startswith("added")) == "added Chapter 12 is short.\n"
        vault.revoke(next(grant for grant in vault.grants() if grant.link == link))
        assert "over: the grant to 'personal' was revoked; ask the granter for a new one\n" in lines
        assert folder.finish(again).endswith("closed in order\n")


def test_one_shared_vault_serves_many_threads(world: World) -> None:
    vault = world.vault()
    for number in range(50):
        vault.remember(f"Buoy {number} rang.")
    shared = world.accepted(*world.granted(vault))
    with ThreadPoolExecutor(8) as threads:
        pulled = [threads.submit(shared.pull) for _ in range(10)]
        found = [threads.submit(shared.recall, "buoy") for _ in range(50)]
        listed = [threads.submit(lambda: len(list(shared.memories()))) for _ in range(50)]
        assert sum(one.result().added for one in pulled) >= 50
        assert {len(one.result()) for one in found} <= {0, 10}  # before a pull was through, and after
        assert {one.result() for one in listed} <= {0, 50}
    assert len(list(shared.memories())) == len(list(shared.follow())) == 50


def test_the_pages_own_test_passes_without_a_node(tmp_path: Path) -> None:
    names: dict[str, Callable[[Path], None]] = {}
    exec(PROGRAMS["test_inkwell.py"], names)  # noqa: S102 - our own page
    names["test_what_was_granted_is_found"](tmp_path)


def test_every_program_of_the_page_is_run() -> None:
    run = set(re.findall(r'"(\w+\.py)"', Path(__file__).read_text()))
    assert set(PROGRAMS) == run | {"inkwell.py"}
    assert all(re.search(r"\bimport\b", code) for code in PROGRAMS.values())
