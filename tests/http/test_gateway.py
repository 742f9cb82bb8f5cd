"""``store serve`` as any HTTP client sees it: what is given, in which form, with which headers, and what is refused."""

import http.client
import logging
import random
import signal
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from memsync.errors import InputError, StorageError
from memsync.http.gateway import gateway_app, served_gateway
from memsync.ipld.car import read_car, read_complete
from memsync.ipld.cid import CID, DAG_CBOR
from memsync.ipld.dagcbor import encode
from memsync.store import DirectoryStore, GatewayStore, get_block
from memsync.testing import LyingStore, MemoryStore

RAW, CAR = "application/vnd.ipld.raw", "application/vnd.ipld.car"
DATA = bytes(random.Random(7).randbytes(5000))
BLOCK = CID.of(DATA)
NODE_DATA = encode({"link": BLOCK})
NODE = CID.of(NODE_DATA, DAG_CBOR)
ABSENT = CID.of(b"never put")


class Answer:
    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status, self.body = answer.status, answer.read()
        self.headers = {name.lower(): value for name, value in answer.getheaders()}


def ask(url: str, path: str, *, method: str = "GET", **headers: str) -> Answer:
    """One request with its path just as it is written."""
    line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        line.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            line.putheader(name.replace("_", "-"), value)
        line.endheaders()
        return Answer(line.getresponse())
    finally:
        line.close()


@pytest.fixture(scope="module")
def store():
    store = LyingStore(MemoryStore())
    store.put_many([(BLOCK, DATA), (NODE, NODE_DATA)])
    return store


@pytest.fixture(scope="module")
def url(store):
    with served_gateway(store, token=None) as url:
        yield url


@pytest.mark.parametrize("cid", [BLOCK, NODE])
@pytest.mark.parametrize("by", ["format", "accept"])
def test_a_block_is_given_raw_with_what_the_specification_asks_for(url: str, cid: CID, by: str):
    if by == "format":
        found = ask(url, f"/ipfs/{cid}?format=raw")
    else:
        found = ask(url, f"/ipfs/{cid}", Accept=f"text/html, {RAW}")
        assert found.headers["content-location"] == f"/ipfs/{cid}?format=raw"
    assert (found.status, found.body) == (200, DATA if cid == BLOCK else NODE_DATA)
    assert found.headers["content-type"] == RAW
    assert found.headers["content-length"] == str(len(found.body))
    assert found.headers["cache-control"] == "public, max-age=29030400, immutable"
    assert found.headers["etag"] == f'"{cid}.raw"'
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["content-disposition"] == f'attachment; filename="{cid}.bin"'
    assert "server" not in found.headers


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        (f"/ipfs/{BLOCK}?format=car", "*/*"),
        (f"/ipfs/{BLOCK}?format=car&dag-scope=entity&car-version=1", RAW),
        (f"/ipfs/{NODE}?format=car&dag-scope=block", "*/*"),
        (f"/ipfs/{BLOCK}", CAR),
        (f"/ipfs/{BLOCK}", f"{CAR};version=1;order=dfs;dups=y, {RAW};q=0.5"),
        (f"/ipfs/{BLOCK}", f"{RAW};q=0.1, {CAR};q=0.9"),
    ],
)
def test_a_block_is_given_as_a_car_of_one(url: str, path: str, accept: str):
    cid = NODE if str(NODE) in path else BLOCK
    found = ask(url, path, Accept=accept)
    assert found.status == 200
    body = iter([found.body, b""])
    assert read_complete(lambda _: next(body), [cid]) == {cid: DATA if cid == BLOCK else NODE_DATA}
    assert found.headers["content-type"] == f"{CAR}; version=1; order=dfs; dups=n"
    assert found.headers["content-disposition"] == f'attachment; filename="{cid}.car"'
    assert found.headers["etag"] == f'"{cid}.car"'


