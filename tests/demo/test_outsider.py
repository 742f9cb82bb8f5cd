"""The outsider's search finds what is there, however it is written. What is planted is written by other means than the search's own."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Iterator

import pytest

from memsync.chain.ape import connect
from memsync.chain.calls import NO_DEADLINE, Commit, Open, sign_call
from memsync.chain.node import local_node
from memsync.crypto.randomness import system_random
from memsync.crypto.secp256k1 import SecpKey, vault_id
from memsync.crypto.words import from_words, to_words
from memsync.demo.evidence import BLOCKS, CALLS, LOGS, STORAGE, Part, block_parts, chain_parts
from memsync.demo.outsider import DIGESTS, KINDS, SCOPES, TEXTS, TOOL, WORDS, Needle, needles_of, search
from memsync.demo.plain import publish_plainly
from memsync.demo.spellings import SHORTEST, spellings
from memsync.demo.watch import Watched, judge
from memsync.errors import IntegrityError
from memsync.ipld.cid import CID
from memsync.memory import Memory, Source, new_id
from memsync.shared import Tool
from memsync.testing import MemoryStore

LUCK = random.Random(20250904)
TEXT = "He stood in the doorway in his socks and told me the left burner was smoking. It was."
BLOCK = CID.of(b"a block")
ACCOUNT = bytes.fromhex("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
CHECKSUMMED = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"

NEEDLES: dict[str, str | bytes] = {
    "a text": TEXT,
    "a text in another script": "البحر لا ينسى أحداً، لكنه لا ينادي باسمك مرتين.",
    "the name of a scope": "novel",
    "an account": ACCOUNT,
    "a public key for boxes": LUCK.randbytes(1216),
    "an author's key": LUCK.randbytes(32),
    "a digest": BLOCK.digest,
    "a CID": str(BLOCK),
    "three of the words": "abandon ability able",
}
TEXT_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")
WRITINGS: dict[str, Callable[[bytes], bytes]] = {
    "as it is": bytes,
    "from its end": lambda data: data[::-1],
    "lower-case hex": lambda data: data.hex().encode(),
    "upper-case hex": lambda data: data.hex().upper().encode(),
    "hex from its end": lambda data: data[::-1].hex().encode(),
    "base32": base64.b32encode,
    "base32 as in a CID": lambda data: base64.b32encode(data).lower().rstrip(b"="),
    "base64": base64.b64encode,
    "base64 for URLs": lambda data: base64.urlsafe_b64encode(data).rstrip(b"="),
    "base64 from its end": lambda data: base64.b64encode(data[::-1]),
}


def encodings(value: str | bytes) -> list[bytes]:
    return [value] if isinstance(value, bytes) else [value.encode(encoding) for encoding in TEXT_ENCODINGS]


def found(needle: str | bytes, hay: bytes) -> bool:
    return not search([Needle(TEXTS, needle)], [Part(BLOCKS, hay)]).nothing


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize("name", NEEDLES)
def test_a_needle_is_found_however_it_is_written_and_wherever_it_lies(name, writing):
    parts = []
    for data in encodings(NEEDLES[name]):
        for shift in range(8):
            # Written together with what stands before and after it, as in the middle of a file.
            inside = WRITINGS[writing](LUCK.randbytes(shift) + data + LUCK.randbytes(9))
            place = f"hay {len(parts)}"
            parts.append(Part(place, LUCK.randbytes(500) + inside + LUCK.randbytes(500)))
    findings = search([Needle(TEXTS, NEEDLES[name])], parts)
    assert findings.found_in == {(TEXTS, part.place): 1 for part in parts}


@pytest.mark.parametrize("name", NEEDLES)
def test_noise_holds_no_needle(name):
    assert not found(NEEDLES[name], LUCK.randbytes(200_000))


def test_an_address_in_mixed_case_is_found():
    assert found(ACCOUNT, CHECKSUMMED.encode())


def test_what_is_cut_off_at_either_end_is_found():
    for data in (TEXT.encode(), TEXT.encode("utf-16-le")):
        assert found(TEXT, data[: len(data) // 2])
        assert found(TEXT, data[len(data) // 2 :])
    key = NEEDLES["a public key for boxes"]
    assert found(key, key[:16])
    assert found(key, key[-16:])


def test_a_text_is_found_inside_json():
    text = 'She said "read me what I wrote today",\nand that was that.'
    assert found(text, json.dumps({"text": text}).encode())


def test_half_a_needle_in_two_places_is_no_find():
    assert not found("novel", b"nov-el") and not found("novel", b"nove") and found("novel", b"novels")


def test_what_is_too_short_to_be_told_from_chance_is_said_and_not_searched():
    findings = search([Needle(TEXTS, "thx"), Needle(TEXTS, "knees")], [Part(BLOCKS, b"thx, knees")])
    assert (findings.needles[TEXTS], findings.too_short, findings.found[TEXTS]) == (1, 1, 1)
    assert all(len(one.pattern) >= SHORTEST for value in NEEDLES.values() for one in spellings(value))


def test_needles_are_counted_by_kind_and_by_the_place_where_they_lie():
    needles = [Needle(SCOPES, "novel"), Needle(SCOPES, "research"), Needle(TEXTS, TEXT)]
    parts = [
        Part(CALLS, b"novel novel"),
        Part(CALLS, b"novel"),
        Part(LOGS, b"a novel"),
        Part(STORAGE, b"research"),
    ]
    findings = search(needles, parts)
    assert findings.found == {SCOPES: 2}
    assert findings.found_in == {(SCOPES, CALLS): 1, (SCOPES, LOGS): 1, (SCOPES, STORAGE): 1}
    assert findings.parts == {CALLS: 2, LOGS: 1, STORAGE: 1}
    assert findings.size == {CALLS: 16, LOGS: 7, STORAGE: 8}
    assert not findings.nothing and not findings.everything
    assert search(needles, [*parts, Part(BLOCKS, TEXT.encode())]).everything


def test_a_find_fails_the_demo_and_so_does_a_blind_search():
    there, nowhere = (search([Needle(TEXTS, TEXT)], [Part(BLOCKS, hay)]) for hay in (TEXT.encode(), b""))
    judge(Watched(sealed=nowhere, plain=there, calls=1, paid=1))
    with pytest.raises(IntegrityError, match="found something"):
        judge(Watched(sealed=there, plain=there, calls=1, paid=1))
    with pytest.raises(IntegrityError, match="missed"):
        judge(Watched(sealed=nowhere, plain=nowhere, calls=1, paid=1))


def test_a_needle_shows_its_value_to_nobody():
    assert "novel" not in repr(Needle(SCOPES, "novel"))


@pytest.fixture(scope="module")
def node() -> Iterator:
    with local_node() as running:
        yield running


@pytest.fixture(scope="module")
def registry(node) -> Iterator:
    with connect(node.url, payer="TEST::0") as connected:
        yield connected


def test_calls_logs_and_storage_are_all_seen_what_was_overwritten_too(node, registry):
    owner = SecpKey.derive(system_random(32), "owner")
    vault = vault_id(registry.chain_id, registry.contract, owner.address)
    first, second = system_random(32), system_random(32)
    for call in (Open(owner.address, 0, owner.address, 0, first), Commit(vault, 1, 0, 0, second)):
        signed = sign_call(call, owner, NO_DEADLINE, chain_id=registry.chain_id, contract=registry.contract)
        registry.send(signed)
    parts = list(chain_parts(node))
    for pointer, places in ((first, {CALLS, STORAGE}), (second, {CALLS, STORAGE, LOGS})):
        assert {part.place for part in parts if pointer in part.data} == places
    assert {part.place for part in parts if vault in part.data} == {CALLS, LOGS}
    payer = bytes.fromhex(node.rpc("eth_accounts")[0][2:])
    assert all(payer in part.data for part in parts if part.place == CALLS)


def test_a_vault_without_encryption_shows_every_needle(node, registry):
    tool, words, store = Tool.generate(), to_words(system_random(32)), MemoryStore()
    card = tool.card("Inkwell")
    memory = Memory(
        id=new_id(1, system_random),
        version=new_id(1, system_random),
        kind="episodic",
        text=TEXT,
        created=1,
        source=Source(title="What the father cannot see"),
    )
    scopes = {"novel": [memory], "personal": []}
    cids = publish_plainly(
        scopes,
        "a proposal",
        tool=tool,
        card=card,
        words=words,
        store=store,
        registry=registry,
        node=node,
    )
    needles = needles_of(
        texts=[TEXT, "What the father cannot see", "a proposal"],
        scopes=scopes,
        tool=card,
        words=words,
        cids=cids,
    )
    findings = search(needles, [*chain_parts(node), *block_parts(store)])
    assert findings.everything
    assert set(findings.needles) == set(KINDS)
    assert findings.found_in[DIGESTS, CALLS] == 2 * len(cids) == findings.needles[DIGESTS]
    assert findings.found_in[DIGESTS, LOGS] > 0 < findings.found_in[DIGESTS, STORAGE]
    assert findings.found_in[TOOL, CALLS] == 1  # its account
    assert findings.found_in[TOOL, BLOCKS] == 4
    assert findings.found_in[SCOPES, CALLS] == 1
    assert findings.found_in[TEXTS, BLOCKS] == 3
    assert findings.found_in[WORDS, BLOCKS] == findings.needles[WORDS] > 22


def test_the_words_are_looked_for_one_by_one_in_threes_and_as_what_they_say():
    words = to_words(LUCK.randbytes(32))
    card = Tool(LUCK.randbytes(32)).card("Inkwell")
    needles = needles_of(texts=[], scopes=[], tool=card, words=words, cids=[])
    values = [needle.value for needle in needles if needle.kind == WORDS]
    listed = words.split()[1:]
    assert " ".join(listed[10:13]) in values
    assert max(listed, key=len) in values
    assert from_words(words) in values
