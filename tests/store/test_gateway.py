"""Blocks through a trustless gateway: the real one on loopback, with and without its token; and gateways that lie, drip or break off."""

import os
import threading
import time
from pathlib import Path

import pytest

from memsync.errors import BlockMissing, FormatError, InputError, StorageError
from memsync.http.gateway import served_gateway
from memsync.ipld.cid import CID, DAG_CBOR
from memsync.store import BlockStore, DirectoryStore, GatewayStore, get_block
from memsync.testing import MemoryStore
from tests.store.gateways import answer, lying, raw

TOKEN = "a-token-of.this~gateway+/=="
RAW_TYPE = "Content-Type: application/vnd.ipld.raw"


def block(size: int = 4096, codec: int = 0x55) -> tuple[CID, bytes]:
    data = os.urandom(size)
    return CID.of(data, codec), data


@pytest.fixture
def behind(tmp_path: Path):
    """A store, and itself through a gateway."""
    store = DirectoryStore(tmp_path / "blocks")
    with served_gateway(store, token=None) as url:
        yield store, GatewayStore(url)


def test_it_is_a_block_store_and_says_which(behind):
    _, gateway = behind
    assert isinstance(gateway, BlockStore)
    assert gateway.place.startswith("gateway http://127.0.0.1:")


def test_what_the_store_has_comes_in_the_order_asked(behind):
    store, gateway = behind
    blocks = [block(), block(100, DAG_CBOR), block(262_144), block(1), *(block(50) for _ in range(60))]
    store.put_many(blocks)
    assert list(gateway.get_many(cid for cid, _ in reversed(blocks))) == blocks[::-1]
    assert get_block(gateway, blocks[1][0]) == blocks[1][1]
    assert list(gateway.get_many([])) == []
    again = [blocks[0][0], blocks[1][0], blocks[0][0]]
    assert list(gateway.get_many(again)) == blocks[:2]


