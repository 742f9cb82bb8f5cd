from __future__ import annotations

from dataclasses import replace

import pytest

from memsync.crypto.kdf import derive
from memsync.crypto.sealing import ZERO16, Kind, aad, seal_block, seal_entry
from memsync.errors import FormatError, InputError, SignatureInvalid
from memsync.format.block import Block
from memsync.format.certificate import certify, check_certificate
from memsync.format.entry import Entry, ScopeEntry, SealedEntry
from memsync.format.root import Root, read_root, seal_root
from tests.format.vectors import Refused, cases, load, unbase64
from tests.vectors import samples as s

VECTORS = load("root")
GOOD, FIRST = VECTORS["good"]
KEY = derive(s.POINTER_KEY, "root")
PLACE = aad(s.VAULT, ZERO16, ZERO16, Kind.ROOT, s.SEQUENCE.to_bytes(4, "big"))
WHERE = {
    "pointer_key": s.POINTER_KEY,
    "chain_id": s.CHAIN,
    "contract": s.CONTRACT,
    "vault": s.VAULT,
    "sequence": s.SEQUENCE,
}


def read(data: bytes, **changes) -> Root:
    return read_root(data, digest=Block.of(data).digest, **WHERE | changes)


def test_the_root_of_the_vectors_is_made_and_read():
    block = seal_root(**s.ROOT, random=s.stream("root"))
    assert block.data == unbase64(GOOD["block"])
    root = read(block.data)
    assert root.digest == block.digest == bytes.fromhex(GOOD["digest"])
    for name in ("vault", "sequence", "generation", "previous", "access", "owner", "witness", "certificate"):
        assert getattr(root, name) == s.ROOT[name]
    assert len(root.entries) == 4


def test_a_first_root_has_no_previous_one_and_may_have_no_scope():
    root = read(unbase64(FIRST["block"]), sequence=1)
    assert root.previous is None
    assert len(root.entries) == 1
    assert root.entry(s.SCOPE, s.EPOCH.content) is None


def test_each_scopes_current_key_opens_its_entry():
    root = read(unbase64(GOOD["block"]))
    for one, pinned in zip(s.ENTRIES, GOOD["entries"], strict=True):
        assert root.entry(one.scope, one.key) == one.entry
        assert one.key.tag(root.salt).hex() == pinned["tag"]


def test_another_epochs_key_finds_no_entry():
    root = read(unbase64(GOOD["block"]))
    assert root.entry(s.SCOPE, s.EPOCH.content) is not None
    for epoch in s.EPOCHS[:3]:
        assert root.entry(s.SCOPE, epoch.content) is None


def test_a_key_under_another_scopes_id_opens_nothing():
    root = read(unbase64(GOOD["block"]))
    with Refused("entry", "key"):
        root.entry(s.OTHER_SCOPE, s.EPOCH.content)


@cases(VECTORS["bad_plaintexts"])
def test_a_root_that_breaks_a_rule_is_refused(case):
    with Refused("root", case["fault"]):
        read(seal_block(KEY, PLACE, unbase64(case["plaintext"])))


@cases(VECTORS["bad_blocks"])
def test_a_block_that_is_not_the_root_of_this_sequence_is_refused(case):
    with Refused("root", case["fault"]):
        read(unbase64(case["block"]))


@cases(VECTORS["bad_entries"])
def test_an_entry_that_breaks_a_rule_is_refused(case):
    key = s.EPOCH.content
    root = read(unbase64(GOOD["block"]))
    place = aad(s.VAULT, s.SCOPE, key.id, Kind.ENTRY, s.SEQUENCE.to_bytes(4, "big"))
    sealed = seal_entry(key.secret, place, unbase64(case["plaintext"]))
    root = replace(root, entries=(SealedEntry(key.tag(root.salt), sealed),))
    with Refused("entry", case["fault"]):
        root.entry(s.SCOPE, key)


def test_an_entry_altered_within_a_root_that_its_author_signed_anew_is_refused():
    root = read(unbase64(GOOD["block"]))
    tag = s.EPOCH.content.tag(root.salt)
    for at, fault in ((0, "key"), (40, "key"), (100, "tag"), (255, "tag")):
        spoiled = [
            replace(entry, sealed=entry.sealed[:at] + bytes((entry.sealed[at] ^ 1,)) + entry.sealed[at + 1 :])
            if entry.tag == tag
            else entry
            for entry in root.entries
        ]
        with Refused("entry", fault):
            replace(root, entries=tuple(spoiled)).entry(s.SCOPE, s.EPOCH.content)


