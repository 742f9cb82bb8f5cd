from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.crypto.epochs import ContentKey
from memsync.crypto.sealing import Kind, aad, seal_block
from memsync.errors import BlockMissing, FormatError
from memsync.format.block import Block, Ref
from memsync.format.catalog import Catalog, NotForMe
from memsync.format.catalog_node import CatalogRoot, ChildRow, Epoch, Node, encode_node, read_node, tally
from memsync.ipld.dagcbor import decode, encode
from tests.format.trees import SCOPE, VAULT, Scope, digest, top
from tests.format.vectors import Refused, cases, load, unbase64

VECTORS = load("catalog")
BLOCKS = {Block.of(data).digest: data for data in map(unbase64, VECTORS["blocks"])}


@pytest.fixture
def scope():
    return Scope()


def refused(scope, root, *, count=None):
    """Where the whole catalog is read, the fault; only of the catalog, and only as a FormatError."""
    with pytest.raises(FormatError) as caught:
        list(scope.catalog().rows(root, count=count))
    assert caught.value.what == "catalog"
    return caught.value.fault


def read_or_refused(read):
    """(None, what was read), or (what was refused, None)."""
    try:
        return None, read()
    except FormatError as error:
        return error.what, None


def two_leaves(scope, **other):
    """A sound tree of two leaves and, for each test, one word changed in the row of the second."""
    first = scope.leaf(scope.row((1, 0)), scope.row((1, 1)))
    second = scope.leaf(scope.row((2, 0), latest=20), scope.row((2, 1)))
    return top(scope.inner(1, first, dataclasses.replace(second, **other)))


def vector_catalog(epochs, blocks):
    keys = [ContentKey(epoch["number"], bytes.fromhex(epoch["secret"])) for epoch in VECTORS["epochs"]]
    assert [key.id.hex() for key in keys] == [epoch["id"] for epoch in VECTORS["epochs"]]
    vault, scope_id = bytes.fromhex(VECTORS["vault"]), bytes.fromhex(VECTORS["scope"])
    return Catalog(vault, scope_id, {keys[n].id: keys[n] for n in epochs}, blocks.__getitem__)


def vector_root(case):
    ref = Ref(bytes.fromhex(case["object_id"]), bytes.fromhex(case["digest"]))
    return CatalogRoot(ref, Epoch(case["epoch"], bytes.fromhex(VECTORS["epochs"][case["epoch"]]["id"])))


def as_in_vectors(row):
    common = {"epoch": row.epoch.number, "count": row.count, "earliest": row.earliest, "latest": row.latest}
    if isinstance(row, NotForMe):
        return {"not_for_me": True} | common
    return {
        "order": list(row.order),
        "object_id": row.ref.object_id.hex(),
        "digest": row.ref.digest.hex(),
    } | common


@pytest.mark.parametrize("reader", VECTORS["good"]["readers"], ids=lambda reader: reader["name"])
def test_each_reader_sees_what_the_vectors_say(reader):
    found = vector_catalog(reader["epochs"], BLOCKS).rows(
        vector_root(VECTORS["good"]["root"]), count=VECTORS["good"]["count"]
    )
    assert [as_in_vectors(row) for row in found] == reader["rows"]


@cases(VECTORS["bad_trees"])
def test_a_bad_tree_of_the_vectors_is_refused(case):
    with Refused("catalog", case["fault"]):
        list(vector_catalog(range(4), BLOCKS).rows(vector_root(case["root"])))


@cases(VECTORS["bad_top_nodes"])
def test_a_bad_top_node_of_the_vectors_is_refused(case):
    catalog = vector_catalog(range(4), {})
    epoch = VECTORS["epochs"][case["epoch"]]
    key = catalog.keys[bytes.fromhex(epoch["id"])]
    place = aad(catalog.vault, catalog.scope, key.id, Kind.CATALOG, bytes(16))
    block = Block.of(seal_block(key.secret, place, unbase64(case["plaintext"])))
    catalog = vector_catalog(range(4), {block.digest: block.data})
    with Refused("catalog", case["fault"]):
        list(catalog.rows(CatalogRoot(Ref(bytes(16), block.digest), Epoch.of(key))))


