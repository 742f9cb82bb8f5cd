"""What the operating system says, put as which store, what happened, and what to do next.

In goes an ``OSError``, out comes a ``StorageError`` with the place in it. Anything else passes through untouched.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from memsync.errors import StorageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ENODEV, errno.ENXIO, errno.ESTALE}


@contextmanager
def named(place: str, doing: str) -> Iterator[None]:
    """Turn an ``OSError`` inside into a ``StorageError`` that names ``place`` and what was being done (``"written"``, ``"read"``)."""
    try:
        yield
    except StorageError:
        raise
    except OSError as error:
        raise StorageError(f"{place} can't be {doing}: {_advice(error)}") from error


def _advice(error: OSError) -> str:
    what = (error.strerror or type(error).__name__).lower()
    if error.errno in _FULL:
        return f"{what}; make room there, then repeat: nothing that was kept is lost"
    if error.errno in _REFUSED:
        return f"{what}; check who owns it and whether it is mounted writable, then repeat"
    if error.errno in _ABSENT:
        return f"{what}; check the path and that its disk is mounted"
    return f"{what}; check the disk, and use another store of this vault meanwhile"
