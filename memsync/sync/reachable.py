"""Which blocks a root needs: all of them, or those that one grantee reads.

In come a verified root, its owner block and a way to fetch; out comes each block's digest with its kind, a block always before what can
only be named with it, so that whoever finds one missing knows it by then. What is not among these may be collected, is not
carried along, and is not looked for; parcels of tools, which the chain points to, and blocks of live attempts are the caller's to add.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace

from memsync.crypto.sealing import Kind
from memsync.errors import NotFoundError
from memsync.format.catalog import Catalog, children
from memsync.format.catalog_node import ANYWHERE, Bounds, CatalogRoot, Node, SegmentRow
from memsync.format.entry import Entry
from memsync.format.fields import as_bytes, as_list
from memsync.format.lockbox import Since
from memsync.format.owner import Grant, Owner, Scope
from memsync.format.rights import READ
from memsync.format.root import Root
from memsync.ipld.dagcbor import decode, encode
from memsync.sync.standing import Fetch, catalog_of, epoch_keys, scope_entry

SINCE_BLOCKS = "since"
"""The owner's setting that says where each grant's since block is: rows of the grant's id, object id, digest and key, by grant."""


@dataclass(frozen=True, slots=True)
class Needed:
    """A block that is needed: its digest (32 bytes), what it is, and of which scope (id, 16 bytes), if it is one's."""

    digest: bytes
    kind: Kind
    scope: bytes | None = None


def needed_by_vault(root: Root, owner: Owner, *, vault: bytes, fetch: Fetch) -> Iterator[Needed]:
    """Every block of the vault at this root. Raises ``BlockMissing`` and ``FormatError`` for a node or lockbox that can't be read."""
    yield from needed_beside_scopes(root, owner)
    for scope in owner.scopes:
        yield from needed_by_scope(root, scope, vault=vault, fetch=fetch)


def needed_beside_scopes(root: Root, owner: Owner) -> Iterator[Needed]:
    """Root, access and owner block, and what lies ready for each grantee."""
    yield Needed(root.digest, Kind.ROOT)
    yield Needed(root.access.digest, Kind.ACCESS)
    yield Needed(root.owner.digest, Kind.OWNER)
    since = since_blocks(owner)
    for grant in owner.grants:
        yield Needed(grant.envelope, Kind.ENVELOPE, grant.scope)
        if grant.id in since:
            yield Needed(since[grant.id].ref.digest, Kind.SINCE, grant.scope)


def needed_by_scope(
    root: Root, scope: Scope, *, vault: bytes, fetch: Fetch, known: Container[bytes] = ()
) -> Iterator[Needed]:
    """A scope's lockbox, catalog and segments, but for nodes whose digests are ``known`` and all below these."""
    entry = scope_entry(root, scope)
    yield from _lockbox(entry, scope)
    keys = tuple(key.content for key in epoch_keys(scope, entry, vault=vault, fetch=fetch))
    yield from _catalog(catalog_of(scope.id, keys, vault=vault, fetch=fetch), entry.catalog, known)


def needed_by_reader(
    root: Root, owner: Owner, grant: Grant, *, vault: bytes, fetch: Fetch
) -> Iterator[Needed]:
    """What one grantee reads: its envelope and, with the right to read, root, access block and what it has keys for in its scope."""
    yield Needed(grant.envelope, Kind.ENVELOPE, grant.scope)
    if not grant.rights & READ:
        return
    yield Needed(root.digest, Kind.ROOT)
    yield Needed(root.access.digest, Kind.ACCESS)
    scope = next((one for one in owner.scopes if one.id == grant.scope), None)
    if scope is None:
        raise NotFoundError(f"the scope of the grant to {grant.name!r} is gone; revoke the grant")
    entry = scope_entry(root, scope)
    if grant.since is None:
        yield from _lockbox(entry, scope)
    elif grant.id in (since := since_blocks(owner)):
        yield Needed(since[grant.id].ref.digest, Kind.SINCE, scope.id)
    keys = tuple(
        key.content
        for key in epoch_keys(scope, entry, vault=vault, fetch=fetch)
        if grant.since is None or key.number >= grant.since
    )
    yield from _catalog(catalog_of(scope.id, keys, vault=vault, fetch=fetch), entry.catalog)


def since_blocks(owner: Owner) -> dict[bytes, Since]:
    """The since block of each grant, by its id; grants that have none are not there."""
    rows = owner.settings.get(SINCE_BLOCKS, [])
    found = {}
    for row in as_list(decode(encode(rows)), what="owner", name="since blocks"):
        grant, *since = as_list(row, 4, what="owner", name="a since block")
        found[as_bytes(grant, 32, what="owner", name="a grant's id")] = Since.from_value(since, what="owner")
    return found


def with_since_blocks(owner: Owner, since: Iterable[tuple[bytes, Since]]) -> Owner:
    """An owner block that says where these since blocks are, and of no others."""
    rows = [[grant, *one.to_value()] for grant, one in sorted(since, key=lambda row: row[0])]
    others = {name: value for name, value in owner.settings.items() if name != SINCE_BLOCKS}
    return replace(owner, settings=others | ({SINCE_BLOCKS: rows} if rows else {}))


def _lockbox(entry: Entry, scope: Scope) -> Iterator[Needed]:
    if entry.lockbox is not None:
        yield Needed(entry.lockbox.digest, Kind.LOCKBOX, scope.id)


def _catalog(catalog: Catalog, root: CatalogRoot | None, known: Container[bytes] = ()) -> Iterator[Needed]:
    """Nodes and segments that the catalog's keys open."""
    if root is None or root.epoch.id not in catalog.keys or root.ref.digest in known:
        return
    yield Needed(root.ref.digest, Kind.CATALOG, catalog.scope)
    node = catalog.open_top(root)
    if node is not None:
        yield from _below(catalog, node, ANYWHERE, known)


def _below(catalog: Catalog, node: Node, bounds: Bounds, known: Container[bytes]) -> Iterator[Needed]:
    for row in node.rows:
        if isinstance(row, SegmentRow) and row.epoch.id in catalog.keys:
            yield Needed(row.ref.digest, Kind.SEGMENT, catalog.scope)
    for child, place in children(node, bounds):
        if child.epoch.id in catalog.keys and child.ref.digest not in known:
            yield Needed(child.ref.digest, Kind.CATALOG, catalog.scope)
            below = catalog.open(child.ref, child.epoch, place)
            if below is not None:
                yield from _below(catalog, below, place, known)
