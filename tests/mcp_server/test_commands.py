"""The commands that tell a client of MemSync, typed by somebody with a home of their own."""

from __future__ import annotations

import json
import re
import stat
import sys
from pathlib import Path

import pytest

from memsync.device.keystore_file import CHEAP_COST
from memsync.errors import AccessError
from memsync.mcp_server.identity import of_client
from memsync.vault import Vault
from tests.people import PASSPHRASE, Person
from tests.terminal import Terminal

OWN = str(Path(sys.executable).parent / "memsync")


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """With a vault, and a file of Cursor's."""
    person = Person(tmp_path / "person")
    person.make_vault()
    person.env |= {"HOME": str(tmp_path), "XDG_CONFIG_HOME": "", "CLAUDE_CONFIG_DIR": "", "CODEX_HOME": ""}
    (tmp_path / ".cursor").mkdir()
    (tmp_path / ".cursor" / "mcp.json").write_text('{\n    "mcpServers": {} // none yet\n}\n')
    return person


def test_a_client_is_told_with_its_token_made_before(person: Person, tmp_path: Path):
    file = tmp_path / ".cursor" / "mcp.json"
    before = file.read_bytes()
    done = person.types("mcp", "install", "cursor", "--yes")
    assert (done.returncode, done.stdout.splitlines()) == (
        0,
        [
            f"Cursor: MemSync is registered in {file}",
            "nothing is granted to it yet: memsync grant cursor --scope personal --for 30d",
            "then restart Cursor",
        ],
    )
    assert f'+            "command": "{OWN}",' in done.stderr.splitlines()
    text = file.read_text()
    assert text.endswith("} // none yet\n}\n")
    assert json.loads(text.replace("// none yet", ""))["mcpServers"]["memsync"] == {
        "type": "stdio",
        "command": OWN,
        "args": ["mcp", "--client", "cursor"],
        "env": {"MEMSYNC_HOME": str(person.home)},
    }
    token = person.home / "vaults" / "default" / "clients" / "cursor.token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert token.read_text().strip() not in text + done.stdout + done.stderr
    person.says("grant", "cursor", "--scope", "personal", "--yes")
    assert token.read_text().strip() not in text
    again = person.types("mcp", "install", "cursor")
    assert (again.returncode, again.stdout) == (0, f"Cursor has it already, in {file}\n")
    gone = person.types("mcp", "uninstall", "cursor", "--yes")
    assert gone.stdout.splitlines() == [
        f"Cursor: MemSync is taken out in {file}",
        "what it was granted stands; to end it: memsync revoke cursor",
    ]
    assert file.read_bytes() == before
    back = person.types("mcp", "install", "cursor", "--yes").stdout.splitlines()
    assert back == [f"Cursor: MemSync is registered in {file}", "then restart Cursor"]


def test_a_token_that_is_lost_is_made_again_and_the_file_left_alone(person: Person, tmp_path: Path):
    person.says("mcp", "install", "cursor", "--yes")
    token = person.home / "vaults" / "default" / "clients" / "cursor.token"
    token.unlink()
    before = (tmp_path / ".cursor" / "mcp.json").stat()
    assert person.types("mcp", "install", "cursor").returncode == 0
    assert token.exists()
    after = (tmp_path / ".cursor" / "mcp.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_vault_that_is_locked_leaves_the_file_as_it_was(person: Person, tmp_path: Path):
    before = (tmp_path / ".cursor" / "mcp.json").read_bytes()
    person.env.pop("MEMSYNC_PASSPHRASE_FILE")
    assert person.types("mcp", "install", "cursor", "--yes").returncode == 3
    assert (tmp_path / ".cursor" / "mcp.json").read_bytes() == before


def test_a_vault_of_another_name_is_said_to_the_server(person: Person, tmp_path: Path):
    with Vault.create(passphrase=PASSPHRASE, name="work", home=person.home, cost=CHEAP_COST):
        pass
    person.says("mcp", "install", "codex", "--yes", "--vault", "work")
    text = (tmp_path / ".codex" / "config.toml").read_text()
    assert f'env = {{MEMSYNC_HOME = "{person.home}", MEMSYNC_VAULT = "work"}}' in text
    assert (person.home / "vaults" / "work" / "clients" / "codex.token").exists()


def test_a_tool_stays_with_its_vault_when_another_is_chosen(person: Person, tmp_path: Path):
    person.says("mcp", "install", "cursor", "--yes")
    with Vault.create(passphrase=PASSPHRASE, name="work", home=person.home, cost=CHEAP_COST):
        pass
    token = (person.home / "vaults" / "default" / "clients" / "cursor.token").read_text().strip()
    person.says("vault", "use", "work")
    assert of_client("cursor", None, person.home)({}) == token
    with pytest.raises(AccessError, match="nothing is granted to cursor"):
        of_client("cursor", "work", person.home)({})
    person.says("mcp", "install", "codex", "--yes")
    assert 'MEMSYNC_VAULT = "work"' in (tmp_path / ".codex" / "config.toml").read_text()


def test_nothing_is_written_without_a_yes(person: Person, tmp_path: Path):
    file = tmp_path / ".cursor" / "mcp.json"
    before = file.read_bytes()
    asked = person.types("mcp", "install", "cursor")
    assert asked.returncode == 2
    assert asked.stderr.splitlines()[-1] == "memsync: nobody here to ask; say --yes if you have looked at it"
    looked = person.types("mcp", "install", "cursor", "--dry-run")
    assert (looked.returncode, looked.stdout) == (0, f"Cursor: MemSync would be registered in {file}\n")
    assert file.read_bytes() == before
    assert not (person.home / "clients").exists()
    assert not (person.home / "vaults" / "default" / "clients").exists()


def test_a_file_that_is_not_valid_ends_with_one_line_and_no_token(person: Person, tmp_path: Path):
    (tmp_path / ".cursor" / "mcp.json").write_text('{\n  "mcpServers": {]\n}\n')
    done = person.types("mcp", "install", "cursor", "--yes")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f'memsync: {tmp_path}/.cursor/mcp.json can\'t be used as JSON: line 2, column 18: a key in "" is missing; '
        "mend it, then repeat\n"
    )
    assert not (person.home / "vaults" / "default" / "clients").exists()


