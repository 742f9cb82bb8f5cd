"""Small edits of TOML as people write it: the same three verbs as :mod:`memsync.mcp_server.json_edit`, for a file of tables.

In go a text, the keys that lead to a table or a value in it, and what it shall be; out comes the text with that edit, everything else as it
was. A new table is written at the end, which is right wherever the others are; the rest is tomlkit's, and what it gives is read
again and compared before it is believed. Pure: no file is touched here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from memsync.errors import InputError
from memsync.mcp_server.json_edit import MISSING


def get(text: str, path: Sequence[str]) -> Any:
    """The value that these keys lead to, or ``MISSING``. ``InputError`` for a text that is not valid, with line and column."""
    found: Any = _read(text)
    for key in path:
        if not isinstance(found, dict):
            raise InputError(f"line 1, column 1: a table must stand before {key!r}")
        if key not in found:
            return MISSING
        found = found[key]
    return found


def put(text: str, path: Sequence[str], value: object) -> str:
    """The text with ``value`` where these keys lead; tables that are missing on the way are made.

    ``InputError`` for a text that is not valid, and for one that is written in a way that can't be changed without harm.
    """
    found, wanted = get(text, path), _read(text)
    _set(wanted, path, value)
    ways: list[Callable[[], str]] = [lambda: _in_place(text, lambda found: _set(found, path, value))]
    if isinstance(value, Mapping) and found is MISSING:
        ways.insert(0, lambda: _at_the_end(text, path, value))
    return _first_that_gives(wanted, path, ways)


def take(text: str, path: Sequence[str]) -> str:
    """The text without what these keys lead to; the text itself where there is nothing. ``InputError`` as by :func:`put`."""
    if get(text, path) is MISSING:
        return text
    wanted = _read(text)
    _unset(wanted, path)
    return _first_that_gives(wanted, path, [lambda: _in_place(text, lambda found: _unset(found, path))])


def _read(text: str) -> dict[str, Any]:
    text = text.removeprefix("\ufeff")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise InputError("line 1, column 1: too much lies in one another") from None
    except ValueError as err:
        what, _, where = str(err).rpartition(" (at ")
        if not re.fullmatch(r"line \d+, column \d+\)", where):  # at the end of the document
            where = f"line {text.count(chr(10)) + 1}, column {len(text) - text.rfind(chr(10))})"
        raise InputError(f"{where.removesuffix(')')}: {what[:1].lower()}{what[1:]}") from None


def _first_that_gives(wanted: dict[str, Any], path: Sequence[str], ways: Sequence[Callable[[], str]]) -> str:
    for way in ways:
        try:
            found = way()
            if _whole(_read(found), path) == _whole(wanted, path):
                return found
        except Exception:  # noqa: BLE001, S112 - tomlkit stumbles over dotted keys and inline tables in several ways
            continue
    raise InputError("line 1, column 1: it is written in a way that can't be changed here")


def _whole(found: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """With the tables that the keys lead through, which need not be written where they are empty."""
    table = found
    for key in path[:-1]:
        table = table.setdefault(key, {})
    return found


def _at_the_end(text: str, path: Sequence[str], value: Mapping[str, object]) -> str:
    import tomlkit

    end = _line_end(text)
    lines = [f"[{'.'.join(tomlkit.key(one).as_string() for one in path)}]"]
    for name, one in value.items():
        item: Any = tomlkit.item(one)
        if isinstance(one, Mapping):
            item = tomlkit.inline_table()
            item.update(one)
        lines.append(f"{tomlkit.key(name).as_string()} = {item.as_string()}")
    if text.removeprefix("\ufeff").strip():
        lines.insert(0, "")
        text += "" if text.endswith("\n") else end
    return text + end.join(lines) + end


def _in_place(text: str, change: Callable[[Any], None]) -> str:
    import tomlkit

    bare = text.removeprefix("\ufeff")
    document = tomlkit.parse(bare)
    change(document)
    changed = tomlkit.dumps(document)
    if _line_end(bare) == "\r\n" and not re.search(r"(?<!\r)\n", bare):
        changed = re.sub(r"(?<!\r)\n", "\r\n", changed)
    return text[: len(text) - len(bare)] + changed


def _line_end(text: str) -> str:
    found = re.search(r"\r?\n", text)
    return found[0] if found else "\n"


def _set(document: Any, path: Sequence[str], value: object) -> None:
    for key in path[:-1]:
        document = document.setdefault(key, {})
    document[path[-1]] = value


def _unset(document: Any, path: Sequence[str]) -> None:
    for key in path[:-1]:
        document = document[key]
    del document[path[-1]]
