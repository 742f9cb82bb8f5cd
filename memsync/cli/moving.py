"""Moving a vault to another chain, as a person asks for it: words, passphrase, both chains one after the other, settings at the end.

It is done in this process, for the words go nowhere else; where a keeper has the vault open it is closed there first.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memsync.cli.asking import ask_passphrase, ask_payer_passphrase, ask_words
from memsync.cli.bars import watching
from memsync.cli.calling import keeper_about, target, tell_keeper
from memsync.cli.frame import note
from memsync.crypto.words import from_words
from memsync.device.config import change_config, settings
from memsync.errors import ChainError, InputError, NotOpen, PayerLocked
from memsync.home import memsync_home
from memsync.keeper.held import Open
from memsync.keeper.values import iso
from memsync.vault import Vault

if TYPE_CHECKING:
    from memsync.device.config import Settings
    from memsync.vault.relocation import Relocated


def move_vault(
    network: str, payer: str | None, words_file: Path | None, *, revoke_old: bool
) -> dict[str, Any]:
    """Move the vault that is meant, and remember its new chain in the settings; the values to show."""
    home = memsync_home()
    old = settings(target().get("vault"), home)
    new = replace(old, network=network, payer=payer)
    Open(home).find_vault(old.vault)
    if payer is None:
        raise InputError("who pays on the new chain? say --payer ACCOUNT, an Ape account")
    words, passphrase = ask_words(words_file), ask_passphrase()
    from_words(words)
    _close_in_keeper(old.vault)
    opened = Open(home)
    try:
        with Vault.open(old.vault, passphrase=passphrase) as vault:
            try:
                found = _move(vault, words, old, new, opened, None, revoke_old=revoke_old)
            except PayerLocked:
                found = _move(vault, words, old, new, opened, ask_payer_passphrase(), revoke_old=revoke_old)
        name = f"vaults.{old.vault}"
        change_config({f"{name}.network": network, f"{name}.payer": payer}, home)
    finally:
        opened.lock()
    return {
        "network": network,
        "payer": payer,
        "chain_id": found.chain_id,
        "contract": "0x" + found.contract.hex(),
        "id": "0x" + found.vault.hex(),
        "sequence": found.sequence,
        "written": found.written,
        "forwarded": found.forwarded,
        "grants": [
            {"name": one.name, "scope": one.scope, "can": one.can, "until": iso(one.end * 1000)}
            for one in found.grants
        ],
        "warnings": list(found.warnings),
    }


def _move(
    vault: Vault,
    words: str,
    old: Settings,
    new: Settings,
    opened: Open,
    passphrase: str | None,
    *,
    revoke_old: bool,
) -> Relocated:
    with watching() as progress:
        return vault.relocate(
            words,
            connect_new=lambda: opened.connected(new, passphrase),
            connect_old=None if old.network is None else lambda: opened.connected(old, passphrase),
            revoke_old=revoke_old,
            progress=lambda line: progress(line, 0, None),
        )


def _close_in_keeper(name: str) -> None:
    about = keeper_about()
    if about and name in about["vaults"]:
        with suppress(NotOpen, ChainError):
            tell_keeper("lock", vault=name)
        note("closed in the keeper; `memsync unlock` opens it again")
