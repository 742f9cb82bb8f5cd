"""The golden vault, opened from its two files by each kind of reader."""

from __future__ import annotations

import json

import pytest

from memsync.crypto.hpke import HybridKey
from memsync.crypto.pointer import SealedPointer, open_parcel_pointer
from memsync.crypto.secp256k1 import vault_id
from memsync.crypto.tree import DeviceKey, Generation, Locator, RootKey
from memsync.crypto.words import from_words
from memsync.errors import FormatError, SignatureInvalid
from memsync.format.access import read_access
from memsync.format.envelope import read_envelope
from memsync.format.link import read_link
from memsync.format.owner import read_owner
from memsync.format.parcel import Inbox, check_proof, read_parcel
from memsync.format.records import encode_memory
from memsync.format.root import read_root
from memsync.format.witness import audit_path, tree_hash, verify_path
from memsync.ipld.car import read_car
from memsync.ipld.cid import CID
from memsync.memory import Memory
from tests.format import readers
from tests.format.vectors import VECTORS, Refused

GOLDEN = json.loads((VECTORS / "golden/vault-v1.json").read_text(encoding="utf-8"))
with (VECTORS / "golden/vault-v1.car").open("rb") as car:
    CAR = read_car(car.read)
    BLOCKS = {cid.digest: data for cid, data in CAR}
ROOT_KEY = RootKey(from_words(GOLDEN["words"]))
VAULT = bytes.fromhex(GOLDEN["vault"])
CONTRACT = bytes.fromhex(GOLDEN["contract"])
CHAIN = GOLDEN["chain"]
NAMES = {bytes.fromhex(scope): name for name, scope in GOLDEN["scopes"].items()}
READERS = {one["reader"]: one for one in GOLDEN["readers"]}
GRANTS = {one["name"]: one for one in GOLDEN["grants"]}
LAST = len(GOLDEN["heads"])


def at(sequence: int) -> readers.Published:
    head = GOLDEN["heads"][sequence - 1]
    sealed = SealedPointer(bytes.fromhex(head["salt"]), bytes.fromhex(head["pointer"]))
    return readers.Published(CHAIN, CONTRACT, VAULT, BLOCKS, head["sequence"], sealed)


def texts(views) -> dict[str, list[str]] | None:
    return {NAMES[scope]: view.texts for scope, view in views.items()} if views else None


def check_last(reader: str, views) -> None:
    expected = READERS[reader]["last"]
    assert {scope.hex() for scope in views} == set(expected)
    for scope, view in views.items():
        pinned = expected[scope.hex()]
        assert (view.hidden, view.current) == (pinned["hidden"], pinned["current"])
        assert [
            (list(order), epoch, record.batch, encode_memory(record.memory).hex())
            for order, epoch, record in view.records
        ] == [(one["order"], one["epoch"], one["batch"], one["memory"]) for one in pinned["records"]]


def accepted(name: str):
    grant, seed = GRANTS[name], bytes.fromhex(READERS[name]["has"]["seed"])
    link, key = read_link(grant["link"]), DeviceKey(seed).box()
    return link, key, read_envelope(BLOCKS[link.envelope], link, key)


def test_the_car_holds_every_root_and_names_the_last():
    assert CAR.roots == (CID.parse(GOLDEN["heads"][-1]["root"]),)
    assert all(CID.parse(head["root"]).digest in BLOCKS for head in GOLDEN["heads"])


def test_the_words_give_the_owner_and_the_vault():
    owner = ROOT_KEY.owner(CHAIN, CONTRACT)
    assert owner.address.hex() == GOLDEN["owner"]
    assert vault_id(CHAIN, CONTRACT, owner.address) == VAULT


def test_the_owner_reads_everything_at_every_head_with_the_words_alone():
    views = {}
    for expected in READERS["owner"]["heads"]:
        owner, views = readers.owner_reads(at(expected["sequence"]), ROOT_KEY)
        assert texts(views) == expected["sees"]
        assert owner.generation == GOLDEN["heads"][expected["sequence"] - 1]["generation"]
    check_last("owner", views)


def test_the_signer_of_each_head_is_the_one_that_its_root_certifies():
    locator = ROOT_KEY.locator(VAULT)
    for number, head in enumerate(GOLDEN["heads"], start=1):
        root = readers.open_root(at(number), locator.pointer_key(head["pointer_key"]))
        assert root.certificate.signer.hex() == head["signer"]
        assert ROOT_KEY.generation(VAULT, root.generation).signer().address == root.certificate.signer


