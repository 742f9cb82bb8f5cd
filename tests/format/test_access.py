from __future__ import annotations

from dataclasses import replace

import pytest

from memsync.crypto.hpke import seal_box
from memsync.crypto.kdf import derive
from memsync.crypto.sealing import ZERO16, Kind, aad, open_block, seal_block
from memsync.crypto.tree import DeviceKey
from memsync.errors import FormatError, InputError
from memsync.format.access import Access, DeviceSeat, FromNowOn, Reader, WithHistory, read_access, seal_access
from memsync.format.block import Block, Ref
from memsync.ipld.dagcbor import decode
from tests.format.vectors import Refused, cases, load, unbase64
from tests.vectors import samples as s

VECTORS = load("access")
GOOD = VECTORS["good"][0]
OBJECT = bytes.fromhex(GOOD["object_id"])
KEY = derive(s.POINTER_KEY, "access")
PLACE = aad(s.VAULT, ZERO16, ZERO16, Kind.ACCESS, OBJECT)


def read(data: bytes, object_id: bytes = OBJECT) -> Access:
    return read_access(data, Ref(object_id, Block.of(data).digest), pointer_key=s.POINTER_KEY, vault=s.VAULT)


def boxes_of(count: int) -> list[Reader]:
    return [
        Reader(
            DeviceKey(s.chosen(f"reader {n}")).box().public,
            s.chosen(f"grant {n}"),
            s.SCOPE,
            WithHistory(s.EPOCH, n),
        )
        for n in range(count)
    ]


def test_the_access_block_of_the_vectors_gives_each_its_own():
    access = read(unbase64(GOOD["block"]))
    history, now_on, device = s.SEATS
    tool, box = s.TOOL.box(), s.DEVICE.box()
    assert access.reader_slot(tool, grant=history.grant, scope=s.SCOPE) == history.slot
    assert access.reader_slot(tool, grant=now_on.grant, scope=s.SCOPE) == now_on.slot
    assert access.device_slot(box) == device.generation
    assert len(access.boxes) == 4


def test_a_stranger_finds_no_slot_and_nobody_finds_anothers():
    access = read(unbase64(GOOD["block"]))
    tool, device, stranger = s.TOOL.box(), s.DEVICE.box(), s.STRANGER.box()
    first = s.SEATS[0].grant
    assert access.reader_slot(tool, grant=first, scope=s.SCOPE) is not None
    for key, grant, scope in (
        (stranger, first, s.SCOPE),
        (device, first, s.SCOPE),
        (tool, bytes(32), s.SCOPE),
        (tool, first, s.OTHER_SCOPE),
        (tool, first, ZERO16),
    ):
        assert access.reader_slot(key, grant=grant, scope=scope) is None
    assert access.device_slot(tool) is None
    assert access.device_slot(stranger) is None


@cases(VECTORS["bad_plaintexts"])
def test_an_access_block_that_breaks_a_rule_is_refused(case):
    with Refused("access", case["fault"]):
        read(seal_block(KEY, PLACE, unbase64(case["plaintext"])))


@cases(VECTORS["bad_blocks"])
def test_a_block_that_is_not_this_vaults_access_block_is_refused(case):
    with Refused("access", case["fault"]):
        read(unbase64(case["block"]))


@cases(VECTORS["bad_slots"])
def test_a_slot_that_breaks_a_rule_is_refused_by_who_opens_it(case):
    plaintext = unbase64(case["plaintext"])
    if case["slot"] == "device":
        place = aad(s.VAULT, ZERO16, ZERO16, Kind.SLOT, OBJECT)
        box = seal_box(s.DEVICE.box().public, place, plaintext, room=192)
        with Refused("slot", case["fault"]):
            Access(s.VAULT, OBJECT, (box,)).device_slot(s.DEVICE.box())
    else:
        place = aad(s.VAULT, s.SCOPE, ZERO16, Kind.SLOT, OBJECT + s.GRANT)
        box = seal_box(s.TOOL.box().public, place, plaintext, room=192)
        with Refused("slot", case["fault"]):
            Access(s.VAULT, OBJECT, (box,)).reader_slot(s.TOOL.box(), grant=s.GRANT, scope=s.SCOPE)


