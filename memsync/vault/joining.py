"""How a device that has no words comes to a vault: it asks with a request of its own keys, and the answer brings the vault's.

While it waits for the answer a new device has a folder ``joining`` with its keystore and its request; the vault's own files come to be
when the answer is there, whole or not at all. A device that has the vault already, and lost its way to it, asks from its database.
"""

from __future__ import annotations

import shutil
from dataclasses import replace

from memsync.crypto.randomness import Random
from memsync.device.contacts import grouped
from memsync.device.keystore_file import Cost, create_keystore, read_keystore
from memsync.device.paths import VaultPaths
from memsync.device.secrets import Secrets
from memsync.errors import FormatError, InputError, LockedError, NotFoundError
from memsync.format.certificate import check_certificate
from memsync.format.pairing import Request, open_answer, read_request, sign_request, write_request
from memsync.store.directory import flush
from memsync.store.faults import named
from memsync.sync.devices import default_name
from memsync.sync.keys import OwnerKeys
from memsync.sync.pull import pull
from memsync.sync.replica import KEYS
from memsync.vault.base import OpenVault

JOINING = "joining"
_REQUEST = "request"


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


def ask(
    paths: VaultPaths, passphrase: str, cost: Cost, *, device: str | None, now: int, random: Random
) -> Request:
    """A new device's request, with a keystore of its own beside it; an earlier one that was not answered is thrown away.

    ``InputError`` if there is a vault at ``paths``, for an empty passphrase or a name that can't be one.
    """
    if not passphrase:
        raise InputError("an empty passphrase protects nothing; choose one")
    if paths.keystore.exists():
        raise InputError(f"there is a vault in {paths.folder} already; choose another name")
    secrets = Secrets.new(random=random)
    request = sign_request(secrets.device_key(), name=device or default_name(), issued=now, nonce=random(16))
    inner = VaultPaths(paths.name, paths.joining)
    paths.make()
    shutil.rmtree(inner.folder, ignore_errors=True)
    inner.make()
    create_keystore(inner.keystore, passphrase, secrets, cost)
    file = inner.folder / _REQUEST
    with named(f"{file}", "written"):
        file.write_bytes(write_request(request))
        flush(file)
    return request


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


def check_asked_for(keys: OwnerKeys, vault: bytes | None) -> None:
    """``LockedError`` unless these are the keys of the vault (32 bytes) that the person saw on the other device; None: they didn't look."""
    if vault is not None and keys.vault != vault:
        raise LockedError(
            f"the answer is for vault {grouped(keys.vault[:16])}, and the other device shows {grouped(vault[:16])}; ask again"
        )
