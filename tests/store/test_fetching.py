"""Which URLs are fetched, where their names may lead, and that the connection goes where it was checked, to whom the certificate names."""

import os
import socket
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest

from memsync.errors import FormatError, InputError, StorageError
from memsync.store import GatewayStore, get_block
from memsync.store.address import Target, read_typed, read_written
from memsync.store.fetching import Fetcher, fetch
from tests.store.gateways import Authority, answer, lying, raw
from tests.store.test_gateway import CID_AND_DATA, DATA, RAW_TYPE

PUBLIC = "93.184.216.34"
PRIVATE = ["127.0.0.1", "10.1.2.3", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1"]
PRIVATE += ["::1", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"]


def leads_to(*addresses: str):
    return lambda host, port: [ip_address(address) for address in addresses]


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch):
    """Where connections would have gone: none is made, and no name is looked up."""
    seen: list[tuple[str, int]] = []

    def dial(address, *args, **named):
        seen.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr("urllib3.util.connection.create_connection", dial)
    return seen


@pytest.mark.parametrize("address", PRIVATE)
def test_a_link_that_leads_to_a_private_address_is_not_followed(address: str, dialled):
    with pytest.raises(StorageError, match="not public"):
        fetch("https://gateway.example/x", limit=10, untrusted=True, resolve=leads_to(address))
    assert dialled == []
    with pytest.raises(StorageError, match="can't be reached"):
        fetch("https://gateway.example/x", limit=10, untrusted=True, resolve=leads_to(PUBLIC))
    assert dialled == [(PUBLIC, 443)]


@pytest.mark.parametrize("addresses", [(PUBLIC, "10.0.0.1"), ("10.0.0.1", PUBLIC), (PUBLIC,) * 5 + ("::1",)])
def test_one_private_address_among_public_ones_is_enough_to_refuse(addresses, dialled):
    with pytest.raises(StorageError, match="not public"):
        fetch("https://gateway.example", limit=10, untrusted=True, resolve=leads_to(*addresses))
    assert dialled == []
    public = leads_to(PUBLIC, "2606:4700::1111")
    with pytest.raises(StorageError, match="can't be reached"):
        fetch("https://gateway.example", limit=10, untrusted=True, resolve=public)
    assert dialled == [(PUBLIC, 443), ("2606:4700::1111", 443)]


def test_a_name_that_leads_elsewhere_after_the_check_changes_nothing(dialled):
    answers = iter([[ip_address(PUBLIC)], [ip_address("127.0.0.1")]])
    with pytest.raises(StorageError, match="can't be reached"):
        fetch(
            "https://rebinding.example:8443",
            limit=10,
            untrusted=True,
            resolve=lambda host, port: next(answers),
        )
    assert dialled == [
        (PUBLIC, 8443)
    ]  # the address that was checked, as a number: there is nothing left to look up


def test_a_name_is_looked_up_again_only_after_nothing_was_reached_and_is_checked_again(dialled):
    answers = [[ip_address(PUBLIC)], [ip_address("127.0.0.1")]]
    asked: list[str] = []

    def resolve(host: str, port: int):
        asked.append(host)
        return answers[len(asked) - 1]

    fetcher = Fetcher(read_written("https://rebinding.example"), resolve=resolve)
    with pytest.raises(StorageError, match="can't be reached"):
        fetcher.get("/", accept="*/*", limit=10)
    with pytest.raises(StorageError, match="not public"):
        fetcher.get("/", accept="*/*", limit=10)
    assert (len(asked), len(dialled)) == (2, 1)


def test_one_look_up_serves_many_requests():
    asked: list[str] = []

    def resolve(host: str, port: int):
        asked.append(host)
        return [ip_address("127.0.0.1")]

    with lying(answer(b"ok")) as server:
        fetcher = Fetcher(read_typed(f"http://localhost:{server.port}"), resolve=resolve)
        for _ in range(3):
            assert fetcher.get("/", accept="*/*", limit=10).body == b"ok"
        fetcher.close()
    assert asked == ["localhost"]


def test_the_next_address_is_tried_where_the_first_does_not_answer():
    with lying(answer(b"ok")) as server:
        url = f"http://localhost:{server.port}/"
        assert fetch(url, limit=2, resolve=leads_to("127.0.0.2", "127.0.0.1")) == b"ok"


def test_a_name_that_leads_nowhere_is_told():
    def nowhere(host: str, port: int):
        raise socket.gaierror(-2, "Name or service not known")

    for resolve in (nowhere, leads_to()):
        with pytest.raises(StorageError, match="leads nowhere; check the name"):
            fetch("https://gateway.example", limit=10, untrusted=True, resolve=resolve)


WRITTEN_BADLY = [
    "http://gateway.example", "http://127.0.0.1:8080", "https://127.0.0.1", "https://localhost", "https://[::1]", "https://10.0.0.1",
    "https://2130706433", "https://127.1", "https://user@gateway.example", "https://gateway.example/#x", "https://printer.local",
    "file:///etc/passwd", "ftp://gateway.example", "gopher://gateway.example", "/etc/passwd", "", "https://gateway.example/a b",
]  # fmt: skip


@pytest.mark.parametrize("url", WRITTEN_BADLY)
def test_what_somebody_else_wrote_is_public_https_or_refused(url: str, dialled):
    for refused in (
        lambda: fetch(url, limit=10, untrusted=True),
        lambda: GatewayStore(url, untrusted=True),
    ):
        with pytest.raises(FormatError):
            refused()
    GatewayStore("https://gateway.example/blocks", untrusted=True)
    assert dialled == []


TYPED_BADLY = [
    "http://gateway.example", "http://10.0.0.1", "http://128.0.0.1", "http://127.1", "http://2130706433", "http://[::2]",
    "http://localhost.example", "http://127.0.0.1.example", "ftp://gateway.example", "file:///etc/passwd", "", "https://", "https:///x",
    "https://host:99999", "https://host:0", "https://[::1", "https://gateway.example/a b", "https://gateway.example/\r\nHost: x",
    "https://bücher.example", "gateway.example", "https://gateway.example\\@127.0.0.1", "https://gateway.example/#part",
]  # fmt: skip


@pytest.mark.parametrize("url", TYPED_BADLY)
def test_what_a_person_typed_is_https_or_on_this_machine_or_refused(url: str):
    with pytest.raises(InputError, match="; "):
        read_typed(url)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://gateway.example", "gateway.example", 443),
        ("https://nas.local:8443/x", "nas.local", 8443),
        ("https://192.168.1.2", "192.168.1.2", 443),
        ("http://127.0.0.1:8080", "127.0.0.1", 8080),
        ("http://127.9.9.9", "127.9.9.9", 80),
        ("HTTP://LocalHost:1", "localhost", 1),
        ("http://[::1]:5", "::1", 5),
    ],
)
def test_a_typed_url_is_read(url: str, host: str, port: int):
    target = read_typed(url)
    assert (target.host, target.port, target.written) == (host, port, False)


