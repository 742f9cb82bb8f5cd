"""What a text that wants in is, in relation to what is kept already.

In come a text and what recall found for it in one scope; out comes its standing: the same as a memory, near one, a memory coming back in
other words, or something that may put an end to one; with the text as it would be stored, and what is suspect in it. Nothing is changed:
who asked decides. What stands beyond the candidates is not seen, so that this costs no more than they did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from memsync.intake.echo import echoed
from memsync.intake.screening import screen
from memsync.recall.alike import Reading, fold, near
from memsync.recall.context import looks_like_instruction
from memsync.recall.contradict import Statement, clash, rivals
from memsync.recall.port import Hit

CANDIDATES: Final = 25
"""How many of what recall finds are looked at."""
_SURE: Final = 1.35
"""How likely a contradiction must be to be proposed at the door: more than one word in three in common beside a change."""

Relation = Literal["same", "echo", "supersedes", "near", "new"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a text stands to what is kept.

    ``exact``: the id of a memory with this text, but for case, spaces and Unicode's forms. ``near``: ids of those that say the same thing.
    ``echoes``: it repeats, led in or turned about, what recall gives out; ``echoed``: ids of what it repeats, as far as they are known.
    ``supersedes``: (id, reason) of what it may put an end to, the likeliest first. ``text``: as a tool's or an importer's would be stored,
    ``removed`` characters that show nothing shorter. ``secrets``: kinds, sorted. ``instruction_shaped``: a guess.
    """

    exact: bytes | None
    near: tuple[bytes, ...]
    echoes: bool
    echoed: tuple[bytes, ...]
    supersedes: tuple[tuple[bytes, str], ...]
    text: str
    removed: int
    secrets: tuple[str, ...]
    instruction_shaped: bool

    @property
    def relation(self) -> Relation:
        """The one word for it; of several, the one that leaves least to decide."""
        if self.exact is not None:
            return "same"
        if self.echoes:
            return "echo"
        if self.supersedes:
            return "supersedes"
        return "near" if self.near else "new"


def examine(text: str, candidates: Sequence[Hit]) -> Standing:
    """The standing of ``text`` among ``candidates``: hits of one scope."""
    seen = screen(text)
    mine = Statement(seen.text)
    known = [(hit.memory, Statement(hit.memory.text)) for hit in candidates]
    touching = [(one, other) for one, other in known if _touch(mine, other)]
    folded = fold(seen.text)
    exact = next((one.id for one, other in touching if fold(other.text) == folded), None)
    if exact is not None:
        touching = [(one, other) for one, other in touching if one.id != exact]
    alike = tuple(dict.fromkeys(one.id for one, other in touching if near(mine.wording, other.wording)))
    repeated = () if exact is not None else echoed(seen.text, touching)
    against: list[tuple[float, bytes, str]] = []
    if exact is None and not repeated:
        for one, other in known:
            reason, weight = clash(mine, other, later=False) if one.id not in alike else ("", 0.0)
            if weight >= _SURE:
                against.append((weight, one.id, reason))
        against.sort(key=lambda one: -one[0])
    return Standing(
        exact=exact,
        near=alike,
        echoes=bool(repeated),
        echoed=tuple(filter(None, repeated)),
        supersedes=tuple((memory, reason) for _, memory, reason in against),
        text=seen.text,
        removed=seen.removed,
        secrets=seen.secrets,
        instruction_shaped=looks_like_instruction(text),
    )


def questions(text: str) -> list[str]:
    """What to ask recall for, so that its answers are the candidates for a text."""
    return list(filter(None, (text, rivals(text))))


def _touch(mine: Reading, other: Reading) -> bool:
    """Whether two texts share so many of their words that taking them apart may show them to be alike."""
    return 3 * len(mine.words & other.words) >= min(len(mine.words), len(other.words))
