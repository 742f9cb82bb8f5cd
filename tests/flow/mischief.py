"""What an RPC can do wrong: by accident (``TROUBLE``), and on purpose (``LIES``)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from eth_abi.abi import decode, encode

from memsync.chain.artifact import load_artifact
from memsync.crypto.secp256k1 import keccak
from tests.flow.proxy import DROP, Answer, Forward, Mischief, Request

LATE, HANGING = 0.1, 2.5  # seconds


def _late(request: Request, forward: Forward) -> Any:
    time.sleep(LATE)
    return forward(request)


def _hangs(request: Request, forward: Forward) -> Any:
    time.sleep(HANGING)
    return DROP


def _hangs_after_passing_on(request: Request, forward: Forward) -> Any:
    forward(request)
    time.sleep(HANGING)
    return DROP


def _drops_after_passing_on(request: Request, forward: Forward) -> Any:
    forward(request)
    return DROP


def _wrong_id(request: Request, forward: Forward) -> Any:
    return forward(request) | {"id": 4711}


def _truncated(request: Request, forward: Forward) -> Any:
    return Answer(200, str(forward(request)).encode()[:20])


def _breaks_off(request: Request, forward: Forward) -> Any:
    return Answer(200, b'{"jsonrpc": "2.0", "id"', length=500)


def _always(made: Any) -> Mischief:
    return lambda request, _: made | {"id": request["id"]} if isinstance(made, dict) else made


def _result(made: Any) -> Mischief:
    return _always({"jsonrpc": "2.0", "result": made})


def _error(code: int, message: str) -> Mischief:
    return _always({"jsonrpc": "2.0", "error": {"code": code, "message": message}})


TROUBLE: dict[str, Mischief] = {
    "late": _late,
    "hangs": _hangs,
    "hangs after passing on": _hangs_after_passing_on,
    "drops": lambda _, __: DROP,
    "drops after passing on": _drops_after_passing_on,
    "429": _always(Answer(429, b'{"error": "too many requests"}')),
    "502": _always(Answer(502, b"<html><h1>Bad Gateway</h1></html>")),
    "502 after passing on": lambda request, forward: (forward(request), Answer(502, b"<html></html>"))[1],
    "a page": _always(Answer(200, b"<html>Log in to the hotel's network</html>")),
    "truncated": _truncated,
    "breaks off": _breaks_off,
    "wrong id": _wrong_id,
    "not UTF-8": _always(Answer(200, b"\xff\xfe\x00")),
    "empty": _always(Answer(200, b"")),
    "no result": _always({"jsonrpc": "2.0"}),
    "a list": _always([]),
    "null": _result(None),
    "0x": _result("0x"),
    "not hex": _result("zebra"),
    "a number": _result(7),
    "an object": _result({}),
    "other objects": _result(
        {"number": 7, "hash": "0x", "timestamp": [], "status": None, "blockNumber": "x"}
    ),
    "limit exceeded": _error(-32005, "daily request count exceeded"),
    "internal error": _error(-32603, "internal error"),
    "an error that is none": _always({"jsonrpc": "2.0", "error": "gone"}),
    "header not found": _error(-32000, "header not found"),
}
"""Accidents, by name: any request may meet them."""


# ---------------------------------------------------------------------- lies


def on(method: str, act: Mischief) -> Mischief:
    """This with requests of one method, the truth about all others."""
    return lambda request, forward: act(request, forward) if request["method"] == method else forward(request)


def about_results(change: Callable[[str, list[Any]], list[Any]]) -> Mischief:
    """Views whose results are changed: the function's name and what it returned go in."""
    functions = load_artifact().functions

    def lie(request: Request, forward: Forward) -> Any:
        answer = forward(request)
        data = request["params"][0].get("data", "") if request["method"] == "eth_call" else ""
        for name in ("snapshot", "vaultOf"):
            entry = functions[name]
            if data.startswith("0x" + entry.hash[:4].hex()) and "result" in answer:
                told = list(decode(entry.outputs, bytes.fromhex(answer["result"][2:])))
                answer["result"] = "0x" + encode(entry.outputs, change(name, told)).hex()
        return answer

    return lie


def about_head(change: Callable[[list[Any]], list[Any]]) -> Mischief:
    """A head that is changed: signer, sequence, grant epoch, salt, pointer go in. Of a vault that is not there nothing is said."""

    def changed(name: str, told: list[Any]) -> list[Any]:
        at = 1 if name == "snapshot" else 0
        if int(told[at][0], 16):
            told[at] = tuple(change(list(told[at])))
        return told

    return about_results(changed)


def about_grants(change: Callable[[list[Any]], list[Any]]) -> Mischief:
    """Grants that are changed: start, end, epoch, rights, parcels, salt go in."""

    def changed(name: str, told: list[Any]) -> list[Any]:
        if name == "snapshot":
            told[2] = [tuple(change(list(row))) for row in told[2]]
        return told

    return about_results(changed)


def _put(at: int, made: Callable[[Any], Any]) -> Callable[[list[Any]], list[Any]]:
    return lambda row: [*row[:at], made(row[at]), *row[at + 1 :]]


