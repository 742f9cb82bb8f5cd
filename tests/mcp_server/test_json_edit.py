"""Edits of JSON with everything else kept: against a dict's own, and against the text around."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.errors import InputError
from memsync.mcp_server.json_edit import MISSING, get, put, take

PATH = ("servers", "memsync")
ENTRY = {"command": "/opt/memsync", "args": ["mcp"]}

spaces = st.sampled_from(
    ["", " ", "\n", "\r\n", "\t", "\n    ", " // sea\n", "/* tide */", " /* two\n lines */ ", "//\r\n"]
)
keys = st.sampled_from(["servers", "memsync", "a", "b/*", "//", 'q"', "ü", "}"])
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4)
)


@st.composite
def written(draw, value: object) -> str:
    """A value as somebody could have written it."""
    around = lambda text: draw(spaces) + text + draw(spaces)  # noqa: E731
    if isinstance(value, dict):
        parts = [around(json.dumps(key)) + ":" + draw(written(one)) for key, one in value.items()]
    elif isinstance(value, list):
        parts = [draw(written(one)) for one in value]
    else:
        return around(json.dumps(value, ensure_ascii=draw(st.booleans())))
    inner = ",".join(parts) + ("," if parts and draw(st.booleans()) else "") + draw(spaces)
    return around("{" + inner + "}" if isinstance(value, dict) else "[" + inner + "]")


@st.composite
def objects(draw) -> tuple[dict, str]:
    servers = st.dictionaries(keys, values, max_size=3)
    value = draw(st.dictionaries(keys, values, max_size=4))
    if draw(st.booleans()):
        value["servers"] = draw(servers)
    elif "servers" in value and not isinstance(value["servers"], dict):
        del value["servers"]
    return value, draw(st.sampled_from(["", "\ufeff"])) + draw(written(value))


def words(text: str) -> list[str]:
    """All that is said in a text but space and commas: comments, keys, values, brackets."""
    return re.findall(r"//[^\r\n]*|/\*(?s:.*?)\*/|\"(?:[^\"\\]|\\.)*\"|[^\s,\"/]", text)


@given(objects())
def test_what_is_read_is_what_was_written(case):
    value, text = case
    assert get(text, (), comments=True) == value
    assert get(text, PATH, comments=True) == value.get("servers", {}).get("memsync", MISSING)


@given(objects(), st.dictionaries(keys, values, max_size=3))
def test_setting_a_member_is_the_dicts_own_and_keeps_the_text_around(case, entry):
    value, text = case
    old = value.get("servers", {}).get("memsync", MISSING)
    value.setdefault("servers", {})["memsync"] = entry
    assert get(put(text, PATH, entry, comments=True), (), comments=True) == value
    after = put(text, PATH, "here and nowhere else", comments=True)
    if old is MISSING:  # what was there is there, in its order
        rest = iter(words(after))
        assert all(word in rest for word in words(text))
    else:
        before, behind = after.split('"here and nowhere else"')
        assert text.startswith(before) and text.endswith(behind)


@given(objects())
def test_taking_a_member_out_is_the_dicts_own_and_keeps_the_text_around(case):
    value, text = case
    after = take(text, PATH, comments=True)
    value.get("servers", {}).pop("memsync", None)
    assert get(after, (), comments=True) == value
    gone = iter(words(text))
    assert all(word in gone for word in words(after))


@given(objects())
def test_what_was_put_into_an_object_with_others_on_lines_of_their_own_comes_out_without_a_trace(case):
    value, _ = case
    value.setdefault("servers", {})["a"] = {}
    value["servers"].pop("memsync", None)
    for indent in (1, 2, 4, "\t"):
        for line_end in ("\n", "\r\n"):
            text = json.dumps(value, indent=indent).replace("\n", line_end) + line_end
            after = put(text, PATH, ENTRY, comments=False)
            assert take(after, PATH, comments=False) == text
            assert (
                after
                == json.dumps(
                    {**value, "servers": {**value["servers"], "memsync": ENTRY}}, indent=indent
                ).replace("\n", line_end)
                + line_end
            )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '{\n  "servers": {\n    "memsync": 1\n  }\n}\n'),
        ("\r\n", '{\r\n  "servers": {\r\n    "memsync": 1\r\n  }\r\n}\r\n'),
        ("{}", '{\n  "servers": {\n    "memsync": 1\n  }\n}'),
        ('{\n\t"servers": {}\n}', '{\n\t"servers": {\n\t\t"memsync": 1\n\t}\n}'),
        ('{"a":1}', '{"a":1, "servers": {"memsync": 1}}'),
        ('{"servers":{}}', '{"servers":{"memsync": 1}}'),
        ('{"servers":{"x":0},"z":[]}', '{"servers":{"x":0, "memsync": 1},"z":[]}'),
        (
            '{\n  "servers": {\n    "x": 0, // the first\n  },\n}\n',
            '{\n  "servers": {\n    "x": 0, // the first\n    "memsync": 1,\n  },\n}\n',
        ),
        (
            '{\n  "servers": {\n    "x": 0 /* a */ // b\n    // off: "y": 0\n  }\n}\n',
            '{\n  "servers": {\n    "x": 0, /* a */ // b\n    "memsync": 1\n    // off: "y": 0\n  }\n}\n',
        ),
        (
            '{\n  "servers": {\n    // none yet\n  }\n}\n',
            '{\n  "servers": {\n    // none yet\n    "memsync": 1\n  }\n}\n',
        ),
    ],
)  # fmt: skip
def test_a_new_member_looks_like_those_around_it(before: str, after: str):
    assert put(before, PATH, 1, comments=True) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"servers":{"memsync": 1}}', '{"servers":{}}'),
        ('{"servers":{"memsync": 1, "x": 0}}', '{"servers":{"x": 0}}'),
        ('{"servers":{"x": 0, "memsync": 1}}', '{"servers":{"x": 0}}'),
        ('{"servers": {\n  "memsync": {\n  }\n}}', '{"servers": {}}'),
        ('{"servers": {\n  // mine\n  "memsync": 1, // too\n  "x": 0\n}}', '{"servers": {\n  // mine\n  // too\n  "x": 0\n}}'),
        ('{"servers": {\n  "x": 0, // a\n  "memsync": 1}}', '{"servers": {\n  "x": 0 // a\n  }}'),
        ('{"servers": {\n  "x": 0,\n  "memsync": 1,\n}}', '{"servers": {\n  "x": 0,\n}}'),
        ('{"memsync": 1}', '{"memsync": 1}'),
    ],
)  # fmt: skip
def test_a_member_that_is_taken_out_leaves_no_hole(before: str, after: str):
    assert take(before, PATH, comments=True) == after


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{\n  "a": 1\n  "b": 2\n}', "line 3, column 3: a comma or } is missing"),
        ('{"a": 01}', "line 1, column 7: this is no JSON"),
        ('{"a": truely}', "line 1, column 7: this is no JSON"),
        ('\ufeff{"a" 1}', "line 1, column 6: a colon is missing"),
        ('{"a": [1, }', "line 1, column 11: a value is missing"),
        ('{"a": 1', "line 1, column 8: the text ends too early"),
        ("{a: 1}", "line 1, column 2: this is no JSON"),
        ("{1: 1}", 'line 1, column 2: a key in "" is missing'),
        ("{} {}", "line 1, column 4: the text goes on after its end"),
        ('{"a": "\n"}', "line 1, column 7: this is no JSON"),
        ("[]", "line 1, column 1: an object must stand here"),
        ('{"servers": []}', "line 1, column 13: an object must stand here"),
        ('{"servers": {}, "servers": {}}', "line 1, column 17: 'servers' stands there a second time"),
        ('{"a": /* 1}', "line 1, column 7: this is no JSON"),
        ("[" * 200_000, "line 1, column 257: too much lies in one another"),
    ],
)  # fmt: skip
def test_a_text_that_is_not_valid_is_refused_with_line_and_column(text: str, where: str):
    for edit in (lambda: put(text, PATH, 1, comments=True), lambda: take(text, PATH, comments=True)):
        with pytest.raises(InputError) as caught:
            edit()
        assert str(caught.value) == where


@pytest.mark.parametrize("text", ["{ // c\n}", "{} /* c */", '{"a": 1,}', '{"a": [1,]}'])
def test_comments_and_trailing_commas_are_refused_for_a_reader_that_takes_none(text: str):
    assert put(text, PATH, 1, comments=True)
    with pytest.raises(InputError, match=r"line \d, column \d"):
        put(text, PATH, 1, comments=False)


@given(values)
def test_a_text_is_valid_here_exactly_when_it_is_for_python(value):
    text = json.dumps({"a": value})
    for at in range(0, len(text), 3):
        for cut in (text[:at] + text[at + 1 :], text[:at] + "," + text[at:]):
            try:
                json.loads(cut)
            except ValueError:
                with pytest.raises(InputError):
                    get(cut, (), comments=False)
            else:
                assert cut[:1] != "{" or get(cut, (), comments=False) == json.loads(cut)
