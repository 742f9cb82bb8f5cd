"""Small exports, made where a test needs them: messages, conversations, and the zip around them."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

from memsync.intake import ChatGPTExport, ImportOptions, Incoming

BEGUN = 1_725_000_000.0


def message(name: str, role: str = "user", text: str = "", /, **more: Any) -> dict[str, Any]:
    """A message as ChatGPT writes it; ``more`` replaces or adds fields, ``metadata`` included."""
    return {
        "id": name,
        "author": {"role": role, "name": None, "metadata": {}},
        "create_time": BEGUN + len(name),
        "content": {"content_type": "text", "parts": [text]},
        "metadata": {},
        "recipient": "all",
    } | more


def node(name: str, parent: str | None, said: object = None) -> dict[str, Any]:
    return {"id": name, "parent": parent, "children": [], "message": said}


def conversation(*nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A conversation of ``nodes``; its current node is the last, unless ``more`` says otherwise."""
    made = {
        "title": "A talk",
        "create_time": BEGUN,
        "update_time": BEGUN + 99,
        "mapping": {entry["id"]: entry for entry in nodes},
        "current_node": nodes[-1]["id"] if nodes else None,
        "conversation_id": "talk",
        "id": "talk",
    }
    return made | more


def talk(*texts: str, **more: Any) -> dict[str, Any]:
    """A straight conversation: the person begins, the assistant answers, and so on."""
    nodes = [node("root", None)]
    for number, text in enumerate(texts):
        name = f"m{number}"
        said = message(name, "assistant" if number % 2 else "user", text, create_time=BEGUN + number)
        nodes.append(node(name, nodes[-1]["id"], said))
    return conversation(*nodes, **more)


def write_zip(path: Path, *conversations: Any, name: str = "conversations.json") -> Path:
    return write_raw_zip(path, {name: json.dumps(list(conversations)).encode()})


def write_raw_zip(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def read(path: Path, **options: Any) -> list[Incoming]:
    return list(ChatGPTExport(path, ImportOptions(**options)))


def read_one(tmp_path: Path, *nodes: dict[str, Any], **more: Any) -> list[Incoming]:
    """What is read from an export of one conversation of ``nodes``."""
    return read(write_zip(tmp_path / "export.zip", conversation(*nodes, **more)))
