"""One vault, several programs at once: the keeper, a script with ``memsync.open``, and a console, each taking the lock for an operation."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from tests.people import PASSPHRASE, Person

SCRIPT = """
import sys
import memsync
with memsync.open(passphrase=sys.argv[2]) as vault:
    for number in range(25):
        vault.remember(f"{sys.argv[1]} {number} apple")
        if number % 5 == 0:
            assert vault.recall("apple", k=3)
    print(vault.count())
"""


def test_keeper_script_and_console_work_on_one_vault_at_the_same_time(person: Person):
    person.unlock()
    env = os.environ | person.env
    scripts = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, name, PASSPHRASE], env=env, stdout=subprocess.PIPE, text=True
        )
        for name in ("first", "second")
    ]
    typed = SCRIPT.replace("sys.argv[1]", repr("console")).replace("sys.argv[2]", repr(PASSPHRASE))
    (person.folder / "typed.py").write_text(typed)
    console = subprocess.Popen(
        [Path(sys.executable).parent / "ape", "console", "-c", "exec(open('typed.py').read())"],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=person.folder,
    )

    def ask(name: str) -> None:
        for number in range(25):
            person.asks("remember", text=f"{name} {number} apple")
            person.asks("recall", question="apple")

    callers = [threading.Thread(target=ask, args=(name,)) for name in ("keeper a", "keeper b")]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    for one in (*scripts, console):
        out, err = one.communicate(timeout=120)
        assert one.returncode == 0, (out, err)
    found = {memory["text"] for memory in person.gets("list", "--limit", "1000")["memories"]}
    assert found == {
        f"{who} {n} apple"
        for who in ("first", "second", "console", "keeper a", "keeper b")
        for n in range(25)
    }
    assert len(person.gets("recall", "apple", "-k", "500")["hits"]) == 125


def test_what_a_script_writes_is_found_by_the_keeper_at_once(person: Person):
    person.unlock()
    person.says("remember", "An apple.")
    assert len(person.gets("recall", "apple")["hits"]) == 1
    with person.opened() as vault:
        vault.remember("Another apple.")
        assert len(person.gets("recall", "apple")["hits"]) == 2
        vault.forget(vault.recall("another")[0].memory)
        assert len(person.gets("recall", "apple")["hits"]) == 1


def test_who_waits_for_the_lock_is_told_for_whom(person: Person):
    with person.opened() as vault, vault._lock.hold("push"):
        waiting = subprocess.Popen(
            [sys.executable, "-m", "memsync", "remember", "Later."],
            env=os.environ | person.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert waiting.stderr is not None
        told = waiting.stderr.readline()
    out, _ = waiting.communicate(timeout=60)
    assert told == f"memsync: waiting for process {os.getpid()} (memsync push)\n"
    assert waiting.returncode == 0
    assert out.strip() == person.gets("list")["memories"][0]["id"]
