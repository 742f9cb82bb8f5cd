"""What an outsider finds who has every public byte and knows what to look for.

In go needles (texts, names, addresses, keys, digests, words) and the parts of a haystack; out comes how many needles of each kind lie
where, in whatever spelling. Nobody's keys are used. A search that finds nothing says nothing by itself: run it on a vault without
encryption (``plain``) as well.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from memsync.crypto.words import from_words
from memsync.demo.evidence import Part
from memsync.demo.spellings import SHORTEST, spellings
from memsync.format.card import Card
from memsync.ipld.cid import CID

TEXTS, SCOPES, TOOL, DIGESTS, WORDS = KINDS = (
    "texts and titles",
    "names of scopes",
    "the tool's name, account and keys",
    "CIDs and digests of blocks",
    "words of the vault, and their secret",
)
PAYER: Final = "the account that pays"

_LONG_WORD: Final = 6  # letters; a shorter one turns up by chance
_NEIGHBOURS: Final = 3


@dataclass(frozen=True, slots=True)
class Needle:
    """Something that an outsider would like to find."""

    kind: str
    value: str | bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a search found.

    ``needles`` by kind, without those that are ``too_short`` to be told from chance; ``patterns`` they were looked for by; ``parts`` and
    ``size`` (bytes) searched, by place; needles ``found`` by kind, and ``found_in`` by kind and place.
    """

    needles: Mapping[str, int]
    too_short: int
    patterns: int
    parts: Mapping[str, int]
    size: Mapping[str, int]
    found: Mapping[str, int]
    found_in: Mapping[tuple[str, str], int]

    @property
    def nothing(self) -> bool:
        """Whether no needle lies anywhere."""
        return not any(self.found.values())

    @property
    def everything(self) -> bool:
        """Whether each needle lies somewhere."""
        return all(self.found.get(kind, 0) == count for kind, count in self.needles.items())


def search(needles: Iterable[Needle], parts: Iterable[Part]) -> Findings:
    """Look for every needle in every part, at every byte."""
    sought = tuple(dict.fromkeys(needles))
    patterns = _Patterns()
    too_short = {number for number, needle in enumerate(sought) if not patterns.add(number, needle.value)}
    count: Counter[str] = Counter()
    size: Counter[str] = Counter()
    found: set[int] = set()
    found_in: set[tuple[int, str]] = set()
    for part in parts:
        count[part.place] += 1
        size[part.place] += len(part.data)
        here = patterns.found_in(part.data)
        found |= here
        found_in |= {(number, part.place) for number in here}
    return Findings(
        needles=Counter(needle.kind for number, needle in enumerate(sought) if number not in too_short),
        too_short=len(too_short),
        patterns=patterns.count,
        parts=count,
        size=size,
        found=Counter(sought[number].kind for number in found),
        found_in=Counter((sought[number].kind, place) for number, place in found_in),
    )


def needles_of(
    *, texts: Iterable[str], scopes: Iterable[str], tool: Card, words: str, cids: Iterable[CID]
) -> list[Needle]:
    """All that an outsider could wish to find of one vault: ``texts`` with titles, its ``words``, and its blocks by name."""
    phrase = words.split()[1:]
    neighbours = [" ".join(phrase[at : at + _NEIGHBOURS]) for at in range(len(phrase) - _NEIGHBOURS + 1)]
    long = [word for word in phrase if len(word) >= _LONG_WORD]
    by_kind: dict[str, list[str | bytes]] = {
        TEXTS: list(texts),
        SCOPES: list(scopes),
        TOOL: [tool.name, tool.account, tool.box, tool.author],
        DIGESTS: [name for cid in cids for name in (str(cid), cid.digest)],
        WORDS: [*neighbours, *long, from_words(words)],
    }
    return [Needle(kind, value) for kind, values in by_kind.items() for value in values]


class _Patterns:
    """The patterns of all needles, by their first bytes, so that one pass over the haystack looks for all of them."""

    def __init__(self) -> None:
        self.count = 0
        self._exact: dict[bytes, set[tuple[bytes, int]]] = defaultdict(set)
        self._caseless: dict[bytes, set[tuple[bytes, int]]] = defaultdict(set)

    def add(self, number: int, value: str | bytes) -> bool:
        """Look for ``value`` as needle ``number``; False if it is too short."""
        before = self.count
        for spelling in spellings(value):
            of_start = self._caseless if spelling.caseless else self._exact
            of_start[spelling.pattern[:SHORTEST]].add((spelling.pattern, number))
            self.count += 1
        return self.count > before

    def found_in(self, data: bytes) -> set[int]:
        """The numbers of the needles that lie in ``data``."""
        return _matches(data, self._exact) | _matches(data.lower(), self._caseless)


def _matches(data: bytes, of_start: Mapping[bytes, set[tuple[bytes, int]]]) -> set[int]:
    found: set[int] = set()
    for at in range(len(data) - SHORTEST + 1):
        for pattern, number in of_start.get(data[at : at + SHORTEST], ()):
            if number not in found and data.startswith(pattern, at):
                found.add(number)
    return found
