"""The journal and the attempts that carry its entries to the chain: nothing leaves before the commit that holds it is final."""

import os
from pathlib import Path

import pytest

from memsync.device.attempts import Attempt, Attempts
from memsync.device.database import Database
from memsync.device.journal import Journal, Wish
from memsync.errors import InputError, NotFoundError

SCOPE = b"s" * 16


@pytest.fixture
def database() -> Database:
    return Database.in_memory()


def texts(journal: Journal) -> list[bytes]:
    return [entry.payload for entry in journal.entries()]


def fill(journal: Journal, *payloads: bytes) -> list[int]:
    return [journal.append("remember", payload, created=1, scope=SCOPE).ordinal for payload in payloads]


def begin(database: Database, sequence: int, root: bytes, entries: list[int], deadline: int = 600) -> Attempt:
    return Attempts(database).begin(
        sequence=sequence,
        root=root * 32,
        call=b"signed " + root,
        blocks=[root * 32, b"\x01" * 32],
        entries=entries,
        deadline=deadline,
        created=1000,
    )


def test_entries_keep_their_order_and_all_that_was_said(tmp_path: Path):
    key = os.urandom(32)
    first = Journal(Database.open(tmp_path / "v.db", key))
    one = first.append("remember", b"a", created=5, scope=SCOPE)
    other = first.append("grant", b"b", created=6)
    first.append_many([Wish("remember", b"c", 7, SCOPE), Wish("forget", b"d", 8, b"t" * 16)])
    again = Journal(Database.open(tmp_path / "v.db", key))
    assert again.entries()[:2] == [one, other]
    assert texts(again) == [b"a", b"b", b"c", b"d"]
    assert (one.kind, one.scope, one.created, other.scope) == ("remember", SCOPE, 5, None)
    assert [entry.payload for entry in again.entries(kind="remember")] == [b"a", b"c"]
    assert [entry.payload for entry in again.entries(scope=SCOPE)] == [b"a", b"c"]
    assert again.count() == 4


def test_an_entry_that_is_taken_back_is_gone(database: Database):
    journal = Journal(database)
    [first, *_] = fill(journal, b"a", b"b")
    journal.remove([first])
    assert texts(journal) == [b"b"]


def test_an_ordinal_is_never_given_twice(database: Database):
    journal = Journal(database)
    gone = fill(journal, b"a", b"b")
    journal.remove(gone)
    assert not set(fill(journal, b"c", b"d")) & set(gone)


def test_many_entries_are_kept_together_or_not_at_all(database: Database):
    def broken():
        yield Wish("remember", b"a", 1)
        raise RuntimeError

    journal = Journal(database)
    with pytest.raises(RuntimeError):
        journal.append_many(broken())
    assert texts(journal) == []


def test_a_payload_does_not_show_in_a_repr(database: Database):
    entry = Journal(database).append("remember", b"my diary", created=1)
    assert "diary" not in repr(entry)
    assert "remember" in repr(entry)


def test_an_attempt_is_there_again_byte_for_byte(tmp_path: Path):
    key = os.urandom(32)
    database = Database.open(tmp_path / "v.db", key)
    made = begin(database, 4, b"r", fill(Journal(database), b"a"))
    again = Attempts(Database.open(tmp_path / "v.db", key))
    assert again.live() == [made]
    assert again.latest() == again.get(made.number) == made
    assert (made.call, made.blocks, made.sent, made.proof) == (
        b"signed r",
        (b"r" * 32, b"\x01" * 32),
        None,
        None,
    )
    again.sent(made.number, at=2000, proof=b"p" * 32)
    again.sent(made.number, at=3000)
    assert (again.get(made.number).sent, again.get(made.number).proof) == (3000, b"p" * 32)


