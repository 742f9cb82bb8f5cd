"""Where blocks live: one port, ``BlockStore``, and the places that keep what it says.

Blocks come in under their CIDs and go out hash-checked. A store may lose, withhold or alter what it was given; it can't do so unnoticed.
Nothing here knows what is in a block, and nothing here holds a key.
"""

from memsync.store.car import CarStore, Imported, export_car, import_car
from memsync.store.directory import DirectoryStore
from memsync.store.gateway import GatewayStore
from memsync.store.mirror import MirrorStore, Survey, Trouble
from memsync.store.places import open_place, open_places, place_kind, writable
from memsync.store.port import BlockStore, Place, checked, get_block
from memsync.store.repair import Copied, copy_missing

__all__ = [
    "BlockStore",
    "CarStore",
    "Copied",
    "DirectoryStore",
    "GatewayStore",
    "Imported",
    "MirrorStore",
    "Place",
    "Survey",
    "Trouble",
    "checked",
    "copy_missing",
    "export_car",
    "get_block",
    "import_car",
    "open_place",
    "open_places",
    "place_kind",
    "writable",
]