def test_slots_are_a_power_of_two_of_equal_boxes_in_no_order_of_seats():
    for seats, slots in ((0, 1), (1, 1), (2, 2), (3, 4), (5, 8), (8, 8), (9, 16)):
        block, ref = seal_access(s.POINTER_KEY, boxes_of(seats), vault=s.VAULT)
        access = read(block.data, ref.object_id)
        assert len(access.boxes) == slots
        assert {len(box) for box in access.boxes} == {1328}
        assert list(access.boxes) == sorted(set(access.boxes))


def test_dummies_open_to_none_of_the_readers():
    seats = boxes_of(5)
    block, ref = seal_access(s.POINTER_KEY, seats, vault=s.VAULT)
    access = read(block.data, ref.object_id)
    for n, seat in enumerate(seats):
        key = DeviceKey(s.chosen(f"reader {n}")).box()
        assert access.reader_slot(key, grant=seat.grant, scope=s.SCOPE) == seat.slot
        others = [other.grant for other in seats if other is not seat]
        assert all(access.reader_slot(key, grant=grant, scope=s.SCOPE) is None for grant in others)


def test_two_rewrites_of_the_same_slots_share_no_box():
    made = [seal_access(s.POINTER_KEY, s.SEATS, vault=s.VAULT) for _ in range(2)]
    first, second = (read(block.data, ref.object_id) for block, ref in made)
    assert not set(first.boxes) & set(second.boxes)


def test_a_slot_taken_into_another_access_block_does_not_open():
    block, ref = seal_access(s.POINTER_KEY, s.SEATS, vault=s.VAULT)
    access = read(block.data, ref.object_id)
    grant = s.SEATS[0].grant
    assert access.reader_slot(s.TOOL.box(), grant=grant, scope=s.SCOPE)
    for moved in (replace(access, object_id=bytes(16)), replace(access, vault=s.OTHER_VAULT)):
        assert moved.reader_slot(s.TOOL.box(), grant=grant, scope=s.SCOPE) is None
        assert moved.device_slot(s.DEVICE.box()) is None


def test_128_slots_fit_and_129_are_refused():
    seats = boxes_of(129)
    block, ref = seal_access(s.POINTER_KEY, seats[:128], vault=s.VAULT)
    assert len(read(block.data, ref.object_id).boxes) == 128
    assert len(block.data) == 262144
    with pytest.raises(InputError):
        seal_access(s.POINTER_KEY, seats, vault=s.VAULT)


def test_two_slots_that_one_reader_could_not_tell_apart_are_refused():
    reader, _, device = s.SEATS
    for seats in ([reader, replace(reader, slot=FromNowOn(s.EPOCH.content, None, 0))], [device, device]):
        with pytest.raises(InputError):
            seal_access(s.POINTER_KEY, seats, vault=s.VAULT)


def test_bad_arguments_are_the_callers():
    for seat in (
        Reader(s.TOOL.box().public, bytes(31), s.SCOPE, WithHistory(s.EPOCH, 0)),
        Reader(s.TOOL.box().public, s.GRANT, s.SCOPE, WithHistory(s.EPOCH, 2**32)),
        Reader(s.TOOL.box().public, s.GRANT, bytes(15), WithHistory(s.EPOCH, 0)),
    ):
        with pytest.raises(InputError) as refused:
            seal_access(s.POINTER_KEY, [seat], vault=s.VAULT)
        assert not isinstance(refused.value, FormatError)


def test_bytes_other_than_those_named_are_refused():
    block, ref = seal_access(s.POINTER_KEY, s.SEATS, vault=s.VAULT)
    with Refused("access", "hash"):
        read_access(block.data, Ref(ref.object_id, bytes(32)), pointer_key=s.POINTER_KEY, vault=s.VAULT)


def test_no_secret_stands_in_a_repr():
    block, ref = seal_access(s.POINTER_KEY, s.SEATS, vault=s.VAULT)
    text = repr(read(block.data, ref.object_id)) + repr(s.SEATS)
    for secret in (s.EPOCH.secret, s.EPOCH.content.secret, s.GENERATION.secret):
        assert repr(secret)[2:-1] not in text
        assert secret.hex() not in text


def test_the_plaintext_of_the_vectors_is_a_list_of_its_boxes():
    version, boxes = decode(open_block(KEY, PLACE, unbase64(GOOD["block"]), what="access"))
    assert version == 1
    assert tuple(boxes) == read(unbase64(GOOD["block"])).boxes
    assert isinstance(s.SEATS[2], DeviceSeat)
