"""What becomes a memory, what is left out, and that nothing comes in twice."""

import json

import pytest

from memsync.errors import InputError
from memsync.intake import ChatGPTExport, ImportOptions, Reason, survey, write_sample_export
from memsync.memory import Source
from tests.intake.exports import (
    BEGUN,
    conversation,
    message,
    node,
    read,
    read_one,
    talk,
    write_raw_zip,
    write_zip,
)


def texts(memories):
    return [memory.text for memory in memories]


def test_each_visible_message_becomes_a_memory_verbatim(tmp_path):
    said = "  two spaces,\ttab, trailing newline\r\n\n```py\nx = 1\n```\n"
    export = write_zip(
        tmp_path / "e.zip", talk(said, "answer", title="Tides\n of  June", default_model_slug="gpt-4o")
    )
    first, second = read(export)
    assert first.text == said
    assert first.kind == "episodic"
    assert first.source == Source(
        tool="chatgpt", conversation="talk", title="Tides of June", turn="1", role="user"
    )
    assert second.source == Source(
        tool="chatgpt", conversation="talk", title="Tides of June", turn="2", role="assistant", model="gpt-4o"
    )
    assert (first.happened, second.happened) == (int(BEGUN * 1000), int(BEGUN * 1000) + 1000)
    assert first.draft(5).text == said


def test_only_the_current_branch_is_taken_unless_all_are_asked_for(tmp_path):
    nodes = [
        node("root", None),
        node("q1", "root", message("q1", "user", "first wording")),
        node("a1", "q1", message("a1", "assistant", "answer to it")),
        node("q2", "root", message("q2", "user", "second wording")),
        node("a2", "q2", message("a2", "assistant", "regenerated away")),
        node("a3", "q2", message("a3", "assistant", "kept answer")),
    ]
    export = write_zip(tmp_path / "e.zip", conversation(*nodes))
    assert texts(read(export)) == ["second wording", "kept answer"]
    everything = read(export, all_branches=True)
    by_text = {memory.text: memory for memory in everything}
    assert set(by_text) == {
        "first wording",
        "answer to it",
        "second wording",
        "regenerated away",
        "kept answer",
    }
    assert {text for text, memory in by_text.items() if "branch" in memory.tags} == {
        "first wording",
        "answer to it",
        "regenerated away",
    }
    assert [by_text[text].source.turn for text in ("first wording", "answer to it", "kept answer")] == [
        "1",
        "2",
        "2",
    ]
    assert survey(export).left_out[Reason.BRANCH] == 3


def test_without_a_current_node_the_newest_leaf_is_taken(tmp_path):
    nodes = [
        node("root", None),
        node("q", "root", message("q", "user", "question")),
        node("new", "q", message("new", "assistant", "newer", create_time=BEGUN + 50)),
        node("old", "q", message("old", "assistant", "older", create_time=BEGUN + 10)),
    ]
    for missing in (None, "gone", 7):
        assert texts(read_one(tmp_path, *nodes, current_node=missing)) == ["question", "newer"]


def test_what_stood_before_a_deleted_message_is_kept_and_turns_go_on(tmp_path):
    nodes = [
        node("late", "deleted", message("late", "user", "after the gap", create_time=BEGUN + 90)),
        node("root", None),
        node("q", "root", message("q", "user", "before", create_time=BEGUN)),
        node("a", "q", message("a", "assistant", "also before", create_time=BEGUN + 1)),
    ]
    export = write_zip(tmp_path / "e.zip", conversation(*nodes, current_node="late"))
    memories = read(export)
    assert texts(memories) == ["before", "also before", "after the gap"]
    assert [memory.source.turn for memory in memories] == ["1", "2", "3"]
    assert survey(export).lost_parents == 1


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (None, Reason.STRUCTURE),
        (message("m", "system", "be nice"), Reason.SYSTEM),
        (message("m", "tool", "stdout"), Reason.TOOL),
        (message("m", "assistant", "{}", recipient="web.run"), Reason.TOOL_CALL),
        (
            message("m", "user", "secret", metadata={"is_visually_hidden_from_conversation": True}),
            Reason.HIDDEN,
        ),
        (message("m", "assistant", content={"content_type": "thoughts", "thoughts": []}), Reason.REASONING),
        (
            message("m", "assistant", content={"content_type": "reasoning_recap", "content": "3 s"}),
            Reason.REASONING,
        ),
        (message("m", "assistant", "loud thinking", channel="analysis"), Reason.REASONING),
        (message("m", "assistant", " \n "), Reason.EMPTY),
        (message("m", "user", content=None), Reason.EMPTY),
        (message("m", "critic", "hm"), Reason.MALFORMED),
        ("not a message", Reason.MALFORMED),
    ],
)
def test_what_nobody_said_to_anybody_is_counted_by_reason(tmp_path, said, reason):
    export = write_zip(
        tmp_path / "e.zip", conversation(node("m", None, said), node("q", "m", message("q", "user", "said")))
    )
    report = survey(export)
    assert report.left_out == {reason: 1}
    assert report.memories == 1


