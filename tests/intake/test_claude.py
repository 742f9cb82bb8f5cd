"""Claude's export: messages verbatim, on the branch that was seen, and what Claude remembers."""

from __future__ import annotations

import json
import zipfile

import pytest

from memsync.errors import InputError
from memsync.intake import ImportOptions, Reason
from memsync.intake.claude import ClaudeExport
from tests.intake.samples import CLAUDE_MEMORY, claude_talk, said, write_claude


def read(path, **options):
    export = ClaudeExport(path, ImportOptions(**options))
    return list(export), export.report()


def read_talk(tmp_path, *messages, **more):
    return read(write_claude(tmp_path / "export.zip", claude_talk(*messages, **more)))


def test_a_message_becomes_a_memory_with_its_place_and_time(tmp_path):
    memories, report = read_talk(
        tmp_path,
        said("m1", "human", " When?\n"),
        said("m2", "assistant", "At noon.", "2025-03-01T08:00:05.250Z"),
    )
    assert [memory.text for memory in memories] == [" When?\n", "At noon."]
    first, second = memories
    assert (first.source.tool, first.source.conversation, first.source.title) == (
        "claude",
        "talk-1",
        "Harbour",
    )
    assert [(memory.source.role, memory.source.turn) for memory in memories] == [
        ("user", "1"),
        ("assistant", "2"),
    ]
    assert (first.kind, first.happened, second.happened) == ("episodic", 1_740_816_000_000, 1_740_816_005_250)
    assert report.lines()[0] == "1 conversation read, 0 of them empty; 2025-03-01 to 2025-03-01"
    assert report.lines()[1] == "2 messages taken"


def test_text_blocks_count_and_the_flat_text_only_where_there_are_none(tmp_path):
    placeholder = "This block is not supported on your current device yet."
    blocks = [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "First."},
        {"type": "text", "text": None},
        None,
        {"type": "tool_use", "name": "search", "input": {}},
        {"type": "text", "text": "Second."},
    ]
    memories, report = read_talk(
        tmp_path,
        said("m1", "human", "Old export.", content=None),
        said("m2", "assistant", placeholder, content=blocks),
        said("m3", "human", None, content=[{"type": "text", "text": "Blocks alone."}]),
        said(
            "m4",
            "assistant",
            placeholder,
            content=[{"type": "tool_use", "name": "x", "input": {"query": "y"}}],
        ),
        said("m5", "assistant", "", content=[{"type": "thinking", "thinking": "…"}]),
        said("m6", "human", ""),
        said("m7", "system", "Be kind."),
        said("m8", "robot", "?"),
        said("m9", "human", "As a string.", content="As a string."),
        {"uuid": "m10", "role": "user", "content": "With a role."},
    )
    assert [memory.text for memory in memories] == [
        "Old export.",
        "First.\n\nSecond.",
        "Blocks alone.",
        "As a string.",
        "With a role.",
    ]
    assert report.left_out == {
        Reason.TOOL_CALL: 1,
        Reason.REASONING: 1,
        Reason.EMPTY: 1,
        Reason.SYSTEM: 1,
        Reason.MALFORMED: 1,
    }
    assert report.entries == 10


def test_files_and_artifacts_are_named_and_an_artifact_is_taken_whole(tmp_path):
    artifact = {
        "type": "tool_use",
        "name": "artifacts",
        "input": {"command": "create", "title": "Chapter\n1", "content": "It was dark."},
    }
    memories, _ = read_talk(
        tmp_path,
        said(
            "m1",
            "human",
            None,
            attachments=[{"file_name": "draft.txt", "extracted_content": "…"}],
            files=[{}],
        ),
        said("m2", "assistant", None, content=[{"type": "text", "text": "Here."}, artifact]),
    )
    assert memories[0].text == "[file: draft.txt]\n\n[file: untitled]"
    assert memories[1].text == "Here.\n\n[artifact: Chapter 1]\n\nIt was dark."
    assert memories[1].tags == ("artifact",)


def test_an_answer_that_was_regenerated_is_on_another_branch(tmp_path):
    messages = [
        said(
            "m1",
            "human",
            "Question.",
            "2025-03-01T08:00:00Z",
            parent_message_uuid="00000000-0000-4000-8000-000000000000",
        ),
        said("m2", "assistant", "Old answer.", "2025-03-01T08:00:01Z", parent_message_uuid="m1"),
        said("m3", "assistant", "New answer.", "2025-03-01T08:00:02Z", parent_message_uuid="m1"),
    ]
    memories, report = read_talk(tmp_path, *messages)
    assert [memory.text for memory in memories] == ["Question.", "New answer."]
    assert (report.left_out, report.lost_parents) == ({Reason.BRANCH: 1}, 0)
    memories, _ = read_talk(tmp_path, *messages, current_leaf_message_uuid="m2")
    assert [memory.text for memory in memories] == ["Question.", "Old answer."]
    memories, _ = read(tmp_path / "export.zip", all_branches=True)
    assert sorted(memory.tags for memory in memories) == [(), (), ("branch",)]


