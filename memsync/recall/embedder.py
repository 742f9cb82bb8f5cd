"""The port to an embedder, which turns texts into vectors, and how a setting becomes one.

In goes what the settings say, out comes an embedder, or None. Which models run in this process, and which endpoints are asked, is its
adapters' affair; nothing is loaded or asked here before the first text. An endpoint that is not on this machine is refused unless the
person has said yes to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from memsync.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

NONE: Final = "none"
LONGEST: Final = 1000
"""Characters of a text that are embedded: small models read 128 to 512 word pieces."""


@runtime_checkable
class Embedder(Protocol):
    """Texts to vectors. ``model`` names what makes them: vectors of two names are never compared.

    ``where``: the host and port that texts are sent to; None when they stay in this process. ``remote``: it is another machine.
    """

    @property
    def model(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    @property
    def where(self) -> str | None: ...

    @property
    def remote(self) -> bool: ...

    def encode(self, texts: list[str]) -> npt.NDArray[np.float32]:
        """One row of ``dimensions`` numbers for each text; ``StorageError`` for none, ``InputError`` for a text that it can't take."""
        ...


def open_embedder(setting: str, *, allow_remote: bool = False, token: str | None = None) -> Embedder | None:
    """What ``recall.embedder`` says: ``none``, ``sentence-transformers:NAME``, ``fastembed:NAME``, or ``URL#MODEL``.

    ``InputError`` for another text, a library that isn't installed, http to another machine, or another machine without ``allow_remote``.
    """
    if setting == NONE:
        return None
    kind, _, name = setting.partition(":")
    if kind in ("http", "https"):
        from memsync.recall.endpoint import Endpoint

        return Endpoint.read(setting, allow_remote=allow_remote, token=token)
    if kind in ("sentence-transformers", "fastembed") and name:
        from memsync.recall.local_models import FastEmbed, SentenceTransformers

        return FastEmbed(name) if kind == "fastembed" else SentenceTransformers(name)
    raise InputError(
        f"recall.embedder can't be {setting!r}; say none, sentence-transformers:NAME, fastembed:NAME or http://127.0.0.1:11434/v1#MODEL"
    )
