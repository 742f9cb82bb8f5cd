"""One table of verbs, and the same words everywhere: command, library, the keeper's API, the documentation, with steady JSON keys."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

import memsync.keeper.verbs  # fills VERBS
from memsync.chain.node import local_node
from memsync.cli import cli
from memsync.intake import write_sample_export
from memsync.keeper.app import keeper_app
from memsync.keeper.house import House
from memsync.keeper.verb import SERVED, VERBS
from tests.intake.samples import write_samples
from tests.people import Person
from tests.shell import ROOT

KEYS = json.loads((Path(__file__).parent / "json_keys.json").read_text())
HOMES = {
    "Vault": "memsync.vault",
    "SharedVault": "memsync.shared",
    "Tool": "memsync.shared",
    "ApeRegistry": "memsync.chain.ape",
}
# What a verb takes that its command has under another name, or asks for instead.
SAID_OTHERWISE = {
    "preview": "shown before it is asked",
    "fingerprint": "that of the card which was shown",
    "format": "the command's last word",
    "accept": "--accept",
    "refuse": "--refuse",
    "place": "PLACE",
}
ONLY_HERE = {
    "init": "makes a keystore: Vault.create",
    "restore": "takes the words: Vault.restore",
    "passphrase": "takes the passphrase: Vault.change_passphrase",
    "device join": "makes a keystore: Vault.request, Vault.join",
    "device remove": "takes the words: Vault.remove_device",
    "vault create": "takes the words: Vault.create_vault",
    "vault restore": "takes the words: Vault.bring_vault",
    "vault use": "memsync.device.config",
    "unlock": "the keeper's own",
    "lock": "the keeper's own",
    "chain move": "takes the words: Vault.relocate",
    "store serve": "a server: memsync.http.gateway",
    "serve": "a server: memsync.http.tools",
    "node start": "memsync.chain.lasting",
    "node stop": "memsync.chain.lasting",
    "node status": "memsync.chain.lasting",
    "config list": "memsync.device.config",
    "config get": "memsync.device.config",
    "config set": "memsync.device.config",
    "config unset": "memsync.device.config",
    "completion": "the shell's",
    "mcp install": "writes a client's own file: memsync.mcp_server.registering",
    "mcp uninstall": "writes a client's own file: memsync.mcp_server.registering",
    "mcp clients": "reads the clients' own files: memsync.mcp_server.registering",
    "mcp bundle": "memsync.mcp_server.bundle",
    "demo": "memsync.demo",
}
SAME_AS = {
    "chain show": "chain",
    "contacts list": "contacts",
} | {f"{verb} {one}": verb for verb in ("import", "export") for one in VERBS[verb].parameters["format"].words}


def command_of(path: str) -> click.Command | None:
    found: click.Command | None = cli
    for word in path.split():
        found = found.get_command(click.Context(found), word) if isinstance(found, click.Group) else None
    return found


def commands(group: click.Group, *before: str) -> dict[str, click.Command]:
    found: dict[str, click.Command] = {}
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        if isinstance(command, click.Group):
            found |= commands(command, *before, name)
        else:
            found[" ".join((*before, name))] = command
    return found


def test_every_verb_is_a_command_and_every_command_a_verb_or_said_why_not():
    verbs = {SAME_AS.get(name, name) for name in commands(cli)} - ONLY_HERE.keys()
    assert verbs == VERBS.keys()


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_takes_the_same_arguments_as_its_command(name: str):
    doing_it = [one for path, one in commands(cli).items() if SAME_AS.get(path, path) == name]
    said = {parameter.name for command in doing_it for parameter in command.params}
    assert VERBS[name].parameters.keys() - said - SAID_OTHERWISE.keys() == set()


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_is_in_the_library(name: str):
    kind, _, method = VERBS[name].python.partition(".")
    assert callable(getattr(getattr(importlib.import_module(HOMES[kind]), kind), method))


def test_every_verb_is_in_the_keepers_api(tmp_path: Path):
    paths = {route.path for route in keeper_app(House(tmp_path)).routes}
    own = {f"/v1/{verb.path}" for verb in VERBS.values()} | {"/v1/unlock", "/v1/lock", "/v1/about"}
    assert paths == own | {f"/served/v1/{verb.path}" for verb in SERVED.values()}


def test_the_page_of_commands_is_what_the_commands_say():
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "cli_docs.py", "--check"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    page = (ROOT / "docs" / "cli.md").read_text()
    headings = set(re.findall(r"^#{3,4} (.+)$", page, re.MULTILINE))
    assert headings >= set(commands(cli))


def test_every_command_has_an_example_that_parses():
    for path, command in commands(cli).items():
        _, _, example = (command.help or "").partition("Example: ")
        assert example.startswith(f"memsync {path}") or f"memsync {path}" in example, path


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands(shell: str, tmp_path: Path):
    person = Person(tmp_path / "person")
    assert "_MEMSYNC_COMPLETE" in person.says("completion", shell)
    asked = person.types(_MEMSYNC_COMPLETE="bash_complete", COMP_WORDS="memsync re", COMP_CWORD="1")
    assert {line.partition(",")[2] for line in asked.stdout.split()} >= {
        "remember",
        "recall",
        "restore",
        "review",
        "revoke",
    }


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """One answer of each command that prints JSON, from one story on a real node."""
    folder = tmp_path_factory.mktemp("story")
    owner, reader = Person(folder / "owner"), Person(folder / "reader")
    found: dict[str, dict] = {}

    def say(who: Person, path: str, *args: str, stdin: str = "") -> dict:
        result = who.run(*path.split(), *args, "--json", stdin=stdin)
        assert result.exit_code == 0, (path, args, result.stdout, result.stderr, result.exception)
        found[path] = json.loads(result.stdout)
        return found[path]

    words = say(owner, "init", "--yes")["words"]
    with local_node() as node:
        say(owner, "unlock")
        memory = say(owner, "remember", "The tide turns at noon.")["memory"]["id"]
        say(owner, "recall", "tide")
        say(owner, "context", "tide")
        say(owner, "profile")
        say(owner, "changed", "yesterday")
        say(owner, "contradicting", "The tide turns at one.")
        say(owner, "list")
        say(owner, "get", memory)
        say(owner, "edit", memory, "The tide turns at one.")
        say(owner, "scope add", "novel")
        say(owner, "scope rename", "novel", "book")
        say(owner, "scope list")
        say(owner, "move", memory, "--to", "book", "--yes")
        say(owner, "import chatgpt", str(write_sample_export(folder / "export.zip")), "--title", "Knee")
        for one, name in write_samples(folder).items():
            say(owner, f"import {one}", str(name))
        say(owner, "export jsonl", str(folder / "all.jsonl"))
        say(owner, "export markdown", str(folder / "pages"))
        say(owner, "forget", "--query", "knee", "--yes")
        say(owner, "client grant", "cursor", "--scope", "book", "--can", "read+write", "--yes")
        say(owner, "client token", "cursor")
        say(owner, "client list")
        say(owner, "client block", "cursor")
        say(owner, "client unblock", "cursor")
        say(owner, "client revoke", "cursor")
        say(owner, "client remove", "cursor")
        say(owner, "disclosures")
        say(owner, "chain use", node.url, "--payer", "TEST::0")
        say(owner, "chain show")
        say(owner, "push")
        say(owner, "pull")
        say(owner, "status", "--all")
        say(owner, "history")
        say(owner, "verify")
        say(owner, "gc", "--dry-run")
        say(owner, "store add", str(folder / "blocks"))
        say(owner, "store list")
        say(owner, "store repair")
        say(owner, "export car", str(folder / "vault.car"))
        say(reader, "key card", "Inkwell", "--out", str(folder / "card"))
        grant = say(
            owner,
            "grant",
            str(folder / "card"),
            "--scope",
            "book",
            "--can",
            "read+write",
            "--yes",
            "--car",
            str(folder / "g.car"),
        )
        say(owner, "grants")
        say(owner, "contacts list")
        reader.env |= {"MEMSYNC_NETWORK": node.url, "MEMSYNC_PAYER": "TEST::1"}
        link = grant["grant"]["link"]
        say(reader, "accept", link, "--store", str(folder / "g.car"), "--recall", "tide")
        say(reader, "propose", link, "The tide is late.", "--store", str(folder / "blocks"))
        say(reader, "key publish", "Inkwell")
        say(owner, "review")
        say(owner, "revoke", "Inkwell")
        say(owner, "contacts remove", "Inkwell")
        phone = Person(folder / "phone", {"MEMSYNC_NETWORK": node.url, "MEMSYNC_PAYER": "TEST::2"})
        say(phone, "device join", "--name", "phone", "--out", str(folder / "request"))
        say(owner, "device add", str(folder / "request"), "--out", str(folder / "answer"), "--yes")
        say(phone, "device join", str(folder / "answer"), "--store", str(folder / "blocks"), "--yes")
        say(owner, "device list")
        say(owner, "device rename", "phone", "old phone")
        say(owner, "device remove", "old phone", "--yes", stdin=words + "\n")
        say(owner, "vault create", "company", stdin=words + "\n")
        say(owner, "vault list")
        say(owner, "vault rename", "company", "firm")
        say(owner, "vault use", "default")
        say(owner, "push")
        say(owner, "store remove", str(folder / "blocks"))
        owner.env["MEMSYNC_NEW_PASSPHRASE_FILE"] = owner.env["MEMSYNC_PASSPHRASE_FILE"]
        say(owner, "passphrase")
        say(owner, "config set", "idle", "1h")
        say(owner, "config get", "idle")
        say(owner, "config list")
        say(owner, "config unset", "idle")
        say(owner, "completion", "bash")
        say(owner, "node status")
        owner.env["HOME"] = str(folder)
        say(owner, "mcp install", "cursor", "--yes")
        say(owner, "mcp clients")
        say(owner, "mcp uninstall", "cursor", "--yes")
        say(owner, "mcp bundle", str(folder / "memsync.mcpb"))
        say(owner, "lock")
        say(reader, "restore", "--store", str(folder / "blocks"), stdin=words + "\n")
        say(reader, "vault restore", "firm", "--store", str(folder / "blocks"), stdin=words + "\n")
        say(reader, "vault forget", "firm", "--yes")
    return found


def test_the_keys_of_every_answer_are_what_they_were(answers: dict[str, dict]):
    found = {path: sorted(answer.keys() - {"ok"}) for path, answer in answers.items()}
    assert found == KEYS, "changed on purpose? then tests/cli/json_keys.json and docs change with it"


def test_no_command_is_without_an_answer_that_is_known(answers: dict[str, dict]):
    not_played = {"chain move", "demo", "store serve", "serve", "node start", "node stop"}
    assert commands(cli).keys() - answers.keys() == not_played


def test_times_in_json_are_iso_8601_in_utc(answers: dict[str, dict]):
    stamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
    assert stamp.fullmatch(answers["remember"]["memory"]["when"])
    assert stamp.fullmatch(answers["grant"]["grant"]["until"])
    assert stamp.fullmatch(answers["history"]["history"][0]["at"])
    assert stamp.fullmatch(answers["chain show"]["block_time"])


def test_the_verbs_table_is_filled_by_importing_it():
    assert memsync.keeper.verbs.__all__
    assert len(VERBS) > 30
