"""The keeper as a process: started once a user and folder, listening on a socket that only its user may use.

It takes its lock before its socket, so that two that are started at once are one. It can't be dumped or traced by another process,
leaves no core file, and asks the system who is at the other end of each connection. Keys are in its memory only: killed, it has lost
nothing.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from memsync.errors import StorageError
from memsync.hardening import harden
from memsync.keeper.client import NoKeeper, call, peer_uid
from memsync.keeper.socket_path import socket_path
from memsync.store.faults import named

if TYPE_CHECKING:
    from memsync.keeper.house import House

START_SECONDS = 20.0
PATIENCE = 90.0
"""Seconds that one which is started waits for the one before it to end, which is longer than that takes."""
_STEP = 0.02


def start(home: Path) -> None:
    """Have a keeper run for this folder. ``StorageError`` if none comes up."""
    if running(home):
        return
    folder = _folder(home)
    with named(f"folder {folder}", "written"), _private(folder / "start") as said:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "memsync.keeper", str(home)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
            cwd=home,
        )
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if running(home):
            process.returncode = process.returncode or 0  # it lives on by itself; nobody here waits for it
            return
        if process.poll() not in (None, 0):  # 0: another was faster
            break
        time.sleep(_STEP)
    if process.poll() is None:
        from memsync.keeper.house import GRACE

        raise StorageError(
            f"the keeper before this one is still ending: a call that it had begun is given {GRACE:.0f} s; say it again then"
        )
    raise StorageError(f"the keeper did not start; {folder / 'start'} says why")


def _private(file: Path) -> BinaryIO:
    """A file for this user alone, empty."""
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def running(home: Path) -> bool:
    """Whether a keeper answers for this folder."""
    try:
        call("about", {}, home)
    except NoKeeper:
        return False
    except StorageError:  # one that dies at this moment takes a call and doesn't answer it
        time.sleep(10 * _STEP)
        try:
            call("about", {}, home)
        except NoKeeper:
            return False
    return True


def main() -> None:
    """Be the keeper of the folder that the first argument names, until the end."""
    home = Path(sys.argv[1])
    harden(for_good=True)
    os.umask(0o077)
    handle = os.open(_folder(home) / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until or running(home):
                return None  # another was faster, or has its socket where we don't see it
            time.sleep(_STEP)  # one before is ending
        else:
            return serve(home)


def serve(home: Path) -> None:
    """Listen until the keeper ends. The main thread is the house's, to which a chain's connection belongs."""
    from memsync.keeper.house import House, log_to

    house = House(home)
    log_to(house.log_file)
    path = socket_path(home)
    with suppress(FileNotFoundError):
        path.unlink()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(64)
        server = _server(house)
        signal.signal(signal.SIGTERM, lambda *_: house.end())
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        serving = threading.Thread(target=lambda: server.run([listener]), daemon=True)
        serving.start()
        log = logging.getLogger("memsync.keeper")
        log.info("started")
        try:
            house.live()
        finally:
            with suppress(FileNotFoundError):
                path.unlink()
            server.should_exit = True
            serving.join(timeout=5)
            log.info("ended")


def _server(house: House) -> Any:
    """A uvicorn server whose connections are checked before a byte of them is read."""
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    from memsync.keeper.app import keeper_app

    class OwnUserOnly(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if peer_uid(transport.get_extra_info("socket")) != os.getuid():
                logging.getLogger("memsync.keeper").info("another user was turned away")
                transport.abort()

    return uvicorn.Server(
        uvicorn.Config(
            keeper_app(house), http=OwnUserOnly, ws="none", lifespan="off", log_config=None, access_log=False, server_header=False,
            timeout_graceful_shutdown=3,
        )
    )  # fmt: skip


def _folder(home: Path) -> Path:
    """The keeper's folder, made for this user alone; that of the socket too, where it is another."""
    folder = home / "keeper"
    for one in {folder, socket_path(home).parent}:
        with named(f"folder {one}", "made"):
            one.mkdir(parents=True, exist_ok=True, mode=0o700)
            found = one.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
                raise StorageError(f"folder {one} is not this user's; take it away")
            one.chmod(0o700)
    return folder
