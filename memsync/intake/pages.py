"""A memory as a Markdown page that MemSync writes and reads again: its fields in a front matter, its text below, byte for byte.

Each field is one line of JSON, which is YAML too. ``digest`` tells whether somebody has changed the text since; a changed page is a note
like any other. Out come text and file name, in comes what :func:`memsync.intake.front_matter.split_note` found.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from memsync.intake.dates import write_date
from memsync.intake.incoming import Incoming
from memsync.intake.portable import IDENTITY, read_portable, write_portable
from memsync.memory import KINDS, Memory

VERSION: Final = "1"

_OWN: Final = ("memsync", "digest", "when")
_UNSAFE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")
_SLUG: Final = 40


def write_page(memory: Memory, scope: str) -> str:
    """The page, ending in a line feed that is not the text's."""
    value = write_portable(memory, scope)
    text = value.pop("text")
    fields = {"memsync": int(VERSION), **value, "when": write_date(memory.when), "digest": _digest(text)}
    lines = [f"{name}: {_line(one)}" for name, one in fields.items()]
    return "\n".join(["---", *lines, "---", text]) + "\n"


def read_page(fields: Mapping[str, Any], body: str, where: str) -> Incoming | None:
    """The memory of a page of ours whose text nobody has changed; None for any other note. ``InputError`` for a page that is broken."""
    if fields.get("memsync") != VERSION or not fields.keys() >= IDENTITY:
        return None
    text = body.removesuffix("\n")
    if fields.get("digest") != _digest(text):
        return None
    value = {name: _exact(one) for name, one in fields.items() if name not in _OWN}
    return read_portable(value | {"text": text}, where)


def page_name(memory: Memory, *, by_version: bool = False) -> str:
    """Where the page goes below its scope's folder: ``2025-03/2025-03-01-how-it-begins-ID.md``; the same for the same memory, and no
    other's. ``by_version``: for one of several versions that stand side by side."""
    when = str(write_date(memory.when))
    day = when[:10] if "T" in when else "undated"
    begin = unicodedata.normalize("NFC", memory.text[:400].strip().split("\n", 1)[0])
    slug = "-".join(re.findall(r"[^\W_]+", begin))[:_SLUG].strip("-")
    ids = memory.id.hex() + (f"-{memory.version.hex()}" if by_version else "")
    return f"{day[:7]}/{'-'.join(part for part in (day, slug, ids) if part)}.md"


def folder_names(scopes: list[str]) -> dict[str, str]:
    """For each scope the name of a folder, safe on any system and no other scope's whatever the case."""
    names: dict[str, str] = {}
    for scope in scopes:
        plain = "-".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFC", scope))) or "scope"
        taken = {one.casefold() for one in names.values()}
        found, number = plain, 1
        while found.casefold() in taken:
            number += 1
            found = f"{plain}-{number}"
        names[scope] = found
    return names


def _line(value: object) -> str:
    if isinstance(value, str) and (value in KINDS or re.fullmatch(r"\d{4}-[0-9T:.-]+Z", value)):
        return value
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def _exact(value: Any) -> Any:
    """A number of milliseconds, which the front matter gives as text."""
    return int(value) if isinstance(value, str) and re.fullmatch(r"-?\d{1,16}", value) else value


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
