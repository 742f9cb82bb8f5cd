"""The dialogues of the sample export, read from the text files in ``tools/sample_export/``.

A dialogue opens with ``=== title | begin | model | flags`` and goes on in messages: ``U:`` the person, ``A:`` the assistant, ``T name:`` a
tool. In braces after the letter: ``id=x`` a label, ``after=x`` what this answers (else the message before), ``wait=2h`` time before it,
``image=name``, ``file=name``, ``dalle=prompt``, ``voice``, ``code=language``, ``to=tool``, ``thoughts``, ``recap``, ``parts`` (split at
``%%``), ``hidden``, ``notime``, ``lost`` (its parent has been deleted). ``@@logger@@`` in a text stands for 200 KB of readings.
"""

from __future__ import annotations

import math
import random
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

_MESSAGE = re.compile(r"^(U|A|T [\w.]+)(?: ?\{([^}]*)\})?:(?: |$)", re.MULTILINE)
_ROLES = {"U": "user", "A": "assistant", "T": "tool"}


@dataclass
class Line:
    """One message as it was written down: ``name`` is a tool's."""

    role: str
    name: str | None
    marks: dict[str, str]
    text: str


@dataclass
class Dialogue:
    """One conversation; ``begun`` in Unix seconds."""

    title: str | None
    begun: float
    model: str
    flags: dict[str, str]
    lines: list[Line] = field(default_factory=list)


def read_dialogues(folder: Path) -> list[Dialogue]:
    """All dialogues of the text files in ``folder``."""
    texts = [script.read_text(encoding="utf-8") for script in sorted(folder.glob("*.txt"))]
    return [
        _read_dialogue(part) for text in texts for part in re.split(r"^=== ", text, flags=re.MULTILINE)[1:]
    ]


def _read_dialogue(text: str) -> Dialogue:
    head, _, body = text.partition("\n")
    title, begun, model, *flags = (part.strip() for part in head.split("|"))
    when = datetime.strptime(begun, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    dialogue = Dialogue(title or None, when.timestamp(), model, _read_marks(";".join(flags)))
    found = list(_MESSAGE.finditer(body))
    for number, match in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(body)
        letter, _, name = match[1].partition(" ")
        said = body[match.end() : end].strip("\n")
        dialogue.lines.append(
            Line(
                _ROLES[letter],
                name or None,
                _read_marks(match[2] or ""),
                said.replace("@@logger@@", _logger_dump()),
            )
        )
    return dialogue


def _read_marks(text: str) -> dict[str, str]:
    marks = (part.strip().partition("=") for part in text.split(";"))
    return {name: value for name, _, value in marks if name}


@cache
def _logger_dump() -> str:
    """Sea level every 15 minutes, 1 July to 8 September 2024, with the faults that the answer to it names."""
    chance = random.Random("logger")  # noqa: S311  (made-up readings)
    begin = datetime(2024, 7, 1, tzinfo=UTC)
    lines = ["time_utc,level_cm,battery_v,flag"]
    stuck = None
    for step in range(69 * 96):
        time = begin + timedelta(minutes=15 * step)
        hours = step / 4
        tide = (
            19 * math.cos(2 * math.pi * hours / 12.4206)
            + 11 * math.cos(2 * math.pi * hours / 12)
            + 16 * math.cos(2 * math.pi * hours / 23.9345)
        )
        night = time.hour < 5 and time >= datetime(2024, 8, 20, tzinfo=UTC)
        level = 112 + tide + 6 * math.sin(hours / 97) + chance.gauss(0, 1.2 if night else 0.4)
        if datetime(2024, 8, 14, 9, tzinfo=UTC) <= time < datetime(2024, 8, 16, 11, tzinfo=UTC):
            level -= 12
        if time.date() == datetime(2024, 8, 23, tzinfo=UTC).date() and time.hour == 13:
            stuck = level = stuck if stuck is not None else level
        battery = (
            11.6 + chance.uniform(0, 0.15)
            if night
            else 12.4 + 0.5 * math.sin(math.pi * time.hour / 24) + chance.uniform(-0.05, 0.05)
        )
        lines.append(f"{time:%Y-%m-%dT%H:%MZ},{level:.1f},{battery:.2f},{2 if night else 0}")
    return "\n".join(lines)
