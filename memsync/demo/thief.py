"""A tool that keeps every key it was ever given and tries them all, whatever the library would tell it.

In go a tool, its link and what it can fetch; out come the content keys that its envelope and slots lead to. Whether they open a segment is
then tried on the bytes, with everything but the key made a gift: the catalog, the scope's id, each segment's own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from memsync.chain.registry import Registry
from memsync.crypto.epochs import ContentKey
from memsync.crypto.sealing import Kind, aad, open_block
from memsync.crypto.tree import RootKey
from memsync.crypto.words import from_words
from memsync.errors import FormatError, NotFoundError, PointerInvalid
from memsync.format.catalog_node import SegmentRow
from memsync.format.envelope import Envelope, read_envelope
from memsync.format.link import Link, read_link
from memsync.ipld.cid import CID, RAW
from memsync.shared import Tool
from memsync.store.port import BlockStore, get_block
from memsync.sync.keys import OwnerKeys
from memsync.sync.reading import find_root, read_view
from memsync.sync.standing import catalog_of, epoch_keys, read_standing


@dataclass(frozen=True, slots=True)
class Segment:
    """A sealed segment with all that a thief needs to try a key on it: digest, bytes, and what its seal is bound to."""

    digest: bytes
    data: bytes = field(repr=False)
    vault: bytes
    scope: bytes
    row: SegmentRow

    def opens_with(self, key: ContentKey) -> bool:
        """Whether this key, taken for the segment's own, opens it."""
        bound = aad(self.vault, self.scope, self.row.epoch.id, Kind.SEGMENT, self.row.ref.object_id)
        try:
            open_block(key.secret, bound, self.data, what="segment")
        except FormatError:
            return False
        return True


@dataclass(slots=True)
class Thief:
    """What a grant has ever given to a tool."""

    tool: Tool = field(repr=False)
    link: Link
    registry: Registry
    store: BlockStore
    keys: dict[bytes, ContentKey] = field(default_factory=dict, repr=False)

    @classmethod
    def holding(cls, tool: Tool, link: str, *, registry: Registry, store: BlockStore) -> Thief:
        """One that has followed its link."""
        return cls(tool, read_link(link), registry, store)

    def take_keys(self) -> int:
        """Collect every key that can be had now; how many it holds. ``PointerInvalid`` when the root can't be found any more."""
        envelope = self._envelope()
        state = self.registry.snapshot(envelope.vault).vault
        if state is None:
            raise NotFoundError("no such vault on this chain")
        root = find_root(envelope, state, self._fetch)
        grant = envelope.grant_id(self.link.envelope)
        self.keys |= read_view(envelope, grant, root, self.tool.keys.box(), self._fetch).catalog.keys
        return len(self.keys)

    def finds_the_root(self) -> bool:
        """Whether its pointer key still unseals the head on chain."""
        try:
            self.take_keys()
        except PointerInvalid:
            return False
        return True

    def opens(self, segments: Iterable[Segment]) -> int:
        """How many of these any of its keys opens."""
        return sum(any(segment.opens_with(key) for key in self.keys.values()) for segment in segments)

    def _envelope(self) -> Envelope:
        return read_envelope(get_block(self.store, self.link.cid), self.link, self.tool.keys.box())

    def _fetch(self, digest: bytes) -> bytes:
        return get_block(self.store, CID(RAW, digest))


def segments_of(
    words: str, scope: str, *, registry: Registry, store: BlockStore, without: Collection[bytes] = ()
) -> list[Segment]:
    """The segments of a scope at the head, as its owner sees them; those with a digest in ``without`` are left out."""

    def fetch(digest: bytes) -> bytes:
        return get_block(store, CID(RAW, digest))

    keys = OwnerKeys.derive(
        RootKey(from_words(words)), chain_id=registry.chain_id, contract=registry.contract
    )
    state = registry.snapshot(keys.vault).vault
    if state is None:
        raise NotFoundError("no vault of these words on this chain")
    standing = read_standing(state, keys, fetch)
    found = next(one for one in standing.owner.scopes if one.name == scope)
    entry = standing.entry(found)
    epochs = epoch_keys(found, entry, vault=keys.vault, fetch=fetch)
    catalog = catalog_of(found.id, tuple(key.content for key in epochs), vault=keys.vault, fetch=fetch)
    return [
        Segment(row.ref.digest, fetch(row.ref.digest), keys.vault, found.id, row)
        for row in catalog.rows(entry.catalog)
        if isinstance(row, SegmentRow) and row.ref.digest not in without
    ]