def test_a_sound_tree_is_read_in_order(scope):
    found = list(scope.catalog().rows(two_leaves(scope), count=8))
    assert [row.order for row in found] == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert [row.latest for row in found] == [9, 9, 20, 9]


def test_no_catalog_has_no_rows(scope):
    assert list(scope.catalog().rows(None)) == []
    assert list(scope.catalog().digests(None)) == []


def test_a_count_unlike_the_entrys_is_refused(scope):
    assert refused(scope, two_leaves(scope), count=9) == "count"


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("order", (1, 9), "order"),
        ("order", (2, 1), "order"),
        ("count", 5, "count"),
        ("count", 3, "count"),
        ("earliest", 4, "value"),
        ("earliest", 6, "value"),
        ("latest", 19, "value"),
        ("latest", 21, "value"),
    ],
)
def test_a_child_unlike_its_row_is_refused(scope, field, value, fault):
    assert refused(scope, two_leaves(scope, **{field: value})) == fault


def test_a_child_that_is_not_one_level_lower_is_refused(scope):
    leaf = scope.leaf(scope.row((1, 0)))
    low = scope.inner(1, leaf)
    assert refused(scope, top(scope.inner(2, leaf))) == "depth"
    assert refused(scope, top(scope.inner(1, low))) == "depth"
    assert refused(scope, top(scope.inner(3, low))) == "depth"
    assert len(list(scope.catalog().rows(top(scope.inner(2, low))))) == 1


def test_an_inner_node_that_calls_itself_a_leaf_is_refused(scope):
    leaf = scope.leaf(scope.row((1, 0)))
    plain = decode(encode([1, 0, [[1, 0, leaf.ref.object_id, leaf.ref.digest, 0, leaf.epoch.id, 2, 5, 9]]]))
    assert refused(scope, CatalogRoot(scope.forge(encode(plain)), leaf.epoch)) == "length"


def test_a_node_without_rows_is_refused(scope):
    assert refused(scope, scope.forged_leaf([])) == "count"
    assert refused(scope, CatalogRoot(scope.forge(encode([1, 1, []])), scope.epoch(0))) == "count"


def test_rows_out_of_order_or_repeated_are_refused(scope):
    a, b = scope.row((1, 0)), scope.row((1, 1))
    assert refused(scope, top(scope.leaf(b, a))) == "order"
    assert refused(scope, top(scope.leaf(a, dataclasses.replace(b, order=a.order)))) == "order"
    left, right = scope.leaf(a), scope.leaf(b)
    assert refused(scope, top(scope.inner(1, right, left))) == "order"


def test_a_child_that_reaches_into_the_next_is_refused(scope):
    reaching = scope.leaf(scope.row((1, 0)), scope.row((3, 0)))
    right = scope.leaf(scope.row((2, 0)))
    assert refused(scope, top(scope.inner(1, reaching, right))) == "order"
    # Also where only a grandparent's next child says so.
    assert refused(scope, top(scope.inner(2, scope.inner(1, reaching), scope.inner(1, right)))) == "order"


def test_epochs_that_fall_are_refused(scope):
    old, new = scope.leaf(scope.row((1, 0), epoch=1)), scope.leaf(scope.row((2, 0), epoch=0))
    assert refused(scope, top(scope.inner(1, old, new))) == "order"
    # A newest epoch can hide a fall below: the rows above rise, the leaves do not.
    left = scope.inner(1, scope.leaf(scope.row((1, 0), epoch=1)))
    right = scope.inner(1, scope.leaf(scope.row((2, 0), epoch=0)), scope.leaf(scope.row((3, 0), epoch=2)))
    assert [row.epoch.number for row in (left, right)] == [1, 2]
    assert refused(scope, top(scope.inner(2, left, right))) == "order"


def test_a_node_sealed_under_an_epoch_that_is_not_its_newest_is_refused(scope):
    leaf = scope.leaf(scope.row((1, 0), epoch=0))
    plain = [1, 1, [[1, 0, leaf.ref.object_id, leaf.ref.digest, 0, leaf.epoch.id, 2, 5, 9]]]
    assert refused(scope, CatalogRoot(scope.forge(encode(plain), 1), scope.epoch(1))) == "value"
    rows = [[1, 0, bytes(16), bytes(32), 2, 5, 9]]
    other = encode([1, 0, 0, scope.epoch(0).id, rows])
    assert refused(scope, CatalogRoot(scope.forge(other, 1), scope.epoch(1))) == "value"


