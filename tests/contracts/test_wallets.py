"""Accounts with code: honest wallets, lying wallets, and keys that delegate to code (EIP-7702)."""

from __future__ import annotations

import pytest
from eth_account import Account

from memsync.chain.calls import NO_DEADLINE, SignedCall
from tests.contracts.actions import CHAIN_ID, STRANGER, Person, key
from tests.contracts.checks import refused, unchanged
from tests.contracts.every_call import EVERY_CALL, TOOL, acting_as, everything
from tests.contracts.node import hexed
from tests.contracts.wallets import Wallet, settle

MAGIC_WITHOUT_END = ["AlmostWallet", "ShortWallet", "RevertingWallet", "BurningWallet"]


@pytest.fixture(params=EVERY_CALL)
def name(request) -> str:
    """Each call of the contract in turn."""
    return request.param


def any_signature(call, wallet) -> SignedCall:
    return SignedCall(call, NO_DEADLINE, wallet.address, b"any")


# ------------------------------------------------------------------ honest


def test_a_contract_wallet_makes_every_call_itself(registry, deploy, name):
    wallet = Wallet(registry, deploy("KeyWallet", hexed(key("wallet key").address)))
    person, gift = settle(wallet)
    call, _ = EVERY_CALL[name](person, gift)
    before = everything(person, gift)
    wallet.execute(call)
    assert everything(person, gift) != before


def test_a_contract_wallet_has_its_signature_carried(registry, deploy, name):
    inside = key("wallet key")
    wallet = Wallet(registry, deploy("KeyWallet", hexed(inside.address)))
    person, gift = settle(wallet)
    call, _ = EVERY_CALL[name](person, gift)
    digest = registry.digest(call, wallet.address)
    naming_the_key = registry.digest(acting_as(call, inside.address), inside.address)
    with unchanged(lambda: everything(person, gift)):
        for wrong in (
            key("thief").sign(digest),
            inside.sign(naming_the_key),
            b"short",
        ):
            with refused("InvalidSignature", account=wallet.address):
                registry.send(SignedCall(call, NO_DEADLINE, wallet.address, wrong))
    before = everything(person, gift)
    registry.send(SignedCall(call, NO_DEADLINE, wallet.address, inside.sign(digest)))
    assert everything(person, gift) != before


def test_a_signature_for_one_wallet_is_worth_nothing_at_another_of_the_same_key(registry, deploy, name):
    inside = key("wallet key")
    one, two = (Wallet(registry, deploy("KeyWallet", hexed(inside.address))) for _ in range(2))
    mine, theirs = settle(one), settle(two)
    call, _ = EVERY_CALL[name](*theirs)
    for_one = inside.sign(registry.digest(acting_as(call, one.address), one.address))
    with (
        unchanged(lambda: (everything(*mine), everything(*theirs))),
        refused("InvalidSignature", account=two.address),
    ):
        registry.send(SignedCall(call, NO_DEADLINE, two.address, for_one))
    registry.send(SignedCall(call, NO_DEADLINE, two.address, inside.sign(registry.digest(call, two.address))))


# ------------------------------------------------------------------ lying


@pytest.mark.parametrize("kind", MAGIC_WITHOUT_END)
def test_what_is_not_exactly_the_magic_value_is_no(registry, deploy, kind, name):
    wallet = Wallet(registry, deploy(kind))
    person, gift = settle(wallet)
    call, _ = EVERY_CALL[name](person, gift)
    with unchanged(lambda: everything(person, gift)), refused("InvalidSignature", account=wallet.address):
        registry.send(any_signature(call, wallet))
    wallet.execute(call)  # itself, it may


@pytest.mark.parametrize("kind", ["YesWallet", "HugeWallet"])
def test_a_wallet_that_says_yes_to_all_gives_away_what_is_its_own(registry, deploy, kind, name):
    """Half a megabyte of answer costs its own gas and no more: only the first word is looked at."""
    wallet = Wallet(registry, deploy(kind))
    person, gift = settle(wallet)
    call, _ = EVERY_CALL[name](person, gift)
    registry.send(any_signature(call, wallet))


