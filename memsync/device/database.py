"""One encrypted SQLite file a vault: every page, the write-ahead log's too, under a raw 32-byte key (ChaCha20-Poly1305).

In go SQL and values, out come rows; what SQLite says of the file becomes an error that names it. Temporary tables and sorting stay in
memory, deleted content is overwritten, every commit reaches the disk before it returns. Several processes may have the file open; a write
takes its turn, and ``changed_elsewhere`` tells when another has written. Encryption is SQLite3 Multiple Ciphers' (``apsw-sqlite3mc``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import RLock

import apsw

from memsync.device.schema import STEPS
from memsync.errors import FormatError, InputError, StorageError
from memsync.store.faults import named

BUSY = 10_000
"""Milliseconds that a write waits for another process's."""
ALONE = 1000
"""Milliseconds within which all others must have closed the file."""

Value = str | bytes | int | float | None
Row = tuple[Value, ...]


class Database:
    """A vault's database. Its methods may be called from any thread; a transaction keeps other threads out."""

    def __init__(self, connection: apsw.Connection, place: str) -> None:
        self._connection = connection
        self._turn = RLock()
        self._depth = 0
        self.place = place
        with self._translated():
            self._prepare()
        self._data_version = self._pragma("data_version")

    @classmethod
    def open(cls, path: Path, key: bytes) -> Database:
        """Open the file at ``path``, or make it, under ``key`` (32 bytes).

        ``StorageError`` when it can't be read or written or is of a newer MemSync; ``FormatError("database")`` when it is damaged, or
        sealed under another key.
        """
        if len(key) != 32:
            raise InputError("a database key has 32 bytes")
        place = f"database {path}"
        with named(place, "opened"):
            # SQLite gives its log and index the permissions of the file: make it before SQLite does.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with _translated(place):
            connection = apsw.Connection(str(path))
            connection.pragma("key", f"raw:{key.hex()}")
        return cls(connection, place)

    @classmethod
    def in_memory(cls) -> Database:
        """One that is gone when it is closed, and that no file ever holds."""
        return cls(apsw.Connection(":memory:"), "database in memory")

    def close(self) -> None:
        """Close the file; again does nothing."""
        with self._turn, self._translated():
            self._connection.close()

    def close_alone(self) -> None:
        """Close the file with no log beside it, so that it can be moved or another put in its place.

        ``StorageError`` while another connection has it open; then it stays open here too.
        """
        self.check_alone()
        with self._turn:
            self.run("PRAGMA journal_mode = DELETE")
            self.close()

    def check_alone(self) -> None:
        """``StorageError`` while another connection has the file open."""
        with self._turn, self._translated():
            self._connection.set_busy_timeout(ALONE)
            try:
                self._connection.pragma("journal_mode", "delete")
            except (apsw.BusyError, apsw.LockedError) as error:
                raise StorageError(
                    f"{self.place} is open in another program; end that (`memsync lock` ends the keeper), then repeat"
                ) from error
            finally:
                self._connection.set_busy_timeout(BUSY)
            self._connection.pragma("journal_mode", "wal")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is kept together, or, when an exception leaves the block, not at all. One inside another joins it."""
        with self._turn:
            outermost, name = self._depth == 0, f"s{self._depth}"
            self.run("BEGIN IMMEDIATE" if outermost else f"SAVEPOINT {name}")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._undo(name, outermost=outermost)
                raise
            finally:
                self._depth -= 1
            try:
                self.run("COMMIT" if outermost else f"RELEASE {name}")
            except BaseException:
                self._undo(name, outermost=outermost)
                raise

    def alone(self) -> AbstractContextManager[object]:
        """Keep other threads out for as long as several statements must see one state of what is kept in memory beside them."""
        return self._turn

    def run(self, sql: str, values: Sequence[Value] = ()) -> list[Row]:
        """The rows of one statement."""
        with self._turn, self._translated():
            return list(self._connection.execute(sql, values))

    def run_each(self, sql: str, rows: Iterable[Sequence[Value]]) -> list[Row]:
        """The rows of one statement that only reads, asked with each of ``rows``, all of one state of the file."""
        with self._turn, self._translated(), nullcontext() if self._depth else self._reading():
            return list(self._connection.executemany(sql, rows))

    def run_many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """One statement for each of ``rows``, all in one transaction: the caller's, if there is one."""
        with self._turn, self._translated(), nullcontext() if self._depth else self.transaction():
            self._connection.executemany(sql, rows)

    @property
    def changes(self) -> int:
        """How many rows the last statement changed."""
        return self._connection.changes()

    @property
    def last_row(self) -> int:
        """The row number that the last insert made."""
        return self._connection.last_insert_rowid()

    def changed_elsewhere(self) -> bool:
        """Whether another connection has written since the last time this was asked, or since opening."""
        found = self._pragma("data_version")
        changed = found != self._data_version
        self._data_version = found
        return changed

    def truncate_log(self) -> None:
        """Bring the log's pages into the file and cut the log to nothing: what was deleted or overwritten is then in neither.

        For after a secret or a forgotten text was deleted; while another process reads, the log stays until it is done.
        """
        self.run("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """One look at the file for many statements: by itself each would lock its index, and unlock it."""
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _pragma(self, name: str) -> int:
        [(value,)] = self.run(f"PRAGMA {name}")
        return number(value)

    def _undo(self, name: str, *, outermost: bool) -> None:
        if not self._connection.in_transaction:
            return  # after a full disk, say, SQLite has rolled back by itself
        for statement in ("ROLLBACK",) if outermost else (f"ROLLBACK TO {name}", f"RELEASE {name}"):
            self.run(statement)

    def _prepare(self) -> None:
        connection = self._connection
        connection.set_busy_timeout(BUSY)
        version = self._pragma("user_version")
        if version > len(STEPS):
            raise StorageError(f"{self.place} is of a newer MemSync; update this one, then repeat")
        for name, value in (
            ("synchronous", "FULL"),
            ("temp_store", "MEMORY"),
            ("secure_delete", "ON"),
            ("foreign_keys", "ON"),
            ("cache_size", "-65536"),
            ("journal_size_limit", "67108864"),
        ):
            connection.pragma(name, value)
        if connection.pragma("journal_mode") not in ("wal", "memory"):
            connection.pragma("journal_mode", "wal")
        while version < len(STEPS):
            with self.transaction():
                version = self._pragma("user_version")  # another process may have been faster
                if version < len(STEPS):
                    connection.execute(STEPS[version])
                    version += 1
                    connection.pragma("user_version", version)

    def _translated(self) -> AbstractContextManager[None]:
        return _translated(self.place)


def number(value: Value) -> int:
    """A column that holds an integer."""
    if not isinstance(value, int):
        raise FormatError("database", "type", "a column that must hold an integer holds something else")
    return value


def real(value: Value) -> float:
    """A column that holds a floating-point number."""
    if not isinstance(value, float):
        raise FormatError("database", "type", "a column that must hold a real number holds something else")
    return value


def blob(value: Value) -> bytes:
    """A column that holds bytes."""
    if not isinstance(value, bytes):
        raise FormatError("database", "type", "a column that must hold bytes holds something else")
    return value


def text(value: Value) -> str:
    """A column that holds a text."""
    if not isinstance(value, str):
        raise FormatError("database", "type", "a column that must hold a text holds something else")
    return value


@contextmanager
def _translated(place: str) -> Iterator[None]:
    try:
        yield
    except apsw.FullError as error:
        raise StorageError(
            f"{place} can't be written: its disk is full; make room there, then repeat"
        ) from error
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise FormatError(
            "database",
            "key" if isinstance(error, apsw.NotADBError) else "hash",
            f"{place} is damaged, or of another keystore; put it away and pull again (what was not pushed is only in it)",
        ) from error
    except apsw.BusyError as error:
        raise StorageError(
            f"{place} has been in use by another process for {BUSY // 1000} s; wait for it, then repeat"
        ) from error
    except (apsw.ReadOnlyError, apsw.PermissionsError, apsw.CantOpenError) as error:
        raise StorageError(
            f"{place} can't be written; check who owns it, and whether its disk is mounted writable"
        ) from error
    except (apsw.IOError, apsw.LockedError, apsw.ProtocolError) as error:
        raise StorageError(
            f"{place} can't be read or written: {error}; check its disk, then repeat"
        ) from error
    except UnicodeEncodeError:
        raise InputError("a text holds what is not UTF-8; give it in UTF-8") from None
    except OverflowError:
        raise InputError("a number has more than 64 bits; give a smaller one") from None
    except apsw.ConnectionClosedError as error:
        raise StorageError(f"{place} is closed; open the vault again") from error
