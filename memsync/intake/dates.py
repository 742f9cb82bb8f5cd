"""Times as exports write them. In comes what stands there, out come Unix milliseconds; or None, and the reader says what that means."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)
_LIMIT: Final = 1 << 53
_AS_MS: Final = 100_000_000_000
"""A number from here on counts milliseconds: as seconds it would be the year 5138."""


def read_date(value: object) -> int | None:
    """ISO 8601 (in UTC unless it says otherwise; ``/`` for ``-`` too), or Unix seconds or milliseconds; None for what is no time."""
    if isinstance(value, str):
        return _read_iso(value.strip().replace("/", "-")) if value else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    ms = round(value if abs(value) >= _AS_MS else value * 1000)
    return ms if abs(ms) < _LIMIT else None


def read_exact(value: object) -> int | None:
    """What :func:`write_date` wrote."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value if abs(value) < _LIMIT else None
    return _read_iso(value) if isinstance(value, str) else None


def write_date(ms: int) -> str | int:
    """ISO 8601 in UTC, to the millisecond; the number itself where no calendar has it."""
    try:
        moment = _EPOCH + timedelta(milliseconds=ms)
    except OverflowError:
        return ms
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read_iso(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
        return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MS
    except (ValueError, OverflowError):
        return None
