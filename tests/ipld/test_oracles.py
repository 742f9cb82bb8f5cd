"""Other implementations as a second opinion: ``cbrrr`` and ``dag-cbor`` from PyPI, ``@ipld/car`` and ``@ipld/dag-cbor`` from npm.

The npm ones run if ``tools/node_modules`` has them; what they wrote once is pinned in ``oracle.json`` and is checked always.
``python tests/ipld/test_oracles.py`` asks them again and writes that file.
"""

from __future__ import annotations

import base64
import io
import json
import random
import shutil
import subprocess
from pathlib import Path

import cbrrr
import dag_cbor
import multiformats
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync.errors import FormatError
from memsync.ipld.car import read_car, write_car
from memsync.ipld.cid import CID, DAG_CBOR, RAW
from memsync.ipld.dagcbor import decode, encode

HERE = Path(__file__).parent
VECTORS = HERE.parent / "vectors"
MODULES = HERE.parents[1] / "tools/node_modules"
NODE = shutil.which("node")

on_node = pytest.mark.skipif(
    NODE is None or not (MODULES / "@ipld/car").is_dir() or not (MODULES / "@ipld/dag-cbor").is_dir(),
    reason="tools/node_modules has no @ipld/car and @ipld/dag-cbor; what they wrote is pinned in oracle.json",
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.binary(max_size=40)
    | st.text(max_size=30)
    | st.builds(CID, st.sampled_from([RAW, DAG_CBOR]), st.binary(min_size=32, max_size=32))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=20,
)


def linked(value, link):
    """``value`` with each CID replaced by another library's."""
    if isinstance(value, CID):
        return link(value)
    if isinstance(value, list):
        return [linked(item, link) for item in value]
    if isinstance(value, dict):
        return {key: linked(item, link) for key, item in value.items()}
    return value


@given(VALUES)
def test_cbrrr_writes_and_reads_the_same_bytes(value):
    theirs = linked(value, lambda cid: cbrrr.CID(cid.to_bytes()))
    assert cbrrr.encode_dag_cbor(theirs) == encode(value)
    assert cbrrr.decode_dag_cbor(encode(value)) == theirs


@given(VALUES)
def test_dag_cbor_writes_and_reads_the_same_bytes(value):
    theirs = linked(value, lambda cid: multiformats.CID.decode(str(cid)))
    assert dag_cbor.encode(theirs) == encode(value)
    assert dag_cbor.decode(encode(value)) == theirs


@given(VALUES, st.data())
def test_what_we_read_after_a_change_cbrrr_reads_too(value, data):
    encoded = bytearray(encode(value))
    bit = data.draw(st.integers(0, 8 * len(encoded) - 1))
    encoded[bit // 8] ^= 1 << bit % 8
    try:
        found = decode(bytes(encoded))
    except FormatError:
        return
    assert cbrrr.decode_dag_cbor(bytes(encoded)) == linked(found, lambda cid: cbrrr.CID(cid.to_bytes()))


def ask(jobs):
    """The answers of the npm packages; a refusal's words are theirs to change."""
    run = subprocess.run(
        [NODE, HERE / "oracle.mjs", MODULES],
        input="".join(json.dumps(job) + "\n" for job in jobs),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    return [{"refused": True} if "refused" in answer else answer for answer in answers]


def cars():
    return json.loads((VECTORS / "car.json").read_text(encoding="utf-8"))["good"]


def values():
    return json.loads((VECTORS / "dagcbor.json").read_text(encoding="utf-8"))


def jobs():
    """What is asked of the npm packages: write and read each good CAR, recode each good and short bad value."""
    yield from (
        {"car": {"roots": c["roots"], "blocks": [[b["cid"], b["block"]] for b in c["blocks"]]}}
        for c in cars()
    )
    yield from ({"read": c["car"]} for c in cars())
    for case in (*values()["good"], *(bad for bad in values()["bad"] if "bytes" in bad)):
        yield {"recode": base64.b64encode(bytes.fromhex(case["bytes"])).decode()}


def pinned():
    return json.loads((HERE / "oracle.json").read_text(encoding="utf-8"))


def test_npm_wrote_each_car_as_we_do():
    asked = list(jobs())
    assert len(pinned()["answers"]) == len(asked)
    for job, answer in zip(asked, pinned()["answers"], strict=True):
        if "car" in job:
            out = io.BytesIO()
            pairs = [(CID.parse(cid), base64.b64decode(block)) for cid, block in job["car"]["blocks"]]
            write_car([CID.parse(cid) for cid in job["car"]["roots"]], pairs, out.write)
            assert out.getvalue() == base64.b64decode(answer["car"])
        elif "read" in job:
            reader = read_car(io.BytesIO(base64.b64decode(job["read"])).read)
            blocks = [[str(cid), base64.b64encode(block).decode()] for cid, block in reader]
            assert {"roots": [str(cid) for cid in reader.roots], "blocks": blocks} == answer


def test_npm_wrote_each_good_value_as_we_do_and_we_refuse_all_that_it_changed():
    for job, answer in zip(jobs(), pinned()["answers"], strict=True):
        if "recode" not in job:
            continue
        data = base64.b64decode(job["recode"])
        try:
            again = encode(decode(data))
        except FormatError:
            continue
        assert again == data == base64.b64decode(answer["bytes"])


@on_node
def test_npm_still_answers_what_is_pinned():
    assert ask(list(jobs())) == pinned()["answers"]


@on_node
def test_npm_writes_and_reads_random_cars_as_we_do():
    chance = random.Random(7)
    made = []
    for _ in range(40):
        blocks = [
            chance.randbytes(chance.choice((0, 1, 80, 100, 300, 20_000))) for _ in range(chance.randint(0, 6))
        ]
        pairs = [(CID.of(block, chance.choice((RAW, DAG_CBOR))), block) for block in blocks]
        roots = [cid for cid, _ in pairs[: chance.randint(0, 3)]]
        out = io.BytesIO()
        write_car(roots, pairs, out.write)
        texts = [[str(cid), base64.b64encode(block).decode()] for cid, block in pairs]
        made.append(
            (
                {"roots": [str(cid) for cid in roots], "blocks": texts},
                base64.b64encode(out.getvalue()).decode(),
            )
        )
    answers = ask([{"car": content} for content, _ in made] + [{"read": car} for _, car in made])
    assert answers == [{"car": car} for _, car in made] + [content for content, _ in made]


if __name__ == "__main__":
    versions = {
        name: json.loads((MODULES / name / "package.json").read_text(encoding="utf-8"))["version"]
        for name in ("@ipld/car", "@ipld/dag-cbor")
    }
    text = json.dumps({"made_by": versions, "answers": ask(list(jobs()))}, indent=1, ensure_ascii=False)
    (HERE / "oracle.json").write_text(text + "\n", encoding="utf-8")