def test_format_goes_before_accept(url: str):
    assert ask(url, f"/ipfs/{BLOCK}?format=raw", Accept=CAR).headers["content-type"] == RAW


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        (f"/ipfs/{BLOCK}", ""),
        (f"/ipfs/{BLOCK}", "*/*"),
        (f"/ipfs/{BLOCK}", "text/html"),
        (f"/ipfs/{BLOCK}", f"{RAW};q=0"),
        (f"/ipfs/{BLOCK}", f"{CAR};version=2"),
        (f"/ipfs/{BLOCK}?format=dag-json", RAW),
        (f"/ipfs/{BLOCK}?format=", RAW),
        (f"/ipfs/{BLOCK}?format=car&car-version=2", RAW),
        (f"/ipfs/{BLOCK}?format=car&dag-scope=everything", RAW),
        (f"/ipfs/{NODE}?format=car", RAW),
        ("/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWKeXqJ?format=raw", RAW),
        (f"/ipfs/{str(BLOCK).upper()}?format=raw", RAW),
        (f"/ipfs/{str(BLOCK)[:-1]}?format=raw", RAW),
        ("/ipfs/bafkqabba?format=raw", RAW),
        ("/ipfs/..?format=raw", RAW),
        ("/ipfs/%00?format=raw", RAW),
    ],
)
def test_a_form_or_a_name_that_is_not_known_is_a_bad_request(url: str, path: str, accept: str):
    found = ask(url, path, Accept=accept)
    assert (found.status, found.headers["cache-control"]) == (400, "no-store")
    assert found.headers["content-type"].startswith("text/plain")
    assert ask(url, f"/ipfs/{BLOCK}?format=raw", Accept=accept).status == 200


def test_what_is_not_here_is_not_found_and_not_kept_in_caches(url: str):
    for form in ("raw", "car"):
        found = ask(url, f"/ipfs/{ABSENT}?format={form}")
        assert (found.status, found.headers["cache-control"]) == (404, "no-store")
    cached = ask(url, f"/ipfs/{ABSENT}?format=raw", Cache_Control="only-if-cached")
    assert cached.status == 412
    assert ask(url, f"/ipfs/{BLOCK}?format=raw", Cache_Control="only-if-cached").status == 200


@pytest.mark.parametrize("form", ["raw", "car"])
def test_head_tells_the_same_without_the_body(url: str, form: str):
    whole, head = (ask(url, f"/ipfs/{BLOCK}?format={form}", method=method) for method in ("GET", "HEAD"))
    assert head.body == b"" and head.status == 200
    del whole.headers["date"], head.headers["date"]
    assert head.headers == whole.headers
    assert ask(url, f"/ipfs/{ABSENT}?format={form}", method="HEAD").status == 404


@pytest.mark.parametrize("tags", ['"{}.raw"', 'W/"{}.raw"', '"x", "{}.raw"', "*"])
def test_who_has_the_block_is_not_given_it_again(url: str, tags: str):
    found = ask(url, f"/ipfs/{BLOCK}?format=raw", If_None_Match=tags.format(BLOCK))
    assert (found.status, found.body) == (304, b"")
    assert found.headers["etag"] == f'"{BLOCK}.raw"'
    for other in (f'"{NODE}.raw"', f'"{BLOCK}.car"', str(BLOCK)):
        assert ask(url, f"/ipfs/{BLOCK}?format=raw", If_None_Match=other).status == 200
    assert ask(url, f"/ipfs/{ABSENT}?format=raw", If_None_Match="*").status == 404


