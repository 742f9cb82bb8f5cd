"""What a keystore holds: the secrets of one vault on one device, and the names of what they belong to.

A device starts with its own seed and a database key; an owner's with R too, until the vault is opened on chain (ids depend on the chain)
and R goes to paper. Then come the vault's id, P and W. Secrets never show in a repr; what a later version adds is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from memsync.crypto.randomness import Random, system_random
from memsync.crypto.tree import DeviceKey, Generation, Locator, RootKey
from memsync.errors import FormatError, InputError, LockedError
from memsync.ipld.dagcbor import Encodable, Value, decode, encode

_WHAT = "keystore"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a vault is: chain id, contract (20 bytes), vault id (32 bytes), and which vault of its R it is."""

    chain_id: int
    contract: bytes
    vault: bytes
    index: int = 0


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one vault on one device, 32 bytes each.

    ``database``: key of the local database. ``device``: the device's seed. ``root``: R, None once it is on paper only. ``place``: None
    until the vault is on a chain. ``locator``: P, ``locator_number`` l, ``pointer`` k; ``generation``: W with its number. ``extra``:
    anything else by name.
    """

    database: bytes = field(repr=False)
    device: bytes = field(repr=False)
    root: bytes | None = field(default=None, repr=False)
    place: Place | None = None
    locator: bytes | None = field(default=None, repr=False)
    locator_number: int = 0
    pointer: int = 0
    generation: bytes | None = field(default=None, repr=False)
    generation_number: int = 0
    extra: Mapping[str, Encodable] = field(default_factory=dict, repr=False, hash=False)

    def __post_init__(self) -> None:
        for secret in (self.database, self.device, self.root, self.locator, self.generation):
            if secret is not None and len(secret) != 32:
                raise InputError("a key or seed has 32 bytes")
        if _KNOWN & self.extra.keys():
            raise InputError("a secret with a field of its own stands among the others")

    @classmethod
    def new(cls, *, root: bytes | None = None, random: Random = system_random) -> Secrets:
        """Those of a fresh device; with ``root`` (R) for one that makes or restores a vault."""
        return cls(database=random(32), device=random(32), root=root)

    def device_key(self) -> DeviceKey:
        """The device's own key."""
        return DeviceKey(self.device)

    def root_key(self) -> RootKey:
        """R; ``LockedError`` when it is on paper only."""
        if self.root is None:
            raise LockedError("this needs the 24 words: the keystore no longer holds them")
        return RootKey(self.root)

    def vault_place(self) -> Place:
        """Where the vault is; ``LockedError`` when it is on no chain yet."""
        if self.place is None:
            raise LockedError("this vault is on no chain yet; `memsync chain use NETWORK`, then push")
        return self.place

    def locator_key(self) -> Locator:
        """P."""
        if self.locator is None:
            raise LockedError("this keystore can't find the vault's roots: it has no locator")
        return Locator(self.locator)

    def pointer_key(self) -> bytes:
        """pointerKey k, 32 bytes."""
        return self.locator_key().pointer_key(self.pointer)

    def generation_key(self) -> Generation:
        """W."""
        if self.generation is None:
            raise LockedError("this keystore can't act for the vault's owner: it has no generation secret")
        return Generation(self.generation, self.generation_number)

    def placed(self, place: Place, *, keep_root: bool = False) -> Secrets:
        """The same at a place on a chain, with P, W and k begun anew from R; R leaves unless ``keep_root``."""
        root = self.root_key()
        return replace(
            self,
            place=place,
            locator=root.locator(place.vault, 0).secret,
            locator_number=0,
            pointer=0,
            generation=root.generation(place.vault, 0).secret,
            generation_number=0,
            root=self.root if keep_root else None,
        )

    def to_bytes(self) -> bytes:
        """cbor of a map of what there is."""
        place = self.place
        value: dict[str, Encodable] = {
            **self.extra,
            "database": self.database,
            "device": self.device,
            "root": self.root,
            "place": None if place is None else [place.chain_id, place.contract, place.vault, place.index],
            "locator": None if self.locator is None else [self.locator_number, self.locator],
            "pointer": self.pointer,
            "generation": None if self.generation is None else [self.generation_number, self.generation],
        }
        return encode(value)

    @classmethod
    def from_bytes(cls, data: bytes) -> Secrets:
        """Read them; ``FormatError("keystore", …)`` for anything else."""
        found = decode(data, what=_WHAT)
        if not isinstance(found, dict) or not found.keys() >= _KNOWN:
            raise FormatError(_WHAT, "key", "the secrets are not those of a vault")
        locator_number, locator = _numbered(found["locator"])
        generation_number, generation = _numbered(found["generation"])
        return cls(
            database=_secret(found["database"]),
            device=_secret(found["device"]),
            root=None if found["root"] is None else _secret(found["root"]),
            place=_place(found["place"]),
            locator=locator,
            locator_number=locator_number,
            pointer=_number(found["pointer"]),
            generation=generation,
            generation_number=generation_number,
            extra={name: value for name, value in found.items() if name not in _KNOWN},
        )


_KNOWN = frozenset({"database", "device", "root", "place", "locator", "pointer", "generation"})


def _secret(value: Value, length: int = 32) -> bytes:
    if not isinstance(value, bytes) or len(value) != length:
        raise FormatError(_WHAT, "length", f"a secret or id has not {length} bytes")
    return value


def _number(value: Value) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 53:
        raise FormatError(_WHAT, "value", "a number is not within 0 … 2^53 - 1")
    return value


def _numbered(value: Value) -> tuple[int, bytes | None]:
    if value is None:
        return 0, None
    if not isinstance(value, list) or len(value) != 2:
        raise FormatError(_WHAT, "type", "a numbered secret is not a pair")
    return _number(value[0]), _secret(value[1])


def _place(value: Value) -> Place | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 4:
        raise FormatError(_WHAT, "type", "a place has not four parts")
    chain_id, contract, vault, index = value
    return Place(_number(chain_id), _secret(contract, 20), _secret(vault), _number(index))
