"""The port to a search index over decrypted memories, and how one is kept up to date.

An index takes in versions of memories, lets go of them, and ranks those of given scopes for a question. What it ranks by is its own
affair. It never decides which memories there are: that is ``device.memories``' part, which also remembers what the index must still learn.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from memsync.collector import many_values
from memsync.device.memories import Memories
from memsync.device.rows import Document
from memsync.memory import Memory


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer: the memory, its scope's id, a score (higher is better, comparable within one answer), and the question's words that it
    has; none where its neighbours have them. ``labels``: ``superseded`` by another memory, ``expired``, in ``conflict`` with another
    version. ``row`` is the index's."""

    memory: Memory
    scope: bytes
    score: float
    why: tuple[str, ...]
    labels: tuple[str, ...] = ()
    row: int = field(default=0, repr=False, compare=False)


@runtime_checkable
class Index(Protocol):
    """An index over memories."""

    def add_many(self, documents: Iterable[Document]) -> None:
        """Take these in; one that is in already must not come again."""
        ...

    def remove(self, documents: Iterable[Document]) -> None:
        """Let go of these, so that nothing of their texts is left."""
        ...

    def search(
        self,
        question: str,
        scopes: Collection[bytes],
        *,
        k: int = 10,
        since: int | None = None,
        until: int | None = None,
        now: int | None = None,
        clock: int | None = None,
    ) -> list[Hit]:
        """The best ``k`` of these scopes, the best first. Any text is a question.

        ``since`` (inclusive) and ``until`` (exclusive) bound ``Memory.when``; with ``now``, memories that are not valid then are left
        out. ``clock``: when the question is asked, for "yesterday"; else ``now``, else this moment. All in ms.
        """
        ...


@many_values()
def refresh(memories: Memories, index: Index) -> int:
    """Bring ``index`` up to what ``memories`` holds; returns how many versions it took in or let go of.

    Each step is kept together with the note of it: call it inside the transaction that wrote the memories, or any time later.
    """
    done = 0
    while True:
        with memories.together():
            added, gone = memories.unindexed()
            if not added and not gone:
                return done
            index.remove(gone)
            index.add_many(added)
            memories.mark_indexed(gone + added)
        done += len(added) + len(gone)
