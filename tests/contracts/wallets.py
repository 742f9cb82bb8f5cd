"""Accounts with code: driven by their ``execute``, asked by ERC-1271."""

from __future__ import annotations

from dataclasses import dataclass

from eth_abi.abi import encode

from memsync.chain.calls import NO_DEADLINE, Call, Share, SignedCall
from memsync.crypto.secp256k1 import keccak
from tests.contracts.actions import BOTH, DAY, START, STRANGER, Gift, Person, Refused, Registry, word
from tests.contracts.node import GAS


@dataclass(frozen=True, slots=True)
class Wallet:
    """A contract of ``contracts/test`` as an account; has an address and no key that the registry could see."""

    registry: Registry
    address: bytes

    def tell(self, function: str, *arguments: object, gas: int = GAS) -> bool:
        """Call a function of the wallet; whether it went through."""
        types = function.partition("(")[2].removesuffix(")").split(",")
        data = keccak(function.encode())[:4] + encode(types, arguments)
        return self.registry.node.send(self.address, data, sender=STRANGER, gas=gas).ok

    def execute(self, call: Call) -> None:
        """Have the wallet make the call itself."""
        data = self.registry.calldata(SignedCall(call, NO_DEADLINE, self.address, b""))
        if not self.tell("execute(address,bytes)", self.registry.contract, data):
            raise Refused("", {}, b"")


def settle(wallet: Wallet, *, salt: str = "salt") -> tuple[Person, Gift]:
    """A person whose owner, signer and tool are all this wallet, with an open vault and a grant to itself."""
    person = Person(wallet.registry, wallet, wallet)
    wallet.execute(person.opening())
    gift = Gift(person.vault, wallet, word("work"), word(salt))
    wallet.execute(person.sharing(Share(gift.id, START - DAY, START + DAY, BOTH)))
    return person, gift
