"""A client's file of servers, really on disk: what an install writes, keeps and refuses, and that an uninstall leaves no trace."""

from __future__ import annotations

import json
import os
import stat
import sys
import tomllib
from pathlib import Path

import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.errors import InputError
from memsync.mcp_server import registering
from memsync.mcp_server.clients import CLIENTS, Machine
from memsync.mcp_server.registering import (
    find_place,
    own_command,
    own_environment,
    read_entry,
)
from tests.mcp_server.desk import COMMAND, Desk
from tests.mcp_server.test_json_edit import objects

EVERY = pytest.mark.parametrize("name", CLIENTS)


def reads(text: str, suffix: str) -> dict:
    return tomllib.loads(text) if suffix == ".toml" else json.loads(text)


@EVERY
def test_each_client_gets_an_entry_under_its_own_key_and_no_secret(name: str, tmp_path: Path):
    desk = Desk(tmp_path, name)
    assert desk.install()
    found = reads(desk.place.real.read_text(), desk.place.real.suffix)
    client = CLIENTS[name]
    typed = {"type": "stdio"} if name in ("claude-code", "cursor", "vscode") else {}
    assert found == {
        client.key: {"memsync": {**typed, "command": COMMAND[0], "args": ["mcp", "--client", name]}}
    }
    assert stat.S_IMODE(desk.place.real.stat().st_mode) == 0o600
    assert read_entry(desk.place) == found[client.key]["memsync"]


@pytest.mark.parametrize(
    ("name", "file", "project"),
    [
        ("claude-code", ".claude.json", ".mcp.json"),
        ("claude-desktop", ".config/Claude/claude_desktop_config.json", None),
        ("cursor", ".cursor/mcp.json", ".cursor/mcp.json"),
        ("vscode", ".config/Code/User/mcp.json", ".vscode/mcp.json"),
        ("codex", ".codex/config.toml", ".codex/config.toml"),
    ],
)
def test_a_clients_file_is_where_the_client_looks(name: str, file: str, project: str | None, tmp_path: Path):
    home, client = tmp_path / "home", CLIENTS[name]
    assert client.user_file(Machine("linux", home, {})) == home / file
    mac = client.user_file(Machine("darwin", home, {}))
    assert mac == home / file.replace(".config", "Library/Application Support")
    if project is None:
        with pytest.raises(InputError, match="has no servers of a project; leave --project out"):
            find_place(client, Machine("linux", home, {}), tmp_path)
    else:
        assert find_place(client, Machine("linux", home, {}), tmp_path).real == tmp_path / project


def test_variables_that_move_a_clients_file_are_heeded(tmp_path: Path):
    environ = {"CLAUDE_CONFIG_DIR": "/c", "CODEX_HOME": "/x", "XDG_CONFIG_HOME": "/g", "APPDATA": "C:\\A"}
    machine = Machine("linux", tmp_path, environ)
    assert [str(one.user_file(machine)) for one in CLIENTS.values()] == [
        "/c/.claude.json",
        "/g/Claude/claude_desktop_config.json",
        str(tmp_path / ".cursor/mcp.json"),
        "/g/Code/User/mcp.json",
        "/x/config.toml",
    ]
    relative = Machine("linux", tmp_path, {"XDG_CONFIG_HOME": "g"})
    assert CLIENTS["vscode"].user_file(relative) == tmp_path / ".config/Code/User/mcp.json"


@EVERY
def test_a_second_install_finds_it_there_and_leaves_the_file_alone(name: str, tmp_path: Path):
    desk = Desk(tmp_path, name)
    desk.install()
    before = desk.place.real.stat()
    assert not desk.install()
    after = desk.place.real.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


BEFORE = {
    ".json": [
        None,
        "",
        "\n",
        "{}",
        "{ }\n",
        '{"mcpServers": {}, "servers": {}}',
        '{\n  "mcpServers": {\n  },\n  "servers": {\n\n  }\n}\n',
        '\ufeff{\r\n\t"servers": {\r\n\t\t"x": {"command": "ü"}\r\n\t},\r\n\t"mcpServers": {"y": {}}\r\n}\r\n',
    ],
    ".toml": [None, "", "a = 1", '# c\r\n[mcp_servers.docs]\r\ncommand = "npx"\r\n', "mcp_servers = {}\n"],
}
CASES = [
    (name, text)
    for name, client in CLIENTS.items()
    for text in BEFORE[client.user_file(Machine("linux", Path("/h"), {})).suffix]
]


