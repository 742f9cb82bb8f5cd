"""The formats that can be read, and the words in which reports and errors speak of each. Plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Format:
    """``name`` is what a person types; ``what`` whose it is; ``entry`` the smallest thing that becomes a memory, one and many; ``group``
    what entries stand together in, where there is such a thing; ``hint`` what to give."""

    name: str
    what: str
    entry: tuple[str, str]
    group: tuple[str, str] | None
    hint: str


_MESSAGE: Final = ("message", "messages")
_TALK: Final = ("conversation", "conversations")

CHATGPT: Final = Format(
    "chatgpt",
    "ChatGPT's export",
    _MESSAGE,
    _TALK,
    "give the zip that ChatGPT mails you (Settings, Data controls, Export data)",
)
CLAUDE: Final = Format(
    "claude",
    "Claude's export",
    _MESSAGE,
    _TALK,
    "give the zip that Claude mails you (Settings, Privacy, Export data)",
)
MEM0: Final = Format(
    "mem0", "mem0's export", ("memory", "memories"), None, "give the JSON that mem0's get_all returns"
)
MCP_MEMORY: Final = Format(
    "mcp-memory",
    "the MCP memory server's file",
    ("fact", "facts"),
    ("entity", "entities"),
    "give the server's memory.jsonl",
)
MARKDOWN: Final = Format(
    "markdown",
    "a folder of Markdown",
    ("passage", "passages"),
    ("note", "notes"),
    "give a folder with .md files, or one of them",
)
JSONL: Final = Format(
    "jsonl",
    "JSON Lines",
    ("line", "lines"),
    None,
    'give a file with one {"text": …} a line, or what `memsync export jsonl` wrote',
)
CSV: Final = Format(
    "csv", "a CSV table", ("row", "rows"), None, "give a table whose first row names a column text"
)

ANY: Final = Format(
    "auto", "an export", ("entry", "entries"), None, "give an export, a table or a folder of notes"
)
"""For what is not known yet."""

FORMATS: Final = {one.name: one for one in (CHATGPT, CLAUDE, MEM0, MCP_MEMORY, MARKDOWN, JSONL, CSV)}
"""By name, in the order of the documentation."""
