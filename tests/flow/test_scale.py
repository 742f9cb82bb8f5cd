"""What a push and a pull cost by how much a vault keeps: counts, never times. The figures are ``benchmarks/scale.py``'s."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from memsync.ipld.cid import CID
from memsync.memory import Draft
from memsync.testing import MemoryStore
from memsync.vault import Vault
from tests.flow.actions import World

SIZES = (100, 1_000, 10_000)
MOST_BYTES = 64 * 1024


class Counting(MemoryStore):
    """A store that counts what is fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched = 0

    def _fetch(self, cids: list[CID]) -> Iterator[bytes | None]:
        self.fetched += len(cids)
        return super()._fetch(cids)


def grow(vault: Vault, count: int) -> None:
    """Bring the vault to so many memories, pushed."""
    have = vault.count()
    vault.remember_many(
        Draft(
            kind="semantic", text=f"Fact {number} of the year: {number * 7919} geese went by.", created=number
        )
        for number in range(have, count)
    )
    vault.push()


@contextmanager
def steps_of(vault: Vault) -> Iterator[Callable[[], int]]:
    """Count the steps of SQLite's virtual machine, in hundreds."""
    steps = 0

    def count() -> bool:
        nonlocal steps
        steps += 1
        return False

    connection = vault._replica.database._connection
    connection.set_progress_handler(count, 100)
    yield lambda: steps
    connection.set_progress_handler(None)


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, int]]]:
    """Two devices of one vault; at each size one pushes a memory and the other pulls it."""
    store = Counting()
    world = World(Path(tmp_path_factory.mktemp("scale")), store=store)
    vault = world.vault()
    words = vault.words
    grow(vault, SIZES[0])
    other = world.restored(words)
    found = []
    for size in SIZES:
        grow(vault, size)
        other.pull()
        vault.remember(f"And one more, number {size}.")
        before = set(store.blocks)
        with steps_of(vault) as pushing:
            receipt = vault.push()
        written = set(store.blocks) - before
        store.fetched = 0
        with steps_of(other) as pulling:
            pulled = other.pull()
        assert other.count() == size + 1
        found.append(
            {
                "blocks": len(written),
                "told": receipt.blocks,
                "bytes": sum(len(store.blocks[cid]) for cid in written),
                "fetched": store.fetched,
                "segments": pulled.segments,
                "push_steps": pushing(),
                "pull_steps": pulling(),
            }
        )
    yield found
    world.close()


def test_a_push_of_one_memory_writes_a_node_more_at_most_for_ten_times_as_many(life: list[dict[str, int]]):
    blocks = [one["blocks"] for one in life]
    assert all(one["told"] == one["blocks"] for one in life)
    assert all(after <= before + 1 for before, after in pairwise(blocks))
    assert max(one["bytes"] for one in life) <= MOST_BYTES


def test_a_pull_of_one_memory_fetches_what_is_new_and_two_blocks_to_compare_it_with(
    life: list[dict[str, int]],
):
    for one in life:
        assert one["segments"] == 1
        # All that was written, the owner block, and the catalog's node that had the new one's place.
        assert one["fetched"] <= one["blocks"] + 2


def test_the_database_works_no_harder_for_one_memory_when_it_keeps_ten_times_as_many(
    life: list[dict[str, int]],
):
    for what in ("push_steps", "pull_steps"):
        first, *_, last = (one[what] for one in life)
        assert last <= 1.5 * first
