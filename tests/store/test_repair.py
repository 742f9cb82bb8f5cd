"""Copying what a store lacks: what is counted, what is missing, what is told meanwhile, and copies that went bad."""

import os
from pathlib import Path

import pytest

from memsync.errors import StorageError
from memsync.ipld.cid import CID
from memsync.store import Copied, DirectoryStore, MirrorStore, copy_missing, get_block
from memsync.testing import LyingStore, MemoryStore


def block() -> tuple[CID, bytes]:
    data = os.urandom(512)
    return CID.of(data), data


def test_what_is_lacking_is_copied_and_told_in_numbers(tmp_path: Path):
    source, target = MemoryStore(), DirectoryStore(tmp_path / "blocks")
    blocks, lost = [block() for _ in range(600)], block()
    source.put_many(blocks)
    target.put_many(blocks[::3])
    told: list[tuple[int, int]] = []
    cids = [cid for cid, _ in blocks] + [lost[0], blocks[0][0]]
    done = copy_missing(cids, source, target, progress=lambda at, of: told.append((at, of)))
    assert done == Copied(copied=400, present=200, missing=(lost[0],))
    assert told == [(256, 601), (512, 601), (601, 601)]
    assert dict(target.get_many(cid for cid, _ in blocks)) == dict(blocks)
    assert copy_missing(cids[:600], source, target) == Copied(0, 600, ())
    assert copy_missing([], source, target) == Copied(0, 0, ())


def test_a_bad_copy_in_the_source_is_missing_and_never_passed_on():
    source, target = LyingStore(MemoryStore()), MemoryStore()
    one, bad, other = block(), block(), block()
    source.put_many([one, bad, other])
    source.alter(bad[0])
    cids = [one[0], bad[0], other[0]]
    assert copy_missing(cids, source, target) == Copied(2, 0, (bad[0],))
    assert target.blocks == dict([one, other])
    source.behave()
    assert copy_missing(cids, source, target) == Copied(1, 2, ())


def test_only_a_deep_copy_notices_what_went_bad_in_the_target(tmp_path: Path):
    source, target = MemoryStore(), DirectoryStore(tmp_path / "blocks")
    one, other = block(), block()
    for store in (source, target):
        store.put_many([one, other])
    [file] = target.path.rglob(str(one[0]))
    file.write_bytes(b"rotten")
    cids = [one[0], other[0]]
    assert copy_missing(cids, source, target) == Copied(0, 2, ())
    assert copy_missing(cids, source, target, deep=True) == Copied(1, 1, ())
    assert get_block(target, one[0]) == one[1]


def test_a_store_that_does_not_answer_is_an_error_and_what_was_copied_stays():
    source, target = LyingStore(MemoryStore()), MemoryStore()
    blocks = [block() for _ in range(300)]
    source.put_many(blocks)
    down = StorageError("that place does not answer")
    with pytest.raises(StorageError, match="does not answer"):
        copy_missing([c for c, _ in blocks], source, target, progress=lambda at, of: source.fail(down))
    assert len(target.blocks) == 256
    source.fail(None)
    assert copy_missing([c for c, _ in blocks], source, target) == Copied(44, 256, ())


def test_a_mirror_is_a_source_and_none_of_its_sources_a_target():
    one = block()
    holder, empty, target = MemoryStore(), MemoryStore(), MemoryStore()
    holder.put_many([one])
    assert copy_missing([one[0]], MirrorStore([], sources=[empty, holder]), target) == Copied(1, 0, ())
    assert (dict([one]), {}) == (target.blocks, empty.blocks)
