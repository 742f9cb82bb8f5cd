"""Names that people give and read: of scopes, grantees, devices, vaults and on cards.

In goes a text that somebody else may have written, out comes the same text or a ``FormatError``. A name is 1 to 64 code points without
what would let it look like another line or run backwards; it is kept verbatim, never folded or trimmed.
"""

from __future__ import annotations

import re
from typing import Final

from memsync.errors import FormatError

MAX_NAME: Final = 64

# C0, DEL, C1; line and paragraph separators; bidirectional embeddings, overrides and isolates; lone surrogates, which no UTF-8 has.
_REFUSED: Final = re.compile("[\\0-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff]")


def read_name(name: object, *, what: str) -> str:
    """The name, if it is one; ``FormatError(what, "type" | "size" | "value")`` if not."""
    if type(name) is not str:
        raise FormatError(what, "type", "a name is a text")
    if not 1 <= len(name) <= MAX_NAME:
        raise FormatError(what, "size", f"a name has 1 to {MAX_NAME} characters")
    if _REFUSED.search(name):
        raise FormatError(
            what, "value", "a name has no control characters, line separators or bidirectional overrides"
        )
    return name
