"""A registry in memory with the contract's rules, for tests without a chain.

The rules stand here a second time on purpose, in the order in which ``MemoryRegistry.sol`` checks them: one conformance suite runs
against this and against the contract on a node. Only the signatures of plain keys are known here; contract wallets (ERC-1271) need a
chain. Time stands still until it is moved. With ``confirmations``, blocks are final only so many blocks later and can be undone until then,
as on a public chain: a program that has only ever met instant finality has not met a chain yet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock

from memsync.chain.calls import (
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
    call_digest,
)
from memsync.chain.registry import ZERO32, BlockStamp, Event, GrantState, Receipt, Snapshot, VaultState
from memsync.crypto.kdf import hash256
from memsync.crypto.secp256k1 import grant_id, recover, vault_id
from memsync.errors import CallRefused, ChainUnreachable, InputError, SignatureInvalid, Stale
from memsync.format.rights import WRITE

UNUSED = GrantState(start=0, end=0, epoch=0, rights=0, parcels=0, parcel_salt=0)


@dataclass(frozen=True, slots=True)
class _Before:
    """What stood before a block, and the call that the block holds, if it is not empty."""

    vaults: dict[bytes, VaultState]
    grants: dict[tuple[bytes, bytes], GrantState]
    keys: dict[bytes, bytes]
    events: int
    call: SignedCall | None


class MemoryRegistry:
    """One contract on one chain, in memory, a call a block.

    ``now`` is the block time; ``reachable = False`` makes every call fail. The latest ``confirmations`` blocks are not final.
    """

    def __init__(
        self,
        *,
        chain_id: int = 31337,
        contract: bytes = b"\x5e" * 20,
        now: int = 1_750_000_000,
        confirmations: int = 0,
    ) -> None:
        self._chain_id = chain_id
        self._contract = contract
        self.now = now
        self.payer = b"\x77" * 20
        self.reachable = True
        self._number, self._branch = 1, 0
        self._past: deque[_Before] = deque(maxlen=confirmations)
        self._lock = Lock()
        self._vaults: dict[bytes, VaultState] = {}
        self._grants: dict[tuple[bytes, bytes], GrantState] = {}
        self._keys: dict[bytes, bytes] = {}
        self._events: list[tuple[bytes, Event]] = []
        self._pending: list[tuple[bytes, str, dict[str, object]]] = []

    @property
    def chain_id(self) -> int:
        return self._chain_id

    @property
    def contract(self) -> bytes:
        return self._contract

    # --- reads

    def snapshot(self, vault: bytes, grants: Sequence[bytes] = ()) -> Snapshot:
        self._answer()
        with self._lock:
            found = {grant: self._grants.get((vault, grant), UNUSED) for grant in grants}
            return Snapshot(self._stamp(), self._vaults.get(vault), found)

    def final_vault(self, vault: bytes) -> VaultState | None:
        self._answer()
        return (self._past[0].vaults if self._past else self._vaults).get(vault)

    def key_of(self, account: bytes) -> bytes:
        self._answer()
        return self._keys.get(account, ZERO32)

    def events(self, vault: bytes, since: int = 0) -> list[Event]:
        self._answer()
        return [event for about, event in self._events if about == vault and event.block.number >= since]

    # --- writes

    def send(self, signed: SignedCall) -> Receipt:
        self._answer()
        with self._lock:
            self._pending, before = [], self._before(signed)
            self._apply(signed)
            self._past.append(before)
            self._number += 1
            stamp = self._stamp()
            transaction = hash256(stamp.hash + signed.signature)
            self._events += [
                (vault, Event(name, values, stamp, transaction)) for vault, name, values in self._pending
            ]
            return Receipt(transaction, stamp, 0, self.payer)

    # --- what a chain does by itself

    def mine(self, blocks: int = 1) -> None:
        """Let empty blocks pass."""
        with self._lock:
            for _ in range(blocks):
                self._past.append(self._before(None))
                self._number += 1

    def undo(self, blocks: int = 1) -> list[SignedCall]:
        """Take the latest blocks back, as a chain does that settles on another branch; returns the calls that were in them, oldest first.

        Whoever mines may take these calls again: ``send`` them, or not. ``InputError`` for more blocks than are not final.
        """
        with self._lock:
            if not 0 <= blocks <= len(self._past):
                raise InputError(
                    f"only the latest {len(self._past)} blocks can be undone; the others are final"
                )
            undone = [self._past.pop() for _ in range(blocks)]
            if undone:
                first = undone[-1]
                self._vaults, self._grants, self._keys = first.vaults, first.grants, first.keys
                del self._events[first.events :]
                self._number -= blocks
                self._branch += 1
            return [before.call for before in reversed(undone) if before.call is not None]

    def _before(self, call: SignedCall | None) -> _Before:
        if not self._past.maxlen:
            return _Before({}, {}, {}, 0, None)
        return _Before(dict(self._vaults), dict(self._grants), dict(self._keys), len(self._events), call)

    # --- the contract's calls

    def _apply(self, signed: SignedCall) -> None:
        call = signed.call
        if isinstance(call, Open):
            self._open(call, signed)
        elif isinstance(call, PublishKey):
            self._publish(call, signed)
        elif isinstance(call, SetSigner):
            self._set_signer(call, signed)
        elif isinstance(call, Submit):
            self._submit(call, signed)
        else:
            vault = self._known(call.vault)
            self._check(call, vault.signer, signed)
            if isinstance(call, (Commit, CommitAndShare)):
                self._commit(call, vault)
            elif isinstance(call, Revoke):
                self._revoke(call.vault, call.grant_id)
            else:
                self._revoke_all(call, vault)

    def _open(self, call: Open, signed: SignedCall) -> None:
        vault = vault_id(self._chain_id, self._contract, call.owner, call.nonce)
        if vault in self._vaults:
            raise CallRefused("VaultExists", {"vault": vault})
        self._check(call, call.owner, signed)
        if not any(call.first_signer):
            raise CallRefused("InvalidSigner", {"signer": call.first_signer})
        self._vaults[vault] = VaultState(call.first_signer, 1, 0, call.salt, call.pointer)
        self._say(vault, "Opened")

    def _set_signer(self, call: SetSigner, signed: SignedCall) -> None:
        vault = vault_id(self._chain_id, self._contract, call.owner, call.nonce)
        state = self._known(vault)
        self._check(replace(call, signer=state.signer), call.owner, signed)
        if not any(call.new_signer) or call.new_signer == state.signer:
            raise CallRefused("InvalidSigner", {"signer": call.new_signer})
        self._vaults[vault] = replace(state, signer=call.new_signer)
        self._say(vault, "SignerChanged")

    def _commit(self, call: Commit | CommitAndShare, state: VaultState) -> None:
        if state.sequence != call.sequence:
            raise Stale("StaleSequence", {"current": state.sequence})
        if state.grant_epoch != call.grant_epoch:
            raise Stale("StaleEpoch", {"current": state.grant_epoch})
        self._say(call.vault, "Committed", sequence=call.sequence + 1, salt=call.salt, pointer=call.pointer)
        if isinstance(call, CommitAndShare):
            before = dict(self._grants)
            try:
                for revoked in call.revocations:
                    self._revoke(call.vault, revoked)
                for share in call.grants:
                    self._grant(call.vault, call.grant_epoch, share)
            except CallRefused:
                self._grants = before
                raise
        self._vaults[call.vault] = replace(
            state, sequence=call.sequence + 1, salt=call.salt, pointer=call.pointer
        )

    def _grant(self, vault: bytes, epoch: int, share: Share) -> None:
        if (vault, share.grant_id) in self._grants:
            raise CallRefused("GrantIdUsed", {"grantId": share.grant_id})
        if share.start >= share.end:
            raise CallRefused(
                "InvalidTimes", {"grantId": share.grant_id, "start": share.start, "end": share.end}
            )
        if not 1 <= share.rights <= 3:
            raise CallRefused("InvalidRights", {"grantId": share.grant_id, "rights": share.rights})
        self._grants[vault, share.grant_id] = replace(
            UNUSED, start=share.start, end=share.end, epoch=epoch, rights=share.rights
        )
        self._say(vault, "Granted", grantId=share.grant_id)

    def _revoke(self, vault: bytes, grant: bytes) -> None:
        state = self._grants.get((vault, grant), UNUSED)
        if state.revoked:
            return
        self._grants[vault, grant] = replace(state, rights=0, end=state.end or 1)
        self._say(vault, "Revoked", grantId=grant)

    def _revoke_all(self, call: RevokeAll, state: VaultState) -> None:
        if state.grant_epoch != call.grant_epoch:
            raise Stale("StaleEpoch", {"current": state.grant_epoch})
        self._vaults[call.vault] = replace(state, grant_epoch=call.grant_epoch + 1)
        self._say(call.vault, "RevokedAll", grantEpoch=call.grant_epoch + 1)

    def _submit(self, call: Submit, signed: SignedCall) -> None:
        vault = self._known(call.vault)
        self._check(call, call.grantee, signed)
        grant = grant_id(call.vault, call.grantee, call.scope, call.grant_salt)
        state = self._grants.get((call.vault, grant), UNUSED)
        if not state.holds(self.now, vault.grant_epoch, WRITE):
            raise CallRefused("NotGranted", {"vault": call.vault, "grantId": grant})
        if state.parcels != call.sequence:
            raise Stale("StaleSequence", {"current": state.parcels})
        self._grants[call.vault, grant] = replace(
            state, parcels=call.sequence + 1, parcel_salt=call.salt, parcel=call.pointer
        )
        self._say(call.vault, "Submitted", grantId=grant, sequence=call.sequence + 1)

    def _publish(self, call: PublishKey, signed: SignedCall) -> None:
        self._check(call, call.account, signed)
        current = self._keys.get(call.account, ZERO32)
        if current != call.previous:
            raise Stale("StaleDigest", {"current": current})
        if call.digest in (ZERO32, call.previous):
            raise CallRefused("InvalidDigest", {"digest": call.digest})
        self._keys[call.account] = call.digest

    # --- rules shared

    def _known(self, vault: bytes) -> VaultState:
        state = self._vaults.get(vault)
        if state is None:
            raise CallRefused("UnknownVault", {"vault": vault})
        return state

    def _check(self, call: Call, account: bytes, signed: SignedCall) -> None:
        if self.now > signed.deadline:
            raise CallRefused("DeadlinePassed", {"deadline": signed.deadline})
        digest = call_digest(call, account, signed.deadline, chain_id=self._chain_id, contract=self._contract)
        try:
            signer = recover(digest, signed.signature)
        except SignatureInvalid:
            signer = b""
        if signer != account:
            raise CallRefused("InvalidSignature", {"account": account})

    def _say(self, vault: bytes, name: str, **values: object) -> None:
        self._pending.append((vault, name, {"vault": vault, **values}))

    def _stamp(self) -> BlockStamp:
        name = b"block" + self._number.to_bytes(8, "big") + self._branch.to_bytes(8, "big")
        return BlockStamp(self._number, hash256(name), self.now)

    def _answer(self) -> None:
        if not self.reachable:
            raise ChainUnreachable("the registry in memory was told not to answer; set reachable = True")
