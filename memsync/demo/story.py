"""What the demo is about: one woman's year in ChatGPT, and what is asked, proposed and written on the way. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SCOPE: Final = "novel"
"""The scope that is granted."""

TITLES: Final[Mapping[str, tuple[str, ...]]] = {
    SCOPE: (
        "Lighthouse keeper",
        "Opening paragraph",
        "The island",
        "Voices for chapter",
        "Names that fit",
        "What the father",
        "third person",
        "Editor found us",
        "Bora scene",
        "Epigraph",
        "Timeline of winter",
        "Cover ideas",
        "Full draft",
        "Ruth's notes",
    ),
    "research": (
        "Tide gauge",
        "utide",
        "Clock drift",
        "Datum shift",
        "Storm surge",
        "Paper outline",
        "Review came back",
        "Accepted",
    ),
    "project": (
        "Harbour Watch",
        "Logger dump",
        "Vendor",
        "Permit",
        "Firmware",
        "launch",
        "Alarm",
        "Final report",
        "Week 25",
        "Week 45",
    ),
}
"""Scopes, and parts of the titles of the conversations that go there; all others go to ``personal``."""

QUESTION: Final = "When does Ruth get the full draft?"
ANSWER: Final = "30 June 2025"
PRIVATE_QUESTION: Final = "Who is allergic to hazelnuts?"
"""Answered from ``personal``, which nobody is granted."""

TOOL_NAME: Final = "Inkwell"
PROPOSAL: Final = "The reading aloud starts with chapter 11, the one where Vera suspects that she lied."
AFTERWARDS: Final = "Chapter 11 is rewritten: Tonka tells the truth in it, and nobody asks her to."
"""What the owner writes once the tool is out."""
