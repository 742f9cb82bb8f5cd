"""The statements that a scope keeps, so that an import adds none of them a second time.

In go memories that want in, out come those that are new. Only statements are compared (``semantic``, of no conversation): a turn of a
conversation that says what another one said is another event, and its neighbours are understood by it. A memory names one source, so of
a statement that is met again nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

from memsync.device.lines import Lines
from memsync.memory import Memory
from memsync.recall.alike import fold


class KeptTexts:
    """The statements of one scope (id, 16 bytes), read once, when the first memory asks; ``met`` counts what was there already."""

    def __init__(self, lines: Lines, scope: bytes) -> None:
        self._lines, self._scope = lines, scope
        self._known: set[bytes] | None = None
        self.met = 0

    def without(self, made: Iterable[Memory]) -> list[Memory]:
        """Those that are not kept yet, each once."""
        fresh = []
        for one in made:
            if one.kind != "semantic" or (one.source is not None and one.source.conversation is not None):
                fresh.append(one)
                continue
            if self._known is None:
                self._known = {_digest(line.text) for line in self._lines.read(self._scope) if line.semantic}
            digest = _digest(one.text)
            if digest in self._known:
                self.met += 1
            else:
                self._known.add(digest)
                fresh.append(one)
        return fresh


def _digest(text: str) -> bytes:
    return blake2b(fold(text).encode(), digest_size=16).digest()