@pytest.mark.parametrize("kind", ["YesWallet", "HugeWallet"])
def test_a_wallet_that_says_yes_to_all_gives_away_nothing_of_others(
    registry, deploy, alice, gift, name, kind
):
    wallet = Wallet(registry, deploy(kind))
    settle(wallet)
    call, account = EVERY_CALL[name](alice, gift)
    with unchanged(lambda: everything(alice, gift)):
        for signature in (b"any", wallet.address, wallet.address.rjust(32, b"\0") + bytes(64)):
            with refused("InvalidSignature", account=account.address):
                registry.send(
                    SignedCall(call, NO_DEADLINE, account.address, signature), sender=wallet.address
                )
        with refused("NotTheAccount", account=account.address, caller=wallet.address):
            registry.direct(call, wallet.address)
    registry.relayed(call, account)


def test_a_wallet_that_calls_back_while_it_is_asked_changes_nothing(registry, node, deploy, name):
    wallet = Wallet(registry, deploy("ReenteringWallet"))
    person, gift = settle(wallet)
    call, _ = EVERY_CALL[name](person, gift)
    inner = registry.calldata(SignedCall(call, NO_DEADLINE, wallet.address, b""))
    assert wallet.tell("prepare(address,bytes)", registry.contract, inner)
    with unchanged(lambda: everything(person, gift)), refused("InvalidSignature", account=wallet.address):
        registry.send(any_signature(call, wallet))
    before = everything(person, gift)
    assert node.send(wallet.address, b"not asked, but called", sender=STRANGER).ok
    assert everything(person, gift) != before, "the same inner call passes where it isn't static"


def test_a_wallet_that_changes_its_mind_is_asked_each_time(registry, deploy, name):
    """No answer is remembered: not a yes that was given before, nor a no."""
    wallet = Wallet(registry, deploy("FickleWallet"))
    person, gift = settle(wallet)
    call, _ = EVERY_CALL[name](person, gift)
    for _ in range(2):
        assert wallet.tell("turn(bool)", False)  # noqa: FBT003
        with unchanged(lambda: everything(person, gift)), refused("InvalidSignature", account=wallet.address):
            registry.send(any_signature(call, wallet))
        assert wallet.tell("turn(bool)", True)  # noqa: FBT003
    before = everything(person, gift)
    registry.send(any_signature(call, wallet))
    assert everything(person, gift) != before


def test_a_wallet_that_burns_all_gas_burns_its_carriers_and_changes_nothing(registry, deploy, alice, gift):
    """It gets 63 of 64 parts of what the carrier brings; what is left is enough to say no."""
    wallet = Wallet(registry, deploy("BurningWallet"))
    person, _ = settle(wallet)
    data = registry.calldata(any_signature(person.committing(), wallet))
    with unchanged(lambda: (person.state, everything(alice, gift))):
        for gas in (200_000, 1_000_000, 16_000_000):
            with refused("InvalidSignature", account=wallet.address):
                registry.send_data(data, gas=gas)


def test_an_account_without_code_says_nothing_by_erc_1271(registry, name, alice, gift):
    call, account = EVERY_CALL[name](alice, gift)
    with unchanged(lambda: everything(alice, gift)), refused("InvalidSignature", account=account.address):
        registry.send(any_signature(call, account))


@pytest.mark.parametrize("number", [*range(1, 0x12), 0x100])
def test_a_precompiled_contract_owns_no_vault(registry, number):
    """Their answers can't be the magic value for a digest that nobody chooses."""
    precompile = Wallet(registry, number.to_bytes(20, "big"))
    person = Person(registry, precompile, precompile)
    for signature in (b"any", bytes(65), bytes(96), bytes(192)):
        with refused("InvalidSignature", account=precompile.address):
            registry.send(SignedCall(person.opening(), NO_DEADLINE, precompile.address, signature))


# ------------------------------------------------------------------ EIP-7702


@pytest.fixture
def delegated(node, deploy, alice, gift):
    """Alice's owner and signer and the tool's account all delegate to code that refuses every signature."""
    delegate_to(node, deploy("Delegate"), (alice.owner, alice.signer, TOOL))
    return alice, gift


