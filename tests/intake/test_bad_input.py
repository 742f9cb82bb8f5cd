"""What is no export of ChatGPT, or a damaged one: one line that says what to do, and nothing more."""

import json
import random
import struct
import zipfile

import pytest

from memsync.errors import InputError
from memsync.intake import ChatGPTExport, export_file, survey, write_sample_export
from tests.intake.exports import conversation, message, node, read, talk, write_raw_zip, write_zip


def refused(path, match):
    """Reading ``path`` to its end is refused in one line."""
    with pytest.raises(InputError, match=match) as caught:
        survey(path)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def listed(tmp_path, data):
    return write_raw_zip(tmp_path / "export.zip", {"conversations.json": data})


def test_a_file_that_is_no_zip_is_refused(tmp_path):
    path = tmp_path / "notes.zip"
    path.write_text("shopping list")
    refused(path, "notes.zip is not a zip: give the zip that ChatGPT mails you")


def test_a_path_where_nothing_is_is_refused(tmp_path):
    refused(tmp_path / "gone.zip", "there is nothing at .*gone.zip")


def test_a_path_that_can_not_be_opened_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    refused(tmp_path / "file" / "export.zip", "can't be read \\(Not a directory\\): is it yours, and whole?")


def test_a_zip_without_conversations_is_refused(tmp_path):
    refused(
        write_raw_zip(tmp_path / "photos.zip", {"a.png": b""}),
        r"photos.zip holds no conversations.json: give the zip",
    )
    inner = write_raw_zip(tmp_path / "outer.zip", {"data/Conversations-chatgpt-0001.zip": b""})
    refused(inner, "it holds 'Conversations-chatgpt-0001.zip': unpack that one")
    empty = tmp_path / "folder"
    empty.mkdir()
    refused(empty, "folder holds no conversations.json")


def test_a_zip_with_two_exports_is_refused(tmp_path):
    two = {"a/conversations.json": b"[]", "b/conversations.json": b"[]"}
    refused(write_raw_zip(tmp_path / "two.zip", two), "two.zip holds several exports")
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("conversations.json", b"[]")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("conversations.json", b"[]")
    refused(path, "twice.zip holds several exports")


def test_a_truncated_zip_is_refused_wherever_it_is_cut(tmp_path):
    whole = write_sample_export(tmp_path / "sample.zip").read_bytes()
    path = tmp_path / "cut.zip"
    for size in (4, 1000, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        refused(path, "cut.zip is cut short or damaged: download the export again")
    path.write_bytes(whole)
    assert survey(path).complete


def test_a_zip_with_altered_bytes_is_refused_or_reads_the_same(tmp_path):
    whole = write_zip(tmp_path / "whole.zip", talk("question", "answer"), talk("other", conversation_id="b"))
    wanted = read(whole)
    data = whole.read_bytes()
    path = tmp_path / "altered.zip"
    chance = random.Random(7)
    refusals = []
    for _ in range(400):
        altered = bytearray(data)
        for _ in range(chance.choice((1, 1, 3))):
            altered[chance.randrange(len(altered))] = chance.randrange(256)
        path.write_bytes(altered)
        try:
            assert read(path) == wanted
        except InputError as error:
            refusals.append(str(error))
    assert len(refusals) > 100
    assert not any("\n" in refusal for refusal in refusals)


def test_a_zip_with_a_password_is_refused(tmp_path):
    path = write_zip(tmp_path / "locked.zip", talk("hello"))
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    path.write_bytes(data)
    refused(path, "locked.zip is locked with a password: unpack it and give the folder")


def test_a_zip_packed_in_a_way_that_chatgpt_does_not_use_is_refused(tmp_path):
    path = tmp_path / "unusual.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("conversations.json", b"[]")
    refused(path, "unusual.zip is packed in an unusual way: unpack it and give the folder")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("conversations.json", "w") as entry,
    ):
        for _ in range(80):
            entry.write(bytes(1 << 20))
    assert path.stat().st_size < 200_000
    opened = []
    really = zipfile.ZipFile.open
    monkeypatch.setattr(
        zipfile.ZipFile, "open", lambda *args, **more: opened.append(args) or really(*args, **more)
    )
    refused(path, r"would unpack to 1,0\d\d times its size")
    assert opened == []
    assert survey(write_zip(tmp_path / "export.zip", talk("hello"))).complete
    assert opened != []