def test_the_clients_of_this_machine_are_listed(person: Person, tmp_path: Path):
    person.says("mcp", "install", "cursor", "--yes")
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "config.toml").write_text("a = \n")
    rows = {one["client"]: one for one in json.loads(person.says("mcp", "clients", "--json"))["clients"]}
    assert rows["cursor"] == {
        "client": "cursor",
        "found": True,
        "project": False,
        "file": str(tmp_path / ".cursor" / "mcp.json"),
        "registered": True,
        "trouble": None,
    }
    assert "line 1, column 5: invalid value" in rows["codex"]["trouble"]
    assert not rows["claude-desktop"]["found"]
    lines = person.says("mcp", "clients").splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "Claude Code",
        "Claude Desktop",
        "Cursor",
        "VS Code",
        "Codex",
    ]


def test_who_says_no_keeps_the_file_and_who_says_yes_does_not(tmp_path: Path):
    file = tmp_path / "home" / ".cursor" / "mcp.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"mcpServers": {"memsync": {"command": OWN, "args": ["mcp"]}}, "z": 1}))
    before = file.read_bytes()
    with Terminal(tmp_path, tmp_path / "home") as terminal:
        no = [(re.compile(r"\[y/N\]: $"), lambda *_: "n")]
        told = terminal.type("memsync mcp uninstall cursor", no)
        assert "Write this? [y/N]: " in told and told.endswith("memsync: stopped\n")
        assert file.read_bytes() == before
        assert "MemSync is taken out" in terminal.type("memsync mcp uninstall cursor")
    assert json.loads(file.read_text()) == {"mcpServers": {}, "z": 1}


def test_the_file_of_a_project_is_that_of_the_folder_one_is_in(person: Person):
    looked = person.types("mcp", "install", "vscode", "--project", "--dry-run", "--json")
    assert json.loads(looked.stdout)["file"] == str(person.folder.resolve() / ".vscode" / "mcp.json")
    assert not (person.folder / ".vscode").exists()
    done = person.types("mcp", "install", "claude-code", "--project", "--yes")
    assert done.returncode == 0
    found = json.loads((person.folder / ".mcp.json").read_text())
    assert found["mcpServers"]["memsync"]["args"] == ["mcp", "--client", "claude-code"]
    rows = json.loads(person.types("mcp", "clients", "--json").stdout)["clients"]
    assert [one["client"] for one in rows if one["project"]] == ["claude-code"]
    refused = person.types("mcp", "install", "claude-desktop", "--project", "--yes")
    assert refused.stderr == "memsync: Claude Desktop has no servers of a project; leave --project out\n"


def test_mcp_alone_at_a_terminal_says_what_there_is(tmp_path: Path):
    with Terminal(tmp_path, tmp_path) as terminal:
        shown = terminal.type("memsync mcp")
    assert "install" in shown and "--client" in shown
