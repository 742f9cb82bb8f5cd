"""Who and what appears in the lives that ``machine.py`` makes up, and how a life draws a call that is mostly right.

Everything is drawn from small pools, so that keys, ids and words meet again: an account may be owner here, signer there and grantee of
a third. Each argument is right most of the time, and else what a mistake or a thief would put there.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

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
    Submit,
)
from memsync.crypto.secp256k1 import SecpKey, grant_id
from tests.contracts.actions import ZERO32, Registry, key, word
from tests.contracts.model import Model

NAMES = ("alice", "bob", "eve")
OWNERS = tuple(key(f"{name}'s owner") for name in NAMES)
SIGNERS = tuple(key(f"{name}'s signer {i}") for name in NAMES for i in range(2))
TOOLS = tuple(key(f"tool {i}") for i in range(2))
KEYS = {one.address: one for one in (*OWNERS, *SIGNERS, *TOOLS)}
WALLET_KEY = key("inside the wallet")
STRANGER = key("stranger")
SCOPES, SALTS = (word("work"), word("home")), (word("salt"), ZERO32)
DIGESTS = (word("card 0"), word("card 1"), word("card 2"), ZERO32)
NONCES = (0, 2**256 - 1)
EDGE32 = (0, 1, 2**32 - 1)


@dataclass
class World:
    """One registry on one chain, and what must be true of it."""

    registry: Registry
    model: Model
    wallets: tuple[bytes, ...]

    def __post_init__(self) -> None:
        self.owners = (*(one.address for one in OWNERS), self.wallets[0])
        self.signers = (*(one.address for one in SIGNERS), self.wallets[1], self.owners[0])
        self.grantees = (*(one.address for one in TOOLS), *self.wallets[1:])
        self.vaults = [self.model.vault_of(owner, nonce) for owner in self.owners for nonce in NONCES]
        self.preimages = list(product(self.grantees, SCOPES, SALTS))
        self.ids = {
            vault: [grant_id(vault, *preimage) for preimage in self.preimages] for vault in self.vaults
        }
        self.accounts = (*self.owners, *self.signers, *self.grantees)

        self._calldata: dict[object, bytes] = {}

    @property
    def now(self) -> int:
        return self.registry.node.time

    def ids_in(self, vault: bytes) -> tuple[bytes, ...]:
        """Every grant id that a life can have used there."""
        own = self.ids.get(vault, [])
        return (*own, *(id_ for where, id_ in self.model.grants if where == vault and id_ not in own))

    def snapshot(self, vault: bytes, ids: tuple[bytes, ...]) -> bytes:
        return self._read("snapshot", vault, ids)

    def key_of(self, account: bytes) -> bytes:
        return self._read("keyOf", account)

    def _read(self, function: str, *arguments: object) -> bytes:
        """A view's answer as bytes; what is asked again and again is encoded once."""
        if (function, arguments) not in self._calldata:
            self._calldata[function, arguments] = self.registry.artifact.encode_call(function, arguments)
        return self.registry.node.read(self.registry.contract, self._calldata[function, arguments])


def settle_wallets(deploy: Callable[..., bytes]) -> tuple[bytes, ...]:
    """Three accounts with code on one chain; ``deploy(name, *arguments)`` puts one of ``contracts/test`` there."""
    return deploy("YesWallet"), deploy("KeyWallet", "0x" + WALLET_KEY.address.hex()), deploy("FickleWallet")


def inhabited(registry: Registry, wallets: tuple[bytes, ...]) -> World:
    """A new registry on a chain with these wallets, and the model of both."""
    yes, keyed, fickle = wallets
    answers = {
        yes: lambda _wanted, _signature: True,
        keyed: lambda wanted, signature: (
            signature.well_formed
            and len(signature.data) == 65
            and signature.by == WALLET_KEY.address
            and signature.said == wanted
        ),
        fickle: lambda _wanted, _signature: False,
    }
    return World(registry, Model(registry.chain_id, registry.contract, wallets=answers), wallets)


