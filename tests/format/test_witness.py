from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.errors import FormatError, InputError
from memsync.format.witness import audit_path, tree_hash, verify_path, witness_of

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/witness.json").read_text(encoding="utf-8"))
PUBLISHED = VECTORS["certificate_transparency"]
INPUTS = [bytes.fromhex(leaf) for leaf in PUBLISHED["leaves"]]
LEAVES = st.lists(st.binary(max_size=40), min_size=1, max_size=40)


def as_the_rfc_defines_it(leaves):
    """RFC 6962 §2.1, word for word: the largest power of two below n is to the left."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, right = as_the_rfc_defines_it(leaves[:split]), as_the_rfc_defines_it(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def path_as_the_rfc_defines_it(index, leaves):
    """RFC 6962 §2.1.1."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*path_as_the_rfc_defines_it(index, leaves[:split]), as_the_rfc_defines_it(leaves[split:])]
    return [*path_as_the_rfc_defines_it(index - split, leaves[split:]), as_the_rfc_defines_it(leaves[:split])]


@pytest.mark.parametrize(("size", "root"), enumerate(PUBLISHED["roots"]))
def test_roots_are_those_published_for_certificate_transparency(size, root):
    assert tree_hash(INPUTS[:size]).hex() == root


@pytest.mark.parametrize("case", PUBLISHED["paths"], ids=lambda case: f"{case['index']} of {case['size']}")
def test_paths_are_those_published_for_certificate_transparency(case):
    index, size = case["index"], case["size"]
    path = audit_path(INPUTS[:size], index)
    assert [beside.hex() for beside in path] == case["path"]
    verify_path(INPUTS[index], index, size, path, bytes.fromhex(PUBLISHED["roots"][size]))


@pytest.mark.parametrize("case", VECTORS["witnesses"], ids=lambda case: case["name"])
def test_witnesses_are_those_of_the_vectors(case):
    leaves = [bytes.fromhex(leaf) for leaf in case["leaves"]]
    assert witness_of(leaves).hex() == witness_of(reversed(leaves)).hex() == case["witness"]


def test_a_path_of_the_vectors_verifies():
    case, root = VECTORS["path"], bytes.fromhex(VECTORS["witnesses"][-1]["witness"])
    path = [bytes.fromhex(beside) for beside in case["path"]]
    verify_path(bytes.fromhex(case["leaf"]), case["index"], case["size"], path, root)
    with pytest.raises(FormatError):
        verify_path(bytes.fromhex(case["leaf"]), case["index"] + 1, case["size"], path, root)


def test_a_push_that_adds_nothing_has_no_witness_of_its_own():
    assert witness_of([]) is None
    assert tree_hash([]) == hashlib.sha256(b"").digest()


@given(LEAVES)
def test_a_tree_hash_is_that_of_the_rfcs_definition(leaves):
    assert tree_hash(leaves) == as_the_rfc_defines_it(leaves)
    assert witness_of(leaves) == as_the_rfc_defines_it(sorted(leaves))


@given(LEAVES, st.data())
def test_a_path_is_that_of_the_rfcs_definition_and_verifies(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = audit_path(leaves, index)
    assert path == path_as_the_rfc_defines_it(index, leaves)
    verify_path(leaves[index], index, len(leaves), path, tree_hash(leaves))


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=2, max_size=40, unique=True), st.data())
def test_a_path_for_another_leaf_place_or_root_is_refused(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    other = data.draw(st.integers(0, len(leaves) - 1).filter(lambda other: other != index))
    path, root, size = audit_path(leaves, index), tree_hash(leaves), len(leaves)
    wrong = [
        (leaves[other], index, path, root),
        (leaves[index], other, path, root),
        (leaves[index], index, path[:-1], root),
        (leaves[index], index, path[1:], root),
        (leaves[index], index, [*path, path[0]], root),
        (leaves[index], index, [bytes(32), *path[1:]], root),
        (leaves[index], index, path, bytes(32)),
        (leaves[index], index, path, tree_hash(leaves[:-1])),
    ]
    for leaf, place, steps, top in wrong:
        with pytest.raises(FormatError, match="audit path"):
            verify_path(leaf, place, size, steps, top)
    verify_path(leaves[index], index, size, path, root)


def test_an_inner_hash_does_not_pass_for_a_leaf():
    """The prefixes 0 and 1 keep a node's two halves from being shown as one leaf of a smaller tree."""
    leaves = [b"a", b"b", b"c", b"d"]
    halves = [tree_hash(leaves[:2]), tree_hash(leaves[2:])]
    assert tree_hash(halves) != tree_hash(leaves)
    with pytest.raises(FormatError):
        verify_path(b"".join(halves), 0, 1, [], tree_hash(leaves))


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0), (7, 3)])
def test_a_leaf_that_is_not_there_can_not_be_asked_for(index, size):
    with pytest.raises(InputError):
        audit_path(INPUTS[:size], index)
    with pytest.raises(InputError):
        verify_path(b"", index, size, [], bytes(32))