def test_a_localhost_that_leads_to_another_machine_is_refused():
    with pytest.raises(StorageError, match="another machine"):
        fetch("http://localhost:1", limit=10, resolve=leads_to("127.0.0.1", "10.0.0.1"))


@pytest.mark.parametrize("url", ["https://ada:hunter2@gateway.example/x", "http://hunter2@127.0.0.1"])
def test_a_password_in_a_url_is_refused_and_not_repeated(url: str):
    with pytest.raises(InputError, match="give the token by itself") as caught:
        GatewayStore(url)
    assert "hunter2" not in str(caught.value)


def test_a_gateway_with_a_query_is_refused_and_the_query_not_repeated():
    for error, untrusted in ((InputError, False), (FormatError, True)):
        with pytest.raises(error, match="has a query") as caught:
            GatewayStore("https://gateway.example/?key=hunter2", untrusted=untrusted)
        assert "hunter2" not in str(caught.value)


def secure(port: int, **changed) -> Target:
    """A name that the world may use; where it leads is the test's matter."""
    return Target("https", changed.pop("host", "gateway.example"), port, "", "", written=False)


def test_a_certificate_for_the_name_is_taken_and_sent_for_that_name(tmp_path: Path):
    authority, asked = Authority(tmp_path), []
    tls = authority.server("gateway.example")
    tls.sni_callback = lambda line, name, context: asked.append(name)
    with lying(answer(b"ok"), tls) as server:
        url = f"https://gateway.example:{server.port}/x"
        got = fetch(url, limit=2, resolve=leads_to("127.0.0.1"), tls=authority.client())
        assert got == b"ok"
        assert asked == ["gateway.example"]
        assert f"\r\nHost: gateway.example:{server.port}\r\n".encode() in server.requests[0]


def test_a_certificate_for_an_address_is_taken(tmp_path: Path):
    authority = Authority(tmp_path)
    with lying(answer(b"ok"), authority.server("127.0.0.1")) as server:
        url = f"https://127.0.0.1:{server.port}"
        assert fetch(url, limit=2, tls=authority.client()) == b"ok"


@pytest.mark.parametrize("names", [["another.example"], ["127.0.0.1"], ["example"]])
def test_a_certificate_for_another_name_is_refused(names: list[str], tmp_path: Path):
    authority = Authority(tmp_path)
    with lying(answer(b"ok"), authority.server(*names)) as server:
        url = f"https://gateway.example:{server.port}/x"
        with pytest.raises(
            StorageError, match="no certificate that this machine trusts for that name; check"
        ):
            fetch(url, limit=2, resolve=leads_to("127.0.0.1"), tls=authority.client())
        assert server.requests == []


