"""The registry as a slow and obvious Python program: what the contract must do, call by call, and nothing else.

In go a call, its deadline, who sends it, and the evidence that comes along; out come the events, or ``Refused`` with the error's name
and values and no change at all. Everything is a dictionary; nothing is packed. Two things are left out on purpose: hashing of what is
signed (a signature is remembered as *what was said, by whom*) and ABI encoding. So the model can't share a mistake in either.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace

from memsync.chain.calls import (
    Call,
    Commit,
    CommitAndShare,
    Open,
    PublishKey,
    Revoke,
    RevokeAll,
    SetSigner,
    Submit,
)
from memsync.chain.registry import GrantState, VaultState
from memsync.crypto.secp256k1 import grant_id, vault_id
from tests.contracts.actions import Refused

NOBODY = bytes(20)
ZERO32 = bytes(32)
NUMBERS = 2**32
"""Sequences, epochs and parcel numbers lie below."""
WRITE = 2

NO_VAULT = VaultState(NOBODY, 0, 0, 0, ZERO32)
NO_GRANT = GrantState(0, 0, 0, 0, 0, 0, ZERO32)

Event = tuple[str, dict[str, object]]


@dataclass(frozen=True)
class Said:
    """One statement that an account can make: what exactly, where, until when."""

    chain_id: int
    contract: bytes
    account: bytes
    call: Call
    deadline: int


@dataclass(frozen=True)
class Signature:
    """Evidence that comes with a relayed call: ``said``, by the key of address ``by``. As bytes it may be anything."""

    said: Said | None
    by: bytes
    data: bytes
    well_formed: bool = True


@dataclass
class Model:
    """All that the contract holds, and the rules."""

    chain_id: int
    contract: bytes
    vaults: dict[bytes, VaultState] = field(default_factory=dict)
    grants: dict[tuple[bytes, bytes], GrantState] = field(default_factory=dict)
    keys: dict[bytes, bytes] = field(default_factory=dict)
    wallets: dict[bytes, Callable[[Said, Signature], bool]] = field(default_factory=dict)
    """Accounts with code, and what each answers when it is asked by ERC-1271."""

    # ------------------------------------------------------------------ what anybody can ask

    def vault(self, vault: bytes) -> VaultState:
        return self.vaults.get(vault, NO_VAULT)

    def grant(self, vault: bytes, grant: bytes) -> GrantState:
        return self.grants.get((vault, grant), NO_GRANT)

    def key_of(self, account: bytes) -> bytes:
        return self.keys.get(account, ZERO32)

    def vault_of(self, owner: bytes, nonce: int) -> bytes:
        return vault_id(self.chain_id, self.contract, owner, nonce)

    def is_granted(
        self, now: int, vault: bytes, grantee: bytes, scope: bytes, salt: bytes, rights: int
    ) -> bool:
        if rights not in (1, 2, 3):
            return False
        grant = self.grant(vault, grant_id(vault, grantee, scope, salt))
        wanted = {right for right in (1, 2) if rights & right}
        held = {right for right in (1, 2) if grant.rights & right}
        return (
            wanted <= held and grant.epoch == self.vault(vault).grant_epoch and grant.start <= now < grant.end
        )

    # ------------------------------------------------------------------ what anybody can try

    def make(
        self, call: Call, deadline: int, *, now: int, sender: bytes, signature: Signature | None
    ) -> list[Event]:
        """The events of a call that goes through; ``Refused``, and nothing has changed, otherwise."""
        before = copy.copy(self.vaults), copy.copy(self.grants), copy.copy(self.keys)
        try:
            account, call = self._who_acts(call)
            self._must_be(account, call, deadline, now, sender, signature)
            events: list[Event] = getattr(self, f"_{type(call).__name__.lower()}")(call, now)
        except Refused:
            self.vaults, self.grants, self.keys = before
            raise
        return events

    def _who_acts(self, call: Call) -> tuple[bytes, Call]:
        """The account whose will it has to be, and what exactly it has to say."""
        match call:
            case Open():
                vault = self.vault_of(call.owner, call.nonce)
                _unless(vault not in self.vaults, "VaultExists", vault=vault)
                return call.owner, call
            case SetSigner():
                current = self._existing(self.vault_of(call.owner, call.nonce)).signer
                return call.owner, replace(call, signer=current)
            case Submit():
                self._existing(call.vault)
                return call.grantee, call
            case PublishKey():
                return call.account, call
        return self._existing(call.vault).signer, call

    def _must_be(
        self,
        account: bytes,
        call: Call,
        deadline: int,
        now: int,
        sender: bytes,
        signature: Signature | None,
    ) -> None:
        _unless(now <= deadline, "DeadlinePassed", deadline=deadline)
        if signature is None:
            _unless(sender == account, "NotTheAccount", account=account, caller=sender)
            return
        wanted = Said(self.chain_id, self.contract, account, call, deadline)
        by_its_key = signature.well_formed and signature.by == account and signature.said == wanted
        wallet = self.wallets.get(account)
        by_its_code = wallet is not None and wallet(wanted, signature)
        _unless(by_its_key or by_its_code, "InvalidSignature", account=account)

    def _existing(self, vault: bytes) -> VaultState:
        _unless(vault in self.vaults, "UnknownVault", vault=vault)
        return self.vaults[vault]

    # ------------------------------------------------------------------ the calls, once the account is known

    def _open(self, call: Open, now: int) -> list[Event]:
        _unless(call.first_signer != NOBODY, "InvalidSigner", signer=call.first_signer)
        vault = self.vault_of(call.owner, call.nonce)
        self.vaults[vault] = VaultState(call.first_signer, 1, 0, call.salt, call.pointer)
        return [("Opened", {"vault": vault})]

    def _setsigner(self, call: SetSigner, now: int) -> list[Event]:
        vault = self.vault_of(call.owner, call.nonce)
        head = self.vaults[vault]
        _unless(call.new_signer not in (NOBODY, head.signer), "InvalidSigner", signer=call.new_signer)
        self.vaults[vault] = replace(head, signer=call.new_signer)
        return [("SignerChanged", {"vault": vault})]

    def _commit(self, call: Commit | CommitAndShare, now: int) -> list[Event]:
        head = self.vaults[call.vault]
        _unless(call.sequence == head.sequence, "StaleSequence", current=head.sequence)
        _unless(call.grant_epoch == head.grant_epoch, "StaleEpoch", current=head.grant_epoch)
        sequence = _next(head.sequence)
        self.vaults[call.vault] = replace(head, sequence=sequence, salt=call.salt, pointer=call.pointer)
        values = {"vault": call.vault, "sequence": sequence, "salt": call.salt, "pointer": call.pointer}
        return [("Committed", values)]

    def _commitandshare(self, call: CommitAndShare, now: int) -> list[Event]:
        events = self._commit(call, now)
        for one in call.revocations:
            events += self._revoke(Revoke(call.vault, one), now)
        for share in call.grants:
            used = self.grant(call.vault, share.grant_id).end != 0
            _unless(not used, "GrantIdUsed", grantId=share.grant_id)
            times = {"start": share.start, "end": share.end}
            _unless(share.start < share.end, "InvalidTimes", grantId=share.grant_id, **times)
            _unless(share.rights in (1, 2, 3), "InvalidRights", grantId=share.grant_id, rights=share.rights)
            epoch = self.vaults[call.vault].grant_epoch
            self.grants[call.vault, share.grant_id] = replace(
                NO_GRANT, start=share.start, end=share.end, epoch=epoch, rights=share.rights
            )
            events.append(("Granted", {"vault": call.vault, "grantId": share.grant_id}))
        return events

    def _revoke(self, call: Revoke, now: int) -> list[Event]:
        grant = self.grant(call.vault, call.grant_id)
        if grant.end == 0:
            grant = replace(grant, end=1)
        elif grant.rights == 0:
            return []
        self.grants[call.vault, call.grant_id] = replace(grant, rights=0)
        return [("Revoked", {"vault": call.vault, "grantId": call.grant_id})]

    def _revokeall(self, call: RevokeAll, now: int) -> list[Event]:
        head = self.vaults[call.vault]
        _unless(call.grant_epoch == head.grant_epoch, "StaleEpoch", current=head.grant_epoch)
        epoch = _next(head.grant_epoch)
        self.vaults[call.vault] = replace(head, grant_epoch=epoch)
        return [("RevokedAll", {"vault": call.vault, "grantEpoch": epoch})]

    def _submit(self, call: Submit, now: int) -> list[Event]:
        grant_key = call.vault, grant_id(call.vault, call.grantee, call.scope, call.grant_salt)
        holds = self.is_granted(now, call.vault, call.grantee, call.scope, call.grant_salt, WRITE)
        _unless(holds, "NotGranted", vault=call.vault, grantId=grant_key[1])
        grant = self.grants[grant_key]
        _unless(call.sequence == grant.parcels, "StaleSequence", current=grant.parcels)
        parcels = _next(grant.parcels)
        self.grants[grant_key] = replace(grant, parcels=parcels, parcel_salt=call.salt, parcel=call.pointer)
        return [("Submitted", {"vault": call.vault, "grantId": grant_key[1], "sequence": parcels})]

    def _publishkey(self, call: PublishKey, now: int) -> list[Event]:
        current = self.key_of(call.account)
        _unless(call.previous == current, "StaleDigest", current=current)
        _unless(call.digest not in (ZERO32, call.previous), "InvalidDigest", digest=call.digest)
        self.keys[call.account] = call.digest
        return [("KeyPublished", {"account": call.account, "digest": call.digest})]


def _unless(condition: bool, error: str, **values: object) -> None:  # noqa: FBT001
    if not condition:
        raise Refused(error, values, b"")


def _next(number: int) -> int:
    """The next sequence, epoch or parcel number; at the end of numbers the contract panics, without an error of its own."""
    _unless(number + 1 < NUMBERS, "")
    return number + 1


def account_named(call: Call) -> bytes | None:
    """The acting account, where the call names it."""
    names = {one.name for one in fields(call)} & {"owner", "grantee", "account"}
    return getattr(call, names.pop()) if names else None
