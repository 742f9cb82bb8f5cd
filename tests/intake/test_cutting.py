"""Long texts are cut where a reader would, and nothing of them is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.intake.cutting import LIMIT, cut_text

FAMILY = "👩🏽‍👩‍👧‍👦"
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
PIECES = st.sampled_from(
    ["\n\n", "\n", " ", "word", "```\n", "\n```", "é", FAMILY, "🇮🇹", "שלום", "日本", "\r\n", "~~~\n"]
)


@given(st.lists(PIECES, max_size=120).map("".join), st.integers(1, 60))
def test_the_pieces_are_the_text(text, limit):
    pieces = cut_text(text, limit)
    assert "".join(pieces) == text
    assert all(len(piece) <= limit for piece in pieces)
    assert all(pieces) or pieces == [""]


def test_a_text_of_the_limit_is_one_piece_and_one_more_is_two():
    assert len(cut_text("x" * LIMIT)) == 1
    assert [len(piece) for piece in cut_text("x" * (LIMIT + 1))] == [LIMIT, 1]


def test_cuts_fall_between_paragraphs_then_lines_then_words():
    paragraphs = "\n\n".join("p" * 300 for _ in range(40))
    assert all(piece.endswith("\n\n") for piece in cut_text(paragraphs)[:-1])
    lines = "\n".join("l" * 300 for _ in range(40))
    assert all(piece.endswith("\n") for piece in cut_text(lines)[:-1])
    words = " ".join("w" * 30 for _ in range(400))
    assert all(piece.endswith(" ") for piece in cut_text(words)[:-1])


def test_a_heading_alone_is_no_piece():
    pieces = cut_text("# Title\n\n" + "word " * 1500)
    assert all(len(piece) >= LIMIT // 4 for piece in pieces[:-1])


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_a_code_block_that_fits_is_not_cut(fence):
    code = f"{fence}py\n" + "a = 1\n\nb = 2\n" * 150 + f"{fence}\n"
    text = "intro " * 500 + "\n\n" + code + "\n" + "outro " * 500
    assert any(code in piece for piece in cut_text(text))


def test_a_code_block_that_is_too_long_is_cut_between_its_lines():
    code = "```\n" + "x = [1, 2, 3]\n" * 1000 + "```"
    assert all(piece.endswith("\n") for piece in cut_text(code)[:-1])


@pytest.mark.parametrize("cluster", [FAMILY, SCOTLAND, "🇮🇹", "e\u0301\u0323", "👋🏽", "❤️\u200d🔥", "1️⃣"])
def test_what_is_written_with_several_characters_stays_together(cluster):
    for shift in range(len(cluster)):
        pieces = cut_text("x" * shift + cluster * 3000)
        assert len(pieces) > 1
        for piece in pieces:
            assert not piece.lstrip("x").replace(cluster, "")
