"""A pytest run that is asked again and again: the tests are collected once, and each question forks a process that runs them.

Loaded by ``tools/mutate.py`` as a plugin (``-p mutant_tests``). Each line on standard input is the path of a file with runtime code;
the answer is one line: the name of the first test that fails on it, ``-`` if none does, or ``too slow``.
"""

from __future__ import annotations

import os
import select
import signal
import sys

import pytest

PATIENCE = float(os.environ.get("MEMSYNC_PATIENCE", "600"))
"""Seconds for one mutant; who takes longer hangs, and that is noticed too."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    print("ready", flush=True)
    for line in sys.stdin:
        print(ask(session, line.strip()), flush=True)
    return True


def ask(session: pytest.Session, path: str) -> str:
    """Run the tests on the code in ``path`` in a child, and say what it said."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os.environ["MEMSYNC_REGISTRY_CODE"] = path
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.write(writing, first_failure(session).encode())
        os._exit(0)
    os.close(writing)
    try:
        if not select.select([reading], [], [], PATIENCE)[0]:
            os.kill(child, signal.SIGKILL)
            return "too slow"
        return os.read(reading, 1000).decode() or "the process died"
    finally:
        os.close(reading)
        os.waitpid(child, 0)


def first_failure(session: pytest.Session) -> str:
    watcher = Watcher()
    session.config.pluginmanager.register(watcher)
    for i, item in enumerate(session.items):
        following = session.items[i + 1] if i + 1 < len(session.items) else None
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if watcher.failed:
            return watcher.failed
    return "-"


class Watcher:
    """Remembers the first test that failed."""

    failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid.rpartition("/")[2]
