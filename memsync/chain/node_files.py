"""The folder of a lasting node: the file that its chain is kept in, a record of who runs it, a lock and a bell.

``chain``   two lines, then the state as anvil dumps it (gzip): a checksum of all that follows; what is saved, as JSON. It is replaced as
            a whole: written beside, flushed, renamed. So it is always there, whole, and as new as its second line says.
``node``    JSON: port, chain id, process ids, whether the last end was clean. Replaced in the same way.
``lock``    held by the process that runs the node, freed by the system when that dies.
``bell``    a named pipe that the running process listens to: ``s`` save now, ``q`` save and end. No process id is needed to reach it.
``log``     what the process and anvil complained of since the last start.

Only the process that holds the lock writes here. It talks to no node; what it can't read it leaves as it is.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from gzip import GzipFile
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from memsync.errors import StorageError

PORTS = range(18545, 19545)  # not 8545: Ape takes whatever listens there for a node of its own
SAVE = b"s"
STOP = b"q"
_MAGIC = b"memsync-chain-1 "
_LOCK_SECONDS = 1.0  # who only asks whether it is held has it for microseconds

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Saved:
    """What the chain's file holds: its last block (number, hash, unix time), when it was saved, by which run of the node."""

    block: int
    hash: str
    time: int
    at: int
    chain_id: int
    run: str


@dataclass(frozen=True, slots=True)
class Record:
    """The node as the process that runs it, or ran it last, has set it down. ``ready``: it takes requests; true only under the lock."""

    port: int
    chain_id: int
    run: str = ""
    pid: int = 0
    anvil: int = 0
    ready: bool = False
    clean: bool = True
    lost: str = ""
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class NodeFiles:
    """The files in ``folder``. Reading raises ``StorageError``; writing, ``OSError``."""

    folder: Path

    @property
    def chain(self) -> Path:
        return self.folder / "chain"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def first_port(self) -> int:
        """Where a node that never ran is to listen, if it can: two folders seldom share it."""
        return PORTS[zlib.crc32(bytes(self.folder)) % len(PORTS)]

    def make(self) -> None:
        """Make the folder, for this user alone."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as err:
            raise StorageError(
                f"folder {self.folder} can't be made: {_reason(err)}; name another one"
            ) from err

    # ------------------------------------------------------------------ the chain

    def saved(self) -> Saved | None:
        """What is saved, by the file's own word; None before the first time."""
        try:
            with self.chain.open("rb") as file:
                start, line = file.readline(200), file.readline(2000)
        except FileNotFoundError:
            return None
        except OSError as err:
            raise self._unreadable(err) from err
        return self._parse(start, line)

    def load(self) -> tuple[Saved, GzipFile] | None:
        """What is saved and the state to begin from, unzipped as it is read. Each byte has been checked."""
        try:
            content = self.chain.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as err:
            raise self._unreadable(err) from err
        start, _, rest = content.partition(b"\n")
        line, _, state = rest.partition(b"\n")
        found = self._parse(start, line)
        if start != _checksum(rest):
            raise self._damaged("its checksum is wrong")
        return found, GzipFile(fileobj=BytesIO(state))

    def loss(self) -> str:
        """What to tell after an end that was not a clean one."""
        saved = self.saved()
        if saved is None:
            return "the node was not stopped properly, and nothing of it had been saved"
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(saved.at))
        return f"the node was not stopped properly; what came after block {saved.block} (saved at {when}) may be lost"

    def keep(self, saved: Saved, state: bytes) -> None:
        """Replace what is saved; on disk when it returns."""
        rest = json.dumps(asdict(saved)).encode() + b"\n" + state
        _replace(self.chain, _checksum(rest) + b"\n" + rest)

    def _parse(self, start: bytes, line: bytes) -> Saved:
        if not start.startswith(_MAGIC):
            raise self._damaged("it does not begin as one")
        try:
            return _build(Saved, json.loads(line))
        except (ValueError, TypeError, KeyError) as err:
            raise self._damaged("its second line makes no sense") from err

    def _damaged(self, why: str) -> StorageError:
        return StorageError(
            f"the node's chain in {self.chain} is damaged ({why}); put a copy of it back, or move it away to begin a new chain; "
            "nothing was changed"
        )

    def _unreadable(self, err: OSError) -> StorageError:
        return StorageError(f"the node's chain in {self.chain} can't be read: {_reason(err)}; check the disk")

    # ------------------------------------------------------------------ the record

    def record(self) -> Record | None:
        """What the last process to run the node set down."""
        path = self.folder / "node"
        try:
            return _build(Record, json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except OSError as err:
            raise StorageError(f"{path} can't be read: {_reason(err)}; check the disk") from err
        except (ValueError, TypeError, KeyError) as err:
            raise StorageError(
                f"{path} is damaged; delete it and start the node again: the chain is kept elsewhere"
            ) from err

    def note(self, record: Record) -> None:
        """Replace the record."""
        _replace(self.folder / "node", json.dumps(asdict(record), indent=1).encode())

    # ------------------------------------------------------------------ lock and bell

    def is_held(self) -> bool:
        """Whether a process runs, starts or stops the node."""
        try:
            handle = os.open(self.folder / "lock", os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(handle)

    @contextmanager
    def hold(self) -> Iterator[bool]:
        """Have the lock inside the block; False when another has it."""
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            yield _lock(handle)
        finally:
            os.close(handle)

    @contextmanager
    def listen(self) -> Iterator[int]:
        """A descriptor that becomes readable when the bell is rung."""
        bell = self.folder / "bell"
        bell.unlink(missing_ok=True)
        os.mkfifo(bell, 0o600)
        handle = os.open(bell, os.O_RDWR | os.O_NONBLOCK)  # also for writing, so that it never ends
        try:
            yield handle
        finally:
            os.close(handle)

    def ring(self, what: bytes) -> None:
        """Ring the bell; nothing happens where nobody listens."""
        with suppress(OSError):
            handle = os.open(self.folder / "bell", os.O_WRONLY | os.O_NONBLOCK)
            try:
                os.write(handle, what)
            finally:
                os.close(handle)


def _lock(handle: int) -> bool:
    until = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        else:
            return True


def _replace(path: Path, content: bytes) -> None:
    """Write beside, flush, rename, flush the name: at each moment the old or the new content is there, whole."""
    beside = path.with_name(path.name + ".new")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(handle)
    beside.replace(path)
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _checksum(rest: bytes) -> bytes:
    return _MAGIC + hashlib.sha256(rest).hexdigest().encode()


def _build(kind: type[T], found: Any) -> T:
    """A value from its JSON; every field there, each of its type."""
    values = {field.name: found[field.name] for field in fields(kind)}  # type: ignore[arg-type]
    for field in fields(kind):  # type: ignore[arg-type]
        if type(values[field.name]).__name__ != field.type:
            raise TypeError(field.name)
    return kind(**values)


def _reason(err: OSError) -> str:
    return (err.strerror or type(err).__name__).lower()
