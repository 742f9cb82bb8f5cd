"""This device, and the owner's devices as this one remembers them. The owner block is the truth (``seats``)."""

from __future__ import annotations

import platform

from memsync.format.fields import as_bytes, as_list, as_uint
from memsync.format.names import MAX_NAME, read_name
from memsync.format.owner import Device, Owner
from memsync.format.pairing import device_id
from memsync.format.rights import SECONDS_BITS
from memsync.ipld.dagcbor import Encodable, Value, decode, encode
from memsync.sync.replica import DEVICES, Replica

DEVICE_NAME = "device-name"
_WHAT = "database"


def this_device(replica: Replica) -> Device | None:
    """This device as the owner block is to have it; None where the replica is no owner's."""
    if replica.device is None:
        return None
    box, author = replica.device.box().public, replica.device.author().public
    return Device(device_id(box, author), _own_name(replica), box, author, int(replica.clock()))


def name_this_device(replica: Replica, name: str) -> None:
    """What to call this device where it is not listed yet; ``FormatError`` for what can't be a name."""
    replica.meta.put(DEVICE_NAME, read_name(name, what="device").encode())


def default_name() -> str:
    """What the system calls this machine, as far as that is a name."""
    shown = "".join(char for char in platform.node() if char.isprintable())
    return shown[:MAX_NAME] or "device"


def remember_devices(replica: Replica, owner: Owner) -> None:
    """Know the devices of this owner block, and its generation, and no others."""
    rows: list[Encodable] = [device_row(one) for one in owner.devices]
    replica.meta.put(DEVICES, encode([owner.generation, rows]))


def known_devices(replica: Replica) -> tuple[int, list[Device]]:
    """The generation and the devices that were remembered, the oldest first."""
    data = replica.meta.get(DEVICES)
    if data is None:
        return 0, []
    generation, rows = as_list(decode(data), 2, what=_WHAT, name="devices")
    found = [read_device(row, what=_WHAT) for row in as_list(rows, what=_WHAT, name="devices")]
    number = as_uint(generation, 32, what=_WHAT, name="generation")
    return number, sorted(found, key=lambda one: (one.added, one.name))


def device_row(device: Device) -> list[Encodable]:
    """The list that stands for a device."""
    return [device.id, device.name, device.box, device.author, device.added]


def read_device(row: Value, *, what: str) -> Device:
    """A device from the list that stands for it; ``FormatError(what, …)`` for anything else."""
    device, name, box, author, added = as_list(row, 5, what=what, name="a device")
    return Device(
        as_bytes(device, 16, what=what, name="a device's id"),
        read_name(name, what=what),
        as_bytes(box, what=what, name="box"),
        as_bytes(author, 32, what=what, name="author"),
        as_uint(added, SECONDS_BITS, what=what, name="added"),
    )


def _own_name(replica: Replica) -> str:
    data = replica.meta.get(DEVICE_NAME)
    return default_name() if data is None else data.decode()