@pytest.mark.parametrize(("name", "text"), CASES)
def test_an_uninstall_gives_the_same_bytes_back(name: str, text: str | None, tmp_path: Path):
    desk = Desk(tmp_path, name)
    if text is not None:
        desk.says(text)
    before = desk.bytes
    desk.install()
    desk.install(["/elsewhere/memsync"], MEMSYNC_HOME="/m")  # another venv since
    assert desk.bytes != before
    assert desk.uninstall()
    assert desk.bytes == before
    assert not desk.uninstall()
    assert not list(desk.records.iterdir())
    assert desk.left() == (set() if text is None else {str(desk.place.file.relative_to(desk.machine.home))})


@given(case=objects(), moved=st.booleans())
def test_an_uninstall_gives_the_same_bytes_back_whatever_they_are(case, moved, tmp_path_factory):
    value, text = case
    desk = Desk(tmp_path_factory.mktemp("desk"), "vscode")
    if "memsync" in value.get("servers", {}):
        return
    desk.says(text)
    before = desk.bytes
    desk.install()
    if moved:
        desk.install(["/elsewhere/memsync"])
    desk.uninstall()
    assert desk.bytes == before


@EVERY
def test_what_changed_in_the_file_since_stays_when_the_entry_goes(name: str, tmp_path: Path):
    desk, client = Desk(tmp_path, name), CLIENTS[name]
    toml = desk.place.real.suffix == ".toml"
    desk.says("a = 1\n" if toml else '{\n  "a": 1\n}\n')
    desk.install()
    text = desk.place.real.read_text()
    desk.says(text.replace("a = 1", "a = 22") if toml else text.replace('"a": 1', '"a": 22'))
    desk.uninstall()
    found = reads(desk.place.real.read_text(), desk.place.real.suffix)
    assert found.pop(client.key, {}) == {}
    assert found == {"a": 22}


def test_an_older_entry_is_brought_up_to_date_with_what_the_person_added(tmp_path: Path):
    desk = Desk(tmp_path)
    text = """{
  "mcpServers": {
    // the memory
    "memsync": {
      "command": "/old/venv/bin/memsync", // was in the old venv
      "args": ["mcp", "--client", "cursor"],
      "env": {"MEMSYNC_HOME": "/old", "LANG": "de"},
      "disabled": true,
      "type": "stdio"
    },
  },
}
"""
    desk.says(text)
    desk.install()
    assert desk.place.real.read_text() == text.replace("/old/venv/bin/memsync", COMMAND[0]).replace(
        '"MEMSYNC_HOME": "/old", ', ""
    )
    desk.uninstall()
    assert desk.place.real.read_text() == '{\n  "mcpServers": {\n    // the memory\n  },\n}\n'


@pytest.mark.parametrize(
    "entry",
    [
        {"url": "https://example.org/mcp"},
        {"command": "npx", "args": ["-y", "other-memsync"]},
        {"command": "memsync", "args": "mcp"},
        {"command": 7, "args": [None]},
        {"command": "memsync", "args": 7},
        [],
    ],
)
def test_a_server_of_the_same_name_that_is_not_this_one_is_left_alone(entry: object, tmp_path: Path):
    desk = Desk(tmp_path)
    desk.says(json.dumps({"mcpServers": {"memsync": entry}}))
    before = desk.bytes
    for act in (desk.install, desk.uninstall):
        with pytest.raises(InputError, match="that is not this one; rename it there, then repeat"):
            act()
    assert desk.bytes == before


