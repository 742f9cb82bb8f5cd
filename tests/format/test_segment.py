from __future__ import annotations

import dataclasses
import random
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memsync.crypto.epochs import ContentKey
from memsync.crypto.sealing import SIZES, Kind, aad, open_block
from memsync.errors import FormatError, InputError
from memsync.format.block import Ref
from memsync.format.catalog_node import Epoch, SegmentRow
from memsync.format.records import Record, encode_record
from memsync.format.segment import (
    Segment,
    build_segments,
    carry,
    check_contents,
    open_segment,
    read_segment,
    rewrite_segment,
)
from memsync.format.stream import StreamWriter
from memsync.format.witness import tree_hash
from memsync.ipld.dagcbor import decode, encode
from memsync.memory import Memory, Proof, Tombstone, new_id
from tests.format.vectors import Refused, cases, load, unbase64

VECTORS = load("segment")
VAULT, SCOPE = bytes(32), bytes(16)
KEY = ContentKey(2, b"k" * 32)
PLACE = {"key": KEY, "vault": VAULT, "scope": SCOPE}
NOW = 1_790_000_000_000
WORDS = "the of and to in that was it for on river train likes green tea prefers window Lisbon project deadline meeting Ada".split()


class Source:
    """Records from a seed: texts of common words, ids and salts of random bytes."""

    def __init__(self, seed=1):
        self.random = random.Random(seed)

    def text(self, words=50):
        return " ".join(self.random.choices(WORDS, k=words))

    def noise(self, length):
        """A text of ``length`` characters, which compresses to about as many bytes: half more before."""
        return self.random.randbytes(length).decode("latin-1")

    def record(self, text=None, *, author=None, batch=0, **fields):
        created = NOW + self.random.randint(0, 10**9)
        memory = Memory(
            id=new_id(created, self.random.randbytes),
            version=new_id(created, self.random.randbytes),
            kind="semantic",
            text=self.text() if text is None else text,
            created=created,
            author=author,
            proof=author and Proof(bytes(32), 1, bytes(16), bytes(64)),
            **fields,
        )
        return Record(batch, self.random.randbytes(16), memory)

    def records(self, count, **fields):
        return [self.record(**fields) for _ in range(count)]


@pytest.fixture
def source():
    return Source()


def build(records, **more):
    return list(build_segments(records, **PLACE, **more))


def reopened(sealed, order=(1, 0)):
    return open_segment(sealed.block.data, sealed.row(order), **PLACE)


def plaintext(sealed):
    place = aad(VAULT, SCOPE, KEY.id, Kind.SEGMENT, sealed.ref.object_id)
    return open_block(KEY.secret, place, sealed.block.data, what="segment")


def streams(sealed):
    return decode(plaintext(sealed))[1]


@pytest.mark.parametrize("case", VECTORS["good"], ids=lambda case: case["name"])
def test_segments_are_read_as_in_the_vectors(case):
    epoch = VECTORS["epoch"]
    key = ContentKey(epoch["number"], bytes.fromhex(epoch["secret"]))
    assert key.id.hex() == epoch["id"]
    found = open_segment(unbase64(case["block"]), vector_row(case["row"], key), key=key, vault=bytes.fromhex(VECTORS["vault"]),
                         scope=bytes.fromhex(VECTORS["scope"]))  # fmt: skip
    assert [encode_record(record)[0].hex() for record in found.records] == case["records"]
    assert [[batch, leaf.hex()] for batch, leaf in found.dropped] == case["dropped"]
    assert read_segment(unbase64(case["plaintext"])) == found


def vector_row(row, key):
    ref = Ref(bytes.fromhex(row["object_id"]), bytes.fromhex(row["digest"]))
    return SegmentRow(tuple(row["order"]), ref, Epoch.of(key), row["count"], row["earliest"], row["latest"])


@cases(VECTORS["bad"])
def test_a_plaintext_that_is_no_segment_is_refused(case):
    with Refused("segment", case["fault"]):
        read_segment(unbase64(case["plaintext"]))


