"""Which places hold the root that was last taken in: what tells a person whether the words alone could bring the vault back.

Asked of the store when a root is pushed or pulled, kept in the database, and read without any network.
"""

from __future__ import annotations

from contextlib import suppress

from memsync.errors import FormatError, StorageError
from memsync.format.fields import as_bytes, as_list, as_text
from memsync.ipld.cid import CID, RAW
from memsync.ipld.dagcbor import decode, encode
from memsync.store.mirror import MirrorStore
from memsync.store.port import BlockStore
from memsync.sync.reachable import needed_beside_scopes
from memsync.sync.replica import TAKEN, Replica
from memsync.sync.standing import Standing

PLACES = "places"
_WHAT = "database"


def note_places(replica: Replica) -> None:
    """Ask the store's places for the root that was last taken in, and remember which of them have it; a place that doesn't answer
    has it not, as far as is known."""
    root = replica.meta.get(TAKEN)
    if root is not None:
        replica.meta.put(PLACES, encode([root, _holders(replica.store, CID(RAW, root))]))


def bring_along(replica: Replica, standing: Standing) -> None:
    """Read what lies beside the scopes, which taking a head in doesn't need: where there are several places, what one lacks is put there as
    it is read, so that this device's own copy is whole. What can't be had is told by ``verify``."""
    if isinstance(replica.store, MirrorStore):
        for one in needed_beside_scopes(standing.root, standing.owner):
            with suppress(StorageError, FormatError):
                replica.fetch(one.digest)


def known_places(replica: Replica) -> tuple[str, ...]:
    """The places that were found to have the root that was last taken in."""
    data = replica.meta.get(PLACES)
    if data is None:
        return ()
    root, places = as_list(decode(data, what=_WHAT), 2, what=_WHAT, name="places")
    if as_bytes(root, 32, what=_WHAT, name="root") != replica.meta.get(TAKEN):
        return ()
    return tuple(as_text(one, what=_WHAT, name="place") for one in as_list(places, what=_WHAT, name="places"))


def _holders(store: BlockStore, root: CID) -> list[str]:
    if isinstance(store, MirrorStore):
        return [*store.survey([root]).holders[root]]
    try:
        return [store.place] if store.has_many([root]) else []
    except StorageError:
        return []
