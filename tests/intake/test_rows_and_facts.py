"""mem0's memories, the MCP memory server's facts, JSON Lines and CSV: what becomes of each field, and what is refused."""

from __future__ import annotations

import json

import pytest

from memsync.errors import InputError
from memsync.intake import Reason, open_export
from memsync.intake.dates import read_date, read_exact, write_date
from memsync.intake.lines import MAX_LINE
from tests.intake.samples import MCP, MEM0


def read(tmp_path, name, data, suffix="txt"):
    path = tmp_path / f"file.{suffix}"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    export = open_export(path, name)
    return list(export), export.report()


def refused(tmp_path, name, data, match):
    with pytest.raises(InputError, match=match) as caught:
        read(tmp_path, name, data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda found: found,
        lambda found: {"count": 2, "results": found, "relations": []},
        lambda found: {"memories": found},
    ],
)
def test_mem0s_memories_keep_their_categories_dates_and_end(tmp_path, wrap):
    for indent in (None, 2):
        (first, second), report = read(tmp_path, "mem0", json.dumps(wrap(MEM0), indent=indent), "json")
        assert (first.text, first.tags, first.source.tool) == (
            "Vera prefers tea.",
            ("food", "personal_details"),
            "mem0",
        )
        assert first.happened == 1_740_844_800_000
        assert (second.text, second.valid_until) == ("Vera works at a harbour.", 1_767_225_600_000)
        assert report.lines()[0] == "2 memories read; 2025-03-01 to 2025-03-02"


def test_mem0s_empty_memories_are_counted_and_a_list_of_others_refused(tmp_path):
    empty = [{"memory": ""}, {"memory": None}, {"memory": 5}, {"memory": "x", "created_at": "soon"}]
    memories, report = read(tmp_path, "mem0", json.dumps(empty))
    assert [memory.happened for memory in memories] == [None]
    assert report.left_out == {Reason.EMPTY: 2, Reason.MALFORMED: 1}
    refused(
        tmp_path,
        "mem0",
        '[{"memory": "x"}, {"note": "y"}]',
        "memory 2 of file.txt has no text under `memory`",
    )
    refused(tmp_path, "mem0", '{"results": ["x"]}', "something else than memories")
    refused(tmp_path, "mem0", '[{"memory": "x", "created_at": NaN}]', "holds NaN")


def test_an_edited_memory_of_mem0_is_new_and_a_repeated_one_is_not(tmp_path):
    (first,), _ = read(tmp_path, "mem0", json.dumps([{"id": "1", "memory": "Tea."}]))
    (same, edited), _ = read(
        tmp_path,
        "mem0",
        json.dumps([{"id": "1", "memory": "Tea.", "score": 0.5}, {"id": "1", "memory": "Coffee."}]),
    )
    assert first.key == same.key != edited.key


def test_observations_name_their_entity_and_relations_are_sentences(tmp_path):
    memories, report = read(tmp_path, "mcp-memory", MCP)
    assert [(memory.text, memory.tags) for memory in memories] == [
        ("Ruth: Wants the draft by June", ("person",)),
        ("Ruth edits novels", ("person",)),
        ("Ruth works at Harbour Press", ("relation",)),
    ]
    assert {memory.source.title for memory in memories} == {"Ruth"}
    assert report.lines()[:2] == ["2 entities read, 1 of them empty", "3 facts taken"]
    assert report.left_out == {Reason.BARE: 1}


def test_lines_that_the_server_would_skip_are_counted(tmp_path):
    broken = (
        '{"type":"entity","name":"Ru\n[]\n{"type":"entity","name":"x"}\n{"type":"note"}\n'
        + "[" * 100_000
        + "\n\n"
    )
    memories, report = read(tmp_path, "mcp-memory", broken + MCP)
    assert (len(memories), report.left_out) == (3, {Reason.BARE: 1, Reason.MALFORMED: 5})
    refused(tmp_path, "mcp-memory", broken, "has no entity and no relation: give the server's memory.jsonl")
    refused(tmp_path, "mcp-memory", "", "has no entity")


