"""A vault's verbs about its devices: list, rename, add one without the words, remove one with them.

A device is added by its request and gets an answer that only it can open. One is removed by a new generation: another signer, new keys of
every scope, the grants that may write made anew. Whatever breaks a removal off, the next push of this device goes on with it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace

from memsync.crypto.tree import RootKey
from memsync.crypto.words import from_words
from memsync.device.contacts import grouped
from memsync.device.history import Deed
from memsync.errors import (
    ChainError,
    DeviceRemoved,
    InputError,
    IntegrityError,
    NotFoundError,
    StorageError,
    WrongWords,
)
from memsync.format.owner import Device as OwnerDevice
from memsync.format.owner import Owner
from memsync.format.pairing import Request, read_request, seal_answer
from memsync.sync.devices import known_devices, name_this_device, this_device
from memsync.sync.inbox import collect
from memsync.sync.keys import OwnerKeys
from memsync.sync.pull import take_in
from memsync.sync.push import Receipt, push
from memsync.sync.removal import (
    DEADLINE_SECONDS,
    find_with_words,
    note_removal,
    plan_removal,
    removal_under_way,
)
from memsync.sync.seats import removed_devices
from memsync.sync.standing import owner_of
from memsync.sync.wishes import DEVICE, read_wishes, wish_device
from memsync.vault.access import AccessVerbs, Grant
from memsync.vault.pairing import JoiningDevice

REQUEST_LIFE = 86_400
_AHEAD = 3_600  # seconds that another clock may be ahead
_TURNS = 8


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the vault: its id (16 bytes; as ``fingerprint`` for a person), name, since when (Unix seconds), whether it is this one.
    ``listed``: False for this one while no push has listed it."""

    id: bytes
    name: str
    added: int
    this: bool
    listed: bool = True

    @property
    def fingerprint(self) -> str:
        return grouped(self.id)


@dataclass(frozen=True, slots=True)
class AddedDevice:
    """A device that was added, the ``answer`` to hand to it, which only it can open, the vault's id (32 bytes), which it shows too, and the
    sequence of the push, 0 if it was listed already."""

    device: Device
    answer: bytes = field(repr=False)
    vault: bytes
    sequence: int


@dataclass(frozen=True, slots=True)
class RemovedDevice:
    """A device that was removed: its name, the vault's new generation, the push's sequence and transaction, the scopes with new keys, the
    grants made anew, whose links are to be handed over, and the names of devices that must be joined again (after ``stolen``)."""

    name: str
    generation: int
    sequence: int
    transaction: bytes
    rotated: tuple[str, ...]
    grants: tuple[Grant, ...]
    again: tuple[str, ...]


