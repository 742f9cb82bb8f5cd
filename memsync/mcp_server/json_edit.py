"""Small edits of JSON as people write it: one member is set or taken out, and everything else stays as it was, byte for byte.

In go a text, the keys that lead to the member, and its value; out comes the text with that edit. Indentation, line ends, comments and
trailing commas are the text's own (``comments`` says whether its reader takes the last two, as VS Code does); what is new follows the lines
around it. The whole text is checked first. Pure: no file is touched here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from memsync.errors import InputError

MISSING: Final = object()
"""What :func:`get` gives where there is no such member."""

DEPTH: Final = 256
_TOKEN: Final = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<comment>//[^\r\n]*|/\*(?s:.*?)\*/)
    |(?P<string>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")
    |(?P<scalar>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![\w.+-])|(?:true|false|null)(?!\w))
    |(?P<mark>[{}\[\]:,])""",
    re.VERBOSE,
)
_LINE_END: Final = re.compile(r"\r?\n|\Z")
_COMMENTS_TO_LINE_END: Final = re.compile(
    r"(?:[ \t]*/\*(?:(?!\*/)[^\r\n])*\*/)*(?:[ \t]*//[^\r\n]*)?(?=[ \t]*(?:\r?\n|\Z))"
)


def _no_number(name: str) -> float:
    raise ValueError(name)


_decode: Final = json.JSONDecoder(parse_constant=_no_number).raw_decode


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Member:
    """A member of an object: where its key and its value begin, where the value ends, and where the comma after it is, if any."""

    key: str
    start: int
    value: int
    end: int
    comma: int | None


def get(text: str, path: Sequence[str], *, comments: bool) -> Any:
    """The value that these keys lead to, or ``MISSING``. ``InputError`` for a text that is not valid, with line and column."""
    reader = _Reader(text, comments=comments)
    at = reader.root
    for key in path:
        found = reader.member(at, key)
        if found is None:
            return MISSING
        at = found.value
    return reader.plain(at)


def put(text: str, path: Sequence[str], value: object, *, comments: bool) -> str:
    """The text with ``value`` where these keys lead; objects that are missing on the way are made, and a blank text counts as ``{}``.

    ``InputError`` for a text that is not valid, and for keys that lead through something that is no object.
    """
    if not text.removeprefix("\ufeff").strip(" \t\r\n"):
        text = ("\ufeff" if text.startswith("\ufeff") else "") + ("{}\r\n" if "\r\n" in text else "{}\n")
    reader = _Reader(text, comments=comments)
    at = reader.root
    for depth, key in enumerate(path):
        found = reader.member(at, key)
        if found is None:
            for missing in reversed(path[depth + 1 :]):
                value = {missing: value}
            return reader.added(at, key, value)
        if depth == len(path) - 1:
            return text[: found.value] + reader.instead_of(found, value) + text[found.end :]
        at = found.value
    raise InputError("no key says where")


def take(text: str, path: Sequence[str], *, comments: bool) -> str:
    """The text without the member that these keys lead to; the text itself where there is none. ``InputError`` as by :func:`put`."""
    reader = _Reader(text, comments=comments)
    at = reader.root
    for key in path[:-1]:
        found = reader.member(at, key)
        if found is None:
            return text
        at = found.value
    return reader.without(at, path[-1])


