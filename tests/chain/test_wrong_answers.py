"""An RPC or an address that is not what it should be: each has its named error, and none sends anything."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from memsync.chain.ape import ApeRegistry, connect
from memsync.chain.artifact import load_artifact
from memsync.chain.mining import have_mined
from memsync.chain.node import LocalNode, local_node
from memsync.errors import ChainError, ChainUnreachable, PayerError, WrongContract


class FakeProvider:
    """What the adapter needs of an Ape provider: a web3 provider that answers what it is told."""

    chain_id = 31337

    def __init__(self, answer: object) -> None:
        self.web3 = self.provider = self
        self.answer = answer

    def make_request(self, method: str, params: list[object]) -> object:
        if method == "eth_getCode":
            return {"result": "0x" + load_artifact().runtime_code.hex()}
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture(scope="module")
def own_node() -> Iterator[LocalNode]:
    with local_node() as running:
        yield running


def test_no_code_and_other_code_at_the_address_are_told_apart(own_node: LocalNode) -> None:
    address = "0x" + load_artifact().address.hex()
    with connect(own_node.url) as registry:
        assert registry.snapshot(bytes(32)).vault is None, "control: with the right code it answers"
    for code, words in (("0x", "ape run deploy"), ("0x60016001", "not this release's registry")):
        own_node.rpc("anvil_setCode", address, code)
        with connect(own_node.url) as registry, pytest.raises(WrongContract, match=words):
            registry.snapshot(bytes(32))
    own_node.rpc("anvil_setCode", address, "0x" + load_artifact().runtime_code.hex())


@pytest.mark.parametrize(
    "answer",
    [
        OSError("refused"),
        {},
        {"result": None},
        {"result": "0x"},
        {"result": "zebra"},
        {"result": "0x" + "ff" * 31},
        {"result": {"number": "x", "hash": "0x00", "timestamp": "0x0"}},
        {"error": {"code": -32000, "message": "header not found"}},
        {"error": "gone"},
        [],
    ],
)
def test_an_rpc_that_answers_nonsense_is_unreachable_and_not_a_crash(answer: object) -> None:
    registry = ApeRegistry(FakeProvider(answer))
    with pytest.raises(ChainUnreachable):
        registry.key_of(bytes(20))
    with pytest.raises(ChainUnreachable):
        registry.snapshot(bytes(32))


def test_a_url_where_nobody_or_no_node_answers_is_named() -> None:
    with pytest.raises(ChainUnreachable, match="can't connect"), connect("http://127.0.0.1:1"):
        pass
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(ChainUnreachable), connect(f"http://127.0.0.1:{server.server_port}"):
            pass
    finally:
        server.shutdown()
        server.server_close()


def test_sending_without_a_payer_says_so(own_node: LocalNode) -> None:
    from tests.chain.test_conformance import Party

    with connect(own_node.url) as registry, pytest.raises(PayerError, match="named to pay"):
        Party(registry).open()


def test_an_unknown_payer_is_named(own_node: LocalNode) -> None:
    with (
        pytest.raises(ChainError, match="no Ape account is called"),
        connect(own_node.url, payer="nobody-of-this-name"),
    ):
        pass


def test_a_log_of_another_contract_or_about_another_vault_is_nonsense(own_node: LocalNode) -> None:
    from tests.chain.test_conformance import Party

    with connect(own_node.url, payer="TEST::0") as registry:
        party, other = Party(registry), Party(registry)
        party.open()
        other.open()
        true = own_node.rpc(
            "eth_getLogs",
            {"fromBlock": "0x0", "toBlock": "latest", "topics": [None, "0x" + party.vault.hex()]},
        )
        (foreign,) = own_node.rpc(
            "eth_getLogs", {"fromBlock": "0x0", "topics": [None, "0x" + other.vault.hex()]}
        )
        assert [one.name for one in registry.events(party.vault)] == ["Opened"], "control"
    for logs in (
        [foreign],
        [true[0] | {"address": "0x" + "11" * 20}],
        [true[0] | {"topics": []}],
        [{}],
        {},
        "none",
    ):
        with pytest.raises(ChainUnreachable):
            ApeRegistry(FakeProvider({"result": logs})).events(party.vault)


@pytest.mark.parametrize(
    "receipt",
    [
        {},
        [],
        7,
        {"transactionHash": "0x" + "11" * 32, "status": "0x1", "blockNumber": "0x1", "gasUsed": "0x1"},
    ],
)
def test_a_receipt_that_makes_no_sense_is_named(receipt: object) -> None:
    with pytest.raises(ChainUnreachable, match="receipt"):
        have_mined(lambda method, *_: receipt if method == "eth_getTransactionReceipt" else "0x", b"raw")
