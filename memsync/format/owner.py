"""The owner block: what the owner's devices need and no reader may see — scopes with their keys, grants, devices, other vaults.

In goes an :class:`Owner`, out comes a block sealed under a generation's owner key, and back. It holds the secrets of *earlier*
generations and never of later ones, so a removed device can't read on. Names in it are the person's own words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from itertools import pairwise
from types import MappingProxyType
from typing import Final, TypeVar

from memsync.crypto.epochs import EpochKey
from memsync.crypto.hpke import PUBLIC
from memsync.crypto.pairwise import PairwiseSecret
from memsync.crypto.randomness import Random, system_random
from memsync.crypto.sealing import ZERO16, Kind, aad, open_block, seal_block
from memsync.crypto.tree import Generation
from memsync.errors import FormatError, InputError
from memsync.format.block import Block, Ref, check_digest
from memsync.format.fields import as_bytes, as_list, as_map, as_uint, check_version
from memsync.format.names import read_name
from memsync.format.proofread import proofread
from memsync.format.rights import READ, SECONDS_BITS, read_rights, read_times
from memsync.ipld.dagcbor import Encodable, Value, decode, encode

MAX_GRANTS_AND_DEVICES: Final = 128

_WHAT: Final = "owner"
_KEYS: Final = frozenset(
    {"v", "generation", "locator", "pointer", "scopes", "grants", "devices", "vaults", "earlier", "settings"}
)
_Row = TypeVar("_Row")
_Key = TypeVar("_Key", bytes, int)


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope: its id (16 bytes), its name, its current epoch key."""

    id: bytes
    name: str
    epoch: EpochKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A live grant, keyed to one grantee and one scope.

    ``id`` as on chain (32 bytes); ``name`` the owner's for the grantee; ``account`` (20), ``box`` (1,216) and ``author`` (32) from its
    card; ``rights`` 1 read, 2 write, 3 both; ``start`` and ``end`` Unix seconds; ``secret`` the pairwise one; ``envelope`` its digest;
    ``since`` the number of its first epoch if it reads from now on, else None; ``acknowledged`` parcels taken in.
    """

    id: bytes
    name: str
    account: bytes
    box: bytes = field(repr=False)
    author: bytes
    scope: bytes
    rights: int
    start: int
    end: int
    secret: PairwiseSecret
    envelope: bytes
    since: int | None
    acknowledged: int


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the owner's: id (16 bytes), name, public keys, when it was added in Unix seconds."""

    id: bytes
    name: str
    box: bytes = field(repr=False)
    author: bytes
    added: int


@dataclass(frozen=True, slots=True)
class OtherVault:
    """A vault of the same words: its number i, id (32 bytes) and name."""

    number: int
    id: bytes
    name: str


@dataclass(frozen=True, slots=True)
class EarlierGeneration:
    """What of an earlier generation is still of use: the key of its owner blocks and the seed of its letter box (32 bytes each)."""

    number: int
    owner_key: bytes = field(repr=False)
    box_seed: bytes = field(repr=False)

    @classmethod
    def of(cls, generation: Generation) -> EarlierGeneration:
        """Of a generation that is being replaced."""
        return cls(generation.number, generation.owner_key(), generation.box_seed())


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """All that the owner block says. ``locator`` l and ``pointer`` k tell which pointer key is in use; ``vaults`` in vault 0 only.

    ``settings`` is kept as it is, keys that nobody here knows among it.
    """

    generation: int
    locator: int
    pointer: int
    scopes: tuple[Scope, ...]
    grants: tuple[Grant, ...] = ()
    devices: tuple[Device, ...] = ()
    vaults: tuple[OtherVault, ...] = ()
    earlier: tuple[EarlierGeneration, ...] = ()
    settings: Mapping[str, Encodable] = field(default_factory=lambda: MappingProxyType({}))


_GRANT: Final = frozenset(field.name for field in fields(Grant))


def seal_owner(
    owner: Owner, *, generation: Generation, vault: bytes, random: Random = system_random
) -> tuple[Block, Ref]:
    """Seal under the owner key of ``generation``; rows in any order are written sorted. ``InputError`` for what can't be read back."""
    if owner.generation != generation.number:
        raise InputError("an owner block is sealed under the key of the generation that it names")
    plaintext = _encode(owner)
    proofread(lambda: _read(plaintext))
    object_id = random(16)
    place = aad(vault, ZERO16, ZERO16, Kind.OWNER, object_id)
    block = Block.of(seal_block(generation.owner_key(), place, plaintext, random=random))
    return block, Ref(object_id, block.digest)


def read_owner(data: bytes, ref: Ref, *, owner_key: bytes, generation: int, vault: bytes) -> Owner:
    """Open and check an owner block; ``owner_key`` and ``generation`` are of the root that names it.

    Raises ``FormatError("owner", fault)``: ``hash``, ``size``, ``key``, ``tag`` … of the block, ``version``, ``missing``, ``key``,
    ``type``, ``length``, ``value``, ``order``, ``duplicate``, ``count``.
    """
    check_digest(data, ref.digest, what=_WHAT)
    place = aad(vault, ZERO16, ZERO16, Kind.OWNER, ref.object_id)
    owner = _read(open_block(owner_key, place, data, what=_WHAT))
    if owner.generation != generation:
        raise FormatError(_WHAT, "value", "an owner block of another generation than its root")
    return owner