@cases(VECTORS["bad_rows"])
def test_a_segment_unlike_its_row_is_refused(case):
    key = ContentKey(VECTORS["epoch"]["number"], bytes.fromhex(VECTORS["epoch"]["secret"]))
    good = VECTORS["good"][0]
    row = dataclasses.replace(vector_row(good["row"], key), **case["changed"])
    with Refused("segment", case["fault"]):
        open_segment(unbase64(good["block"]), row, key=key, vault=bytes.fromhex(VECTORS["vault"]),
                     scope=bytes.fromhex(VECTORS["scope"]))  # fmt: skip


def test_a_few_memories_are_one_block_of_4_kib(source):
    (sealed,) = build(source.records(5))
    assert len(sealed.block.data) == 4096
    assert sealed.count == 5


def test_segments_are_full_and_keep_every_record_in_order(source):
    records = source.records(6000)
    sealed = build(records)
    assert [len(one.block.data) for one in sealed] == [SIZES[-1]] * len(sealed)
    assert all(len(plaintext(one)) > 0.94 * SIZES[-1] for one in sealed[:-1])
    assert [record for one in sealed for record in reopened(one).records] == records
    assert [leaf for one in sealed for leaf in one.leaves] == [record.leaf() for record in records]
    assert len({one.ref.object_id for one in sealed}) == len(sealed)


def test_rows_say_count_and_times(source):
    records = [source.record(happened=-5), source.record(), source.record(happened=7)]
    gone = Tombstone(id=records[0].memory.id, version=records[1].memory.version, forgotten=1 << 52)
    (sealed,) = build([*records, Record(0, bytes(16), gone)])
    row = sealed.row((8, 3))
    assert (row.order, row.count, row.earliest, row.latest) == ((8, 3), 4, -5, 1 << 52)
    assert row.epoch == Epoch.of(KEY)


def test_nothing_makes_no_segment():
    assert build([]) == []


def test_a_version_twice_in_a_segment_is_the_callers_mistake(source):
    record = source.record()
    with pytest.raises(InputError):
        build([record, record])
    other = dataclasses.replace(
        record, memory=dataclasses.replace(record.memory, version=source.record().memory.version)
    )
    assert build([record, other])[0].count == 2


def test_authors_never_share_a_stream(source):
    authors = [None, bytes(32), b"a" * 32]
    records = [source.record(author=authors[number % 3]) for number in range(60)]
    (sealed,) = build(records)
    assert len(streams(sealed)) == 3
    found = reopened(sealed).records
    assert {author: [r for r in found if r.memory.author == author] for author in authors} == {
        author: [r for r in records if r.memory.author == author] for author in authors
    }


def test_no_length_tells_one_author_what_another_wrote(source):
    """Whoever can propose a text and see sizes must not learn whether it was there already: the CRIME oracle."""
    secret = source.record("The door code is 7714 and the alarm is off on Sundays.")
    guesses = [
        "The door code is 7714 and the alarm is off on Sundays!",
        "Zum Haus am Fluss: 9302, Licht aus; Katze (grau) rein!",
    ]
    assert len(guesses[0]) == len(guesses[1])

    def lengths(author):
        base = source.record("x", author=author)
        found = []
        for guess in guesses:
            record = dataclasses.replace(base, memory=dataclasses.replace(base.memory, text=guess))
            (sealed,) = build([secret, record])
            found.append([len(data) for _, data in streams(sealed)])
        return found

    alike, other = lengths(b"a" * 32)
    assert alike[0] == other[0]
    alone = [
        len(data)
        for guess in guesses
        for _, data in streams(build([source.record(guess, author=b"a" * 32)])[0])
    ]
    assert abs((alike[1] - other[1]) - (alone[0] - alone[1])) < 4
    shared, unshared = lengths(
        None
    )  # the control: in one stream the guess that is right is dozens of bytes shorter
    assert shared[0] + 20 < unshared[0]


def test_texts_that_do_not_compress_fill_segments_too(source):
    records = source.records(3) + [source.record(source.noise(66_000)) for _ in range(6)] + source.records(3)
    sealed = build(records)
    assert [record for one in sealed for record in reopened(one).records] == records
    assert [one.count for one in sealed] == [6, 6]


