"""What a life of single pushes leaves and what it costs: segments, bytes written, and how often a byte is written again by merging.

In come made-up memories of 300 bytes (see ``format_size``), pushed one at a time into one scope, once with the merging of small segments
and once without; then single pushes onto a scope that was imported whole. Counted are the blocks that a push of one memory brings below the
root, and the root's own 4 KiB. `amplification`: bytes of all segments ever written beside those without merging; `rewritten`: bytes that
merging wrote, for each byte of the segments that are there in the end. The last line is JSON.
Run: python benchmarks/amplification.py [pushes, default 20000] [imported, default 100000]
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from format_size import KEY, SCOPE, VAULT, Author

from memsync.crypto.randomness import system_random
from memsync.format.catalog import Catalog
from memsync.format.catalog_node import CatalogRoot, Row
from memsync.memory import Memory
from memsync.sync import sealing
from memsync.sync.sealing import last_leaf, seal_scope

ROOT = 4096


@dataclass
class Life:
    """One scope while it is pushed to; blocks that the head needs no more are let go."""

    root: CatalogRoot | None = None
    blocks: dict[bytes, bytes] = field(default_factory=dict)
    sequence: int = 0
    written: list[int] = field(default_factory=list)
    segments_written: int = 0
    merged_written: int = 0

    @property
    def catalog(self) -> Catalog:
        return Catalog(VAULT, SCOPE, {KEY.id: KEY}, self.blocks.__getitem__)

    def push(self, memories: Iterable[Memory]) -> None:
        before = {row.ref.digest for row in self._right_edge()}
        self.sequence += 1
        sealed = seal_scope(
            self.catalog,
            self.root,
            memories,
            key=KEY,
            sequence=self.sequence,
            forgotten={},
            random=system_random,
        )
        self.blocks |= {block.digest: block.data for block in sealed.blocks}
        self.root = sealed.catalog
        self.written.append(ROOT + sum(len(block.data) for block in sealed.blocks))
        new = [self.blocks[row.ref.digest] for row in self._right_edge() if row.ref.digest not in before]
        self.segments_written += sum(map(len, new))
        if self.sequence > 1 and len(new) > 1:
            self.merged_written += max(map(len, new))
        if self.sequence % 256 == 0:
            self._let_go()

    def _right_edge(self) -> tuple[Row, ...]:
        return () if self.root is None else last_leaf(self.catalog, self.root)

    def segments(self) -> dict[bytes, int]:
        """The head's segments, with their bytes."""
        rows = () if self.root is None else self.catalog.rows(self.root)
        return {row.ref.digest: len(self.blocks[row.ref.digest]) for row in rows}

    def _let_go(self) -> None:
        met: set[bytes] = set()

        def fetch(digest: bytes) -> bytes:
            met.add(digest)
            return self.blocks[digest]

        assert self.root is not None
        met |= {row.ref.digest for row in replace(self.catalog, fetch=fetch).rows(self.root)}
        self.blocks = {digest: self.blocks[digest] for digest in met}


def main(pushes: int, imported: int) -> dict[str, object]:
    texts = Author(1)
    memories = [texts.record(number).memory for number in range(pushes)]
    merging, plain = Life(), Life()
    most = sealing.MERGED
    for memory in memories:
        merging.push([memory])
    sealing.MERGED = 1 << 40
    for memory in memories:
        plain.push([memory])
    sealing.MERGED = most
    left = merging.segments()

    big = Life()
    big.push(texts.record(number).memory for number in range(imported))
    for number in range(1000):
        big.push([texts.record(imported + number).memory])
    onto = sorted(big.written[1:])
    return {
        "pushes": pushes,
        "segments": len(left),
        "segments_without": len(plain.segments()),
        "amplification": round(merging.segments_written / plain.segments_written, 2),
        "rewritten": round(merging.merged_written / sum(left.values()), 2),
        "bytes_a_push": round(sum(merging.written) / pushes),
        "bytes_a_push_without": round(sum(plain.written) / pushes),
        "largest_push": max(merging.written),
        "imported": imported,
        "onto_imported_median": onto[len(onto) // 2],
        "onto_imported_largest": onto[-1],
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    print(json.dumps(main(*given, *(20_000, 100_000)[len(given) :])))
