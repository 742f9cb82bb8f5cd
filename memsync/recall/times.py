"""Times that a question names, as spans to favour: "in March", "last summer", "yesterday", "3 May 2023", "two weeks ago", "since Monday".

In comes a question with the moment it is asked, out come spans of Unix milliseconds, each with a weight up to 1. A month without a year is
that month of every year there are memories of. English; whatever is not understood names no time. Pure: no clock is read here.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

_MONTHS: Final = {name.lower(): at for at, name in enumerate(calendar.month_name) if name}
_DAYS: Final = {name.lower(): at for at, name in enumerate(calendar.day_name)}
_NUMBERS: Final = dict(
    zip("a an one two three four five six seven eight nine ten".split(), (1, 1, *range(1, 11)), strict=True)
)
_ORDINALS: Final = {"first": 0, "second": 1, "third": 2, "fourth": 3}
_SEASONS: Final = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_MONTH: Final = re.compile(rf"\b({'|'.join(_MONTHS)})\b")
_YEAR: Final = re.compile(r"\b(19\d\d|20\d\d)\b")
_DAY: Final = re.compile(
    r"\b(\d{1,2})(?:st|nd|rd|th)?\b(?! *(?:days|weeks|months|years|hours|minutes|percent))"
)
_ISO: Final = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b")
_AGO: Final = re.compile(rf"\b(\d{{1,3}}|{'|'.join(_NUMBERS)}) (day|week|month|year)s? ago\b")
_WEEK_OF: Final = re.compile(rf"\b(first|second|third|fourth|last) week of ({'|'.join(_MONTHS)})\b")
_RELATIVE: Final = re.compile(
    r"\b(last|this|past) (week|month|year|weekend|spring|summer|autumn|fall|winter)\b"
)
_WEEKDAY: Final = re.compile(rf"\b(?:(since|last|on) )({'|'.join(_DAYS)})\b")
_SIDE: Final = re.compile(r"\b(before|until|after|since)\s+(?:the\s+)?$")
_EVENT: Final = re.compile(
    r"\b(before|until|after|since) ((?:we|i|he|she|they|you|it|the|my|our|his|her|their)\b.{3,}?|[A-Z]\w+ .{3,}?)[?.!]*$",
    re.IGNORECASE,
)
_BESIDE: Final = 0.15
"""Weak: half of all there is lies on either side."""
_NAMED_DAY: Final = {"today": 0, "tonight": 0, "yesterday": 1, "last night": 1}
_LENGTH: Final = {"day": 1, "week": 7, "month": 30, "year": 365}
_MARGIN: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` (inclusive) to ``end`` (exclusive), ms; how much being within counts."""

    start: int
    end: int
    weight: float


def spans(question: str, *, now: int, first: int, last: int) -> list[Span]:
    """The spans that a question names, asked at ``now``, of memories between ``first`` and ``last`` (all ms)."""
    asked = question.lower()
    today = _date(now)
    found = _relative(asked, today)
    years = range(max(_date(first).year, 1), min(_date(last).year, 9998) + 1)[-60:]
    return found + _absolute(asked, years)


def event(question: str) -> tuple[str, str] | None:
    """The happening that a question puts its time beside, as in "before we moved": the side, and the happening's words."""
    found = _EVENT.search(question)
    return None if found is None else (found[1].lower(), found[2])


def beside(side: str, at: int) -> Span:
    """The time on one side of something that happened at ``at`` (ms)."""
    far = 1 << 52
    return Span(-far, at, _BESIDE) if side in {"before", "until"} else Span(at + 1, far, _BESIDE)


