"""The words in which a person states a grant: until when, and what it allows.

``30d``, ``12h``, ``2w``, an ISO date, a ``datetime`` or Unix seconds; ``read``, ``write``, ``read+write``. The start is
rounded down to the hour and the end up, so that times on the chain don't tell when somebody clicked.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from memsync.errors import InputError

HOUR = 3600
RIGHTS = {"read": 1, "write": 2, "read+write": 3}
_SPAN = re.compile(r"([1-9][0-9]{0,4})([hdwy])")
_HOURS = {"h": 1, "d": 24, "w": 168, "y": 8760}


def parse_rights(can: str) -> int:
    """1, 2 or 3; ``InputError`` for another word."""
    try:
        return RIGHTS[can]
    except KeyError:
        raise InputError(f"a grant can {', '.join(RIGHTS)}; not {can!r}") from None


def show_rights(rights: int) -> str:
    """The word for 1, 2 or 3."""
    return next(word for word, number in RIGHTS.items() if number == rights)


def parse_times(until: str | int | datetime | timedelta, now: int) -> tuple[int, int]:
    """Start and end in Unix seconds, on the hour; ``InputError`` when the end is not later than ``now``."""
    start = now - now % HOUR
    end = _end(until, now)
    end += -end % HOUR
    if end <= now:
        raise InputError("a grant ends in the future; say for example 30d")
    return start, end


def _end(until: str | int | datetime | timedelta, now: int) -> int:
    if isinstance(until, int):
        return until
    if isinstance(until, timedelta):
        return now + int(until.total_seconds())
    if isinstance(until, datetime):
        return int(until.timestamp()) if until.tzinfo else int(until.replace(tzinfo=UTC).timestamp())
    span = _SPAN.fullmatch(until.strip())
    if span:
        return now + int(span[1]) * _HOURS[span[2]] * HOUR
    try:
        found = datetime.fromisoformat(until)
    except ValueError:
        raise InputError(f"{until!r} is no time; say for example 30d, 12h or 2027-01-31") from None
    return int(found.timestamp()) if found.tzinfo else int(found.replace(tzinfo=UTC).timestamp())