def delegate_to(node, delegate, accounts) -> None:
    """A real type-4 transaction, carried by a stranger."""
    payer = key("payer")
    node.rpc("anvil_setBalance", hexed(payer.address), hex(10**20))
    authorizations = [
        Account.sign_authorization(
            {"chainId": CHAIN_ID, "address": delegate, "nonce": nonce_of(node, account.address)},
            account.secret,
        )
        for account in accounts
    ]
    send_authorized(node, payer, authorizations)
    for account in accounts:
        assert node.code(account.address) == b"\xef\x01\x00" + delegate


def send_authorized(node, payer, authorizations) -> None:
    transaction = {
        "chainId": CHAIN_ID,
        "nonce": nonce_of(node, payer.address),
        "gas": 500_000,
        "maxFeePerGas": 10**11,
        "maxPriorityFeePerGas": 10**9,
        "to": payer.address,
        "value": 0,
        "authorizationList": authorizations,
    }
    assert node.send_raw(bytes(Account.sign_transaction(transaction, payer.secret).raw_transaction)).ok


def nonce_of(node, address: bytes) -> int:
    return int(node.rpc("eth_getTransactionCount", hexed(address), "latest"), 16)


def test_an_account_with_delegated_code_still_signs_with_its_key(registry, delegated, name):
    call, account = EVERY_CALL[name](*delegated)
    with unchanged(lambda: everything(*delegated)), refused("InvalidSignature", account=account.address):
        registry.relayed(call, key("thief"))
    before = everything(*delegated)
    registry.relayed(call, account)
    assert everything(*delegated) != before


def test_the_delegated_code_refuses_what_the_key_has_signed(registry, delegated):
    """So an order of checks that asked the code first, or only, would lock the account out."""
    alice, _ = delegated
    call = alice.committing()
    digest = registry.digest(call, alice.signer.address)
    answer = registry.node.read(
        alice.signer.address, bytes.fromhex("1626ba7e") + digest + (64).to_bytes(32, "big") + bytes(32)
    )
    assert answer[:4] == b"\xff\xff\xff\xff"


def test_an_account_with_delegated_code_calls_through_it(registry, delegated, name):
    call, account = EVERY_CALL[name](*delegated)
    before = everything(*delegated)
    Wallet(registry, account.address).execute(call)
    assert everything(*delegated) != before


def test_an_account_that_delegates_to_code_that_says_yes_gives_away_only_what_is_its_own(
    registry, node, deploy, alice, bob, gift, name
):
    """Whoever signs such a delegation gives the account away, to everybody, and nothing of others with it."""
    delegate_to(node, deploy("YesWallet"), (alice.owner, alice.signer, TOOL))
    call, account = EVERY_CALL[name](alice, gift)
    theirs, who = EVERY_CALL[name](bob, bob.gift(key("bob's tool")))
    with unchanged(lambda: everything(bob, gift)):
        if who not in (alice.owner, alice.signer, TOOL):
            with refused("InvalidSignature", account=who.address):
                registry.send(SignedCall(theirs, NO_DEADLINE, who.address, b"any"))
    before = everything(alice, gift)
    registry.send(SignedCall(call, NO_DEADLINE, account.address, b"any"))
    assert everything(alice, gift) != before


def test_a_delegation_that_is_taken_back_leaves_the_key_as_it_was(registry, node, delegated):
    alice, _ = delegated
    delegate_away(node, (alice.owner, alice.signer, TOOL))
    assert node.code(alice.signer.address) == b""
    alice.commit("after")
    with refused("InvalidSignature", account=alice.signer.address):
        registry.send(SignedCall(alice.committing(), NO_DEADLINE, alice.signer.address, b"any"))


def delegate_away(node, accounts) -> None:
    """EIP-7702: delegating to zero clears the code."""
    payer = key("payer")
    authorizations = [
        Account.sign_authorization(
            {"chainId": CHAIN_ID, "address": bytes(20), "nonce": nonce_of(node, account.address)},
            account.secret,
        )
        for account in accounts
    ]
    send_authorized(node, payer, authorizations)