def test_each_root_names_the_one_before():
    locator, before = ROOT_KEY.locator(VAULT), None
    for number, head in enumerate(GOLDEN["heads"], start=1):
        root = readers.open_root(at(number), locator.pointer_key(head["pointer_key"]))
        assert root.previous == before
        before = root.digest


@pytest.mark.parametrize("name", ["laptop", "phone"])
def test_a_device_reads_until_it_is_removed(name):
    has = READERS[name]["has"]
    box = DeviceKey(bytes.fromhex(has["seed"])).box()
    locator, paired = Locator(bytes.fromhex(has["P"])), Generation(bytes.fromhex(has["W"]), has["g"])
    views = {}
    for expected in READERS[name]["heads"]:
        number = expected["sequence"]
        key = locator.pointer_key(GOLDEN["heads"][number - 1]["pointer_key"])
        found, views = readers.device_reads(at(number), box, key, paired)
        assert (found and found.number) == expected["generation_in_slot"]
        assert texts(views) == expected["sees"]
    check_last(name, views)
    assert bool(views) == (name == "laptop")


@pytest.mark.parametrize("name", ["Visitor", "Historian", "Newcomer", "Former"])
def test_a_reader_sees_from_its_grant_to_its_end_what_it_may(name):
    link, key, envelope = accepted(name)
    assert envelope.grant_id(link.envelope).hex() == GRANTS[name]["id"]
    kept, views = None, {}
    for expected in READERS[name]["heads"]:
        now = at(expected["sequence"])
        root = readers.open_root(now, envelope.pointer.secret, least_generation=envelope.generation)
        assert (root is not None) == expected["root"]
        slot = root and readers.find_slot(now, root, envelope, envelope.grant_id(link.envelope), key)
        assert (slot is not None) == expected["slot"]
        kept = slot or kept
        view = readers.reader_reads(now, root, envelope, kept) if root else None
        views = {} if view is None else {envelope.scope: view}
        assert texts(views) == expected["sees"]
    check_last(name, views)


def test_a_reader_from_now_on_sees_what_came_after_its_grant_and_counts_of_the_rest():
    (scope,) = READERS["Newcomer"]["last"].values()
    assert scope["current"] == ["Ada moved to Aarhus.", "Ada lost her phone.", "Ada takes the train at nine."]
    (whole,) = READERS["Historian"]["last"].values()
    assert scope["hidden"] == len(whole["records"]) - len(scope["records"]) == 6
    assert {record["epoch"] for record in scope["records"]} == {2, 3}


def test_a_removed_device_still_sees_which_root_is_current_and_opens_no_owner_block():
    w = Generation(bytes.fromhex(READERS["phone"]["has"]["W"]), 0)
    locator = Locator(bytes.fromhex(READERS["phone"]["has"]["P"]))
    now = at(LAST)
    root = readers.open_root(now, locator.pointer_key(GOLDEN["heads"][-1]["pointer_key"]))
    assert root.generation == 1
    with Refused("owner", "key"):
        readers.open_owner(now, root, w)
    assert readers.open_owner(now, root, ROOT_KEY.generation(VAULT, 1)).devices[0].name == "laptop"


def test_the_later_generations_owner_block_opens_the_earlier_ones():
    owner, _ = readers.owner_reads(at(LAST), ROOT_KEY)
    (earlier,) = owner.earlier
    for number in range(1, LAST):
        now = at(number)
        key = ROOT_KEY.locator(VAULT).pointer_key(GOLDEN["heads"][number - 1]["pointer_key"])
        root = readers.open_root(now, key)
        if root.generation == 0:
            data = BLOCKS[root.owner.digest]
            assert read_owner(data, root.owner, owner_key=earlier.owner_key, generation=0, vault=VAULT).scopes


def test_a_root_of_a_removed_generation_is_refused_by_who_has_seen_the_later_one():
    locator = ROOT_KEY.locator(VAULT)
    last, old = GOLDEN["heads"][-1], GOLDEN["heads"][6]
    assert readers.open_root(at(LAST), locator.pointer_key(last["pointer_key"]), least_generation=1)
    assert readers.open_root(at(7), locator.pointer_key(old["pointer_key"]), least_generation=0)
    with pytest.raises(SignatureInvalid):
        readers.open_root(at(7), locator.pointer_key(old["pointer_key"]), least_generation=1)


