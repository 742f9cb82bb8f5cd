"""Embedders that run in this process: sentence-transformers and fastembed, where they are installed; neither is a dependency.

In go texts, out come vectors. A model is loaded at the first text. By a hub's name the libraries fetch it once, from the hub; by a folder
(sentence-transformers) nothing is fetched.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

from memsync.errors import InputError, StorageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


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

    @cached_property
    def dimensions(self) -> int:
        return int(self.encode(["dimensions"]).shape[1])

    def encode(self, texts: list[str]) -> npt.NDArray[np.float32]:
        import numpy as np

        loaded = self._loaded
        try:
            return np.asarray(self._encode(loaded, texts), np.float32)
        except Exception as error:
            raise StorageError(
                f"{self.library} can't embed by {self._name!r} ({type(error).__name__}); try another model"
            ) from error

    @cached_property
    def _loaded(self) -> Any:
        try:
            return self._load(import_module(self.library.replace("-", "_")), self._name)
        except Exception as error:
            raise StorageError(
                f"{self.library} can't load {self._name!r} ({type(error).__name__}); check the name, and that the model is on this machine"
            ) from error

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
        return library.SentenceTransformer(name)

    @staticmethod
    def _encode(loaded: Any, texts: list[str]) -> Any:
        return loaded.encode(texts, show_progress_bar=False, convert_to_numpy=True)


class FastEmbed(_Local):
    """A model of fastembed, by its name. An ``Embedder``."""

    library = "fastembed"

    @staticmethod
    def _load(library: Any, name: str) -> Any:
        return library.TextEmbedding(model_name=name)

    @staticmethod
    def _encode(loaded: Any, texts: list[str]) -> Any:
        return list(loaded.embed(texts))
