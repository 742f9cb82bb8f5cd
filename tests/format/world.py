"""What a story is told with: keys, scopes, parties and grants of one vault, every block ever published, and the ledger of it all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from memsync.crypto.epochs import ContentKey, EpochKey
from memsync.crypto.kdf import derive
from memsync.crypto.pairwise import PairwiseSecret
from memsync.crypto.pointer import SealedPointer
from memsync.crypto.sealing import Kind, aad
from memsync.crypto.secp256k1 import SecpKey, vault_id
from memsync.crypto.tree import DeviceKey, Generation, RootKey
from memsync.format.block import Block, Ref
from memsync.format.catalog import Catalog, children
from memsync.format.catalog_node import ANYWHERE, Bounds, CatalogRoot, Epoch, SegmentRow
from memsync.format.link import Link
from memsync.format.lockbox import Since
from memsync.format.owner import EarlierGeneration
from memsync.format.parcel import Inbox
from memsync.format.records import Kept
from memsync.format.root import Root, read_root
from memsync.format.segment import Segment, open_segment
from tests.format.ledger import Ledger, Sealed

START = 1_800_000_000
MONTH = 30 * 24 * 3600


def stream(label: str) -> Callable[[int], bytes]:
    """Bytes that look random and are the same each time: SHAKE256 of the label and a counter."""
    drawn = 0

    def draw(length: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return hashlib.shake_256(f"memsync story {label} {drawn}".encode()).digest(length)

    return draw


@dataclass(frozen=True, slots=True)
class Head:
    """What the chain holds after a push, and what the owner knows of it."""

    sequence: int
    sealed: SealedPointer
    signer: bytes
    digest: bytes
    pointer: int
    """Number k of the pointer key."""
    generation: int


@dataclass(slots=True)
class Party:
    """A device or a tool: its own keys, and when it came and went."""

    name: str
    key: DeviceKey
    account: SecpKey
    id: bytes
    added: int = 0
    removed: int | None = None


@dataclass(slots=True)
class Granted:
    """One grant's life: made at push ``granted``, over at push ``ended``."""

    name: str
    tool: Party
    scope: str
    rights: int
    from_now_on: bool
    secret: PairwiseSecret
    granted: int
    ended: int | None = None
    since: int | None = None
    link: Link | None = None
    id: bytes = b""
    parcels: int = 0
    parcel: SealedPointer | None = None
    acknowledged: int = 0


@dataclass(slots=True)
class ScopeState:
    """A scope: all its epochs, what waits to be sealed, and where things are now."""

    id: bytes
    name: str
    epochs: list[EpochKey]
    queue: list[Kept] = field(default_factory=list)
    catalog: CatalogRoot | None = None
    lockbox: Ref | None = None
    count: int = 0

    @property
    def epoch(self) -> EpochKey:
        return self.epochs[-1]