class _Reader:
    """One text, checked as a whole, in which objects are known by where they begin."""

    def __init__(self, text: str, *, comments: bool) -> None:
        self._text, self._comments = text, comments
        self.root = self._next(1 if text.startswith("\ufeff") else 0).start
        after = self._next(self._past(self.root))
        self._must(after, after.kind == "end", "the text goes on after its end")
        found = re.search(r"\r?\n", text)
        self._line_end = found[0] if found else "\n"
        members = self._members(self.root)
        self._unit = (self._indent(members[0].start) if members else None) or "  "

    def member(self, at: int, key: str) -> _Member | None:
        """The member of that key in the object that begins at ``at``."""
        found = [one for one in self._members(at) if one.key == key]
        if len(found) > 1:
            raise self._fault(found[1].start, f"{key!r} stands there a second time")
        return found[0] if found else None

    def plain(self, at: int) -> Any:
        """The value that begins at ``at``, as Python has it."""
        try:
            return _decode(self._text, at)[0]
        except (ValueError, RecursionError):
            end, parts = self._past_slowly(at), [""]
        while at < end:
            token = self._next(at)
            if token.text in ("}", "]") and parts[-1] == ",":
                parts.pop()
            parts.append(token.text)
            at = token.end
        return json.loads("".join(parts))

    def instead_of(self, member: _Member, value: object) -> str:
        """A value as it is written in place of a member's own: in one line if that is, and holds something."""
        own = self._text[member.value : member.end]
        inline = "\n" not in own and own[0] in "{[" and own[1:-1].strip() != ""
        return self._written(value, None if inline else self._indent(member.start))

    def added(self, at: int, key: str, value: object) -> str:
        """The text with one more member at the end of the object that begins at ``at``."""
        text, name, members = self._text, json.dumps(key, ensure_ascii=False), self._members(at)
        if not members:
            return self._with_first(at, name, value)
        last = members[-1]
        indent = self._indent(last.start)
        new = f"{name}: {self._written(value, indent)}"
        place = last.end if last.comma is None else last.comma + 1
        if indent is None:
            new = " " + new
        else:
            beside = _COMMENTS_TO_LINE_END.match(text, place)
            place = beside.end() if beside else place
            new = self._line_end + indent + new
        if last.comma is not None:
            return text[:place] + new + "," + text[place:]
        return text[: last.end] + "," + text[last.end : place] + new + text[place:]

    def without(self, at: int, key: str) -> str:
        """The text without that member of the object that begins at ``at``."""
        gone = self.member(at, key)
        if gone is None:
            return self._text
        text, members = self._text, self._members(at)
        where = members.index(gone)
        start, end = gone.start, gone.end if gone.comma is None else gone.comma + 1
        rest = _LINE_END.match(text, self._past_blank(end))
        if self._indent(start) is not None and rest:
            start, end = self._line_start(start), rest.end()
        elif where == 0:
            end = self._past_blank(end)
        elif self._indent(start) is None:
            start = len(text[:start].rstrip(" \t"))
        before, after = text[:start], text[end:]
        if gone.comma is None and where > 0:
            comma = members[where - 1].end + text[members[where - 1].end :].index(",")
            comma = members[where - 1].comma or comma
            before = before[:comma] + before[comma + 1 :]
        if before.rstrip(" \t\r\n") == text[: at + 1] and after.lstrip(" \t\r\n").startswith("}"):
            return text[: at + 1] + after.lstrip(" \t\r\n")
        return before + after

    def _with_first(self, at: int, name: str, value: object) -> str:
        """With the only member of an object; comments in it stay before that."""
        text, last = self._text, at + 1
        close = self._next(last).start
        while last < close and (found := _TOKEN.match(text, last)):
            if found.lastgroup == "space" and not text[found.end() : close]:
                break
            last = found.end()
        if at != self.root and "\n" not in text.strip() and last == at + 1:
            return f"{text[:last]}{name}: {self._written(value, None)}{text[close:]}"
        outer = re.sub(r"[^ \t].*", "", text[self._line_start(at) : at + 1])
        inner = outer + self._unit
        new = f"{self._line_end}{inner}{name}: {self._written(value, inner)}{self._line_end}{outer}"
        return text[:last] + new + text[close:]

    def _written(self, value: object, indent: str | None) -> str:
        if indent is None:
            return json.dumps(value, ensure_ascii=False)
        lines = json.dumps(value, ensure_ascii=False, indent=self._unit).split("\n")
        return (self._line_end + indent).join(lines)

    def _members(self, at: int) -> list[_Member]:
        if self._text[at] != "{":
            raise self._fault(at, "an object must stand here")
        found, token = [], self._next(at + 1)
        while token.text != "}":
            value = self._next(self._next(token.end).end).start
            end = self._past(value)
            after = self._next(end)
            comma = after.start if after.text == "," else None
            found.append(_Member(json.loads(token.text), token.start, value, end, comma))
            token = after if comma is None else self._next(after.end)
        return found

    def _past(self, at: int) -> int:
        """Where the value that begins at ``at`` ends; all that is in it is checked."""
        try:
            return _decode(self._text, at)[
                1
            ]  # a hundred times as fast, where there are neither comments nor faults
        except (ValueError, RecursionError):
            return self._past_slowly(at)

    def _past_slowly(self, at: int) -> int:
        closing: list[str] = []
        wants = "value"  # or "first", "next" in what was opened, "colon", "comma"
        while True:
            token = self._next(at)
            at, inside = token.end, closing[-1] if closing else ""
            if token.text == inside and (wants in ("first", "comma") or (wants == "next" and self._comments)):
                closing.pop()
                wants = "comma"
            elif wants == "comma":
                self._must(token, token.text == ",", f"a comma or {inside} is missing")
                wants = "next"
            elif wants == "colon":
                self._must(token, token.text == ":", "a colon is missing")
                wants = "value"
            elif inside == "}" and wants != "value":
                self._must(token, token.kind == "string", 'a key in "" is missing')
                wants = "colon"
            elif token.text in ("{", "["):
                closing.append("}" if token.text == "{" else "]")
                self._must(token, len(closing) <= DEPTH, "too much lies in one another")
                wants = "first"
            else:
                self._must(token, token.kind in ("string", "scalar"), "a value is missing")
                wants = "comma"
            if not closing:
                return at

    def _next(self, at: int) -> _Token:
        """The first token from ``at`` on that says something."""
        while at < len(self._text):
            found = _TOKEN.match(self._text, at)
            if found is None:
                raise self._fault(at, "this is no JSON")
            kind = str(found.lastgroup)
            if kind == "comment" and not self._comments:
                raise self._fault(at, "a comment, which is no JSON")
            if kind not in ("space", "comment"):
                return _Token(kind, found[0], at, found.end())
            at = found.end()
        return _Token("end", "", at, at)

    def _must(self, token: _Token, holds: bool, otherwise: str) -> None:  # noqa: FBT001 - a condition
        if not holds:
            raise self._fault(token.start, "the text ends too early" if token.kind == "end" else otherwise)

    def _fault(self, at: int, what: str) -> InputError:
        start = self._line_start(at)
        column = at - start + 1 - self._text.startswith("\ufeff", start)
        return InputError(f"line {self._text.count(chr(10), 0, at) + 1}, column {column}: {what}")

    def _line_start(self, at: int) -> int:
        return self._text.rfind("\n", 0, at) + 1

    def _past_blank(self, at: int) -> int:
        while self._text[at : at + 1] in (" ", "\t"):
            at += 1
        return at

    def _indent(self, at: int) -> str | None:
        """The indentation of what begins at ``at``; None where it does not begin a line of its own."""
        start = self._line_start(at)
        before = self._text[start:at]
        return before if start and not before.strip(" \t") else None
