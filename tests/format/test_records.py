from __future__ import annotations

import dataclasses
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.errors import FormatError, InputError
from memsync.format.records import (
    MAX_MEMORY,
    Record,
    draft_value,
    encode_memory,
    encode_record,
    read_draft,
    read_memory,
    read_record,
)
from memsync.ipld.dagcbor import decode, encode
from memsync.memory import (
    KINDS,
    KNOWN_KEYS,
    MAX_TEXT,
    Draft,
    InvalidMemory,
    Memory,
    Proof,
    Source,
    Tombstone,
    new_id,
)
from tests.format.vectors import Refused, cases, load

VECTORS = load("records")
NOW = 1_790_000_000_000


def made_id(*tail):
    return new_id(NOW, lambda length: bytes(length - len(tail)) + bytes(tail))


def memory(**fields):
    return Memory(
        **{"id": made_id(1), "version": made_id(2), "kind": "semantic", "text": "x", "created": NOW} | fields
    )


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
times = st.integers(-(1 << 53) + 1, (1 << 53) - 1)
ids = st.builds(
    new_id, st.integers(0, (1 << 48) - 1), st.binary(min_size=10, max_size=10).map(lambda ten: lambda _: ten)
)
sorted_ids = st.lists(st.binary(min_size=16, max_size=16), max_size=3, unique=True).map(
    lambda many: tuple(sorted(many))
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.binary(max_size=20) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
content = {
    "kind": st.sampled_from(KINDS),
    "text": texts,
    "created": times,
    "tags": st.lists(texts, max_size=3, unique=True).map(lambda tags: tuple(sorted(tags))),
    "source": st.none()
    | st.dictionaries(
        st.sampled_from(["tool", "conversation", "title", "turn", "part", "role", "model"]), texts, min_size=1
    ).map(lambda fields: Source(**fields)),
    "happened": st.none() | times,
    "valid_from": st.none() | times,
    "valid_until": st.none() | times,
    "supersedes": sorted_ids,
    "unknown": st.dictionaries(texts.filter(lambda key: key not in KNOWN_KEYS), values, max_size=2),
}
proofs = st.builds(
    Proof,
    st.binary(min_size=32, max_size=32),
    st.integers(0, (1 << 32) - 1),
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=64, max_size=64),
)
drafts = st.builds(Draft, **content)
memories = st.builds(
    lambda draft, memory_id, version, replaces, signed: dataclasses.replace(
        draft.accepted(memory_id, version, author=signed and signed[0], proof=signed and signed[1]),
        replaces=tuple(other for other in replaces if other != version),
    ),
    drafts,
    ids,
    ids,
    sorted_ids,
    st.none() | st.tuples(st.binary(min_size=32, max_size=32), proofs),
)
tombstones = st.builds(Tombstone, id=ids, version=ids, forgotten=times)


@pytest.mark.parametrize("case", VECTORS["good"], ids=lambda case: case["name"])
def test_memories_are_written_and_read_as_in_the_vectors(case):
    record = read_record(decode(bytes.fromhex(case["record"])))
    assert encode_memory(record.memory).hex() == case["memory"]
    assert (record.batch, record.salt.hex(), record.memory.when) == (
        case["batch"],
        case["salt"],
        case["when"],
    )
    assert record.leaf().hex() == case["leaf"]
    data, leaf, _ = encode_record(record)
    assert (data.hex(), leaf.hex()) == (case["record"], case["leaf"])
    assert read_memory(decode(bytes.fromhex(case["memory"]))) == record.memory


@pytest.mark.parametrize("case", VECTORS["drafts"], ids=lambda case: case["name"])
def test_drafts_are_written_and_read_as_in_the_vectors(case):
    draft = read_draft(decode(bytes.fromhex(case["draft"])))
    assert encode(draft_value(draft)).hex() == case["draft"]


@cases(VECTORS["bad"])
def test_a_map_that_is_no_memory_is_refused(case):
    with Refused("memory", case["fault"]):
        read_memory(decode(bytes.fromhex(case["memory"])))


@cases(VECTORS["bad_drafts"])
def test_a_map_that_is_no_draft_is_refused(case):
    with Refused("draft", case["fault"]):
        read_draft(decode(bytes.fromhex(case["draft"])))


@cases(VECTORS["bad_records"])
def test_a_list_that_is_no_record_is_refused(case):
    with Refused("record", case["fault"]):
        read_record(decode(bytes.fromhex(case["record"])))


@given(memories | tombstones)
def test_a_memory_comes_back_as_it_was_and_byte_for_byte(kept):
    data = encode_memory(kept)
    assert read_memory(decode(data)) == kept
    assert encode_memory(read_memory(decode(data))) == data


@given(drafts, ids, ids)
def test_an_accepted_draft_gives_back_what_was_proposed(draft, memory_id, version):
    accepted = draft.accepted(
        memory_id, version, author=bytes(32), proof=Proof(bytes(32), 1, bytes(16), bytes(64))
    )
    assert accepted.draft() == read_draft(decode(encode(draft_value(draft)))) == draft
    value = decode(encode_memory(accepted))
    assert encode({key: value[key] for key in value.keys() - {"id", "version", "author", "proof"}}) == encode(
        draft_value(draft)
    )


@given(memories, st.data())
def test_a_memory_with_a_byte_changed_is_refused_or_is_another_memory(kept, data):
    raw = bytearray(encode_memory(kept))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        other = read_memory(decode(bytes(raw)))
    except FormatError:
        return
    assert other != kept
    assert encode_memory(other) == raw


@given(values)
def test_any_value_is_a_memory_a_draft_and_a_record_or_refused(value):
    for read in (read_memory, read_draft, read_record):
        try:
            read(value, what="x")
        except FormatError as error:
            what = error.what
            assert what == "x"