def test_a_plain_line_needs_a_text_only(tmp_path):
    lines = [
        {"text": "Bare."},
        {
            "content": "Dated.",
            "when": "2025-03-01",
            "tags": "#a, b;a",
            "kind": "episodic",
            "title": "T",
            "source": "diary",
        },
        {"memory": "Seconds.", "timestamp": 1_740_816_000},
        {"text": "Milliseconds.", "created_at": 1_740_816_000_000, "id": 7, "more": {}},
        {"text": " "},
    ]
    memories, report = read(tmp_path, "jsonl", "\ufeff" + "\r\n".join(map(json.dumps, lines)) + "\n\n")
    assert [memory.text for memory in memories] == ["Bare.", "Dated.", "Seconds.", "Milliseconds."]
    assert [memory.happened for memory in memories] == [None, *[1_740_787_200_000], *[1_740_816_000_000] * 2]
    assert (memories[1].tags, memories[1].kind) == (("a", "b"), "episodic")
    assert (memories[1].source.tool, memories[1].source.title) == ("diary", "T")
    assert report.left_out == {Reason.EMPTY: 1}


def test_a_long_text_is_cut_and_every_piece_knows_which_it_is(tmp_path):
    text = "word " * 3000
    memories, report = read(tmp_path, "jsonl", json.dumps({"text": text}))
    assert "".join(memory.text for memory in memories) == text
    assert [memory.source.part for memory in memories] == ["1/4", "2/4", "3/4", "4/4"]
    assert len({memory.key for memory in memories}) == 4
    assert report.cut == 1


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ('{"note": "x"}', "line 2 of file.txt has no text"),
        ('{"text": 5}', "line 2 of file.txt: its text is no text"),
        ("[]", "line 2 of file.txt is no JSON object"),
        ('{"text": "a"', "line 2 of file.txt is not JSON"),
        ('{"text": "a", "text": "b"}', "line 2 of file.txt holds 'text' twice"),
        ('{"text": "a", "date": NaN}', "line 2 of file.txt holds NaN"),
        ('{"text": "a", "date": "nan"}', "line 2 of file.txt: 'nan' is no date"),
        ('{"text": "a", "date": true}', "'True' is no date"),
        ('{"text": "a", "kind": "fact"}', "'fact' is no kind; say one of semantic, episodic, procedural"),
        ('{"text": "a", "tags": [1]}', "its tags are no list of texts"),
        ("[" * 100_000, "line 2 of file.txt is nested too deep"),
        ('{"a":' * 100_000, "line 2 of file.txt is nested too deep"),
        ('{"id": "00", "version": "00", "text": "a"}', "an id is not a UUIDv7 in hexadecimal; export again"),
    ],
)
def test_a_line_that_is_wrong_is_refused_with_its_number(tmp_path, line, match):
    refused(tmp_path, "jsonl", '{"text": "good"}\n' + line + "\n", match)


OWN = {
    "id": "01900000-0000-7000-8000-000000000000".replace("-", ""),
    "version": "01900000-0000-7000-8000-000000000001".replace("-", ""),
    "scope": "personal",
    "kind": "semantic",
    "text": "x",
    "created": "2025-03-01T08:00:00.000Z",
}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"created": "soon"}, "'soon' is no time"),
        ({"created": 1.5}, "'1.5' is no time"),
        ({"created": None}, "'None' is no time"),
        ({"happened": True}, "'True' is no time"),
        ({"kind": "fact"}, "kind is one of"),
        ({"text": ""}, "text is empty"),
        ({"text": "x" * 200_000}, "text has more than"),
        ({"tags": ["b", "a"]}, "tags are sorted"),
        ({"tags": 5}, "not what `memsync export` writes"),
        ({"source": {}}, "a source names at least one"),
        ({"source": {"planet": "x"}}, "not what `memsync export` writes"),
        ({"supersedes": ["zz"]}, "export again"),
        ({"unknown": {"x": 1.5}}, "no memory holds a number with a fraction"),
        ({"unknown": {"text": 1}}, "stands among the unknown"),
        ({"unknown": {"x": {"/": {"bytes": "!"}}}}, "export again"),
        ({"unknown": {"x": {"/": "bafynot"}}}, "export again"),
        ({"surprise": 1}, "'surprise' has no meaning"),
    ],
)
def test_a_line_of_our_own_that_was_tampered_with_is_refused(tmp_path, change, match):
    assert len(read(tmp_path, "jsonl", json.dumps(OWN))[0]) == 1
    refused(tmp_path, "jsonl", json.dumps(OWN | change), match)
    without = {name: value for name, value in OWN.items() if name != "created"}
    refused(tmp_path, "jsonl", json.dumps(without), "line 1 of file.txt has no created; export again")


