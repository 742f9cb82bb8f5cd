"""Write ``memsync/intake/sample/conversations.json``, the export of our own making that newcomers import.

    .venv/bin/python tools/make_sample_export.py [--check]

One woman's year in ChatGPT: she researches tides, leads a project and writes a novel. The dialogues are written by hand
(``tools/sample_export/``); this script only gives them the shape of ChatGPT's export, in two years' versions of it (those marked ``old``
lack what came later), with everything that makes real ones hard to read. The same dialogues always give the same bytes; ``--check`` writes
nothing and fails when the committed file is not what they give.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sample_dialogues import Dialogue, Line, read_dialogues

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "tools" / "sample_export"
OUTPUT = ROOT / "memsync" / "intake" / "sample" / "conversations.json"

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
ABOUT = (
    "I'm Vera. I'm an oceanographer in Trieste (tides, sea level), I lead a small project called Harbour Watch, "
    "and at night I write a novel. Partner Daniel, daughter Mila. Croatian, Italian, English."
)
ANSWER = (
    "Plain words, no flattery. Metric units, UTC.",
    "Plain words, no flattery, and short: a paragraph is usually enough. Metric units, UTC.",
)
CHANGED = datetime(2025, 1, 1, tzinfo=UTC).timestamp()
PROFILE = (
    "The user provided the following information about themselves. This user profile is shown to you in all "
    "conversations they have.\nUser profile:\n```{}```"
)
WISHES = "The user provided the additional info about how they would like you to respond:\n```{}```"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; fail when the committed file is not what the dialogues give",
    )
    check = parser.parse_args().check
    made = make_export()
    if not check:
        OUTPUT.write_text(made, encoding="utf-8")
    elif not OUTPUT.exists() or OUTPUT.read_text(encoding="utf-8") != made:
        print(
            f"{OUTPUT.relative_to(ROOT)} is not what tools/sample_export gives: run tools/make_sample_export.py",
            file=sys.stderr,
        )
        return 1
    return 0


def make_export() -> str:
    """The text of conversations.json: newest first as in ChatGPT's, but one conversation a line, so that changes can be read."""
    made = [write_conversation(dialogue) for dialogue in read_dialogues(SCRIPTS)]
    made.sort(key=lambda conversation: -conversation["update_time"])
    lines = [json.dumps(conversation, ensure_ascii=False, separators=(", ", ": ")) for conversation in made]
    return "[" + ",\n".join(lines) + "]\n"


def write_conversation(dialogue: Dialogue) -> dict[str, Any]:
    """One conversation in the export's shape; a dialogue's last message is its current one."""
    old = "old" in dialogue.flags
    seed = f"{dialogue.title} {dialogue.begun}"
    chance = random.Random(seed)  # noqa: S311  (made-up typing speed)
    ids = (
        str(uuid.UUID(bytes=hashlib.sha256(f"{seed} {number}".encode()).digest()[:16], version=4))
        for number in range(10_000)
    )
    conversation_id = next(ids)
    root = next(ids) if old else "client-created-root"
    mapping: dict[str, Any] = {root: {"id": root, "message": None, "parent": None, "children": []}}
    labels: dict[str, str] = {}
    clock = dialogue.begun

    def add(parent: str, message: dict[str, Any]) -> str:
        mapping[message["id"]] = {"id": message["id"], "message": message, "parent": parent, "children": []}
        if parent in mapping:
            mapping[parent]["children"].append(message["id"])
        return message["id"]

    last = add(root, write_opening(next(ids), dialogue, old=old))
    if not old and "empty" not in dialogue.flags:
        last = add(last, write_instructions(next(ids), clock))
    for line in dialogue.lines:
        clock += wait_before(line, chance)
        parent = labels[line.marks["after"]] if "after" in line.marks else last
        if "lost" in line.marks:
            parent = next(ids)
        last = add(parent, write_message(next(ids), line, round(clock, 6), dialogue, parent, old=old))
        if "id" in line.marks:
            labels[line.marks["id"]] = last
    conversation = {
        "title": dialogue.title,
        "create_time": dialogue.begun,
        "update_time": round(clock, 6),
        "mapping": mapping,
        "moderation_results": [],
        "current_node": last,
    }
    if old:
        return conversation | {"plugin_ids": None, "id": conversation_id}
    project = dialogue.flags.get("project")
    return conversation | {
        "plugin_ids": None,
        "conversation_id": conversation_id,
        "conversation_template_id": project,
        "gizmo_id": project,
        "gizmo_type": "snorlax" if project else None,
        "is_archived": False,
        "is_starred": None,
        "safe_urls": [],
        "blocked_urls": [],
        "default_model_slug": dialogue.model,
        "conversation_origin": None,
        "voice": None,
        "async_status": None,
        "disabled_tool_ids": [],
        "is_do_not_remember": None,
        "memory_scope": "global_enabled",
        "id": conversation_id,
    }


def wait_before(line: Line, chance: random.Random) -> float:
    """Seconds: what the dialogue says, or as long as typing or answering so much takes."""
    asked = line.marks.get("wait")
    if asked:
        return int(asked[:-1]) * UNITS[asked[-1]] + chance.random()
    length = min(len(line.text), 1500)
    return (15 + length * 0.3 if line.role == "user" else 3 + length * 0.02) * chance.uniform(0.7, 1.6)


