"""Memory for AI that belongs to the person it is about.

``import memsync`` loads nothing but this file: each name below is fetched from its module when first asked for, so that a
program that only reads a memory never pays for a chain, and Ape is loaded by ``memsync.chain.ape`` alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from memsync.errors import (
        AccessError,
        ChainError,
        DecisionNeeded,
        InputError,
        IntegrityError,
        LockedError,
        MemSyncError,
        NotFoundError,
        StorageError,
    )
    from memsync.memory import Draft, Memory, Source, Tombstone

__all__ = [
    "AccessError",
    "ChainError",
    "DecisionNeeded",
    "Draft",
    "InputError",
    "IntegrityError",
    "LockedError",
    "MemSyncError",
    "Memory",
    "NotFoundError",
    "Source",
    "StorageError",
    "Tombstone",
    "__version__",
]

_MODULES = {name: "memsync.errors" for name in __all__ if name.endswith(("Error", "Needed"))}
_MODULES |= dict.fromkeys(("Draft", "Memory", "Source", "Tombstone"), "memsync.memory")


def __getattr__(name: str) -> object:
    if name in _MODULES:
        value: object = getattr(import_module(_MODULES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'memsync' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