@dataclass
class Draw:
    """A source of calls for one world; ``chance`` is all the luck there is."""

    world: World
    chance: random.Random

    def call(self, function: str) -> Call:
        made: Call = getattr(self, f"_{function}")()
        return made

    def mostly(self, right: object, *wrong: object) -> object:
        return right if self.chance.random() < 0.93 else self.chance.choice(wrong)

    def deadline(self) -> int:
        now = self.world.now
        return self.chance.choice((NO_DEADLINE, NO_DEADLINE, now, now + 1, now + 9, now + 100, now - 1))

    def vault(self) -> bytes:
        """Mostly one that exists; sometimes one that doesn't yet, or that nobody can open."""
        opened = list(self.world.model.vaults)
        if opened and self.chance.random() < 0.95:
            return self.chance.choice(opened)
        return self.chance.choice([*self.world.vaults, word("no vault")])

    def _pointer(self) -> bytes:
        return self.chance.choice((ZERO32, word(f"{self.chance.random()}")))

    def _head(self, vault: bytes) -> tuple[bytes, int, int, int, bytes]:
        state = self.world.model.vault(vault)
        sequence = self.mostly(
            state.sequence, max(state.sequence - 1, 0), (state.sequence + 1) % 2**32, *EDGE32
        )
        epoch = self.mostly(state.grant_epoch, max(state.grant_epoch - 1, 0), (state.grant_epoch + 1) % 2**32)
        return vault, int(sequence), int(epoch), self.chance.choice((*EDGE32, 0x5A17)), self._pointer()

    def _grant_of(self, vault: bytes) -> bytes:
        """An id of this vault, or the id of another vault's grant, or no id of anything."""
        ids = self.world.ids.get(vault) or [word("an id")]
        others = self.world.ids[self.chance.choice(self.world.vaults)]
        return bytes(self.mostly(self.chance.choice(ids), self.chance.choice(others), ZERO32))

    def _share(self, vault: bytes) -> Share:
        now, pick = self.world.now, self.chance.choice
        start = pick((now - 5, now - 1, now, now, now + 1, now + 7, 0))
        end = pick((start + 1, start + 3, now + 20, now + 1000, 2**40 - 1))
        end = int(self.mostly(end, start, start - 1 if start else 0, 0))
        return Share(self._grant_of(vault), start, end, int(self.mostly(pick((1, 2, 3, 3)), 0, 4, 7, 255)))

    def _open(self) -> Open:
        pick = self.chance.choice
        first = bytes(self.mostly(pick(self.world.signers), bytes(20)))
        return Open(pick(self.world.owners), pick(NONCES), first, pick((*EDGE32, 7)), self._pointer())

    def _setSigner(self) -> SetSigner:  # noqa: N802, named as the contract names it
        pick = self.chance.choice
        names = [(owner, nonce) for owner in self.world.owners for nonce in NONCES]
        opened = [one for one in names if self.world.model.vault_of(*one) in self.world.model.vaults]
        owner, nonce = pick(opened if opened and self.chance.random() < 0.9 else names)
        current = self.world.model.vault(self.world.model.vault_of(owner, nonce)).signer
        signed_for = bytes(self.mostly(current, pick(self.world.signers)))
        return SetSigner(
            owner, nonce, signed_for, bytes(self.mostly(pick(self.world.signers), bytes(20), current))
        )

    def _commit(self) -> Commit:
        return Commit(*self._head(self.vault()))

    def _commitAndShare(self) -> CommitAndShare:  # noqa: N802
        vault = self.vault()
        shares = tuple(self._share(vault) for _ in range(self.chance.choice((0, 1, 1, 2, 3))))
        gone = tuple(self._grant_of(vault) for _ in range(self.chance.choice((0, 0, 0, 1, 2))))
        return CommitAndShare(*self._head(vault), shares, gone)

    def _revoke(self) -> Revoke:
        vault = self.vault()
        return Revoke(vault, self._grant_of(vault))

    def _revokeAll(self) -> RevokeAll:  # noqa: N802
        vault = self.vault()
        return RevokeAll(vault, self._head(vault)[2])

    def _submit(self) -> Submit:
        """Mostly into a grant that was made and may be written to."""
        model, pick = self.world.model, self.chance.choice
        made = [key for key, grant in model.grants.items() if grant.rights & 2]
        epochs = {vault: head.grant_epoch for vault, head in model.vaults.items()}
        live = [key for key in made if model.grants[key].holds(self.world.now, epochs[key[0]])]
        made = live if live and self.chance.random() < 0.8 else made
        vault, preimage = self.vault(), pick(self.world.preimages)
        if made and self.chance.random() < 0.9:
            wanted, grant = pick(made)
            for other in self.world.vaults:  # the id may be another vault's, granted here
                if grant in self.world.ids[other]:
                    preimage = self.world.preimages[self.world.ids[other].index(grant)]
            vault = bytes(self.mostly(wanted, vault))
        grantee, scope, salt = preimage
        state = model.grant(vault, grant_id(vault, grantee, scope, salt))
        sequence = int(self.mostly(state.parcels, state.parcels + 1, max(state.parcels - 1, 0), 2**32 - 1))
        return Submit(grantee, vault, scope, salt, sequence, pick((0, 2**48 - 1, 0xC0FFEE)), self._pointer())

    def _publishKey(self) -> PublishKey:  # noqa: N802
        account = self.chance.choice(self.world.accounts)
        current = self.world.model.key_of(account)
        return PublishKey(
            account, bytes(self.mostly(current, *DIGESTS)), self.chance.choice((*DIGESTS, self._pointer()))
        )


def holder(world: World, address: bytes) -> SecpKey:
    """The key of an account, or of the wallet that has one inside, or for others a key that is as good as any."""
    return WALLET_KEY if address == world.wallets[1] else KEYS.get(address, STRANGER)
