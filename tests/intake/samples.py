"""A small file or folder of each format, as its tool writes it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

CREATED = "2025-03-01T08:00:00.000000Z"


def said(name: str, sender: str, text: str | None, at: str = CREATED, **more: Any) -> dict[str, Any]:
    """A message as Claude exports it."""
    blocks = [] if text is None else [{"type": "text", "text": text, "citations": []}]
    return {
        "uuid": name,
        "text": text or "",
        "content": blocks,
        "sender": sender,
        "created_at": at,
        "updated_at": at,
        "attachments": [],
        "files": [],
    } | more


def claude_talk(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "uuid": "talk-1",
        "name": "Harbour",
        "summary": "",
        "created_at": CREATED,
        "updated_at": CREATED,
        "account": {"uuid": "account-1"},
        "chat_messages": list(messages),
    } | more


CLAUDE_MEMORY = {
    "conversations_memory": "**Work context**\n\nVera writes a novel.\n\n**Personal context**\n\nShe lives by the sea.",
    "project_memories": {"project-1": "The novel is about a lighthouse."},
    "account_uuid": "account-1",
}


def write_claude(path: Path, *talks: dict[str, Any], memories: Any = None) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("users.json", json.dumps([{"uuid": "account-1", "full_name": "Vera"}]))
        archive.writestr("conversations.json", json.dumps(list(talks)))
        if memories is not None:
            archive.writestr("memories.json", json.dumps(memories))
        archive.writestr("projects.json", "[]")
    return path


MEM0 = [
    {
        "id": "892db2ae-06d9-49e5-8b3e-585ef9b85b8e",
        "memory": "Vera prefers tea.",
        "hash": "2b7e",
        "metadata": {"category": "taste"},
        "created_at": "2025-03-01T09:00:00.000000-07:00",
        "updated_at": None,
        "user_id": "vera",
        "categories": ["food", "personal_details"],
    },
    {
        "id": "a1",
        "memory": "Vera works at a harbour.",
        "created_at": "2025-03-02T09:00:00Z",
        "expiration_date": "2026-01-01",
    },
]

MCP = (
    '{"type":"entity","name":"Ruth","entityType":"person","observations":["Wants the draft by June","Ruth edits novels"]}\n'
    '{"type":"entity","name":"Harbour Press","entityType":"organisation","observations":[]}\n'
    '{"type":"relation","from":"Ruth","to":"Harbour Press","relationType":"works_at"}\n'
)

NOTE = """---
title: Coffee Brewing
type: note
tags: [coffee, brewing]
permalink: coffee-brewing
created: 2025-03-01
---

# Coffee Brewing

Pour over is clearer, see [[Grinding|the grind]].

## Observations
- [technique] Water at 205°F extracts best #temperature
- [preference] Ethiopian beans, light roast (own experience)
- [ ] buy filters

## Relations
- requires [[Grinding]]
"""


def write_notes(folder: Path) -> Path:
    (folder / "daily").mkdir(parents=True)
    (folder / ".obsidian").mkdir()
    (folder / ".obsidian" / "app.md").write_text("settings")
    (folder / "coffee.md").write_text(NOTE)
    (folder / "daily" / "2025-03-02.md").write_text("Swam before work. #swim/sea\n")
    (folder / "photo.png").write_bytes(b"\x89PNG")
    return folder


def write_samples(folder: Path) -> dict[str, Path]:
    """One of each format but ChatGPT's, by the word of the command."""
    files = {
        "claude": write_claude(
            folder / "claude.zip",
            claude_talk(said("m1", "human", "When is high tide?"), said("m2", "assistant", "At noon.")),
            memories=[CLAUDE_MEMORY],
        )
    }
    for name, suffix, text in (
        ("mem0", "json", json.dumps({"results": MEM0})),
        ("mcp-memory", "jsonl", MCP),
        ("jsonl", "jsonl", '{"text": "A plain line.", "date": "2025-03-01", "tags": ["a"]}\n'),
        ("csv", "csv", 'text,date,tags\nA plain row.,2025-03-01,"a, b"\n'),
        ("auto", "csv", "content;when\nA row told apart.;2025-03-01\n"),
    ):
        files[name] = folder / f"{name}.{suffix}"
        files[name].write_text(text)
    return files | {"markdown": write_notes(folder / "notes")}