def _encode(owner: Owner) -> bytes:
    return encode(
        {
            "v": 1,
            "generation": owner.generation,
            "locator": owner.locator,
            "pointer": owner.pointer,
            "scopes": [
                [scope.id, scope.name, scope.epoch.number, scope.epoch.secret]
                for scope in sorted(owner.scopes, key=lambda scope: scope.id)
            ],
            "grants": [_grant_value(grant) for grant in sorted(owner.grants, key=lambda grant: grant.id)],
            "devices": [
                [device.id, device.name, device.box, device.author, device.added]
                for device in sorted(owner.devices, key=lambda device: device.id)
            ],
            "vaults": [
                [vault.number, vault.id, vault.name]
                for vault in sorted(owner.vaults, key=lambda vault: vault.number)
            ],
            "earlier": [
                [earlier.number, earlier.owner_key, earlier.box_seed]
                for earlier in sorted(owner.earlier, key=lambda earlier: earlier.number)
            ],
            "settings": dict(owner.settings),
        }
    )


def _grant_value(grant: Grant) -> dict[str, Encodable]:
    value: dict[str, Encodable] = {name: getattr(grant, name) for name in _GRANT}
    return value | {"secret": grant.secret.secret}


def _read(plaintext: bytes) -> Owner:
    found = as_map(decode(plaintext, what=_WHAT), what=_WHAT, name="an owner block")
    check_version(found.get("v"), what=_WHAT)
    as_map(found, _KEYS, what=_WHAT, name="an owner block")
    owner = Owner(
        generation=_u32(found["generation"], "generation"),
        locator=_u32(found["locator"], "locator"),
        pointer=_u32(found["pointer"], "pointer"),
        scopes=_rows(found["scopes"], "scopes", _read_scope, lambda scope: scope.id),
        grants=_rows(found["grants"], "grants", _read_grant, lambda grant: grant.id),
        devices=_rows(found["devices"], "devices", _read_device, lambda device: device.id),
        vaults=_rows(found["vaults"], "vaults", _read_vault, lambda vault: vault.number),
        earlier=_rows(found["earlier"], "earlier", _read_earlier, lambda earlier: earlier.number),
        settings=MappingProxyType(as_map(found["settings"], what=_WHAT, name="settings")),
    )
    if len({scope.name for scope in owner.scopes}) < len(owner.scopes):
        raise FormatError(_WHAT, "duplicate", "two scopes have one name")
    if len(owner.grants) + len(owner.devices) > MAX_GRANTS_AND_DEVICES:
        raise FormatError(_WHAT, "count", f"more than {MAX_GRANTS_AND_DEVICES} grants and devices")
    if owner.earlier and owner.earlier[-1].number >= owner.generation:
        raise FormatError(_WHAT, "value", "it holds the keys of a generation that is not earlier")
    return owner


def _rows(
    value: Value, name: str, read: Callable[[Value], _Row], key: Callable[[_Row], _Key]
) -> tuple[_Row, ...]:
    rows = tuple(read(item) for item in as_list(value, what=_WHAT, name=name))
    for left, right in pairwise(key(row) for row in rows):
        if left >= right:
            fault = "duplicate" if left == right else "order"
            raise FormatError(_WHAT, fault, f"{name} are in ascending order and unique")
    return rows


def _read_scope(value: Value) -> Scope:
    scope, name, number, secret = as_list(value, 4, what=_WHAT, name="a scope")
    epoch = EpochKey(_u32(number, "number"), _bytes(secret, 32, "a scope's key"))
    return Scope(_bytes(scope, 16, "a scope's id"), read_name(name, what=_WHAT), epoch)


def _read_grant(value: Value) -> Grant:
    found = as_map(value, _GRANT, what=_WHAT, name="a grant")
    rights = read_rights(found["rights"], what=_WHAT)
    start, end = read_times(found["start"], found["end"], what=_WHAT)
    since = None if found["since"] is None else _u32(found["since"], "since")
    if since is not None and not rights & READ:
        raise FormatError(_WHAT, "value", "a grant that does not read has no first epoch")
    return Grant(
        id=_bytes(found["id"], 32, "a grant's id"),
        name=read_name(found["name"], what=_WHAT),
        account=_bytes(found["account"], 20, "account"),
        box=_bytes(found["box"], PUBLIC, "box"),
        author=_bytes(found["author"], 32, "author"),
        scope=_bytes(found["scope"], 16, "scope"),
        rights=rights,
        start=start,
        end=end,
        secret=PairwiseSecret(_bytes(found["secret"], 32, "secret")),
        envelope=_bytes(found["envelope"], 32, "envelope"),
        since=since,
        acknowledged=_u32(found["acknowledged"], "acknowledged"),
    )


def _read_device(value: Value) -> Device:
    device, name, box, author, added = as_list(value, 5, what=_WHAT, name="a device")
    return Device(
        _bytes(device, 16, "a device's id"),
        read_name(name, what=_WHAT),
        _bytes(box, PUBLIC, "box"),
        _bytes(author, 32, "author"),
        as_uint(added, SECONDS_BITS, what=_WHAT, name="added"),
    )


def _read_vault(value: Value) -> OtherVault:
    number, vault, name = as_list(value, 3, what=_WHAT, name="a vault")
    return OtherVault(_u32(number, "i"), _bytes(vault, 32, "a vault's id"), read_name(name, what=_WHAT))


def _read_earlier(value: Value) -> EarlierGeneration:
    number, owner_key, box_seed = as_list(value, 3, what=_WHAT, name="an earlier generation")
    return EarlierGeneration(
        _u32(number, "generation"), _bytes(owner_key, 32, "owner key"), _bytes(box_seed, 32, "box seed")
    )


def _u32(value: Value, name: str) -> int:
    return as_uint(value, 32, what=_WHAT, name=name)


def _bytes(value: Value, length: int, name: str) -> bytes:
    return as_bytes(value, length, what=_WHAT, name=name)
