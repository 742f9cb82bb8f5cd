"""The folder of everything that MemSync keeps for a user: ``$MEMSYNC_HOME`` if it is set, else the user's data folder as the system has it.

A module of its own, for a command must find the keeper before it loads anything.
"""

from __future__ import annotations

import os
from pathlib import Path

from memsync.errors import InputError


def memsync_home() -> Path:
    """The folder, absolute; nothing is made. ``InputError`` where none is known."""
    given = os.environ.get("MEMSYNC_HOME")
    try:
        if given:
            return Path(given).expanduser().absolute()
        import platformdirs

        found = Path(platformdirs.user_data_path("memsync", appauthor=False))
    except (OSError, RuntimeError) as err:  # a ~ of nobody, or a working folder that is gone
        raise InputError(
            "no folder for MemSync is known; let MEMSYNC_HOME name one from the root on"
        ) from err
    if (
        not found.is_absolute()
    ):  # a user without a home, or an XDG_DATA_HOME that changes with the working folder
        raise InputError(f"{found} is no whole path; let MEMSYNC_HOME name a folder from the root on")
    return found