def _in_blocks(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Mischief:
    def lie(request: Request, forward: Forward) -> Any:
        answer = forward(request)
        if isinstance(answer.get("result"), dict):
            answer["result"] = change(answer["result"])
        return answer

    return on("eth_getBlockByNumber", lie)


def stale(blocks: int) -> Mischief:
    """All reads are answered as of so many blocks ago; what is sent is passed on, and its receipt is shown."""

    def lie(request: Request, forward: Forward) -> Any:
        def pinned(number: str) -> str:
            latest = int(forward({**request, "method": "eth_blockNumber", "params": []})["result"], 16)
            return hex(max(0, latest - blocks)) if number in ("latest", "pending", "finalized") else number

        method, params = request["method"], list(request["params"])
        if method == "eth_getBlockByNumber":
            params[0] = pinned(params[0])
        elif method in ("eth_call", "eth_getCode") and isinstance(params[1], str):
            params[1] = pinned(params[1])
        return forward({**request, "params": params})

    return lie


def swallows(*, receipt: bool) -> Mischief:
    """What is sent is not passed on, and its hash is told as if it was; with or without a forged receipt."""
    told: list[str] = []

    def lie(request: Request, forward: Forward) -> Any:
        method, answer = request["method"], {"jsonrpc": "2.0", "id": request["id"]}
        if method == "eth_sendRawTransaction":
            told.append("0x" + keccak(bytes.fromhex(request["params"][0][2:])).hex())
            return answer | {"result": told[-1]}
        if method == "eth_getTransactionReceipt" and receipt and request["params"][0] in told:
            block = forward({**request, "method": "eth_getBlockByNumber", "params": ["latest", False]})[
                "result"
            ]
            return answer | {
                "result": {
                    "transactionHash": request["params"][0],
                    "status": "0x1",
                    "gasUsed": "0x9000",
                    "blockNumber": block["number"],
                    "blockHash": block["hash"],
                    "logs": [],
                }
            }
        return forward(request)

    return lie


def _says_it_failed(request: Request, forward: Forward) -> Any:
    answer = forward(request)
    if isinstance(answer.get("result"), dict):
        answer["result"]["status"] = "0x0"
    return answer


def _refuses(name: str, *values: Any) -> Mischief:
    entry = next(one for one in load_artifact().errors.values() if one.name == name)
    data = entry.hash[:4] + encode([one.type for one in entry.inputs], values)
    return on(
        "eth_estimateGas",
        lambda request, _: {
            "jsonrpc": "2.0",
            "id": request["id"],
            "error": {"code": 3, "message": "execution reverted", "data": "0x" + data.hex()},
        },
    )


YEAR = 31_536_000

CALLS_GRANTS_REVOKED = about_grants(_put(3, lambda _: 0))
OTHER_CHAIN = on("eth_chainId", _result("0x539"))
BELIEVED = "swallowed with a forged receipt"
LIES: dict[str, Mischief] = {
    "stale by one block": stale(1),
    "stale by three blocks": stale(3),
    "another pointer": about_head(_put(4, lambda old: bytes([old[0] ^ 1]) + old[1:])),
    "another salt": about_head(_put(3, lambda old: old ^ 1)),
    "a later sequence": about_head(_put(1, lambda old: old + 1)),
    "an earlier sequence": about_head(_put(1, lambda old: max(1, old - 1))),
    "the last sequence": about_head(_put(1, lambda _: 2**32 - 1)),
    "another signer": about_head(_put(0, lambda _: "0x" + "11" * 20)),
    "another grant epoch": about_head(_put(2, lambda old: old + 1)),
    "no vault": about_head(lambda row: ["0x" + "00" * 20, 0, 0, 0, bytes(32)]),
    "grants that are over": about_grants(_put(1, lambda old: old and 1)),
    "grants that nobody made": about_grants(lambda row: [0] * 6),
    "no code": on("eth_getCode", _result("0x")),
    "other code": on("eth_getCode", _result("0x60016001")),
    "a time far ahead": _in_blocks(
        lambda block: block | {"timestamp": hex(int(block["timestamp"], 16) + YEAR)}
    ),
    "a time long ago": _in_blocks(lambda block: block | {"timestamp": "0x1"}),
    "swallowed": swallows(receipt=False),
    BELIEVED: swallows(receipt=True),
    "says it failed": on("eth_getTransactionReceipt", _says_it_failed),
    "another hash": on(
        "eth_sendRawTransaction", lambda request, forward: forward(request) | {"result": "0x" + "22" * 32}
    ),
    "refuses as stale": _refuses("StaleSequence", 9),
    "refuses as unsigned": _refuses("InvalidSignature", "0x" + "33" * 20),
    "a nonce far ahead": on("eth_getTransactionCount", _result("0xfff")),
    "a nonce long used": on("eth_getTransactionCount", _result("0x0")),
    "gas without end": on("eth_estimateGas", _result("0x7fffffffffffffff")),
}
"""Lies, by name: told for as long as a command runs."""