def test_the_largest_memory_fits_alone(source):
    large = source.random.randbytes(65_300)
    text = "".join(map(chr, source.random.choices(range(0x80, 0x800), k=65_536)))
    record = source.record(text, unknown={"more": large})
    sealed = build([source.record(), record, source.record()])
    assert [found for one in sealed for found in reopened(one).records][1] == record


def test_what_compresses_well_stops_at_4_mib_inflated(source):
    records = [source.record("x" * 100_000) for _ in range(90)]
    sealed = build(records)
    assert [one.count for one in sealed] == [41, 41, 8]
    assert [record for one in sealed for record in reopened(one).records] == records


def test_a_segment_of_more_than_4_mib_inflated_is_refused(source):
    def inflated(count):
        records = [encode_record(source.record("x" * 100_000))[0] for _ in range(count)]
        return encode([decode(record) for record in records])

    many, few = inflated(20), inflated(22)
    assert len(many) + len(few) > 4 << 20
    first, second = ([len(data), zlib.compress(data)] for data in (many, few))
    for alone in (first, second):
        read_segment(encode([1, [alone], []]))
    with Refused("segment", "inflate"):
        read_segment(encode([1, [first, second], []]))


def test_what_has_many_items_stops_at_the_readers_limit(source):
    records = [source.record("x", unknown={"list": [0] * 100_000}) for _ in range(5)]
    sealed = build(records)
    assert [one.count for one in sealed] == [2, 2, 1]
    assert [record for one in sealed for record in reopened(one).records] == records


def test_a_hundred_authors_fit_in_one_segment(source):
    records = [source.record(author=number.to_bytes(32, "big")) for number in range(100)]
    (sealed,) = build(records)
    assert list(reopened(sealed).records) == records


def test_only_the_segment_its_row_names_is_opened(source):
    first, second = build(source.records(3)), build(source.records(3))
    row, data = first[0].row((1, 0)), first[0].block.data
    assert open_segment(data, row, **PLACE).records
    with Refused("segment", "hash"):
        open_segment(second[0].block.data, row, **PLACE)
    for wrong in (
        {"vault": b"v" * 32},
        {"scope": b"s" * 16},
    ):
        with Refused("segment", "key"):
            open_segment(data, row, **(PLACE | wrong))
    with Refused("segment", "key"):
        open_segment(data, dataclasses.replace(row, ref=Ref(bytes(16), row.ref.digest)), **PLACE)
    with pytest.raises(InputError):
        open_segment(data, row, **(PLACE | {"key": ContentKey(3, KEY.secret)}))


def test_who_sealed_a_segment_knows_it_again_without_its_records(source):
    records = source.records(40)
    (sealed,) = build(records)
    contents = sealed.contents((1, 0))
    assert [*contents.identities()] == [(one.memory.id, one.memory.version) for one in records]
    assert contents.row == sealed.row((1, 0))
    check_contents(sealed.block.data, contents, **PLACE)
    (other,) = build(source.records(40))
    for data, told, fault in (
        (sealed.block.data, dataclasses.replace(contents, inflated=other.inflated), "value"),
        (other.block.data, contents, "hash"),
        (sealed.block.data[:-1] + bytes((sealed.block.data[-1] ^ 1,)), contents, "hash"),
    ):
        with pytest.raises(FormatError) as refused:
            check_contents(data, told, **PLACE)
        assert refused.value.fault == fault
    with pytest.raises(FormatError):
        check_contents(sealed.block.data, contents, **{**PLACE, "scope": bytes(15) + b"1"})


def test_what_must_be_read_by_its_sealer_too_is_not_known_again(source):
    one, proposed = source.record(), source.record(author=b"a" * 32)
    gone = Record(0, bytes(16), Tombstone(id=one.memory.id, version=one.memory.version, forgotten=NOW))
    for records in ([proposed], [one, proposed], [gone]):
        assert [sealed.contents((1, 0)) for sealed in build(records)] == [None]
    assert [sealed.contents((1, 0)) for sealed in build([one], dropped=[(1, bytes(32))])] == [None]


def test_a_bomb_is_not_inflated():
    bomb = zlib.compress(bytes(64 << 20), 9)
    for declared in (1, 100_000):
        tracemalloc.start()
        with Refused("segment", "inflate"):
            read_segment(encode([1, [[declared, bomb]], []]))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 1 << 20


