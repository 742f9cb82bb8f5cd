"""The access block: one slot per keyed reader and device, with what each needs to open the vault from this root on.

In go readers' public keys and their slots; out comes a block sealed under the pointer key, holding HPKE boxes of one size: a power of
two of them, sorted by their bytes, dummies boxed to throw-away keys among them. No box says whose it is: a reader tries its key on each.
So readers see how many slots there are, not how many readers nor which. A grant's slot opens at that grant only: its id is in the AAD.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, TypeAlias

from memsync.crypto.epochs import ContentKey, EpochKey
from memsync.crypto.hpke import OVERHEAD, HybridKey, open_box, seal_box
from memsync.crypto.kdf import derive
from memsync.crypto.randomness import Random, system_random
from memsync.crypto.sealing import ZERO16, Kind, aad, open_block, seal_block
from memsync.crypto.tree import Generation
from memsync.errors import FormatError, InputError
from memsync.format.block import Block, Ref, check_digest
from memsync.format.fields import as_bytes, as_list, as_uint, check_version
from memsync.format.lockbox import Since
from memsync.ipld.dagcbor import decode, encode

MAX_SLOTS: Final = 128
SLOT_ROOM: Final = 192
SLOT_BOX: Final = SLOT_ROOM + OVERHEAD

_WHAT: Final = "access"
_SLOT: Final = "slot"
_FROM_NOW_ON, _WITH_HISTORY, _DEVICE = range(3)


@dataclass(frozen=True, slots=True)
class FromNowOn:
    """A reader's slot without a way back: the current content key, and where the since block is and its key, if there is one.

    ``acknowledged``: parcels of this grant that the owner has taken in.
    """

    key: ContentKey
    since: Since | None
    acknowledged: int


@dataclass(frozen=True, slots=True)
class WithHistory:
    """A reader's slot with the current epoch key, which opens the lockbox."""

    key: EpochKey
    acknowledged: int


ReaderSlot: TypeAlias = FromNowOn | WithHistory


@dataclass(frozen=True, slots=True)
class Reader:
    """A grantee to write a slot for: its public key (1,216 bytes), its grant's id (32), scope id (16), and the slot."""

    box: bytes
    grant: bytes
    scope: bytes
    slot: ReaderSlot


@dataclass(frozen=True, slots=True)
class DeviceSeat:
    """A device to write a slot for, and the generation that it is handed."""

    box: bytes
    generation: Generation


@dataclass(frozen=True, slots=True)
class Access:
    """A checked access block: boxes that open to their readers only."""

    vault: bytes
    object_id: bytes
    boxes: tuple[bytes, ...] = field(repr=False)

    def reader_slot(self, key: HybridKey, *, grant: bytes, scope: bytes) -> ReaderSlot | None:
        """The slot of one grant, or None if it has none (any more).

        ``FormatError("slot", …)`` for a box that opens and holds something else.
        """
        opened = self._find(key, _reader_place(self.vault, scope, self.object_id, grant))
        if opened is None:
            return None
        slot = _read_slot(opened)
        if isinstance(slot, Generation):
            raise FormatError(_SLOT, "type", "a device's slot in a reader's box")
        return slot

    def device_slot(self, key: HybridKey) -> Generation | None:
        """The generation handed to a device, or None if it has no slot (any more). Raises like :meth:`reader_slot`."""
        opened = self._find(key, _device_place(self.vault, self.object_id))
        if opened is None:
            return None
        slot = _read_slot(opened)
        if not isinstance(slot, Generation):
            raise FormatError(_SLOT, "type", "a reader's slot in a device's box")
        return slot

    def _find(self, key: HybridKey, place: bytes) -> bytes | None:
        for box in self.boxes:
            try:
                return open_box(key, place, box, what=_SLOT)
            except FormatError as refused:
                if refused.fault != "key":
                    raise
        return None


def seal_access(
    pointer_key: bytes, seats: Sequence[Reader | DeviceSeat], *, vault: bytes, random: Random = system_random
) -> tuple[Block, Ref]:
    """Box every slot anew, fill up with dummies to the next power of two, sort and seal.

    ``InputError`` for more than 128 seats, or two slots that one reader could not tell apart.
    """
    if len(seats) > MAX_SLOTS:
        raise InputError(f"{len(seats)} slots are more than the {MAX_SLOTS} of an access block")
    object_id = random(16)
    named = [(seat.box, _place(seat, vault, object_id), _encode_slot(seat)) for seat in seats]
    if len({(box, place) for box, place, _ in named}) < len(named):
        raise InputError("a grant or device is given two slots")
    dummy_place = _device_place(vault, object_id)
    dummies = (1 << max(len(named) - 1, 0).bit_length()) - len(named)
    named += [(HybridKey.generate(random=random).public, dummy_place, b"") for _ in range(dummies)]
    boxes = sorted(seal_box(box, place, plaintext, room=SLOT_ROOM) for box, place, plaintext in named)
    plaintext = encode([1, boxes])
    block = Block.of(
        seal_block(derive(pointer_key, "access"), _block_place(vault, object_id), plaintext, random=random)
    )
    return block, Ref(object_id, block.digest)