def test_every_node_is_counted_once(tmp_path):
    export = write_sample_export(tmp_path / "sample.zip")
    for options in (
        ImportOptions(),
        ImportOptions(all_branches=True),
        ImportOptions(only="user"),
        ImportOptions(title="week"),
        ImportOptions(since=1_735_689_600_000),
    ):
        report = survey(export, options)
        assert report.entries == report.taken + report.instructions + sum(report.left_out.values())
        assert report.complete


def test_images_files_voice_and_unknown_parts_leave_a_line(tmp_path):
    image = {
        "content_type": "image_asset_pointer",
        "asset_pointer": "sediment://file_1",
        "metadata": {"dalle": None},
    }
    drawn = {
        "content_type": "image_asset_pointer",
        "asset_pointer": "file-service://file-2",
        "metadata": {"dalle": {"prompt": "a light\nhouse " * 40}},
    }
    bare = {"content_type": "image_asset_pointer"}
    attached = [{"id": "file_1", "name": "harbour.jpg"}, {"id": "file_3", "name": "draft.pdf"}]
    content = {
        "content_type": "multimodal_text",
        "parts": [image, "look", drawn, bare, None, 5, {"content_type": "hologram"}],
    }
    (memory,) = read_one(
        tmp_path, node("m", None, message("m", content=content, metadata={"attachments": attached}))
    )
    lines = memory.text.split("\n\n")
    assert lines[0] == "[image: harbour.jpg]"
    assert lines[1] == "look"
    assert lines[2].startswith("[image: a light house a light house ")
    assert len(lines[2]) <= len("[image: ]") + 120
    assert lines[3:] == ["[image: untitled]", "[hologram]", "[file: draft.pdf]"]
    assert memory.tags == ("image",)


def test_spoken_messages_are_their_transcript(tmp_path):
    heard = {"content_type": "audio_transcription", "text": "what time is high water", "direction": "in"}
    sound = {"content_type": "real_time_user_audio_video_asset_pointer", "audio_asset_pointer": {}}
    nodes = [
        node("a", None, message("a", content={"content_type": "multimodal_text", "parts": [sound, heard]})),
        node("b", "a", message("b", content={"content_type": "multimodal_text", "parts": [sound]})),
    ]
    memories = read_one(tmp_path, *nodes)
    assert texts(memories) == ["what time is high water", "[voice message]"]
    assert {memory.tags for memory in memories} == {("voice",)}


def test_code_is_kept_in_a_fence_that_it_does_not_break(tmp_path):
    code = {"content_type": "code", "language": "python", "text": "print('```')\n"}
    plain = {"content_type": "code", "language": "unknown", "text": "ls"}
    nodes = [
        node("a", None, message("a", "assistant", content=code, recipient="python")),
        node("b", "a", message("b", "assistant", content=plain)),
    ]
    assert texts(read_one(tmp_path, *nodes)) == ["````python\nprint('```')\n\n````", "```\nls\n```"]


def test_what_was_written_on_a_canvas_is_kept_whole_and_patches_are_counted(tmp_path):
    def canvas(name, call):
        said = message(name, "assistant", content={"content_type": "code", "text": call})
        return said | {"recipient": "canmore.create_textdoc" if name == "a" else "canmore.update_textdoc"}

    whole = json.dumps(
        {"updates": [{"pattern": ".*", "multiple": False, "replacement": "chapter, rewritten"}]}
    )
    patch = json.dumps({"updates": [{"pattern": "old", "replacement": "new"}]})
    nodes = [
        node(
            "a",
            None,
            canvas("a", json.dumps({"name": "Chapter 1", "type": "document", "content": "chapter"})),
        ),
        node("b", "a", canvas("b", whole)),
        node("c", "b", canvas("c", patch)),
        node("d", "c", canvas("d", "{broken")),
    ]
    export = write_zip(tmp_path / "e.zip", conversation(*nodes))
    assert texts(read(export)) == ["[canvas: Chapter 1]\n\nchapter", "[canvas]\n\nchapter, rewritten"]
    assert survey(export).left_out == {Reason.TOOL_CALL: 2}


