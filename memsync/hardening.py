"""A process that holds secrets: no other of this user reads its memory, and no crash writes it to the disk."""

from __future__ import annotations

import ctypes
import resource
import sys

_PR_SET_DUMPABLE = 4


def harden(*, for_good: bool = False) -> None:
    """Let no other process of this user read this one's memory, where the system can see to that, and no crash write it to the disk.

    ``for_good``: no core file can be allowed again, by this process or its children; for one that lives by itself.
    """
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0 if for_good else most))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