def test_an_epoch_with_two_ids_or_an_id_with_two_numbers_is_refused(scope):
    leaf, later = scope.leaf(scope.row((1, 0))), scope.leaf(scope.row((2, 0), epoch=1))
    other = dataclasses.replace(leaf, epoch=Epoch(1, leaf.epoch.id))
    assert refused(scope, top(scope.inner(1, other, later))) == "value"
    renamed = dataclasses.replace(leaf, epoch=Epoch(0, later.epoch.id))
    assert refused(scope, top(scope.inner(1, renamed, later))) == "value"
    assert refused(scope, CatalogRoot(leaf.ref, Epoch(7, leaf.epoch.id))) == "value"
    # Also for who can't open the one that lies.
    with Refused("catalog", "value"):
        list(scope.catalog([1]).rows(top(scope.inner(1, other, later))))
    assert len(list(scope.catalog([1]).rows(top(scope.inner(1, leaf, later))))) == 2


def test_an_id_or_digest_twice_in_a_node_is_refused(scope):
    a, b = scope.row((1, 0)), scope.row((1, 1))
    same_id = dataclasses.replace(b, ref=Ref(a.ref.object_id, b.ref.digest))
    same_digest = dataclasses.replace(b, ref=Ref(b.ref.object_id, a.ref.digest))
    assert refused(scope, top(scope.leaf(a, same_id))) == "duplicate"
    assert refused(scope, top(scope.leaf(a, same_digest))) == "duplicate"
    left = scope.leaf(a)
    again = dataclasses.replace(left, order=(1, 1))
    assert refused(scope, top(scope.inner(1, left, again))) == "duplicate"


@pytest.mark.parametrize(
    ("earliest", "latest", "count"),
    [(9, 5, 2), (5, 5, 0), (0, 5, 0), (1 << 53, 1 << 53, 1), (-(1 << 53), 0, 1)],
)
def test_a_range_that_is_none_is_refused(scope, earliest, latest, count):
    row = [1, 0, bytes(16), bytes(32), count, earliest, latest]
    assert refused(scope, scope.forged_leaf([row])) == "value"


def test_a_segment_without_records_leaves_the_range_above_untouched(scope):
    empty = scope.row((1, 1), count=0, earliest=0, latest=0)
    tree = top(scope.inner(1, scope.leaf(scope.row((1, 0)), empty), scope.leaf(scope.row((2, 0)))))
    assert [row.count for row in scope.catalog().rows(tree)] == [2, 0, 2]
    assert [row.order for row in scope.catalog().rows(tree, earliest=0, latest=100)] == [(1, 0), (2, 0)]
    assert refused(scope, top(scope.inner(1, scope.leaf(scope.row((1, 0)), empty, earliest=0)))) == "value"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda row: row[:-1], "length"),
        (lambda row: [*row, 0], "length"),
        (lambda row: [1 << 32, *row[1:]], "value"),
        (lambda row: [-1, *row[1:]], "value"),
        (lambda row: [*row[:2], row[2][:-1], *row[3:]], "length"),
        (lambda row: [*row[:3], row[3] + b"\0", *row[4:]], "length"),
        (lambda row: [*row[:4], True, *row[5:]], "type"),
        (lambda row: [*row[:5], "5", *row[6:]], "type"),
        (lambda row: {"row": row}, "type"),
    ],
)
def test_a_row_of_another_shape_is_refused(scope, change, fault):
    row = [1, 0, bytes(16), bytes(32), 2, 5, 9]
    assert len(list(scope.catalog().rows(scope.forged_leaf([row])))) == 1
    assert refused(scope, scope.forged_leaf([change(row)])) == fault


@pytest.mark.parametrize(
    ("plain", "fault"),
    [
        (b"", "length"),
        (b"\x80", "version"),
        (encode([2, 0, 0, bytes(16), []]), "version"),
        (encode([True, 1, []]), "version"),
        (encode([1]), "type"),
        (encode([1, 256, []]), "value"),
        (encode([1, 1]), "length"),
        (encode([1, 1, [], []]), "length"),
        (encode([1, 0, 0, bytes(15), []]), "length"),
        (encode({"v": 1}), "type"),
        (encode([1, 1, []]) + b"\0", "trailing"),
        (b"\x83\x18\x01\x01\x80", "encoding"),
    ],
)
def test_a_node_of_another_shape_is_refused(scope, plain, fault):
    assert refused(scope, CatalogRoot(scope.forge(plain), scope.epoch(0))) == fault