def test_the_forgotten_is_in_no_segment_of_the_last_root_and_its_witness_leaf_is():
    views = readers.owner_reads(at(1), ROOT_KEY)[1], readers.owner_reads(at(LAST), ROOT_KEY)[1]
    first, last = ([record for view in each.values() for record in view.records] for each in views)
    gone = next(record for _, _, record in first if "birthday" in record.memory.text)
    assert not any(
        isinstance(record.memory, Memory) and record.memory.id == gone.memory.id for _, _, record in last
    )
    leaves = sorted(record.leaf() for _, _, record in first)
    root = readers.open_root(at(1), ROOT_KEY.locator(VAULT).pointer_key(0))
    assert tree_hash(leaves) == root.witness
    where = leaves.index(gone.leaf())
    verify_path(gone.leaf(), where, len(leaves), audit_path(leaves, where), root.witness)


def test_what_a_tool_proposed_and_the_owner_accepted_carries_its_proof():
    _, views = readers.owner_reads(at(LAST), ROOT_KEY)
    memories = [record.memory for view in views.values() for _, _, record in view.records]
    proposed = [memory for memory in memories if isinstance(memory, Memory) and memory.author]
    assert sorted(memory.text for memory in proposed) == [
        "The build is green.",
        "The tests run in two minutes.",
    ]
    for memory in proposed:
        assert memory.author.hex() == GRANTS["Writer"]["author"]
        assert memory.proof.grant.hex() == GRANTS["Writer"]["id"]
        check_proof(memory, chain_id=CHAIN, contract=CONTRACT, vault=VAULT)


@pytest.mark.parametrize(("name", "generation", "count"), [("Writer", 0, 3), ("Writer again", 1, 1)])
def test_the_parcel_in_each_inbox_opens_with_the_letter_box_of_its_generation(name, generation, count):
    grant = GRANTS[name]
    inbox, secret, grant_id = grant["inbox"], bytes.fromhex(grant["secret"]), bytes.fromhex(grant["id"])
    salt, pointer = bytes.fromhex(inbox["salt"]), bytes.fromhex(inbox["pointer"])
    digest = open_parcel_pointer(secret, grant_id, inbox["number"], salt, pointer)
    place = Inbox(CHAIN, CONTRACT, VAULT, grant_id, inbox["number"])

    def read(box: HybridKey):
        author = bytes.fromhex(grant["author"])
        return read_parcel(BLOCKS[digest], digest=digest, inbox=place, author=author, key=box)

    parcel = read(ROOT_KEY.generation(VAULT, generation).box())
    assert len(parcel.proposals) == count
    with Refused("parcel", "key"):
        read(ROOT_KEY.generation(VAULT, 1 - generation).box())


def test_a_write_only_tool_has_no_pointer_key():
    for name in ("Writer", "Writer again"):
        link = read_link(GRANTS[name]["link"])
        assert link.vault == VAULT
        assert GRANTS[name]["rights"] == 2
    assert "Writer" not in READERS


def test_every_block_of_the_vault_is_one_of_the_seven_sizes():
    sizes = {len(data) for data in BLOCKS.values()}
    assert sizes <= {4096 << n for n in range(7)}
    assert len(sizes) > 1


def test_no_readers_key_opens_another_place_of_the_access_block():
    """One box each: who tries another's key, grant or scope finds none."""
    link, key, envelope = accepted("Historian")
    now = at(LAST)
    root = readers.open_root(now, envelope.pointer.secret)
    access = read_access(
        BLOCKS[root.access.digest], root.access, pointer_key=envelope.pointer.secret, vault=VAULT
    )
    grant = envelope.grant_id(link.envelope)
    assert access.reader_slot(key, grant=grant, scope=envelope.scope)
    _, other, newcomer = accepted("Newcomer")
    assert access.reader_slot(other, grant=grant, scope=newcomer.scope) is None
    assert access.device_slot(key) is None
    work = bytes.fromhex(GOLDEN["scopes"]["work"])
    assert access.reader_slot(key, grant=grant, scope=work) is None


def test_a_bit_flipped_anywhere_in_the_last_root_is_refused():
    head = at(LAST)
    key = ROOT_KEY.locator(VAULT).pointer_key(GOLDEN["heads"][-1]["pointer_key"])
    root = readers.open_root(head, key)
    data = BLOCKS[root.digest]
    for where in range(0, len(data), 97):
        spoiled = data[:where] + bytes((data[where] ^ 4,)) + data[where + 1 :]
        with pytest.raises(FormatError, match="hash"):
            read_root(
                spoiled,
                digest=root.digest,
                pointer_key=key,
                chain_id=CHAIN,
                contract=CONTRACT,
                vault=VAULT,
                sequence=LAST,
            )
