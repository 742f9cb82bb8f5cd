"""The devices of one person: added without the words, removed with them, and what a removed one can still do: nothing new."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from memsync.chain.calls import Commit, SetSigner, SignedCall, sign_call
from memsync.crypto.tree import RootKey
from memsync.crypto.words import from_words
from memsync.errors import (
    AccessError,
    CallRefused,
    ChainError,
    ChainUnreachable,
    DeviceRemoved,
    FormatError,
    InputError,
    LockedError,
    NotFoundError,
    PointerInvalid,
    SignatureInvalid,
    StorageError,
    WrongWords,
)
from memsync.format.pairing import sign_request, write_request
from memsync.sync.removal import removal_under_way
from memsync.sync.standing import find_root
from memsync.testing import MemoryRegistry
from memsync.vault import Vault
from tests.flow.actions import Household, texts


@pytest.fixture
def home(tmp_path: Path):
    made = Household(tmp_path)
    yield made
    made.close()


def names(vault: Vault) -> list[str]:
    return [one.name for one in vault.devices()]


def lasting(vault: Vault) -> tuple[object, ...]:
    """What a failed verb must leave as it was."""
    at = vault._replica
    return at.keys(), at.heads.seen(), at.journal.count(), at.memories.count(), vault.devices()


# Adding


def test_a_device_comes_to_the_vault_by_request_and_answer_without_the_words(home):
    phone = home.added("phone")
    assert texts(phone) == {"Before everything."}
    phone.remember("From the phone.")
    phone.push()
    home.laptop.pull()
    assert texts(home.laptop) == {"Before everything.", "From the phone."}
    assert names(home.laptop) == names(phone) == ["laptop", "phone"]
    assert [one.this for one in phone.devices()] == [False, True]
    with pytest.raises(LockedError, match="paper"):
        _ = phone.words


def test_both_sides_show_the_same_fingerprints(home):
    folder = home.home()
    request = home.asks("phone", folder)
    added = home.laptop.add_device(write_request(request))
    assert added.device.fingerprint == request.fingerprint
    phone = home.joins(folder, added.answer, vault=added.vault)
    assert phone.devices()[1].fingerprint == request.fingerprint


def test_an_answer_opens_on_no_other_device_and_for_no_other_request(home):
    first, second = home.home(), home.home()
    request = home.asks("phone", first)
    home.asks("tablet", second)
    answer = home.laptop.add_device(request).answer
    with pytest.raises(InputError, match="not to this device's last request"):
        home.joins(second, answer)
    home.asks("phone", first)  # it asks once more, with new keys
    with pytest.raises(InputError, match="not to this device's last request"):
        home.joins(first, answer)


def test_a_failed_joining_leaves_the_request_and_nothing_else_and_can_be_repeated(home):
    folder = home.home()
    answer = home.laptop.add_device(home.asks("phone", folder)).answer
    home.registry.reachable = False
    with pytest.raises(ChainUnreachable):
        home.joins(folder, answer)
    home.registry.reachable = True
    kept = {path.name for path in (folder / "vaults" / "default").iterdir()}
    assert kept <= {"joining", "lock", "blocks"}
    assert texts(home.joins(folder, answer)) == {"Before everything."}
    assert not (folder / "vaults" / "default" / "joining").exists()
    with pytest.raises(NotFoundError, match="asked nobody"):
        home.joins(home.home(), answer)


def test_another_chain_is_refused_and_named(home):
    folder = home.home()
    answer = home.laptop.add_device(home.asks("phone", folder)).answer
    with pytest.raises(ChainError, match="lives on chain 31337"):
        home.joins(folder, answer, registry=MemoryRegistry(chain_id=5))


def test_keys_of_another_vault_than_the_one_shown_are_refused(home):
    folder, stranger = home.home(), home.vault(pushed=True)
    request = home.asks("phone", folder)
    shown = home.laptop.add_device(request).vault
    with pytest.raises(LockedError, match="the other device shows"):
        home.joins(folder, stranger.add_device(request).answer, vault=shown)


@pytest.mark.parametrize("field", ["name", "box", "author", "issued", "nonce", "signature"])
def test_an_altered_request_is_refused(home, field):
    data = json.loads(write_request(home.asks("phone", home.home())))
    other = json.loads(write_request(home.asks("tablet", home.home())))
    data[field] = data[field] + 1 if field == "issued" else other[field]
    before = lasting(home.laptop)
    with pytest.raises(SignatureInvalid):
        home.laptop.add_device(json.dumps(data).encode())
    assert lasting(home.laptop) == before


def test_what_is_no_request_is_refused(home):
    for data in (b"", b"{}", b"[]", b"\xff", b'{"memsync":"card","version":1}', b"x" * 5000):
        with pytest.raises(FormatError):
            home.laptop.add_device(data)


def test_an_altered_answer_is_refused(home):
    folder = home.home()
    answer = home.laptop.add_device(home.asks("phone", folder)).answer
    data = json.loads(answer)
    middle = len(data["sealed"]) // 2
    data["sealed"] = (
        data["sealed"][:middle]
        + ("A" if data["sealed"][middle] != "A" else "B")
        + data["sealed"][middle + 1 :]
    )
    with pytest.raises(InputError, match="altered"):
        home.joins(folder, json.dumps(data).encode())


def test_an_old_request_is_refused(home):
    request = home.asks("phone", home.home())
    home.pass_time(86_401)
    with pytest.raises(InputError, match="not of today"):
        home.laptop.add_device(request)


def test_a_device_is_added_once_and_answered_again_if_its_answer_was_lost(home):
    folder = home.home()
    request = home.asks("phone", folder)
    home.laptop.add_device(request)
    with pytest.raises(InputError, match="in the vault already, as 'phone'"):
        home.laptop.add_device(request)
    again = home.laptop.add_device(request, again=True)
    assert again.sequence == 0
    assert texts(home.joins(folder, again.answer)) == {"Before everything."}
    assert names(home.laptop) == ["laptop", "phone"]


def test_two_devices_of_one_name_are_told_apart(home):
    home.added("phone")
    home.added("phone")
    assert names(home.laptop) == ["laptop", "phone", "phone 2"]
    home.laptop.rename_device("phone 2", "tablet")
    with pytest.raises(InputError, match="another device is called"):
        home.laptop.rename_device("tablet", "phone")
    home.laptop.push()
    assert names(home.laptop) == ["laptop", "phone", "tablet"]
    home.laptop.rename_device("tablet", "old tablet")
    assert home.laptop.remove_device("old tablet", home.words).name == "old tablet"
    assert names(home.laptop) == ["laptop", "phone"]


def test_a_device_that_came_by_words_is_listed_with_its_next_push(home):
    desk = home.restored(home.words)
    desk.rename_device(desk.devices()[-1].name, "desk")
    assert [(one.name, one.listed) for one in desk.devices()] == [("laptop", True), ("desk", False)]
    desk.remember("From the desk.")
    desk.push()
    home.laptop.pull()
    assert names(home.laptop) == ["desk", "laptop"]


def test_a_failed_adding_leaves_no_seat(home):
    before = lasting(home.laptop)
    home.registry.reachable = False
    with pytest.raises(ChainUnreachable):
        home.laptop.add_device(home.asks("phone", home.home()))
    home.registry.reachable = True
    home.laptop.push()
    assert lasting(home.laptop) == before


# Removing


def test_a_removed_device_is_left_out_and_told_what_to_do(home):
    phone, tablet = home.added("phone"), home.added("tablet")
    home.laptop.remember("Sealed by the removal.")
    removed = home.laptop.remove_device("phone", home.words)
    assert (removed.name, removed.generation, removed.rotated) == ("phone", 1, ("personal",))
    home.laptop.remember("After the removal.")
    home.laptop.push()
    before = lasting(phone)
    phone.remember("Waits on the phone.")
    for verb in (
        phone.pull,
        phone.push,
        phone.grants,
        phone.collect,
        lambda: phone.remove_device("laptop", home.words),
    ):
        with pytest.raises(DeviceRemoved, match="export jsonl"):
            verb()
    assert texts(phone) == {"Before everything.", "Waits on the phone."}
    assert lasting(phone)[:2] == before[:2]
    assert any("no place in the vault" in one.what for one in phone.verify().findings)

    tablet.pull()
    assert texts(tablet) == texts(home.laptop)
    tablet.remember("From the tablet.")
    tablet.push()
    home.laptop.pull()
    assert "From the tablet." in texts(home.laptop)
    assert names(tablet) == ["laptop", "tablet"]
    assert home.laptop.verify(deep=True).ok
    assert tablet.verify(deep=True).ok


def test_what_waited_on_a_removed_device_stays_there_and_comes_back_as_a_file(home, tmp_path):
    phone = home.added("phone")
    phone.remember("Never pushed.")
    home.laptop.remove_device("phone", home.words)
    with pytest.raises(DeviceRemoved):
        phone.push()
    phone.export_file(tmp_path / "all.jsonl")
    again = home.added("phone")
    again.import_file(tmp_path / "all.jsonl")
    again.push()
    home.laptop.pull()
    assert texts(home.laptop) == {"Before everything.", "Never pushed."}


def test_a_removed_devices_old_request_is_never_taken_again(home):
    folder = home.home()
    request = home.asks("phone", folder)
    home.joins(folder, home.laptop.add_device(request).answer)
    home.laptop.remove_device("phone", home.words)
    for again in (False, True):
        with pytest.raises(InputError, match="its old keys are not taken again"):
            home.laptop.add_device(request, again=again)


def test_a_removed_device_can_not_sign_nor_take_the_vault(home):
    phone = home.added("phone")
    keys = phone._replica.keys()
    home.laptop.remove_device("phone", home.words)
    state = home.registry.snapshot(keys.vault).vault
    old, deadline = keys.generation.signer(), home.now() + 60
    for call in (
        Commit(keys.vault, state.sequence, state.grant_epoch, 1, b"\1" * 32),
        SetSigner(keys.owner, 0, state.signer, old.address),
    ):
        signed = sign_call(call, old, deadline, chain_id=keys.chain_id, contract=keys.contract)
        with pytest.raises(CallRefused, match="InvalidSignature"):
            home.registry.send(signed)


def test_grants_that_may_write_are_made_anew_and_others_go_on(home):
    reader, read = home.granted(home.laptop)
    writer, write = home.granted(home.laptop, can="read+write")
    later, from_now = home.granted(home.laptop, can="read+write", from_now=True)
    home.laptop.remember("Since the grants.")
    home.laptop.push()
    newcomer = home.accepted(later, from_now)
    newcomer.pull()
    assert texts(newcomer) == {"Since the grants."}
    home.accepted(writer, write).propose("Proposed in time.")
    home.added("phone")
    removed = home.laptop.remove_device("phone", home.words)
    home.laptop.remember("After the removal.")
    home.laptop.push()

    everything = {"Before everything.", "Since the grants.", "After the removal."}
    reading = home.accepted(reader, read)
    reading.pull()
    assert texts(reading) == everything
    assert {one.name for one in removed.grants} == {write.name, from_now.name}
    with pytest.raises(AccessError, match="revoked"):
        home.accepted(writer, write)
    fresh = {one.name: one for one in removed.grants}
    writing = home.accepted(writer, fresh[write.name])
    writing.pull()
    assert texts(writing) == everything
    writing.propose("To the new letter box.")
    again = home.accepted(later, fresh[from_now.name])
    again.pull()
    assert texts(again) == everything - {"Before everything."}
    assert home.laptop.collect().new == 1
    assert {one.text for one in home.laptop.proposals()} == {
        "Proposed in time.",
        "To the new letter box.",
    }
    for one in home.laptop.review():
        home.laptop.accept(one)


def test_a_stolen_device_does_not_even_see_that_the_vault_changes(home):
    phone, tablet = home.added("phone"), home.added("tablet")
    tool, grant = home.granted(home.laptop)
    keys = phone._replica.keys()
    removed = home.laptop.remove_device("phone", home.words, stolen=True)
    assert removed.again == ("tablet",)
    assert [one.name for one in removed.grants] == [grant.name]
    state = home.registry.snapshot(keys.vault).vault
    assert state.grant_epoch == 1
    with pytest.raises(PointerInvalid):
        find_root(state, keys)
    with pytest.raises(AccessError):
        home.accepted(tool, grant).pull()
    reader = home.accepted(tool, removed.grants[0])
    reader.pull()
    assert texts(reader) == {"Before everything."}

    tablet.remember("Waited on the tablet.")
    for device in (phone, tablet):
        with pytest.raises(DeviceRemoved):
            device.pull()
    answer = home.laptop.add_device(tablet.request_again("tablet"), again=True).answer
    tablet.join_again(answer)
    tablet.push()
    home.laptop.pull()
    assert "Waited on the tablet." in texts(home.laptop)
    assert home.laptop.verify(deep=True).ok
    assert texts(home.restored(home.words)) == texts(home.laptop)


def test_a_device_that_asks_again_takes_no_other_vaults_keys(home):
    stranger = home.vault(pushed=True)
    before = home.laptop._replica.keys()
    answer = stranger.add_device(home.laptop.request_again("laptop")).answer
    with pytest.raises(InputError, match="another vault"):
        home.laptop.join_again(answer)
    assert home.laptop._replica.keys() == before


def test_removing_needs_this_vaults_words_and_another_device(home):
    with pytest.raises(InputError, match="only device"):
        home.laptop.remove_device("laptop", home.words)
    home.added("phone")
    before = lasting(home.laptop)
    with pytest.raises(InputError, match="device at hand"):
        home.laptop.remove_device("laptop", home.words)
    with pytest.raises(NotFoundError, match="there are: laptop, phone"):
        home.laptop.remove_device("tablet", home.words)
    with pytest.raises(WrongWords):
        home.laptop.remove_device("phone", home.vault().words)
    with pytest.raises(WrongWords):
        home.laptop.remove_device("phone", "not these")
    assert lasting(home.laptop) == before


def test_devices_that_were_away_for_several_removals_follow(home):
    tablet = home.added("tablet")
    for name in ("phone", "watch", "fridge"):
        home.added(name)
        home.laptop.remove_device(name, home.words)
    tablet.pull()
    assert tablet.generation == home.laptop.generation == 3
    assert names(tablet) == ["laptop", "tablet"]
    assert texts(home.restored(home.words)) == {"Before everything."}
    assert texts(home.added("phone", by=tablet)) == {"Before everything."}


def test_a_device_that_waits_for_its_answer_while_another_is_removed_follows(home):
    folder = home.home()
    answer = home.laptop.add_device(home.asks("tablet", folder)).answer
    home.added("phone")
    home.laptop.remove_device("phone", home.words)
    home.laptop.remember("After the removal.")
    home.laptop.push()
    assert texts(home.joins(folder, answer)) == {"Before everything.", "After the removal."}


def test_a_device_removed_before_it_joined_does_not_get_in(home):
    folder = home.home()
    answer = home.laptop.add_device(home.asks("phone", folder)).answer
    home.laptop.remove_device("phone", home.words)
    with pytest.raises(DeviceRemoved):
        home.joins(folder, answer)


def test_a_revocation_that_waited_meets_the_grant_that_took_the_olds_place(home):
    phone, tablet = home.added("phone"), home.added("tablet")
    tool, grant = home.granted(home.laptop, can="read+write")
    tablet.pull()
    tablet._wish_end(tablet._known_as(grant.name))
    (fresh,) = home.laptop.remove_device("phone", home.words).grants
    tablet.push()
    with pytest.raises(AccessError, match="revoked"):
        home.accepted(tool, fresh)
    assert tablet.grants() == []
    assert phone is not tablet


# Broken off


class Cut(Exception):
    """The power went."""


class Fragile(MemoryRegistry):
    """A chain before which the power can go: before or after its nth call from now."""

    def __init__(self, **terms: object) -> None:
        super().__init__(**terms)
        self.cut: tuple[int, str] | None = None

    def send(self, signed: SignedCall):
        if self.cut is None:
            return super().send(signed)
        left, when = self.cut
        if left or when == "after":
            receipt = super().send(signed)
        if not left:
            self.cut = None
            raise Cut
        self.cut = (left - 1, when)
        return receipt


@pytest.fixture
def fragile(tmp_path: Path):
    made = Household(tmp_path, Fragile())
    yield made
    made.close()


CALLS = [
    (call, when, stolen)
    for stolen, last in ((False, 2), (True, 3))
    for call in range(last)
    for when in ("before", "after")
]


def broken_off(world: Household, call: int, when: str, *, stolen: bool) -> tuple[Vault, Vault]:
    phone, tablet = world.added("phone"), world.added("tablet")
    world.granted(world.laptop, can="read+write")
    world.laptop.remember("Waits for the removal.")
    world.registry.cut = (call, when)
    with pytest.raises(Cut):
        world.laptop.remove_device("phone", world.words, stolen=stolen)
    world.laptop = world.reopened(world.laptop)
    return phone, tablet


@pytest.mark.parametrize(("call", "when", "stolen"), CALLS)
def test_a_removal_that_was_broken_off_is_finished_by_the_next_push(fragile, call, when, stolen):
    phone, tablet = broken_off(fragile, call, when, stolen=stolen)
    found = fragile.laptop.verify()
    assert found.ok or stolen, "grants that the theft ended are no damage either, and are made anew"
    assert ("the removal of a device is not finished", "memsync push") in [
        (one.what, one.next) for one in found.findings
    ]
    fragile.laptop.push()
    fragile.laptop.push()
    assert names(fragile.laptop) == ["laptop", "tablet"]
    assert removal_under_way(fragile.laptop._replica) is None
    assert fragile.laptop.verify(deep=True).ok
    assert len(fragile.laptop.grants()) == 1
    with pytest.raises(DeviceRemoved):
        phone.pull()
    if not stolen:
        tablet.pull()
        assert texts(tablet) == texts(fragile.laptop) == {"Before everything.", "Waits for the removal."}


@pytest.mark.parametrize(("call", "when", "stolen"), CALLS)
def test_a_removal_that_was_broken_off_is_finished_by_the_same_command(fragile, call, when, stolen):
    phone, _ = broken_off(fragile, call, when, stolen=stolen)
    try:
        fragile.laptop.remove_device("phone", fragile.words, stolen=stolen)
    except NotFoundError:
        assert (call, when) == ((2 if stolen else 1), "after"), "control: it was done"
    assert names(fragile.laptop) == ["laptop", "tablet"]
    with pytest.raises(DeviceRemoved):
        phone.pull()


@pytest.mark.parametrize("by", ["tablet", "restore"])
def test_a_removal_whose_device_is_lost_is_finished_by_another_with_the_words(fragile, by):
    phone, tablet = broken_off(fragile, 0, "after", stolen=False)
    for device in (phone, tablet):
        with pytest.raises(SignatureInvalid, match="device remove"):
            device.pull()
    if by == "tablet":
        tablet.remove_device("phone", fragile.words)
        assert names(tablet) == ["laptop", "tablet"]
        fragile.laptop.pull()
        assert names(fragile.laptop) == ["laptop", "tablet"]
    else:
        desk = fragile.restored(fragile.words)
        assert texts(desk) == {"Before everything."}
        desk.push()
        assert [one.this for one in desk.devices()] == [True]
        with pytest.raises(DeviceRemoved):
            fragile.laptop.push()
        with pytest.raises(DeviceRemoved):
            tablet.pull()
    with pytest.raises(DeviceRemoved):
        phone.pull()


def test_a_removal_that_never_reached_the_chain_is_given_up_after_its_deadline(fragile):
    broken_off(fragile, 0, "before", stolen=False)
    fragile.pass_time(601)
    with pytest.raises(ChainError, match="nothing was changed"):
        fragile.laptop.push()
    fragile.laptop.push()
    assert names(fragile.laptop) == ["laptop", "phone", "tablet"]


@pytest.mark.parametrize("stolen", [False, True])
def test_a_store_that_fails_in_the_middle_of_a_removal_loses_nothing(home, stolen):
    home.added("phone")
    put, home.store.put_many = home.store.put_many, lambda blocks: (_ for _ in ()).throw(StorageError("full"))
    with pytest.raises(StorageError):
        home.laptop.remove_device("phone", home.words, stolen=stolen)
    home.store.put_many = put
    home.laptop.push()
    assert names(home.laptop) == ["laptop"]
    assert texts(home.restored(home.words)) == {"Before everything."}


# At once


def test_of_two_devices_that_remove_each_other_at_once_one_stays(home):
    phone = home.added("phone")
    send, sent = home.registry.send, []

    def meanwhile(signed: SignedCall):
        receipt = send(signed)
        if isinstance(signed.call, SetSigner) and not sent:
            sent.append(signed)
            phone.remove_device("laptop", home.words)
        return receipt

    home.registry.send = meanwhile
    with pytest.raises(DeviceRemoved):
        home.laptop.remove_device("phone", home.words)
    home.registry.send = send
    assert names(phone) == ["phone"]
    assert removal_under_way(home.laptop._replica) is None
    with pytest.raises(DeviceRemoved):
        home.laptop.push()


def test_two_devices_that_remove_others_at_once_both_succeed(home):
    home.added("phone")
    tablet = home.added("tablet")
    home.added("watch")
    send, sent = home.registry.send, []

    def meanwhile(signed: SignedCall):
        receipt = send(signed)
        if isinstance(signed.call, SetSigner) and not sent:
            sent.append(signed)
            tablet.remove_device("watch", home.words)
        return receipt

    home.registry.send = meanwhile
    assert home.laptop.remove_device("phone", home.words).generation == 2
    home.registry.send = send
    assert names(home.laptop) == ["laptop", "tablet"]
    tablet.pull()
    assert names(tablet) == ["laptop", "tablet"]


def test_a_bare_revocation_by_a_device_that_knows_of_no_removal_yet_holds(home):
    home.added("phone")
    tablet = home.added("tablet")
    tool, grant = home.granted(home.laptop)
    tablet.pull()
    home.laptop.remove_device("phone", home.words)
    tablet.revoke(grant.name, emergency=True)
    with pytest.raises(AccessError, match="revoked"):
        home.accepted(tool, grant)


def test_a_push_of_the_removed_device_in_the_same_moment_is_taken_in_or_refused(home):
    phone = home.added("phone")
    phone.remember("In the same moment.")
    send, done = home.registry.send, []

    def meanwhile(signed: SignedCall):
        if not done:
            done.append(True)
            phone.push()
        return send(signed)

    home.registry.send = meanwhile
    home.laptop.remove_device("phone", home.words)
    assert texts(home.laptop) == {"Before everything.", "In the same moment."}


# Chains that take back


def test_a_removal_that_the_chain_undoes_is_done_again_and_others_follow_both_ways(tmp_path):
    world = Household(tmp_path, MemoryRegistry(confirmations=6))
    phone, tablet = world.added("phone"), world.added("tablet")
    world.registry.mine(6)
    for one in (world.laptop, phone, tablet):
        one.pull()
    world.laptop.remove_device("phone", world.words)
    tablet.pull()
    assert tablet.generation == 1
    world.registry.undo(2)
    tablet.pull()
    assert (tablet.generation, names(tablet)) == (0, ["laptop", "phone", "tablet"])
    tablet.remember("While it was undone.")
    tablet.push()
    phone.pull()
    assert "While it was undone." in texts(phone)
    world.laptop.push()
    assert names(world.laptop) == ["laptop", "tablet"]
    world.registry.mine(6)
    for one in (world.laptop, tablet):
        one.pull()
        assert (one.generation, one._replica.keys().before) == (1, None)
    assert removal_under_way(world.laptop._replica) is None
    with pytest.raises(DeviceRemoved):
        phone.pull()
    world.close()


def test_a_removed_device_and_an_rpc_that_conspire_show_no_earlier_generation(home):
    phone, tablet = home.added("phone"), home.added("tablet")
    vault = phone._replica.keys().vault
    before = home.registry._vaults[vault]
    home.laptop.remove_device("phone", home.words)
    honest = home.registry._vaults[vault]
    home.registry._vaults[vault] = before  # an RPC that shows the signer of then, and takes what it signs
    for number in range(3):
        phone.remember(f"Forged {number}.")
        phone.push()
    with pytest.raises(SignatureInvalid, match="generation 1 has been seen"):
        home.laptop.pull()
    tablet.pull()  # which has seen no later generation: as the threat model says
    home.registry._vaults[vault] = honest
    home.laptop.pull()
    assert texts(home.laptop) == {"Before everything."}


def test_the_owner_can_always_come_back_with_the_words_whatever_the_generation(home):
    for name in ("phone", "tablet"):
        home.added(name)
        home.laptop.remove_device(name, home.words, stolen=name == "tablet")
    desk = home.restored(home.words)
    desk.remember("From the desk.")
    desk.push()
    home.laptop.pull()
    assert texts(home.laptop) == texts(desk)
    root = RootKey(from_words(home.words))
    keys = desk._replica.keys()
    assert (keys.generation.number, keys.locator_number) == (2, 1)
    assert keys.generation == root.generation(keys.vault, 2)


def test_a_request_is_one_line_that_fits_a_code(home):
    device = home.laptop._secrets.device_key()
    data = write_request(sign_request(device, name="x" * 64, issued=2**40 - 1, nonce=bytes(16)))
    assert b"\n" not in data
    assert len(data) < 2300


def test_sequences_of_an_earlier_generation_are_kept_or_collected_as_any_other(home):
    home.laptop.forget(next(iter(home.laptop.memories())))
    home.added("phone")
    home.laptop.remember("To stay.")
    home.laptop.push()
    home.laptop.remove_device("phone", home.words)
    home.laptop.remember("After the removal.")
    home.laptop.push()
    home.pass_time(7_200)
    every, last = home.laptop.gc(keep=99, dry_run=True), home.laptop.gc(keep=1, dry_run=True)
    assert (every.oldest, every.blocks) == (1, 0)
    assert every.kept == last.kept + last.blocks
    assert home.laptop.gc(keep=1).blocks == last.blocks > 0
    assert home.laptop.verify(deep=True).ok
    assert texts(home.restored(home.words)) == {"To stay.", "After the removal."}
