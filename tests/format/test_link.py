from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.errors import FormatError, InputError
from memsync.format.link import Link, read_link
from tests.format.vectors import Refused, cases, load
from tests.vectors import samples as s

VECTORS = load("link")


@pytest.mark.parametrize("good", VECTORS["good"])
def test_the_links_of_the_vectors_are_written_and_read(good):
    link = Link(
        good["chain"],
        bytes.fromhex(good["contract"]),
        bytes.fromhex(good["vault"]),
        bytes.fromhex(good["envelope"]),
        tuple(good["places"]),
    )
    assert str(link) == good["text"]
    assert read_link(good["text"]) == link


@cases(VECTORS["bad"])
def test_a_link_in_any_other_spelling_is_refused(case):
    with Refused(case["what"], case["fault"]):
        read_link(case["text"])


@pytest.mark.parametrize(
    "parts",
    [
        (0, bytes(20), bytes(32), bytes(32)),
        (2**53, bytes(20), bytes(32), bytes(32)),
        (1, bytes(19), bytes(32), bytes(32)),
        (1, bytes(20), bytes(20), bytes(32)),
        (1, bytes(20), bytes(32), bytes(31)),
        (1, bytes(20), bytes(32), bytes(32), ("http://a.example",)),
        (1, bytes(20), bytes(32), bytes(32), ("https://a.example",) * 2),
    ],
)
def test_a_link_that_could_not_be_read_can_not_be_made(parts):
    with pytest.raises(InputError) as refused:
        Link(*parts)
    assert not isinstance(refused.value, FormatError)


@given(st.text(max_size=200))
def test_any_text_ends_in_a_link_or_in_one_error(text):
    for candidate in (text, "memsync:1:" + text, str(s.link_to(bytes(32))) + "?at=" + text):
        try:
            link = read_link(candidate)
        except FormatError:
            continue
        assert str(link) == candidate


@given(st.integers(0, 400), st.integers(0, 127))
def test_a_character_changed_gives_another_link_or_none(at, code):
    text = VECTORS["good"][1]["text"]
    at %= len(text)
    changed = text[:at] + chr(code) + text[at + 1 :]
    try:
        link = read_link(changed)
    except FormatError:
        return
    assert str(link) == changed