def test_messages_in_a_circle_or_of_one_id_are_refused(tmp_path):
    circle = [
        said("a", "human", "x", parent_message_uuid="b"),
        said("b", "human", "y", parent_message_uuid="a"),
    ]
    with pytest.raises(InputError, match=r"conversation 1 of .* answer each other in a circle"):
        read_talk(tmp_path, *circle)
    with pytest.raises(InputError, match=r"two messages of conversation 1 .* have one id"):
        read_talk(tmp_path, said("a", "human", "x"), said("a", "human", "y"))


def test_what_claude_remembers_comes_section_by_section(tmp_path):
    path = write_claude(tmp_path / "e.zip", claude_talk(), memories=[CLAUDE_MEMORY])
    memories, report = read(path)
    assert [memory.text for memory in memories] == [
        "**Work context**\n\nVera writes a novel.",
        "**Personal context**\n\nShe lives by the sea.",
        "The novel is about a lighthouse.",
    ]
    assert {memory.kind for memory in memories} == {"semantic"}
    assert memories[2].tags == ("claude-memory", "project")
    assert memories[2].source.conversation == "project-1"
    assert (report.groups, report.empty_groups, report.taken) == (1, 1, 3)
    assert read(path, only="user")[1].left_out == {Reason.ASSISTANT: 3}
    assert read(path, title="Harbour")[1].left_out == {Reason.TITLE: 3}
    changed = CLAUDE_MEMORY | {"conversations_memory": CLAUDE_MEMORY["conversations_memory"] + " With a dog."}
    again = ClaudeExport(
        write_claude(tmp_path / "f.zip", memories=[changed]), seen={memory.key for memory in memories}
    )
    assert [memory.text for memory in again] == ["**Personal context**\n\nShe lives by the sea. With a dog."]


def test_memories_are_found_in_every_place_that_exports_have_had(tmp_path):
    inside = json.dumps(CLAUDE_MEMORY)
    for name, text in (("memories.json", f"[{inside}]"), ("memories/account-1.json", inside)):
        path = tmp_path / "memories-000.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, text)
        assert len(read(path)[0]) == 3
        (tmp_path / "folder" / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / "folder" / name).write_text(text)
        assert len(read(tmp_path / "folder" / name)[0]) == 3
        assert len(read(tmp_path / "folder")[0]) == 3
        (tmp_path / "folder" / name).unlink()


def test_names_texts_and_dates_may_be_missing(tmp_path):
    memories, _ = read_talk(
        tmp_path,
        said("m1", "human", "No date.", created_at=None),
        said("", "human", "Half \ud83d of an emoji.", created_at="once"),
        name=None,
        created_at=None,
    )
    assert [memory.happened for memory in memories] == [None, None]
    assert memories[0].source.title is None
    assert memories[1].text == "Half \ufffd of an emoji."


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (
            '[{"mapping": {}}]',
            "conversation 1 .* is of ChatGPT's export, not of Claude's: import it as chatgpt",
        ),
        ('[{"title": "x", "messages": []}]', "is no conversation: is it Claude's conversations.json"),
        ('[{"uuid": "a", "chat_messages": ["x"]}]', "is no conversation"),
        ('[{"uuid": "a", "created_at": NaN, "chat_messages": []}]', "holds NaN, which JSON has not"),
        ('[{"uuid": "a", "chat_messages": []}', "stops in the middle"),
        ('{"x": ' * 101 + "1" + "}" * 101, "nested over 100 deep"),
        ("[1]", "something else than conversations: is it Claude's export"),
    ],
)
def test_a_list_that_is_not_claudes_is_refused(tmp_path, data, match):
    (tmp_path / "conversations.json").write_text(data)
    with pytest.raises(InputError, match=match) as caught:
        read(tmp_path / "conversations.json")
    assert "\n" not in str(caught.value)


def test_a_zip_or_folder_with_nothing_of_claudes_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("a.png", b"")
    (tmp_path / "folder").mkdir()
    for name in ("photos.zip", "folder"):
        with pytest.raises(
            InputError, match=f"{name} holds no conversations.json: give the zip that Claude mails"
        ):
            read(tmp_path / name)
