"""A builder reads what it built: what a reader would refuse, it refuses first, as the caller's mistake.

So each rule of the format stands once, in its reader.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from memsync.errors import FormatError, InputError

_T = TypeVar("_T")


def proofread(read: Callable[[], _T]) -> _T:
    """What ``read`` gives; its ``FormatError`` becomes an ``InputError``."""
    try:
        return read()
    except FormatError as error:
        raise InputError(str(error)) from None
