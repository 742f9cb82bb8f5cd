"""Embedders that run in this process: sentence-transformers and fastembed, where they are installed; neither is a dependency.

In go texts, out come vectors. A model is loaded at the first text, from this machine; the hub is asked only for one that isn't here, and
after it failed to give it, not again for ten minutes. By a folder (sentence-transformers) nothing is ever fetched.
"""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, Final

from memsync.errors import InputError, StorageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


_AGAIN: Final = 600.0
"""Seconds after a model could not be had in which it isn't tried again: the libraries try for 40 to 190 seconds before they say so."""
_PATIENCE: Final = 30.0
"""Seconds that one waits for a model that another is loading, or fetching."""


class _Local(ABC):
    library: ClassVar[str]
    where = None
    remote = False

    def __init__(self, name: str) -> None:
        if find_spec(self.library.replace("-", "_")) is None:
            raise InputError(
                f"recall.embedder wants {self.library}, which is not installed; say `pip install {self.library}`"
            )
        self.model = f"{self.library}:{name}"
        self._name = name
        self._turn, self._not_before = Lock(), 0.0
        self._model: Any = None
        self._why: Exception | None = None

    @cached_property
    def dimensions(self) -> int:
        return int(self.encode(["dimensions"]).shape[1])

    def encode(self, texts: list[str]) -> npt.NDArray[np.float32]:
        import numpy as np

        loaded = self._loaded()
        try:
            rows = np.asarray(self._encode(loaded, texts), np.float32)
        except Exception as error:
            raise StorageError(
                f"{self.library} can't embed by {self._name!r} ({type(error).__name__}); try another model"
            ) from error
        if rows.ndim != 2 or len(rows) != len(texts) or not np.isfinite(rows).all():
            raise StorageError(
                f"{self.library} gives no vector for each text by {self._name!r}; try another model"
            )
        return rows

    def _loaded(self) -> Any:
        if not self._turn.acquire(timeout=_PATIENCE):
            raise StorageError(f"{self.library} is still loading {self._name!r}; ask again in a while")
        try:
            if self._model is None and time.monotonic() >= self._not_before:
                self._try()
            if self._model is None:
                kind = type(self._why).__name__
                raise StorageError(
                    f"{self.library} can't load {self._name!r} ({kind}); check the name, and that the model is on this machine"
                ) from self._why
            return self._model
        finally:
            self._turn.release()

    def _try(self) -> None:
        # Or the hub's client asks it, once a day, which programs are agents, to say so in its name.
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        try:
            self._model = self._load(import_module(self.library.replace("-", "_")), self._name)
        except Exception as error:  # noqa: BLE001 - whatever kind the library's own are
            self._not_before, self._why = time.monotonic() + _AGAIN, error

    @staticmethod
    @abstractmethod
    def _load(library: Any, name: str) -> Any: ...

    @staticmethod
    @abstractmethod
    def _encode(loaded: Any, texts: list[str]) -> Any: ...


class SentenceTransformers(_Local):
    """A model of sentence-transformers, by its name or its folder. An ``Embedder``."""

    library = "sentence-transformers"

    @staticmethod
    def _load(library: Any, name: str) -> Any:
        if (folder := Path(name).expanduser()).is_dir():
            return library.SentenceTransformer(str(folder), local_files_only=True)
        try:  # left to itself it asks the hub about ten files of what is here already, at every load
            return library.SentenceTransformer(name, local_files_only=True)
        except OSError:
            return library.SentenceTransformer(name)

    @staticmethod
    def _encode(loaded: Any, texts: list[str]) -> Any:
        return loaded.encode(texts, show_progress_bar=False, convert_to_numpy=True)


class FastEmbed(_Local):
    """A model of fastembed, by its name. An ``Embedder``."""

    library = "fastembed"

    @staticmethod
    def _load(library: Any, name: str) -> Any:
        return library.TextEmbedding(model_name=name, cache_dir=str(_cache()))

    @staticmethod
    def _encode(loaded: Any, texts: list[str]) -> Any:
        return list(loaded.embed(texts))


def _cache() -> Path:
    """Where fastembed keeps models: its own default is the folder for temporary files, which others may write to and a restart empties."""
    named = os.environ.get("FASTEMBED_CACHE_PATH")
    return Path(named or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / (
        "" if named else "fastembed"
    )
