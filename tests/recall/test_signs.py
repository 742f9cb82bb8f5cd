"""What tells of a time or a number is found by whole words as it is by the expressions that say what it is."""

from hypothesis import given
from hypothesis import strategies as st

from memsync.recall.signs import _NUMBERED, _TIMED, NUMBERED, TIMED, _timed_or_numbered
from memsync.recall.words import stems

WORDS = (
    "yesterday ago ages sinceSince weekend weekends 2020 20 x2020 2020_ _one one ones First last next this few night day days birthday "
    "Monday mondays second seconds 7th year yearly hours ada Straße éa 今日は 2\u00b2 \u0662\u0660\u0662\u0660 \u017fince"
).split()


@given(st.lists(st.sampled_from(WORDS), max_size=7), st.sampled_from([" ", "-", "_", ", ", "\n", "'", "\0"]))
def test_a_text_tells_of_times_and_numbers_as_the_expressions_say(words: list[str], between: str) -> None:
    text = between.join(words)
    said = TIMED * bool(_TIMED.search(text)) | NUMBERED * bool(_NUMBERED.search(text))
    assert _timed_or_numbered(text, stems(text)) == said