def read_access(data: bytes, ref: Ref, *, pointer_key: bytes, vault: bytes) -> Access:
    """Open an access block and check its form.

    Raises ``FormatError("access", fault)``: ``hash``, ``size``, ``key``, ``tag`` … of the block, ``version``, ``type``, ``length``,
    ``count`` (not a power of two up to 128), ``order``, ``duplicate``.
    """
    check_digest(data, ref.digest, what=_WHAT)
    place = _block_place(vault, ref.object_id)
    plaintext = open_block(derive(pointer_key, "access"), place, data, what=_WHAT)
    fields = as_list(decode(plaintext, what=_WHAT), what=_WHAT, name="an access block")
    check_version(fields[0] if fields else None, what=_WHAT)
    _, items = as_list(fields, 2, what=_WHAT, name="an access block")
    boxes = tuple(
        as_bytes(item, SLOT_BOX, what=_WHAT, name="a slot")
        for item in as_list(items, what=_WHAT, name="slots")
    )
    if len(boxes).bit_count() != 1 or len(boxes) > MAX_SLOTS:
        raise FormatError(_WHAT, "count", f"{len(boxes)} slots are not a power of two up to {MAX_SLOTS}")
    for left, right in pairwise(boxes):
        if left >= right:
            fault = "duplicate" if left == right else "order"
            raise FormatError(_WHAT, fault, "slots are sorted by their bytes and unique")
    return Access(vault, ref.object_id, boxes)


def _block_place(vault: bytes, object_id: bytes) -> bytes:
    return aad(vault, ZERO16, ZERO16, Kind.ACCESS, object_id)


def _reader_place(vault: bytes, scope: bytes, object_id: bytes, grant: bytes) -> bytes:
    if len(grant) != 32:
        raise InputError("a grant's id has 32 bytes")
    return aad(vault, scope, ZERO16, Kind.SLOT, object_id + grant)


def _device_place(vault: bytes, object_id: bytes) -> bytes:
    return aad(vault, ZERO16, ZERO16, Kind.SLOT, object_id)


def _place(seat: Reader | DeviceSeat, vault: bytes, object_id: bytes) -> bytes:
    if isinstance(seat, DeviceSeat):
        return _device_place(vault, object_id)
    return _reader_place(vault, seat.scope, object_id, seat.grant)


def _encode_slot(seat: Reader | DeviceSeat) -> bytes:
    if isinstance(seat, DeviceSeat):
        return encode([_DEVICE, seat.generation.number, seat.generation.secret])
    slot = seat.slot
    if not 0 <= slot.acknowledged < 1 << 32:
        raise InputError("parcels acknowledged are below 2^32")
    if isinstance(slot, WithHistory):
        return encode([_WITH_HISTORY, slot.key.number, slot.key.secret, None, slot.acknowledged])
    since = None if slot.since is None else slot.since.to_value()
    return encode([_FROM_NOW_ON, slot.key.number, slot.key.secret, since, slot.acknowledged])


def _read_slot(plaintext: bytes) -> ReaderSlot | Generation:
    fields = as_list(decode(plaintext, what=_SLOT), what=_SLOT, name="a slot")
    kind = as_uint(fields[0] if fields else None, 8, what=_SLOT, name="kind")
    if kind > _DEVICE:
        raise FormatError(_SLOT, "value", f"kind {kind} of slot is not defined")
    as_list(fields, 3 if kind == _DEVICE else 5, what=_SLOT, name="a slot")
    number = as_uint(fields[1], 32, what=_SLOT, name="number")
    secret = as_bytes(fields[2], 32, what=_SLOT, name="key")
    if kind == _DEVICE:
        return Generation(secret, number)
    acknowledged = as_uint(fields[4], 32, what=_SLOT, name="acknowledged")
    if kind == _FROM_NOW_ON:
        since = None if fields[3] is None else Since.from_value(fields[3], what=_SLOT)
        return FromNowOn(ContentKey(number, secret), since, acknowledged)
    if fields[3] is not None:
        raise FormatError(_SLOT, "value", "a slot with history has no since block")
    return WithHistory(EpochKey(number, secret), acknowledged)
