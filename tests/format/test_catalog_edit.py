from __future__ import annotations

import dataclasses
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memsync.errors import InputError
from memsync.format import catalog_edit, catalog_node
from memsync.format.block import Ref
from memsync.format.catalog import Changes, NotForMe
from memsync.format.catalog_edit import edit_catalog
from memsync.format.catalog_node import LEAF, ChildRow, Epoch, Node, SegmentRow, row_size, seal_node
from memsync.ipld.dagcbor import encode
from tests.format.trees import SCOPE, VAULT, Scope, nodes, top
from tests.format.vectors import Refused

FEWER = settings(
    max_examples=max(1, settings.default.max_examples // 4), suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture
def scope():
    return Scope()


@contextmanager
def small_nodes():
    """Nodes of five rows and less, so that a few dozen segments make a tree of several levels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalog_edit, "room_of", lambda _level: 450)
        yield


def height(scope, root):
    return 0 if root is None else 1 + next(iter(nodes(scope, root)))[1].level


def leaves(scope, root):
    return sorted(
        (node for _, node in nodes(scope, root) if node.level == LEAF), key=lambda node: node.rows[0].order
    )


def check_structure(scope, root, rows):
    """What a tree always is: it reads as ``rows``, no node is too large, the top has no single child, every block is named once."""
    assert list(scope.catalog().rows(root, count=sum(row.count for row in rows) if root else None)) == rows
    found = list(nodes(scope, root))
    assert all(size <= 16384 for size, _ in found)
    assert root is None or found[0][1].level == LEAF or len(found[0][1].rows) > 1
    named = list(scope.catalog().digests(root))
    assert len(named) == len(set(named)) == len(found) + len(rows)


def check_changes(scope, old, new, before, after):
    """The difference of two roots is that of their rows, either way round."""
    old_rows, new_rows = set(before), set(after)
    added = tuple(row for row in after if row not in old_rows)
    removed = tuple(row for row in before if row not in new_rows)
    assert scope.catalog().changes(old, new) == Changes(added, removed)
    assert scope.catalog().changes(new, old) == Changes(removed, added)


def test_many_segments_at_once_fill_their_leaves(scope):
    rows = scope.rows(3000)
    edited = scope.edit(None, append=rows)
    check_structure(scope, edited.root, rows)
    assert len(edited.blocks) == len(list(nodes(scope, edited.root)))
    counts = [len(leaf.rows) for leaf in leaves(scope, edited.root)]
    assert max(counts) - min(counts[:-1]) <= 8
    assert min(counts[:-1]) > 200


def test_one_segment_more_writes_one_block_a_level(scope):
    rows = [scope.row((sequence, 0), latest=sequence + 5) for sequence in range(1, 251)]
    root = scope.edit(None, append=rows).root
    for sequence in range(251, 290):
        rows.append(scope.row((sequence, 0), latest=sequence + 5))
        edited = scope.edit(root, append=rows[-1:])
        root = edited.root
        assert len(edited.blocks) == height(scope, root)
    check_structure(scope, root, rows)
    assert height(scope, root) == 2


def test_a_full_tree_grows_by_a_level_and_keeps_every_full_node(scope):
    with small_nodes():
        root, rows, grown = None, [], set()
        for sequence in range(1, 190):
            rows.append(scope.row((sequence, 0)))
            edited = scope.edit(root, append=rows[-1:])
            if height(scope, edited.root) > height(scope, root):
                grown.add(height(scope, edited.root))
            assert len(edited.blocks) == height(scope, edited.root)
            check_changes(scope, root, edited.root, rows[:-1], rows)
            root = edited.root
        check_structure(scope, root, rows)
        assert grown == {1, 2, 3, 4}


def test_a_tree_grown_one_by_one_is_as_full_as_one_made_at_once(scope):
    with small_nodes():
        rows, root = scope.rows(150), None
        for row in rows:
            root = scope.edit(root, append=[row]).root
        at_once = scope.edit(None, append=rows).root
        assert [leaf.rows for leaf in leaves(scope, root)] == [leaf.rows for leaf in leaves(scope, at_once)]


def test_a_replaced_segment_writes_one_path(scope):
    rows = scope.rows(1500)
    old = scope.edit(None, append=rows).root
    for index in (0, 700, 1499):
        new = scope.row(rows[index].order, version=1, count=1)
        edited = scope.edit(old, replace={new.order: new})
        assert len(edited.blocks) == 2
        check_structure(scope, edited.root, [*rows[:index], new, *rows[index + 1 :]])


def test_a_removed_segment_writes_one_path(scope):
    rows = scope.rows(1500)
    old = scope.edit(None, append=rows).root
    for index in (0, 700, 1499):
        edited = scope.edit(old, replace={rows[index].order: None})
        assert len(edited.blocks) == 2
        check_structure(scope, edited.root, rows[:index] + rows[index + 1 :])


def test_the_newest_segment_sealed_again_with_more_writes_the_right_edge(scope):
    rows = scope.rows(700)
    old = scope.edit(None, append=rows).root
    again = scope.row((2, 0), count=3)
    edited = scope.edit(old, replace={rows[-1].order: None}, append=[again])
    assert len(edited.blocks) == 2
    check_structure(scope, edited.root, [*rows[:-1], again])


def test_a_leaf_that_outgrows_its_node_is_split_evenly(scope):
    rows = scope.rows(600)
    old = scope.edit(None, append=rows).root
    full = len(leaves(scope, old)[0].rows)
    wide = {row.order: dataclasses.replace(row, count=1 << 20, latest=1 << 50) for row in rows[:40]}
    new = scope.edit(old, replace=wide).root
    check_structure(scope, new, [*wide.values(), *rows[40:]])
    first, second = (len(leaf.rows) for leaf in leaves(scope, new)[:2])
    assert first + second == full
    assert abs(first - second) < full // 4


def test_a_tree_that_lost_nearly_all_rows_shrinks_to_few_nodes(scope):
    rows = scope.rows(1500)
    old = scope.edit(None, append=rows).root
    kept = rows[::25]
    new = scope.edit(old, replace={row.order: None for row in rows if row not in kept}).root
    check_structure(scope, new, kept)
    assert height(scope, new) == 1
    emptied = scope.edit(new, replace={row.order: None for row in kept})
    assert (emptied.root, emptied.blocks) == (None, ())


def test_one_removal_after_the_other_leaves_no_trail_of_small_nodes(scope):
    with small_nodes():
        rows = scope.rows(120)
        root = scope.edit(None, append=rows).root
        for row in rows[20:110]:
            root = scope.edit(root, replace={row.order: None}).root
        check_structure(scope, root, rows[:20] + rows[110:])
        assert len(leaves(scope, root)) <= 10


def test_a_new_epoch_begins_a_leaf_and_leaves_the_old_one_alone(scope):
    old = scope.edit(None, append=scope.rows(3))
    edited = scope.edit(old.root, append=[scope.row((2, 0), epoch=1)])
    assert len(edited.blocks) == 2
    assert old.blocks[0].digest in list(scope.catalog().digests(edited.root))
    assert next(iter(scope.catalog([1]).rows(edited.root))) == NotForMe(scope.epoch(0), 6, 5, 9)
    assert edited.root.epoch == scope.epoch(1)


def test_leaves_of_two_epochs_are_never_joined(scope):
    rows = [*scope.rows(5), *scope.rows(5, sequence=2, epoch=1)]
    root = scope.edit(None, append=rows).root
    new = scope.edit(root, replace={row.order: None for row in (*rows[1:5], *rows[6:])}).root
    check_structure(scope, new, [rows[0], rows[5]])
    assert len(leaves(scope, new)) == 2


def test_the_difference_of_two_roots_reads_only_the_paths_to_it(scope):
    rows = scope.rows(1500)
    old = scope.edit(None, append=rows).root
    changed = scope.row(rows[700].order, version=1)
    new = scope.edit(old, replace={changed.order: changed}).root
    scope.fetched.clear()
    assert scope.catalog().changes(old, new) == Changes((changed,), (rows[700],))
    assert len(scope.fetched) == 4
    scope.fetched.clear()
    assert scope.catalog().changes(new, new) == Changes((), ())
    assert scope.fetched == []


def test_the_difference_reaches_across_a_change_of_height(scope):
    full = len(leaves(scope, scope.edit(None, append=scope.rows(600)).root)[0].rows)
    rows = scope.rows(full + 1)
    old = scope.edit(None, append=rows[:-1]).root
    new = scope.edit(old, append=rows[-1:]).root
    assert (height(scope, old), height(scope, new)) == (1, 2)
    scope.fetched.clear()
    assert scope.catalog().changes(old, new) == Changes((rows[-1],), ())
    assert len(scope.fetched) == 3


def test_two_roots_that_differ_about_one_block_are_refused(scope):
    leaf, other = scope.leaf(scope.row((1, 0))), scope.leaf(scope.row((2, 0), epoch=1))
    old = top(scope.inner(1, leaf, other))
    new = top(scope.inner(1, dataclasses.replace(leaf, count=3), other))
    for epochs in ([0, 1], [1]):
        with Refused("catalog", "value"):
            scope.catalog(epochs).changes(old, new)
        assert scope.catalog(epochs).changes(old, old) == Changes((), ())


def test_the_difference_counts_what_is_not_for_the_reader(scope):
    old = scope.edit(None, append=[scope.row((1, 0)), scope.row((2, 0), epoch=1)]).root
    changed = scope.row((1, 0), version=1)
    new = scope.edit(old, replace={(1, 0): changed}, append=[scope.row((3, 0), epoch=1)]).root
    part = NotForMe(scope.epoch(0), 2, 5, 9)
    assert scope.catalog([1]).changes(old, new) == Changes((part, scope.row((3, 0), epoch=1)), (part,))
    assert scope.catalog().changes(old, new).added == (changed, scope.row((3, 0), epoch=1))


def test_what_no_reader_would_take_is_not_written(scope):
    rows = scope.rows(300)
    root = scope.edit(None, append=rows).root
    last = rows[-1]
    cases = [
        ({}, [last]),
        ({}, [rows[5]]),
        ({}, [scope.row((2, 1)), scope.row((2, 0))]),
        ({}, [scope.row((2, 0)), scope.row((2, 0), version=1)]),
        ({}, [scope.row((2, 0), epoch=1), scope.row((2, 1), epoch=0)]),
        ({}, [dataclasses.replace(scope.row((2, 0)), ref=last.ref)]),
        ({}, [dataclasses.replace(scope.row((2, 0)), ref=Ref(last.ref.object_id, b"d" * 32))]),
        ({}, [scope.row((2, 0), earliest=9, latest=5)]),
        ({}, [scope.row((2, 0), count=1 << 32)]),
        ({}, [scope.row((1 << 32, 0))]),
        ({(7, 7): scope.row((7, 7))}, []),
        ({(1, 300): None}, []),
        ({(1, 3): scope.row((1, 4), version=1)}, []),
        ({(1, 3): scope.row((1, 3), epoch=1, version=1)}, []),
    ]
    for replace, append in cases:
        with pytest.raises(InputError):
            edit_catalog(scope.catalog(), root, replace=replace, append=append)
    with pytest.raises(InputError):
        edit_catalog(scope.catalog(), None, replace={(1, 0): None})
    later = scope.edit(root, append=[scope.row((2, 0), epoch=2)]).root
    with pytest.raises(InputError):
        edit_catalog(scope.catalog(), later, append=[scope.row((3, 0), epoch=1)])
    check_structure(scope, scope.edit(later, append=[scope.row((3, 0), epoch=2)]).root,
                    [*rows, scope.row((2, 0), epoch=2), scope.row((3, 0), epoch=2)])  # fmt: skip


def test_what_only_the_whole_tree_shows_to_be_wrong_is_not_written(scope):
    full = len(leaves(scope, scope.edit(None, append=scope.rows(600)).root)[0].rows)
    rows = scope.rows(600)
    reaching = [*rows[: full - 1], scope.row((1, 9999)), *rows[full:]]
    with pytest.raises(InputError):
        edit_catalog(scope.catalog(), None, append=reaching)
    root = scope.edit(None, append=rows[:full]).root
    with pytest.raises(InputError):
        edit_catalog(scope.catalog(), root, append=[scope.row((1, 5), version=1)])
    with pytest.raises(InputError):
        edit_catalog(scope.catalog(), root, replace={rows[full - 1].order: scope.row((1, 9999))})
    last = rows[full - 1].order
    with pytest.raises(InputError):
        edit_catalog(scope.catalog(), root, replace={last: scope.row(last, epoch=1)})
    check_structure(scope, scope.edit(root, append=rows[full:]).root, rows)


def test_a_node_is_sealed_under_its_newest_epoch_and_within_16_kib(scope):
    place = {"vault": VAULT, "scope": SCOPE, "random": scope.random}
    rows = tuple(scope.rows(300))
    assert seal_node(Node(LEAF, rows[:200]), key=scope.keys[0], **place)[1].count == 400
    for node, key in (
        (Node(LEAF, rows), scope.keys[0]),
        (Node(LEAF, rows[:3]), scope.keys[1]),
        (Node(LEAF, rows[2::-1]), scope.keys[0]),
        (Node(LEAF, ()), scope.keys[0]),
    ):
        with pytest.raises(InputError):
            seal_node(node, key=key, **place)


def test_who_lacks_a_key_can_not_write_under_it(scope):
    root = scope.edit(None, append=[scope.row((1, 0)), scope.row((2, 0), epoch=1)]).root
    with pytest.raises(InputError):
        edit_catalog(scope.catalog([0]), root, append=[scope.row((3, 0), epoch=1)])
    with pytest.raises(InputError):
        edit_catalog(scope.catalog([1]), root, replace={(1, 0): None})
    with pytest.raises(InputError):
        edit_catalog(scope.catalog([1]), root, append=[scope.row((3, 0), epoch=2)])
    assert edit_catalog(scope.catalog([1]), root, append=[scope.row((3, 0), epoch=1)]).root is not None


def test_an_edit_that_changes_nothing_gives_the_same_root(scope):
    root = scope.edit(None, append=scope.rows(600)).root
    assert edit_catalog(scope.catalog(), root).blocks == ()
    assert edit_catalog(scope.catalog(), root).root == root


MS = st.integers(-(1 << 53) + 1, (1 << 53) - 1)
U32 = st.integers(0, (1 << 32) - 1)


@given(U32, U32, U32, MS, MS, U32)
def test_a_row_takes_as_many_bytes_as_counted(sequence, index, count, earliest, latest, number):
    values = ((sequence, index), Ref(bytes(16), bytes(32)), Epoch(number, bytes(16)), count, earliest, latest)
    for row in (SegmentRow(*values), ChildRow(*values)):
        assert row_size(row) == len(encode(catalog_node._row_value(row)))


@FEWER
@given(st.data())
def test_any_sequence_of_edits_is_that_of_a_list(data):
    """Appends, replacements and removals against a plain list, in a tree of small nodes; and old roots stay whole."""
    scope = Scope(epochs=4)
    root, rows, sequence, epoch = None, [], 0, 0
    with small_nodes():
        for _ in range(data.draw(st.integers(1, 8), label="edits")):
            sequence += 1
            epoch = min(3, epoch + data.draw(st.sampled_from([0, 0, 0, 1]), label="epochs on"))
            count = data.draw(st.sampled_from([0, 1, 1, 2, 30]), label="appended")
            append = [
                scope.row((sequence, index), epoch=epoch, latest=9 + sequence) for index in range(count)
            ]
            replace = {}
            for row in drawn_runs(data, rows):
                keeps = data.draw(st.integers(0, 2)) == 0
                changed = scope.row(row.order, epoch=row.epoch.number, count=sequence % 3, version=sequence,
                                    earliest=5 if sequence % 3 else 0, latest=7 if sequence % 3 else 0)  # fmt: skip
                replace[row.order] = changed if keeps else None
            edited = scope.edit(root, replace=replace, append=append)
            after = [new for row in rows if (new := replace.get(row.order, row)) is not None] + append
            check_structure(scope, edited.root, after)
            check_changes(scope, root, edited.root, rows, after)
            assert list(scope.catalog().rows(root)) == rows
            if not any(new is None for new in replace.values()) and len(replace) + len(append) <= 1:
                assert len(edited.blocks) <= height(scope, edited.root) + 1
            root, rows = edited.root, after


def drawn_runs(data, rows):
    """A few runs of neighbouring rows: scattered changes and emptied subtrees alike."""
    drawn = []
    for _ in range(data.draw(st.integers(0, 3), label="runs") if rows else 0):
        start = data.draw(st.integers(0, len(rows) - 1))
        drawn += rows[start : start + data.draw(st.sampled_from([1, 1, 3, 12, 40]))]
    return list(dict.fromkeys(drawn))
