"""Write the vectors of memories, segments, witnesses and catalogs: ``python tests/vectors/make_tree.py``.

Values are fixed here and in ``samples.py``; what they become is pinned in JSON. Bytes are hex, blocks and plaintexts base64. A zlib
stream is pinned for reading only: another zlib may write another. Bad plaintexts are what a holder of the key could seal at the good
one's place and no reader may take; bad trees are given whole, by their blocks. The first part of ``witness.json`` is not ours: leaves,
roots and paths are those that Certificate Transparency's implementations publish for RFC 6962.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import zlib
from pathlib import Path
from typing import Any

import samples as s

from memsync.crypto.sealing import Kind, aad, open_block, seal_block
from memsync.format.block import Block, Ref
from memsync.format.catalog import Catalog, NotForMe
from memsync.format.catalog_edit import edit_catalog
from memsync.format.catalog_node import (
    CatalogRoot,
    ChildRow,
    Epoch,
    Node,
    Row,
    SegmentRow,
    encode_node,
    tally,
)
from memsync.format.records import Record, draft_value, encode_memory, encode_record, memory_value
from memsync.format.segment import Segment, build_segments, open_segment, rewrite_segment
from memsync.format.witness import audit_path, witness_of
from memsync.ipld.dagcbor import encode
from memsync.memory import IDENTITY_KEYS, Memory, Proof, Source, Tombstone, new_id

HERE = Path(__file__).parent
KEYS = [epoch.content for epoch in s.EPOCHS]
NOW = 1_790_000_000_000


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def made_id(label: str) -> bytes:
    return new_id(NOW, lambda length: s.chosen(label, length))


def memory(label: str, text: str = "", **fields: Any) -> Memory:
    fields = {"kind": "semantic", "created": NOW, "text": text or f"{label}."} | fields
    return Memory(id=made_id(label), version=made_id(f"{label} version"), **fields)


AUTHOR = s.chosen("author")
PROOF = Proof(s.chosen("a grant"), 3, s.chosen("a proposal", 16), s.chosen("a signature", 64))
MEMORIES: dict[str, Memory | Tombstone] = {
    "smallest": memory("smallest", "x"),
    "plain": memory("plain", "Ada prefers trains to planes."),
    "not normalised": memory("nfd", "Cafe\u0301 à 8 h — 工作 👩‍💻\n\ttabs and lines stay"),
    "with all keys": memory(
        "full",
        "Moved to Lisbon in May.",
        kind="episodic",
        tags=("home", "move", "é"),
        source=Source(
            tool="claude-desktop",
            conversation="c-17",
            title="Moving",
            turn="4",
            part="2/3",
            role="user",
            model="m-1",
        ),
        happened=-1,
        valid_from=0,
        valid_until=(1 << 53) - 1,
        supersedes=tuple(sorted((made_id("a"), made_id("b")))),
        replaces=(made_id("full version 0"),),
    ),
    "of a tool": memory("tool", "Answers in short sentences.", kind="procedural", author=AUTHOR, proof=PROOF),
    "of a later version": memory(
        "later", "Kept.", unknown={"z": [1, {"deep": b"bytes", "null": None}], "mood": True, "aa": -(1 << 63)}
    ),
    "forgotten": Tombstone(id=made_id("gone"), version=made_id("gone version"), forgotten=NOW + 5),
}


def records() -> dict[str, Any]:
    good = []
    for number, (name, kept) in enumerate(MEMORIES.items()):
        record = Record(number * 1000, s.chosen(f"memory salt {name}", 16), kept)
        data, leaf, _ = encode_record(record)
        good.append(
            {
                "name": name,
                "memory": encode_memory(kept).hex(),
                "when": kept.when,
                "batch": record.batch,
                "salt": record.salt.hex(),
                "record": data.hex(),
                "leaf": leaf.hex(),
            }
        )
    base = memory_value(MEMORIES["with all keys"])
    plain = memory_value(MEMORIES["plain"])
    tool = memory_value(MEMORIES["of a tool"])
    gone = memory_value(MEMORIES["forgotten"])
    ids = sorted((made_id("a"), made_id("b")))
    uuid4 = bytes.fromhex("0f1e2d3c4b5a4978a6b5c4d3e2f10099")
    bad = [
        *[
            (f"without {key}", "missing", without(plain, key))
            for key in ("id", "version", "kind", "text", "created")
        ],
        ("an id of 15 bytes", "length", plain | {"id": bytes(15)}),
        ("an id that is a UUIDv4", "value", plain | {"id": uuid4}),
        ("a version that is a UUIDv4", "value", plain | {"version": uuid4}),
        ("an id that is text", "type", plain | {"id": "x"}),
        ("an unknown kind", "value", plain | {"kind": "other"}),
        ("an empty text", "size", plain | {"text": ""}),
        ("a text that is bytes", "type", plain | {"text": b"x"}),
        ("created 2^53", "value", plain | {"created": 1 << 53}),
        ("created true", "type", plain | {"created": True}),
        ("created null", "value", plain | {"created": None}),
        ("happened -2^53", "value", plain | {"happened": -(1 << 53)}),
        ("valid_from null", "value", plain | {"valid_from": None}),
        ("no tags", "value", plain | {"tags": []}),
        ("tags out of order", "order", plain | {"tags": ["b", "a"]}),
        ("a tag twice", "duplicate", plain | {"tags": ["a", "a"]}),
        ("an empty tag", "size", plain | {"tags": ["", "a"]}),
        ("a tag that is a number", "type", plain | {"tags": [1]}),
        ("tags that are a text", "type", plain | {"tags": "a"}),
        ("an empty source", "missing", plain | {"source": {}}),
        ("an empty field of the source", "size", plain | {"source": {"tool": ""}}),
        ("a source with another key", "key", plain | {"source": {"tool": "a", "color": "b"}}),
        ("a source's field null", "missing", plain | {"source": {"tool": None}}),
        ("a source that is a list", "type", plain | {"source": ["a"]}),
        ("supersedes nothing", "value", plain | {"supersedes": []}),
        ("supersedes out of order", "order", plain | {"supersedes": ids[::-1]}),
        ("supersedes an id twice", "duplicate", plain | {"supersedes": [ids[0], ids[0]]}),
        ("supersedes an id of 17 bytes", "length", plain | {"supersedes": [bytes(17)]}),
        ("replaces nothing", "value", plain | {"replaces": []}),
        ("replaces itself", "value", plain | {"replaces": [plain["version"]]}),
        ("replaces out of order", "order", plain | {"replaces": ids[::-1]}),
        ("an author without a proof", "missing", without(tool, "proof")),
        ("a proof without an author", "missing", without(tool, "author")),
        ("an author of 33 bytes", "length", tool | {"author": bytes(33)}),
        ("a proof of three fields", "length", tool | {"proof": tool["proof"][:3]}),
        ("a proof with parcel 2^32", "value", tool | {"proof": [bytes(32), 1 << 32, bytes(16), bytes(64)]}),
        ("a proof with a short signature", "length", tool | {"proof": [bytes(32), 1, bytes(16), bytes(63)]}),
        ("a tombstone with a text", "key", gone | {"text": "still here"}),
        ("a memory that is forgotten", "key", base | {"forgotten": NOW}),
        ("a tombstone without a version", "missing", without(gone, "version")),
        ("a tombstone of no time", "type", gone | {"forgotten": None}),
        ("a list", "type", ["id"]),
    ]
    draft = draft_value(MEMORIES["with all keys"].draft())
    of_a_memory = tool | base
    bad_drafts = [
        *[(f"a draft with {key}", "key", draft | {key: of_a_memory[key]}) for key in sorted(IDENTITY_KEYS)],
        ("a draft that is a tombstone", "key", gone),
        ("a draft that forgets", "key", draft | {"forgotten": NOW}),
        ("a draft without a text", "missing", without(draft, "text")),
        ("a draft with an unsorted tag", "order", draft | {"tags": ["b", "a"]}),
    ]  # fmt: skip
    bad_records = [
        ("batch 2^32", "value", [1 << 32, bytes(16), plain]),
        ("batch -1", "value", [-1, bytes(16), plain]),
        ("batch true", "type", [True, bytes(16), plain]),
        ("a salt of 15 bytes", "length", [0, bytes(15), plain]),
        ("no memory", "length", [0, bytes(16)]),
        ("a fourth field", "length", [0, bytes(16), plain, 0]),
        ("a map", "type", {"batch": 0}),
    ]
    return {
        "good": good,
        "drafts": [{"name": "with all keys", "draft": encode(draft).hex()}],
        "bad": [{"why": w, "fault": f, "memory": encode(v).hex()} for w, f, v in bad],
        "bad_drafts": [{"why": w, "fault": f, "draft": encode(v).hex()} for w, f, v in bad_drafts],
        "bad_records": [{"why": w, "fault": f, "record": encode(v).hex()} for w, f, v in bad_records],
    }


def without(value: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name != key}


def place_of(number: int) -> dict[str, Any]:
    key = KEYS[number]
    return {"number": number, "secret": key.secret.hex(), "id": key.id.hex()}


def row_value(row: Row | NotForMe) -> dict[str, Any]:
    common = {"epoch": row.epoch.number, "count": row.count, "earliest": row.earliest, "latest": row.latest}
    if isinstance(row, NotForMe):
        return {"not_for_me": True} | common
    return {
        "order": list(row.order),
        "object_id": row.ref.object_id.hex(),
        "digest": row.ref.digest.hex(),
    } | common


def sample_records() -> list[Record]:
    return [Record(0, s.chosen(f"memory salt {name}", 16), kept) for name, kept in MEMORIES.items()]


def segments() -> dict[str, Any]:
    key, random = KEYS[3], s.stream("segment")
    options: Any = {"key": key, "vault": s.VAULT, "scope": s.SCOPE, "random": random}
    (first,) = build_segments(sample_records(), **options)
    row = first.row((7, 0))
    segment = opened(first.block, row)
    block, new_row = rewrite_segment(
        [(row, segment)], drop=lambda record: record.memory.id == made_id("plain"), **options
    )
    alone, alone_row = rewrite_segment([(row, segment)], drop=lambda _: True, **options)
    good = [
        segment_case("all kinds of records", first.block, row),
        segment_case("one left out", block, new_row),
        segment_case("all left out", alone, alone_row),
    ]
    one = encode_record(sample_records()[0])[0]
    two = encode_record(sample_records()[1])[0]
    tool = encode_record(sample_records()[4])[0]
    leaf, other = s.chosen("leaf a"), s.chosen("leaf b")
    leaves = sorted([[1, leaf], [1, other]])
    sound = stream_of(one)
    cases: list[tuple[str, str, Any]] = [
        ("version 2", "version", [2, [sound], []]),
        ("no list of dropped leaves", "length", [1, [sound]]),
        ("a fourth field", "length", [1, [sound], [], 0]),
        ("nothing in it", "count", [1, [], []]),
        ("a stream without records", "count", [1, [sound, raw_stream(b"\x80")], []]),
        ("a stream that is no list", "type", [1, [raw_stream(b"\xa0")], []]),
        ("two authors in one stream", "value", [1, [stream_of(one, tool)], []]),
        ("a version twice in one stream", "duplicate", [1, [stream_of(one, one)], []]),
        ("a version twice in two streams", "duplicate", [1, [sound, sound], []]),
        ("a declared length one too small", "inflate", [1, [[sound[0] - 1, sound[1]]], []]),
        ("a declared length one too large", "inflate", [1, [[sound[0] + 1, sound[1]]], []]),
        ("a declared length of 0", "inflate", [1, [[0, sound[1]]], []]),
        ("a stream cut by a byte", "inflate", [1, [[sound[0], sound[1][:-1]]], []]),
        ("a stream with a wrong checksum", "inflate", [1, [[sound[0], sound[1][:-1] + bytes([sound[1][-1] ^ 1])]], []]),
        ("bytes after a stream", "trailing", [1, [[sound[0], sound[1] + b"\0"]], []]),
        ("two zlib streams in one", "trailing", [1, [[sound[0], sound[1] * 2]], []]),
        ("an empty stream", "inflate", [1, [[0, b""]], []]),
        ("a raw deflate stream", "inflate", [1, [[sound[0], zlib.compress(b"\x81" + one, wbits=-15)]], []]),
        ("a gzip stream", "inflate", [1, [[sound[0], zlib.compress(b"\x81" + one, wbits=31)]], []]),
        ("a stream with a dictionary", "inflate", [1, [dictionary_stream(b"\x81" + one)], []]),
        ("4 MiB and a byte declared", "inflate", [1, [[4 * 1024 * 1024 + 1, sound[1]]], []]),
        ("4 MiB and a byte in two streams", "inflate", [1, [[2 * 1024 * 1024, b""], [2 * 1024 * 1024 + 1, b""]], []]),
        ("a bomb that says 10 bytes", "inflate", [1, [[10, zlib.compress(bytes(1 << 24))]], []]),
        ("records that are not canonical", "encoding", [1, [raw_stream(b"\x98\x01" + one)], []]),
        ("bytes after the records", "trailing", [1, [raw_stream(b"\x81" + one + b"\0")], []]),
        ("a broken record", "length", [1, [raw_stream(b"\x81\x82\x00\x40")], []]),
        ("dropped leaves out of order", "order", [1, [sound], leaves[::-1]]),
        ("a dropped leaf twice", "duplicate", [1, [sound], [leaves[0], leaves[0]]]),
        ("dropped batches out of order", "order", [1, [sound], [[256, leaf], [3, leaf]]]),
        ("a dropped leaf of batch 0", "value", [1, [sound], [[0, leaf]]]),
        ("a dropped leaf of 31 bytes", "length", [1, [sound], [[1, leaf[:31]]]]),
        ("a stream that is a text", "type", [1, [[1, "x"]], []]),
        ("a length that is negative", "value", [1, [[-1, sound[1]]], []]),
    ]  # fmt: skip
    bad = [{"why": why, "fault": fault, "plaintext": b64(encode(value))} for why, fault, value in cases]
    bad.append(
        {
            "why": "a byte after",
            "fault": "trailing",
            "plaintext": b64(encode([1, [stream_of(two)], []]) + b"\0"),
        }
    )
    return {
        "vault": s.VAULT.hex(),
        "scope": s.SCOPE.hex(),
        "epoch": place_of(3),
        "good": good,
        "bad": bad,
        "bad_rows": [
            {"why": "a record more", "fault": "count", "changed": {"count": row.count + 1}},
            {"why": "a record less", "fault": "count", "changed": {"count": row.count - 1}},
            {"why": "an earlier beginning", "fault": "value", "changed": {"earliest": row.earliest - 1}},
            {"why": "an earlier end", "fault": "value", "changed": {"latest": row.latest - 1}},
        ],
    }


def opened(block: Block, row: SegmentRow) -> Segment:
    return open_segment(block.data, row, key=KEYS[row.epoch.number], vault=s.VAULT, scope=s.SCOPE)


def segment_case(name: str, block: Block, row: SegmentRow) -> dict[str, Any]:
    key = KEYS[row.epoch.number]
    place = aad(s.VAULT, s.SCOPE, key.id, Kind.SEGMENT, row.ref.object_id)
    segment = opened(block, row)
    return {
        "name": name,
        "row": row_value(row),
        "records": [encode_record(record)[0].hex() for record in segment.records],
        "dropped": [[batch, leaf.hex()] for batch, leaf in segment.dropped],
        "plaintext": b64(open_block(key.secret, place, block.data, what="segment")),
        "block": b64(block.data),
    }


def raw_stream(inflated: bytes) -> list[Any]:
    return [len(inflated), zlib.compress(inflated)]


def stream_of(*items: bytes) -> list[Any]:
    return raw_stream(bytes([0x80 | len(items)]) + b"".join(items))


def dictionary_stream(inflated: bytes) -> list[Any]:
    deflate = zlib.compressobj(zdict=b"semantic")
    return [len(inflated), deflate.compress(inflated) + deflate.flush()]


def witnesses() -> dict[str, Any]:
    published = {
        "leaves": ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"],
        "roots": [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ],
        "paths": [
            {"index": 0, "size": 1, "path": []},
            {"index": 0, "size": 2, "path": ["96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"]},
            {"index": 1, "size": 2, "path": ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"]},
            {"index": 2, "size": 3, "path": ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]},
            {
                "index": 1,
                "size": 5,
                "path": [
                    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                ],
            },
            {
                "index": 0,
                "size": 8,
                "path": [
                    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
                ],
            },
            {
                "index": 5,
                "size": 8,
                "path": [
                    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                ],
            },
        ],
    }  # fmt: skip
    leaves = sorted(record.leaf() for record in sample_records())
    ours = [("one record", leaves[:1]), ("five", leaves[:5]), ("all samples", leaves)]
    return {
        "certificate_transparency": published,
        "witnesses": [
            {
                "name": name,
                "leaves": [leaf.hex() for leaf in some],
                "witness": (witness_of(some) or b"").hex(),
            }
            for name, some in ours
        ],
        "path": {
            "index": 2,
            "leaf": leaves[2].hex(),
            "size": len(leaves),
            "path": [beside.hex() for beside in audit_path(leaves, 2)],
        },
    }


class Forest:
    """Blocks by digest, sealed from any nodes, sound or not."""

    def __init__(self) -> None:
        self.blocks: dict[bytes, bytes] = {}
        self.random = s.stream("catalog")

    def row(self, order: tuple[int, int], epoch: int = 0, **other: Any) -> SegmentRow:
        ref = s.ref(f"segment {order}")
        row = SegmentRow(order, ref, Epoch.of(KEYS[epoch]), 3, NOW + order[0], NOW + order[0] + 10)
        return dataclasses.replace(row, **other)

    def node(self, level: int, *rows: Row, **other: Any) -> ChildRow:
        epoch = rows[-1].epoch
        ref = self.sealed(encode_node(Node(level, rows)), epoch.number)
        return dataclasses.replace(ChildRow(rows[0].order, ref, epoch, *tally(rows)), **other)

    def sealed(self, plaintext: bytes, epoch: int) -> Ref:
        key, object_id = KEYS[epoch], self.random(16)
        place = aad(s.VAULT, s.SCOPE, key.id, Kind.CATALOG, object_id)
        block = Block.of(seal_block(key.secret, place, plaintext, random=self.random))
        self.blocks[block.digest] = block.data
        return Ref(object_id, block.digest)

    def catalog(self, epochs: range) -> Catalog:
        return Catalog(s.VAULT, s.SCOPE, {KEYS[n].id: KEYS[n] for n in epochs}, self.blocks.__getitem__)


def root_value(row: ChildRow | CatalogRoot) -> dict[str, Any]:
    return {"object_id": row.ref.object_id.hex(), "digest": row.ref.digest.hex(), "epoch": row.epoch.number}


def catalogs() -> dict[str, Any]:
    f = Forest()
    edited = edit_catalog(
        f.catalog(range(4)), None, append=[f.row((1, 0)), f.row((1, 1)), f.row((3, 0), 1), f.row((5, 0), 3)], random=f.random
    )  # fmt: skip
    f.blocks.update((block.digest, block.data) for block in edited.blocks)
    assert edited.root is not None
    good = {
        "root": root_value(edited.root),
        "count": 12,
        "readers": [
            {
                "name": name,
                "epochs": list(epochs),
                "rows": [row_value(row) for row in f.catalog(epochs).rows(edited.root)],
            }
            for name, epochs in (
                ("with history", range(4)),
                ("from epoch 1 on", range(1, 4)),
                ("from epoch 3 on", range(3, 4)),
                ("of before", range(3)),
            )
        ],
    }
    a, b = f.node(0, f.row((1, 0)), f.row((1, 1))), f.node(0, f.row((2, 0)))
    reaching = f.node(0, f.row((1, 0)), f.row((3, 0)))
    newer, fallen = (
        f.node(1, f.node(0, f.row((1, 0), 1))),
        f.node(1, f.node(0, f.row((2, 0))), f.node(0, f.row((3, 0), 2))),
    )
    change = dataclasses.replace
    trees: list[tuple[str, str, ChildRow]] = [
        ("a child with fewer records than its row says", "count", f.node(1, change(a, count=7), b)),
        ("a child that begins before its row", "value", f.node(1, change(a, earliest=a.earliest + 1), b)),
        ("a child that ends after its row", "value", f.node(1, change(a, latest=a.latest - 1), b)),
        ("a child that begins elsewhere in order", "order", f.node(1, change(a, order=(0, 9)), b)),
        ("a child that reaches into the next", "order", f.node(1, reaching, b)),
        ("a child of the wrong level", "depth", f.node(2, a, b)),
        ("epochs that fall below rows that rise", "order", f.node(2, newer, fallen)),
    ]  # fmt: skip
    low = Epoch.of(KEYS[0])
    fields = [1, 0, bytes(16), s.chosen("digest"), 3, NOW, NOW + 1]
    more = [1, 1, s.chosen("id", 16), s.chosen("digest 2"), 3, NOW, NOW + 1]
    nodes: list[tuple[str, str, Any]] = [
        ("version 2", "version", [2, 0, 0, low.id, [fields]]),
        ("no rows", "count", [1, 0, 0, low.id, []]),
        ("no rows above", "count", [1, 1, []]),
        ("rows out of order", "order", [1, 0, 0, low.id, [more, fields]]),
        ("an order twice", "order", [1, 0, 0, low.id, [fields, [1, 0, *more[2:]]]]),
        ("an id twice", "duplicate", [1, 0, 0, low.id, [fields, [*more[:2], fields[2], *more[3:]]]]),
        ("a digest twice", "duplicate", [1, 0, 0, low.id, [fields, [*more[:3], fields[3], *more[4:]]]]),
        ("a range that ends before it begins", "value", [1, 0, 0, low.id, [[*fields[:5], 2, 1]]]),
        ("a range of no records", "value", [1, 0, 0, low.id, [[*fields[:4], 0, 0, 1]]]),
        ("another epoch", "value", [1, 0, 1, KEYS[1].id, [fields]]),
        ("another number of the epoch", "value", [1, 0, 1, low.id, [fields]]),
        ("a leaf of level 1", "length", [1, 1, 0, low.id, [fields]]),
        ("level 256", "value", [1, 256, [fields]]),
        ("a row of six fields", "length", [1, 0, 0, low.id, [fields[:6]]]),
        ("a child row in a leaf", "length", [1, 0, 0, low.id, [[*fields[:4], 0, low.id, *fields[4:]]]]),
    ]
    return {
        "vault": s.VAULT.hex(),
        "scope": s.SCOPE.hex(),
        "epochs": [place_of(number) for number in range(4)],
        "good": good,
        "bad_trees": [{"why": why, "fault": fault, "root": root_value(row)} for why, fault, row in trees],
        "bad_top_nodes": [
            {"why": why, "fault": fault, "epoch": 0, "plaintext": b64(encode(value))}
            for why, fault, value in nodes
        ],
        "blocks": [b64(data) for data in f.blocks.values()],
    }


def main() -> None:
    files = {"records": records, "segment": segments, "witness": witnesses, "catalog": catalogs}
    for name, make in files.items():
        path = HERE / f"{name}.json"
        path.write_text(json.dumps(make(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{path.stat().st_size:8} {path.name}")


if __name__ == "__main__":
    main()