def test_a_zip_bomb_that_understates_its_size_yields_no_more_than_it_states(tmp_path):
    path = listed(tmp_path, b"[" + b" " * (1 << 20) + b"]")
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.index(b"PK\x01\x02") + 24, 1000)
    path.write_bytes(data)
    refused(path, "is cut short or damaged")


def test_more_than_any_export_holds_is_refused_by_what_the_zip_states(tmp_path, monkeypatch):
    path = write_zip(tmp_path / "export.zip", talk("hello"))
    monkeypatch.setattr(export_file, "MAX_SIZE", 100)
    refused(path, "which no export is: it is not read")


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b'[{"title": "\xff\xfe"}]', "is not UTF-8"),
        ('[{"title": "a"}]'.encode("utf-16"), "is not UTF-8"),
        (b'[{"title": "\xed\xa0\x80"}]', "is not UTF-8"),
        (b'{"conversations": []}', "one JSON object, not a list"),
        (b'"text"', "is not JSON"),
        (b"[1, 2]", "something else than conversations"),
        (b"[[]]", "something else than conversations"),
        (b'[{"mapping": {}} {"mapping": {}}]', "something else than conversations"),
        (b'[{"mapping": {}},]', "something else than conversations"),
        (b'[{"mapping": {}}] []', "something else than conversations"),
        (b'[{"mapping": {}}', "stops in the middle"),
        (b'[{"mapping": {"a": "', "stops in the middle"),
        (b'[{"mapping": {"a": "\xe2\x82', "stops in the middle"),
        (b'[{"mapping": {}}]]', "closes more than it opens"),
        (b'[{"mapping": nonsense}]', "is not JSON"),
        (b'[{"create_time": NaN}]', "holds NaN"),
        (b'[{"create_time": ' + b"9" * 5000 + b"}]", "holds a number"),
        (b'[{"mapping": {"a": {}, "a": {}}}]', "holds 'a' twice in one object"),
        (b'[{"mapping": []}]', "conversation 1 of conversations.json has no tree of messages"),
        (b'[{"mapping": {"a": []}}]', "has no tree of messages"),
        (b'[{"name": "Ada"}]', "conversation 1 of conversations.json is no conversation"),
        (
            b'[{"uuid": "1", "chat_messages": []}]',
            "is of Claude's export, not of ChatGPT's: import it as claude",
        ),
        (b"[" * 101 + b"]" * 101, "nested over 100 deep"),
        (b"[" * 3_000_000, "nested over 100 deep"),
    ],
    ids=range(26),
)
def test_a_list_that_is_none_of_chatgpts_is_refused(tmp_path, data, match):
    refused(listed(tmp_path, data), match)


def test_messages_in_a_circle_are_refused(tmp_path):
    circle = [node("a", "b", message("a")), node("b", "a", message("b"))]
    refused(
        write_zip(tmp_path / "e.zip", conversation(*circle)),
        "conversation 1 .* answer each other in a circle",
    )
    itself = [node("root", None), node("a", "a", message("a"))]
    refused(
        write_zip(tmp_path / "e.zip", talk("fine"), conversation(*itself)), "conversation 2 .* in a circle"
    )


def test_two_messages_of_one_id_are_refused(tmp_path):
    twins = conversation(node("a", None, message("a")), node("b", "a", message("b")))
    twins["mapping"]["b"]["id"] = "a"
    refused(write_zip(tmp_path / "e.zip", twins), "two messages of conversation 1 .* have one id")


def test_a_very_long_chain_of_messages_is_read(tmp_path):
    chain = [node("m0", None, message("m0", "user", "begin"))]
    chain += [
        node(f"m{number}", f"m{number - 1}", message(f"m{number}", "user", "on")) for number in range(1, 5000)
    ]
    assert len(read(write_zip(tmp_path / "e.zip", conversation(*chain)))) == 5000


def test_damage_at_the_end_is_found_before_the_reading_ends(tmp_path):
    good = json.dumps([talk("hello", conversation_id=f"c{number}") for number in range(2000)])
    export = ChatGPTExport(listed(tmp_path, good[:-1].encode()))
    taken = []
    with pytest.raises(InputError, match="stops in the middle"):
        taken.extend(export)
    assert len(taken) == 2000
    assert not export.report().complete
