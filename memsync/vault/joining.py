"""How a device that has no words comes to a vault: it asks with a request of its own keys, and the answer brings the vault's.

While it waits for the answer a new device has a folder ``joining`` with its keystore and its request; the vault's own files come to be
when the answer is there, whole or not at all. A device that has the vault already, and lost its way to it, asks from its database.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from memsync.crypto.randomness import Random
from memsync.device.contacts import grouped
from memsync.device.keystore_file import Cost, create_keystore, read_keystore
from memsync.device.paths import VaultPaths
from memsync.device.secrets import Secrets
from memsync.errors import CodesDiffer, FormatError, InputError, LockedError, NotFoundError
from memsync.format.certificate import check_certificate
from memsync.format.pairing import Request, bare, open_answer, read_request, sign_request, write_request
from memsync.store.directory import flush
from memsync.store.faults import named
from memsync.sync.devices import default_name
from memsync.sync.keys import OwnerKeys
from memsync.sync.pull import pull
from memsync.sync.replica import KEYS
from memsync.vault.base import OpenVault
from memsync.vault.pairing import AddingDevice, reach

JOINING = "joining"
_REQUEST = "request"
_ANSWER = "answer"
_NOTHING = "it is not taken, start again on both devices"


class JoiningVerbs(OpenVault):
    """What a person does on a device that has lost its way to the vault."""

    def request_again(self, device: str | None = None) -> Request:
        """Ask another device for the present keys of this vault, under this device's own; what waits here stays."""
        with self._working("device join") as at:
            request = sign_request(
                self._secrets.device_key(),
                name=device or default_name(),
                issued=int(at.clock()),
                nonce=at.random(16),
            )
            at.meta.put(JOINING, write_request(request))
            return request

    def join_again(self, answer: bytes) -> None:
        """Take the keys of the answer to the last :meth:`request_again`, and pull.

        ``InputError`` for another vault's keys, or an answer to another request; what ``pull`` raises: then nothing has changed.
        """
        with self._lock.hold("device join"), self._replica.database.transaction():
            at = self._replica
            asked, known = at.meta.get(JOINING), at.keys()
            if asked is None:
                raise NotFoundError("this device has asked nobody; say `memsync device join` first")
            keys = answered(answer, read_request(asked), self._secrets)
            if known is not None and keys.vault != known.vault:
                raise InputError(
                    f"these are the keys of another vault, {grouped(keys.vault[:16])}; answer the request from a device of this one, "
                    f"{grouped(known.vault[:16])}"
                )
            at.meta.put(KEYS, keys.to_bytes())
            pull(at)
            at.meta.delete(JOINING)

    def reach_again(self, where: str, device: str | None = None) -> AddingDevice:
        """As :meth:`request_again`, of the device that listens at ``HOST:PORT``; give its answer to :meth:`join_again`."""
        request = self.request_again(device)

        def keep(answer: bytes, vault: str | None) -> None:
            check_shown(answered(answer, request, self._secrets), vault)

        return reach(where, request, self._secrets.device_key(), keep)


def ask(
    paths: VaultPaths,
    passphrase: str,
    cost: Cost,
    *,
    device: str | None,
    now: int,
    random: Random,
    go_on: bool = False,
) -> tuple[Secrets, Request]:
    """A new device's request, with a keystore of its own beside it; an earlier one that was not answered is thrown away.

    ``go_on``: if there is an earlier one, a fresh request of its keys, so that a place that the vault has for them already isn't lost;
    the earlier one stays until an answer to this one is kept.
    ``InputError`` if there is a vault at ``paths``, for an empty passphrase or a name that can't be one; ``WrongPassphrase``.
    """
    if not passphrase:
        raise InputError("an empty passphrase protects nothing; choose one")
    if paths.keystore.exists():
        raise InputError(f"there is a vault in {paths.folder} already; choose another name")
    inner = VaultPaths(paths.name, paths.joining)
    go_on = go_on and is_asking(paths)
    secrets = read_keystore(inner.keystore, passphrase) if go_on else Secrets.new(random=random)
    request = sign_request(secrets.device_key(), name=device or default_name(), issued=now, nonce=random(16))
    if not go_on:
        paths.make()
        shutil.rmtree(inner.folder, ignore_errors=True)
        inner.make()
        create_keystore(inner.keystore, passphrase, secrets, cost)
        _put(inner.folder / _REQUEST, write_request(request))
    return secrets, request


