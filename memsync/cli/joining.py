"""What `device join` does: it asks, compares and takes the answer, by files or over a socket, on a new device or one that lost its way.

All of it is done in this process, for a new device has no vault yet that a keeper could hold.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from memsync.cli.asking import ask_passphrase, confirm
from memsync.cli.bars import watching
from memsync.cli.frame import answer, note
from memsync.cli.here import opened_here, told, with_chain
from memsync.cli.making import places_of, remember_places, settled, store_of
from memsync.cli.show import amount
from memsync.cli.vaults import link_joined
from memsync.errors import InputError, MemSyncError
from memsync.home import memsync_home

if TYPE_CHECKING:
    from memsync.format.pairing import Request
    from memsync.keeper.at import At
    from memsync.vault import AddingDevice, Status

_Around = tuple[Any, Any, Any]


def ask(vault: str, name: str | None, *, known: bool) -> Request:
    """A request to hand over; ``known``: of a device that has the vault."""
    from memsync.vault import Vault

    if known:
        with opened_here() as at:
            return at.vault.request_again(name)
    return Vault.request(vault, passphrase=ask_passphrase("New passphrase", new=True), device=name)


def join(vault: str, data: str, stores: tuple[str, ...], fingerprint: str | None, *, yes: bool) -> None:
    """Make the vault of the answer to the last request."""
    from memsync.device.paths import VaultPaths
    from memsync.format.pairing import fingerprint as fingerprint_of
    from memsync.vault.joining import answered, asked, check_shown

    home, places = memsync_home(), places_of(stores)
    with settled(home, "joining") as around:
        passphrase = ask_passphrase()
        secrets, request = asked(VaultPaths.of(vault, home), passphrase)
        keys = answered(data.encode(), request, secrets)
        if fingerprint is None:
            note(f"the vault's fingerprint is {fingerprint_of(keys.vault)}")
            confirm("Is that what the other device shows?", yes=yes)
        check_shown(keys, fingerprint)
        _tell_joined(vault, _make(vault, data.encode(), passphrase, places, around))


def join_over(
    vault: str, where: str, name: str | None, stores: tuple[str, ...], fingerprint: str | None
) -> None:
    """Make the vault of the answer that comes from the device that listens there."""
    from memsync.device.paths import VaultPaths
    from memsync.vault import Vault
    from memsync.vault.joining import is_asking, kept_answer

    _check_somebody_compares(fingerprint)
    home, places = memsync_home(), places_of(stores)
    paths = VaultPaths.of(vault, home)
    with settled(home, "joining") as around:
        passphrase = ask_passphrase() if is_asking(paths) else ask_passphrase("New passphrase", new=True)
        with Vault.reach(where, passphrase=passphrase, name=vault, device=name) as adding:
            data = _compare(adding, fingerprint)
        try:
            status = _make(vault, data, passphrase, places, around)
        except MemSyncError:
            note(f"the answer is kept: `memsync device join {kept_answer(paths)} --yes` goes on with it")
            raise
    _tell_joined(vault, status)


def join_again(vault: str, data: bytes) -> None:
    """Bring a device back that has the vault: the answer to its last request."""
    status = with_chain(lambda at: _joined_again(at, data))
    answer(
        f"back in the vault, as of push {status.sequence}; {amount(status.waiting, 'thing waits', 'things wait')} to be pushed",
        {"vault": vault, "memories": status.memories, "sequence": status.sequence},
    )


def join_again_over(vault: str, where: str, name: str | None, fingerprint: str | None) -> None:
    """The same, by the device that listens there."""
    _check_somebody_compares(fingerprint)
    with opened_here() as at, at.vault.reach_again(where, name) as adding:
        data = _compare(adding, fingerprint)
    join_again(vault, data)


def _check_somebody_compares(fingerprint: str | None) -> None:
    if fingerprint is None and not sys.stdin.isatty():
        raise InputError(
            "nobody here to compare codes; say --fingerprint with the vault's id, as `memsync status --json` has it on the other device"
        )


def _compare(adding: AddingDevice, fingerprint: str | None) -> bytes:
    """The answer, after the person said that the other device has taken this code."""
    note(f"code {adding.code}: type it on the other device")
    adding.wait_until_equal()
    if fingerprint is None:
        confirm("Does the other device say that the code is right?", yes=False)
    return adding.agree(fingerprint)


def _make(vault: str, data: bytes, passphrase: str, places: list[str], around: _Around) -> Status:
    from memsync.vault import Vault

    found, registry, opener = around
    store = store_of(places, opener)
    with (
        watching() as progress,
        told(progress),
        Vault.join(data, passphrase=passphrase, name=vault, store=store, registry=registry) as joined,
    ):
        remember_places(joined, found, places, store, memsync_home())
        link_joined(joined, memsync_home())
        return joined.status()


def _tell_joined(vault: str, status: Status) -> None:
    answer(
        f"{amount(status.memories, 'memory is', 'memories are')} here in {amount(len(status.scopes), 'scope')}, "
        f"as of push {status.sequence}",
        {"vault": vault, "memories": status.memories, "sequence": status.sequence},
    )


def _joined_again(at: At, data: bytes) -> Status:
    at.vault_on_chain.join_again(data)
    return at.vault.status()
