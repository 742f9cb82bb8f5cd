"""Folders of Markdown: notes, observations, front matter, and what does not belong into one."""

from __future__ import annotations

import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.errors import InputError
from memsync.intake import ImportOptions, Reason
from memsync.intake.front_matter import split_note
from memsync.intake.markdown import MAX_DEPTH, MAX_NOTE, MarkdownExport
from tests.intake.samples import write_notes


def read(path, **options):
    export = MarkdownExport(path, ImportOptions(**options))
    return list(export), export.report()


def read_note(tmp_path, text):
    (tmp_path / "note.md").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(tmp_path / "note.md")[0]


def refused(path, match):
    with pytest.raises(InputError, match=match) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_observations_and_the_rest_of_a_note_are_taken_apart_and_verbatim(tmp_path):
    memories, report = read(write_notes(tmp_path / "notes"))
    technique, preference, rest, day = memories
    assert technique.text == "Water at 205°F extracts best #temperature"
    assert technique.tags == ("brewing", "coffee", "technique", "temperature")
    assert preference.text == "Ethiopian beans, light roast (own experience)"
    assert "see [[Grinding|the grind]]." in rest.text
    assert "- [ ] buy filters" in rest.text
    assert "- requires [[Grinding]]" in rest.text
    assert "Ethiopian" not in rest.text
    assert {memory.source.title for memory in memories[:3]} == {"Coffee Brewing"}
    assert {memory.happened for memory in memories[:3]} == {1_740_787_200_000}
    assert (day.source.conversation, day.tags, day.happened) == (
        "daily/2025-03-02.md",
        ("swim/sea",),
        1_740_873_600_000,
    )
    assert report.left_out == {Reason.NO_NOTE: 1}
    assert report.lines()[:2] == [
        "2 notes read, 0 of them empty; 2025-03-01 to 2025-03-02",
        "4 passages taken",
    ]


def test_what_only_looks_like_an_observation_stays_in_the_note(tmp_path):
    text = "- [link](http://x) a\n- [[Wiki]] b\n- [x] done\n- [-] off\n```\n- [tip] in code\n```\n- [tip]no space\n"
    [memory] = read_note(tmp_path, text)
    assert memory.text == text.rstrip("\n")


def test_a_note_without_words_is_counted_as_empty(tmp_path):
    for text in ("", "# Title\n\n## Relations\n", "---\ntitle: x\n---\n\n"):
        (tmp_path / "note.md").write_text(text)
        memories, report = read(tmp_path / "note.md")
        assert (memories, report.left_out, report.empty_groups) == ([], {Reason.EMPTY: 1}, 1)


def test_a_long_note_is_cut_without_losing_a_character(tmp_path):
    text = "\n\n".join(f"Paragraph {number} " + "word " * 100 for number in range(40)).strip()
    memories = read_note(tmp_path, text)
    assert "".join(memory.text for memory in memories) == text
    assert len(memories) > 3


@pytest.mark.parametrize(
    ("head", "fields"),
    [
        ("title: Plain text # comment", {"title": "Plain text"}),
        ("title: C# in depth", {"title": "C# in depth"}),
        ("title: 'It''s'", {"title": "It's"}),
        ('title: "A \\"b\\""', {"title": 'A "b"'}),
        ("tags: [a, 'b, c', \"d\"]", {"tags": ["a", "b, c", "d"]}),
        ('tags: ["a", "b"]', {"tags": ["a", "b"]}),
        ("tags:\n  - a\n  - 'b'\n- c", {"tags": ["a", "b", "c"]}),
        ("tags:\ntitle: x", {"tags": None, "title": "x"}),
        ("text: |\n  one\n  two", {"text": "one\ntwo"}),
        ("text: >-\n  one\n  two", {"text": "one two"}),
        ("deep:\n  x: 1\ntitle: y", {"deep": None, "title": "y"}),
        ("date created: 2025-03-01", {"date created": "2025-03-01"}),
        ("nothing: ~\nnull: null", {"nothing": None, "null": None}),
        ("url: https://a.b/c", {"url": "https://a.b/c"}),
        ("bomb: &a [*a, *a]", {"bomb": "&a [*a, *a]"}),
        ("x: !!python/object/apply:os.system [ls]", {"x": "!!python/object/apply:os.system [ls]"}),
        ("no key here\n: y", {}),
        ("deep: " + "[" * 50_000, {"deep": "[" * 50_000}),
    ],
)
def test_front_matter_is_read_as_note_takers_write_it(head, fields):
    for end in ("\n", "\r\n"):
        note = f"---\n{head}\n---\nBody\n".replace("\n", end)
        assert split_note(note) == (fields, f"Body{end}")


