"""How a proposal looks to the person who decides about it: lines from the JSON value of ``review``.

What a tool wrote stands behind a margin, line by line, so that none of it can pass for what MemSync says itself; what could drive a
terminal or turn its direction is replaced.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher, unified_diff

from memsync.cli.frame import shown
from memsync.cli.show import Value, amount, day, minute

MARGIN = "  | "
ROOM = 30
"""Lines of a text that are shown at first."""
_COMPARED = 200  # words or sentences: what is hostile takes the cube of them
_SECRETS = {
    "card": "a card number",
    "seed-phrase": "a seed phrase",
    "private-key": "a private key",
    "token": "an access token",
    "password": "a password",
}


def proposal_lines(one: Value, width: int, *, whole: bool = False) -> Iterator[str]:
    """Who would like what, the text, and what the person should know about it."""
    wish = "forgotten" if one["deed"] == "forget" else "remembered"
    where = "of a grant that has ended" if one["scope"] is None else f"in {_plain(one['scope'])}"
    yield f"{_plain(one['who'])} would like this {wish} {where}  ({minute(one['received'])})"
    yield from quoted(one["text"], width, room=None if whole else ROOM)
    marks = [f"kept on {day(one['memory']['when'])}"] if one["memory"] else []
    marks += [one["kind"]] if one["kind"] != "semantic" else []
    marks += [f"happened {day(one['happened'])}"] if one["happened"] else []
    if marks:
        yield f"  {'; '.join(marks)}"
    if one["tags"]:
        yield "  tagged"
        yield from quoted(", ".join(map(_plain, one["tags"])), width, room=None if whole else ROOM)
    yield from _flags(one)
    yield from _beside(one, width)


def proposal_line(one: Value, width: int) -> str:
    """Id, who, scope and the beginning of the text, in one line, with a mark where there is something to know."""
    scope = "no grant" if one["scope"] is None else _plain(one["scope"])
    deed = "forget: " if one["deed"] == "forget" else ""
    mark = "! " if one["secrets"] or one["instruction"] else ""
    known = "(kept already) " if one["same_as"] or one["echoes"] else ""
    start = f"{one['id']}  {_plain(one['who'])}  {scope}  {mark}{known}{deed}"
    text, room = _plain(one["text"]), max(20, width - len(start))
    return start + (text if len(text) <= room else text[: room - 1] + "…")


def counted(tools: Sequence[Value]) -> str:
    """How many proposals of whom wait."""
    waiting = [one for one in tools if one["waiting"]]
    total = sum(one["waiting"] for one in waiting)
    each = ", ".join(f"{_plain(one['who'])} {one['waiting']:,}" for one in waiting)
    return f"{amount(total, 'proposal waits', 'proposals wait')}: {each}"


def quoted(text: str, width: int, *, room: int | None = None) -> Iterator[str]:
    """A text behind the margin, in lines of ``width``; at most ``room`` of them."""
    lines = list(_wrapped(shown(text), width - len(MARGIN)))
    for line in lines[:room]:
        yield MARGIN + line
    if room is not None and len(lines) > room:
        yield f"  … {amount(len(lines) - room, 'more line')}"


def difference(old: str, new: str, width: int) -> Iterator[str]:
    """What is other in the new text: ``[-old words-] {+new words+}``, or the sentences that differ of what is long."""
    before, after = shown(old).split(), shown(new).split()
    if max(len(before), len(after)) <= _COMPARED:
        yield from quoted(" ".join(_words(before, after)), width, room=ROOM)
        return
    before, after = _sentences(shown(old)), _sentences(shown(new))
    if max(len(before), len(after)) <= _COMPARED:
        found = list(unified_diff(before, after, n=0, lineterm=""))[2:]
        yield from quoted("\n".join(one for one in found if not one.startswith("@@")), width, room=ROOM)
        return
    yield from quoted(old, width, room=ROOM)


def _words(before: list[str], after: list[str]) -> Iterator[str]:
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from before[i:j]
            continue
        if i < j:
            yield f"[-{' '.join(before[i:j])}-]"
        if k < m:
            yield f"{{+{' '.join(after[k:m])}+}}"


def _sentences(text: str) -> list[str]:
    return [one for one in re.split(r"(?<=[.!?])\s+|\n+", text) if one.strip()]


def _flags(one: Value) -> Iterator[str]:
    for kind in one["secrets"]:
        yield f"  holds what looks like {_SECRETS.get(kind, kind)}"
    if one["instruction"]:
        yield "  is shaped like an order to a model"
    if one["removed"]:
        yield f"  {amount(one['removed'], 'character')} that show nothing taken out"
    if one["deed"] == "forget" and one["memory"] is None:
        yield "  it is gone already"
    if one["scope"] is None:
        yield "  it can only be refused"


def _beside(one: Value, width: int) -> Iterator[str]:
    same = one["same_as"]
    if same:
        yield f"  already kept on {day(same['when'])} as {same['id']}; accepting keeps no second copy"
    for memory in one["echo"]:
        yield f"  repeats what was kept on {day(memory['when'])}:"
        yield from quoted(memory["text"], width, room=4)
    if one["echoes"] and not one["echo"]:
        yield "  repeats what recall gave out"
    for memory in one["near"]:
        yield f"  says nearly what was kept on {day(memory['when'])}:"
        yield from quoted(memory["text"], width, room=4)
    for old in one["supersedes"]:
        yield f"  may put an end to what was kept on {day(old['memory']['when'])} ({_plain(old['reason'])}):"
        yield from difference(old["memory"]["text"], one["text"], width)


def _plain(text: str) -> str:
    return " ".join(shown(text).split())


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Lines of at most ``width`` columns: what a terminal would break by itself goes on outside of the margin."""
    for line in text.split("\n"):
        rest = line.expandtabs(4)
        while (room := _fitting(rest, width)) < len(rest):
            cut = rest.rfind(" ", 1, room + 1)
            cut = cut if cut > 0 else room
            yield rest[:cut]
            rest = rest[cut:].removeprefix(" ")
        yield rest


def _fitting(line: str, width: int) -> int:
    """How many characters of a line fit into so many columns, East Asian wide ones (UAX #11) taking two."""
    start = line[: width + 1]
    if start.isascii():
        return min(len(line), width)
    taken = 0
    for at, char in enumerate(start):
        taken += 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if taken > width:
            return at
    return len(start)
