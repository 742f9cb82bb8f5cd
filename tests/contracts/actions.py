"""What people and tools do with the registry, as verbs; every other test file is told in these.

A call goes out either *directly*, by the account itself, or *relayed*: signed by the account's key and sent by a stranger. Refused calls
raise ``Refused`` with the custom error's name and values, after the transaction itself was mined and failed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from memsync.chain.artifact import Artifact
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
    call_digest,
    sign_call,
)
from memsync.chain.registry import GrantState, VaultState
from memsync.crypto.secp256k1 import SecpKey, grant_id, keccak, vault_id
from tests.contracts.node import START, Mined, Node, RpcError

CHAIN_ID = 31337
STRANGER = b"\x57" * 20
"""Sends what others signed; neither owner, signer nor grantee of anything."""
ZERO32 = bytes(32)
READ, WRITE, BOTH = 1, 2, 3
DAY = 86_400


class Refused(Exception):
    """The registry reverted: the custom error's name and values; name "" for revert data that are none of its errors."""

    def __init__(self, name: str, values: dict[str, object], data: bytes) -> None:
        super().__init__(f"{name}{values}" if name else f"revert data {data.hex()!r}")
        self.name = name
        self.values = values
        self.data = data


@dataclass(frozen=True, slots=True)
class Done:
    """A call that went through: what was mined, and the registry's events as (name, values)."""

    mined: Mined
    events: list[tuple[str, dict[str, object]]]


def key(name: str) -> SecpKey:
    """Somebody's key; the same name is always the same key."""
    return SecpKey(keccak(name.encode()))


def word(name: str) -> bytes:
    """A 32-byte word that stands for something: a pointer, a scope, a salt."""
    return keccak(b"word " + name.encode())


@dataclass(frozen=True, slots=True)
class Registry:
    """The deployed contract."""

    node: Node
    artifact: Artifact
    contract: bytes
    chain_id: int = CHAIN_ID

    # ------------------------------------------------------------------ calls

    def direct(self, call: Call, account: SecpKey | bytes, *, deadline: int = NO_DEADLINE) -> Done:
        """The account sends the call itself."""
        address = account if isinstance(account, bytes) else account.address
        return self.send(SignedCall(call, deadline, address, b""), sender=address)

    def relayed(self, call: Call, account: SecpKey, *, deadline: int = NO_DEADLINE) -> Done:
        """A stranger sends what the account signed."""
        return self.send(self.sign(call, account, deadline=deadline))

    def sign(self, call: Call, account: SecpKey, *, deadline: int = NO_DEADLINE) -> SignedCall:
        return sign_call(call, account, deadline, chain_id=self.chain_id, contract=self.contract)

    def digest(self, call: Call, account: bytes, *, deadline: int = NO_DEADLINE) -> bytes:
        return call_digest(call, account, deadline, chain_id=self.chain_id, contract=self.contract)

    def send(self, signed: SignedCall, *, sender: bytes = STRANGER) -> Done:
        return self.send_data(self.calldata(signed), sender=sender)

    def calldata(self, signed: SignedCall) -> bytes:
        return self.artifact.encode_call(signed.call.function, signed.arguments())

    def send_data(
        self, data: bytes, *, sender: bytes = STRANGER, gas: int = 2_000_000, value: int = 0
    ) -> Done:
        mined = self.node.send(self.contract, data, sender=sender, gas=gas, value=hex(value))
        if not mined.ok:
            raise self._refusal(data, sender)
        assert all(address == self.contract for address, _, _ in mined.logs)
        return Done(mined, [self.artifact.decode_event(topics, logged) for _, topics, logged in mined.logs])

    def _refusal(self, data: bytes, sender: bytes) -> Refused:
        try:
            self.node.read(self.contract, data, sender=sender)
        except RpcError as err:
            return Refused(*(self.artifact.decode_error(err.data) or ("", {})), err.data)
        return Refused("", {}, b"")

    # ------------------------------------------------------------------ views

    def ask(self, function: str, *arguments: object) -> tuple:
        data = self.artifact.encode_call(function, arguments)
        return self.artifact.decode_result(function, self.node.read(self.contract, data))

    def vault(self, vault: bytes) -> VaultState:
        ((signer, *rest),) = self.ask("vaultOf", vault)
        return VaultState(bytes.fromhex(signer[2:]), *rest)

    def grant(self, vault: bytes, grant: bytes) -> GrantState:
        ((*row,),) = self.ask("grantOf", vault, grant)
        (parcel,) = self.ask("parcelOf", vault, grant)
        return GrantState(*row, parcel=parcel)

    def key_of(self, account: bytes) -> bytes:
        return self.ask("keyOf", account)[0]

    def is_granted(self, gift: Gift, rights: int = READ, **other: object) -> bool:
        asked = replace(gift, **other)
        return self.ask("isGranted", asked.vault, asked.grantee.address, asked.scope, asked.salt, rights)[0]

    def fingerprint(
        self, vault: bytes, grants: tuple[bytes, ...] = (), accounts: tuple[bytes, ...] = ()
    ) -> tuple:
        """Everything that the registry holds of a vault, these grants and these accounts."""
        return (
            self.vault(vault),
            *(self.grant(vault, grant) for grant in grants),
            *(self.key_of(account) for account in accounts),
        )


