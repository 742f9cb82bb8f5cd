"""A vault's verb at the door: what a text that wants in is, in relation to what one scope keeps. Nothing is written."""

from __future__ import annotations

from memsync.intake.hygiene import CANDIDATES, Standing, examine, questions
from memsync.vault.base import PERSONAL
from memsync.vault.memories import MemoryVerbs


class HygieneVerbs(MemoryVerbs):
    """What is asked before something is kept."""

    def examine(self, text: str, *, scope: str = PERSONAL, secrets: bool = True) -> Standing:
        """Whether ``text`` is kept in this scope already, or near enough, or comes back from recall, or may put an end to something.

        Costs one recall in the scope, two for a text about where somebody lives or works. Other scopes play no part, and without
        ``secrets`` neither does what is tagged as one.
        """
        asked = questions(text)
        return examine(
            text, self.recall(queries=asked, k=CANDIDATES * len(asked), scope=scope, secrets=secrets)
        )
