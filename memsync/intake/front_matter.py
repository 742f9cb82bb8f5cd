"""The fields at the head of a Markdown note, between two lines of dashes.

In comes a note, out come its fields and what follows them. Of YAML 1.2 what note-takers write is read: one key a line with a plain or
quoted text, a list in brackets or one item a line, a block of text, any JSON. What is nested deeper is left out; nothing is run, tagged or
followed, so no YAML can do harm here.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

LIMIT: Final = 1 << 20
"""Characters that a head may have; beyond, the dashes are a line of the note."""

_HEAD: Final = re.compile(r"---[ \t]*\r?\n")
_END: Final = re.compile(r"^(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.MULTILINE)
_KEY: Final = re.compile(r"([A-Za-z_][\w .-]*?)[ \t]*:(?:[ \t]+(.*))?")
_ITEM: Final = re.compile(r"[ \t]*-(?:[ \t]+(.*))?")
_IN_LIST: Final = re.compile(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^,]*?)\s*(?:,|$)""")
_NOTHING: Final = frozenset({"", "~", "null", "Null", "NULL"})


def split_note(note: str) -> tuple[dict[str, Any], str]:
    """The fields, by their names as written, and the rest of the note, verbatim. Without a whole head there are no fields."""
    head = _HEAD.match(note)
    end = _END.search(note, head.end(), head.end() + LIMIT) if head else None
    if head is None or end is None:
        return {}, note
    return _read_fields(note[head.end() : end.start()].split("\n")), note[end.end() :]


def _read_fields(lines: list[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    at = 0
    while at < len(lines):
        found = _KEY.fullmatch(lines[at].rstrip("\r"))
        at += 1
        if found is None:
            continue
        below = []
        while at < len(lines) and _is_below(lines[at]):
            below.append(lines[at].rstrip("\r"))
            at += 1
        name, value = found[1], (found[2] or "").strip()
        if value[:1] in {"|", ">"} and len(value) <= 2:
            fields[name] = ("\n" if value[0] == "|" else " ").join(line.strip() for line in below).rstrip()
        elif value or not below:
            fields[name] = _scalar(value)
        else:
            items = [_ITEM.fullmatch(line) for line in below if line.strip()]
            fields[name] = [_scalar(item[1] or "") for item in items if item] if all(items) else None
    return fields


def _is_below(line: str) -> bool:
    """Whether a line belongs to the key above: indented, an item, or empty."""
    return line[:1] in {" ", "\t", "", "\r"} or _ITEM.fullmatch(line.rstrip("\r")) is not None


def _scalar(value: str) -> Any:
    value = value.strip()
    if value[:1] in {'"', "[", "{"}:
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            pass
    if value.startswith("[") and value.endswith("]"):
        return [_unquoted(one[1]) for one in _IN_LIST.finditer(value[1:-1]) if one[1]]
    if value[:1] in {"'", '"'}:
        return _unquoted(value)
    value = re.split(r"(?:^|[ \t])#", value, maxsplit=1)[0].strip()
    return None if value in _NOTHING else value


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return text