def test_a_row_is_read_by_the_names_of_the_first_whatever_stands_between(tmp_path):
    for between in ",;\t":
        rows = [
            ["Title", "TEXT", "Date", "Tags", ""],
            ["T", '"A, ""quoted"";\ttext\nin two lines"', "2025/03/01", "a", "z"],
            ["", "", "", ""],
            ["U", "Short row"],
        ]
        memories, report = read(tmp_path, "csv", "\ufeff" + "\r\n".join(between.join(row) for row in rows))
        assert [memory.text for memory in memories] == ['A, "quoted";\ttext\nin two lines', "Short row"]
        assert (memories[0].happened, memories[0].tags, memories[0].source.title) == (
            1_740_787_200_000,
            ("a",),
            "T",
        )
        assert report.left_out == {Reason.EMPTY: 1}


@pytest.mark.parametrize(
    ("table", "match"),
    [
        ("", "names no column text"),
        (
            "name,age\nx,5\n",
            "the first row of file.txt names no column text, content or memory; add such a row",
        ),
        ("text,text\nx,y\n", "has a name twice"),
        ("text\na,b\n", "line 2 of file.txt has 2 fields for 1 names; put a text with commas in quotes"),
        ("text,date\nx,NaN\n", "line 2 of file.txt: 'NaN' is no date"),
        ("text,date\nx,31.12.2025\n", "'31.12.2025' is no date"),
        ('text\n"never ends\n', "is no whole CSV"),
        ('text\n"' + "x" * 200_000 + '"\n', "is no whole CSV .*field larger than field limit"),
        ('text\n"a"b\n', "is no whole CSV"),
        ("text\ncaf\xe9\n".encode("latin-1"), "line 2 of file.txt is not UTF-8; save the file as UTF-8"),
        ("text\nx\n".encode("utf-16"), "file.txt is UTF-16; save it as UTF-8"),
        ("text\nx\n".encode("utf-16-le"), "file.txt is UTF-16"),
        ("text\nx\n".encode("utf-16-be"), "file.txt is UTF-16"),
        (b"text\n" + b"x" * (MAX_LINE + 300_000), "line 2 of file.txt is over 8 MB long: break it up"),
    ],
)
def test_a_table_that_is_wrong_is_refused(tmp_path, table, match):
    refused(tmp_path, "csv", table, match)


@pytest.mark.parametrize(
    "ms",
    [
        0,
        1,
        -1,
        1_740_816_000_123,
        -62_135_596_800_000,
        253_402_300_799_999,
        253_402_300_800_000,
        -(2**53) + 1,
    ],
)
def test_a_written_date_reads_as_itself(ms):
    assert read_exact(write_date(ms)) == ms
    assert isinstance(write_date(ms), str) == (-62_135_596_800_000 <= ms <= 253_402_300_799_999)


@pytest.mark.parametrize(
    "value", [None, "", "nan", "NaT", float("nan"), float("inf"), True, [], "2025-13-01", "0000-00-00", 1e300]
)
def test_what_is_no_date_is_none(value):
    assert read_date(value) is None
