"""How the files of a vault come to be: whole, or not at all.

They are made in a hidden folder inside the vault's own and moved into place when nothing can fail any more, the keystore last, for a
vault is there when its keystore is. What lies in the folder already, such as blocks that somebody brought there, is never touched.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

from memsync.device.lock import VaultLock
from memsync.device.paths import VaultPaths
from memsync.errors import InputError, NotFoundError, StorageError
from memsync.store.directory import flush
from memsync.store.faults import named

_PREFIX = ".making-"


@contextmanager
def making(paths: VaultPaths) -> Iterator[VaultPaths]:
    """Paths to make a vault's files at. When the block ends they are moved to ``paths``; when it raises, nothing is left of them.

    ``InputError`` if a vault is there already, or the database of one.
    """
    made = not paths.folder.exists()
    paths.make()
    try:
        with VaultLock(paths.lock).hold("create"):
            _sweep(paths)
            _refuse_another(paths)
            with named(f"folder {paths.folder}", "written"):
                hidden = VaultPaths(paths.name, Path(mkdtemp(prefix=_PREFIX, dir=paths.folder)))
            try:
                yield hidden
                if any(hidden.folder.glob(hidden.database.name + "-*")):
                    raise StorageError(f"{hidden.database} was not closed; repeat")
                with named(f"folder {paths.folder}", "written"):
                    hidden.database.replace(paths.database)
                    try:
                        hidden.keystore.replace(paths.keystore)
                    except OSError:
                        paths.database.replace(hidden.database)
                        raise
                    flush(paths.folder)
            finally:
                shutil.rmtree(hidden.folder, ignore_errors=True)
    except BaseException:
        if made:
            with suppress(OSError):
                paths.lock.unlink()
                paths.folder.rmdir()
        raise


def check_whole(paths: VaultPaths) -> None:
    """``NotFoundError`` for a keystore whose database is gone: opening it would make an empty one."""
    if not paths.database.exists():
        raise NotFoundError(
            f"there is a keystore in {paths.folder}, and no database; bring back {paths.database.name} from a copy of the folder, "
            "or restore the vault from its words under another name"
        )


def _refuse_another(paths: VaultPaths) -> None:
    if paths.keystore.exists() or any(paths.folder.glob(paths.database.name + "*")):
        raise InputError(
            f"there is a vault in {paths.folder} already; choose another name, or put that folder away"
        )


def _sweep(paths: VaultPaths) -> None:
    """Take away what an attempt left that was cut off: nobody else is making anything, for we have the lock.

    One that was cut off between its two moves left a database in place whose keystore nobody ever had.
    """
    for left in paths.folder.glob(_PREFIX + "*"):
        hidden = VaultPaths(paths.name, left)
        if hidden.keystore.exists() and not hidden.database.exists() and not paths.keystore.exists():
            with named(f"folder {paths.folder}", "written"):
                paths.database.unlink(missing_ok=True)
        shutil.rmtree(left, ignore_errors=True)
