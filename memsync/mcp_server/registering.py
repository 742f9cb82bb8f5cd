"""How a client comes to know MemSync: one entry in the client's own file of servers, written so that nothing else in it changes.

In go a client and where it keeps its servers; out comes a :class:`Change`, which can be shown before :func:`write` makes it so. An entry
is a command and who is calling, and **no secret**: the client's token lies in ``clients/<client>.token`` in the vault's folder, mode 0600,
so a project's file may be committed by mistake without giving anything away. A file is written whole or not at all, one at a time, through
a link to where it leads, with its mode kept. What stood in place of the entry is remembered in MemSync's folder, so that taking the entry
out gives the same bytes back.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from memsync.errors import InputError, StorageError
from memsync.mcp_server import json_edit, toml_edit
from memsync.mcp_server.change import Change, Place, common
from memsync.mcp_server.clients import Client, Machine
from memsync.mcp_server.json_edit import MISSING
from memsync.store.directory import flush
from memsync.store.faults import named

NAME: Final = "memsync"
"""What the entry is called."""

LIMIT: Final = 16 << 20
_OWN: Final = ("MEMSYNC_HOME", "MEMSYNC_VAULT")
_TRIES: Final = 8


def find_place(client: Client, machine: Machine, project: Path | None = None) -> Place:
    """Where a client's servers are: for every project, or of the one in this folder.

    ``InputError`` for a client that has none for a project, for a link that leads nowhere, and for one that leads out of the project.
    """
    if project is None:
        file = client.user_file(machine)
    elif client.project_file is None:
        raise InputError(f"{client.title} has no servers of a project; leave --project out")
    else:
        file = project / client.project_file
    try:
        real = file.resolve()
        if file.is_symlink() and not real.exists():
            raise InputError(f"{file} is a link that leads nowhere; mend it, or put it away")
        if project is not None and not real.is_relative_to(project.resolve()):
            raise InputError(f"{file} leads out of the project, to {real}; put the link away")
        if real.exists() and not real.is_file():
            raise InputError(f"{real} is no file; put it away")
    except (OSError, RuntimeError) as err:  # a loop of links
        raise InputError(f"{file} can't be followed: {getattr(err, 'strerror', err)}; mend it") from err
    return Place(client, file, real)


def is_here(client: Client, machine: Machine) -> bool:
    """Whether a client is on this machine: its folder, its file, or its program on ``PATH``."""
    folder, file = client.folder(machine), client.user_file(machine)
    with named(f"{folder}", "read"):
        return folder.is_dir() or file.exists() or shutil.which(client.program) is not None


def own_command() -> list[str]:
    """What runs this MemSync from anywhere: the ``memsync`` that was called, or that of its environment; else ``python -m``."""
    called = Path(sys.argv[0]).absolute()
    for one in (called, Path(sys.executable).parent / "memsync"):
        if one.name == "memsync" and one.is_file() and os.access(one, os.X_OK):
            return [str(one)]
    return [sys.executable, "-m", "memsync"]


def own_environment(machine: Machine, home: Path, vault: str | None = None) -> dict[str, str]:
    """What the command must be told to find: MemSync's folder, unless a program started from a desktop finds it too, and a vault."""
    data = machine.applications if machine.system == "darwin" else machine.home / ".local" / "share"
    told = {} if home == data / "memsync" else {"MEMSYNC_HOME": str(home)}
    return told if vault is None else told | {"MEMSYNC_VAULT": vault}


def make_entry(client: Client, command: Sequence[str], environ: Mapping[str, str]) -> dict[str, Any]:
    """What a client's file says about MemSync; ``environ`` is of :func:`own_environment`. ``InputError`` for a path
    that is not UTF-8."""
    for path in (*command, *environ.values()):
        try:
            path.encode()
        except UnicodeEncodeError:
            raise InputError(
                f"{path!r} is not UTF-8, which the file must be; move it to where its path is"
            ) from None
    entry: dict[str, Any] = {"type": "stdio"} if client.typed else {}
    entry |= {"command": command[0], "args": [*command[1:], "mcp", "--client", client.name]}
    return entry | {"env": dict(environ)} if environ else entry


def read_entry(place: Place) -> dict[str, Any] | None:
    """Our entry as the file has it; None where it has none. ``InputError`` for a file that is not valid, and an entry that isn't ours."""
    return _ours(place, _read(place))


def plan_install(place: Place, entry: Mapping[str, Any], records: Path) -> Change:
    """The entry in the file; an older one of ours is brought up to date, with what the person added to it. ``InputError``."""
    before = _read(place)
    found = _ours(place, before)
    origin = _without(place, before, records)
    if found is None:
        after = _put(place, before or "", (), entry)
    else:
        wanted = {**found, **entry}
        if isinstance(found.get("env"), dict):
            theirs = {name: one for name, one in found["env"].items() if name not in _OWN}
            wanted["env"] = {**theirs, **entry.get("env", {})}
        after = before or ""
        for name, value in wanted.items():
            if found.get(name, MISSING) != value:
                after = _put(place, after, (name,), value)
    return Change(place, before, after, origin)


