"""Whoever sees a call before it is mined can't make it fail its wish: afterwards the state is what the account signed, whoever sent it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields, replace

import pytest

from memsync.chain.calls import Open, SetSigner
from memsync.crypto.secp256k1 import SecpKey
from tests.contracts.actions import Person, Refused, key, publishing
from tests.contracts.checks import unchanged
from tests.contracts.every_call import TOOL, acting_as, everything, second_vault

THIEF = key("thief")
ONCE = {"open", "setSigner", "commit", "commitAndShare", "revokeAll", "submit", "publishKey"}


@pytest.fixture
def state(alice, gift):
    return lambda: everything(alice, gift)


def as_signed(registry, signed, state) -> tuple:
    """What the state is if nobody interferes; put back."""
    mark = registry.node.rpc("evm_snapshot")
    registry.send(signed)
    wished = state()
    assert registry.node.rpc("evm_revert", mark)
    return wished


def attempts(registry, signed) -> list:
    """Everything that an onlooker can make of a signed call: other senders, other words, other forms, own calls of the same kind."""
    call, found = signed.call, []
    for field in fields(call):
        value = getattr(call, field.name)
        if isinstance(value, bytes) and len(value) == 20:
            found.append(replace(signed, call=replace(call, **{field.name: THIEF.address})))
        elif isinstance(value, bytes):
            found.append(replace(signed, call=replace(call, **{field.name: b"\x66" * len(value)})))
        elif isinstance(value, int):
            found.append(replace(signed, call=replace(call, **{field.name: value + 1})))
    found.append(replace(signed, deadline=signed.deadline - 1))
    found.append(replace(signed, signature=b""))
    found.append(registry.sign(acting_as(call, THIEF.address), THIEF))
    found.append(registry.sign(call, THIEF))
    return found


def test_after_any_front_running_the_state_is_what_the_account_signed(registry, alice, gift, ready, state):
    call, account = ready
    signed = registry.sign(call, account)
    wished = as_signed(registry, signed, state)
    for attempt in attempts(registry, signed):
        if isinstance(attempt.call, SetSigner) and attempt.call == replace(call, signer=attempt.call.signer):
            continue  # the current signer is in the struct and not in the call: the same call
        with unchanged(state), suppress(Refused):
            registry.send(attempt, sender=THIEF.address)
    registry.send(signed)
    assert state() == wished


def test_a_signature_that_somebody_else_has_carried_already_did_what_it_says(registry, ready, state):
    """The client's own transaction then fails or does nothing, and finds its own words in the state: success."""
    call, account = ready
    signed = registry.sign(call, account)
    wished = as_signed(registry, signed, state)
    registry.send(signed, sender=THIEF.address)
    assert state() == wished
    with unchanged(state):
        if call.function in ONCE:
            with pytest.raises(Refused):
                registry.send(signed)
        else:
            assert registry.send(signed).events == []


def test_nobody_can_take_the_id_of_a_vault_before_its_owner(registry, alice):
    coming = second_vault(alice)
    wish = coming.opening()
    for who in (THIEF, key("another thief")):
        own = replace(wish, owner=who.address, first_signer=who.address)
        registry.relayed(own, who)
        theirs = Person(registry, who, who, coming.nonce)
        assert theirs.vault != coming.vault
    assert coming.state.signer == bytes(20)
    registry.relayed(wish, coming.owner)
    assert coming.state.signer == wish.first_signer


def test_whoever_publishes_first_publishes_only_their_own_key(registry, alice):
    mine = registry.sign(publishing(registry, TOOL, "card"), TOOL)
    registry.relayed(publishing(registry, THIEF, "card"), THIEF)
    registry.send(mine)
    assert registry.key_of(TOOL.address) == registry.key_of(THIEF.address)


def test_two_wishes_of_one_account_never_mix(registry, alice, gift):
    """A relayer that holds two signatures for one sequence can choose which lands, and the other never does."""
    first, second = alice.committing("first"), alice.committing("second")
    one, other = (registry.sign(call, alice.signer) for call in (first, second))
    registry.send(other)
    assert alice.state.pointer == second.pointer
    with unchanged(lambda: alice.state), pytest.raises(Refused, match="StaleSequence"):
        registry.send(one)


def test_the_attempts_include_one_that_would_harm_if_it_were_signed(registry, alice):
    """Control: the same changed words, signed by the account, do something else."""
    coming = second_vault(alice)
    wish: Open = coming.opening()
    changed = replace(wish, first_signer=THIEF.address)
    signer: SecpKey = coming.owner
    registry.relayed(changed, signer)
    assert coming.state.signer == THIEF.address
