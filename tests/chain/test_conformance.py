"""What every registry must do, whatever it is made of."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from memsync.chain.calls import (
    NO_DEADLINE,
    Call,
    Commit,
    CommitAndShare,
    Open,
    PublishKey,
    Revoke,
    RevokeAll,
    SetSigner,
    Share,
    SignedCall,
    Submit,
    sign_call,
)
from memsync.chain.registry import ZERO32, Registry
from memsync.crypto.secp256k1 import SecpKey, grant_id, vault_id
from memsync.errors import CallRefused, Stale
from tests.chain.conftest import Bench


class Party:
    """An owner with a vault of its own, and a signer."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.owner, self.signer, self.grantee = (SecpKey(secrets.token_bytes(32)) for _ in range(3))
        self.vault = vault_id(registry.chain_id, registry.contract, self.owner.address, 0)
        self.scope, self.grant_salt = secrets.token_bytes(32), secrets.token_bytes(32)
        self.grant = grant_id(self.vault, self.grantee.address, self.scope, self.grant_salt)

    def sign(self, call: Call, key: SecpKey, deadline: int = NO_DEADLINE) -> SignedCall:
        return sign_call(
            call, key, deadline, chain_id=self.registry.chain_id, contract=self.registry.contract
        )

    def open(self) -> None:
        self.registry.send(
            self.sign(Open(self.owner.address, 0, self.signer.address, 7, b"\1" * 32), self.owner)
        )

    def commit(self, sequence: int, pointer: bytes = b"\2" * 32, epoch: int = 0) -> SignedCall:
        return self.sign(Commit(self.vault, sequence, epoch, 8, pointer), self.signer)

    def share(self, start: int, end: int, rights: int = 3, revoke: tuple[bytes, ...] = ()) -> SignedCall:
        sequence = self.registry.snapshot(self.vault).vault.sequence
        grants = (Share(self.grant, start, end, rights),)
        return self.sign(CommitAndShare(self.vault, sequence, 0, 9, b"\3" * 32, grants, revoke), self.signer)

    def submit(self, sequence: int) -> SignedCall:
        call = Submit(
            self.grantee.address, self.vault, self.scope, self.grant_salt, sequence, 2**48 - 1, b"\4" * 32
        )
        return self.sign(call, self.grantee)


@pytest.fixture
def party(bench: Bench) -> Party:
    return Party(bench.registry)


def test_an_unknown_vault_reads_as_none(bench: Bench, party: Party) -> None:
    snapshot = bench.registry.snapshot(party.vault, [party.grant])
    assert snapshot.vault is None and not snapshot.grants[party.grant].known
    assert bench.registry.final_vault(party.vault) is None


def test_a_vault_opens_once_and_moves_by_one(bench: Bench, party: Party) -> None:
    party.open()
    state = bench.registry.snapshot(party.vault).vault
    assert (state.signer, state.sequence, state.grant_epoch, state.salt, state.pointer) == (
        party.signer.address,
        1,
        0,
        7,
        b"\1" * 32,
    )
    with pytest.raises(CallRefused) as refused:
        party.open()
    assert refused.value.name == "VaultExists"
    bench.registry.send(party.commit(1))
    assert bench.registry.snapshot(party.vault).vault.sequence == 2
    assert bench.registry.final_vault(party.vault).sequence == 2


def test_the_loser_of_a_race_is_told_where_the_head_is(bench: Bench, party: Party) -> None:
    party.open()
    bench.registry.send(party.commit(1))
    with pytest.raises(Stale) as stale:
        bench.registry.send(party.commit(1, b"\5" * 32))
    assert stale.value.name == "StaleSequence" and stale.value.values == {"current": 2}


def test_a_call_altered_after_signing_is_refused(bench: Bench, party: Party) -> None:
    party.open()
    signed = party.commit(1)
    with pytest.raises(CallRefused) as refused:
        bench.registry.send(replace(signed, call=replace(signed.call, pointer=b"\6" * 32)))
    assert refused.value.name == "InvalidSignature"
    bench.registry.send(signed)


def test_a_deadline_is_inclusive(bench: Bench, party: Party) -> None:
    party.open()
    late = party.sign(Commit(party.vault, 1, 0, 8, b"\2" * 32), party.signer, bench.now() - 1)
    with pytest.raises(CallRefused) as refused:
        bench.registry.send(late)
    assert refused.value.name == "DeadlinePassed"
    bench.registry.send(party.sign(Commit(party.vault, 1, 0, 8, b"\2" * 32), party.signer, bench.now() + 60))


