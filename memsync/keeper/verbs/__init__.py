"""Every verb, by the thing it is about. Importing this fills the table ``memsync.keeper.verb.VERBS``."""

from memsync.keeper.verbs import (
    access,
    chain,
    clients,
    contacts,
    devices,
    exchange,
    finding,
    memories,
    places,
    reviewing,
    shared,
    upkeep,
    vaults,
)

__all__ = [
    "access",
    "chain",
    "clients",
    "contacts",
    "devices",
    "exchange",
    "finding",
    "memories",
    "places",
    "reviewing",
    "shared",
    "upkeep",
    "vaults",
]
