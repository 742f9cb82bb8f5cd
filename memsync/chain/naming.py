"""How a network is told to a person. An RPC's URL often holds a key, in its path, its query or before its host, and none of that is shown.

In goes a network as it was chosen, or a text that may hold one, out comes the same text with each URL cut after its host.
"""

from __future__ import annotations

import re

_URL = re.compile(r"(\w+://)(?:[^/\s'\"]*@)?([^/\s'\"?#]+)([/?#][^\s'\"]*)?")
_PATH = re.compile(r"(\burl: )/[^\s'\")]*")  # as requests writes it


def without_keys(text: str) -> str:
    """The text, of each URL in it scheme and host only."""

    def cut(found: re.Match[str]) -> str:
        return found[1] + found[2] + ("/…" if (found[3] or "").strip("/") else "")

    return _PATH.sub(r"\1/…", _URL.sub(cut, text))
