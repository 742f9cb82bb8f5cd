"""Heads: only a contradiction to what was final is an alarm."""

from pathlib import Path

import pytest

from memsync.device.database import Database
from memsync.device.heads import Head, Heads
from memsync.errors import Forked, RolledBack


@pytest.fixture
def heads() -> Heads:
    return Heads(Database.in_memory())


def head(sequence: int, root: bytes = b"r", generation: int = 0) -> Head:
    return Head(sequence, root * 32, generation)


def test_a_fresh_device_has_seen_nothing_and_takes_anything(heads: Heads):
    assert heads.seen() is None
    assert heads.final() is None
    heads.check(5, b"x" * 32)
    heads.note(head(5))
    assert heads.seen() == head(5)
    assert heads.final() is None


def test_both_are_remembered_over_a_restart(tmp_path: Path):
    first = Database.open(tmp_path / "v.db", b"k" * 32)
    Heads(first).note(head(4), final=True)
    Heads(first).note(head(5, b"q", 1))
    first.close()
    again = Heads(Database.open(tmp_path / "v.db", b"k" * 32))
    assert (again.final(), again.seen()) == (head(4), head(5, b"q", 1))
    again.forget()
    assert (again.final(), again.seen()) == (None, None)


def test_below_the_final_one_is_rolled_back(heads: Heads):
    heads.note(head(4), final=True)
    for ask in (
        lambda: heads.check(3, b"r" * 32),
        lambda: heads.note(head(3)),
        lambda: heads.note(head(3), final=True),
    ):
        with pytest.raises(RolledBack, match="sequence 3, this device has seen 4 final"):
            ask()
    assert (heads.final(), heads.seen()) == (head(4), head(4))


def test_another_root_under_the_final_sequence_is_a_fork(heads: Heads):
    heads.note(head(4), final=True)
    with pytest.raises(Forked):
        heads.note(head(4, b"q"))
    heads.note(head(4))
    assert heads.seen() == head(4)


def test_what_was_not_final_may_be_undone(heads: Heads):
    heads.note(head(4), final=True)
    heads.note(head(6))
    heads.note(head(5, b"q"))
    assert heads.seen() == head(6)
    heads.note(head(6, b"q"))
    assert heads.seen() == head(6, b"q")
    heads.note(head(5, b"q"), final=True)
    assert (heads.final(), heads.seen()) == (head(5, b"q"), head(6, b"q"))


def test_a_generation_below_the_highest_seen_is_refused(heads: Heads):
    heads.note(head(4, generation=1), final=True)
    heads.note(head(5, generation=2))
    with pytest.raises(RolledBack, match="generation 1, this device has seen 2"):
        heads.note(head(6, generation=1))
    heads.note(head(6, generation=2))
    assert heads.seen() == head(6, generation=2)