def without_salts(records):
    return [(record.batch, record.memory) for record in records]


def test_a_rewrite_leaves_out_and_keeps_leaves_order_and_epoch(source):
    old = [
        (one.row((7, number)), reopened(one))
        for number, one in enumerate(build(source.records(10)) + build(source.records(10)))
    ]
    records = [record for _, segment in old for record in segment.records]
    gone = {records[3].memory.id, records[14].memory.id}
    block, row = rewrite_segment(old, drop=lambda record: record.memory.id in gone, **PLACE)
    found = open_segment(block.data, row, **PLACE)
    assert (row.order, row.count, row.epoch) == ((7, 1), 18, Epoch.of(KEY))
    assert row.ref.object_id not in {one.ref.object_id for one, _ in old}
    assert without_salts(found.records) == [(7, r.memory) for r in records if r.memory.id not in gone]
    assert found.dropped == tuple(sorted((7, records[n].leaf()) for n in (3, 14)))


def test_what_a_push_added_can_be_shown_after_rewrites(source):
    """The witness of a push is over all its leaves; those of forgotten memories are kept, nothing else of them."""
    records = source.records(40)
    (sealed,) = build(records)
    witness = tree_hash(sorted(sealed.leaves))
    old = (sealed.row((7, 0)), reopened(sealed))
    for step in range(5):
        gone = {record.memory.id for record in records[8 * step : 8 * step + 5]}
        block, row = rewrite_segment([old], drop=lambda record, gone=gone: record.memory.id in gone, **PLACE)
        old = (row, open_segment(block.data, row, **PLACE))
        leaves = [record.leaf() for record in old[1].records if record.batch == 7]
        leaves += [leaf for batch, leaf in old[1].dropped if batch == 7]
        assert tree_hash(sorted(leaves)) == witness
    assert (row.count, len(old[1].dropped)) == (15, 25)


def test_a_segment_may_lose_all_its_records_and_keep_their_leaves(source):
    (sealed,) = build(source.records(3))
    block, row = rewrite_segment([(sealed.row((4, 0)), reopened(sealed))], drop=lambda _: True, **PLACE)
    assert (row.count, row.earliest, row.latest) == (0, 0, 0)
    found = open_segment(block.data, row, **PLACE)
    assert found == Segment((), tuple(sorted((4, leaf) for leaf in sealed.leaves)))


def test_records_added_to_a_small_segment_are_new_and_the_others_are_not(source):
    (first,) = build(source.records(2))
    kept, dropped = carry(
        [(first.row((3, 0)), reopened(first))], lambda record: record.leaf() == first.leaves[0]
    )
    more = source.records(2)
    (second,) = build([*kept, *more], dropped=dropped)
    found = reopened(second)
    assert [record.batch for record in found.records] == [3, 0, 0]
    assert second.leaves == tuple(record.leaf() for record in more)
    assert found.dropped == ((3, first.leaves[0]),)
    # Carried on, 0 becomes the order of the row and what is stamped stays.
    again, _ = carry([(second.row((9, 0)), found)], lambda _: False)
    assert [record.batch for record in again] == [3, 9, 9]


@pytest.mark.parametrize("words", [1, 60])
def test_a_full_segment_can_always_be_rewritten(words):
    source = Source(words)
    full = build(source.record(source.text(words)) for _ in range(9000))[0]
    assert len(plaintext(full)) > 0.9 * SIZES[-1]
    old = [(full.row(((1 << 32) - 1, 0)), reopened(full))]
    for drop in (lambda _: False, lambda record: record.salt[0] < 128, lambda _: True):
        block, row = rewrite_segment(old, drop=drop, **PLACE)
        assert len(block.data) <= SIZES[-1]
        found = open_segment(block.data, row, **PLACE)
        assert len(found.records) + len(found.dropped) == full.count


