"""Who has a seat in the owner block: its devices, and what two of its settings say of removals.

``removed``: ids of removed devices, whose keys are never taken again. ``replaced``: which grant took which one's place when a removal made
it anew, so that who wanted the old one's end finds the new one. In go owner blocks, out come the same with a device more or less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from memsync.format.fields import as_bytes, as_list
from memsync.format.owner import MAX_GRANTS_AND_DEVICES, Device, Owner
from memsync.ipld.dagcbor import Encodable, decode, encode

REMOVED, REPLACED = "removed", "replaced"
_MOST_REPLACED = 512
_OWNER = "owner"


def removed_devices(owner: Owner) -> frozenset[bytes]:
    """The ids of the devices that were removed."""
    rows = decode(encode(owner.settings.get(REMOVED, [])))
    return frozenset(
        as_bytes(row, 16, what=_OWNER, name="a removed device's id")
        for row in as_list(rows, what=_OWNER, name="removed devices")
    )


def replaced_grants(owner: Owner) -> dict[bytes, bytes]:
    """By a replaced grant's id, that of the one which took its place."""
    found = {}
    for row in as_list(decode(encode(owner.settings.get(REPLACED, []))), what=_OWNER, name="replaced grants"):
        old, new = as_list(row, 2, what=_OWNER, name="a replaced grant")
        found[as_bytes(old, 32, what=_OWNER, name="a grant's id")] = as_bytes(
            new, 32, what=_OWNER, name="a grant's id"
        )
    return found


def without_devices(owner: Owner, gone: Iterable[bytes] | None, *, but: bytes | None) -> Owner:
    """An owner block without these devices (None: without any), in which their ids stand as removed. That of ``but`` stays."""
    ids = {one.id for one in owner.devices} if gone is None else set(gone)
    ids.discard(but or b"")
    removed: list[Encodable] = [*sorted(removed_devices(owner) | ids)]
    return replace(
        owner,
        devices=tuple(one for one in owner.devices if one.id not in ids),
        settings={**owner.settings, REMOVED: removed},
    )


def with_replaced(owner: Owner, new: Mapping[bytes, bytes]) -> Owner:
    """An owner block that says which grants took the place of which, earlier ones followed to the end; of ended grants it says nothing."""
    before = {old: new.get(later, later) for old, later in replaced_grants(owner).items()}
    live = {grant.id for grant in owner.grants}
    rows: list[Encodable] = [
        [old, later] for old, later in sorted((before | dict(new)).items()) if later in live
    ]
    others = {name: value for name, value in owner.settings.items() if name != REPLACED}
    return replace(owner, settings=others | ({REPLACED: rows[-_MOST_REPLACED:]} if rows else {}))


def seat(owner: Owner, device: Device) -> Owner:
    """An owner block that lists the device under its name, or that with a number if another has it. One that was removed, or for which
    there is no room, is not taken."""
    known = next((one for one in owner.devices if one.id == device.id), None)
    full = len(owner.devices) + len(owner.grants) >= MAX_GRANTS_AND_DEVICES
    if device.id in removed_devices(owner) or (known is None and full):
        return owner
    others = tuple(one for one in owner.devices if one.id != device.id)
    taken, number, free = {one.name for one in others}, 1, device.name
    while free in taken:
        number += 1
        free = f"{device.name[:60]} {number}"
    added = device.added if known is None else known.added
    return replace(owner, devices=(*others, replace(device, name=free, added=added)))


def is_seated(owner: Owner, device: Device) -> bool:
    """Whether nothing is left to do for the wish that this device be listed under its name."""
    if device.id in removed_devices(owner):
        return True
    known = next((one for one in owner.devices if one.id == device.id), None)
    taken = {one.name for one in owner.devices if one.id != device.id}
    return known is not None and (known.name == device.name or device.name in taken)
