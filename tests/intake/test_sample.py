"""The sample export holds everything that makes real ones hard to read, and is what its dialogues give."""

import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memsync.intake import ChatGPTExport, survey, write_sample_export

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    return write_sample_export(tmp_path_factory.mktemp("sample") / "chatgpt-export.zip")


@pytest.fixture(scope="module")
def conversations(export):
    with zipfile.ZipFile(export) as archive:
        return json.loads(archive.read("conversations.json"))


@pytest.fixture(scope="module")
def memories(export):
    return list(ChatGPTExport(export))


def messages(conversations):
    for conversation in conversations:
        for node in conversation["mapping"].values():
            if node["message"]:
                yield node["message"]


def contents(conversations):
    return [message["content"] for message in messages(conversations)]


def parts(conversations):
    return [part for content in contents(conversations) for part in content.get("parts", [])]


def siblings(conversations, role):
    """How often a node of ``role`` has another of that role beside it."""
    count = 0
    for conversation in conversations:
        mapping = conversation["mapping"]
        for node in mapping.values():
            roles = [
                (mapping[child]["message"] or {}).get("author", {}).get("role") for child in node["children"]
            ]
            count += roles.count(role) > 1
    return count


def test_it_is_about_300_messages_over_a_year(export):
    report = survey(export)
    assert 280 <= report.taken <= 320
    first, last = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (report.first, report.last))
    assert 365 <= (last - first).days <= 400


def test_it_holds_an_edited_branch_and_a_regenerated_answer(conversations):
    assert siblings(conversations, "user") == 1
    assert siblings(conversations, "assistant") == 1


def test_it_holds_a_tool_call_and_its_answer(conversations):
    recipients = {message.get("recipient") for message in messages(conversations)}
    assert {"web.run", "dalle.text2im", "python", "canmore.create_textdoc"} <= recipients
    assert {"web.run", "python"} <= {message["author"].get("name") for message in messages(conversations)}


def test_it_holds_image_code_voice_and_reasoning(conversations, memories):
    kinds = {content["content_type"] for content in contents(conversations)}
    assert {
        "text",
        "multimodal_text",
        "code",
        "thoughts",
        "reasoning_recap",
        "user_editable_context",
    } <= kinds
    objects = {part["content_type"] for part in parts(conversations) if isinstance(part, dict)}
    assert {
        "image_asset_pointer",
        "audio_transcription",
        "real_time_user_audio_video_asset_pointer",
    } <= objects
    assert any(memory.text.startswith("[image: ledger-page-1931.jpg]") for memory in memories)
    assert any("```python\nimport numpy as np" in memory.text for memory in memories)
    assert any("voice" in memory.tags and "Saturdays" in memory.text for memory in memories)


def test_it_holds_parts_that_are_no_text(conversations):
    assert {type(part) for part in parts(conversations)} == {str, dict, type(None)}


def test_it_holds_a_deleted_parent(conversations, export):
    lost = [
        node
        for conversation in conversations
        for node in conversation["mapping"].values()
        if node["parent"] is not None and node["parent"] not in conversation["mapping"]
    ]
    assert len(lost) == 1
    assert survey(export).lost_parents == 1


def test_it_holds_times_that_are_null(conversations):
    undated = [
        m
        for m in messages(conversations)
        if m["create_time"] is None and m["author"]["role"] in {"user", "assistant"}
    ]
    assert [message["content"]["content_type"] for message in undated].count("text") == 2


def test_it_holds_two_years_of_the_schema(conversations):
    old = [conversation for conversation in conversations if "conversation_template_id" not in conversation]
    assert 5 <= len(old) <= len(conversations) / 2
    old_messages, new_messages = (
        list(messages(some)) for some in (old, [c for c in conversations if c not in old])
    )
    assert all({"weight", "end_turn", "recipient", "status"}.isdisjoint(message) for message in old_messages)
    assert all({"weight", "end_turn", "recipient", "status"} <= message.keys() for message in new_messages)
    assert any(message["metadata"].get("user_context_message_data") for message in old_messages)
    hidden = "is_visually_hidden_from_conversation"
    assert any(message["metadata"].get(hidden) for message in new_messages)


def test_it_holds_an_empty_conversation_and_one_without_a_title(conversations, export):
    assert survey(export).empty_groups == 1
    assert [conversation["title"] for conversation in conversations].count(None) == 1


def test_it_holds_a_message_of_200_kilobytes(conversations, memories):
    longest = max((part for part in parts(conversations) if isinstance(part, str)), key=len)
    assert len(longest.encode()) >= 200_000
    pieces = [memory for memory in memories if memory.source.part]
    assert "".join(piece.text for piece in pieces) == longest
    assert len(pieces) > 50


def test_it_holds_right_to_left_text_and_emoji_sequences(memories):
    text = "\n".join(memory.text for memory in memories)
    assert "תודה רבה על ההזמנה" in text
    assert "البحر لا ينسى أحداً" in text
    for sequence in ("👩‍🔬", "👏🏽", "🇭🇷", "1️⃣", "❤️‍🔥", "👩‍👧"):
        assert sequence in text


def test_it_holds_custom_instructions_that_changed(memories):
    semantic = [memory.text for memory in memories if memory.kind == "semantic"]
    assert len(semantic) == 3
    assert sum(text.startswith("Plain words, no flattery") for text in semantic) == 2


def test_it_is_what_the_dialogues_give(conversations):
    tool = [sys.executable, ROOT / "tools" / "make_sample_export.py", "--check"]
    assert subprocess.run(tool, check=False).returncode == 0


def test_the_zip_is_the_same_each_time(export, tmp_path):
    assert write_sample_export(tmp_path / "again.zip").read_bytes() == export.read_bytes()