def test_many_readers_share_one_gateway(behind):
    store, gateway = behind
    blocks = [block(500) for _ in range(40)]
    store.put_many(blocks)
    got: list[list[tuple[CID, bytes]]] = []
    readers = [
        threading.Thread(target=lambda: got.append(list(gateway.get_many(c for c, _ in blocks))))
        for _ in range(4)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert got == [blocks] * 4


def test_a_missing_block_is_named_and_what_came_before_is_good(behind):
    store, gateway = behind
    kept, lost, after = block(), block(), block()
    store.put_many([kept, after])
    answers = gateway.get_many([kept[0], lost[0], after[0]])
    assert next(answers) == kept
    with pytest.raises(BlockMissing, match=str(lost[0])):
        next(answers)


def test_has_many_tells_what_is_kept_and_no_more(behind):
    store, gateway = behind
    kept, other, never = block(), block(), block()
    store.put_many([kept, other])
    assert gateway.has_many([kept[0], never[0], kept[0]]) == {kept[0]}
    assert gateway.has_many([]) == set()


def test_a_gateway_is_read_only_and_lists_nothing(behind):
    store, gateway = behind
    cid, data = block()
    store.put_many([(cid, data)])
    for refused in (
        lambda: gateway.put_many([block()]),
        lambda: gateway.delete([cid]),
        lambda: list(gateway.iter()),
    ):
        with pytest.raises(StorageError, match=r"read only|can't list"):
            refused()
    gateway.put_many([])
    gateway.delete([])
    assert get_block(gateway, cid) == data


def test_a_block_that_went_bad_behind_the_gateway_is_not_given(behind):
    store, gateway = behind
    cid, data = block()
    store.put_many([(cid, data)])
    assert get_block(gateway, cid) == data
    [file] = store.path.rglob(str(cid))
    file.write_bytes(data[:-1])
    with pytest.raises(StorageError, match="status 500"):
        get_block(gateway, cid)


@pytest.mark.parametrize("tail", ["/", "/ipfs", "/ipfs/"])
def test_the_base_may_be_written_as_people_paste_it(behind, tail: str):
    store, gateway = behind
    cid, data = block()
    store.put_many([(cid, data)])
    assert get_block(GatewayStore(gateway.place.removeprefix("gateway ") + tail), cid) == data


def test_the_token_opens_and_none_or_another_does_not():
    store = MemoryStore()
    cid, data = block()
    store.put_many([(cid, data)])
    with served_gateway(store, token=TOKEN) as url:
        assert get_block(GatewayStore(url, token=TOKEN), cid) == data
        assert GatewayStore(url, token=TOKEN).has_many([cid]) == {cid}
        for token in (None, "another", TOKEN[:-1]):
            refused = GatewayStore(url, token=token)
            for ask in (lambda: get_block(refused, cid), lambda: refused.has_many([cid])):  # noqa: B023
                with pytest.raises(StorageError, match=r"wants a token.*401.*; give the one") as caught:
                    ask()
                assert not isinstance(caught.value, BlockMissing)


def test_a_token_is_shown_nowhere():
    with lying(answer(b"", status="403 Forbidden")) as server:
        gateway = GatewayStore(server.url, token=TOKEN)
        with pytest.raises(StorageError) as caught:
            get_block(gateway, block()[0])
        seen = f"{gateway!r} {gateway.place} {vars(gateway)!r} {caught.value!r} {caught.value.__context__!r}"
        assert TOKEN not in seen and "127.0.0.1" in seen
        assert TOKEN.encode() in server.requests[0]
    with pytest.raises(InputError) as refused:
        GatewayStore("http://127.0.0.1", token=TOKEN + "\r\nX: y")
    assert TOKEN not in str(refused.value)


def test_a_path_that_may_hold_a_key_is_used_and_not_shown():
    cid, data = block()
    with lying(answer(data, RAW_TYPE)) as server:
        gateway = GatewayStore(server.url + "/secret-key/")
        assert get_block(gateway, cid) == data
        assert server.requests[0].startswith(
            b"GET /secret-key/ipfs/%s?format=raw HTTP/1.1" % str(cid).encode()
        )
        assert gateway.place == f"gateway {server.url}/…"
        server.behave = answer(b"", status="500 Broken")
        with pytest.raises(StorageError) as caught:
            get_block(gateway, cid)
        assert "secret-key" not in str(caught.value)


def test_the_request_says_raw_twice_and_allows_no_packing():
    cid, data = block()
    with lying(answer(data, RAW_TYPE)) as server:
        assert get_block(GatewayStore(server.url), cid) == data
        [request] = server.requests
    assert b"\r\nAccept: application/vnd.ipld.raw\r\n" in request
    assert b"\r\nAccept-Encoding: identity\r\n" in request
    assert b"Authorization" not in request


CID_AND_DATA = block()
DATA = CID_AND_DATA[1]
LIES = {
    "altered bytes": (answer(DATA[:-1] + b"!", RAW_TYPE), FormatError, "keeps other bytes"),
    "an empty body": (answer(b"", RAW_TYPE), FormatError, "keeps other bytes"),
    "a cut body": (
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n", DATA[:-1]),
        StorageError,
        "broke off",
    ),
    "a web page": (answer(b"<html>", "Content-Type: text/html"), StorageError, "something else than blocks"),
    "a longer body": (answer(bytes(262_145), RAW_TYPE), StorageError, "more than the 262144 bytes"),
    "a redirect": (
        answer(b"", "Location: /ipfs/x", status="302 Found"),
        StorageError,
        "points elsewhere .status 302.",
    ),
    "an error": (answer(b"secrets", status="500 Broken"), StorageError, "answers with status 500"),
    "a refusal": (answer(b"", status="403 Forbidden"), StorageError, "wants a token"),
    "too often": (answer(b"", status="429 Slow"), StorageError, "asked too often"),
    "half a block": (answer(DATA, RAW_TYPE, status="206 Partial Content"), StorageError, "status 206"),
    "a closed connection": (raw(), StorageError, "broke off"),
    "no HTTP": (raw(b"SSH-2.0-OpenSSH\r\n"), StorageError, "broke off"),
    "a hundred headers and more": (
        raw(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 500),
        StorageError,
        "broke off",
    ),
    "a header that is none": (
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 4096\r\nno colon\r\n\r\n", DATA),
        StorageError,
        "broke off",
    ),
    "not there": (answer(b"", status="404 Not Found"), BlockMissing, "is not in"),
    "gone": (answer(b"", status="410 Gone"), BlockMissing, "is not in"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_told_in_one_line_and_the_truth_is_taken(lie: str, caplog):
    behave, error, says = LIES[lie]
    cid, data = CID_AND_DATA
    with lying(behave) as server:
        gateway = GatewayStore(server.url)
        with pytest.raises(error, match=says) as caught:
            get_block(gateway, cid)
        assert (
            "; " in str(caught.value) and "\n" not in str(caught.value) and "secrets" not in str(caught.value)
        )
        assert isinstance(caught.value, BlockMissing) == (error is BlockMissing)
        assert caplog.records == []
        server.behave = answer(data, RAW_TYPE)
        assert get_block(gateway, cid) == data


def forever(part: bytes, pause: float):
    """Bytes without end, at a pace."""

    def send(line) -> None:
        stop = time.monotonic() + 20
        while time.monotonic() < stop:
            line.sendall(part)
            time.sleep(pause)

    return send


ENDLESS = {
    "a body without end or length": (b"HTTP/1.1 200 OK\r\n\r\n", forever(bytes(65536), 0), "more than", 20),
    "chunks without end": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        forever(b"10000\r\n" + bytes(65536) + b"\r\n", 0),
        "more than",
        20,
    ),
    "a body that drips": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n",
        forever(b"x", 0.05),
        "took longer",
        0.4,
    ),
    "headers that drip": (b"HTTP/1.1 200 OK\r\nA: ", forever(b"x", 0.05), "took longer", 0.4),
    "a status that never comes": (b"", forever(b"", 0.05), "took longer", 0.4),
    "go on, go on": (b"", forever(b"HTTP/1.1 100 Continue\r\n\r\n", 0.05), "took longer", 0.4),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_what_never_ends_is_given_up(kind: str):
    head, then, says, seconds = ENDLESS[kind]
    with lying(raw(head, then=then)) as server:
        with pytest.raises(StorageError, match=says):
            get_block(GatewayStore(server.url, seconds=seconds), CID_AND_DATA[0])
        server.behave = answer(DATA, RAW_TYPE)
        assert get_block(GatewayStore(server.url, seconds=20), CID_AND_DATA[0]) == DATA


def test_connections_are_kept_and_a_stale_one_is_replaced():
    cid, data = CID_AND_DATA
    with lying(answer(data, RAW_TYPE)) as server:
        gateway = GatewayStore(server.url)
        for _ in range(5):
            assert get_block(gateway, cid) == data
        assert (len(server.requests), server.lines) == (5, 1)
        kept = server.behave

        def once_more(line, request) -> None:
            server.behave = kept
            line.close()

        server.behave = once_more
        assert get_block(gateway, cid) == data
        assert server.lines == 2
        gateway.close()
        assert get_block(gateway, cid) == data
        assert server.lines == 3


def test_eight_requests_are_under_way_and_no_more():
    together, under_way, most, lock = threading.Barrier(8), 0, 0, threading.Lock()
    blocks = {str(cid).encode(): data for cid, data in (block(64) for _ in range(40))}

    def slow(line, request) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        together.wait(20)  # for seven others
        with lock:
            under_way -= 1
        answer(blocks[request.split(b"/ipfs/")[1].split(b"?")[0]], RAW_TYPE)(line, request)

    with lying(slow) as server:
        cids = [CID.parse(name.decode()) for name in blocks]
        assert [data for _, data in GatewayStore(server.url).get_many(cids)] == list(blocks.values())
        assert (most, server.lines) == (8, 8)


def test_who_stops_reading_early_leaves_nothing_behind():
    cid, data = CID_AND_DATA
    with lying(answer(data, RAW_TYPE)) as server:
        answers = GatewayStore(server.url).get_many([cid, *(block()[0] for _ in range(50))])
        assert next(answers) == (cid, data)
        time.sleep(0.2)  # for those who would ask for more than is waited for
        answers.close()
        assert len(server.requests) <= 9
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("gateway")]


def test_a_gateway_that_is_not_up_is_told():
    with lying(answer(b"")) as server:
        url = server.url
    with pytest.raises(StorageError, match=r"can't be reached; check that it is up"):
        get_block(GatewayStore(url), block()[0])
