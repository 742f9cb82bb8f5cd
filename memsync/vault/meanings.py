"""A vault's verbs about models that the settings name: embed what has no vector yet, and put a profile into sentences.

Nothing depends on them: without an embedder, before everything is embedded, and while an endpoint is down, memories are found by their
words, and a profile's lines stand for themselves.
"""

from __future__ import annotations

from pathlib import Path

from memsync.device.config import Settings, settings
from memsync.device.disclosures import Disclosure, Disclosures
from memsync.errors import InputError, MemSyncError
from memsync.recall.embedder import Embedder, open_embedder
from memsync.recall.profile import Profile
from memsync.recall.rewriting import Writer
from memsync.vault.base import OpenVault
from memsync.vault.places import read_token


class MeaningVerbs(OpenVault):
    """What is done by models."""

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

    def rewrite_profile(self, profile: Profile) -> str:
        """The profile in sentences, by the model that ``profile.endpoint`` names; written into the ledger first if that is on another
        machine. ``InputError`` when none is chosen or it can't be used; ``StorageError`` when it gives nothing."""
        found = settings(self.name, self.paths.folder.parents[1])
        if found.writer is None:
            raise InputError(
                "no model is chosen; `memsync config set profile.endpoint URL#MODEL` chooses one"
            )
        token = None if found.writer_token is None else read_token(Path(found.writer_token))
        writer = Writer.read(found.writer, allow_remote=found.writer_remote, token=token)
        if writer.remote and profile.lines:
            self._note_sent(writer.where, [one.memory for one in profile.lines])
        return writer.rewrite(profile)

    def _note_sent(self, where: str, memories: list[bytes]) -> None:
        at = self._replica
        by_scope: dict[bytes, list[bytes]] = {}
        for memory in memories:
            for one in at.memories.starting_with(memory, self._scopes(None))[:1]:
                by_scope.setdefault(one.scope, []).append(memory)
        with at.database.transaction():
            for scope, some in by_scope.items():
                entry = Disclosure(at.now_ms(), where, "profile", "profile", scope, None, tuple(some))
                Disclosures(at.database).append(entry)

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
