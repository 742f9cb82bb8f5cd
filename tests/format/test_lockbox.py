from __future__ import annotations

from dataclasses import replace

import pytest

from memsync.crypto.epochs import EpochKey
from memsync.crypto.sealing import Kind, aad, seal_block
from memsync.errors import FormatError, InputError
from memsync.format.block import Block, Ref
from memsync.format.lockbox import Since, read_lockbox, read_since, seal_lockbox, seal_since
from tests.format.vectors import Refused, cases, load, unbase64
from tests.vectors import samples as s

LOCKBOX = load("lockbox")["lockbox"]
SINCE = load("lockbox")["since"]
WHERE = {"vault": s.VAULT, "scope": s.SCOPE}
OBJECT = bytes.fromhex(LOCKBOX["good"][0]["object_id"])
SINCE_OBJECT = bytes.fromhex(SINCE["good"][0]["object_id"])
CONTENTS = [epoch.content for epoch in s.EPOCHS]


def read_box(data: bytes):
    return read_lockbox(data, Ref(OBJECT, Block.of(data).digest), epoch=s.EPOCH, **WHERE)


def read_since_block(data: bytes):
    since = Since(Ref(SINCE_OBJECT, Block.of(data).digest), bytes.fromhex(SINCE["key"]))
    return read_since(data, since, current=s.EPOCH.content, **WHERE)


def test_the_lockbox_of_the_vectors_is_made_and_read():
    block, ref = seal_lockbox(s.EPOCH, s.EPOCHS[2::-1], **WHERE, random=s.stream("lockbox"))
    assert block.data == unbase64(LOCKBOX["good"][0]["block"])
    assert ref == Ref(OBJECT, bytes.fromhex(LOCKBOX["good"][0]["digest"]))
    assert read_box(block.data) == tuple(s.EPOCHS[:3])


def test_the_since_block_of_the_vectors_is_made_and_read():
    block, since = seal_since(CONTENTS[1:3], current=CONTENTS[3], **WHERE, random=s.stream("since"))
    assert block.data == unbase64(SINCE["good"][0]["block"])
    assert since.ref == Ref(SINCE_OBJECT, bytes.fromhex(SINCE["good"][0]["digest"]))
    assert since.key == bytes.fromhex(SINCE["key"])
    assert read_since_block(block.data) == tuple(CONTENTS[1:3])


@cases(LOCKBOX["bad_plaintexts"])
def test_a_lockbox_that_breaks_a_rule_is_refused(case):
    place = aad(s.VAULT, s.SCOPE, s.EPOCH.content.id, Kind.LOCKBOX, OBJECT)
    data = seal_block(s.EPOCH.history, place, unbase64(case["plaintext"]))
    with Refused("lockbox", case["fault"]):
        read_box(data)


@cases(LOCKBOX["bad_blocks"])
def test_a_block_that_is_no_lockbox_of_this_epoch_is_refused(case):
    with Refused("lockbox", case["fault"]):
        read_box(unbase64(case["block"]))


@cases(SINCE["bad_plaintexts"])
def test_a_since_block_that_breaks_a_rule_is_refused(case):
    place = aad(s.VAULT, s.SCOPE, s.EPOCH.content.id, Kind.SINCE, SINCE_OBJECT)
    data = seal_block(bytes.fromhex(SINCE["key"]), place, unbase64(case["plaintext"]))
    with Refused("since", case["fault"]):
        read_since_block(data)


@cases(SINCE["bad_blocks"])
def test_a_block_that_is_no_since_block_of_this_grant_is_refused(case):
    with Refused("since", case["fault"]):
        read_since_block(unbase64(case["block"]))


def test_bytes_other_than_those_named_are_refused_before_anything_is_opened():
    block, ref = seal_lockbox(s.EPOCH, s.EPOCHS[:3], **WHERE)
    with Refused("lockbox", "hash"):
        read_lockbox(block.data, Ref(ref.object_id, bytes(32)), epoch=s.EPOCH, **WHERE)
    block, since = seal_since(CONTENTS[:3], current=CONTENTS[3], **WHERE)
    other = replace(since, ref=Ref(since.ref.object_id, bytes(32)))
    with Refused("since", "hash"):
        read_since(block.data, other, current=CONTENTS[3], **WHERE)


def test_an_epoch_key_opens_its_lockbox_and_no_other_epochs():
    block, ref = seal_lockbox(s.EPOCHS[2], s.EPOCHS[:2], **WHERE)
    assert read_lockbox(block.data, ref, epoch=s.EPOCHS[2], **WHERE) == tuple(s.EPOCHS[:2])
    for other in (s.EPOCHS[1], s.EPOCHS[3], EpochKey(3, s.EPOCHS[2].history)):
        with Refused("lockbox", "key"):
            read_lockbox(block.data, ref, epoch=other, **WHERE)


def test_another_since_blocks_key_opens_no_since_block():
    block, since = seal_since(CONTENTS[1:3], current=CONTENTS[3], **WHERE)
    assert read_since(block.data, since, current=CONTENTS[3], **WHERE)
    _, other = seal_since(CONTENTS[1:3], current=CONTENTS[3], **WHERE)
    for key in (other.key, CONTENTS[3].secret, s.PAIRWISE.secret):
        with Refused("since", "key"):
            read_since(block.data, replace(since, key=key), current=CONTENTS[3], **WHERE)


def test_a_since_block_holds_content_keys_from_which_no_lockbox_opens():
    lockbox, ref = seal_lockbox(s.EPOCHS[2], s.EPOCHS[:2], **WHERE)
    for key in CONTENTS:
        with Refused("lockbox", "key"):
            read_lockbox(lockbox.data, ref, epoch=EpochKey(2, key.secret), **WHERE)


def test_a_builder_refuses_what_a_reader_would():
    for earlier in ([], s.EPOCHS[1:], [s.EPOCHS[0], EpochKey(0, bytes(32))]):
        with pytest.raises(InputError) as refused:
            seal_lockbox(s.EPOCH, earlier, **WHERE)
        assert not isinstance(refused.value, FormatError)


def test_6000_epochs_fit_in_a_lockbox():
    earlier = [EpochKey(number, number.to_bytes(32, "big")) for number in range(6000)]
    last = EpochKey(6000, bytes(32))
    block, ref = seal_lockbox(last, earlier, **WHERE)
    assert read_lockbox(block.data, ref, epoch=last, **WHERE) == tuple(earlier)
    assert len(block.data) == 262144
