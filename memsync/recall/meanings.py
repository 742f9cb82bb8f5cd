"""An embedder at work on one vault: it embeds what has no vector yet, and questions, and keeps what it made in the database.

Texts go to it in batches, each read and written by itself, so that work goes on where it stopped. What leaves this process never holds a
memory tagged ``secret``; what leaves this machine is written into the ledger of disclosures before it goes. When an embedder fails,
questions are answered by words alone.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from memsync.device.database import Database
from memsync.device.disclosures import Disclosure, Disclosures
from memsync.device.meta import Meta
from memsync.device.vectors import Unembedded, Vector, Vectors
from memsync.errors import InputError, MemSyncError
from memsync.memory import SECRET_TAG
from memsync.recall.embedder import LONGEST, Embedder

if TYPE_CHECKING:
    from memsync.recall.meaning import Near, Places
    from memsync.recall.nearest import Signs
    from memsync.recall.view import Floats, View

BATCH: Final = 32
_LOOK: Final = 5000
"""Rows looked at in one statement, which keeps the database from others for milliseconds only."""
CHANNEL: Final = "embedding"
_AGAIN: Final = 60.0
"""Seconds after a failure in which questions don't wait for the embedder."""
_ASKED: Final = 16
"""Questions whose vectors are remembered."""
_META: Final = "recall vectors"


