"""The registry's signature check beside OpenZeppelin's and Solady's: 10,000 signatures, good and bad, and each disagreement by its name.

A fourth opinion, and the one that counts, is ``expected``: what the specification says, in Python.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import pytest
from eth_abi.abi import encode

from memsync.crypto.eip712 import domain_separator
from memsync.crypto.secp256k1 import ORDER, SecpKey, keccak
from tests.contracts.actions import CHAIN_ID, key
from tests.contracts.compiled import init_code_of
from tests.contracts.in_process import InProcessNode
from tests.contracts.node import RpcError

CASES = 10_000
ALICE, INSIDE = key("alice"), key("inside the wallet")
SAYERS = {"YesWallet": True, "HugeWallet": True, "FickleWallet": False, "Delegate": False}
JUNK = ("AlmostWallet", "ShortWallet", "RevertingWallet", "BurningWallet")

DISAGREEMENTS = {
    (
        "OpenZeppelin",
        "64 bytes",
    ): "refuses EIP-2098 for accounts without code; the specification takes 64 and 65 bytes",
    (
        "OpenZeppelin",
        "64 of 65 bytes",
    ): "the same: without its v of 27, a signature is what EIP-2098 makes of it",
    (
        "OpenZeppelin",
        "a key under code",
    ): "asks only the code where there is some; an EIP-7702 account signs with its key too",
    ("Solady", "a key under code"): "the same",
    (
        "Solady",
        "high s",
    ): "leaves malleability to the caller; nothing of ours depends on it, and we refuse as OpenZeppelin does",
}
"""Who says otherwise about what, and why that is right there and not here."""


@dataclass(frozen=True)
class Case:
    name: str
    account: bytes
    signature: bytes
    expected: bool


class Asked:
    """Three checkers on one EVM."""

    def __init__(self) -> None:
        self.node = InProcessNode(CHAIN_ID)
        self.contract = self.node.deploy(init_code_of("Checkers", main="tests/evm/Checkers.sol"))
        self.wallets = {name: self.node.deploy(init_code_of(name)) for name in (*SAYERS, *JUNK)}
        self.keyed = self.node.deploy(init_code_of("KeyWallet", "0x" + INSIDE.address.hex()))
        self.under_code = key("has code as well")
        self.node.place(self.under_code.address, self.node.code(self.wallets["Delegate"]))

    def digest(self, struct: bytes) -> bytes:
        return keccak(b"\x19\x01" + domain_separator(CHAIN_ID, self.contract) + struct)

    def opinions(self, case: Case, struct: bytes) -> dict[str, bool]:
        hashes = {"ours": struct, "openZeppelin": self.digest(struct), "solady": self.digest(struct)}
        return {who: self._says(who, case, hashes[who]) for who in hashes}

    def _says(self, who: str, case: Case, hashed: bytes) -> bool:
        selector = keccak(f"{who}(address,bytes32,bytes)".encode())[:4]
        data = selector + encode(
            ["address", "bytes32", "bytes"], ["0x" + case.account.hex(), hashed, case.signature]
        )
        try:
            return bool(int.from_bytes(self.node.read(self.contract, data), "big"))
        except RpcError:
            return False


def compact(signature: bytes) -> bytes:
    s, v = int.from_bytes(signature[32:64], "big"), signature[64]
    return signature[:32] + (s | (v - 27) << 255).to_bytes(32, "big")


def flipped(signature: bytes) -> bytes:
    """The other signature of the same key over the same digest."""
    s = ORDER - int.from_bytes(signature[32:64], "big")
    return signature[:32] + s.to_bytes(32, "big") + bytes([55 - signature[64]])


def cases(asked: Asked, struct: bytes, chance: random.Random) -> list[Case]:
    """One of each kind over one struct, with what must be said."""
    digest = asked.digest(struct)
    good, noise = ALICE.sign(digest), chance.randbytes(chance.choice((1, 31, 63, 64, 65, 66, 96, 128)))
    other_domain = keccak(b"\x19\x01" + domain_separator(CHAIN_ID + 1, asked.contract) + struct)
    bit = 1 << chance.randrange(520)
    changed = (int.from_bytes(good, "big") ^ bit).to_bytes(65, "big")
    me = ALICE.address

    def code(account: bytes, signer: SecpKey) -> bytes:
        return signer.sign(asked.digest(struct))

    rows = [
        ("65 bytes", me, good, True),
        ("64 bytes", me, compact(good), True),
        ("another's key", me, key("bob").sign(digest), False),
        ("another account", key("bob").address, good, False),
        ("high s", me, flipped(good), False),
        ("64 bytes, high s", me, _compact_high(good), False),
        ("wrong v", me, good[:64] + bytes([55 - good[64]]), False),
        ("v of 0 or 1", me, good[:64] + bytes([good[64] - 27]), False),
        ("any v", me, good[:64] + bytes([chance.choice([*range(2, 27), *range(29, 256)])]), False),
        ("truncated", me, good[: chance.randrange(1, 64)], False),
        ("64 of 65 bytes", me, good[:64], good[32] < 0x80 and good[64] == 27),
        ("extended", me, good + chance.randbytes(chance.randrange(1, 40)), False),
        ("one bit changed", me, changed, False),
        ("noise", me, noise, False),
        ("zeros", me, bytes(65), False),
        ("no signature, from no account", bytes(20), bytes(chance.choice((64, 65))), False),
        ("r is zero, from no account", bytes(20), bytes(32) + good[32:], False),
        ("another domain", me, ALICE.sign(other_domain), False),
        ("the struct's hash itself", me, ALICE.sign(struct), False),
        ("a key under code", asked.under_code.address, code(me, asked.under_code), True),
        ("a thief's key under code", asked.under_code.address, good, False),
        ("a wallet's key", asked.keyed, INSIDE.sign(digest), True),
        ("another's key at a wallet", asked.keyed, good, False),
        ("a precompile", (chance.randrange(1, 18)).to_bytes(20, "big"), noise, False),
    ]
    rows += [(f"{name}", asked.wallets[name], noise, yes) for name, yes in SAYERS.items()]
    rows += [(f"{name}", asked.wallets[name], noise, False) for name in JUNK]
    return [Case(*row) for row in rows]


def _compact_high(signature: bytes) -> bytes:
    """The flipped signature can't be said in 64 bytes if its s takes the bit of v; where it can, it is."""
    other = flipped(signature)
    s = int.from_bytes(other[32:64], "big")
    return other[:32] + ((s & (2**255 - 1)) | (other[64] - 27) << 255).to_bytes(32, "big")


