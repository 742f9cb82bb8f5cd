"""The folder of everything that MemSync keeps for a user: ``$MEMSYNC_HOME`` if it is set, else the user's data folder as the system has it.

A module of its own, for a command must find the keeper before it loads anything.
"""

from __future__ import annotations

import os
from pathlib import Path


def memsync_home() -> Path:
    """The folder, absolute; nothing is made."""
    given = os.environ.get("MEMSYNC_HOME")
    if given:
        return Path(given).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_path("memsync", appauthor=False))
