"""Each embedder keeps to the port, and each setting is followed or refused with what to do."""

from __future__ import annotations

import json
from importlib.util import find_spec
from ipaddress import ip_address

import numpy as np
import pytest

from memsync.errors import InputError, StorageError
from memsync.recall.embedder import Embedder, open_embedder
from memsync.recall.endpoint import Endpoint
from memsync.store.address import read_typed
from memsync.testing import HashingEmbedder
from tests.recall.embedding import Server, serving

TEXTS = ["The tide turns at noon.", "", "Äpfel, 北京, 🙂", "word " * 500]


@pytest.fixture
def server():
    with serving() as found:
        yield found


@pytest.fixture(params=["hashing", "endpoint"])
def embedder(request, server: Server) -> Embedder:
    if request.param == "hashing":
        return HashingEmbedder()
    found = open_embedder(server.setting)
    assert found is not None
    return found


def test_an_embedder_gives_a_row_of_its_size_for_each_text_and_the_same_for_the_same(embedder: Embedder):
    assert isinstance(embedder, Embedder)
    rows = embedder.encode(TEXTS)
    assert rows.dtype == np.float32
    assert rows.shape == (len(TEXTS), embedder.dimensions)
    assert np.array_equal(embedder.encode(TEXTS[::-1]), rows[::-1])
    assert not embedder.remote


def test_texts_that_are_spelt_alike_lie_nearer_than_others():
    rows = HashingEmbedder().encode(["a photograph", "the photgraph", "eleven bicycles"])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert rows[0] @ rows[1] > 0.4 > rows[0] @ rows[2] + 0.2


def test_none_is_no_embedder_and_nonsense_names_what_there_is():
    assert open_embedder("none") is None
    for setting in ("", "word2vec:x", "fastembed:", "fastembed"):
        with pytest.raises(InputError, match="say none, sentence-transformers:NAME, fastembed:NAME or http"):
            open_embedder(setting)


@pytest.mark.parametrize("library", ["sentence-transformers", "fastembed"])
def test_a_library_that_is_not_installed_is_named_with_its_pip_line(library: str):
    if find_spec(library.replace("-", "_")):
        pytest.skip(f"{library} is installed here")
    with pytest.raises(InputError, match=f"say `pip install {library}`"):
        open_embedder(f"{library}:all-MiniLM-L6-v2")


def test_another_machine_needs_a_yes_and_https():
    with pytest.raises(InputError, match=r"would get the text of every memory; .*recall.allow_remote yes"):
        open_embedder("https://api.example.org/v1#small")
    with pytest.raises(InputError, match="http is for this one"):
        open_embedder("http://api.example.org/v1#small", allow_remote=True)
    found = open_embedder("https://api.example.org/v1#small", allow_remote=True)
    assert found is not None
    assert (found.remote, found.where, found.model) == (True, "api.example.org", "api.example.org#small")


def test_a_name_that_means_this_machine_but_leads_to_another_gets_nothing():
    target = read_typed("https://localhost:9/v1")
    found = Endpoint(target, "m", resolve=lambda *_: [ip_address("203.0.113.9")])
    assert not found.remote
    with pytest.raises(StorageError, match="leads nowhere"):
        found.encode(["secret plans"])


def test_a_setting_without_a_model_is_refused():
    for setting in ("http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1#", "http://127.0.0.1:1/v1?a=b#m"):
        with pytest.raises(InputError, match="has no model"):
            open_embedder(setting)


def test_an_endpoint_gets_the_model_the_texts_and_the_token_and_no_more(server: Server):
    found = open_embedder(server.setting, token="t0ken")
    assert found is not None
    found.encode(["one", "two"])
    assert server.requests[0] == {"model": "hash", "input": ["one", "two"], "encoding_format": "float"}
    assert server.headers[0]["Authorization"] == "Bearer t0ken"
    assert server.headers[0]["User-Agent"] == "memsync"


GOOD = [[1.0, 2.0], [3.0, 4.0]]


def answer(*rows: object) -> bytes:
    return json.dumps({"data": [{"index": at, "embedding": row} for at, row in enumerate(rows)]}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"[]",
        b'{"data": 3}',
        b"[" * 100_000,
        answer(GOOD[0]),
        answer(*GOOD, GOOD[0]),
        answer(GOOD[0], [1.0]),
        answer(GOOD[0], [1.0, float("nan")]),
        answer(GOOD[0], [1.0, 1e60]),
        answer(GOOD[0], [1.0, "x"]),
        answer(GOOD[0], None),
        answer([], []),
        json.dumps({"data": [{"index": 0, "embedding": GOOD[0]}] * 2}).encode(),
        json.dumps(
            {"data": [{"index": -1, "embedding": GOOD[0]}, {"index": 0, "embedding": GOOD[0]}]}
        ).encode(),
    ],
)
def test_what_is_no_answer_is_refused_whole(server: Server, body: bytes):
    found = open_embedder(server.setting)
    assert found is not None
    assert found.dimensions == 256
    server.answer = body
    with pytest.raises(StorageError, match="answers something else than vectors; check"):
        found.encode(["one", "two"])


def test_no_more_is_read_than_the_vectors_take(server: Server):
    found = open_embedder(server.setting)
    assert found is not None
    assert found.dimensions == 256
    server.answer = answer(*GOOD, [0] * 100_000)
    with pytest.raises(StorageError, match="more than"):
        found.encode(["one", "two"])


def test_a_model_that_changes_its_size_is_refused(server: Server):
    found = open_embedder(server.setting)
    assert found is not None
    assert found.dimensions == 256
    server.answer = answer(*GOOD)
    with pytest.raises(StorageError, match="changed its vectors' size"):
        found.encode(["one", "two"])


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (400, InputError, "refuses these texts"),
        (401, StorageError, "wants a token"),
        (404, StorageError, "no such model or path"),
        (429, StorageError, "asked too often"),
        (500, StorageError, "status 500"),
    ],
)
def test_a_refusal_says_what_to_do(server: Server, status: int, error: type[Exception], words: str):
    found = open_embedder(server.setting)
    assert found is not None
    server.status = status
    with pytest.raises(error, match=words):
        found.encode(["one"])


def test_nobody_at_the_address_is_a_storage_error():
    found = open_embedder("http://127.0.0.1:1/v1#m")
    assert found is not None
    with pytest.raises(StorageError, match="can't be reached"):
        found.encode(["one"])
