from __future__ import annotations

from dataclasses import replace

import pytest

from memsync.crypto.epochs import EpochKey
from memsync.crypto.pairwise import PairwiseSecret
from memsync.crypto.sealing import ZERO16, Kind, aad, seal_block
from memsync.errors import FormatError, InputError
from memsync.format.block import Block, Ref
from memsync.format.owner import EarlierGeneration, Owner, Scope, read_owner, seal_owner
from tests.format.vectors import Refused, cases, load, unbase64
from tests.vectors import samples as s

VECTORS = load("owner")
GOOD = VECTORS["good"][0]
OBJECT = bytes.fromhex(GOOD["object_id"])
KEY = s.GENERATION.owner_key()


def read(data: bytes, object_id: bytes = OBJECT, *, key: bytes = KEY, generation: int = 1) -> Owner:
    ref = Ref(object_id, Block.of(data).digest)
    return read_owner(data, ref, owner_key=key, generation=generation, vault=s.VAULT)


def test_the_owner_block_of_the_vectors_is_made_and_read():
    block, ref = seal_owner(s.OWNER, generation=s.GENERATION, vault=s.VAULT, random=s.stream("owner"))
    assert block.data == unbase64(GOOD["block"])
    assert ref == Ref(OBJECT, bytes.fromhex(GOOD["digest"]))
    assert read(block.data) == s.OWNER


@cases(VECTORS["bad_plaintexts"])
def test_an_owner_block_that_breaks_a_rule_is_refused(case):
    place = aad(s.VAULT, ZERO16, ZERO16, Kind.OWNER, OBJECT)
    with Refused("owner", case["fault"]):
        read(seal_block(KEY, place, unbase64(case["plaintext"])))


@cases(VECTORS["bad_blocks"])
def test_a_block_that_is_not_this_vaults_owner_block_is_refused(case):
    with Refused("owner", case["fault"]):
        read(unbase64(case["block"]))


def grants(count: int) -> Owner:
    (grant,) = s.OWNER.grants
    many = tuple(
        replace(grant, id=s.chosen(f"{n}"), secret=PairwiseSecret(s.chosen(f"s{n}"))) for n in range(count)
    )
    return replace(s.OWNER, grants=tuple(sorted(many, key=lambda grant: grant.id)))


def test_grants_and_devices_are_128_together():
    owner = grants(127)
    block, ref = seal_owner(owner, generation=s.GENERATION, vault=s.VAULT)
    assert read(block.data, ref.object_id) == owner
    with pytest.raises(InputError, match="128"):
        seal_owner(grants(128), generation=s.GENERATION, vault=s.VAULT)


def test_a_reader_refuses_129_grants_and_devices(monkeypatch):
    monkeypatch.setattr("memsync.format.owner.MAX_GRANTS_AND_DEVICES", 129)
    block, ref = seal_owner(grants(128), generation=s.GENERATION, vault=s.VAULT)
    assert len(read(block.data, ref.object_id).grants) == 128
    monkeypatch.undo()
    with Refused("owner", "count"):
        read(block.data, ref.object_id)


def test_rows_are_written_sorted_whatever_order_they_came_in():
    shuffled = replace(s.OWNER, scopes=s.OWNER.scopes[::-1])
    assert shuffled != s.OWNER
    block, ref = seal_owner(shuffled, generation=s.GENERATION, vault=s.VAULT)
    assert read(block.data, ref.object_id) == s.OWNER


def test_settings_that_nobody_knows_are_kept():
    settings = {"z": [1, {"deep": b"\0"}], "": None, "theme": "light"}
    block, ref = seal_owner(replace(s.OWNER, settings=settings), generation=s.GENERATION, vault=s.VAULT)
    assert read(block.data, ref.object_id).settings == settings


def test_a_later_generation_opens_the_owner_blocks_of_an_earlier_one_and_never_the_reverse():
    earlier, later = (s.ROOT_KEY.generation(s.VAULT, number) for number in (0, 1))
    first = Owner(generation=0, locator=0, pointer=0, scopes=s.OWNER.scopes)
    old, old_ref = seal_owner(first, generation=earlier, vault=s.VAULT)
    new, new_ref = seal_owner(s.OWNER, generation=later, vault=s.VAULT)
    (kept,) = read(new.data, new_ref.object_id).earlier
    assert kept == EarlierGeneration.of(earlier)
    assert read(old.data, old_ref.object_id, key=kept.owner_key, generation=0) == first
    with Refused("owner", "key"):
        read(new.data, new_ref.object_id, key=earlier.owner_key(), generation=1)


@pytest.mark.parametrize(
    "changes",
    [
        {"scopes": (*s.OWNER.scopes, Scope(bytes(16), "personal", EpochKey(0, bytes(32))))},
        {"scopes": (Scope(bytes(16), "a\nb", EpochKey(0, bytes(32))),)},
        {"scopes": (Scope(bytes(15), "a", EpochKey(0, bytes(32))),)},
        {"grants": s.OWNER.grants * 2},
        {"grants": (replace(s.OWNER.grants[0], end=s.START),)},
        {"earlier": (EarlierGeneration(1, bytes(32), bytes(32)),)},
        {"locator": 2**32},
        {"settings": {"x": 1.5}},
        {"generation": 2},
    ],
)
def test_a_builder_refuses_what_a_reader_would(changes):
    with pytest.raises(InputError) as refused:
        seal_owner(replace(s.OWNER, **changes), generation=s.GENERATION, vault=s.VAULT)
    assert not isinstance(refused.value, FormatError)


def test_bytes_other_than_those_named_are_refused():
    block, ref = seal_owner(s.OWNER, generation=s.GENERATION, vault=s.VAULT)
    with Refused("owner", "hash"):
        read_owner(block.data, Ref(ref.object_id, bytes(32)), owner_key=KEY, generation=1, vault=s.VAULT)


def test_no_secret_stands_in_a_repr():
    text = repr(s.OWNER)
    secrets = [s.PAIRWISE.secret, s.OWNER.earlier[0].owner_key, s.OWNER.earlier[0].box_seed]
    for secret in [*secrets, *(scope.epoch.secret for scope in s.OWNER.scopes)]:
        assert repr(secret)[2:-1] not in text