def test_the_probe_of_the_specification_is_answered(url: str):
    assert ask(url, "/ipfs/bafkqaaa?format=raw").body == b""
    for method in ("GET", "HEAD"):
        for form, media_type in (("raw", RAW), ("car", CAR)):
            found = ask(url, f"/ipfs/bafkqaaa?format={form}", method=method)
            assert found.status == 200 and found.headers["content-type"].startswith(media_type)
    car = ask(url, "/ipfs/bafkqaaa?format=car").body
    # docs of CARv1: varint, then the header; the root is tag 42 of the identity CID 01 55 00 00 after a zero byte
    assert car[0] == len(car) - 1 and bytes.fromhex("d82a450001550000") in car
    rootless = car[1:].replace(bytes.fromhex("81d82a450001550000"), b"\x80")
    parts = iter([bytes([len(rootless)]) + rootless, b""])
    assert list(read_car(lambda _: next(parts))) == []


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FROB"])
def test_nothing_but_reading_is_allowed(url: str, method: str):
    found = ask(url, f"/ipfs/{BLOCK}?format=raw", method=method)
    assert found.status == 405
    assert set(found.headers["allow"].split(", ")) == {"GET", "HEAD"}


ELSEWHERE = [
    "/", "/ipfs", "/ipfs/", "/ipns/x", f"/ipfs/{BLOCK}/", f"/ipfs/{BLOCK}/path?format=car", f"//ipfs/{BLOCK}?format=raw",
    "/ipfs/../../../etc/passwd", "/ipfs/..%2f..%2fetc%2fpasswd?format=raw", "/../etc/passwd", "/%2e%2e/etc/passwd", "/blocks",
    f"/{BLOCK}", "/docs", "/openapi.json", "/api/v0/refs/local", f"/IPFS/{BLOCK}?format=raw",
]  # fmt: skip


@pytest.mark.parametrize("path", ELSEWHERE)
def test_there_is_nothing_else_and_no_list(url: str, path: str):
    found = ask(url, path, Accept=RAW)
    assert found.status in (400, 404) and len(found.body) < 100
    assert DATA not in found.body and b"root:" not in found.body
    assert ask(url, f"/ipfs/{BLOCK}", Accept=RAW).body == DATA


def test_files_of_the_machine_are_out_of_reach_of_a_directorys_gateway(tmp_path: Path):
    (tmp_path / "secret").write_bytes(b"secret")
    blocks = DirectoryStore(tmp_path / "blocks")
    blocks.put_many([(BLOCK, DATA)])
    (tmp_path / "blocks" / "notes").write_bytes(b"secret")
    with served_gateway(blocks, token=None) as url:
        shelf = BLOCK.digest[:1].hex()
        for path in (
            "../secret",
            "..%2Fsecret",
            "%2e%2e%2fsecret",
            "notes",
            f"{shelf}/{BLOCK}",
            f"{shelf}%2F{BLOCK}",
        ):
            found = ask(url, f"/ipfs/{path}?format=raw")
            assert found.status in (400, 404) and b"secret" not in found.body
        assert ask(url, f"/ipfs/{BLOCK}?format=raw").body == DATA


def test_with_a_token_nothing_is_answered_without_it(store):
    with served_gateway(store, token="the-token") as url:
        for path in (
            f"/ipfs/{BLOCK}?format=raw",
            f"/ipfs/{ABSENT}?format=raw",
            "/",
            "/ipfs/bafkqaaa?format=raw",
        ):
            for method in ("GET", "HEAD", "POST"):
                for wrong in (
                    "",
                    "Bearer",
                    "Bearer another",
                    "Bearer the-token2",
                    "Basic the-token",
                    "the-token",
                ):
                    found = ask(url, path, method=method, **({"Authorization": wrong} if wrong else {}))
                    assert (found.status, found.headers["www-authenticate"]) == (401, "Bearer")
                    assert b"the-token" not in found.body
        for right in ("Bearer the-token", "bearer  the-token"):
            found = ask(url, f"/ipfs/{BLOCK}?format=raw", Authorization=right)
            assert (found.status, found.body) == (200, DATA)
        # A cache that many share would hand it to those without the token.
        assert found.headers["cache-control"] == "private, max-age=29030400, immutable"
        assert ask(url, f"/ipfs/{ABSENT}?format=raw", Authorization="Bearer the-token").status == 404
        assert ask(url, f"/ipfs/{BLOCK}?format=raw&token=the-token").status == 401


