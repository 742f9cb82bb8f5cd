"""The command line: what goes in and comes out, how it ends, and what it never takes or loads."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from memsync.chain.node import LocalNode, local_node
from memsync.cli import cli
from memsync.cli.frame import shown
from memsync.intake import write_sample_export
from tests.people import Person

HEAVY = {"ape", "web3", "numpy", "pandas", "eth_account", "eth_abi", "cryptography", "apsw", "coincurve"}


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path / "person")


@pytest.fixture
def owner(person: Person) -> Person:
    person.make_vault()
    return person


def modules_after(code: str) -> set[str]:
    tail = "\nimport json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


HELP = """
from memsync.cli import cli
try:
    cli.main(["--help"])
except SystemExit:
    pass
"""


def test_help_loads_nothing_heavy():
    loaded = modules_after(HELP)
    assert "click" in loaded
    assert not loaded & HEAVY
    assert modules_after(HELP + "import memsync.vault") & HEAVY == {"cryptography", "apsw", "coincurve"}


def commands(group: click.Group, *before: str) -> Iterator[tuple[str, ...]]:
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        yield (*before, name)
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)


@pytest.mark.parametrize("path", commands(cli), ids=" ".join)
def test_each_verb_says_what_it_is_for(person: Person, path: tuple[str, ...]):
    told = person.says(*path, "--help")
    assert "Example: memsync" in told or "COMMAND" in told
    assert told.startswith(f"Usage: cli {' '.join(path)} ")
    assert len(told.splitlines()[2].strip()) > 10
    assert not (person.folder / "home").exists()


def test_what_was_remembered_is_recalled_edited_and_forgotten(owner: Person):
    memory = owner.says("remember", "The keeper's name is Ansel.", "--tag", "novel").strip()
    assert "Ansel" in owner.says("recall", "keeper name")
    owner.says("edit", memory, stdin="The keeper's name is Anselm.\n")
    (hit,) = owner.gets("recall", "keeper name")["hits"]
    assert (hit["text"], hit["tags"], hit["id"]) == ("The keeper's name is Anselm.", ["novel"], memory)
    assert owner.gets("list")["count"] == 1
    owner.says("forget", memory[:12])
    assert owner.says("recall", "keeper") == "nothing found\n"
    assert owner.gets("list") == {"memories": [], "count": 0}


def test_a_text_comes_from_stdin_as_well(owner: Person):
    owner.says("remember", stdin="Two lines,\none memory.\n")
    assert owner.gets("list")["memories"][0]["text"] == "Two lines,\none memory."
    assert "no text" in owner.fails(2, "remember")


def test_scopes_are_made_listed_and_renamed(owner: Person):
    owner.says("scope", "add", "work")
    owner.says("remember", "A meeting.", "--scope", "work")
    owner.says("scope", "rename", "work", "office")
    assert {name: one["memories"] for name, one in owner.gets("scope", "list")["scopes"].items()} == {
        "office": 1,
        "personal": 0,
    }
    assert [hit["text"] for hit in owner.gets("recall", "meeting", "--scope", "office")["hits"]] == [
        "A meeting."
    ]
    assert owner.gets("recall", "meeting", "--scope", "personal")["hits"] == []
    assert "work" in owner.fails(4, "recall", "meeting", "--scope", "work")


def test_an_export_is_imported_once_and_its_last_line_names_the_plain_text(owner: Person, tmp_path: Path):
    export = write_sample_export(tmp_path / "export.zip")
    assert owner.gets("import", "chatgpt", str(export), "--dry-run")["report"]["memories"] == 351
    assert owner.gets("list")["count"] == 0
    told = owner.says("import", "chatgpt", str(export), "--title", "Knee", "--since", "2025-01-01")
    assert str(export) in told.splitlines()[-1]
    some = owner.gets("list")["count"]
    assert 0 < some < 351
    assert owner.gets("import", "chatgpt", str(export))["report"]["known"] == some
    assert owner.gets("import", "chatgpt", str(export))["report"]["memories"] == 0
    assert owner.gets("list")["count"] == 351


def test_a_file_that_is_no_export_is_named_and_adds_nothing(owner: Person, tmp_path: Path):
    (tmp_path / "no.zip").write_bytes(b"PK\3\4 not really")
    assert "no.zip" in owner.fails(2, "import", "chatgpt", str(tmp_path / "no.zip"))
    assert "no time" in owner.fails(2, "import", "chatgpt", str(tmp_path / "no.zip"), "--since", "spring")
    assert owner.gets("list")["count"] == 0


def test_the_words_are_shown_once_and_the_status_says_that_they_are_still_here(person: Person):
    assert "--yes" in person.run("init", "--vault", "second").stderr
    made = person.gets("init", "--vault", "second", "--yes")
    assert len(made["words"].split()) == 25
    told = person.says("status", "--vault", "second")
    assert "24 words are still on this device" in told
    assert person.gets("status", "--vault", "second")["words_kept"] is True
    assert "already" in person.fails(2, "init", "--vault", "second", "--yes")


@pytest.mark.parametrize(
    ("code", "args", "part"),
    [
        (4, ["recall", "x", "--vault", "nobody"], "memsync init"),
        (2, ["recall", "x", "--vault", "../up"], "can't be a vault's name"),
        (8, ["push"], "memsync chain use NETWORK"),
        (8, ["pull"], "memsync node start"),
        (8, ["push", "--network", "http://127.0.0.1:9"], "127.0.0.1:9"),
        (2, ["forget", "not-an-id"], "hexadecimal"),
        (4, ["forget", "00ff"], "no memory"),
        (2, ["recall"], "Missing argument 'QUESTION'; see `cli recall --help`"),
        (2, ["remember", "x", "--kind", "odd"], "odd"),
        (2, ["scope", "list", "--bogus"], "--bogus"),
        (2, ["scope", "bogus"], "bogus"),
        (2, ["bogus"], "bogus"),
        (4, ["remember", "x", "--scope", "nowhere"], "nowhere"),
        (2, ["import", "chatgpt", "nowhere.zip"], "nowhere.zip"),
        (2, ["scope", "add", ""], "name"),
    ],
)
def test_what_goes_wrong_is_one_line_with_its_exit_code(owner: Person, code: int, args: list[str], part: str):
    assert part in owner.fails(code, *args)


def test_a_wrong_passphrase_is_told_and_comes_from_a_file_or_a_terminal_only(owner: Person):
    (owner.folder / "passphrase").write_text("wrong\n")
    assert "passphrase" in owner.fails(3, "recall", "x")
    (owner.folder / "passphrase").unlink()
    assert "can't be read" in owner.fails(2, "recall", "x")
    del owner.env["MEMSYNC_PASSPHRASE_FILE"]
    owner.env["MEMSYNC_PASSPHRASE"] = "correct horse battery staple"
    assert "run it in a terminal" in owner.fails(3, "recall", "x")
    assert "--passphrase" in owner.fails(2, "recall", "x", "--passphrase", "correct horse battery staple")


def test_the_passphrase_is_asked_for_at_a_terminal_without_echo(owner: Person):
    owner.says("remember", "Asked and answered.")
    env = {
        name: value
        for name, value in {**os.environ, **owner.env}.items()
        if name != "MEMSYNC_PASSPHRASE_FILE"
    }
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "memsync", "recall", "answered"]
    with subprocess.Popen(
        command, env=env, stdin=end, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as asked:
        assert asked.stderr is not None
        assert asked.stdout is not None
        prompt = asked.stderr.read(len("Passphrase: "))  # what is typed before it is asked for is thrown away
        os.write(terminal, b"correct horse battery staple\n")
        told, rest = asked.stdout.read(), asked.stderr.read()
    echoed = os.read(terminal, 1000) if select.select([terminal], [], [], 0)[0] else b""
    os.write(terminal, b"seen\n")
    assert b"seen" in os.read(terminal, 1000)  # the terminal echoes when it isn't told not to
    os.close(terminal)
    os.close(end)
    assert (asked.returncode, prompt) == (0, b"Passphrase: ")
    assert b"Asked and answered." in told
    assert b"horse" not in told + rest + echoed


def test_a_text_can_not_drive_the_terminal():
    assert shown("a\x1b[2Jb\x07c\u202ed\x9be") == "a\ufffd[2Jb\ufffdc\ufffdd\ufffde"
    assert shown("zwei\tZeilen\nעברית 👩‍🔬") == "zwei\tZeilen\nעברית 👩‍🔬"


def test_a_memory_with_control_characters_is_printed_without_them(owner: Person):
    owner.says("remember", "red \x1b[31m alert")
    for told in (owner.says("list"), owner.says("recall", "alert")):
        assert "alert" in told
        assert "\x1b" not in told
    assert owner.gets("list")["memories"][0]["text"] == "red \x1b[31m alert"


def test_python_m_memsync_ends_with_the_same_line_and_code():
    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "memsync", *args], capture_output=True, text=True, check=False
        )

    assert run("--version").stdout.strip()
    lost = run("bogus")
    assert (lost.returncode, lost.stdout, lost.stderr) == (
        2,
        "",
        "memsync: No such command 'bogus'; see `memsync --help`\n",
    )
    odd = run("--bogus", "--json")
    assert (odd.returncode, odd.stderr) == (2, "")
    assert json.loads(odd.stdout)["ok"] is False


def test_ape_has_it_as_a_subcommand(owner: Person, tmp_path: Path):
    ape = Path(sys.executable).parent / "ape"
    env = {**os.environ, **owner.env, "APE_DATA_FOLDER": str(tmp_path / "ape")}

    def run(*args: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [ape, "memsync", *args], env=env, capture_output=True, text=True, check=False, cwd=tmp_path
        )

    assert json.loads(run("status", "--json").stdout)["vault"] == "default"
    lost = run("recall", "x", "--vault", "nobody")
    assert lost.returncode == 4
    assert lost.stderr.startswith("memsync: no vault 'nobody'")


@pytest.fixture(scope="module")
def node() -> Iterator[LocalNode]:
    with local_node() as running:
        yield running


@pytest.fixture
def on_chain(node: LocalNode, tmp_path: Path) -> Callable[[str], Person]:
    """Someone who uses this node, and blocks in a folder that all of them reach."""

    def make(name: str) -> Person:
        where = {
            "MEMSYNC_NETWORK": node.url,
            "MEMSYNC_PAYER": "TEST::0",
            "MEMSYNC_STORE": str(tmp_path / "blocks"),
        }
        return Person(tmp_path / name, where)

    return make


def test_the_whole_flow_goes_by_commands(on_chain: Callable[[str], Person], tmp_path: Path):
    owner, tool, again = on_chain("owner"), on_chain("tool"), on_chain("again")
    words = owner.make_vault()
    owner.says("scope", "add", "novel")
    owner.says("remember", "The tide turns at noon.", "--scope", "novel")
    owner.says("remember", "The safe is behind the map.")
    assert owner.gets("push")["sequence"] == 1
    assert owner.says("push") == "nothing waits\n"

    card = tmp_path / "card"
    fingerprint = tool.gets("key", "card", "Inkwell", "--out", str(card))["fingerprint"]
    assert tool.gets("key", "card", "Inkwell")["fingerprint"] == fingerprint
    terms = ("grant", str(card), "--scope", "novel", "--can", "read+write", "--until", "7d")
    unasked = owner.run(*terms)
    assert unasked.exit_code == 2
    assert fingerprint in unasked.stderr
    assert "--yes" in unasked.stderr
    link = owner.gets(*terms, "--yes")["grant"]["link"]
    assert [grant["name"] for grant in owner.gets("grants")["grants"]] == ["Inkwell"]

    found = tool.gets("accept", link, "--recall", "When does the tide turn?")
    assert (found["memories"], found["hits"][0]["text"]) == (1, "The tide turns at noon.")
    assert tool.gets("accept", link, "--recall", "Where is the safe?")["hits"] == []
    tool.says("propose", link, "The tide is late.", "The tide is early.")
    late, early = sorted(owner.gets("review")["proposals"], key=lambda one: one["text"], reverse=True)
    told = owner.says("review", "--accept", late["id"], "--refuse", early["id"][:20])
    assert told.startswith("1 accepted, 1 refused")
    assert "none of the proposals that wait" in owner.fails(4, "review", "--accept", late["id"])
    owner.says("push")
    assert tool.gets("accept", link)["added"] == 1

    assert owner.gets("revoke", "Inkwell")["rotated"] == ["novel"]
    assert "revoked" in tool.fails(5, "accept", link)
    assert "no live grant" in owner.fails(4, "revoke", "Inkwell")
    assert [deed["kind"] for deed in owner.gets("history")["history"]] == ["revoke", "push", "grant", "push"]

    assert "word" in again.fails(3, "restore", stdin="memsync twenty four other words\n")
    back = again.gets("restore", stdin=words + "\n")
    assert back["memories"] == 3
    again.says("remember", "From the other machine.")
    again.says("push")
    assert owner.gets("pull")["changed"] is True
    assert owner.gets("list")["count"] == 4
    assert owner.says("pull").endswith("nothing new\n")


def test_who_does_not_pay_can_read_and_is_told_before_a_push(on_chain: Callable[[str], Person]):
    owner = on_chain("owner")
    owner.make_vault()
    del owner.env["MEMSYNC_PAYER"]
    assert "pay" in owner.fails(8, "push")
    owner.env["MEMSYNC_PAYER"] = "nobody-of-this-name"
    assert "ape accounts list" in owner.fails(8, "push")
    owner.env["MEMSYNC_PAYER"] = "TEST::0"
    assert owner.gets("push")["sequence"] == 1
    del owner.env["MEMSYNC_PAYER"]
    assert owner.gets("pull")["sequence"] == 1


def test_several_stores_hold_the_same_and_one_is_enough_to_read(
    on_chain: Callable[[str], Person], tmp_path: Path
):
    owner, again = on_chain("owner"), on_chain("again")
    both = ("--store", str(tmp_path / "one"), "--store", str(tmp_path / "two"))
    words = owner.gets("init", "--yes", *both)["words"]
    owner.says("remember", "Kept twice.", *both)
    owner.says("push", *both)
    names = [{path.name for path in (tmp_path / place).rglob("b*")} for place in ("one", "two")]
    assert names[0] == names[1] != set()
    assert again.gets("restore", "--store", str(tmp_path / "two"), stdin=words)["memories"] == 1


WITHOUT_APE = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"ape", "web3", "eth_abi"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from memsync.cli import main
main()
"""


@pytest.mark.parametrize("args", [["demo"], ["push", "--network", "http://127.0.0.1:9"]])
def test_without_the_extra_a_verb_that_needs_a_chain_says_how_to_get_it(owner: Person, args: list[str]):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_APE, *args],
        env=os.environ | owner.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (8, "")
    assert done.stderr == "memsync: talking to a chain needs Ape: pip install 'memsync[ape]'\n"
