"""The keeper's process from inside: what it holds, its main thread's work, and when it ends.

It ends when it is told to, when nothing was asked for longer than the idle time (counted also while the machine sleeps), and when it has
held nothing for a short while; what it held is let go first. By itself it does two things: every ten minutes its main thread changes the
keys of scopes whose grants have ended, and a thread of its own embeds what has no vector yet, where the settings want that.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TypeVar

from memsync import __version__
from memsync.device.config import IDLE, seconds, settings
from memsync.errors import InputError, MemSyncError, NotOpen
from memsync.home import memsync_home
from memsync.keeper.at import At, Target
from memsync.keeper.embedding import Embedding
from memsync.keeper.held import Open
from memsync.keeper.values import iso
from memsync.keeper.verb import Values

T = TypeVar("T")
EMPTY = 30.0  # seconds that a keeper which holds nothing stays
TEND = 600.0  # seconds between two looks at what has ended by itself
_TICK = 1.0
GRACE = 60.0  # seconds that calls under way may take when the keeper ends
_Job = Callable[[], None]
log = logging.getLogger("memsync.keeper")


class House:
    """One keeper."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = memsync_home() if home is None else home
        self.open = Open(self.home)
        self.log_file = self.home / "keeper" / "log"
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._turn = threading.Lock()
        self._busy = 0
        self._used = self._tended = now()
        self._started = time.time()
        self._idle = seconds(IDLE)
        self.ended = False
        self._embedding = Embedding(self.open, log)

    # ------------------------------------------------------------------ what is asked of the keeper itself

    def unlock(self, given: Values) -> Values:
        """Open a vault (``vault``) or a tool's key (``key``) by its ``passphrase``."""
        passphrase, key, vault = (
            given.pop("passphrase", None),
            given.pop("key", None),
            given.pop("vault", None),
        )
        if given or not isinstance(passphrase, str) or not isinstance(key or vault or "", str):
            raise InputError("`unlock` takes vault or key, and passphrase; give them as texts")
        if key is not None:
            self.open.unlock_key(str(key), passphrase)
        else:
            name = settings(None if vault is None else str(vault), self.home).vault
            self.open.unlock_vault(name, passphrase)
        if self.ended:  # locked by another meanwhile
            raise NotOpen("the keeper is ending; say it again")
        return self.about()

    def lock(self, given: Values) -> Values:
        """Close a vault, or everything; who has nothing left ends."""
        vault = given.pop("vault", None)
        if given or not isinstance(vault or "", str):
            raise InputError("`lock` takes vault, as a text; give it, or nothing")
        self.open.let_go(None if vault is None else str(vault))
        vaults, keys = self.open.names()
        if not vaults and not keys:
            self.end()
        return {"vaults": vaults, "keys": keys}

    def about(self, given: Values | None = None) -> Values:
        """What is open, and the process."""
        if given:
            raise InputError("`about` takes nothing; say it so")
        vaults, keys = self.open.names()
        return {
            "vaults": vaults,
            "keys": keys,
            "version": __version__,
            "pid": os.getpid(),
            "since": iso(int(self._started * 1000)),
            "idle_after": self._idle_after(),
        }

    # ------------------------------------------------------------------ its life

    @contextmanager
    def working(self) -> Iterator[None]:
        """While a call is under way the keeper isn't idle."""
        with self._turn:
            self._busy += 1
        try:
            yield
        finally:
            with self._turn:
                self._busy -= 1
                self._used = now()

    async def on_main_thread(self, work: Callable[[], T]) -> T:
        """Have the main thread do something, after what it has to do already."""
        done: Future[T] = Future()

        def job() -> None:
            if not done.set_running_or_notify_cancel():
                return
            try:
                done.set_result(work())
            except BaseException as err:  # noqa: BLE001 - handed to who waits
                done.set_exception(err)

        self._jobs.put(job)
        return await asyncio.wrap_future(done)

    def live(self) -> None:
        """Do the main thread's work until the keeper ends."""
        self._embedding.start()
        while not self.ended:
            try:
                job = self._jobs.get(timeout=_TICK)
            except queue.Empty:
                self._look()
                self._tend()
                continue
            if job is not None:
                job()
            self._look()
            self._tend()
        self._wait_for_calls()
        self._embedding.stop()
        self.open.lock()

    def end(self) -> None:
        """End soon: what is under way is done first, but no longer than ``GRACE``; nothing new is begun.

        A call that waits for a chain which doesn't answer may wait for hours. It is broken off with the process, as by a power cut.
        """
        if self.ended:
            return
        self.ended = True
        self._jobs.put(None)
        last = threading.Timer(GRACE, self._break_off)
        last.daemon = True
        last.start()

    def _break_off(self) -> None:
        log.info("broken off: a call took longer than %d s to end", GRACE)
        os._exit(0)

    def _wait_for_calls(self) -> None:
        """Answer who still waits for the main thread, and let the calls of other threads come to their end."""
        while True:
            try:
                job = self._jobs.get(timeout=_TICK / 50)
            except queue.Empty:
                if not self._busy:
                    return
            else:
                if job is not None:
                    job()

    def _look(self) -> None:
        vaults, keys = self.open.names()
        with self._turn:
            idle = 0.0 if self._busy else now() - self._used
        if idle > (self._idle_after() if vaults or keys else EMPTY):
            log.info("idle for %d s: locked", idle)
            self.end()

    def _tend(self) -> None:
        """Now and then, change the keys of what was granted until a time that is over. What goes wrong is tried again next time."""
        if self.ended or now() < self._tended + TEND:
            return
        self._tended = now()
        for name in self.open.names()[0]:
            outcome = ""
            try:
                with At(Target(vault=name), self.open) as at:
                    if at.settings.network is not None and at.vault.expired():
                        outcome = "ok"
                        at.vault_on_chain.end_expired()
            except MemSyncError as error:
                outcome = type(error).__name__
            except Exception as error:  # noqa: BLE001 - as with a verb, a fault of ours must not end the keeper
                outcome = type(error).__name__
            if outcome:
                log.info("expiry %s", outcome)

    def _idle_after(self) -> int:
        """The idle time of the settings; the one that held before while they can't be read, which each verb says by itself."""
        with suppress(MemSyncError):
            self._idle = settings(None, self.home).idle
        return self._idle


def now() -> float:
    """Seconds on a clock that nobody sets and that goes on while the machine sleeps, where the system has one."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def log_to(file: Path) -> None:
    """Have the keeper's log go to this file: verbs, outcomes and times, never what they were about."""
    handler = RotatingFileHandler(file, maxBytes=1 << 20, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    file.chmod(0o600)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
