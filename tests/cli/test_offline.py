"""Nothing is sent anywhere but to what the person named: local verbs with the network cut, and a verb for which that shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.people import Person

# In the process itself: every socket but a Unix one fails, and so does every name look-up.
CUT = """
import socket, sys
def refused(*_, **__):
    print("something asked the network", file=sys.stderr)
    raise AssertionError
class Cut(socket.socket):
    def __init__(self, family=-1, *rest, **more):
        if family != socket.AF_UNIX:
            refused()
        super().__init__(family, *rest, **more)
socket.socket, socket.getaddrinfo, socket.create_connection = Cut, refused, refused
from memsync.cli import main
main()
"""


def cut_off(person: Person, *args: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    import os

    return subprocess.run(
        [sys.executable, "-c", CUT, *args],
        env=os.environ | person.env,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd=person.folder,
    )


def test_every_local_verb_works_with_the_network_cut(tmp_path: Path):
    from memsync.intake import write_sample_export

    person = Person(tmp_path / "person")
    person.make_vault()
    export = write_sample_export(tmp_path / "export.zip")
    person.says("config", "set", "vaults.default.network", "https://rpc.example")
    memory = cut_off(person, "remember", "The tide turns at noon.").stdout.strip()
    done = [
        cut_off(person, *line.split())
        for line in (
            "init --vault second --yes",
            "recall tide",
            "list",
            f"get {memory}",
            f"edit {memory} Later.",
            "scope add work",
            "scope rename work office",
            "scope list",
            f"move {memory} --to office --yes",
            f"import chatgpt {export} --title Knee",
            "forget --query later --yes",
            "status",
            "history",
            "contacts list",
            "store list",
            f"store add {tmp_path / 'second-place'}",
            "store repair",
            f"store remove {tmp_path / 'second-place'}",
            "key card Inkwell",
            "config list",
            "node status",
            "completion bash",
            "lock",
        )
    ]
    assert [(one.args[3:], one.stderr) for one in done if one.returncode] == []


def test_a_verb_that_needs_the_network_is_noticed(tmp_path: Path):
    person = Person(tmp_path / "person")
    person.make_vault()
    asked = cut_off(
        person,
        "accept",
        "memsync:1:1:0x" + "00" * 20 + ":0x" + "00" * 32 + ":x",
        "--store",
        "http://127.0.0.1:9",
    )
    assert asked.returncode
    got = cut_off(person, "grant", "http://127.0.0.1:9/card", "--yes")
    assert "something asked the network" in got.stderr