class World:
    """The state of a vault whose story is told, and all its past."""

    def __init__(self, label: str, *, chain_id: int = 31337, contract: bytes = b"\x5f" * 20) -> None:
        self.random = stream(label)
        self.chain_id, self.contract = chain_id, contract
        self.root_key = RootKey.generate(random=self.random)
        self.owner_key = self.root_key.owner(chain_id, contract)
        self.vault = vault_id(chain_id, contract, self.owner_key.address)
        self.ledger = Ledger()
        self.blocks: dict[bytes, bytes] = {}
        self.heads: list[Head] = []
        self.scopes: dict[str, ScopeState] = {}
        self.devices: dict[str, Party] = {}
        self.tools: dict[str, Party] = {}
        self.grants: dict[str, Granted] = {}
        self.pointer = self.generation = 0
        self._earlier: list[EarlierGeneration] = []
        self._since: dict[bytes, Since] = {}
        self._rotating: set[str] = set()
        self.wishes: list[Granted] = []
        self._access_changed = True
        self._access: Ref | None = None
        self._owner: Ref | None = None
        self.ledger.know("R", self.root_key.secret)
        self.ledger.give("owner", "R")
        self.locator = self.root_key.locator(self.vault)
        self.ledger.know("P 0", self.locator.secret, of="R")
        self.ledger.know("owner 0", self.owner_key.secret, of="R")
        self._know_generation()
        self._know_pointer()

    @property
    def sequence(self) -> int:
        """The sequence of the push that is being prepared."""
        return len(self.heads) + 1

    @property
    def now(self) -> int:
        return START + self.sequence * 3600

    # What the owner sees

    def root(self, head: Head) -> Root:
        return read_root(
            self.blocks[head.digest],
            digest=head.digest,
            pointer_key=self.locator.pointer_key(head.pointer),
            chain_id=self.chain_id,
            contract=self.contract,
            vault=self.vault,
            sequence=head.sequence,
        )

    def catalog(self, scope: ScopeState) -> Catalog:
        keys = {epoch.content.id: epoch.content for epoch in scope.epochs}
        return Catalog(self.vault, scope.id, keys, self.blocks.__getitem__)

    def segments(self, scope: ScopeState) -> list[tuple[SegmentRow, Segment]]:
        """Every segment of the scope as it stands now, in order."""
        found = []
        for row in self.catalog(scope).rows(scope.catalog):
            assert isinstance(row, SegmentRow)
            key = self._content(scope, row.epoch)
            found.append(
                (
                    row,
                    open_segment(self.blocks[row.ref.digest], row, key=key, vault=self.vault, scope=scope.id),
                )
            )
        return found

    @property
    def pointer_key(self) -> bytes:
        return self.locator.pointer_key(self.pointer)

    @property
    def w(self) -> Generation:
        """W of the current generation."""
        return self.root_key.generation(self.vault, self.generation)

    # Keeping

    def _party(self, name: str) -> Party:
        party = Party(
            name, DeviceKey.generate(random=self.random), SecpKey(self.random(32)), self.random(16), self.now
        )
        device = self.ledger.know(f"device {name}", party.key.seed)
        self.ledger.know(f"box {name}", party.key.box().seed, of=device)
        self.ledger.know(f"author {name}", party.key.author().seed, of=device)
        return party

    def _live(self) -> list[Granted]:
        return [grant for grant in self.grants.values() if grant.ended is None]

    def _remaining(self) -> list[Party]:
        return [device for device in self.devices.values() if device.removed is None]

    def _inbox(self, grant: Granted) -> Inbox:
        return Inbox(self.chain_id, self.contract, self.vault, grant.id, grant.parcels)

    def _content(self, scope: ScopeState, epoch: Epoch) -> ContentKey:
        return scope.epochs[epoch.number].content

    def _epoch_name(self, scope: ScopeState, number: int) -> str:
        first = next(name for name, one in self.scopes.items() if one is scope)
        return f"{first} {number}"

    def _know_epoch(self, scope: ScopeState) -> str:
        epoch = scope.epoch
        name = self.ledger.know(self._epoch_name(scope, epoch.number), epoch.secret)
        self.ledger.know(f"content {name}", epoch.content.secret, of=name)
        self.ledger.know(f"history {name}", epoch.history, of=name)
        return name

    def _know_generation(self) -> None:
        w, g = self.w, self.generation
        name = self.ledger.know(f"W {g}", w.secret, of="R")
        for label, secret in (
            ("signer", w.signer().secret),
            ("owner key", w.owner_key()),
            ("author", w.author().seed),
            ("letter box", w.box_seed()),
        ):
            self.ledger.know(f"{label} {g}", secret, of=name)

    def _know_pointer(self) -> None:
        name = self.ledger.know(f"pointer key {self.pointer}", self.pointer_key, of="P 0")
        for label in ("root", "access"):
            self.ledger.know(f"{label} {self.pointer}", derive(self.pointer_key, label), of=name)

    def _publish_segment(self, scope: ScopeState, block: Block, row: SegmentRow) -> None:
        place = aad(self.vault, scope.id, row.epoch.id, Kind.SEGMENT, row.ref.object_id)
        name = self._epoch_name(scope, row.epoch.number)
        self._publish(block, Kind.SEGMENT, f"{scope.name} {row.order}", f"content {name}", place)

    def _publish_nodes(self, scope: ScopeState, blocks: tuple[Block, ...]) -> None:
        """A node's place stands in the row that leads there, so the new ones are found from the top."""
        assert scope.catalog is not None
        self.blocks.update((block.digest, block.data) for block in blocks)
        catalog, new = self.catalog(scope), {block.digest: block for block in blocks}
        ahead: list[tuple[Ref, Epoch, Bounds]] = [(scope.catalog.ref, scope.catalog.epoch, ANYWHERE)]
        while ahead:
            ref, epoch, bounds = ahead.pop()
            node = catalog.open(ref, epoch, bounds)
            assert node is not None
            ahead += [(row.ref, row.epoch, place) for row, place in children(node, bounds)]
            if (block := new.pop(ref.digest, None)) is not None:
                place = aad(self.vault, scope.id, epoch.id, Kind.CATALOG, ref.object_id)
                key = f"content {self._epoch_name(scope, epoch.number)}"
                self._publish(block, Kind.CATALOG, f"{scope.name} {epoch.number}.{node.level}", key, place)
        assert not new

    def _publish(
        self,
        block: Block,
        kind: Kind,
        name: str,
        key: str,
        place: bytes,
        *,
        boxed: bool = False,
        teaches: Sequence[str] = (),
    ) -> None:
        self.blocks[block.digest] = block.data
        self._note(kind, name, key, place, block.data, boxed=boxed, teaches=teaches)

    def _note(
        self,
        kind: Kind,
        name: str,
        key: str,
        place: bytes,
        data: bytes,
        *,
        boxed: bool = False,
        teaches: Sequence[str] = (),
    ) -> None:
        full = " ".join(part for part in (kind.value, name, str(self.sequence)) if part)
        self.ledger.note(Sealed(full, kind, self.sequence, key, boxed, place, data, tuple(teaches)))
