"""mem0's library behind lines of JSON, for ``recall_peers.py``; runs in a Python that has mem0, not in this project's.

Make one, and name its interpreter in ``MEM0_PYTHON``; with spaCy and fastembed its search looks at words, too, as it does by default::

    python3 -m venv DIR && DIR/bin/pip install 'mem0ai[nlp]' fastembed && DIR/bin/python -m spacy download en_core_web_sm

In go one line ``{"endpoint", "model", "dimensions", "folder", "turns": [[id, text, role]]}`` and then a line ``{"question", "k"}`` for each
question; out comes one for each: first ``{"words": bool, "version"}``, whether words count beside vectors, then ``{"ids"}``. Turns are
stored as they are (``infer=False``): no language model is asked. Vectors come from an OpenAI-compatible endpoint here, and Qdrant
keeps them in a folder.
"""

import json
import logging
import os
import sys
from importlib.metadata import version


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    asked = json.loads(sys.stdin.readline())
    os.environ |= {"MEM0_TELEMETRY": "False", "MEM0_DIR": asked["folder"]}
    from mem0 import Memory
    from mem0.utils.spacy_models import get_nlp_lemma

    logging.disable(logging.ERROR)
    store = {"path": f"{asked['folder']}/vectors", "embedding_model_dims": asked["dimensions"]}
    embedder = {
        "model": asked["model"],
        "openai_base_url": asked["endpoint"],
        "api_key": "none",
        "embedding_dims": asked["dimensions"],
    }
    memory = Memory.from_config(
        {
            "vector_store": {"provider": "qdrant", "config": store},
            "embedder": {"provider": "openai", "config": embedder},
            "llm": {"provider": "openai", "config": {"api_key": "none"}},
            "history_db_path": f"{asked['folder']}/history.db",
        }
    )
    for turn, text, role in asked["turns"]:
        message = {"role": "assistant" if role == "assistant" else "user", "content": text}
        memory.add([message], user_id="benchmark", metadata={"turn": turn}, infer=False)
    by_words = memory.vector_store.keyword_search("word", top_k=1, filters={"user_id": "benchmark"})
    words = get_nlp_lemma() is not None and by_words is not None

    def answer(found: dict) -> None:
        answers.write(json.dumps(found) + "\n")
        answers.flush()

    answer({"words": words, "version": version("mem0ai")})
    for line in sys.stdin:
        asked = json.loads(line)
        found = memory.search(asked["question"], top_k=asked["k"], filters={"user_id": "benchmark"})
        answer({"ids": [one["metadata"]["turn"] for one in found["results"]]})


if __name__ == "__main__":
    main()