@given(st.text(st.sampled_from("-a: \n\r[]\"'|>#,{}~&*")) | st.text())
def test_any_note_is_read_and_its_body_is_its_end(text):
    for note in (text, f"---\n{text}\n---\nx"):
        fields, body = split_note(note)
        assert note.endswith(body)
        assert fields or body == note or note.startswith("---")


@pytest.mark.parametrize(
    "text", ["---\ntitle: never closed\n", "--- \nx", "text\n---\na: b\n---\n", "----\na: b\n---\n"]
)
def test_dashes_that_are_no_head_belong_to_the_note(text):
    assert split_note(text)[1] == text or text == "--- \nx"
    assert split_note(text)[0] == {}


def test_a_link_out_of_the_folder_is_refused_and_one_within_counted(tmp_path):
    notes = write_notes(tmp_path / "notes")
    (notes / "again.md").symlink_to(notes / "coffee.md")
    (notes / "round").symlink_to(notes)
    memories, report = read(notes)
    assert (len(memories), report.left_out) == (4, {Reason.NO_NOTE: 1, Reason.LINK: 2})
    for target in ("/etc/passwd", tmp_path, tmp_path / "notes-of-others", "../gone.md"):
        (notes / "out.md").symlink_to(target)
        refused(notes, r"out.md leads out of the folder; take it away")
        (notes / "out.md").unlink()
    (tmp_path / "link").symlink_to(notes)
    assert len(read(tmp_path / "link")[0]) == 4


def test_a_pipe_a_socket_or_a_device_is_refused_and_never_waited_for(tmp_path):
    notes = write_notes(tmp_path / "notes")
    os.mkfifo(notes / "pipe.md")
    refused(notes, "pipe.md is a pipe, socket or device; take it out of the folder")
    refused(notes / "pipe.md", "pipe.md is no file")
    (notes / "pipe.md").unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(notes / "s"))
        refused(notes, "is a pipe, socket or device")
    (notes / "s").unlink()
    refused("/dev/null", "/dev/null is no file")


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ("café".encode("latin-1"), "a/odd.md is not UTF-8; save the file as UTF-8"),
        ("note".encode("utf-16"), "a/odd.md is UTF-16; save it as UTF-8"),
        (b"x" * (MAX_NOTE + 1), "a/odd.md is over 16 MB, which no note is"),
        (b"---\nmemsync: 1\nid: x\nversion: y\n---\nhand-made", None),
    ],
)
def test_a_note_that_can_not_be_read_is_named(tmp_path, data, match):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "odd.md").write_bytes(data)
    if match is None:
        assert read(tmp_path)[0][0].text == "hand-made"
    else:
        refused(tmp_path, match)


def test_folders_that_go_too_deep_are_refused(tmp_path):
    deep = tmp_path / "top" / "/".join(["d"] * (MAX_DEPTH + 1))
    deep.mkdir(parents=True)
    refused(tmp_path / "top", "over 64 folders within folders")


def test_a_name_that_is_not_utf8_is_read(tmp_path):
    (tmp_path / "notes").mkdir()
    with open(os.fsencode(tmp_path / "notes") + b"/caf\xe9.md", "w") as note:  # noqa: PTH123 a name that no text is
        note.write("Text.")
    [memory] = read(tmp_path / "notes")[0]
    memory.draft(0)
    assert memory.source.title == "caf\ufffd"