def test_a_node_above_16_kib_is_refused(scope):
    fitting, large = scope.leaf(*scope.rows(200)), scope.leaf(*scope.rows(300))
    assert len(scope.blocks[fitting.ref.digest]) == 16384
    assert len(scope.blocks[large.ref.digest]) == 32768
    assert len(list(scope.catalog().rows(top(fitting)))) == 200
    assert refused(scope, top(large)) == "size"


def test_a_block_from_elsewhere_is_refused(scope):
    leaf = scope.leaf(scope.row((1, 0)))
    plain = encode([1, 0, 0, leaf.epoch.id, [[1, 0, bytes(16), bytes(32), 2, 5, 9]]])
    assert refused(scope, CatalogRoot(scope.forge(plain, kind=Kind.SEGMENT), leaf.epoch)) == "key"
    assert refused(scope, CatalogRoot(scope.forge(plain, scope=bytes(16)), leaf.epoch)) == "key"
    assert refused(scope, CatalogRoot(Ref(bytes(16), leaf.ref.digest), leaf.epoch)) == "key"
    assert refused(scope, CatalogRoot(leaf.ref, scope.epoch(1))) == "key"
    other = Catalog(bytes(32), SCOPE, scope.catalog().keys, scope.fetch)
    with pytest.raises(FormatError, match="key"):
        list(other.rows(top(leaf)))
    scope.blocks[leaf.ref.digest] = scope.blocks[scope.leaf(scope.row((1, 1))).ref.digest]
    assert refused(scope, top(leaf)) == "hash"


def test_a_missing_block_is_missing_and_not_damage(scope):
    tree = two_leaves(scope)
    for name in list(scope.blocks):
        data = scope.blocks.pop(name)
        with pytest.raises(BlockMissing):
            list(scope.catalog().rows(tree))
        scope.blocks[name] = data
    assert len(list(scope.catalog().rows(tree))) == 4


def three_epochs(scope):
    leaves = [
        scope.leaf(scope.row((n + 1, 0), epoch=n, count=n + 1, earliest=10 * n, latest=10 * n + 5))
        for n in range(3)
    ]
    return top(scope.inner(2, scope.inner(1, leaves[0], leaves[1]), scope.inner(1, leaves[2])))


def test_what_a_reader_has_no_key_for_is_not_for_it_and_counted(scope):
    tree = three_epochs(scope)
    everything = list(scope.catalog().rows(tree))
    assert [row.order for row in everything] == [(1, 0), (2, 0), (3, 0)]
    assert list(scope.catalog([2]).rows(tree)) == [NotForMe(scope.epoch(1), 3, 0, 15), everything[2]]
    assert list(scope.catalog([1, 2]).rows(tree)) == [NotForMe(scope.epoch(0), 1, 0, 5), *everything[1:]]
    assert list(scope.catalog([0, 2]).rows(tree)) == [NotForMe(scope.epoch(1), 3, 0, 15), everything[2]]


def test_what_is_not_for_a_reader_is_not_fetched(scope):
    tree = three_epochs(scope)
    list(scope.catalog([2]).rows(tree))
    few = len(scope.fetched)
    list(scope.catalog().rows(tree))
    assert (few, len(scope.fetched) - few) == (3, 6)


def test_a_catalog_whose_top_can_not_be_opened_reads_as_empty(scope):
    tree = three_epochs(scope)
    for keys in ([], [0], [1], [0, 1]):
        catalog = scope.catalog(keys)
        assert list(catalog.rows(tree)) == []
        assert list(catalog.digests(tree)) == [tree.ref.digest]
        assert catalog.changes(None, tree).added == ()
    assert len(list(scope.catalog([2]).rows(tree))) == 2


def test_a_key_that_is_wrong_under_a_right_id_is_damage(scope):
    leaf = scope.leaf(scope.row((1, 0)))
    wrong = ContentKey(0, digest("another"))
    with pytest.raises(FormatError) as caught:
        list(Catalog(VAULT, SCOPE, {leaf.epoch.id: wrong}, scope.fetch).rows(top(leaf)))
    assert caught.value.fault == "value"


