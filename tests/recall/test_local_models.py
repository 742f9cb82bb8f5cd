"""Models in this process: the rules that hold for both libraries, and each library for real, where it and a model are installed.

For real: ``tools/minilm.py`` for the weights; for sentence-transformers ``uv pip install sentence-transformers``, for fastembed ``uv pip
install fastembed torch transformers onnx``, the last three to put the weights into the form that it reads.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from memsync.errors import StorageError
from memsync.recall import local_models
from memsync.recall.embedder import Embedder
from tests.recall.test_real_model import TOOL, WEIGHTS

FOLDER = WEIGHTS.parent
TEXTS = ["The tide turns at noon.", "", "Äpfel, 北京, 🙂", "Our daughter has begun to learn the cello. " * 8]
HUB_NAME = "sentence-transformers/all-MiniLM-L6-v2"
REVISION = "0" * 40


def needs(*modules: str) -> pytest.MarkDecorator:
    missing = [one for one in modules if find_spec(one) is None]
    if not WEIGHTS.exists():
        missing.append("the model of tools/minilm.py")
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} not installed; see the docstring")


class Slow(local_models._Local):
    """Keeps the rules with a library that is always there; ``given`` is what its model answers."""

    library = "json"

    def __init__(self, given: object) -> None:
        super().__init__("a-model")
        self.loads, self.given = 0, given
        self.begun, self.finish = threading.Event(), threading.Event()
        self.finish.set()

    def _load(self, library, name):
        self.loads += 1
        self.begun.set()
        self.finish.wait()
        if self.given is None:
            raise OSError("no hub")
        return self.given

    def _encode(self, loaded, texts):
        return loaded


def test_a_model_that_could_not_be_had_is_not_asked_for_again_at_each_question(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(local_models.time, "monotonic", lambda: now[0])
    embedder = Slow(None)
    for _ in range(3):
        with pytest.raises(StorageError, match=r"can't load 'a-model' \(OSError\); check the name"):
            embedder.encode(["one"])
    assert embedder.loads == 1
    now[0], embedder.given = 601.0, [[1.0, 2.0]]
    assert embedder.encode(["one"]).tolist() == [[1.0, 2.0]]


def test_threads_that_ask_at_once_load_a_model_once():
    embedder = Slow([[1.0, 2.0]])
    embedder.finish.clear()
    threads = [threading.Thread(target=embedder.encode, args=(["one"],)) for _ in range(4)]
    for one in threads:
        one.start()
    embedder.begun.wait()
    embedder.finish.set()
    for one in threads:
        one.join()
    assert embedder.loads == 1


def test_a_question_waits_only_so_long_for_a_model_that_another_is_fetching(monkeypatch):
    monkeypatch.setattr(local_models, "_PATIENCE", 0.01)
    embedder = Slow([[1.0, 2.0]])
    embedder.finish.clear()
    fetching = threading.Thread(target=embedder.encode, args=(["one"],))
    fetching.start()
    embedder.begun.wait()
    with pytest.raises(StorageError, match="is still loading 'a-model'; ask again in a while"):
        embedder.encode(["one"])
    embedder.finish.set()
    fetching.join()
    assert embedder.encode(["one"]).tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize("given", [[[1.0, float("nan")]], [[1.0]] * 2, [1.0], []])
def test_what_is_not_a_vector_for_each_text_is_refused(given):
    with pytest.raises(StorageError, match="gives no vector for each text by 'a-model'; try another model"):
        Slow(given).encode(["one"])


def test_fastembeds_models_lie_in_a_folder_of_the_persons_own(monkeypatch, tmp_path: Path):
    """Not in the folder for temporary files, where another user may have put a model under the same name."""
    monkeypatch.delenv("FASTEMBED_CACHE_PATH", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert local_models._cache() == tmp_path / "fastembed"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert local_models._cache() == Path.home() / ".cache" / "fastembed"
    monkeypatch.setenv("FASTEMBED_CACHE_PATH", "/elsewhere")
    assert local_models._cache() == Path("/elsewhere")


ASKING = """
import json, socket, sys
asked, find = [], socket.getaddrinfo
socket.getaddrinfo = lambda host, *more, **named: asked.append(host) or find(host, *more, **named)
from memsync.recall.embedder import open_embedder
embedder = open_embedder(sys.argv[1])
rows = embedder.encode(json.loads(sys.argv[2]))
print(json.dumps({"asked": asked, "rows": rows.tolist(), "dimensions": embedder.dimensions}))
"""


def embedded(setting: str, **variables: str) -> np.ndarray:
    """The vectors of ``TEXTS``, by a process of its own that must not look for any machine."""
    run = subprocess.run(
        [sys.executable, "-c", ASKING, setting, json.dumps(TEXTS)],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["asked"] == []
    assert found["dimensions"] == 384
    return np.array(found["rows"])


def cached(hub: Path, repository: str) -> Path:
    """A snapshot's folder, laid as the hub's client lays it."""
    folder = hub / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(REVISION)
    (folder / "snapshots").mkdir()
    return folder / "snapshots" / REVISION


def assert_like_numpy(rows: np.ndarray) -> None:
    sys.path.insert(0, str(TOOL.parent))
    try:
        from minilm import MiniLM
    finally:
        sys.path.pop(0)
    assert np.allclose(rows, MiniLM(FOLDER).encode(TEXTS), atol=1e-4)


@needs("sentence_transformers")
def test_sentence_transformers_embeds_from_a_folder_as_the_same_weights_in_numpy_do():
    assert_like_numpy(embedded(f"sentence-transformers:{FOLDER}"))


@needs("sentence_transformers")
def test_sentence_transformers_asks_the_hub_nothing_about_a_model_that_is_here(tmp_path: Path):
    cached(tmp_path / "hub", HUB_NAME).symlink_to(FOLDER)
    assert_like_numpy(embedded(f"sentence-transformers:{HUB_NAME}", HF_HOME=str(tmp_path)))


@needs("fastembed", "torch", "transformers", "onnx")
def test_fastembed_embeds_from_its_cache_as_the_same_weights_in_numpy_do(tmp_path: Path):
    folder = cached(tmp_path, "Qdrant/all-MiniLM-L6-v2-onnx")
    folder.mkdir()
    for one in ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / one).write_bytes((FOLDER / one).read_bytes())
    export(folder / "model.onnx")
    assert_like_numpy(embedded(f"fastembed:{HUB_NAME}", FASTEMBED_CACHE_PATH=str(tmp_path)))


def export(file: Path) -> None:
    """The weights as an ONNX graph from word pieces to the last layer; fastembed takes the mean."""
    import torch
    from transformers import BertModel

    model = BertModel.from_pretrained(FOLDER, add_pooling_layer=False, attn_implementation="eager").eval()
    names = ["input_ids", "attention_mask", "token_type_ids"]
    some = torch.ones(2, 8, dtype=torch.long)

    class Layers(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids, mask, kinds):
            return self.model(input_ids=ids, attention_mask=mask, token_type_ids=kinds).last_hidden_state

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the newer exporter wants one more package
        torch.onnx.export(
            Layers(),
            (some, some, some * 0),
            str(file),
            input_names=names,
            output_names=["last_hidden_state"],
            dynamic_axes={name: {0: "batch", 1: "pieces"} for name in [*names, "last_hidden_state"]},
            opset_version=17,
            dynamo=False,
        )


def test_both_keep_to_the_port():
    assert isinstance(Slow([[1.0]]), Embedder)
