"""Talking to the keeper: one HTTP request over its Unix socket. Loads nothing but sockets and JSON, for a command must start fast.

HTTP/1.0, so that an answer ends where the connection does; an answer that comes as lines tells progress before its last.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from memsync.errors import InputError, MemSyncError, NotOpen, StorageError
from memsync.keeper.socket_path import socket_path
from memsync.keeper.wire import error_from

LINES = "application/x-ndjson"
CHANNEL = "memsync-channel"
"""The header in which a server for tools says over what they came."""
ENDING = "KeeperEnding"
"""The error of a keeper that is about to end, which is as good as none."""

_CHUNK = 1 << 16


class NoKeeper(MemSyncError):
    """Nothing answers at the keeper's socket."""


def call(
    verb: str,
    given: Mapping[str, object],
    home: Path,
    *,
    progress: Callable[[str, int, int | None], object] | None = None,
) -> dict[str, object]:
    """Have the keeper do a verb; returns what it found.

    ``NoKeeper`` where none runs; the verb's own errors as they would be raised here.
    """
    headers = {"Accept": LINES if progress else "application/json"}
    return _asked(f"/v1/{verb.replace(' ', '/')}", given, home, headers, progress)


def call_served(
    verb: str, given: Mapping[str, object], home: Path, *, token: str, channel: str
) -> dict[str, object]:
    """Have the keeper do a verb of a tool, by its token; as ``call``, but that ``NotOpen`` says what the person types where none runs.

    ``InputError`` for a token that no header can carry.
    """
    if not token.isascii() or not token.isprintable():
        raise InputError("a token is plain letters, digits, - and _; give it as it was shown")
    headers = {"Accept": "application/json", "Authorization": f"Bearer {token}", CHANNEL: channel}
    try:
        return _asked(f"/served/v1/{verb}", given, home, headers, None)
    except NoKeeper:
        if any(home.glob("vaults/*/keystore")):
            raise NotOpen("the memory is locked; have the person say `memsync unlock`") from None
        raise NotOpen("there is no memory on this device yet; have the person say `memsync init`") from None


def _asked(
    path: str,
    given: Mapping[str, object],
    home: Path,
    headers: Mapping[str, str],
    progress: Callable[[str, int, int | None], object] | None,
) -> dict[str, object]:
    body = json.dumps(given).encode()
    said = {"Host": "keeper", "Content-Type": "application/json"} | dict(headers)
    head = f"POST {path} HTTP/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in said.items())
    with _connected(home) as connection:
        with suppress(BrokenPipeError):  # it may have refused already, and says so
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        for line in _lines(connection):
            found = _object(line)
            if "progress" in found:
                if progress:
                    progress(*found["progress"])  # type: ignore[misc]
                continue
            if found.pop("ok", None) is True:
                return found
            error = found.get("error")
            if not isinstance(error, dict):
                raise _senseless()
            raise (
                NoKeeper("the keeper is ending; say it again")
                if error.get("name") == ENDING
                else error_from(error)
            )
    raise StorageError("the keeper ended before it answered; nothing that was kept is lost; say it again")


def peer_uid(connection: socket.socket) -> int | None:
    """The user at the other end, as the system says; None where it can't."""
    if hasattr(socket, "SO_PEERCRED"):
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[1])
    if sys.platform == "darwin":
        # LOCAL_PEERCRED of <sys/un.h>: struct xucred begins with a version and the effective user id.
        return int(struct.unpack_from("=II", connection.getsockopt(0, 1, 76))[1])
    return None


@contextmanager
def _connected(home: Path) -> Iterator[socket.socket]:
    path = socket_path(home)
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            _check_owner(path)
            connection.connect(str(path))
            if peer_uid(connection) not in (None, os.getuid()):  # somebody put it there since
                raise InputError(f"another user answers at {path}; take it away")
        except (FileNotFoundError, ConnectionRefusedError):
            raise NoKeeper("no keeper runs; say `memsync unlock`") from None
        except OSError as err:
            raise StorageError(
                f"the keeper's socket {path} can't be used: {err.strerror}; say `memsync lock`, then `memsync unlock`"
            ) from err
        yield connection


def _object(line: bytes) -> dict[str, object]:
    """A line of the answer; ``StorageError`` for one of a keeper that is not of this release."""
    try:
        found = json.loads(line)
    except ValueError:
        raise _senseless() from None
    if not isinstance(found, dict):
        raise _senseless()
    return found


def _senseless() -> StorageError:
    return StorageError(
        "the keeper's answer makes no sense, as if it were of another release; say `memsync lock --all`, then `memsync unlock`"
    )


def _check_owner(path: Path) -> None:
    """Whoever owns the socket gets the passphrase: it must be this user's."""
    found = path.lstat()
    if not stat.S_ISSOCK(found.st_mode) or found.st_uid != os.getuid():
        raise InputError(f"{path} is not this user's socket; take it away")


def _lines(connection: socket.socket) -> Iterator[bytes]:
    """The lines of the answer's body, each as it comes."""
    pending, in_body = b"", False
    try:
        while chunk := connection.recv(_CHUNK):
            pending += chunk
            if not in_body:
                _, end, rest = pending.partition(b"\r\n\r\n")
                if not end:
                    continue
                pending, in_body = rest, True
            *whole, pending = pending.split(b"\n")
            yield from (line for line in whole if line)
    except ConnectionResetError:
        return
    if in_body and pending:
        yield pending
