"""Who reaches what from every byte of a vault's life: thieves are set upon told stories and upon a life that the real code lived.

Each "reaches nothing" has its positive control, and each promise a leak put in on purpose that it must notice.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

from memsync.errors import CallRefused, ChainUnreachable, StorageError
from memsync.format.rights import READ
from memsync.ipld.dagcbor import decode
from tests.crypto.test_uniform import measure
from tests.format import claims, crowd, leaks, lives, real_life
from tests.format.disclosure import Form, Thief
from tests.format.lessons import Role, Secret, records
from tests.format.opening import pointed
from tests.format.random_life import Made
from tests.format.real_life import Biography, live
from tests.format.scribe import writing
from tests.format.story import Story
from tests.format.watched import Life, of_story, texts, told

STORIES = {"golden": lives.tell, "crowd": crowd.tell}


@cache
def story(name: str) -> tuple[Story, Life]:
    with writing() as record:
        made = STORIES[name]()
    return made, of_story(made, record)


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> Life:
    return live(tmp_path_factory.mktemp("life"))


@pytest.fixture(params=[*STORIES, "real"])
def life(request) -> Life:
    return request.getfixturevalue("real") if request.param == "real" else story(request.param)[1]


@pytest.fixture(scope="module")
def household(tmp_path_factory) -> Life:
    return live(tmp_path_factory.mktemp("household"), real_life.with_devices)


@pytest.fixture(params=[*STORIES, "household"])
def with_devices(request) -> Life:
    named = request.param == "household"
    return request.getfixturevalue("household") if named else story(request.param)[1]


def readers(life: Life, *, from_now_on: bool, ended: bool = False) -> list[str]:
    """Tools with one grant, to read, of this kind."""
    return [
        who
        for who, terms in life.tools.items()
        if len(terms) == 1
        and terms[0].reads
        and terms[0].from_now_on == from_now_on
        and (terms[0].ended is not None) == ended
    ]


def key_of(life: Life, role: Role, scope: bytes, number: int) -> Secret:
    return next(one for one in life.truth.have(role) if (one.scope, one.number) == (scope, number))


def epochs_of(life: Life, thief: Thief, scope: bytes) -> set[int]:
    """The epochs of which a thief reads a segment."""
    found = (one for one in thief.opened.values() if one.place.kind == "segment" and one.place.scope == scope)
    return {life.number(one) for one in found}


def segments(thief: Thief) -> set[bytes]:
    return {sealed.digest for sealed, one in thief.opened.items() if one.place.kind == "segment"}


# The search itself


def test_all_parties_together_open_everything_by_the_rules_of_the_format(life):
    together = Thief(life.public).go(secret for held in life.holds.values() for secret in held)
    assert {one.form for one in together.closed} <= {Form.SLOT, Form.ENTRY}
    assert {sealed: one.place for sealed, one in together.opened.items()} == {
        sealed: life.places[sealed] for sealed in life.truth.opened
    }
    for sealed, opened in together.opened.items():
        assert opened.plaintext == life.written[sealed.digest].plaintext


@pytest.mark.parametrize("name", STORIES)
def test_what_each_party_opens_is_what_the_ledger_says(name):
    told_story, life = story(name)
    by_name = {one.name: one.data for one in told_story.ledger.sealed}
    for who in life.holds:
        expected = {by_name[one] for one in told_story.ledger.opens(told_story.ledger.holds[who])}
        assert {one.data for one in life.thief(who).opened} == expected, who


def test_a_reader_finds_its_way_without_being_told(life):
    who = [*readers(life, from_now_on=True), *readers(life, from_now_on=True, ended=True)][0]
    assert segments(life.thief(who, told=False)) == segments(life.thief(who)) != set()


def test_the_words_open_all_but_boxes_of_others(life):
    closed = {life.places[one].kind for one in life.truth.opened.keys() - life.thief("owner").opened.keys()}
    assert closed == {"envelope", "slot"}


# Promises


def test_each_tool_opens_what_the_table_says_and_nothing_else(life):
    assert claims.beyond_the_table(life) == set()
    assert all(life.thief(who).opened for who in life.tools)


def test_a_reader_of_one_scope_reaches_nothing_of_another(life):
    assert claims.other_scopes(life) == set()
    who, terms = next((who, terms[0]) for who, terms in life.tools.items() if terms[0].reads)
    other = min(life.scopes - {terms.scope})
    reached = life.with_secrets([*life.holds[who], key_of(life, Role.EPOCH, other, 0)])
    assert epochs_of(life, reached, other) == {0}, "control: with one key of it, it reads the other scope"


def test_no_key_of_an_epoch_reaches_a_later_epoch(life):
    assert claims.later_epochs(life) == set()
    for scope in life.scopes:
        numbers = {number for one, number in life.epochs.values() if one == scope}
        last = life.with_secrets([key_of(life, Role.EPOCH, scope, max(numbers)), *life.pointers])
        assert epochs_of(life, last, scope) == epochs_of(life, life.truth, scope), (
            "control: back to the first"
        )


def test_a_reader_from_now_on_reaches_nothing_from_before_its_grant(life):
    assert claims.the_past(life) == set()
    for who in readers(life, from_now_on=True):
        (terms,), thief = life.tools[who], life.thief(who)
        before = life.number_at(terms.scope, terms.granted) - 1
        key = key_of(life, Role.EPOCH, terms.scope, before)
        more = life.with_secrets([*life.holds[who], key])
        assert len(segments(more)) > len(segments(thief)), "control: with the key of the epoch before"


def test_a_from_now_on_reader_reads_every_epoch_since_its_grant_by_its_own_since_block(life):
    found = set()
    for who in [*readers(life, from_now_on=True), *readers(life, from_now_on=True, ended=True)]:
        thief = life.thief(who)
        found |= {life.when(one) for one in thief.opened.values() if one.place.kind == "since"}
        assert {
            one.by.value for one in thief.opened.values() if one.place.kind == "since"
        } <= life.since_keys(who)
    assert len(found) > 1


def test_a_removed_device_reaches_no_later_epoch_and_no_later_generation(with_devices):
    life = with_devices
    assert claims.after_removal(life) == set()
    for device, removed in life.devices.items():
        if removed is None:
            continue
        for scope in life.scopes:
            reached = epochs_of(life, life.thief(device), scope)
            assert reached == {
                n for n in epochs_of(life, life.truth, scope) if n <= life.number_at(scope, removed - 1)
            }
            assert epochs_of(life, life.thief("laptop"), scope) > reached, "control: the device that stays"
        last = max(life.truth.have(Role.GENERATION), key=lambda one: one.number)
        again = life.with_secrets([*life.holds[device], last, *life.pointers])
        assert segments(again) == segments(life.truth), "control: with the last W"


def test_a_reader_whose_grant_ended_reaches_nothing_sealed_after_the_push_that_noticed(life):
    assert claims.after_the_end(life) == set()
    for who in readers(life, from_now_on=False, ended=True):
        (terms,) = life.tools[who]
        assert segments(life.thief(who, told=False)), "control: it reads what came before"
        assert terms.ended is not None
        key = key_of(life, Role.EPOCH, terms.scope, life.number_at(terms.scope, terms.ended))
        more = life.with_secrets([*life.holds[who], key])
        assert segments(more) > segments(life.thief(who)), "control: with the key of the next epoch"


def test_a_tool_that_may_only_write_reaches_nothing(life):
    assert claims.more_than_an_envelope(life) == set()
    writers = [who for who, terms in life.tools.items() if not any(one.reads for one in terms)]
    for who in writers:
        thief = life.thief(who)
        assert thief.have(Role.PAIRWISE), "control: it opens its envelope"
        assert any(any(pointed(key, life.public)) for key in thief.have(Role.PARCEL)), "and finds its parcels"
    assert writers


def test_who_has_every_public_byte_and_no_key_opens_nothing(life):
    assert claims.without_a_key(life) == set()
    assert life.with_secrets(life.pointers[:1]).opened, "control: with one pointer key"


def test_a_later_generation_reaches_the_earlier_and_never_the_reverse(with_devices):
    life = with_devices
    assert claims.later_generations(life) == set()
    key = next(one for one in life.truth.have(Role.GENERATION) if one.number == 1)
    thief = life.with_secrets([key, *life.pointers])
    opened = [one for one in thief.opened.values() if one.place.kind == "owner"]
    assert {decode(one.plaintext)["generation"] for one in opened} == {0, 1}, "and none of a second removal"
    boxes = {one.number for one in life.truth.have(Role.BOX) if one in thief.secrets}
    assert boxes >= {0, 1}, "and the letter boxes of both"


def test_a_reader_learns_of_no_other_readers_slot_name_or_key(life):
    assert claims.other_readers(life) == set()
    opened = [one for one in life.thief("owner").opened.values() if one.place.kind == "owner"]
    assert claims.named(life, opened, set()) == life.marks().keys() != set(), (
        "control: the owner block names all"
    )


def read_together(life: Life, parties: list[str]) -> set[bytes]:
    """Segments that those open together of whom none opens them alone."""
    alone = {who: segments(life.thief(who)) for who in parties}
    groups: dict[tuple[str, ...], set[bytes]] = {}
    for digest in segments(life.truth):
        without = tuple(who for who in parties if digest not in alone[who])
        groups.setdefault(without, set()).add(digest)
    return {digest for group, kept in groups.items() for digest in kept & segments(life.thief(*group))}


def test_tools_that_can_not_read_a_segment_alone_can_not_read_it_together(life):
    assert read_together(life, [*life.tools]) == set()
    assert segments(life.thief(*life.tools))


@pytest.mark.parametrize("name", STORIES)
def test_a_removed_device_and_tools_read_nothing_together_that_none_reads_alone(name):
    life = story(name)[1]
    assert read_together(life, [*life.tools, "phone"]) == set()


def test_equal_plaintexts_are_sealed_to_different_bytes(life):
    assert claims.seen_twice(life) == set()
    plaintexts = [life.written[sealed.digest].plaintext for sealed in life.places]
    assert len(plaintexts) - len(set(plaintexts)) > 10, "control: there are many equal ones"


# What is forgotten


def test_a_later_reader_reads_the_forgotten_from_kept_bytes_only():
    with writing() as record:
        made = Story("forgotten")
        made.add_scope("personal")
        secret = made.remember("personal", "To be forgotten.")
        made.remember("personal", "To be kept.")
        made.push()
        made.forget("personal", secret)
        made.push()
        made.grant("Reader", "personal", READ)
        made.push()
    kept = of_story(made, record)
    scope, root = made.scopes["personal"], made.root(made.heads[-1])
    left = {root.digest, root.access.digest, root.owner.digest, made.grants["Reader"].link.envelope}
    left |= set(made.catalog(scope).digests(scope.catalog))
    made.blocks = {digest: data for digest, data in made.blocks.items() if digest in left}
    assert texts(of_story(made, record).thief("Reader")) == {"To be kept."}
    assert texts(kept.thief("Reader", told=False)) == {"To be kept.", "To be forgotten."}


# Uniformity


def test_the_sealed_blocks_of_whole_lives_look_random_and_the_boxes_do_not():
    sealed, boxed = [], []
    for label in range(3):
        for tell in STORIES.values():
            life = told(lambda tell=tell, label=label: tell(f"{tell.__module__} {label}"))
            for one, place in life.places.items():
                if one.form is Form.BLOCK:
                    into = boxed if place.kind in ("envelope", "parcel") else sealed
                    into += [one.data[at : at + 4096] for at in range(0, len(one.data), 4096)]
    assert len(sealed) > 500
    assert measure(sealed).looks_random()
    assert not measure(boxed).looks_random(), "control: X25519 values are below 2^255"


# Lives that nobody thought of


@pytest.mark.parametrize("seed", range(2 if settings.default.max_examples <= 100 else 200))
def test_a_life_made_up_at_random_keeps_every_promise(seed, tmp_path):
    made = Made(seed)
    life = live(tmp_path, made)
    for claim in {claim for _, claim in NOTICED.values()}:
        assert claim(life) == set(), (claim.__name__, made.deeds)


# A grant that never was


def refuse() -> None:
    raise CallRefused("DeadlinePassed", {"deadline": 1})


def lose() -> None:
    raise ChainUnreachable("lost on the way there")


@pytest.mark.parametrize(
    "fault",
    [
        "refused by the chain",
        "not confirmed by the store",
        "lost until its time is over",
    ],
)
def test_a_tool_whose_grant_was_never_made_reads_nothing_that_came_after(fault, tmp_path):
    def failed(world: Biography) -> None:
        world.mine.remember("Before the grant.")
        world.mine.push()
        world.archive.denies = fault == "not confirmed by the store"
        world.witness.rival = {"refused by the chain": refuse, "lost until its time is over": lose}.get(fault)
        with pytest.raises((CallRefused, ChainUnreachable, StorageError)):
            world.share("Tool", "personal", until="2h")
        world.archive.denies = False
        world.pass_time(3 * 3600)
        world.mine.remember("After the grant failed.")
        world.mine.push()
        assert world.witness.grants == frozenset()

    life = live(tmp_path, failed)
    assert texts(life.truth) >= {"Before the grant.", "After the grant failed."}
    thief = life.thief("Tool", told=False)
    assert "Before the grant." in texts(thief), "control: its envelope lies in the store"
    assert "After the grant failed." not in texts(thief)


def test_the_graph_notices_since_blocks_whose_key_two_can_make_together(monkeypatch):
    leaks.since_block_under_the_content_key_and_a_secret(monkeypatch)
    life = told(STORIES["crowd"])
    assert read_together(life, [*life.tools, "phone"])


# Devices that were removed


def test_a_stolen_device_opens_nothing_at_all_of_what_was_published_after(household):
    life, stolen = household, household.devices["tablet"]
    own, told_all = life.thief("tablet", told=False), life.thief("tablet")
    assert stolen is not None
    for thief in (own, told_all):
        assert [life.name(one) for one in thief.opened.values() if life.when(one) >= stolen] == []
    assert texts(told_all) >= {"After the phone.", "By the tablet, which follows."}
    assert not texts(told_all) & {"After the tablet.", "After the tablet, work."}
    lost = life.thief("phone", told=False)
    removed = life.devices["phone"]
    assert {one.place.kind for one in lost.opened.values() if life.when(one) >= removed} == {
        "root",
        "access",
    }, "control: a removed one that was not reported stolen sees roots, by the same locator"


def test_a_removed_device_opens_no_parcel_that_came_after(household):
    parcels = {
        life_name(household, one) for one in household.truth.opened.values() if one.place.kind == "parcel"
    }
    phone = {
        life_name(household, one)
        for one in household.thief("phone").opened.values()
        if one.place.kind == "parcel"
    }
    assert phone == {name for name in parcels if "Before the phone was lost." in name} != parcels


def life_name(life: Life, opened) -> str:
    return ", ".join(draft["text"] for draft in records("parcel", opened.plaintext))


# Leaks on purpose

NOTICED = {
    leaks.since_block_under_the_vaults_id: ("golden", claims.after_removal),
    leaks.since_block_under_the_content_key_alone: ("crowd", claims.the_past),
    leaks.one_pairwise_secret_for_all: ("crowd", claims.other_readers),
    leaks.next_key_from_the_last: ("short", claims.later_epochs),
    leaks.last_key_from_the_next: ("short", claims.the_past),
    leaks.new_scopes_key_from_the_firsts: ("short", claims.other_scopes),
    leaks.whole_key_in_the_slot: ("short", claims.the_past),
    leaks.whole_key_in_the_envelope: ("short", claims.the_past),
    leaks.forgotten_rewritten_under_the_current_key: ("short", claims.the_past),
    leaks.rewrite_under_the_old_object_id: ("crowd", claims.after_the_end),
    leaks.rotation_after_sealing: ("short", claims.after_the_end),
    leaks.slot_kept_by_who_has_ended: ("short", claims.after_the_end),
    leaks.slots_boxed_to_every_reader: ("short", claims.other_readers),
    leaks.epoch_key_for_a_pairwise_secret: ("short", claims.more_than_an_envelope),
    leaks.scopes_that_do_not_rotate_with_a_removal: ("household", claims.after_removal),
    leaks.slot_kept_by_a_removed_device: ("household", claims.after_removal),
    leaks.pointer_key_for_ever: ("golden", claims.after_the_end),
    leaks.locator_that_everybody_knows: ("short", claims.without_a_key),
    leaks.generation_from_the_one_before: ("golden", claims.later_generations),
    leaks.one_letter_box_for_all_generations: ("golden", claims.after_removal),
    leaks.one_salt_for_all: ("golden", claims.seen_twice),
    leaks.tags_without_the_roots_salt: ("golden", claims.seen_twice),
}


LIVED = {"short": real_life.in_short, "household": real_life.with_devices}


def lived(name: str, folder: Path) -> Life:
    return live(folder, LIVED[name]) if name in LIVED else told(STORIES[name])


@pytest.mark.parametrize("leak", NOTICED, ids=lambda leak: leak.__name__)
def test_the_graph_notices_a_leak(leak, monkeypatch, tmp_path):
    name, claim = NOTICED[leak]
    leak(monkeypatch)
    assert claim(lived(name, tmp_path))


def test_without_a_leak_the_short_life_keeps_every_promise(tmp_path):
    life = lived("short", tmp_path)
    for _, claim in NOTICED.values():
        assert claim(life) == set(), claim.__name__