def write_opening(node: str, dialogue: Dialogue, *, old: bool) -> dict[str, Any]:
    """The system message that every conversation begins with; in old ones it carries the custom instructions."""
    metadata: dict[str, Any] = {}
    if old and dialogue.begun > datetime(2024, 9, 1, tzinfo=UTC).timestamp():
        told = {"about_user_message": ABOUT, "about_model_message": ANSWER[0]}
        metadata = {"is_user_system_message": True, "user_context_message_data": told}
    if old:
        return {
            "id": node,
            "author": {"role": "system", "metadata": {}},
            "create_time": dialogue.begun,
            "content": text_content(""),
            "metadata": metadata,
        }
    metadata = {"is_visually_hidden_from_conversation": True}
    return wrap(node, "system", None, None, text_content(""), metadata)


def write_instructions(node: str, clock: float) -> dict[str, Any]:
    answer = ANSWER[clock > CHANGED]
    content = {
        "content_type": "user_editable_context",
        "user_profile": PROFILE.format(ABOUT),
        "user_instructions": WISHES.format(answer),
    }
    return wrap(node, "user", None, None, content, {"is_visually_hidden_from_conversation": True})


def write_message(
    node: str, line: Line, clock: float, dialogue: Dialogue, parent: str, *, old: bool
) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    if line.role == "assistant":
        metadata = {"model_slug": dialogue.model}
        if not old:
            metadata |= {
                "default_model_slug": "auto",
                "parent_id": parent,
                "message_type": "next",
                "citations": [],
                "content_references": [],
            }
    content = write_content(line, node, metadata)
    if "hidden" in line.marks:
        metadata["is_visually_hidden_from_conversation"] = True
    time = None if "notime" in line.marks else clock
    if old:
        return {
            "id": node,
            "author": {"role": line.role, "metadata": {}},
            "create_time": time,
            "content": content,
            "metadata": metadata,
        }
    metadata |= {"request_id": str(uuid.uuid5(uuid.NAMESPACE_OID, node)), "timestamp_": "absolute"}
    return wrap(node, line.role, line.name, time, content, metadata) | {
        "recipient": line.marks.get("to", "all")
    }


def write_content(line: Line, node: str, metadata: dict[str, Any]) -> dict[str, Any]:
    marks = line.marks
    if "thoughts" in marks:
        return {
            "content_type": "thoughts",
            "thoughts": [{"summary": "Working it out", "content": line.text}],
            "source_analysis_msg_id": node,
        }
    if "recap" in marks:
        return {"content_type": "reasoning_recap", "content": line.text}
    if "code" in marks:
        return {
            "content_type": "code",
            "language": marks["code"],
            "response_format_name": None,
            "text": line.text,
        }
    if line.role == "assistant" and "to" in marks:
        return {"content_type": "code", "language": "json", "response_format_name": None, "text": line.text}
    if "voice" in marks:
        metadata["voice_mode_message"] = True
        return {"content_type": "multimodal_text", "parts": voice_parts(line, node)}
    if "image" in marks:
        file = file_id(node)
        metadata["attachments"] = [
            {
                "id": file,
                "name": marks["image"],
                "mimeType": "image/jpeg",
                "size": 812_344,
                "width": 1536,
                "height": 2048,
            }
        ]
        return {"content_type": "multimodal_text", "parts": [image_part(file, None), line.text]}
    if "dalle" in marks:
        return {"content_type": "multimodal_text", "parts": [image_part(file_id(node), marks["dalle"])]}
    if "file" in marks:
        metadata["attachments"] = [
            {
                "id": file_id(node),
                "name": marks["file"],
                "mimeType": "application/octet-stream",
                "size": 214_566,
            }
        ]
    if "parts" in marks:
        parts = [part.strip("\n") for part in line.text.split("%%")]
        return {
            "content_type": "multimodal_text",
            "parts": [None if part == "null" else part for part in parts],
        }
    return text_content(line.text)


def voice_parts(line: Line, node: str) -> list[dict[str, Any]]:
    heard = {
        "content_type": "audio_transcription",
        "text": line.text,
        "direction": "in" if line.role == "user" else "out",
        "decoding_id": None,
    }
    sound = {
        "content_type": "audio_asset_pointer",
        "asset_pointer": f"sediment://{file_id(node)}",
        "size_bytes": 418_638,
        "format": "wav",
        "metadata": {"start": 0.0, "end": 8.72},
    }
    if line.role == "assistant":
        return [heard, sound]
    return [
        heard,
        {
            "content_type": "real_time_user_audio_video_asset_pointer",
            "frames_asset_pointers": [],
            "audio_asset_pointer": sound,
        },
    ]


def image_part(file: str, prompt: str | None) -> dict[str, Any]:
    made = {"prompt": prompt, "seed": 1936, "gen_id": "lighthouse"} if prompt else None
    return {
        "content_type": "image_asset_pointer",
        "asset_pointer": f"sediment://{file}",
        "size_bytes": 812_344,
        "width": 1536,
        "height": 2048,
        "fovea": None,
        "metadata": {"dalle": made, "sanitized": True},
    }


def file_id(node: str) -> str:
    return "file_" + hashlib.sha256(node.encode()).hexdigest()[:32]


def text_content(text: str) -> dict[str, Any]:
    return {"content_type": "text", "parts": [text]}


def wrap(
    node: str,
    role: str,
    name: str | None,
    time: float | None,
    content: dict[str, Any],
    metadata: dict[str, Any],
) -> dict[str, Any]:
    """A message as ChatGPT writes it since 2024."""
    return {
        "id": node,
        "author": {"role": role, "name": name, "metadata": {}},
        "create_time": time,
        "update_time": None,
        "content": content,
        "status": "finished_successfully",
        "end_turn": True if role == "assistant" else None,
        "weight": 1.0,
        "metadata": metadata,
        "recipient": "all",
        "channel": None,
    }


if __name__ == "__main__":
    sys.exit(main())