def test_no_byte_of_a_root_can_be_changed():
    data = unbase64(GOOD["block"])
    assert read(data)
    for at in range(0, len(data), 61):
        spoiled = data[:at] + bytes((data[at] ^ 0x80,)) + data[at + 1 :]
        with pytest.raises(FormatError):
            read(spoiled)
        with Refused("root", "hash"):
            read_root(spoiled, digest=bytes.fromhex(GOOD["digest"]), **WHERE)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"vault": s.OTHER_VAULT}, "key"),
        ({"sequence": 8}, "key"),
        ({"pointer_key": bytes(32)}, "key"),
        ({"chain_id": s.CHAIN + 1}, None),
        ({"contract": bytes(20)}, None),
    ],
)
def test_a_root_read_as_anothers_is_refused(changes, fault):
    data = unbase64(GOOD["block"])
    assert read(data)
    with Refused("root", fault):
        read(data, **changes)


def test_a_generation_below_the_highest_seen_is_refused():
    data = unbase64(GOOD["block"])
    assert read(data, least_generation=1).generation == 1
    with pytest.raises(SignatureInvalid, match="removed"):
        read(data, least_generation=2)


def test_a_generation_that_was_removed_can_still_sign_and_only_that_check_refuses_it():
    """What a removed device can do to a reader that has not seen the later generation (docs/threat-model.md)."""
    old = s.ROOT_KEY.generation(s.VAULT, 0)
    certificate = certify(s.OWNER_KEY, old, chain_id=s.CHAIN, contract=s.CONTRACT)
    block = seal_root(**s.ROOT | {"generation": 0, "author": old.author(), "certificate": certificate})
    assert read(block.data).generation == 0
    with pytest.raises(SignatureInvalid):
        read(block.data, least_generation=1)


def test_two_roots_of_the_same_state_share_no_tag_and_no_sealed_entry():
    first, second = (read(seal_root(**s.ROOT).data) for _ in range(2))
    assert not {entry.tag for entry in first.entries} & {entry.tag for entry in second.entries}
    assert not {entry.sealed for entry in first.entries} & {entry.sealed for entry in second.entries}


def test_512_scopes_fit_and_513_are_refused():
    scopes = [
        ScopeEntry(
            s.chosen(f"scope {n}", 16),
            replace(s.EPOCH, secret=s.chosen(f"k {n}")).content,
            s.ENTRIES[0].entry,
        )
        for n in range(513)
    ]
    entry = Entry(3, None, None, 0)
    scopes = [replace(one, entry=entry) for one in scopes]
    root = read(seal_root(**s.ROOT | {"entries": scopes[:512]}).data)
    assert len(root.entries) == 512
    assert all(root.entry(one.scope, one.key) == entry for one in scopes[:3])
    with pytest.raises(InputError):
        seal_root(**s.ROOT | {"entries": scopes})


@pytest.mark.parametrize(
    "changes",
    [
        {"previous": None},
        {"sequence": 1},
        {"sequence": 2**32},
        {"witness": bytes(31)},
        {"vault": bytes(31)},
        {"entries": [s.ENTRIES[0], replace(s.ENTRIES[0], scope=s.OTHER_SCOPE)]},
        {"entries": [replace(s.ENTRIES[0], entry=Entry(2, None, None, 0))]},
        {"entries": [replace(s.ENTRIES[0], entry=Entry(3, None, None, 1))]},
    ],
)
def test_a_builder_refuses_what_a_reader_would(changes):
    with pytest.raises(InputError) as refused:
        seal_root(**s.ROOT | changes)
    assert not isinstance(refused.value, FormatError)


def test_a_builder_refuses_to_publish_under_a_certificate_that_does_not_verify():
    stranger = certify(s.TOOL_ACCOUNT, s.GENERATION, chain_id=s.CHAIN, contract=s.CONTRACT)
    for changes in ({"certificate": stranger}, {"author": s.STRANGER.author()}, {"generation": 2}):
        with pytest.raises(SignatureInvalid):
            seal_root(**s.ROOT | changes)


def test_a_certificate_is_good_for_its_vault_and_generation_only():
    where = {"vault": s.VAULT, "generation": 1, "chain_id": s.CHAIN, "contract": s.CONTRACT}
    check_certificate(s.CERTIFICATE, **where)
    for changes in ({"vault": s.OTHER_VAULT}, {"generation": 0}, {"chain_id": 1}, {"contract": bytes(20)}):
        with pytest.raises(SignatureInvalid):
            check_certificate(s.CERTIFICATE, **where | changes)
