"""An error as it crosses the keeper's socket, and back.

Loads nothing but the error tree. A message's last clause after a semicolon says what to do next; that is what ``next`` holds.
"""

from __future__ import annotations

from memsync import errors
from memsync.errors import MemSyncError

Value = dict[str, object]


def error_value(error: Exception) -> Value:
    """Name, message and what to do next; ``code`` is what a command ends with."""
    message = " ".join(str(error).split())
    return {
        "name": type(error).__name__,
        "message": message,
        "next": message.rpartition("; ")[2] if "; " in message else "",
        "code": getattr(error, "exit_code", 1),
    }


def error_from(value: Value) -> MemSyncError:
    """The error again, of the same class where this release knows it."""
    kind = getattr(errors, str(value.get("name")), None)
    if not (isinstance(kind, type) and issubclass(kind, MemSyncError)):
        kind = _of_code(value.get("code"))
    made: MemSyncError = kind.__new__(kind)
    Exception.__init__(made, str(value.get("message")))
    return made


def _of_code(code: object) -> type[MemSyncError]:
    for kind in MemSyncError.__subclasses__():
        if kind.exit_code == code:
            return kind
    return MemSyncError
