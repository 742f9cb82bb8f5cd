from __future__ import annotations

from dataclasses import replace

import pytest

from memsync.crypto.hpke import OVERHEAD, open_box, seal_box
from memsync.crypto.sealing import SIZES, ZERO16, Kind, aad
from memsync.errors import FormatError, InputError, SignatureInvalid
from memsync.format.block import Block
from memsync.format.parcel import MAX_PLAINTEXT, Inbox, Parcel, check_proof, read_parcel, seal_parcel
from memsync.format.records import read_memory
from memsync.ipld.dagcbor import decode
from memsync.memory import Draft
from tests.format.vectors import Refused, cases, load, unbase64
from tests.vectors import samples as s

VECTORS = load("parcel")
AUTHOR = s.TOOL.author()
PLACE = aad(s.VAULT, ZERO16, ZERO16, Kind.PARCEL, s.GRANT + (2).to_bytes(4, "big"))
WHERE = {"chain_id": s.CHAIN, "contract": s.CONTRACT, "vault": s.VAULT}


def read(data: bytes, inbox: Inbox = s.INBOX) -> Parcel:
    return read_parcel(
        data, digest=Block.of(data).digest, inbox=inbox, author=AUTHOR.public, key=s.LETTER_BOX
    )


def seal(drafts, inbox: Inbox = s.INBOX) -> Block:
    return seal_parcel(drafts, inbox=inbox, author=AUTHOR, box=s.LETTER_BOX.public)


def test_the_parcels_of_the_vectors_are_opened_and_verified():
    small, big = (read(unbase64(good["block"])) for good in VECTORS["good"])
    assert [(one.id, one.draft) for one in small.proposals] == s.DRAFTS
    assert big.proposals[0].draft.text == "x" * 4000
    assert small.author == big.author == AUTHOR.public


def test_a_parcel_is_the_smallest_of_the_seven_sizes_that_fits():
    for length, size in ((10, 4096), (2000, 4096), (3000, 8192), (60_000, 65536), (100_000, 131_072)):
        block = seal([(bytes(16), Draft(kind="semantic", text="x" * length, created=0))])
        assert len(block.data) == size
        assert read(block.data).proposals[0].draft.text == "x" * length


@cases(VECTORS["bad_plaintexts"])
def test_a_parcel_that_breaks_a_rule_is_refused_whole(case):
    with Refused("parcel", case["fault"]):
        read(seal_box(s.LETTER_BOX.public, PLACE, unbase64(case["plaintext"]), room=4096 - OVERHEAD))


@cases(VECTORS["bad_blocks"])
def test_a_block_that_is_no_parcel_of_this_inbox_is_refused(case):
    with Refused("parcel", case["fault"]):
        read(unbase64(case["block"]))


def test_a_parcel_opens_at_its_place_by_its_letter_box_for_its_author_only():
    block = seal(s.DRAFTS)
    known = {"digest": block.digest, "inbox": s.INBOX, "author": AUTHOR.public, "key": s.LETTER_BOX}
    assert read_parcel(block.data, **known)
    for changes, fault in (
        ({"digest": bytes(32)}, "hash"),
        ({"inbox": replace(s.INBOX, number=3)}, "key"),
        ({"inbox": replace(s.INBOX, grant=bytes(32))}, "key"),
        ({"inbox": replace(s.INBOX, vault=s.OTHER_VAULT)}, "key"),
        ({"inbox": replace(s.INBOX, chain_id=1)}, "value"),
        ({"key": s.ROOT_KEY.generation(s.VAULT, 0).box()}, "key"),
        ({"author": s.STRANGER.author().public}, "value"),
    ):
        with Refused("parcel", fault):
            read_parcel(block.data, **known | changes)


def test_drafts_repeated_under_the_next_number_are_signed_anew():
    first, second = (seal(s.DRAFTS, replace(s.INBOX, number=number)) for number in (2, 3))
    later = read(second.data, replace(s.INBOX, number=3))
    for old, new in zip(read(first.data).proposals, later.proposals, strict=True):
        assert (old.id, old.draft) == (new.id, new.draft)
        assert old.signature != new.signature


def test_an_accepted_memory_keeps_its_proof():
    parcel = read(seal(s.DRAFTS).data)
    for proposal in parcel.proposals:
        memory = proposal.draft.accepted(
            s.UUIDS[0], s.UUIDS[1], author=parcel.author, proof=parcel.proof(proposal)
        )
        check_proof(memory, **WHERE)


def test_a_proof_holds_for_what_was_proposed_and_nothing_else():
    memory = read_memory(decode(bytes.fromhex(VECTORS["accepted_memory"])))
    check_proof(memory, **WHERE)
    check_proof(replace(memory, id=s.UUIDS[2], version=s.UUIDS[3], replaces=(s.UUIDS[1],)), **WHERE)
    for other in (
        replace(memory, text="Ada prefers coffee."),
        replace(memory, author=s.STRANGER.author().public),
        replace(memory, proof=replace(memory.proof, parcel=3)),
        replace(memory, proof=replace(memory.proof, grant=bytes(32))),
        replace(memory, unknown={"x": 1}),
    ):
        with pytest.raises(SignatureInvalid):
            check_proof(other, **WHERE)
    for changes in ({"vault": s.OTHER_VAULT}, {"chain_id": 1}, {"contract": bytes(20)}):
        with pytest.raises(SignatureInvalid):
            check_proof(memory, **WHERE | changes)


def test_a_memory_without_an_author_has_no_proof():
    with pytest.raises(SignatureInvalid):
        check_proof(s.DRAFTS[0][1].accepted(s.UUIDS[0], s.UUIDS[1]), **WHERE)


def test_the_fullest_parcel_is_read_and_one_byte_more_is_refused():
    texts = ["y" * 131_000, "z"]
    drafts = [(bytes([n]) * 16, Draft(kind="semantic", text=text, created=0)) for n, text in enumerate(texts)]

    def grown(by: int) -> list[tuple[bytes, Draft]]:
        return [drafts[0], (drafts[1][0], replace(drafts[1][1], text="z" * (1 + by)))]

    used = len(seal_plain(grown(70_000)))
    room = 70_000 + MAX_PLAINTEXT - used
    block = seal(grown(room))
    assert len(block.data) == SIZES[-1]
    assert len(read(block.data).proposals[1].draft.text) == room + 1
    with pytest.raises(InputError, match="parcel"):
        seal(grown(room + 1))


def seal_plain(drafts) -> bytes:
    """The plaintext of a parcel, as its letter box opens it."""
    return open_box(s.LETTER_BOX, PLACE, seal(drafts).data, what="parcel")


@pytest.mark.parametrize(
    ("drafts", "changes"),
    [
        ([], {}),
        ([s.DRAFTS[0], s.DRAFTS[0]], {}),
        ([(bytes(15), s.DRAFTS[0][1])], {}),
        (s.DRAFTS, {"number": 2**32}),
        (s.DRAFTS, {"number": -1}),
        (s.DRAFTS, {"grant": bytes(31)}),
        (s.DRAFTS, {"vault": bytes(31)}),
        (s.DRAFTS, {"contract": bytes(32)}),
        (s.DRAFTS, {"chain_id": 2**53}),
    ],
)
def test_a_builder_refuses_what_a_reader_would(drafts, changes):
    with pytest.raises(InputError) as refused:
        seal(drafts, replace(s.INBOX, **changes))
    assert not isinstance(refused.value, FormatError)
