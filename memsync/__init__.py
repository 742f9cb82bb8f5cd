"""Memory for AI that belongs to the person it is about.

``open`` opens a vault of this device, ``Vault.create`` makes one, ``Vault.restore`` brings one back from its words; ``Tool`` and
``SharedVault`` are the other side, who was granted something. Chains come by ``memsync.chain.ape.connect``, doubles for your tests from
``memsync.testing``.

``import memsync`` loads nothing but this file: each name below is fetched from its module when first asked for, so that a
program that only reads a memory never pays for a chain, and Ape is loaded by ``memsync.chain.ape`` alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Unpack

    from memsync.chain.registry import Registry
    from memsync.errors import (
        AccessError,
        BlockMissing,
        CallRefused,
        ChainError,
        ChainReset,
        ChainUnreachable,
        CodesDiffer,
        DecisionNeeded,
        DeviceGone,
        DeviceRemoved,
        Forked,
        FormatError,
        InputError,
        IntegrityError,
        LockedError,
        MemSyncError,
        NotFoundError,
        NotOpen,
        PayerError,
        PayerLocked,
        PointerInvalid,
        RolledBack,
        SignatureInvalid,
        Stale,
        StorageError,
        TokenRefused,
        VaultMoved,
        WrongContract,
        WrongPassphrase,
        WrongWords,
    )
    from memsync.format.card import Card, read_card, write_card
    from memsync.intake import ImportOptions, Report
    from memsync.memory import Draft, InvalidMemory, Memory, Source, Tombstone
    from memsync.recall import Hit
    from memsync.shared import Change, Refreshed, SharedVault, Tool
    from memsync.store import (
        BlockStore,
        CarStore,
        DirectoryStore,
        GatewayStore,
        MirrorStore,
        open_place,
        open_places,
    )
    from memsync.sync.push import Receipt
    from memsync.vault import (
        AddedDevice,
        Decided,
        Decision,
        Device,
        Exported,
        ExportedMemories,
        Finding,
        Grant,
        GrantAgain,
        Proposal,
        Relocated,
        RemovedDevice,
        ScopeSummary,
        ServedGrant,
        ServedVault,
        Status,
        Vault,
        Verification,
    )
    from memsync.vault.base import Where

__all__ = [
    "AccessError",
    "AddedDevice",
    "BlockMissing",
    "BlockStore",
    "CallRefused",
    "CarStore",
    "Card",
    "ChainError",
    "ChainReset",
    "ChainUnreachable",
    "Change",
    "CodesDiffer",
    "Decided",
    "Decision",
    "DecisionNeeded",
    "Device",
    "DeviceGone",
    "DeviceRemoved",
    "DirectoryStore",
    "Draft",
    "Exported",
    "ExportedMemories",
    "Finding",
    "Forked",
    "FormatError",
    "GatewayStore",
    "Grant",
    "GrantAgain",
    "Hit",
    "ImportOptions",
    "InputError",
    "IntegrityError",
    "InvalidMemory",
    "LockedError",
    "MemSyncError",
    "Memory",
    "MirrorStore",
    "NotFoundError",
    "NotOpen",
    "PayerError",
    "PayerLocked",
    "PointerInvalid",
    "Proposal",
    "Receipt",
    "Refreshed",
    "Registry",
    "Relocated",
    "RemovedDevice",
    "Report",
    "RolledBack",
    "ScopeSummary",
    "ServedGrant",
    "ServedVault",
    "SharedVault",
    "SignatureInvalid",
    "Source",
    "Stale",
    "Status",
    "StorageError",
    "TokenRefused",
    "Tombstone",
    "Tool",
    "Vault",
    "VaultMoved",
    "Verification",
    "WrongContract",
    "WrongPassphrase",
    "WrongWords",
    "__version__",
    "open",
    "open_place",
    "open_places",
    "read_card",
    "write_card",
]

_NAMES = {
    "memsync.chain.registry": ("Registry",),
    "memsync.errors": (
        "AccessError",
        "BlockMissing",
        "CallRefused",
        "ChainError",
        "ChainReset",
        "ChainUnreachable",
        "CodesDiffer",
        "DecisionNeeded",
        "DeviceGone",
        "DeviceRemoved",
        "Forked",
        "FormatError",
        "InputError",
        "IntegrityError",
        "LockedError",
        "MemSyncError",
        "NotFoundError",
        "NotOpen",
        "PayerError",
        "PayerLocked",
        "PointerInvalid",
        "RolledBack",
        "SignatureInvalid",
        "Stale",
        "StorageError",
        "TokenRefused",
        "VaultMoved",
        "WrongContract",
        "WrongPassphrase",
        "WrongWords",
    ),
    "memsync.format.card": (
        "Card",
        "read_card",
        "write_card",
    ),
    "memsync.intake": (
        "ImportOptions",
        "Report",
    ),
    "memsync.memory": (
        "Draft",
        "InvalidMemory",
        "Memory",
        "Source",
        "Tombstone",
    ),
    "memsync.recall": ("Hit",),
    "memsync.shared": (
        "Change",
        "Refreshed",
        "SharedVault",
        "Tool",
    ),
    "memsync.store": (
        "BlockStore",
        "CarStore",
        "DirectoryStore",
        "GatewayStore",
        "MirrorStore",
        "open_place",
        "open_places",
    ),
    "memsync.sync.push": ("Receipt",),
    "memsync.vault": (
        "AddedDevice",
        "Decided",
        "Decision",
        "Device",
        "Exported",
        "ExportedMemories",
        "Finding",
        "Grant",
        "GrantAgain",
        "Proposal",
        "Relocated",
        "RemovedDevice",
        "ScopeSummary",
        "ServedGrant",
        "ServedVault",
        "Status",
        "Vault",
        "Verification",
    ),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}


def open(  # noqa: A001 - memsync.open, as in gzip.open
    name: str | None = None, *, passphrase: str, home: Path | None = None, **where: Unpack[Where]
) -> Vault:
    """Open a vault of this device; see ``Vault.open``. ``name``: by default the one that `memsync vault use` chose.

    ``where``: ``store`` and ``registry``, for the verbs that talk to others. ``NotFoundError``, ``WrongPassphrase``, ``FormatError`` for a
    damaged keystore or database.
    """
    from memsync.device.config import settings
    from memsync.vault import Vault

    return Vault.open(name or settings(None, home).vault, passphrase=passphrase, home=home, **where)


def __getattr__(name: str) -> object:
    if name in _MODULES:
        value: object = getattr(import_module(_MODULES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'memsync' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
