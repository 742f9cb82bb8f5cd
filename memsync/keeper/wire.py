"""An error as it crosses the keeper's socket, and back.

Loads nothing but the error tree. A message's last clause after a semicolon says what to do next; that is what ``next`` holds.
"""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING

from memsync import errors
from memsync.errors import MemSyncError, TokenRefused

if TYPE_CHECKING:
    from pathlib import Path

Value = dict[str, object]
_STATUS = {2: 400, 3: 423, 4: 404, 5: 403, 6: 409, 7: 507, 8: 502, 9: 409}
LONGEST = 1000
"""Characters of a message; one that repeats what it was given may be longer, and its middle is left out."""


def error_value(error: Exception, *, home: Path | None = None) -> Value:
    """Name, message and what to do next; ``code`` is what a command ends with. ``home``: a folder that a tool isn't told of."""
    message = " ".join(str(error).split())
    if home is not None:
        message = message.replace(f"{home}/", "")
    if len(message) > LONGEST:
        message = message[: LONGEST // 2] + " … " + message[-LONGEST // 2 :]
    return {
        "name": type(error).__name__,
        "message": message,
        "next": message.rpartition("; ")[2] if "; " in message else "",
        "code": getattr(error, "exit_code", 1),
    }


def status_of(error: Exception) -> int:
    """The HTTP status (RFC 9110, 4918) that says who is at fault: 500 where it is ours."""
    return 401 if isinstance(error, TokenRefused) else _STATUS.get(getattr(error, "exit_code", 1), 500)


def error_from(value: Value) -> MemSyncError:
    """The error again, of the same class where this release knows it."""
    kind = getattr(errors, str(value.get("name")), None)
    if not (isinstance(kind, type) and issubclass(kind, MemSyncError)):
        kind = _of_code(value.get("code"))
    made: MemSyncError = kind.__new__(kind)
    Exception.__init__(made, str(value.get("message")))
    return made


def place_of(error: Exception) -> str:
    """Where it happened, without what was said: file, line and function of the innermost frames."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " < ".join(
        f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}"  # noqa: PTH119 - pathlib is not loaded for it
        for frame in reversed(frames)
    )


def _of_code(code: object) -> type[MemSyncError]:
    for kind in MemSyncError.__subclasses__():
        if kind.exit_code == code:
            return kind
    return MemSyncError