def test_entries_stay_until_the_commit_that_holds_them_is_final(database: Database):
    journal, attempts = Journal(database), Attempts(database)
    one, other, later = fill(journal, b"a", b"b", b"c")
    attempt = begin(database, 4, b"r", [one, other])
    assert texts(journal) == [b"a", b"b", b"c"]
    assert [entry.ordinal for entry in journal.free()] == [later]
    assert journal.of_attempt(attempt.number) == {one, other}
    settled = attempts.settle(3, {b"x" * 32})
    assert (settled.landed, settled.entries, settled.lost) == ((), 0, ())
    assert texts(journal) == [b"a", b"b", b"c"]
    settled = attempts.settle(4, {b"r" * 32})
    assert (settled.landed, settled.entries, settled.lost) == ((attempt,), 2, ())
    assert texts(journal) == [b"c"]
    assert attempts.live() == []
    with pytest.raises(NotFoundError):
        attempts.get(attempt.number)


def test_entries_of_an_attempt_that_lost_are_free_for_the_next(database: Database):
    journal, attempts = Journal(database), Attempts(database)
    entries = fill(journal, b"a")
    attempt = begin(database, 4, b"r", entries)
    settled = attempts.settle(4, {b"another root's".ljust(32)})
    assert (settled.landed, settled.entries, settled.lost) == ((), 0, (attempt,))
    assert [entry.ordinal for entry in journal.free()] == entries


def test_an_attempt_that_landed_under_a_later_final_head_is_found_by_its_root(database: Database):
    journal, attempts = Journal(database), Attempts(database)
    ours, lost = fill(journal, b"a", b"b")
    landed = begin(database, 4, b"r", [ours])
    failed = begin(database, 5, b"q", [lost])
    settled = attempts.settle(6, {b"r" * 32, b"x" * 32, b"y" * 32})
    assert (settled.landed, settled.lost) == ((landed,), (failed,))
    assert texts(journal) == [b"b"]


def test_of_two_attempts_with_the_same_entry_either_may_land(database: Database):
    journal, attempts = Journal(database), Attempts(database)
    one, other = fill(journal, b"a", b"b")
    abandoned = begin(database, 4, b"r", [one])
    second = begin(database, 4, b"q", [one, other])
    assert attempts.at(4) == [abandoned, second]
    settled = attempts.settle(4, {b"r" * 32})
    assert (settled.landed, settled.lost) == ((abandoned,), (second,))
    assert texts(journal) == [b"b"]


def test_blocks_of_live_attempts_are_named_until_they_are_over(database: Database):
    attempts = Attempts(database)
    begin(database, 4, b"r", [])
    begin(database, 5, b"q", [], deadline=900)
    assert attempts.live_blocks() == {b"r" * 32, b"q" * 32, b"\x01" * 32}
    attempts.settle(4, {b"r" * 32})
    assert attempts.live_blocks() == {b"q" * 32, b"\x01" * 32}
    attempts.expire(901)
    assert attempts.live_blocks() == set()


def test_an_attempt_lives_through_its_deadline_and_not_beyond(database: Database):
    journal, attempts = Journal(database), Attempts(database)
    entries = fill(journal, b"a")
    attempt = begin(database, 4, b"r", entries, deadline=600)
    assert attempts.expire(600) == []
    assert attempts.live() == [attempt]
    assert journal.free() == []
    assert attempts.expire(601) == [attempt]
    assert attempts.live() == []
    assert [entry.ordinal for entry in journal.free()] == entries


def test_one_that_was_never_sent_can_be_dropped(database: Database):
    journal, attempts = Journal(database), Attempts(database)
    entries = fill(journal, b"a")
    attempts.drop(begin(database, 4, b"r", entries).number)
    assert attempts.latest() is None
    assert [entry.ordinal for entry in journal.free()] == entries


def test_digests_of_another_length_are_refused(database: Database):
    with pytest.raises(InputError):
        Attempts(database).begin(
            sequence=1, root=b"r" * 31, call=b"", blocks=[], entries=[], deadline=1, created=1
        )
    assert Attempts(database).live() == []
