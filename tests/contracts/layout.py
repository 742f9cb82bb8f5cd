"""Where the contract keeps what, as constants: for whoever proves state to others by ``eth_getProof``.

``test_layout.py`` holds them against the compiler's layout and against the storage of the deployed contract.
"""

from __future__ import annotations

from memsync.crypto.secp256k1 import keccak

VAULTS, GRANTS, PARCELS, KEYS = range(4)


def vault_slot(vault: bytes) -> bytes:
    """The first of a vault's two slots: signer, sequence, grant epoch, salt from the right; the next slot is the pointer."""
    return _entry(VAULTS.to_bytes(32, "big"), vault)


def grant_slot(vault: bytes, grant: bytes) -> bytes:
    """A grant's slot: start, end, epoch, rights, parcels, parcel salt from the right."""
    return _entry(_entry(GRANTS.to_bytes(32, "big"), vault), grant)


def parcel_slot(vault: bytes, grant: bytes) -> bytes:
    return _entry(_entry(PARCELS.to_bytes(32, "big"), vault), grant)


def key_slot(account: bytes) -> bytes:
    return _entry(KEYS.to_bytes(32, "big"), account.rjust(32, b"\0"))


def after(slot: bytes) -> bytes:
    return (int.from_bytes(slot, "big") + 1).to_bytes(32, "big")


def unpack(word: bytes, *sizes: int) -> tuple[bytes, ...]:
    """The values packed in a slot, first declared first; ``sizes`` in bytes."""
    parts, end = [], 32
    for size in sizes:
        parts.append(word[end - size : end])
        end -= size
    return tuple(parts)


def _entry(mapping: bytes, key: bytes) -> bytes:
    return keccak(key + mapping)