def test_a_grant_is_seen_used_over_and_revoked(bench: Bench, party: Party) -> None:
    party.open()
    now = bench.now()
    bench.registry.send(party.share(now, now + 3600))
    seen = bench.registry.snapshot(party.vault, [party.grant])
    grant = seen.grants[party.grant]
    assert grant.known and grant.holds(seen.block.time, 0, 3) and not grant.revoked
    bench.registry.send(party.submit(0))
    bench.registry.send(party.submit(1))
    grant = bench.registry.snapshot(party.vault, [party.grant]).grants[party.grant]
    assert (grant.parcels, grant.parcel_salt, grant.parcel) == (2, 2**48 - 1, b"\4" * 32)
    with pytest.raises(Stale):
        bench.registry.send(party.submit(1))
    bench.registry.send(party.sign(Revoke(party.vault, party.grant), party.signer))
    bench.registry.send(party.sign(Revoke(party.vault, party.grant), party.signer))
    gone = bench.registry.snapshot(party.vault, [party.grant])
    assert gone.grants[party.grant].revoked and not gone.grants[party.grant].holds(gone.block.time, 0)
    assert gone.grants[party.grant].parcel == b"\4" * 32
    with pytest.raises(CallRefused) as refused:
        bench.registry.send(party.submit(2))
    assert refused.value.name == "NotGranted"
    with pytest.raises(CallRefused) as refused:
        bench.registry.send(party.share(now, now + 3600))
    assert refused.value.name == "GrantIdUsed"


def test_a_grant_ends_with_its_time(bench: Bench, party: Party) -> None:
    party.open()
    now = bench.now()
    bench.registry.send(party.share(now, now + 3600))
    bench.registry.send(party.submit(0))
    bench.pass_time(3600)
    with pytest.raises(CallRefused) as refused:
        bench.registry.send(party.submit(1))
    assert refused.value.name == "NotGranted"


def test_a_refused_share_changes_nothing(bench: Bench, party: Party) -> None:
    party.open()
    before = bench.registry.snapshot(party.vault, [party.grant])
    for start, end, rights, name in (
        (5, 5, 3, "InvalidTimes"),
        (5, 6, 4, "InvalidRights"),
        (5, 6, 0, "InvalidRights"),
    ):
        with pytest.raises(CallRefused) as refused:
            bench.registry.send(party.share(start, end, rights))
        assert refused.value.name == name
    with pytest.raises(CallRefused) as refused:
        bench.registry.send(party.share(5, 6, 3, revoke=(party.grant,)))
    assert refused.value.name == "GrantIdUsed"
    after = bench.registry.snapshot(party.vault, [party.grant])
    assert (after.vault, after.grants) == (before.vault, before.grants)


def test_revoke_all_voids_grants_and_old_commits(bench: Bench, party: Party) -> None:
    party.open()
    now = bench.now()
    bench.registry.send(party.share(now, now + 3600))
    held = party.commit(2)
    bench.registry.send(party.sign(RevokeAll(party.vault, 0), party.signer))
    with pytest.raises(Stale) as stale:
        bench.registry.send(held)
    assert stale.value.name == "StaleEpoch" and stale.value.values == {"current": 1}
    seen = bench.registry.snapshot(party.vault, [party.grant])
    assert not seen.grants[party.grant].holds(seen.block.time, seen.vault.grant_epoch)


def test_only_the_owner_replaces_the_signer(bench: Bench, party: Party) -> None:
    party.open()
    new = SecpKey(secrets.token_bytes(32))
    call = SetSigner(party.owner.address, 0, party.signer.address, new.address)
    with pytest.raises(CallRefused) as refused:
        bench.registry.send(party.sign(call, party.signer))
    assert refused.value.name == "InvalidSignature"
    bench.registry.send(party.sign(call, party.owner))
    with pytest.raises(CallRefused):
        bench.registry.send(party.commit(1))
    bench.registry.send(party.sign(Commit(party.vault, 1, 0, 8, b"\2" * 32), new))


def test_a_card_is_published_by_compare_and_swap(bench: Bench, party: Party) -> None:
    account = party.owner
    first, second = secrets.token_bytes(32), secrets.token_bytes(32)
    assert bench.registry.key_of(account.address) == ZERO32
    bench.registry.send(party.sign(PublishKey(account.address, ZERO32, first), account))
    with pytest.raises(Stale) as stale:
        bench.registry.send(party.sign(PublishKey(account.address, ZERO32, second), account))
    assert stale.value.name == "StaleDigest" and stale.value.values == {"current": first}
    with pytest.raises(CallRefused) as refused:
        bench.registry.send(party.sign(PublishKey(account.address, first, first), account))
    assert refused.value.name == "InvalidDigest"
    assert bench.registry.key_of(account.address) == first


def test_history_is_told_by_events(bench: Bench, party: Party) -> None:
    party.open()
    now = bench.now()
    receipt = bench.registry.send(party.share(now, now + 3600))
    events = bench.registry.events(party.vault)
    assert [event.name for event in events] == ["Opened", "Committed", "Granted"]
    assert events[1].values == {"vault": party.vault, "sequence": 2, "salt": 9, "pointer": b"\3" * 32}
    assert events[2].values["grantId"] == party.grant and events[2].transaction == receipt.transaction
    assert bench.registry.events(party.vault, since=receipt.block.number)[0].block == receipt.block
