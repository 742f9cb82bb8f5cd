"""Where the keeper's socket is: in MemSync's folder, or, where that path is longer than a socket's may be, in one of this user's own for
temporary files, under a name that follows from the folder."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

LONGEST = 100  # a socket's path has at most 103 bytes on macOS, 107 on Linux


def socket_path(home: Path) -> Path:
    """The path of the socket; nothing is made."""
    path = home / "keeper" / "socket"
    if len(os.fsencode(path)) <= LONGEST:
        return path
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"memsync-{os.getuid()}-{name}" / "socket"