@dataclass(frozen=True, slots=True)
class Gift:
    """A grant by its preimage: what its two sides know."""

    vault: bytes
    grantee: SecpKey
    scope: bytes
    salt: bytes

    @property
    def id(self) -> bytes:
        return grant_id(self.vault, self.grantee.address, self.scope, self.salt)

    def parcel(self, sequence: int, *, salt: int = 0xC0FFEE, pointer: bytes | None = None) -> Submit:
        pointer = word(f"parcel {sequence}") if pointer is None else pointer
        return Submit(self.grantee.address, self.vault, self.scope, self.salt, sequence, salt, pointer)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with one vault: the owner's key and the key that signs now."""

    registry: Registry
    owner: SecpKey
    signer: SecpKey
    nonce: int = 0

    @classmethod
    def named(cls, registry: Registry, name: str) -> Person:
        return cls(registry, key(f"{name}'s owner key"), key(f"{name}'s signer"))

    @property
    def vault(self) -> bytes:
        return vault_id(self.registry.chain_id, self.registry.contract, self.owner.address, self.nonce)

    @property
    def state(self) -> VaultState:
        return self.registry.vault(self.vault)

    def opening(self) -> Open:
        return Open(self.owner.address, self.nonce, self.signer.address, 0x0A11CE, word("first pointer"))

    def replacing_signer(self, new: SecpKey) -> SetSigner:
        return SetSigner(self.owner.address, self.nonce, self.state.signer, new.address)

    def committing(self, name: str = "") -> Commit:
        state = self.state
        pointer = word(name or f"pointer {state.sequence + 1}")
        return Commit(self.vault, state.sequence, state.grant_epoch, 0x5A17, pointer)

    def sharing(self, *shares: Share, revoking: tuple[bytes, ...] = (), name: str = "") -> CommitAndShare:
        commit = self.committing(name)
        head = commit.vault, commit.sequence, commit.grant_epoch, commit.salt, commit.pointer
        return CommitAndShare(*head, tuple(shares), tuple(revoking))

    def revoking(self, grant: bytes) -> Revoke:
        return Revoke(self.vault, grant)

    def revoking_all(self) -> RevokeAll:
        return RevokeAll(self.vault, self.state.grant_epoch)

    # ------------------------------------------------------------------ done at once, relayed

    def open(self) -> Person:
        self.registry.relayed(self.opening(), self.owner)
        return self

    def commit(self, name: str = "") -> Done:
        return self.registry.relayed(self.committing(name), self.signer)

    def gift(self, grantee: SecpKey, *, scope: str = "work", salt: str = "salt") -> Gift:
        return Gift(self.vault, grantee, word(scope), word(salt))

    def share(
        self, gift: Gift, rights: int = BOTH, *, start: int = START - DAY, end: int = START + 30 * DAY
    ) -> Done:
        return self.registry.relayed(self.sharing(Share(gift.id, start, end, rights)), self.signer)

    def revoke(self, grant: bytes) -> Done:
        return self.registry.relayed(self.revoking(grant), self.signer)

    def revoke_all(self) -> Done:
        return self.registry.relayed(self.revoking_all(), self.signer)

    def set_signer(self, new: SecpKey) -> Person:
        self.registry.relayed(self.replacing_signer(new), self.owner)
        return replace(self, signer=new)


def submit(registry: Registry, gift: Gift, *, sequence: int | None = None) -> Done:
    """The grantee places its next parcel, relayed."""
    number = registry.grant(gift.vault, gift.id).parcels if sequence is None else sequence
    return registry.relayed(gift.parcel(number), gift.grantee)


def publishing(registry: Registry, account: SecpKey, name: str) -> PublishKey:
    return PublishKey(account.address, registry.key_of(account.address), word(name))
