"""What a watcher finds on the chain about a private grant: nothing that it could have known before.

Everything that the life of a grant leaves behind (calldata, logs, storage) is searched, at every byte, for the needles: addresses known
elsewhere, names and ids of scopes, digests of blocks. The control leads the same life with a public grant and bare digests, and the
searcher finds each of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256

import pytest

from memsync.chain.calls import CommitAndShare, Open, Share, SignedCall, Submit
from memsync.crypto.pairwise import PairwiseSecret
from memsync.crypto.pointer import seal_parcel_pointer, seal_pointer
from memsync.crypto.secp256k1 import SecpKey, grant_id
from tests.contracts.actions import BOTH, DAY, START, Person, Registry, key, word

SCOPE_NAME = "therapy"
SCOPE = sha256(b"scope id").digest()[:16]
TOOL_ACCOUNT = key("the account on the tool's card")
OWNER_WALLET = key("the wallet that the owner uses elsewhere")
POINTER_KEY = sha256(b"pointer key").digest()
BLOCKS = {
    name: f"the {name} block".encode() * 100
    for name in ("root", "envelope", "next root", "parcel", "last root")
}


def digest(name: str) -> bytes:
    return sha256(BLOCKS[name]).digest()


NEEDLES: dict[str, bytes] = {
    "the tool's account": TOOL_ACCOUNT.address,
    "the owner's wallet": OWNER_WALLET.address,
    "the scope's name": SCOPE_NAME.encode(),
    "the scope's id": SCOPE,
    "the hash of the scope's name": sha256(SCOPE_NAME.encode()).digest(),
    **{f"the digest of the {name}": digest(name) for name in BLOCKS},
}


@dataclass
class Watcher:
    """Keeps everything public about the registry's transactions: calldata, logs, storage slots and words."""

    registry: Registry
    seen: list[bytes] = field(default_factory=list)

    def watch(self, signed: SignedCall) -> None:
        data = self.registry.calldata(signed)
        done = self.registry.send_data(data)
        self.seen.append(data)
        for _, topics, logged in done.mined.logs:
            self.seen += [*topics, logged]
        for slot, (before, after) in self.registry.node.changes(done.mined, self.registry.contract).items():
            self.seen += [slot, before, after]

    def found(self) -> set[str]:
        """The names of the needles that lie somewhere, at any byte, also in hexadecimal or reversed."""
        hay = b"\0".join(self.seen)
        return {
            name
            for name, needle in NEEDLES.items()
            if any(form in hay for form in (needle, needle[::-1], needle.hex().encode()))
        }


@pytest.fixture
def person(registry) -> Person:
    """An owner with a vault whose keys are used for nothing else; opened before the watcher comes."""
    owner = Person.named(registry, "someone private")
    sealed = seal_pointer(POINTER_KEY, owner.vault, 1, digest("root"))
    opening = Open(owner.owner.address, 0, owner.signer.address, sealed.salt_int, sealed.pointer)
    registry.relayed(opening, owner.owner)
    return owner


def private_life(person: Person, watcher: Watcher) -> None:
    """Granted, written to, answered, revoked: as the client does it."""
    secret = PairwiseSecret(sha256(b"pairwise secret").digest())
    grantee, scope = secret.grantee(), secret.blinded_scope(SCOPE)
    salt = secret.grant_salt(digest("envelope"))
    grant = grant_id(person.vault, grantee.address, scope, salt)

    def head(name: str) -> tuple:
        state = person.state
        sealed = seal_pointer(POINTER_KEY, person.vault, state.sequence + 1, digest(name))
        return person.vault, state.sequence, state.grant_epoch, sealed.salt_int, sealed.pointer

    parcel = seal_parcel_pointer(secret.secret, grant, 1, digest("parcel"))
    live(
        person,
        watcher,
        head,
        grant,
        grantee,
        Submit(grantee.address, person.vault, scope, salt, 0, parcel.salt_int, parcel.pointer),
    )


def public_life(person: Person, watcher: Watcher) -> None:
    """The same with the real account, a scope that says its name, and pointers that are digests."""
    scope, salt = SCOPE_NAME.encode().ljust(16, b"\0") + SCOPE, word("any salt")
    grant = grant_id(person.vault, TOOL_ACCOUNT.address, scope, salt)

    def head(name: str) -> tuple:
        state = person.state
        return person.vault, state.sequence, state.grant_epoch, 0, digest(name)

    live(
        person,
        watcher,
        head,
        grant,
        TOOL_ACCOUNT,
        Submit(TOOL_ACCOUNT.address, person.vault, scope, salt, 0, 0, digest("parcel")),
    )


def live(person: Person, watcher: Watcher, head, grant: bytes, grantee: SecpKey, parcel: Submit) -> None:
    registry, signer = person.registry, person.signer
    share = Share(grant, START - DAY, START + DAY, BOTH)
    watcher.watch(registry.sign(CommitAndShare(*head("next root"), (share,), ()), signer))
    watcher.watch(registry.sign(parcel, grantee))
    watcher.watch(registry.sign(CommitAndShare(*head("last root"), (), (grant,)), signer))
    watcher.watch(registry.sign(person.revoking(word("an unknown id")), signer))
    watcher.watch(registry.sign(person.revoking_all(), signer))


def test_no_word_of_a_private_grants_life_is_a_known_address_a_scope_or_the_digest_of_a_block(
    registry, person
):
    watcher = Watcher(registry)
    private_life(person, watcher)
    assert len(watcher.seen) > 30
    assert watcher.found() == set()


def test_the_searcher_finds_what_a_public_grants_life_shows(registry, person):
    watcher = Watcher(registry)
    public_life(person, watcher)
    assert watcher.found() == {
        "the tool's account",
        "the scope's name",
        "the scope's id",
        "the digest of the next root",
        "the digest of the parcel",
        "the digest of the last root",
    }


@pytest.mark.parametrize("name", NEEDLES)
def test_the_searcher_finds_every_needle_wherever_it_lies(registry, person, name):
    needle = NEEDLES[name]
    for planted in (needle.rjust(32, b"\0"), needle.ljust(32, b"\0"), needle[::-1].rjust(32, b"\1")):
        watcher = Watcher(registry)
        watcher.watch(registry.sign(person.revoking(planted), person.signer))
        assert watcher.found() == {name}


def test_both_sides_of_a_private_grant_find_it_from_what_they_know(registry, person):
    """The words mean something to those who hold the secret, so the test above hasn't searched noise."""
    secret = PairwiseSecret(sha256(b"pairwise secret").digest())
    watcher = Watcher(registry)
    private_life(person, watcher)
    grant = secret.grant_id(person.vault, SCOPE, digest("envelope"))
    assert registry.grant(person.vault, grant).parcels == 1
    assert any(grant in seen for seen in watcher.seen)


def test_the_owner_stands_in_no_storage_and_no_log_after_a_relayed_opening(registry):
    owner = Person.named(registry, "unseen")
    done = registry.relayed(owner.opening(), owner.owner)
    changed = registry.node.changes(done.mined, registry.contract)
    left = [*changed, *(after for _, after in changed.values())]
    left += [part for _, topics, logged in done.mined.logs for part in (*topics, logged)]
    assert not any(owner.owner.address in part for part in left)
    assert any(owner.signer.address in part for part in left)
