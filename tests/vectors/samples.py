"""One made-up vault's values, from which the vectors are made and against which they are read: fixed, so that bytes can be pinned."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

from memsync.crypto.epochs import EpochKey
from memsync.crypto.pairwise import PairwiseSecret
from memsync.crypto.secp256k1 import SecpKey, vault_id
from memsync.crypto.tree import DeviceKey, RootKey
from memsync.format.access import DeviceSeat, FromNowOn, Reader, WithHistory
from memsync.format.block import Ref
from memsync.format.catalog_node import CatalogRoot, Epoch
from memsync.format.certificate import certify
from memsync.format.entry import Entry, ScopeEntry
from memsync.format.envelope import Envelope, PointerKey
from memsync.format.link import Link
from memsync.format.lockbox import Since
from memsync.format.owner import Device, EarlierGeneration, Grant, OtherVault, Owner, Scope
from memsync.format.parcel import Inbox
from memsync.memory import Draft, Source

CHAIN = 31337
CONTRACT = bytes.fromhex("5fbdb2315678afecb367f032d93f642f64180aa3")


def chosen(label: str, length: int = 32) -> bytes:
    """Bytes that nobody could have picked to fit: SHAKE256 of the label."""
    return hashlib.shake_256(b"memsync sample " + label.encode()).digest(length)


def stream(label: str) -> Callable[[int], bytes]:
    """A source of randomness that gives the same bytes each time."""
    drawn = 0

    def draw(length: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return chosen(f"{label} {drawn}", length)

    return draw


def ref(label: str) -> Ref:
    return Ref(chosen(f"{label} id", 16), chosen(f"{label} digest"))


ROOT_KEY = RootKey(chosen("R"))
OWNER_KEY = ROOT_KEY.owner(CHAIN, CONTRACT)
VAULT = vault_id(CHAIN, CONTRACT, OWNER_KEY.address)
OTHER_VAULT = vault_id(CHAIN, CONTRACT, SecpKey(chosen("another owner")).address)
POINTER_KEY = ROOT_KEY.locator(VAULT).pointer_key(2)
GENERATION = ROOT_KEY.generation(VAULT, 1)
SEQUENCE = 7
SCOPE = chosen("scope", 16)
OTHER_SCOPE = chosen("other scope", 16)
EPOCHS = [EpochKey(number, chosen(f"epoch {number}")) for number in range(4)]
EPOCH = EPOCHS[3]
OTHER_EPOCH = EpochKey(0, chosen("other epoch"))
PAIRWISE = PairwiseSecret(chosen("pairwise"))
TOOL = DeviceKey(chosen("tool"))
TOOL_ACCOUNT = SecpKey(chosen("tool's account"))
DEVICE = DeviceKey(chosen("device"))
STRANGER = DeviceKey(chosen("stranger"))
LETTER_BOX = GENERATION.box()
GRANT = PAIRWISE.grant_id(VAULT, SCOPE, chosen("envelope"))
START, END = 1_800_000_000, 1_802_592_000

SEATS = [
    Reader(TOOL.box().public, GRANT, SCOPE, WithHistory(EPOCH, 3)),
    Reader(
        TOOL.box().public,
        chosen("second grant"),
        SCOPE,
        FromNowOn(EPOCH.content, Since(ref("since"), chosen("since key")), 0),
    ),
    DeviceSeat(DEVICE.box().public, GENERATION),
]

OWNER = Owner(
    generation=1,
    locator=0,
    pointer=2,
    scopes=(Scope(SCOPE, "personal", EPOCH), Scope(OTHER_SCOPE, "work 工作", OTHER_EPOCH)),
    grants=(
        Grant(
            id=GRANT,
            name="Claude",
            account=TOOL_ACCOUNT.address,
            box=TOOL.box().public,
            author=TOOL.author().public,
            scope=SCOPE,
            rights=3,
            start=START,
            end=END,
            secret=PAIRWISE,
            envelope=chosen("envelope"),
            since=3,
            acknowledged=5,
        ),
    ),
    devices=(
        Device(chosen("device id", 16), "Ada's phone", DEVICE.box().public, DEVICE.author().public, START),
    ),
    vaults=(OtherVault(1, OTHER_VAULT, "company"),),
    earlier=(EarlierGeneration.of(ROOT_KEY.generation(VAULT, 0)),),
    settings={"theme": "dark", "later": [1, None, {"x": b"kept"}]},
)
OWNER = replace(
    OWNER,
    scopes=tuple(sorted(OWNER.scopes, key=lambda scope: scope.id)),
)

CATALOG = CatalogRoot(ref("catalog"), Epoch.of(EPOCHS[2].content))
ENTRIES = [
    ScopeEntry(SCOPE, EPOCH.content, Entry(3, CATALOG, ref("lockbox"), 41)),
    ScopeEntry(OTHER_SCOPE, OTHER_EPOCH.content, Entry(0, None, None, 0)),
    ScopeEntry(
        chosen("third scope", 16), EpochKey(1, chosen("third")).content, Entry(1, None, ref("box"), 0)
    ),
]
CERTIFICATE = certify(OWNER_KEY, GENERATION, chain_id=CHAIN, contract=CONTRACT)
ROOT = {
    "pointer_key": POINTER_KEY,
    "chain_id": CHAIN,
    "contract": CONTRACT,
    "vault": VAULT,
    "sequence": SEQUENCE,
    "generation": 1,
    "author": GENERATION.author(),
    "certificate": CERTIFICATE,
    "previous": chosen("previous"),
    "access": ref("access"),
    "owner": ref("owner"),
    "witness": chosen("witness"),
    "entries": ENTRIES,
}

ENVELOPE = Envelope(
    chain_id=CHAIN,
    contract=CONTRACT,
    owner=OWNER_KEY.address,
    generation=1,
    request=chosen("request", 16),
    rights=3,
    start=START,
    end=END,
    scope=SCOPE,
    scope_name="personal",
    secret=PAIRWISE,
    places=("https://store.example/v/", "https://[2606:4700:4700::1111]:8443"),
    box=LETTER_BOX.public,
    pointer=PointerKey(2, POINTER_KEY),
    key=EPOCH,
)
READ_ONLY = replace(ENVELOPE, rights=1, box=None, request=None, places=(), key=EPOCH.content)
WRITE_ONLY = replace(ENVELOPE, rights=2, pointer=None, key=None)


def link_to(digest: bytes, *, vault: bytes = VAULT) -> Link:
    return Link(CHAIN, CONTRACT, vault, digest)


INBOX = Inbox(CHAIN, CONTRACT, VAULT, GRANT, 2)
DRAFTS = [
    (
        chosen("proposal 1", 16),
        Draft(kind="semantic", text="Ada prefers tea.", created=1_800_000_000_000, tags=("drink",), source=Source(tool="notes")),
    ),
    (chosen("proposal 2", 16), Draft(kind="episodic", text="Met Bob 👋", created=-1, happened=-2, unknown={"mood": ["good", 1]})),
]  # fmt: skip

CARD = {
    "name": "Claude",
    "url": "https://claude.example/mcp",
    "box": TOOL.box().public,
    "author": TOOL.author().public,
    "issued": START,
}

UUIDS = [bytes.fromhex(f"01900000000{n}7000800000000000000{n}") for n in range(4)]
"""Ids and versions of memories: UUIDv7."""
