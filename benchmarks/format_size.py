"""What memories cost once sealed: bytes each at three sizes of vault, rows a catalog node holds, levels at a million, rates.

The texts are made, not collected: words of the BIP-39 list and sixty function words, drawn independently by Zipf's law (rank^-1) into
sentences of 6 to 16 words until 300 bytes are full, with names and numbers strewn in. That has English letter and word frequencies but
no repeated phrases; zlib's ratio on the texts alone is printed. Ids, versions and salts are random; one tool and ten thousand
conversations are named. Rates are of one process on one core, wall clock, texts made beforehand. The last line is JSON.
Run: python benchmarks/format_size.py [memories, default 100000]
"""

from __future__ import annotations

import json
import platform
import random
import sys
import time
import zlib
from itertools import accumulate

from memsync.crypto.epochs import ContentKey
from memsync.crypto.wordlist import WORDS
from memsync.format.block import Ref
from memsync.format.catalog import Catalog
from memsync.format.catalog_edit import edit_catalog
from memsync.format.catalog_node import ChildRow, Epoch, SegmentRow, room_of, row_size
from memsync.format.records import Record
from memsync.format.segment import build_segments, open_segment
from memsync.format.witness import witness_of
from memsync.memory import Memory, Source, new_id

FUNCTION_WORDS = (
    "the of and to a in that is was he for it with as his on be at by I this had not are but from or have an they which one you were "
    "her all she there would their we him been has when who will more no if out so said what up its about into than them can only other"
).split()
START = 1_750_000_000_000
SEQUENCE = 3000
VAULT, SCOPE = bytes(32), bytes(16)
KEY = ContentKey(0, bytes(32))


class Author:
    """A seeded source of texts and memories."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        words = list(WORDS)
        self.random.shuffle(words)
        self.words = FUNCTION_WORDS + words
        self.weights = list(accumulate(1 / rank for rank in range(1, len(self.words) + 1)))

    def text(self, size: int) -> str:
        sentences: list[str] = []
        length = 0
        while length < size:
            count = self.random.randint(6, 16)
            words = self.random.choices(self.words, cum_weights=self.weights, k=count)
            if self.random.random() < 0.3:
                words[-1] = str(self.random.randint(1, 2000))
            if self.random.random() < 0.3:
                words[count // 2] = words[count // 2].capitalize()
            sentences.append(" ".join(words).capitalize() + ".")
            length += len(sentences[-1]) + 1
        return " ".join(sentences)[:size]

    def record(self, index: int) -> Record:
        created = START + index * 60_000 + self.random.randint(0, 30_000)
        memory = Memory(
            id=new_id(created, self.random.randbytes),
            version=new_id(created, self.random.randbytes),
            kind=self.random.choice(("semantic", "episodic")),
            text=self.text(300),
            created=created,
            source=Source(
                tool="claude-desktop", conversation=f"c{self.random.randint(0, 9999)}", turn=str(index % 40)
            ),
        )
        return Record(0, self.random.randbytes(16), memory)


def measure(author: Author, count: int) -> dict[str, float]:
    """Seal, catalog and read back ``count`` memories as one push; sizes and rates."""
    records = [author.record(index) for index in range(count)]
    blocks: dict[bytes, bytes] = {}
    catalog = Catalog(VAULT, SCOPE, {KEY.id: KEY}, blocks.__getitem__)
    begun = time.perf_counter()
    sealed = list(build_segments(records, key=KEY, vault=VAULT, scope=SCOPE))
    rows = [segment.row((SEQUENCE, index)) for index, segment in enumerate(sealed)]
    edited = edit_catalog(catalog, None, append=rows)
    written = time.perf_counter() - begun
    begun = time.perf_counter()
    witness_of(leaf for segment in sealed for leaf in segment.leaves)
    witnessed = time.perf_counter() - begun
    segments = sum(len(segment.block.data) for segment in sealed)
    nodes = sum(len(block.data) for block in edited.blocks)
    blocks.update((segment.block.digest, segment.block.data) for segment in sealed)
    blocks.update((block.digest, block.data) for block in edited.blocks)
    begun = time.perf_counter()
    found = [
        record
        for row in catalog.rows(edited.root)
        if isinstance(row, SegmentRow)
        for record in open_segment(blocks[row.ref.digest], row, key=KEY, vault=VAULT, scope=SCOPE).records
    ]
    read = time.perf_counter() - begun
    assert found == records
    (one,) = build_segments([author.record(count)], key=KEY, vault=VAULT, scope=SCOPE)
    begun = time.perf_counter()
    more = edit_catalog(catalog, edited.root, append=[one.row((SEQUENCE + 1, 0))])
    appended = time.perf_counter() - begun
    return {
        "memories": count,
        "segments": len(sealed),
        "segment_bytes": segments,
        "catalog_bytes": nodes,
        "bytes_per_memory": round((segments + nodes) / count, 1),
        "write_per_second": round(count / written),
        "read_per_second": round(count / read),
        "witness_seconds": round(witnessed, 3),
        "one_more_bytes": len(one.block.data) + sum(len(block.data) for block in more.blocks),
        "one_more_catalog_ms": round(1000 * appended, 1),
    }


def levels(segments: int, rows_a_leaf: int, rows_a_node: int) -> int:
    """Nodes from the top to a leaf, counted, in a tree of this many segments."""
    height, width = 1, -(-segments // rows_a_leaf)
    while width > 1:
        height, width = height + 1, -(-width // rows_a_node)
    return height


def main() -> None:
    author = Author(1)
    texts = " ".join(author.text(300) for _ in range(2000)).encode()
    ratio = len(zlib.compress(texts, 6)) / len(texts)
    sizes = [64, 1000, int(sys.argv[1]) if len(sys.argv) > 1 else 100_000]
    vaults = [measure(author, size) for size in sizes]
    for vault in vaults:
        print(json.dumps(vault))
    place = (Ref(bytes(16), bytes(32)), Epoch(SEQUENCE, bytes(16)), 1290, START, START)
    rows_a_leaf = room_of(0) // row_size(SegmentRow((SEQUENCE, 300), *place))
    rows_a_node = room_of(1) // row_size(ChildRow((SEQUENCE, 300), *place))
    full = vaults[-1]["memories"] / vaults[-1]["segments"]
    print(
        json.dumps(
            {
                "python": platform.python_version(),
                "zlib": zlib.ZLIB_RUNTIME_VERSION,
                "text_bytes": 300,
                "text_ratio": round(ratio, 3),
                "rows_a_leaf": rows_a_leaf,
                "rows_a_node": rows_a_node,
                "memories_a_full_segment": round(full),
                "levels_at_1e6_in_full_segments": levels(round(1e6 / full), rows_a_leaf, rows_a_node),
                "levels_at_1e6_in_segments_of_8": levels(125_000, rows_a_leaf, rows_a_node),
                "vaults": vaults,
            }
        )
    )


if __name__ == "__main__":
    main()