class Meanings:
    """The vectors of one vault's memories. ``embedder`` None: there are none, and nothing is asked."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._vectors = Vectors(database)
        self._meta = Meta(database)
        self._ledger = Disclosures(database)
        self._embedder: Embedder | None = None
        self._signs: dict[tuple[int, int], Signs] = {}
        self._places: dict[tuple[int, int, bool], Places] = {}
        self._after = 0
        self._failed: float | None = None
        self._asked: dict[str, Floats] = {}

    @property
    def embedder(self) -> Embedder | None:
        return self._embedder

    @embedder.setter
    def embedder(self, embedder: Embedder | None) -> None:
        if embedder is not self._embedder:
            self._embedder, self._after, self._failed, self._asked = embedder, 0, None, {}
            with self._db.alone():
                self._signs.clear()
                self._places.clear()

    def embed(self, limit: int | None = None) -> int:
        """Embed up to ``limit`` memories that have no vector by this embedder; returns how many. 0: none is left.

        ``InputError`` without an embedder; what the embedder raises, after keeping the batches before.
        """
        embedder = self._embedder
        if embedder is None:
            raise InputError("no embedder is chosen; `memsync config set recall.embedder …` chooses one")
        number, done = self._vectors.use(embedder.model, embedder.dimensions), 0
        while limit is None or done < limit:
            last = self._vectors.last_row()
            if self._after >= last:
                break
            until = min(self._after + _LOOK, last)
            size = BATCH if limit is None else min(BATCH, limit - done)
            batch = self._vectors.missing(number, after=self._after, until=until, limit=size)
            done += self._embed(
                embedder, number, [one for one in batch if embedder.where is None or not _secret(one)]
            )
            self._after = batch[-1].row if batch else until
        return done

    def counts(self) -> dict[str, int]:
        """How many memories have a vector, by the model's name."""
        return self._vectors.counts()

    def let_go(self, scope: int, rows: list[int]) -> None:
        """Keep no vector of these rows of a scope (its number)."""
        self._vectors.remove(rows)
        for what in ("gone", "all"):
            self._meta.put(f"{_META} {scope} {what}", os.urandom(8))

    def came(self, row: int) -> None:
        """The index has learned of this row, which may lie before those looked at already: a version can be current again."""
        self._after = min(self._after, row - 1)

    def has(self, scope: int) -> bool:
        """Whether there is an embedder, and a scope (its number) has any vector by it."""
        if self._embedder is None:
            return False
        number = self._vectors.number_of(self._embedder.model)
        return number is not None and self._vectors.any(number, scope)

    def ask(self, texts: Mapping[bytes, str]) -> dict[bytes, Floats]:
        """The vectors of a question, length 1, as each scope (its id) would have it put; none when there is no embedder, or it fails."""
        embedder = self._embedder
        if (
            embedder is None
            or not texts
            or (self._failed is not None and time.monotonic() < self._failed + _AGAIN)
        ):
            return {}
        import numpy as np

        texts = {scope: text[:LONGEST] for scope, text in texts.items()}
        # Kept for a little while: a caller that leaves something out asks the same again for more.
        sent = [text for text in dict.fromkeys(texts.values()) if text not in self._asked]
        if embedder.remote:
            for scope, text in texts.items():
                if text in sent:
                    self._disclose(embedder, scope, text, ())
        if sent:
            try:
                rows = embedder.encode(sent)
            except MemSyncError:
                self._failed = time.monotonic()
                return {}
            self._failed = None
            lengths = np.linalg.norm(rows, axis=1, keepdims=True)
            kept = dict(zip(sent, rows / np.where(lengths > 0, lengths, 1), strict=True))
            self._asked = dict(list((self._asked | kept).items())[-max(_ASKED, len(texts)) :])
        known = self._asked
        return {scope: known[text] for scope, text in texts.items() if text in known}

    def near(
        self,
        view: View,
        scope: int,
        question: Floats,
        bounds: tuple[int | None, int | None],
        *,
        secrets: bool = False,
    ) -> Near:
        """What lies near a question in a scope (its number), between two times: of the view of its open memories, or of its ``secrets``."""
        from memsync.recall import meaning, rank
        from memsync.recall.nearest import Signs

        assert self._embedder is not None  # noqa: S101 - the question was embedded
        # 0 if another process has just begun with another model: then nothing is by it.
        number = self._vectors.number_of(self._embedder.model, len(question)) or 0
        key = (number, scope)
        if key not in self._signs:
            self._signs[key] = Signs(self._vectors, number, scope, len(question))
        signs = self._signs[key]
        places = self._places.setdefault((number, scope, secrets), meaning.Places())
        signs.refresh(*(self._meta.get(f"{_META} {scope} {what}") for what in ("gone", "all")))
        places.refresh(view, signs)
        return meaning.near(view, signs, places.place, question, rank.bounds(view, *bounds))

    def _embed(self, embedder: Embedder, number: int, batch: list[Unembedded]) -> int:
        if not batch:
            return 0
        import numpy as np

        from memsync.recall.nearest import quantise

        if embedder.remote:
            for scope in dict.fromkeys(one.scope_id for one in batch):
                self._disclose(
                    embedder, scope, None, tuple(one.memory for one in batch if one.scope_id == scope)
                )
        try:
            rows = embedder.encode([one.text[:LONGEST] for one in batch])
        except InputError:
            if len(batch) > 1:  # one of them can't be embedded, and must not keep the others waiting
                half = len(batch) // 2
                return self._embed(embedder, number, batch[:half]) + self._embed(
                    embedder, number, batch[half:]
                )
            rows = np.zeros((1, embedder.dimensions), np.float32)
        vectors = [Vector(one.row, one.scope, *made) for one, made in zip(batch, quantise(rows), strict=True)]
        with self._db.transaction():
            kept = self._vectors.put(number, vectors)
            for touched in {one.scope for one in kept}:
                self._meta.put(f"{_META} {touched} all", os.urandom(8))
        return len(kept)

    def _disclose(
        self, embedder: Embedder, scope: bytes, question: str | None, memories: tuple[bytes, ...]
    ) -> None:
        entry = Disclosure(
            int(time.time() * 1000), str(embedder.where), CHANNEL, "embed", scope, question, memories
        )
        self._ledger.append(entry)


def _secret(one: Unembedded) -> bool:
    return any(tag == SECRET_TAG or tag.startswith(f"{SECRET_TAG}:") for tag in one.tags.split())
