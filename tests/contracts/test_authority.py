"""Who may act: the account itself, or whoever carries its signature. Each rule for each call of the contract."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from coincurve import PrivateKey

from memsync.chain.calls import NO_DEADLINE, SignedCall, sign_call
from memsync.crypto.secp256k1 import ORDER
from tests.contracts.actions import CHAIN_ID, STRANGER, Person, Refused, key
from tests.contracts.checks import refused, unchanged
from tests.contracts.every_call import EVERY_CALL, TOOL, everything


@pytest.fixture
def signed(registry, ready) -> SignedCall:
    """Each call of the contract in turn, well signed."""
    return registry.sign(*ready)


@pytest.fixture
def state(registry, alice, gift):
    """A look at all that any of these calls could change."""
    return lambda: everything(alice, gift)


def refused_signature(signed):
    return refused("InvalidSignature", account=signed.account)


def test_anybody_may_carry_a_signature_once(registry, signed, state):
    before = state()
    registry.send(signed, sender=b"\x99" * 20)
    assert state() != before


def test_without_a_signature_only_the_account_itself_may_call(registry, alice, gift, signed, state):
    bare = replace(signed, signature=b"")
    for caller in (STRANGER, key("thief").address):
        with unchanged(state), refused("NotTheAccount", account=signed.account, caller=caller):
            registry.send(bare, sender=caller)
    before = state()
    registry.send(bare, sender=signed.account)
    assert state() != before


def test_the_contract_itself_may_not_call_for_anybody(registry, signed, state):
    caller = registry.contract
    with unchanged(state), refused("NotTheAccount", account=signed.account, caller=caller):
        registry.send(replace(signed, signature=b""), sender=caller)


def test_the_accounts_own_call_with_a_bad_signature_is_refused(registry, signed, state):
    with unchanged(state), refused_signature(signed):
        registry.send(replace(signed, signature=b"\x01"), sender=signed.account)


def test_a_short_signature_as_in_eip_2098_is_accepted(registry, signed, state):
    r, s, v = parts(signed.signature)
    compact = r + ((v - 27) << 255 | int.from_bytes(s, "big")).to_bytes(32, "big")
    with unchanged(state), refused_signature(signed):
        registry.send(replace(signed, signature=compact[:32] + bytes((compact[32] ^ 0x80,)) + compact[33:]))
    before = state()
    registry.send(replace(signed, signature=compact))
    assert state() != before


def test_every_other_way_to_write_a_signature_is_refused(registry, signed, state):
    r, s, v = parts(signed.signature)
    high = (ORDER - int.from_bytes(s, "big")).to_bytes(32, "big")
    zero = bytes(32)
    wrong = [r + s + bytes((other,)) for other in (0, 1, v - 27, 55 - v, v ^ 0x80, 255)]
    wrong += [r + high + bytes((55 - v,)), r + high + bytes((v,))]
    wrong += [zero + s + bytes((v,)), r + zero + bytes((v,)), zero + zero + bytes((v,)), bytes(65), bytes(64)]
    wrong += [ORDER.to_bytes(32, "big") + s + bytes((v,)), s + r + bytes((v,))]
    wrong += [
        signed.signature[:63],
        signed.signature + b"\0",
        signed.signature[1:],
        signed.signature * 2,
        b"\0",
    ]
    with unchanged(state):
        for signature in wrong:
            with refused_signature(signed):
                registry.send(replace(signed, signature=signature))
    registry.send(signed)


def test_a_signature_by_any_other_key_is_refused(registry, alice, bob, signed, state):
    people = [alice.owner, alice.signer, bob.owner, bob.signer, TOOL, key("thief")]
    with unchanged(state):
        for other in people:
            if other.address != signed.account:
                forged = registry.sign(signed.call, other)
                # over the digest that names the account, and over the one that names the forger
                for digest_of in (signed.account, other.address):
                    digest = registry.digest(signed.call, digest_of)
                    with refused_signature(signed):
                        registry.send(replace(forged, signature=other.sign(digest)))


def test_no_field_can_be_changed_after_signing(registry, signed, state):
    """Every argument of every call, one at a time; what the contract answers depends on the argument, that it refuses does not."""
    call = signed.call
    changed = []
    for field in fields(call):
        if (call.function, field.name) != ("setSigner", "signer"):  # the current signer is read from storage
            changed += [replace(call, **{field.name: other}) for other in others(getattr(call, field.name))]
    assert len(changed) >= len(signed.arguments()) - 2
    with unchanged(state):
        for other in changed:
            with pytest.raises(Refused, match=r"InvalidSignature|UnknownVault"):
                registry.send(replace(signed, call=other))
        with refused_signature(signed):
            registry.send(replace(signed, deadline=NO_DEADLINE - 1))
    registry.send(signed)


def test_a_signature_for_another_chain_contract_or_domain_is_refused(registry, ready, signed, state):
    _, account = ready
    with unchanged(state):
        for chain_id, contract in ((1, registry.contract), (CHAIN_ID, b"\x0c" * 20)):
            foreign = sign_call(signed.call, account, NO_DEADLINE, chain_id=chain_id, contract=contract)
            with refused_signature(signed):
                registry.send(foreign)
        with refused_signature(signed):  # a plain message of the same digest, as wallets sign it
            digest = registry.digest(signed.call, signed.account)
            message = b"\x19Ethereum Signed Message:\n32" + digest
            signature = PrivateKey(account.secret).sign_recoverable(message)
            registry.send(replace(signed, signature=signature[:64] + bytes((signature[64] + 27,))))
    registry.send(signed)


@pytest.mark.parametrize("elsewhere", ["other_chain", "twin"])
def test_what_is_signed_for_one_registry_is_worth_nothing_at_another(request, registry, ready, elsewhere):
    """The same people with the same keys at both, on another chain at the same address, or beside it; their vaults have other ids."""
    call, account = ready
    other = request.getfixturevalue(elsewhere)
    assert (other.chain_id, other.contract) != (registry.chain_id, registry.contract)
    mark = other.node.rpc("evm_snapshot")
    alice = Person.named(other, "alice").open()
    gift = alice.gift(TOOL)
    alice.share(gift)
    there, _ = EVERY_CALL[call.function](alice, gift)
    with unchanged(lambda: everything(alice, gift)):
        with pytest.raises(Refused, match=r"InvalidSignature|UnknownVault"):
            other.send(registry.sign(call, account))
        with refused("InvalidSignature", account=account.address):
            other.send(registry.sign(there, account))
    other.relayed(there, account)
    assert alice.vault != Person.named(registry, "alice").vault
    assert other.ask("vaultIdOf", alice.owner.address, 0) == (alice.vault,)
    assert other.node.rpc("evm_revert", mark)


def test_the_zero_address_can_do_nothing(registry, signed):
    nobody = bytes(20)
    names = {field.name for field in fields(signed.call)} & {"owner", "grantee", "account"}
    for name in names:
        as_nobody = replace(signed.call, **{name: nobody})
        for signature in (bytes(65), bytes(64), signed.signature):
            with pytest.raises(Refused, match=r"InvalidSignature|UnknownVault"):
                registry.send(SignedCall(as_nobody, NO_DEADLINE, nobody, signature))
    assert names or signed.call.function in ("commit", "commitAndShare", "revoke", "revokeAll")


def parts(signature: bytes) -> tuple[bytes, bytes, int]:
    return signature[:32], signature[32:64], signature[64]


def others(value: object) -> list[object]:
    """Values near this one, of the same kind."""
    if isinstance(value, int):
        return [value + 1]
    if isinstance(value, bytes):
        return [bytes((value[0] ^ 0x80,)) + value[1:], value[:-1] + bytes((value[-1] ^ 1,))]
    first, second = value
    if isinstance(first, bytes):
        return [(second, first), (first,), (first, second, second), (), (first, others(second)[0])]
    near = [
        replace(first, **{f.name: near}) for f in fields(first) for near in others(getattr(first, f.name))
    ]
    return [(second, first), (first,), (first, second, second), (), *((share, second) for share in near)]