def test_what_does_not_fit_or_belong_together_is_not_merged(source):
    full = build(source.record(source.noise(300)) for _ in range(1500))
    old = [(one.row((1, number)), reopened(one)) for number, one in enumerate(full)]
    assert len(old) > 1
    with pytest.raises(InputError):
        rewrite_segment(old, drop=lambda _: False, **PLACE)
    (small,) = build(source.records(2))
    row = small.row((1, 0))
    with pytest.raises(InputError):
        rewrite_segment([(row, reopened(small)), (row, reopened(small))], drop=lambda _: False, **PLACE)
    with pytest.raises(InputError):
        rewrite_segment(
            [(dataclasses.replace(row, epoch=Epoch(3, bytes(16))), reopened(small))],
            drop=lambda _: False,
            **PLACE,
        )
    with pytest.raises(InputError):
        rewrite_segment([], drop=lambda _: False, **PLACE)
    large = [(row, Segment(tuple(source.record("x" * 100_000) for _ in range(50))))]
    with pytest.raises(InputError):
        rewrite_segment(large, drop=lambda _: False, **PLACE)
    many = [(row, Segment(tuple(source.record("x", unknown={"list": [0] * 90_000}) for _ in range(3))))]
    with pytest.raises(InputError):
        rewrite_segment(many, drop=lambda _: False, **PLACE)


@settings(max_examples=max(1, settings.default.max_examples // 4))
@given(
    st.lists(
        st.tuples(st.integers(1, 2500), st.sampled_from([None, None, 1, 2]), st.booleans()), max_size=60
    ),
    st.integers(),
)
def test_any_records_come_back_from_segments_that_fit(shapes, seed):
    source = Source(seed)
    records = []
    for words, author, noisy in shapes:
        text = source.noise(words * 4) if noisy else source.text(words)
        records.append(source.record(text or "x", author=author and bytes([author]) * 32))
    sealed = build(records)
    found = [record for one in sealed for record in reopened(one).records]
    assert sorted(found, key=lambda r: r.salt) == sorted(records, key=lambda r: r.salt)
    for one in sealed:
        opened = reopened(one).records
        assert len(streams(one)) == len({record.memory.author for record in opened})
    for author in {record.memory.author for record in records}:
        assert [r for r in found if r.memory.author == author] == [
            r for r in records if r.memory.author == author
        ]


@given(
    st.lists(st.tuples(st.sampled_from("raw"), st.integers(1, 30_000), st.booleans()), max_size=25),
    st.integers(),
)
def test_a_stream_is_never_longer_than_it_says(pieces, seed):
    source, writer = random.Random(seed), StreamWriter()
    for kind, length, measured in pieces:
        piece = {
            "r": source.randbytes,
            "a": lambda n: (b"abc" * n)[:n],
            "w": lambda n: bytes(source.choices(b"etaoin ", k=n)),
        }[kind]
        writer.add(piece(length), 1)
        if measured:
            writer.measure()
    said = writer.size()
    length, stream = writer.finish()
    assert len(stream) <= said
    assert len(zlib.decompress(stream)) == length


SOUND = [unbase64(case["plaintext"]) for case in VECTORS["good"]]


@given(st.sampled_from(SOUND), st.data())
def test_a_changed_plaintext_is_refused_or_is_another_sound_segment(plain, data):
    raw = bytearray(plain)
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    refused = None
    try:
        found = read_segment(bytes(raw))
    except FormatError as error:
        refused = error.what
    else:
        assert list(found.dropped) == sorted(set(found.dropped))
        assert found.records or found.dropped
    assert refused in {None, "segment"}


@given(st.data())
def test_changed_records_in_a_sound_stream_are_refused_or_read(data):
    """Past zlib's checksum: the inflated bytes are changed, then deflated anew."""
    plain = data.draw(st.sampled_from(SOUND[:2]))
    version, streams_, dropped = decode(plain)
    inflated = bytearray(zlib.decompress(streams_[0][1]))
    inflated[data.draw(st.integers(0, len(inflated) - 1))] ^= data.draw(st.integers(1, 255))
    changed = encode([version, [[len(inflated), zlib.compress(bytes(inflated))], *streams_[1:]], dropped])
    refused = None
    try:
        found = read_segment(changed)
    except FormatError as error:
        refused = error.what
    else:
        count = len(found.records)
        again = b"".join(encode_record(record)[0] for record in found.records)
        assert again.startswith(inflated[1:]) or inflated[0] != 0x80 | count
    assert refused in {None, "segment"}
