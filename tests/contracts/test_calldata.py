"""Calldata that no encoder writes: dirty bits, cut or overlapping arguments, money, unknown functions."""

from __future__ import annotations

import re

import pytest

from tests.contracts.actions import STRANGER, ZERO32
from tests.contracts.checks import refused_without_reason, unchanged
from tests.contracts.every_call import everything
from tests.contracts.node import RpcError

NARROW = {"address": 20, "uint8": 1, "uint32": 4, "uint40": 5, "uint48": 6}


@pytest.fixture
def look(alice, gift):
    return lambda: everything(alice, gift)


def test_dirty_upper_bits_are_refused_everywhere(registry, ready, look):
    call, account = ready
    data = registry.calldata(registry.sign(call, account))
    places = narrow_places(registry, call.function, data)
    assert places or call.function in ("revoke", "publishKey")
    with unchanged(look):
        for at, used in places:
            for dirty in (at, at + 31 - used):  # the highest bit of the word, and the first above the value
                bad = (
                    data[:dirty]
                    + bytes((data[dirty] ^ 0x80 if dirty == at else data[dirty] ^ 1,))
                    + data[dirty + 1 :]
                )
                with refused_without_reason():
                    registry.send_data(bad)
    registry.send_data(data)


def narrow_places(registry, function: str, data: bytes) -> list[tuple[int, int]]:
    inputs = registry.artifact.functions[function].inputs
    places = [(4 + 32 * i, NARROW[one.type]) for i, one in enumerate(inputs) if one.type in NARROW]
    for i, one in enumerate(inputs):
        if members := re.fullmatch(r"\((.*)\)\[\]", one.type):
            start = 4 + int.from_bytes(data[4 + 32 * i :][:32], "big") + 32
            kinds = members[1].split(",")
            places += [(start + 32 * j, NARROW[kind]) for j, kind in enumerate(kinds) if kind in NARROW]
    return places


def test_dirty_upper_bits_are_refused_by_the_views(registry, alice, gift):
    asked = {
        "isGranted": (gift.vault, gift.grantee.address, gift.scope, gift.salt, 1),
        "keyOf": (gift.grantee.address,),
        "vaultIdOf": (alice.owner.address, 0),
        "grantIdOf": (gift.vault, gift.grantee.address, gift.scope, gift.salt),
    }
    for function, arguments in asked.items():
        data = registry.artifact.encode_call(function, arguments)
        registry.node.read(registry.contract, data)
        for at, _ in narrow_places(registry, function, data):
            bad = data[:at] + b"\x01" + data[at + 1 :]
            with pytest.raises(RpcError) as caught:
                registry.node.read(registry.contract, bad)
            assert caught.value.data == b""


def test_calldata_that_ends_early_is_refused(registry, ready, look):
    call, account = ready
    data = registry.calldata(registry.sign(call, account))
    inside = len(data) - 32  # 65 bytes of signature: the last word holds one byte and padding
    with unchanged(look):
        for end in (3, 4, 35, inside // 2, inside - 1, inside):
            with refused_without_reason():
                registry.send_data(data[:end])
    registry.send_data(data)


def test_an_offset_or_length_beyond_the_calldata_is_refused(registry, ready, look):
    call, account = ready
    data = registry.calldata(registry.sign(call, account))
    at = 4 + 32 * (len(registry.artifact.functions[call.function].inputs) - 1)
    offset = 4 + int.from_bytes(data[at : at + 32], "big")
    with unchanged(look):
        for place in (at, offset):
            for value in (2**256 - 1, 2**64, 2**32, len(data)):
                with refused_without_reason():
                    registry.send_data(data[:place] + value.to_bytes(32, "big") + data[place + 32 :])
    registry.send_data(data)


def test_bytes_after_the_arguments_and_in_the_padding_mean_nothing(registry, ready, look):
    call, account = ready
    data = registry.calldata(registry.sign(call, account))
    before = look()
    registry.send_data(data[:-1] + b"\xff" + b"more" * 10)
    assert look() != before


def test_the_registry_takes_no_money(registry, ready, look):
    call, account = ready
    data = registry.calldata(registry.sign(call, account))
    with unchanged(look):
        for sent in (data, b""):
            with refused_without_reason():
                registry.send_data(sent, value=1)
    assert int(registry.node.rpc("eth_getBalance", "0x" + registry.contract.hex(), "latest"), 16) == 0
    registry.send_data(data)


def test_an_unknown_function_is_refused(registry):
    known = {entry.hash[:4] for entry in registry.artifact.functions.values()}
    for selector in (b"\0\0\0\0", b"\xff\xff\xff\xff", bytes.fromhex("8da5cb5b"), bytes.fromhex("3659cfe6")):
        assert selector not in known
        with refused_without_reason():
            registry.send_data(selector + ZERO32 * 8, sender=STRANGER)


def test_there_are_the_designed_functions_and_no_others(registry):
    assert set(registry.artifact.functions) == {
        "open", "setSigner", "commit", "commitAndShare", "revoke", "revokeAll", "submit", "publishKey",
        "vaultOf", "grantOf", "parcelOf", "keyOf", "vaultIdOf", "grantIdOf", "isGranted", "snapshot",
    }  # fmt: skip
    kinds = {entry["type"] for entry in registry.artifact.abi}
    assert kinds == {"function", "event", "error"}, "no constructor, no receive, no fallback"
    assert not any(entry.get("stateMutability") == "payable" for entry in registry.artifact.abi)
