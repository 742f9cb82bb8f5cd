"""Installs among links, other programs, kills and full disks, and what is shown before: no file is ever half written or led astray."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from memsync.errors import InputError, StorageError
from memsync.mcp_server.change import Change
from memsync.mcp_server.registering import write
from tests.mcp_server.desk import COMMAND, Desk


def test_a_link_is_written_through_and_a_mode_is_kept(tmp_path: Path):
    kept = tmp_path / "dotfiles" / "cursor.json"
    kept.parent.mkdir()
    kept.write_text("{}\n")
    kept.chmod(0o640)
    link = tmp_path / "home" / ".cursor" / "mcp.json"
    link.parent.mkdir(parents=True)
    link.symlink_to(kept)
    desk = Desk(tmp_path)
    assert desk.place.real == kept
    assert str(kept) in "\n".join(desk.plan().diff())
    desk.install()
    assert link.is_symlink()
    assert "memsync" in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640
    desk.uninstall()
    assert kept.read_text() == "{}\n"


def test_links_that_lead_nowhere_in_circles_or_out_of_the_project_are_refused(tmp_path: Path):
    desk = Desk(tmp_path, "claude-code", project=True)
    secret = tmp_path / "secret.json"
    secret.write_text("{}")
    file = desk.project / ".mcp.json"
    for target, fault in (
        (secret, "leads out of the project"),
        ("nowhere", "leads nowhere"),
        (file, "mend it"),
    ):
        file.unlink(missing_ok=True)
        file.symlink_to(target)
        with pytest.raises(InputError, match=fault):
            Desk(tmp_path, "claude-code", project=True)
    (desk.project / ".vscode").symlink_to(tmp_path / "home")
    with pytest.raises(InputError, match="leads out of the project"):
        Desk(tmp_path, "vscode", project=True)
    assert secret.read_text() == "{}"
    file.unlink()
    file.mkdir()
    with pytest.raises(InputError, match="is no file; put it away"):
        Desk(tmp_path, "claude-code", project=True)


def test_a_dry_look_writes_nothing(tmp_path: Path):
    desk = Desk(tmp_path)
    assert desk.plan()
    assert not list(desk.machine.home.iterdir())
    assert not desk.records.exists()


def test_the_diff_shows_what_changes_and_two_lines_around(tmp_path: Path):
    desk = Desk(tmp_path, "codex")
    desk.says("".join(f"a{number} = {number}\n" for number in range(9)))
    assert desk.plan().diff() == [
        f"--- {desk.place.real}",
        f"+++ {desk.place.real}",
        "@@ -8,2 +8,6 @@",
        " a7 = 7",
        " a8 = 8",
        "+",
        "+[mcp_servers.memsync]",
        f'+command = "{COMMAND[0]}"',
        '+args = ["mcp", "--client", "codex"]',
    ]


def test_the_diff_is_one_that_patch_understands(tmp_path: Path):
    desk = Desk(tmp_path)
    desk.says(json.dumps({"a": [*range(9)], "mcpServers": {"x": {}}, "z": 1}, indent=2) + "\n")
    before, change = desk.place.real.read_text(), desk.plan()
    copy = tmp_path / "copy.json"
    copy.write_text(before)
    patch = "\n".join(change.diff()) + "\n"
    subprocess.run(["patch", "-s", str(copy)], input=patch, text=True, check=True)
    assert copy.read_text() == change.after


def test_the_diff_of_a_file_in_one_line_shows_the_entry_and_not_all_secrets_beside_it(tmp_path: Path):
    desk = Desk(tmp_path)
    others = {f"s{number}": {"env": {"KEY": f"secret {number}"}} for number in range(100)}
    desk.says(json.dumps({"mcpServers": others}))
    shown = "\n".join(desk.plan().diff())
    assert COMMAND[0] in shown
    assert shown.count("secret") < 10
    assert len(shown) < 1000


def test_what_another_program_wrote_since_it_was_shown_stays(tmp_path: Path):
    desk = Desk(tmp_path)
    desk.says('{"a": 1}')
    assert desk.plan()
    desk.says('{"a": 2, "mcpServers": {"x": {}}}')
    desk.install()
    found = json.loads(desk.bytes or b"")
    assert found["a"] == 2
    assert found["mcpServers"].keys() == {"x", "memsync"}


def test_what_another_program_writes_in_the_very_moment_stays(tmp_path: Path):
    desk = Desk(tmp_path)
    desk.says('{"a": 0}')
    count = 0

    def plan() -> Change:
        nonlocal count
        change, count = desk.plan(), count + 1
        if count < 4:
            desk.says(json.dumps({"a": count}))
        return change

    write(desk.place, plan, desk.records)
    assert json.loads(desk.bytes or b"")["a"] == 3

    def never() -> Change:
        nonlocal count
        change, count = desk.plan(["/x/memsync"]), count + 1
        desk.says(json.dumps({"a": count}))
        return change

    with pytest.raises(StorageError, match="keeps changing; close Cursor, then repeat"):
        write(desk.place, never, desk.records)
    assert desk.left() == {".cursor/mcp.json"}


HERE = """
import os, sys
from pathlib import Path
from memsync.mcp_server.clients import CLIENTS, Machine
from memsync.mcp_server.registering import find_place, make_entry, plan_install, plan_uninstall, write
folder = Path(sys.argv[1])
records = folder / "memsync"
def install(name, command):
    place = find_place(CLIENTS[name], Machine("linux", folder / "home", {}))
    return write(place, lambda: plan_install(place, make_entry(place.client, [command], {}), records), records)
