"""Which format a file is: told by its beginning, refused under another's name, and never read where it points outside."""

from __future__ import annotations

import os
import zipfile

import pytest

from memsync.errors import InputError
from memsync.intake import FORMATS, ImportOptions, open_export, write_sample_export
from memsync.intake.opening import detect
from tests.intake.samples import CLAUDE_MEMORY, claude_talk, said, write_claude, write_samples


@pytest.fixture
def samples(tmp_path):
    found = write_samples(tmp_path) | {"chatgpt": write_sample_export(tmp_path / "chatgpt.zip")}
    del found["auto"]
    return found


def test_every_format_is_told_apart(samples):
    assert samples.keys() == FORMATS.keys()
    for name, path in samples.items():
        assert detect(path) is FORMATS[name], name


def test_an_unpacked_export_and_each_file_of_it_are_told(samples, tmp_path):
    for name in ("chatgpt", "claude"):
        with zipfile.ZipFile(samples[name]) as archive:
            archive.extractall(tmp_path / name)
        assert detect(tmp_path / name) is FORMATS[name]
        assert detect(tmp_path / name / "conversations.json") is FORMATS[name]
    assert detect(tmp_path / "claude" / "memories.json") is FORMATS["claude"]


def test_every_format_under_anothers_name_is_refused_with_its_own(samples):
    for name, path in samples.items():
        for other in FORMATS.keys() - {name}:
            with pytest.raises(InputError, match=f"looks like .*; import it as {name}$") as caught:
                open_export(path, other)
            assert "\n" not in str(caught.value)


def test_what_nobody_can_tell_is_asked_for(tmp_path):
    (tmp_path / "letter.txt").write_text("Dear Ruth,\n")
    with pytest.raises(
        InputError, match=r"can't tell what letter.txt is; say its format: chatgpt, claude, mem0"
    ):
        open_export(tmp_path / "letter.txt")
    with pytest.raises(InputError, match="'docx' is no format; say one of auto, chatgpt"):
        open_export(tmp_path / "letter.txt", "docx")
    with pytest.raises(InputError, match=r"there is nothing at .*gone: give the zip that Claude mails you"):
        open_export(tmp_path / "gone", "claude")
    with pytest.raises(InputError, match=r"there is nothing at .*gone: give an export, a table or a folder"):
        open_export(tmp_path / "gone")


def test_a_damaged_file_is_told_as_damaged(tmp_path):
    whole = write_claude(
        tmp_path / "whole.zip", claude_talk(said("a", "human", "x" * 500)), memories=[CLAUDE_MEMORY]
    )
    for name in ("auto", "claude"):
        for size in (4, 200, whole.stat().st_size - 1):
            (tmp_path / "cut.zip").write_bytes(whole.read_bytes()[:size])
            with pytest.raises(
                InputError, match=r"cut.zip is cut short or damaged: download the export again"
            ):
                list(open_export(tmp_path / "cut.zip", name))


@pytest.mark.parametrize(
    "stray",
    ["../conversations.json", "/conversations.json", "a/../../conversations.json", "..\\x.txt", "C:/x.txt"],
)
def test_a_zip_with_names_that_point_outside_is_refused(tmp_path, stray):
    path = write_claude(tmp_path / "export.zip", claude_talk(said("a", "human", "x")))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(stray, "[]")
    for name in ("auto", "claude"):
        with pytest.raises(InputError, match="which points outside it: download the export again"):
            list(open_export(path, name))
    assert sorted(one.name for one in tmp_path.iterdir()) == ["export.zip"]


def test_a_zip_that_would_unpack_to_far_too_much_is_refused(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", "[]")
        with archive.open("memories.json", "w") as entry:
            for _ in range(80):
                entry.write(bytes(1 << 20))
    for name in ("auto", "claude"):
        with pytest.raises(InputError, match=r"would unpack to \d,\d+ times its size"):
            list(open_export(path, name))


@pytest.mark.parametrize("name", [*FORMATS, "auto"])
def test_a_pipe_or_device_is_never_waited_for(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(InputError, match="is no file"):
            open_export(path, name)


def test_the_beginning_may_be_broken_over_lines_or_lead_with_a_broken_one(tmp_path):
    (tmp_path / "a").write_text('{\n "count": 2,\n "results": [\n  {"memory": "x"}]}')
    (tmp_path / "b").write_text('{\n "conversations_memory": "x"}')
    (tmp_path / "c").write_text(
        '{"type": "ent\n{"type": "entity", "name": "a", "entityType": "b", "observations": []}\n'
    )
    (tmp_path / "d").write_text("\n\n[]")
    assert [detect(tmp_path / name) and detect(tmp_path / name).name for name in "abcd"] == [
        "mem0",
        "claude",
        "mcp-memory",
        None,
    ]


def test_a_choice_that_means_nothing_in_a_format_is_refused(samples):
    for name, path in samples.items():
        for choice in (
            ImportOptions(only="user"),
            ImportOptions(all_branches=True),
            ImportOptions(title="x"),
        ):
            if name in {"chatgpt", "claude"} or (name == "markdown" and choice.title):
                assert list(open_export(path, name, choice)) is not None
            else:
                with pytest.raises(InputError, match=r"knows no --(only|all-branches|title); leave that out"):
                    open_export(path, options=choice)
