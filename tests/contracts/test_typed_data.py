"""What accounts sign: the same EIP-712 digest in eth-account, in MemSync and in the contract, for every struct."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path

import pytest
from eth_account.messages import encode_typed_data

from memsync.chain.calls import NO_DEADLINE, Call, CommitAndShare, Share, SignedCall
from memsync.crypto.secp256k1 import keccak
from tests.contracts.actions import BOTH, CHAIN_ID, Person, word
from tests.contracts.checks import refused
from tests.contracts.every_call import EVERY_CALL
from tests.contracts.wallets import Wallet, settle

INTERFACE = Path(__file__).parents[2] / "contracts/interfaces/IMemoryRegistry.sol"
DOMAIN_TYPE = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]


def types_of(struct: str) -> dict[str, list[dict[str, str]]]:
    """An EIP-712 type string, ``Name(type name,…)…``, as the ``types`` of a JSON message."""
    return {
        name: [dict(zip(("type", "name"), member.split(" "), strict=True)) for member in members.split(",")]
        for name, members in re.findall(r"(\w+)\(([^)]*)\)", struct)
    }


def json_message(call: Call, account: bytes, deadline: int, contract: bytes) -> dict:
    """The call as a wallet is asked to sign it."""
    types = types_of(call.struct)
    primary = call.struct.partition("(")[0]
    values = {camel(field.name): getattr(call, field.name) for field in fields(call)}
    values |= {"deadline": deadline}
    values.setdefault(types[primary][0]["name"], account)
    if isinstance(call, CommitAndShare):
        values["revocations"] = list(call.revocations)
        values["grants"] = [
            {camel(f.name): getattr(share, f.name) for f in fields(share)} for share in call.grants
        ]
    domain = {"name": "MemSync", "version": "1", "chainId": CHAIN_ID, "verifyingContract": contract}
    return {
        "types": {"EIP712Domain": DOMAIN_TYPE, **types},
        "primaryType": primary,
        "domain": domain,
        "message": values,
    }


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(map(str.capitalize, rest))


def digest_by_eth_account(message: dict) -> bytes:
    signable = encode_typed_data(full_message=message)
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


def test_eth_account_and_memsync_compute_one_digest(registry, ready):
    call, account = ready
    for deadline in (0, 2_000_000_600, NO_DEADLINE):
        message = json_message(call, account.address, deadline, registry.contract)
        assert digest_by_eth_account(message) == registry.digest(call, account.address, deadline=deadline)


def test_the_contract_accepts_what_is_signed_over_eth_accounts_digest(registry, ready):
    call, account = ready
    deadline = 2_000_000_600
    digest = digest_by_eth_account(json_message(call, account.address, deadline, registry.contract))
    registry.send(SignedCall(call, deadline, account.address, account.sign(digest)))


@pytest.mark.parametrize("grants", [0, 1, 3])
@pytest.mark.parametrize("revocations", [0, 1, 2])
def test_arrays_of_any_length_give_one_digest(registry, alice, grants, revocations):
    shares = tuple(Share(word(f"grant {i}"), i, 2**40 - 1 - i, BOTH) for i in range(grants))
    call = alice.sharing(*shares, revoking=tuple(word(f"old {i}") for i in range(revocations)))
    digest = digest_by_eth_account(json_message(call, alice.signer.address, 2**255, registry.contract))
    assert digest == registry.digest(call, alice.signer.address, deadline=2**255)
    registry.send(SignedCall(call, 2**255, alice.signer.address, alice.signer.sign(digest)))


def test_extreme_values_give_one_digest(registry):
    """The largest value of every field, through the wallet that knows one digest only."""
    person = replace(Person.named(registry, "dora"), nonce=2**256 - 1)
    opening = replace(person.opening(), salt=2**32 - 1, pointer=b"\xff" * 32, first_signer=b"\xff" * 20)
    digest = digest_by_eth_account(
        json_message(opening, person.owner.address, NO_DEADLINE, registry.contract)
    )
    registry.send(SignedCall(opening, NO_DEADLINE, person.owner.address, person.owner.sign(digest)))
    assert person.state.pointer == b"\xff" * 32


@pytest.mark.parametrize("name", EVERY_CALL)
def test_the_contract_asks_a_wallet_about_exactly_this_digest(registry, node, deploy, name):
    """``DigestWallet`` says yes to one digest and to any signature: so it is the digest that must be equal."""
    wallet = Wallet(registry, deploy("DigestWallet"))
    call, account = EVERY_CALL[name](*settle(wallet))
    digest = digest_by_eth_account(json_message(call, account.address, NO_DEADLINE, registry.contract))
    signed = SignedCall(call, NO_DEADLINE, account.address, b"any")
    wallet.tell("expect(bytes32)", digest[:-1] + bytes((digest[-1] ^ 1,)))
    with refused("InvalidSignature", account=account.address):
        registry.send(signed)
    wallet.tell("expect(bytes32)", digest)
    registry.send(signed)


def test_the_interface_documents_the_structs_that_are_signed(ready):
    text = re.sub(r"\n\s*/// ", "", INTERFACE.read_text(encoding="utf-8"))
    call, _ = ready
    assert f"Struct: `{call.struct}`" in text


def test_a_domain_of_another_name_or_version_is_refused(registry, alice):
    call = alice.committing()
    for changed in ({"name": "Memsync"}, {"version": "2"}, {"name": "MemSync "}):
        message = json_message(call, alice.signer.address, NO_DEADLINE, registry.contract)
        message["domain"] |= changed
        signature = alice.signer.sign(digest_by_eth_account(message))
        with refused("InvalidSignature", account=alice.signer.address):
            registry.send(SignedCall(call, NO_DEADLINE, alice.signer.address, signature))
    good = json_message(call, alice.signer.address, NO_DEADLINE, registry.contract)
    signature = alice.signer.sign(digest_by_eth_account(good))
    registry.send(SignedCall(call, NO_DEADLINE, alice.signer.address, signature))


def test_a_struct_is_the_account_then_the_arguments_then_the_deadline(registry, ready):
    call, _ = ready
    first, *members, last = [member["name"] for member in next(iter(types_of(call.struct).values()))]
    *arguments, deadline, signature = [one.name for one in registry.artifact.functions[call.function].inputs]
    assert (last, deadline, signature) == ("deadline", "deadline", "signature")
    if arguments[0] == first:
        assert first in ("owner", "grantee", "account")
        arguments = arguments[1:]
    else:
        assert first == "signer"
    if call.function == "setSigner":  # names the current signer, which nobody passes in
        members.remove("signer")
    assert members == arguments