def uninstall(name):
    place = find_place(CLIENTS[name], Machine("linux", folder / "home", {}))
    return write(place, lambda: plan_uninstall(place, records), records)
"""
KILLED = f"""{HERE}
at, seen = int(sys.argv[2]), 0
def step(event, args):
    global seen
    if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.chmod", "fcntl.flock"):
        seen += 1
        if seen == at:
            os._exit(9)
sys.addaudithook(step)
install("vscode", {COMMAND[0]!r}) if sys.argv[3] == "in" else uninstall("vscode")
"""


@pytest.mark.parametrize("way", ["in", "out"])
def test_a_kill_at_any_step_leaves_the_old_file_or_the_new_one(way: str, tmp_path: Path):
    for at in range(1, 60):
        folder = tmp_path / str(at)
        folder.mkdir()
        desk = Desk(folder, "vscode")
        desk.says('{\n  "a": 1\n}\n')
        old = desk.bytes
        desk.install()
        new = desk.bytes
        if way == "in":
            desk.uninstall()
        code = subprocess.run(
            [sys.executable, "-c", KILLED, str(folder), str(at), way], check=False
        ).returncode
        assert desk.bytes in (old, new)
        desk.install()
        desk.uninstall()  # what the dead one left behind is in nobody's way
        assert desk.bytes == old
        assert desk.left() == {".config/Code/User/mcp.json"}
        if code == 0:
            break
        assert code == 9
    assert 5 < at < 59


AT_ONCE = f"""{HERE}
for number in range(25):
    install("cursor", "/" + sys.argv[2] + "/" + str(number) + "/memsync")
"""


def test_many_installs_at_once_lose_nothing(tmp_path: Path):
    desk = Desk(tmp_path)
    desk.says(json.dumps({"mcpServers": {"x": {}}, "z": [1, 2]}, indent=4))
    before = desk.bytes
    running = [subprocess.Popen([sys.executable, "-c", AT_ONCE, str(tmp_path), str(one)]) for one in range(3)]
    assert [one.wait() for one in running] == [0, 0, 0]
    found = json.loads(desk.bytes or b"")
    assert found["mcpServers"].pop("memsync")["command"].endswith("/24/memsync")
    assert found == {"mcpServers": {"x": {}}, "z": [1, 2]}
    desk.uninstall()
    assert desk.bytes == before


FULL = f"""{HERE}
import resource
from memsync.errors import StorageError
resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
try:
    install("cursor", {COMMAND[0]!r})
except StorageError as error:
    print(error)
"""


def test_a_disk_that_takes_no_more_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path: Path):
    desk = Desk(tmp_path)
    desk.says('{"a": 1}')
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        f"{desk.place.real} can't be written: file too large; make room there, then repeat: nothing that was kept is lost\n"
    )
    assert desk.bytes == b'{"a": 1}'
    assert desk.left() == {".cursor/mcp.json"}