def _relative(asked: str, today: date) -> list[Span]:
    found = [
        _days(today - timedelta(back), 1)
        for name, back in _NAMED_DAY.items()
        if re.search(rf"\b{name}\b", asked)
    ]
    for amount, unit in _AGO.findall(asked):
        back = (int(amount) if amount.isdigit() else _NUMBERS[amount]) * _LENGTH[unit]
        if back < 36500:
            slack = max(1, _LENGTH[unit] // 3)
            found.append(_days(today - timedelta(back + slack), 2 * slack + 1))
    for word, unit in _RELATIVE.findall(asked):
        found.append(_this_or_last(unit, today, this=word == "this"))
    for word, name in _WEEKDAY.findall(asked):
        back = (today.weekday() - _DAYS[name]) % 7 or 7
        day = today - timedelta(back)
        found.append(_days(day, back + 1) if word == "since" else _days(day, 1))
    return found


def _this_or_last(unit: str, today: date, *, this: bool) -> Span:
    if unit in _SEASONS:
        month = _SEASONS[unit]
        year = today.year if month <= today.month and (this or today.month >= month + 3) else today.year - 1
        year = today.year if this else year
        return _days(date(year, month, 1), 92)
    if unit == "year":
        year = today.year if this else today.year - 1
        return _days(date(year, 1, 1), 366 if calendar.isleap(year) else 365)
    if unit == "month":
        begin = today.replace(day=1)
        begin = begin if this else (begin - timedelta(1)).replace(day=1)
        return _days(begin, calendar.monthrange(begin.year, begin.month)[1])
    monday = today - timedelta(today.weekday() + (0 if this else 7))
    return _days(monday, 7) if unit == "week" else _days(monday + timedelta(5), 2)


def _absolute(asked: str, years: range) -> list[Span]:
    found = []
    for year, month, day in _ISO.findall(asked):
        found += _about(int(year), int(month), int(day), 1.0)
    asked = _ISO.sub(" ", asked)
    named = [int(one) for one in _YEAR.findall(asked)]
    months = [
        (_MONTHS[match[1]], match)
        for match in _MONTH.finditer(asked)
        if match[1] != "may" or _is_month(asked, match)
    ]
    for which, month in _WEEK_OF.findall(asked):
        for year in named or years:
            length = calendar.monthrange(year, _MONTHS[month])[1]
            begin = length - 6 if which == "last" else 1 + 7 * _ORDINALS[which]
            found.append(_days(date(year, _MONTHS[month], begin), 7))
    days = [int(one) for one in _DAY.findall(asked) if 1 <= int(one) <= 31]
    for month, match in months:
        side = _SIDE.search(asked[: match.start()])
        for year in named or years:
            opening = date(year, month, 1)
            length = calendar.monthrange(year, month)[1]
            if side and not days:
                found.append(_beside(side[1], opening, opening + timedelta(length)))
                continue
            # A month named alone is all that is known; beside a day it is only the outer ring.
            found.append(_days(opening, length, 0.5 if days else 0.67))
            for day in days:
                found += _about(year, month, day, 1.0)
    if not months:
        found += [_days(date(year, 1, 1), 366, 0.3) for year in named]
    return found


def _about(year: int, month: int, day: int, weight: float) -> list[Span]:
    try:
        begin = date(year, month, day)
    except ValueError:
        return []
    return [_days(begin - timedelta(1), 3, weight), _days(begin - _MARGIN, 15, 0.75 * weight)]


def _beside(side: str, begin: date, end: date) -> Span:
    far = 1 << 52
    return (
        Span(-far, _ms(begin), 0.5)
        if side in {"before", "until"}
        else Span(_ms(begin if side == "since" else end), far, 0.5)
    )


def _is_month(asked: str, match: re.Match[str]) -> bool:
    """Whether this "may" is the month: beside a number, or after a word that leads to a time."""
    before, after = asked[: match.start()].split(), asked[match.end() :].split()
    near = (before[-1:] or [""])[0], (after[:1] or [""])[0]
    return near[0] in {
        "in",
        "of",
        "last",
        "since",
        "until",
        "before",
        "after",
        "early",
        "late",
        "during",
        "by",
        "on",
    } or any(re.match(r"\d", one) for one in near)


def _date(ms: int) -> date:
    # The calendar ends where Python's does; a time beyond it names no year anybody asks for.
    return datetime.fromtimestamp(min(max(ms / 1000, -62e9), 253e9), UTC).date()


def _days(begin: date, count: int, weight: float = 1.0) -> Span:
    start = _ms(begin)
    return Span(start, start + count * 86_400_000, weight)


def _ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)