def is_asking(paths: VaultPaths) -> bool:
    """Whether a new device's keystore waits there for an answer."""
    return VaultPaths(paths.name, paths.joining).keystore.exists()


def asked(paths: VaultPaths, passphrase: str) -> tuple[Secrets, Request]:
    """What a new device has while it waits. ``NotFoundError`` if it has not asked; ``WrongPassphrase``."""
    file = paths.joining / _REQUEST
    with named(f"{file}", "read"):
        if not file.is_file():
            raise NotFoundError(
                "this device has asked nobody for that vault; say `memsync device join` first"
            )
        request = read_request(file.read_bytes())
    return read_keystore(VaultPaths(paths.name, paths.joining).keystore, passphrase), request


def answered(answer: bytes, request: Request, secrets: Secrets) -> OwnerKeys:
    """The keys in the answer to this request, which belong together. ``InputError`` for the answer to another request or one that was
    altered, ``FormatError`` and ``SignatureInvalid`` for what is no answer of an owner's device."""
    try:
        keys = OwnerKeys.from_bytes(open_answer(answer, request, secrets.device_key()))
    except FormatError as error:
        if (error.what, error.fault) != ("device answer", "key"):
            raise
        raise InputError(
            "this answer is not to this device's last request, or was altered; have the last one answered anew"
        ) from None
    check_certificate(
        keys.certificate,
        vault=keys.vault,
        generation=keys.generation.number,
        chain_id=keys.chain_id,
        contract=keys.contract,
    )
    given = (keys.generation.author().public, keys.generation.signer().address)
    if given != (keys.certificate.author, keys.certificate.signer):
        raise FormatError("device answer", "value", "the keys in it are not those that its owner certified")
    return replace(keys, before=None)


def kept_answer(paths: VaultPaths) -> Path:
    """Where the answer is kept that came over a socket, until the vault was made of it."""
    return paths.joining / _ANSWER


def reach_first(where: str, paths: VaultPaths, secrets: Secrets, request: Request) -> AddingDevice:
    """Connect a new device to the one that has the vault; the answer that comes is kept beside the request."""

    def keep(answer: bytes, vault: str | None) -> None:
        check_shown(answered(answer, request, secrets), vault)
        _put(paths.joining / _REQUEST, write_request(request))
        _put(kept_answer(paths), answer)

    return reach(where, request, secrets.device_key(), keep)


def check_shown(keys: OwnerKeys, vault: str | None) -> None:
    """``CodesDiffer`` unless these are the keys of the vault of this fingerprint, or whole id in hexadecimal; None: codes are compared."""
    if vault is not None and bare(vault).removeprefix("0x") not in (keys.vault.hex(), keys.vault[:16].hex()):
        raise CodesDiffer(
            f"the answer is for vault {grouped(keys.vault[:16])}, not for the one you named; {_NOTHING}"
        )


def check_asked_for(keys: OwnerKeys, vault: bytes | None) -> None:
    """``LockedError`` unless these are the keys of the vault (32 bytes) that the person saw on the other device; None: they didn't look."""
    if vault is not None and keys.vault != vault:
        raise LockedError(
            f"the answer is for vault {grouped(keys.vault[:16])}, and the other device shows {grouped(vault[:16])}; ask again"
        )


def _put(file: Path, data: bytes) -> None:
    """Whole, or not at all."""
    fresh = file.with_name(file.name + ".new")
    with named(f"{file}", "written"):
        fresh.write_bytes(data)
        flush(fresh)
        fresh.replace(file)
        flush(file.parent)
