"""An embedder behind a URL: any server of OpenAI's ``POST /v1/embeddings`` (Ollama, llama.cpp, OpenAI itself).

In go texts, out come vectors; what the server answers is checked number by number. ``http`` is for this machine only, ``https`` for
another one, and that only if its owner has said yes. No redirect is followed and no proxy asked (``store.fetching``).
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self

from memsync.errors import InputError, StorageError
from memsync.store.address import Resolve, is_here, look_up, read_typed
from memsync.store.fetching import Fetcher, refusal

if TYPE_CHECKING:
    import ssl

    import numpy as np
    import numpy.typing as npt

    from memsync.store.address import Address, Target

_LIMIT: Final = 64 << 20
_REFUSED: Final = frozenset({400, 413, 422})


class Endpoint:
    """One model of one server. An ``Embedder``."""

    def __init__(
        self,
        target: Target,
        name: str,
        *,
        token: str | None = None,
        resolve: Resolve = look_up,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.remote = not is_here(target.host)
        self.where = target.authority
        self.model = f"{target.authority}#{name}"
        self._name = name
        self._shown = target.shown
        self._path = target.path.rstrip("/") + "/embeddings"

        def here(host: str, port: int) -> list[Address]:
            # A name of this machine that leads elsewhere leads nowhere.
            return [one for one in resolve(host, port) if self.remote or one.is_loopback]

        self._fetcher = Fetcher(target, token=token, resolve=here, tls=tls, connections=2)

    @classmethod
    def read(cls, setting: str, *, allow_remote: bool, token: str | None = None) -> Self:
        """``URL#MODEL``. ``InputError`` for what is none, and for another machine without a yes."""
        url, _, name = setting.partition("#")
        target = read_typed(url)
        if not name or target.query:
            raise InputError("recall.embedder has no model; write it as http://127.0.0.1:11434/v1#MODEL")
        found = cls(target, name, token=token)
        if found.remote and not allow_remote:
            raise InputError(
                f"{target.host} is another machine and would get the text of every memory; if you want that, "
                "say `memsync config set recall.allow_remote yes`"
            )
        return found

    @cached_property
    def dimensions(self) -> int:
        return int(self._ask(["dimensions"]).shape[1])

    def encode(self, texts: list[str]) -> npt.NDArray[np.float32]:
        found = self._ask(texts)
        if found.shape[1] != self.dimensions:
            raise StorageError(f"{self._shown} changed its vectors' size; use one model only")
        return found

    def _ask(self, texts: list[str]) -> npt.NDArray[np.float32]:
        import numpy as np

        asked = json.dumps({"model": self._name, "input": texts, "encoding_format": "float"}).encode()
        answer = self._fetcher.post(self._path, asked, accept="application/json", limit=_LIMIT)
        if answer.status in _REFUSED:
            raise InputError(
                f"{self._shown} refuses these texts (status {answer.status}); check the model's name"
            )
        if answer.status == 404:
            raise StorageError(f"{self._shown} has no such model or path (status 404); check recall.embedder")
        if answer.status != 200:
            raise refusal(self._shown, answer.status)
        try:
            rows = _rows(json.loads(answer.body), len(texts))
            with np.errstate(over="ignore"):
                found = np.array(rows, np.float32)
        except (ValueError, TypeError, LookupError, RecursionError, OverflowError):
            found = np.zeros(0, np.float32)
        if found.ndim != 2 or not 0 < found.shape[1] <= 1 << 14 or not np.isfinite(found).all():
            raise StorageError(f"{self._shown} answers something else than vectors; check recall.embedder")
        return found


def _rows(answer: Any, count: int) -> list[list[float]]:
    rows: list[list[float] | None] = [None] * count
    for one in answer["data"]:
        if one["index"] < 0 or rows[one["index"]] is not None:
            raise ValueError("not one each")
        rows[one["index"]] = [float(number) for number in one["embedding"]]
    if None in rows:
        raise ValueError("not all")
    return [one for one in rows if one is not None]
