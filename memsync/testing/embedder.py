"""An embedder without a model, for tests: words and their pieces, hashed. The same text has the same vector everywhere, for ever."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class HashingEmbedder:
    """Random projection (Charikar 2002) of a text's words and their three-letter pieces: what is spelt alike lies near.

    ``dimensions``: a multiple of 8, at most 512.
    """

    where = None
    remote = False

    def __init__(self, dimensions: int = 256) -> None:
        self.dimensions = dimensions
        self.model = f"hashing-{dimensions}"

    def encode(self, texts: list[str]) -> npt.NDArray[np.float32]:
        import numpy as np

        found = np.zeros((len(texts), self.dimensions), np.float32)
        for at, text in enumerate(texts):
            for word in text.lower().split():
                ringed = f"<{word}>"
                for piece in {ringed, *(ringed[start : start + 3] for start in range(len(ringed) - 2))}:
                    digest = blake2b(
                        piece.encode("utf-8", "replace"), digest_size=self.dimensions // 8
                    ).digest()
                    found[at] += np.unpackbits(np.frombuffer(digest, np.uint8)).astype(np.float32) * 2 - 1
        return found
