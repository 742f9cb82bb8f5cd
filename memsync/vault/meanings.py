"""A vault's verb about vectors: embed what has none yet, by the embedder that the settings name or that the vault was opened with.

Nothing depends on it: without an embedder, before everything is embedded, and while an endpoint is down, memories are found by their words.
"""

from __future__ import annotations

from pathlib import Path

from memsync.device.config import Settings, settings
from memsync.errors import MemSyncError
from memsync.recall.embedder import Embedder, open_embedder
from memsync.vault.base import OpenVault
from memsync.vault.places import read_token


class MeaningVerbs(OpenVault):
    """What is done about vectors."""

    _embedder_wanted: tuple[str, bool, str | None] | None = None
    _embedder_trouble: MemSyncError | None = None

    def embed(self, limit: int | None = None) -> int:
        """Embed memories that have no vector yet, ``limit`` at most, the oldest first; returns how many. It can be broken off anywhere.

        0: none is left, but those tagged ``secret`` where the embedder is an endpoint, which never gets them. ``InputError`` when no
        embedder is chosen, or it can't be used; ``StorageError`` when it gives nothing.
        """
        self._choose_embedder()
        if self._embedder_trouble is not None:
            raise self._embedder_trouble
        self._replica.refresh_index()
        return self._replica.index.meanings.embed(limit)

    def _choose_embedder(self) -> None:
        """Use what the settings name now; nothing where they can't be followed, which ``embed`` and ``status`` say."""
        meanings = self._replica.index.meanings
        if self._own_embedder is not None:
            meanings.embedder = self._own_embedder
            return
        try:
            found = settings(self.name, self.paths.folder.parents[1])
            wanted = (found.embedder, found.allow_remote, found.embedder_token)
            if wanted != self._embedder_wanted:
                self._embedder_trouble, self._embedder_wanted = None, wanted
                meanings.embedder = _opened(found)
        except MemSyncError as error:
            self._embedder_trouble = error
            meanings.embedder = None

    def _embedding_state(self) -> tuple[str | None, int, str | None]:
        """The model, how many memories have a vector by it, and why there is no embedder though one is named."""
        self._choose_embedder()
        meanings = self._replica.index.meanings
        model = None if meanings.embedder is None else meanings.embedder.model
        trouble = None if self._embedder_trouble is None else str(self._embedder_trouble)
        return model, meanings.counts().get(model or "", 0), trouble


def _opened(found: Settings) -> Embedder | None:
    token = None if found.embedder_token is None else read_token(Path(found.embedder_token))
    return open_embedder(found.embedder, allow_remote=found.allow_remote, token=token)