@pytest.mark.parametrize(
    ("earliest", "latest", "orders"),
    [
        (None, None, [1, 2, 3]),
        (5, None, [1, 2, 3]),
        (6, None, [2, 3]),
        (None, 9, [1]),
        (None, 10, [1, 2]),
        (6, 9, []),
        (12, 13, [2]),
        (26, None, []),
    ],
)
def test_segments_are_found_by_time(scope, earliest, latest, orders):
    tree = three_epochs(scope)
    found = scope.catalog().rows(tree, earliest=earliest, latest=latest)
    assert [row.order[0] for row in found] == orders


def test_a_search_by_time_fetches_only_what_may_hold_it(scope):
    tree = three_epochs(scope)
    list(scope.catalog().rows(tree, earliest=20))
    assert len(scope.fetched) == 3


def test_every_block_of_a_catalog_is_named(scope):
    tree = three_epochs(scope)
    named = list(scope.catalog().digests(tree))
    segments = [row.ref.digest for row in scope.catalog().rows(tree)]
    assert sorted(named) == sorted([*scope.blocks, *segments])
    assert named[0] == tree.ref.digest


def test_a_catalogs_place_is_written_as_four_fields_and_read_back(scope):
    tree = two_leaves(scope)
    value = decode(encode(tree.to_value()))
    assert value == [tree.ref.object_id, tree.ref.digest, 0, tree.epoch.id]
    assert CatalogRoot.from_value(value, what="entry") == tree
    for bad in (value[:3], [*value, 0], [value[0], value[1], -1, value[3]], [value[0], value[1], 0, b"x"]):
        with pytest.raises(FormatError, match="entry"):
            CatalogRoot.from_value(bad, what="entry")


def test_a_tree_of_one_child_after_the_other_is_read(scope):
    row: ChildRow = scope.leaf(scope.row((1, 0)))
    for level in range(1, 256):
        row = scope.inner(level, row)
    assert [found.order for found in scope.catalog().rows(top(row))] == [(1, 0)]


@given(st.data())
def test_a_block_with_one_byte_changed_cut_or_added_is_refused(data):
    scope = Scope()
    tree = two_leaves(scope)
    name = data.draw(st.sampled_from(sorted(scope.blocks)))
    block = scope.blocks[name]
    place = data.draw(st.integers(0, len(block) - 1))
    scope.blocks[name] = data.draw(
        st.sampled_from(
            [
                block[:place] + bytes([block[place] ^ data.draw(st.integers(1, 255))]) + block[place + 1 :],
                block[:place] + block[place + 1 :],
                block[:place] + b"x" + block[place:],
                block[:place],
            ]
        )
    )
    assert refused(scope, tree) == "hash"


@given(st.data())
def test_a_changed_plaintext_is_refused_or_is_another_sound_node(data):
    """Whoever holds the key can seal anything: what is read back is then what was written, byte for byte, and fits its row."""
    scope = Scope()
    first, second = scope.leaf(*scope.rows(3)), scope.leaf(scope.row((2, 0)))
    plain = bytearray(encode_node(Node(0, tuple(scope.rows(3)))))
    for _ in range(data.draw(st.integers(1, 3))):
        plain[data.draw(st.integers(0, len(plain) - 1))] = data.draw(st.integers(0, 255))
    changed = dataclasses.replace(first, ref=scope.forge(bytes(plain)))
    tree = top(scope.inner(1, changed, second))
    what, rows = read_or_refused(lambda: list(scope.catalog().rows(tree)))
    assert what in {None, "catalog"}
    if rows is not None:
        assert encode_node(Node(0, tuple(rows[:-1]))) == bytes(plain)
        assert tally(rows[:-1]) == (first.count, first.earliest, first.latest)
        assert [row.order for row in rows] == sorted({row.order for row in rows})


@given(st.binary(max_size=300))
def test_any_bytes_as_a_node_end_in_a_node_or_one_error(plain):
    what, node = read_or_refused(lambda: read_node(plain))
    assert what in {None, "catalog"}
    if node is not None:
        assert not node.rows or encode_node(node) == plain
