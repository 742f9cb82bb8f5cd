"""Scopes, contacts, disclosures and history: the small tables a person looks at."""

import pytest

from memsync.device.contacts import Contacts, grouped
from memsync.device.database import Database
from memsync.device.disclosures import Disclosure, Disclosures
from memsync.device.history import Deed, History
from memsync.device.scopes import Scope, Scopes
from memsync.errors import InputError, IntegrityError, NotFoundError

HOME, WORK = b"h" * 16, b"w" * 16
ADA, BOB = b"\xad" * 20, b"\xb0" * 20


@pytest.fixture
def database() -> Database:
    return Database.in_memory()


def test_a_scope_is_found_by_name_and_by_id(database: Database):
    scopes = Scopes(database)
    scopes.add(HOME, "personal")
    scopes.add(WORK, "work")
    assert scopes.id_of("work") == WORK
    assert scopes.name_of(HOME) == "personal"
    assert scopes.all() == [Scope(HOME, "personal"), Scope(WORK, "work")]
    scopes.rename(WORK, "job")
    assert scopes.id_of("job") == WORK
    with pytest.raises(NotFoundError, match="there are: job, personal"):
        scopes.id_of("work")


def test_a_name_belongs_to_one_scope(database: Database):
    scopes = Scopes(database)
    scopes.add(HOME, "personal")
    with pytest.raises(InputError, match="already"):
        scopes.add(WORK, "personal")
    scopes.rename(HOME, "personal")
    scopes.remove(HOME)
    scopes.add(WORK, "personal")
    assert (scopes.id_of("personal"), scopes.name_of(HOME)) == (WORK, HOME.hex()[:8])


def test_an_owner_block_replaces_all_names_also_swapped_ones(database: Database):
    scopes = Scopes(database)
    scopes.add(HOME, "a")
    scopes.add(WORK, "b")
    scopes.add(b"x" * 16, "c")
    scopes.replace_all([Scope(HOME, "b"), Scope(WORK, "a")])
    assert scopes.all() == [Scope(WORK, "a"), Scope(HOME, "b")]


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb", "a\x7fb", "\ud800"])
def test_names_that_no_scope_may_have_are_refused(name: str, database: Database):
    scopes = Scopes(database)
    with pytest.raises(InputError):
        scopes.add(HOME, name)
    assert scopes.all() == []
    for good in ("x" * 64, "Familie Übermüller", "仕事"):
        scopes.rename(HOME, good)


def meet(
    contacts: Contacts,
    *,
    account: bytes = ADA,
    name: str = "ada",
    fingerprint: bytes = b"f" * 16,
    now: int = 1,
):
    return contacts.meet(account=account, name=name, fingerprint=fingerprint, card=b"card %d" % now, now=now)


def test_a_contact_is_remembered_and_its_newer_card_taken(database: Database):
    contacts = Contacts(database)
    first = meet(contacts)
    assert contacts.named("ada") == contacts.of_account(ADA) == first
    newer = meet(contacts, name="ada l.", now=9)
    assert (newer.added, newer.seen, newer.card, newer.name) == (1, 9, b"card 9", "ada l.")
    assert contacts.all() == [newer]
    with pytest.raises(NotFoundError, match="there are: ada l"):
        contacts.named("ada")


def test_a_changed_key_is_refused_until_the_contact_is_removed(database: Database):
    contacts = Contacts(database)
    known = meet(contacts)
    for change in ({"fingerprint": b"g" * 16}, {"account": BOB}, {"account": BOB, "fingerprint": b"g" * 16}):
        with pytest.raises(IntegrityError, match="the key of 'ada' has changed"):
            meet(contacts, **change)
    assert contacts.all() == [known]
    meet(contacts, account=BOB, name="bob", fingerprint=b"g" * 16)
    contacts.remove(ADA)
    assert meet(contacts, fingerprint=b"g" * 16).fingerprint == b"g" * 16


def test_a_fingerprint_is_shown_as_it_is_compared():
    assert grouped(bytes(range(16))) == "0001 0203 0405 0607 0809 0a0b 0c0d 0e0f"


def test_disclosures_are_found_by_receiver_scope_time_and_memory(database: Database):
    ledger = Disclosures(database)
    one = Disclosure(10, "cursor", "mcp", "recall", HOME, "where do I live?", (b"1" * 16, b"2" * 16))
    two = Disclosure(20, "claude", "http", "recall", WORK, None, (b"2" * 16,))
    # The bytes of an id across two others are no disclosure of it.
    three = Disclosure(30, "cursor", "mcp", "recall", WORK, "", (b"3" * 8 + b"4" * 8, b"4" * 8 + b"3" * 8))
    for disclosure in (one, two, three):
        ledger.append(disclosure)
    assert ledger.query() == [three, two, one]
    assert ledger.query(who="cursor") == [three, one]
    assert ledger.query(scope=WORK) == [three, two]
    assert ledger.query(since=20, until=30) == [two]
    assert ledger.query(memory=b"2" * 16) == [two, one]
    assert ledger.query(memory=b"4" * 16) == []
    assert ledger.query(limit=1) == [three]
    assert ledger.counts() == {"claude": 1, "cursor": 2}
    assert ledger.counts(since=20) == {"claude": 1, "cursor": 1}


def test_history_is_told_latest_first(database: Database):
    history = History(database)
    deeds = [
        Deed(1, "open", 1, 100, b"t" * 32, "opened the vault"),
        Deed(2, "push", 2, None, None, "pushed 3 memories"),
        Deed(3, "grant", None, None, None, "granted work to ada"),
    ]
    for deed in deeds:
        history.append(deed)
    assert history.latest() == deeds[::-1]
    assert history.latest(1) == deeds[2:]