def test_custom_instructions_of_both_years_are_semantic_and_taken_once(tmp_path):
    told = {"about_user_message": "I live in Trieste.", "about_model_message": "Be brief."}
    old = message("s", "system", metadata={"is_user_system_message": True, "user_context_message_data": told})
    wrapped = {
        "content_type": "user_editable_context",
        "user_profile": "The user provided the following information about themselves.\nUser profile:\n```I live in Trieste.```",
        "user_instructions": "The user provided the additional info:\n```Be very brief.\n```sh\nls\n```\n```",
    }
    dated = {
        "content_type": "user_editable_context",
        "user_profile": "Very important: The user's timezone is Europe/Rome.",
    }
    hidden = {"is_visually_hidden_from_conversation": True}
    export = write_zip(
        tmp_path / "e.zip",
        conversation(node("s", None, old), id="a", conversation_id="a"),
        conversation(node("s", None, message("s", content=wrapped, metadata=hidden)), conversation_id="b"),
        conversation(node("s", None, message("s", content=wrapped, metadata=hidden)), conversation_id="c"),
        conversation(node("s", None, message("s", content=dated, metadata=hidden)), conversation_id="d"),
    )
    memories = read(export)
    assert texts(memories) == ["I live in Trieste.", "Be brief.", "Be very brief.\n```sh\nls\n```"]
    assert {(memory.kind, memory.tags) for memory in memories} == {("semantic", ("custom-instructions",))}
    report = survey(export)
    assert (report.instructions, report.left_out) == (2, {Reason.REPEATED: 1, Reason.SYSTEM: 1})


def test_a_message_without_a_time_has_that_of_what_it_answers_or_of_the_conversation(tmp_path):
    nodes = [
        node("a", None, message("a", "user", "one", create_time=None)),
        node("b", "a", message("b", "assistant", "two", create_time=BEGUN + 5)),
        node("c", "b", message("c", "user", "three", create_time=None)),
    ]
    begun = int(BEGUN * 1000)
    assert [memory.happened for memory in read_one(tmp_path, *nodes)] == [begun, begun + 5000, begun + 5000]
    for no_time in (None, True, -1, 0, 1e18, "2024", [2024]):
        bare = node("a", None, message("a", "user", "one", create_time=no_time))
        assert [memory.happened for memory in read_one(tmp_path, bare, create_time=None)] == [None]


def test_options_choose_and_the_report_says_what_they_left(tmp_path):
    export = write_zip(
        tmp_path / "e.zip",
        talk("novel question", "novel answer", title="The NOVEL", conversation_id="a"),
        talk("tide question", "tide answer", title="Tides", conversation_id="b", create_time=None),
    )
    assert texts(read(export, title="novel")) == ["novel question", "novel answer"]
    assert texts(read(export, only="user")) == ["novel question", "tide question"]
    assert texts(read(export, since=int(BEGUN * 1000) + 1000)) == ["novel answer", "tide answer"]
    assert {memory.scope for memory in read(export, scope="work")} == {"work"}
    assert survey(export, ImportOptions(title="novel")).left_out == {Reason.STRUCTURE: 1, Reason.TITLE: 3}
    assert survey(export, ImportOptions(only="user")).left_out[Reason.ASSISTANT] == 2
    assert survey(export, ImportOptions(since=int(BEGUN * 1000) + 1000)).left_out[Reason.EARLIER] == 2
    with pytest.raises(InputError, match="--only takes user"):
        ImportOptions(only="assistant")


def test_a_message_without_any_date_is_not_after_a_date(tmp_path):
    undated = node("a", None, message("a", "user", "when?", create_time=None))
    export = write_zip(tmp_path / "e.zip", conversation(undated, create_time=None))
    assert survey(export, ImportOptions(since=1)).left_out == {Reason.UNTIMED: 1}


