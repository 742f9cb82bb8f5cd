"""Python's collector looks more seldom while a deed makes many values, and as before after it."""

import gc
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from memsync.collector import SELDOM, many_values

USUAL = (700, 10, 10)


@pytest.fixture(autouse=True)
def as_by_default() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*USUAL)
    yield
    gc.set_threshold(*before)


def test_it_looks_more_seldom_inside_and_as_before_after_also_when_the_deed_failed() -> None:
    def fail() -> None:
        with many_values():
            assert gc.get_threshold() == (SELDOM, *USUAL[1:])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert gc.get_threshold() == USUAL


def test_of_deeds_that_overlap_the_last_to_end_puts_it_back() -> None:
    first, second = ExitStack(), ExitStack()
    first.enter_context(many_values())
    second.enter_context(many_values())
    first.close()
    assert gc.get_threshold()[0] == SELDOM
    second.close()
    assert gc.get_threshold() == USUAL


@pytest.mark.parametrize("chosen", [(0, 10, 10), (1_000_000, 5, 5)])
def test_who_has_switched_it_off_or_made_it_rarer_finds_it_so(chosen: tuple[int, int, int]) -> None:
    gc.set_threshold(*chosen)
    with many_values():
        assert gc.get_threshold() == chosen
    assert gc.get_threshold() == chosen