def plan_uninstall(place: Place, records: Path) -> Change:
    """The file without the entry; as it was before, to the byte, where nothing else has changed in it since. ``InputError``."""
    before = _read(place)
    after = before if _ours(place, before) is None else _without(place, before, records)
    return Change(place, before, after, after)


def write(place: Place, plan: Callable[[], Change], records: Path) -> Change:
    """Make it so, with nobody else of us at it; planned anew there, so that what another wrote meanwhile stays. What was done.

    A program that is not of ours can still come between the last look and the rename, which takes microseconds.
    """
    with _alone(place.real.parent):
        for _ in range(_TRIES):
            change = plan()
            if not change or _written(change, records):
                return change
    raise StorageError(f"{place.real} keeps changing; close {place.client.title}, then repeat")


def _written(change: Change, records: Path) -> bool:
    """False where the file was changed by somebody else meanwhile; nothing was done then."""
    file, record = change.place.real, _record_of(change.place, records)
    with named(f"{file}", "written"):
        if change.after is None:
            if _read(change.place) != change.before:
                return False
            file.unlink()
        else:
            mode = stat.S_IMODE(file.stat().st_mode) if change.before is not None else 0o600
            with whole(file, change.after.encode(), mode) as temporary:
                if change.after != change.origin:
                    _remember(change, record)
                if _read(change.place) != change.before:
                    return False
                temporary.replace(file)
        flush(file.parent)
        if change.after == change.origin:
            record.unlink(missing_ok=True)
    return True


@contextmanager
def whole(file: Path, data: bytes, mode: int) -> Iterator[Path]:
    """A file beside ``file`` that has the bytes already; gone afterwards unless it took its place."""
    temporary = file.with_name(f".{file.name}-new")
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with os.fdopen(os.open(temporary, flags, 0o600), "wb") as opened:
            os.fchmod(opened.fileno(), mode)
            opened.write(data)
        flush(temporary)
        yield temporary
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other install writes here meanwhile; the system lets go of the lock if the process dies."""
    with named(f"folder {folder}", "written"):
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with named(f"folder {folder}", "written"):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _read(place: Place) -> str | None:
    with named(f"{place.real}", "read"):
        try:
            with place.real.open("rb") as opened:
                data = opened.read(LIMIT + 1)
        except FileNotFoundError:
            return None
    if len(data) > LIMIT:
        raise InputError(f"{place.real} is larger than {LIMIT >> 20} MiB; add the entry yourself")
    try:
        return data.decode()
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        column = err.start - data.rfind(b"\n", 0, err.start)
        raise InputError(
            f"{place.real} is not UTF-8: line {line}, column {column}; mend it, then repeat"
        ) from None


def _ours(place: Place, text: str | None) -> dict[str, Any] | None:
    if text is None or not text.removeprefix("\ufeff").strip():
        return None
    found = _edited(place, text, "get", (place.client.key, NAME))
    if found is MISSING:
        return None
    if isinstance(found, dict):
        words = [Path(str(found.get("command"))).stem]
        words += found["args"] if isinstance(found.get("args"), list) else ()
        if any(pair == (NAME, "mcp") for pair in pairwise(words)):
            return found
    raise InputError(
        f"{place.real} has a server named {NAME} that is not this one; rename it there, then repeat"
    )


def _put(place: Place, text: str, inner: tuple[str, ...], value: object) -> str:
    after: str = _edited(place, text, "put", (place.client.key, NAME, *inner), value)
    return after


def _without(place: Place, text: str | None, records: Path) -> str | None:
    """What the file says, or said, without our entry."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        record = json.loads(_record_of(place, records).read_text(encoding="utf-8"))
        if text is not None and record["after"] == _digest(text):
            if record["text"] is None:
                return None
            return text[: record["start"]] + str(record["text"]) + text[record["end"] :]
    if _ours(place, text) is None or text is None:
        return text
    after: str = _edited(place, text, "take", (place.client.key, NAME))
    return after


def _edited(place: Place, text: str, verb: str, *given: Any) -> Any:
    toml = place.real.suffix == ".toml" or place.file.suffix == ".toml"
    try:
        if toml:
            return getattr(toml_edit, verb)(text, *given)
        return getattr(json_edit, verb)(text, *given, comments=place.client.comments)
    except InputError as err:
        kind = "TOML" if toml else "JSON"
        raise InputError(f"{place.real} can't be used as {kind}: {err}; mend it, then repeat") from None


def _record_of(place: Place, records: Path) -> Path:
    return records / f"{place.client.name}-{_digest(str(place.real))[:12]}.before"


def _remember(change: Change, record: Path) -> None:
    """Keep what was in place of the entry, so that :func:`plan_uninstall` can put it back."""
    before, after = change.origin, change.after or ""
    start = common(before or "", after)
    end = common((before or "")[start:][::-1], after[start:][::-1])
    text = None if before is None else before[start : len(before) - end]
    kept = {
        "file": str(change.place.real),
        "after": _digest(after),
        "start": start,
        "end": len(after) - end,
        "text": text,
    }
    record.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with whole(record, json.dumps(kept).encode() + b"\n", 0o600) as temporary:
        temporary.replace(record)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