def test_a_certificate_of_a_stranger_is_refused(tmp_path: Path):
    (tmp_path / "other").mkdir()
    authority, other = Authority(tmp_path), Authority(tmp_path / "other")
    with lying(answer(b"ok"), authority.server("gateway.example")) as server:
        url = f"https://gateway.example:{server.port}/x"
        for tls in (other.client(), None):
            with pytest.raises(StorageError, match="no certificate"):
                fetch(url, limit=2, resolve=leads_to("127.0.0.1"), tls=tls)
        assert server.requests == []


def test_a_gateway_over_tls_gives_its_blocks(tmp_path: Path):
    authority = Authority(tmp_path)
    with lying(answer(DATA, RAW_TYPE), authority.server("gateway.example")) as server:
        url = f"https://gateway.example:{server.port}"
        resolve = leads_to("127.0.0.1")
        gateway = GatewayStore(url, resolve=resolve, tls=authority.client())
        assert get_block(gateway, CID_AND_DATA[0]) == DATA
        somebody_elses = GatewayStore(url, resolve=resolve, tls=authority.client(), untrusted=True)
        with pytest.raises(StorageError, match="not public"):
            get_block(somebody_elses, CID_AND_DATA[0])


def test_a_proxy_and_a_key_log_of_the_environment_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    authority, log = Authority(tmp_path), tmp_path / "keys.log"
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    from memsync.store.connection import system_tls

    system_tls.cache_clear()
    assert system_tls().keylog_filename is None
    with lying(answer(b"ok"), authority.server("127.0.0.1")) as server:
        assert fetch(f"https://127.0.0.1:{server.port}", limit=2, tls=authority.client()) == b"ok"
    assert not log.exists()


def test_a_body_is_taken_up_to_its_limit_and_no_further():
    with lying(answer(b"four")) as server:
        assert fetch(server.url, limit=4) == b"four"
        with pytest.raises(StorageError, match="more than the 3 bytes"):
            fetch(server.url, limit=3)


@pytest.mark.parametrize("length", [b"Content-Length: 5", b"Transfer-Encoding: chunked"])
def test_a_body_that_was_cut_is_not_taken_for_a_whole_one(length: bytes):
    part = b"four" if b"Length" in length else b"4\r\nfour\r\n"
    rest = b"!" if b"Length" in length else b"0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n"
    with lying(raw(head, part)) as server:
        with pytest.raises(StorageError, match="broke off its answer"):
            fetch(server.url, limit=100)
        server.behave = raw(head, part, rest)
        assert fetch(server.url, limit=100).startswith(b"four")


def test_path_and_query_are_asked_for_as_written_and_never_shown():
    with lying(answer(b"ok")) as server:
        assert fetch(server.url + "/a/../b%2F?key=s3cret", limit=2) == b"ok"
        assert server.requests[0].startswith(b"GET /a/../b%2F?key=s3cret HTTP/1.1\r\n")
        server.behave = answer(b"", status="404 Not Found")
        with pytest.raises(StorageError, match="status 404") as caught:
            fetch(server.url + "/?key=s3cret", limit=2)
        assert "s3cret" not in str(caught.value) and server.url in str(caught.value)


def test_a_redirect_is_not_followed():
    with lying(answer(b"ok")) as elsewhere, lying(answer(b"ok")) as server:
        assert fetch(server.url, limit=2) == b"ok"
        server.behave = answer(b"", f"Location: {elsewhere.url}", status="301 Moved")
        with pytest.raises(StorageError, match="points elsewhere"):
            fetch(server.url, limit=2)
        assert elsewhere.requests == []


def test_packed_bytes_are_not_unpacked():
    with lying(answer(b"\x1f\x8bnot really", "Content-Encoding: gzip")) as server:
        assert fetch(server.url, limit=100) == b"\x1f\x8bnot really"


LOADED = "import sys, memsync, memsync.store; {more}; print(sorted(sys.modules))"


def test_urllib3_is_loaded_by_the_first_fetch_only():
    def modules(more: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", LOADED.format(more=more)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ},
        )
        return done.stdout

    store = "memsync.store.GatewayStore('http://127.0.0.1:9')"
    assert "'urllib3'" not in modules(store) and "'starlette'" not in modules(store)
    refused = f"import contextlib\nwith contextlib.suppress(memsync.StorageError): {store}.has_many([memsync.store.port.CID.of(b'')])\n"
    assert "'urllib3'" in modules("pass\n" + refused + "pass")
