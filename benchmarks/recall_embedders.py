"""Embedders by the names that the benchmarks take, each text embedded once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from memsync.recall.embedder import Embedder, open_embedder
from memsync.testing import HashingEmbedder


class Once:
    """An embedder that remembers what it has embedded: stores of a benchmark share most of their texts."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder, self._known = embedder, {}
        self.model, self.dimensions, self.where, self.remote = (
            embedder.model,
            embedder.dimensions,
            embedder.where,
            embedder.remote,
        )

    def encode(self, texts: list[str]) -> Any:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known |= dict(zip(new, self._embedder.encode(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def named_embedder(name: str | None) -> Embedder | None:
    """``minilm``, ``hashing``, or a setting; None for None. Installs ``minilm`` where it is not there."""
    if name is None:
        return None
    if name == "hashing":
        return Once(HashingEmbedder())
    if name == "minilm":
        sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
        from minilm import MiniLM, install

        install()
        return Once(MiniLM())
    found = open_embedder(name)
    return None if found is None else Once(found)
