"""Models behind a URL: any server of OpenAI's kind (Ollama, llama.cpp, OpenAI itself), and ``POST /v1/embeddings`` of one.

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

_WIDEST: Final = 1 << 14
"""Dimensions of a vector."""
_NUMBER: Final = 48
"""Bytes that a number takes in JSON, at most: so many are read, since what a parser makes of them is many times as large."""
_SPARE: Final = 1 << 17
_REFUSED: Final = frozenset({400, 413, 422})


class Server:
    """One model of one server of OpenAI's kind. ``where``: its authority, for the ledger; ``model``: that with the model's name."""

    setting = ""
    """The setting that names it."""
    gets = ""
    """What it is sent, for who is asked whether that may go to another machine."""

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
        self._base = target.path.rstrip("/")

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
            raise InputError(f"{cls.setting} has no model; write it as http://127.0.0.1:11434/v1#MODEL")
        found = cls(target, name, token=token)
        if found.remote and not allow_remote:
            allow = f"{cls.setting.partition('.')[0]}.allow_remote"
            raise InputError(
                f"{target.host} is another machine and would get {cls.gets}; if you want that, say `memsync config set {allow} yes`"
            )
        return found

    def _post(self, path: str, body: dict[str, object], *, limit: int) -> object:
        """The answer's JSON; None where it is none. ``InputError`` where the server refuses, ``StorageError`` where it fails."""
        sent = json.dumps({"model": self._name, **body}).encode()
        answer = self._fetcher.post(self._base + path, sent, accept="application/json", limit=limit)
        if answer.status in _REFUSED:
            raise InputError(
                f"{self._shown} refuses these texts (status {answer.status}); check the model's name"
            )
        if answer.status == 404:
            raise StorageError(f"{self._shown} has no such model or path (status 404); check {self.setting}")
        if answer.status != 200:
            raise refusal(self._shown, answer.status)
        try:
            found: object = json.loads(answer.body)
        except (ValueError, RecursionError):
            return None
        return found


class Endpoint(Server):
    """A server's embeddings. An ``Embedder``."""

    setting = "recall.embedder"
    gets = "the text of every memory"

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

        width = self.__dict__.get("dimensions", _WIDEST)
        limit = len(texts) * width * _NUMBER + _SPARE
        told = self._post("/embeddings", {"input": texts, "encoding_format": "float"}, limit=limit)
        try:
            rows = _rows(told, len(texts))
            with np.errstate(over="ignore"):
                found = np.array(rows, np.float32)
        except (ValueError, TypeError, LookupError, RecursionError, OverflowError):
            found = np.zeros(0, np.float32)
        if found.ndim != 2 or not 0 < found.shape[1] <= _WIDEST or not np.isfinite(found).all():
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