@pytest.mark.parametrize("token", ["", "two words", "a\nb", "grüße"])
def test_a_token_that_no_header_can_hold_is_refused(token: str):
    gateway_app(MemoryStore(), token="good")
    with pytest.raises(InputError, match="; ") as caught:
        gateway_app(MemoryStore(), token=token)
    assert not token or token not in str(caught.value)


def test_a_store_that_fails_or_lies_is_a_server_error_without_details(store, url: str):
    try:
        for lie in (lambda: store.fail(StorageError("/home/ada/blocks is gone")), lambda: store.alter(BLOCK)):
            assert ask(url, f"/ipfs/{BLOCK}?format=raw").status == 200
            lie()
            for method in ("GET", "HEAD"):
                found = ask(url, f"/ipfs/{BLOCK}?format=raw", method=method)
                assert (found.status, found.headers["cache-control"]) == (500, "no-store")
                assert b"ada" not in found.body and DATA not in found.body
            store.behave()
    finally:
        store.behave()


class Broken(MemoryStore):
    """A store with a fault of its own, whose error names a block."""

    def _fetch(self, cids):
        raise RuntimeError(f"no idea about {cids[0]}")


def test_nothing_that_names_a_block_or_a_token_is_logged(capfd, caplog):
    caplog.set_level(logging.INFO)
    with served_gateway(Broken(), token="the-token") as url:
        for path in (f"/ipfs/{BLOCK}?format=raw", "/ipfs/%ff", f"/{BLOCK}"):
            for token in ("the-token", "wrong-token"):
                ask(url, path, Authorization=f"Bearer {token}")
        assert ask(url, f"/ipfs/{BLOCK}?format=raw", Authorization="Bearer the-token").status == 500
    out, err = capfd.readouterr()
    said = out + err + caplog.text
    assert str(BLOCK) not in said and "token" not in said and "idea" not in said
    logging.getLogger("a control").warning("%s", BLOCK)
    assert str(BLOCK) in caplog.text


def test_two_gateways_in_a_row_give_what_the_first_store_has():
    store = MemoryStore()
    store.put_many([(BLOCK, DATA)])
    with (
        served_gateway(store, token="inner") as inner,
        served_gateway(GatewayStore(inner, token="inner"), token=None) as outer,
    ):
        assert get_block(GatewayStore(outer), BLOCK) == DATA
        assert ask(outer, f"/ipfs/{ABSENT}?format=raw").status == 404


def test_a_port_that_is_taken_is_told(url: str):
    port = urlsplit(url).port
    with (
        pytest.raises(InputError, match=f"can't listen at 127.0.0.1 port {port}: .*; choose another"),
        served_gateway(MemoryStore(), port=port, token=None),
    ):
        pass
    with served_gateway(MemoryStore(), token=None) as other:
        assert other != url


def test_only_the_address_that_was_asked_for_is_listened_at(url: str):
    assert ip_address(urlsplit(url).hostname).is_loopback
    with served_gateway(MemoryStore(), host="::1", token=None) as other:
        assert other.startswith("http://[::1]:")
        assert ask(other, "/ipfs/bafkqaaa?format=raw").status == 200


SERVING = """
from memsync.http.gateway import serve_gateway
from memsync.store import DirectoryStore
serve_gateway(DirectoryStore({folder!r}), token=None, ready=lambda url: print(url, flush=True))
print("ended", flush=True)
"""


def test_served_until_it_is_interrupted(tmp_path: Path):
    DirectoryStore(tmp_path / "blocks").put_many([(BLOCK, DATA)])
    code = SERVING.format(folder=str(tmp_path / "blocks"))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as server:
        url = server.stdout.readline().decode().strip()
        assert ask(url, f"/ipfs/{BLOCK}?format=raw").body == DATA
        assert get_block(GatewayStore(url), BLOCK) == DATA
        server.send_signal(signal.SIGINT)
        out, err = server.communicate(timeout=20)
    assert (server.returncode, out, err) == (0, b"ended\n", b"")
