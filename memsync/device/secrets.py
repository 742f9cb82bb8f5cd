"""What a keystore holds: the two secrets from which a device gets at everything else.

``database`` opens the encrypted database, where the owner's keys lie (``sync.keys``), so that they change together with what
they belong to;
``device`` is the device's own seed. Secrets never show in a repr; what a later version adds is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from memsync.crypto.randomness import Random, system_random
from memsync.crypto.tree import DeviceKey
from memsync.errors import FormatError, InputError
from memsync.ipld.dagcbor import Encodable, Value, decode, encode

_WHAT = "keystore"
_KNOWN = frozenset({"database", "device"})


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one vault on one device, 32 bytes each; ``extra``: anything else by name."""

    database: bytes = field(repr=False)
    device: bytes = field(repr=False)
    extra: Mapping[str, Encodable] = field(default_factory=dict, repr=False, hash=False)

    def __post_init__(self) -> None:
        if len(self.database) != 32 or len(self.device) != 32:
            raise InputError("a key or seed has 32 bytes")
        if _KNOWN & self.extra.keys():
            raise InputError("a secret with a field of its own stands among the others")

    @classmethod
    def new(cls, *, random: Random = system_random) -> Secrets:
        """Those of a fresh device."""
        return cls(database=random(32), device=random(32))

    def device_key(self) -> DeviceKey:
        """The device's own key."""
        return DeviceKey(self.device)

    def to_bytes(self) -> bytes:
        """cbor of a map of what there is."""
        return encode({**self.extra, "database": self.database, "device": self.device})

    @classmethod
    def from_bytes(cls, data: bytes) -> Secrets:
        """Read them; ``FormatError("keystore", …)`` for anything else."""
        found = decode(data, what=_WHAT)
        if not isinstance(found, dict) or not found.keys() >= _KNOWN:
            raise FormatError(_WHAT, "key", "the secrets are not those of a vault")
        extra = {name: value for name, value in found.items() if name not in _KNOWN}
        return cls(_secret(found["database"]), _secret(found["device"]), extra)


def _secret(value: Value) -> bytes:
    if not isinstance(value, bytes) or len(value) != 32:
        raise FormatError(_WHAT, "length", "a secret has not 32 bytes")
    return value
