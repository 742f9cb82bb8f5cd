"""Answers to several questions, as one: for a caller that has cut a hard question into parts.

A memory's score is the best that any question gave it, and a third of the second best: found twice counts, but not twice as much.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from memsync.recall.port import Hit

_AGAIN: Final = 0.3


def fuse(answers: Iterable[list[Hit]], k: int) -> list[Hit]:
    """The best ``k`` of all, each once, with every word that matched."""
    found: dict[tuple[bytes, bytes], list[Hit]] = {}
    for hits in answers:
        for hit in hits:
            found.setdefault((hit.scope, hit.memory.version), []).append(hit)
    fused = []
    for hits in found.values():
        scores = sorted((hit.score for hit in hits), reverse=True)
        why = tuple(dict.fromkeys(word for hit in hits for word in hit.why))
        score = scores[0] + (_AGAIN * scores[1] if len(scores) > 1 else 0)
        fused.append(replace(hits[0], score=score, why=why))
    fused.sort(key=lambda hit: (-hit.score, -hit.memory.when, hit.memory.version))
    return fused[:k]