def test_ten_thousand_signatures_are_judged_as_specified_and_each_disagreement_has_a_name():
    asked, chance = Asked(), random.Random(2098)
    judged: Counter[str] = Counter()
    disagreed: Counter[tuple[str, str]] = Counter()
    while judged.total() < CASES:
        struct = chance.randbytes(32)
        for case in cases(asked, struct, chance):
            judged[case.name] += 1
            said = asked.opinions(case, struct)
            assert said["ours"] == case.expected, (case, struct.hex())
            for name, who in (("OpenZeppelin", "openZeppelin"), ("Solady", "solady")):
                disagreed[name, case.name] += said[who] != said["ours"]
    found = {pair for pair, count in disagreed.items() if count}
    assert found == DISAGREEMENTS.keys(), found ^ DISAGREEMENTS.keys()
    assert judged["65 bytes"] > 250
    for pair in sorted(found):
        print(pair, disagreed[pair], "of", judged[pair[1]])


@pytest.mark.parametrize("name", ["65 bytes", "64 bytes", "a key under code", "a wallet's key"])
def test_what_is_good_for_one_struct_is_good_for_no_other(name):
    asked, chance = Asked(), random.Random(1)
    for _ in range(50):
        struct = chance.randbytes(32)
        (case,) = (one for one in cases(asked, struct, chance) if one.name == name)
        assert asked.opinions(case, struct)["ours"]
        assert not asked.opinions(case, chance.randbytes(32))["ours"]