@pytest.mark.parametrize("env", [None, [], {}, "x"])
def test_an_entry_with_an_odd_environment_gets_a_right_one(env: object, tmp_path: Path):
    desk = Desk(tmp_path)
    desk.says(json.dumps({"mcpServers": {"memsync": {"command": "memsync", "args": ["mcp"], "env": env}}}))
    desk.install(MEMSYNC_HOME="/m")
    assert (read_entry(desk.place) or {})["env"] == {"MEMSYNC_HOME": "/m"}


@pytest.mark.parametrize("words", [["memsync"], ["uvx", "memsync"], ["/usr/bin/python3", "-m", "memsync"]])
def test_an_entry_that_was_written_by_hand_is_known_as_this_one(words: list[str], tmp_path: Path):
    desk = Desk(tmp_path)
    desk.says(json.dumps({"mcpServers": {"memsync": {"command": words[0], "args": [*words[1:], "mcp"]}}}))
    assert desk.install()
    desk.uninstall()
    assert json.loads(desk.bytes or b"") == {"mcpServers": {}}


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        (
            "claude-desktop",
            '{"a": 1,}',
            'can\'t be used as JSON: line 1, column 9: a key in "" is missing; mend it',
        ),
        (
            "claude-code",
            "{ // no\n}",
            "can't be used as JSON: line 1, column 3: a comment, which is no JSON; mend it",
        ),
        ("cursor", '{"mcpServers": [\n1]}', "line 1, column 16: an object must stand here"),
        ("vscode", "servers", "line 1, column 1: this is no JSON"),
        ("codex", "[mcp_servers\n", "can't be used as TOML: line 1, column 13: "),
    ],
)
def test_a_file_that_is_not_valid_is_refused_in_one_line_and_left_alone(
    name: str, text: str, fault: str, tmp_path: Path
):
    desk = Desk(tmp_path, name)
    desk.says(text)
    with pytest.raises(InputError) as caught:
        desk.install()
    assert fault in str(caught.value) and str(desk.place.real) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert desk.bytes == text.encode()
    assert not desk.records.exists()


def test_a_file_that_is_not_utf_8_or_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    desk = Desk(tmp_path)
    desk.says("")
    desk.place.real.write_bytes(b'{\n "a": "\xff"}')
    with pytest.raises(InputError, match="is not UTF-8: line 2, column 8; mend it"):
        desk.install()
    monkeypatch.setattr(registering, "LIMIT", 1 << 20)
    desk.says(" " * (1 << 20) + "{}")
    with pytest.raises(InputError, match="is larger than 1 MiB; add the entry yourself"):
        desk.install()


def test_the_command_is_the_whole_path_of_the_one_that_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    called = tmp_path / "memsync"
    called.write_text("#!/bin/sh\n")
    called.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["./memsync", "mcp"])
    assert own_command() == [str(called)]
    monkeypatch.setattr(sys, "argv", ["/somewhere/ape", "memsync"])
    assert own_command() == [str(Path(sys.executable).parent / "memsync")]
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    assert own_command() == [str(tmp_path / "bin" / "python"), "-m", "memsync"]


def test_the_folder_is_said_only_where_it_is_not_the_usual_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    usual = Path(platformdirs.user_data_path("memsync", appauthor=False))
    machine = Machine.this()
    assert own_environment(machine, usual) == {}
    assert own_environment(machine, tmp_path / "m", "work") == {
        "MEMSYNC_HOME": str(tmp_path / "m"),
        "MEMSYNC_VAULT": "work",
    }


def test_a_path_that_is_not_utf_8_is_refused_before_anything_is_written(tmp_path: Path):
    desk = Desk(tmp_path)
    with pytest.raises(InputError, match="is not UTF-8, which the file must be"):
        desk.install([os.fsdecode(b"/opt/\xff/memsync")])
    assert not desk.left()


def test_a_large_file_is_no_trouble(tmp_path: Path):
    desk = Desk(tmp_path, "claude-code")
    said = [{"display": "hello " * 20, "n": number} for number in range(20)]
    desk.says(json.dumps({"mcpServers": {}, "projects": {f"/p{one}": said for one in range(1200)}}, indent=2))
    before = desk.bytes
    desk.install()
    desk.uninstall()
    assert desk.bytes == before