class DeviceVerbs(AccessVerbs):
    """What a person does about the devices that have the vault."""

    def devices(self) -> list[Device]:
        """The vault's devices as of the last push or pull, the oldest first, and this one even if it isn't listed yet."""
        at = self._replica
        here, listed = this_device(at), self._listed()
        found = [_shown(one, here) for one in listed]
        if here is not None and all(one.id != here.id for one in listed):
            found.append(replace(_shown(here, here), listed=False))
        return found

    @property
    def generation(self) -> int:
        """How many times a device was removed, as of the last push or pull."""
        return known_devices(self._replica)[0]

    def rename_device(self, who: str, name: str) -> None:
        """Call a device by another name from the next push on. ``NotFoundError``; ``InputError`` for what is no name, or another's."""
        with self._working("device rename") as at:
            here, listed = this_device(at), self._listed()
            everybody = [*listed, *([] if here is None or here.id in {one.id for one in listed} else [here])]
            device = _meant(everybody, who)
            if any(one.name == name and one.id != device.id for one in everybody):
                raise InputError(f"another device is called {name!r}; choose another name")
            wish = wish_device(replace(device, name=name), created=at.now_ms())
            if here is not None and device.id == here.id:
                name_this_device(at, name)
            if device.id in {one.id for one in listed}:
                at.journal.remove([ordinal for ordinal, one in self._renamed() if one.id == device.id])
                at.journal.add(wish)

    def add_device(
        self, request: Request | bytes, *, name: str | None = None, again: bool = False
    ) -> AddedDevice:
        """Add the device that made this request: pushes what waits, and the device's seat with it, and answers with the keys.

        Compare the fingerprint before: whoever made the request gets the whole vault. ``again``: answer a listed device once
        more, whose answer was lost or which lost its way. ``InputError`` for a request that is more than a day old, of a device that is
        listed already or was removed; ``FormatError`` and ``SignatureInvalid`` for what is none; what ``push`` raises.
        """
        request = read_request(request) if isinstance(request, bytes) else request
        with self._lock.hold("device add"):
            at, standing = self._replica, self._standing()
            if standing is None:
                raise ChainError("the vault is on no chain yet; push first")
            self._check_request(request, standing.owner, again=again)
            known = next((one for one in standing.owner.devices if one.id == request.device), None)
            wanted = OwnerDevice(
                request.device, name or request.name, request.box, request.author, int(at.clock())
            )
            receipt = Receipt()
            if known is None:
                entry = at.journal.add(wish_device(wanted, created=at.now_ms()))
                with self._wishing(entry):
                    receipt = push(at, self._first_owner())
                self._note("device", receipt, f"added {wanted.name}")
            keys = self._keys()
            listed = known_devices(at)[1] if known is None else [known]
            device = next((one for one in listed if one.id == request.device), None)
            if device is None:
                raise InputError("the vault has no room for another device; end a grant, or remove a device")
            answer = seal_answer(request, replace(keys, before=None).to_bytes())
            return AddedDevice(_shown(device, None), answer, keys.vault, receipt.sequence)

    def pair_device(self, joining: JoiningDevice, *, name: str | None = None) -> AddedDevice:
        """Add the device at the other end of a socket, whose code or fingerprint was compared, and hand it the keys.

        Nothing is done before the person said yes there too. One that is listed already, as after a pairing that was broken off, gets
        its answer again. ``DeviceGone``, ``CodesDiffer``; what :meth:`add_device` raises.
        """
        joining.wait_for_yes()
        added = self.add_device(joining.request, name=name, again=True)
        joining.hand_over(added.answer)
        return added

    def remove_device(self, who: str, words: str, *, stolen: bool = False) -> RemovedDevice:
        """Remove a device, by name or id: it reads nothing that is pushed from now on, and signs nothing more. Pushes what waits.

        ``stolen``: it shall not even see that the vault changes. All grants are made anew then, and the other devices are
        to be joined again. ``WrongWords``; ``NotFoundError``; ``InputError`` for the device at hand; ``DeviceRemoved`` if another removed
        this one meanwhile; what ``push`` raises: then say it again, or push.
        """
        root = RootKey(from_words(words))
        with self._lock.hold("device remove"):
            at, keys = self._replica, self._own(root)
            device, receipt = None, Receipt()
            for _ in range(_TURNS):
                found = self._begin_removal(root, keys, device or who, stolen=stolen)
                if found is None:  # it was done before, and not known here
                    take_in(at, keys, at.registry.snapshot(keys.vault))
                    break
                device = found
                self._collect_first(keys)
                receipt = push(at, self._first_owner())
                if all(one.id != device.id for one in known_devices(at)[1]):
                    break
            else:
                raise ChainError("other devices were faster each time; nothing is lost, say it again")
            return self._removed(device, receipt, stolen=stolen)

    # ------------------------------------------------------------------

    def _listed(self) -> list[OwnerDevice]:
        """The devices of the vault, by the names that they are to have."""
        names = {one.id: one.name for _, one in self._renamed()}
        return [replace(one, name=names.get(one.id, one.name)) for one in known_devices(self._replica)[1]]

    def _renamed(self) -> list[tuple[int, OwnerDevice]]:
        """What waits about devices, with the entries that it came from."""
        entries = self._replica.journal.entries(kind=DEVICE)
        return [(entry.ordinal, one) for entry in entries for one in read_wishes([entry]).devices]

    def _check_request(self, request: Request, owner: Owner, *, again: bool) -> None:
        age = int(self._replica.clock()) - request.issued
        if not -_AHEAD <= age <= REQUEST_LIFE:
            raise InputError(
                "the request is not of today, or the clocks of the devices differ; make a new one by `memsync device join`"
            )
        if request.device in removed_devices(owner):
            raise InputError(
                "this device was removed, and its old keys are not taken again; let it ask under another name, "
                "`memsync device join --vault NAME`"
            )
        listed = {one.id: one.name for one in owner.devices}
        if request.device in listed and not again:
            raise InputError(
                f"this device is in the vault already, as {listed[request.device]!r}; "
                "if its answer was lost, say `memsync device add --again`"
            )

    def _own(self, root: RootKey) -> OwnerKeys:
        keys = self._keys()
        if root.owner(keys.chain_id, keys.contract, keys.number).address != keys.owner:
            raise WrongWords("these are the words of another vault; give this one's")
        return keys

    def _begin_removal(
        self, root: RootKey, keys: OwnerKeys, who: str | OwnerDevice, *, stolen: bool
    ) -> OwnerDevice | None:
        """Write down what is to be done; None if the device has no seat any more."""
        at = self._replica
        snapshot = at.registry.snapshot(keys.vault)
        state = snapshot.vault
        if state is None:
            raise ChainError("the vault is on no chain yet; push first")
        found = find_with_words(
            root,
            state,
            chain_id=keys.chain_id,
            contract=keys.contract,
            number=keys.number,
            fetch=at.fetch,
        )
        owner, here = owner_of(found.root, found.keys, at.fetch), this_device(at)
        if here is not None and here.id in removed_devices(owner):
            raise DeviceRemoved
        gone, wished = removed_devices(owner), {one.id: one.name for one in self._listed()}
        listed = [replace(one, name=wished.get(one.id, one.name)) for one in owner.devices]
        before = [one for one in self._listed() if one.id in gone]
        device = _meant([*listed, *before], who if isinstance(who, str) else who.id.hex())
        if device.id in gone:
            return None
        if here is not None and device.id == here.id:
            raise InputError(_HERE if len(owner.devices) > 1 else _ONLY)
        devices, begun = frozenset({device.id}), removal_under_way(at)
        if begun is not None and begun.generation <= found.root.generation:
            begun = None
        if begun is not None:
            devices |= begun.devices or frozenset()
            stolen = stolen or begun.epoch is not None
        deadline = at.time_at(snapshot) + DEADLINE_SECONDS
        removal = plan_removal(root, found, state, devices, stolen=stolen, deadline=deadline)
        if begun is not None and begun.epoch is not None:
            removal = replace(removal, epoch=begun.epoch)
        with at.database.transaction():
            note_removal(at, removal)
        return device

    def _collect_first(self, keys: OwnerKeys) -> None:
        """Take in what tools proposed under grants that are about to be made anew, as far as it can be had."""
        at = self._replica
        _, standing = take_in(at, keys, at.registry.snapshot(keys.vault))
        if standing is not None:
            ids = [grant.id for grant in standing.owner.grants]
            with suppress(ChainError, StorageError, IntegrityError):
                collect(at, standing.keys, at.registry.snapshot(keys.vault, ids), standing)

    def _removed(self, device: OwnerDevice | None, receipt: Receipt, *, stolen: bool) -> RemovedDevice:
        at, keys = self._replica, self._keys()
        here, (generation, listed) = this_device(at), known_devices(at)
        name = "the device" if device is None else device.name
        if receipt.sequence:
            detail = f"removed {name}" + (", stolen" if stolen else "")
            self._history.append(
                Deed(at.now_ms(), "device", receipt.sequence, None, receipt.transaction, detail)
            )
        again = tuple(one.name for one in listed if here is None or one.id != here.id) if stolen else ()
        grants = tuple(self._granted(keys, grant) for grant in receipt.replaced.values())
        return RemovedDevice(
            name, generation, receipt.sequence, receipt.transaction, receipt.rotated, grants, again
        )


_HERE = "this is the device at hand; remove it from another one, or put its vault's folder away"
_ONLY = "this is the vault's only device, and without one nothing could read it; add another first, by `memsync device add`"


def _shown(device: OwnerDevice, here: OwnerDevice | None) -> Device:
    return Device(device.id, device.name, device.added, here is not None and device.id == here.id)


def _meant(devices: list[OwnerDevice], who: str) -> OwnerDevice:
    """The device of this name, or whose id begins so."""
    short = who.replace(" ", "").lower()
    named = [one for one in devices if one.name == who]
    found = named or [one for one in devices if len(short) >= 8 and one.id.hex().startswith(short)]
    if len(found) != 1:
        names = ", ".join(sorted(one.name for one in devices)) or "none"
        raise NotFoundError(f"no device {who!r} in this vault; there are: {names}")
    return found[0]