def test_a_long_message_is_cut_and_its_pieces_are_linked(tmp_path):
    long = "\n\n".join(f"paragraph {number} " + "word " * 150 for number in range(20))
    memories = read(write_zip(tmp_path / "e.zip", talk("before", long)))
    pieces = memories[1:]
    assert "".join(texts(pieces)) == long
    assert all(len(piece.text) <= 4000 for piece in pieces)
    assert {(piece.source.conversation, piece.source.turn) for piece in pieces} == {("talk", "2")}
    assert [piece.source.part for piece in pieces] == [
        f"{number}/{len(pieces)}" for number in range(1, len(pieces) + 1)
    ]
    assert memories[0].source.part is None
    assert len({memory.key for memory in memories}) == len(memories)


def test_importing_again_adds_nothing_and_a_grown_export_adds_what_is_new(tmp_path):
    export = write_sample_export(tmp_path / "sample.zip")
    seen = set()
    first = ChatGPTExport(export, seen=seen)
    for memory in first:
        assert memory.key not in seen
        seen.add(memory.key)
    assert first.report().memories == len(seen) > 300
    again = ChatGPTExport(export, seen=seen)
    assert list(again) == []
    assert (again.report().memories, again.report().known) == (0, len(seen))
    branches = list(ChatGPTExport(export, ImportOptions(all_branches=True), seen=seen))
    assert len(branches) == 3
    assert all("branch" in memory.tags for memory in branches)


def test_a_conversation_that_an_export_holds_twice_comes_in_once(tmp_path):
    export = write_zip(tmp_path / "e.zip", talk("hello", "hi"), talk("hello", "hi", "more"))
    seen = set()
    taken = []
    for memory in ChatGPTExport(export, seen=seen):
        seen.add(memory.key)
        taken.append(memory.text)
    assert taken == ["hello", "hi", "more"]


def test_keys_differ_by_conversation_node_and_piece_and_not_by_text(tmp_path):
    def keys(**more):
        return [
            memory.key
            for memory in read_one(tmp_path, node("m", None, message("m", "user", "hello")), **more)
        ]

    first = keys()
    assert keys(title="renamed") == first
    assert keys(conversation_id="other", id="other") != first
    assert [len(key) for key in first] == [16]
    unnamed = keys(conversation_id=None, id=None)
    assert unnamed != first
    assert unnamed == keys(conversation_id=None, id=None)


def test_halves_of_a_cut_emoji_become_a_replacement_character(tmp_path):
    raw = json.dumps([talk("before PLACE after", title="PLACE")]).encode().replace(b"PLACE", b"\\ud83d")
    (memory,) = read(write_raw_zip(tmp_path / "e.zip", {"conversations.json": raw}))
    assert memory.text == "before � after"
    assert memory.source.title == "�"
    assert memory.draft(0).text.encode()


def test_a_large_export_in_numbered_lists_a_folder_and_a_bare_list_are_read_alike(tmp_path):
    conversations = [talk(f"question {number}", conversation_id=f"c{number}") for number in range(12)]
    lists = {
        f"conversations-{number:03}.json": json.dumps([made]).encode()
        for number, made in enumerate(conversations)
    }
    wanted = [f"question {number}" for number in range(12)]
    assert texts(read(write_raw_zip(tmp_path / "numbered.zip", {"user.json": b"{}"} | lists))) == wanted
    nested = {f"my export/{name}": data for name, data in lists.items()} | {
        "__MACOSX/my export/conversations.json": b"junk"
    }
    assert texts(read(write_raw_zip(tmp_path / "nested.zip", nested))) == wanted
    folder = tmp_path / "unpacked"
    folder.mkdir()
    for name, data in lists.items():
        (folder / name).write_bytes(data)
    assert texts(read(folder)) == wanted
    assert survey(folder).size == sum(len(data) for data in lists.values())
    assert texts(read(tmp_path / "unpacked" / "..")) == wanted
    bare = tmp_path / "anything.json"
    bare.write_text(json.dumps(conversations))
    assert texts(read(bare)) == wanted


def test_the_last_line_of_the_report_says_where_the_plain_text_lies(tmp_path):
    export = write_sample_export(tmp_path / "sample.zip")
    lines = survey(export, ImportOptions(dry_run=True)).lines()
    assert str(export) in lines[-1]
    assert "plain text" in lines[-1]
    assert any("dry run: nothing is stored" in line for line in lines)
    assert any("on another branch" in line for line in lines)
    assert all("\n" not in line for line in lines)


def test_a_report_of_an_unfinished_reading_says_so(tmp_path):
    export = ChatGPTExport(write_sample_export(tmp_path / "sample.zip"))
    next(iter(export))
    assert not export.report().complete
    assert len(list(export)) > 300
    assert export.report().complete