@given(memories, st.binary(min_size=16, max_size=16), st.integers(0, (1 << 32) - 1))
def test_a_leaf_depends_on_the_salt_and_the_memory_and_not_on_the_batch(kept, salt, batch):
    record = Record(batch, salt, kept)
    assert record.leaf() == Record(0, salt, kept).leaf() == encode_record(record)[1]
    assert (
        record.leaf()
        != Record(batch, bytes(15) + b"\xff" if salt != bytes(15) + b"\xff" else bytes(16), kept).leaf()
    )
    other = dataclasses.replace(kept, text=kept.text + ".")
    assert record.leaf() != Record(batch, salt, other).leaf()


def test_ids_are_uuid_version_7_in_order_of_time():
    made = [new_id(ms, lambda length: b"\xff" * length) for ms in (0, 1, NOW, (1 << 48) - 1)]
    assert made == sorted(made)
    for ms, value in zip((0, 1, NOW, (1 << 48) - 1), made, strict=True):
        parsed = uuid.UUID(bytes=value)
        assert parsed.variant == uuid.RFC_4122
        assert parsed.version == 7
        assert parsed.int >> 80 == ms
    # RFC 9562, appendix A.6: the time and the random bits of its example.
    example = uuid.UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
    tail = 0xCC3 << 62 | (example.int & (1 << 62) - 1)
    assert new_id(0x017F22E279B0, lambda length: tail.to_bytes(length, "big")) == example.bytes
    for ms in (-1, 1 << 48):
        with pytest.raises(InputError):
            new_id(ms, bytes)


def test_texts_are_kept_verbatim():
    for text in ("Cafe\u0301", "Caf\u00e9", " \t\r\n", "\0", "\ufeff", "🏳️‍🌈"):
        assert read_memory(decode(encode_memory(memory(text=text)))).text == text


@pytest.mark.parametrize("text", ["x" * MAX_TEXT, "é" * (MAX_TEXT // 2), "工" * (MAX_TEXT // 3)])
def test_a_text_has_at_most_128_kib(text):
    assert read_memory(decode(encode_memory(memory(text=text)))).text == text
    with pytest.raises(InvalidMemory) as caught:
        memory(text=text + text[-1])
    assert caught.value.fault == "size"
    value = decode(encode_memory(memory())) | {"text": text + text[-1]}
    with Refused("memory", "size"):
        read_memory(value)


@pytest.mark.parametrize(
    "fields",
    [
        {"unknown": {"more": bytes(65_500)}},
        {"tags": tuple(f"{n:05}" * 10 for n in range(1263))},
        {"source": Source(title="é" * 32_750)},
        {"supersedes": tuple(n.to_bytes(16, "big") for n in range(3857))},
        {"replaces": tuple(n.to_bytes(16, "big") for n in range(3857))},
    ],
)
def test_a_memory_has_at_most_192_kib(fields):
    shorter = memory(text="x" * 70_000, **fields)
    text = "x" * (70_000 + MAX_MEMORY - len(encode_memory(shorter)))
    largest = dataclasses.replace(shorter, text=text)
    assert len(encode_memory(largest)) == MAX_MEMORY
    assert read_memory(decode(encode_memory(largest))) == largest
    larger = dataclasses.replace(shorter, text=text + "x")
    with pytest.raises(InvalidMemory) as caught:
        encode_memory(larger)
    assert caught.value.fault == "size"
    value = decode(encode_memory(largest)) | {"text": text + "x"}
    with Refused("memory", "size"):
        read_memory(value)


def test_a_draft_has_at_most_192_kib():
    draft = Draft(kind="semantic", created=1, text="x" * 131_072, unknown={"more": bytes(65_490)})
    value = decode(encode(draft_value(draft)))
    assert read_draft(value) == draft
    with pytest.raises(InvalidMemory):
        draft_value(dataclasses.replace(draft, unknown={"more": bytes(65_535)}))
    with Refused("draft", "size"):
        read_draft(value | {"more": bytes(65_535)})


def test_a_value_that_breaks_a_rule_can_not_be_made():
    wrong = [
        {"kind": "other"},
        {"text": ""},
        {"text": "\ud800"},
        {"tags": ("b", "a")},
        {"tags": ("a", "a")},
        {"created": 1 << 53},
        {"created": 1.5},
        {"id": bytes(16)},
        {"author": bytes(32)},
        {"unknown": {"text": "x"}},
        {"unknown": {"forgotten": 1}},
        {"replaces": (made_id(2),)},
    ]
    for fields in wrong:
        with pytest.raises(InvalidMemory):
            memory(**fields)
    for make in (
        Source,
        lambda: Source(tool=""),
        lambda: Proof(bytes(32), 1 << 32, bytes(16), bytes(64)),
        lambda: Draft(kind="semantic", text="x", created=1, unknown={"id": bytes(16)}),
        lambda: Tombstone(id=made_id(1), version=bytes(16), forgotten=1),
    ):
        with pytest.raises(InvalidMemory):
            make()
    with pytest.raises(InputError):
        Record(1 << 32, bytes(16), memory())
    with pytest.raises(InputError):
        Record(0, bytes(15), memory())


def test_unknown_keys_too_deep_for_a_stream_are_not_taken_in():
    deep: object = 1
    for _ in range(61):
        deep = [deep]
    data, _, _ = encode_record(Record(0, bytes(16), memory(unknown={"deep": deep})))
    assert decode(encode([decode(data)])) == [decode(data)]
    with pytest.raises(InputError):
        encode_record(Record(0, bytes(16), memory(unknown={"deep": [deep]})))
