"""The verbs about the vault as a whole: init, restore, push, pull, status, history, and the demo."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from memsync.cli.frame import answer, say, shown
from memsync.cli.root import cli
from memsync.cli.session import (
    ask_passphrase,
    first_line,
    store_of,
    store_option,
    vault_option,
    with_chain,
    with_vault,
    with_vault_on_chain,
)
from memsync.cli.show import day
from memsync.errors import ChainError

if TYPE_CHECKING:
    from memsync.chain.registry import Registry
    from memsync.store import BlockStore
    from memsync.vault import Vault

_ONE_COPY = "one copy, on this machine only: without its blocks the words alone can't bring it back"


@cli.command()
@vault_option
@store_option
def init(*, vault_name: str, stores: tuple[Path, ...]) -> None:
    """Make a vault, and show its 24 words once."""
    from memsync.vault import Vault

    with Vault.create(
        vault_name, passphrase=ask_passphrase("New passphrase", new=True), store=store_of(stores)
    ) as vault:
        lines = [
            f"vault {vault_name} is in {vault.paths.folder}",
            "",
            *wrap(vault.words, 60, initial_indent="    ", subsequent_indent="    "),
            "",
            "Write these 24 words on paper: with the chain and a copy of the blocks they bring everything back. Whoever has them has",
            "everything. They leave this device with the first push.",
            *([] if len(stores) > 1 else [_ONE_COPY[0].upper() + _ONE_COPY[1:] + "."]),
        ]
        answer(lines, vault=vault_name, folder=str(vault.paths.folder), words=vault.words)


@cli.command()
@vault_option
@click.option(
    "--words",
    "file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="A file with the words, - for stdin; without it they are asked for.",
)
@with_chain
def restore(registry: Registry, store: BlockStore | None, *, vault_name: str, file: Path | None) -> None:
    """Bring a vault back.

    Needed: its 24 words, its chain, and a place that has its blocks.
    """
    from memsync.vault import Vault

    words = _words(file)
    passphrase = ask_passphrase("New passphrase", new=True)
    with Vault.restore(
        words, passphrase=passphrase, name=vault_name, store=store, registry=registry
    ) as vault:
        status = vault.status()
        answer(
            f"{status.memories:,} memories in {len(status.scopes)} scopes are back, as of push {status.sequence}",
            vault=vault_name,
            memories=status.memories,
            sequence=status.sequence,
        )


@cli.command()
@with_vault_on_chain
def push(vault: Vault) -> None:
    """Store and commit all that waits. Whatever goes wrong, push again."""
    receipt = vault.push()
    line = (
        f"pushed {receipt.memories:,} records in {receipt.blocks} blocks, {receipt.size:,} bytes; sequence {receipt.sequence}, "
        f"transaction 0x{receipt.transaction.hex()}, {receipt.gas_used:,} gas"
    )
    if receipt.rotated:
        line += f"; new keys for {', '.join(map(shown, receipt.rotated))}"
    answer(
        line if receipt.sequence else "nothing waits",
        sequence=receipt.sequence,
        memories=receipt.memories,
        blocks=receipt.blocks,
        size=receipt.size,
        transaction=receipt.transaction.hex(),
        gas_used=receipt.gas_used,
        rotated=list(receipt.rotated),
    )


@cli.command()
@with_vault_on_chain
def pull(vault: Vault) -> None:
    """Take in what your other devices pushed."""
    pulled = vault.pull()
    news = f"{pulled.segments} segments came, {pulled.dropped} went" if pulled.changed else "nothing new"
    answer(f"sequence {pulled.sequence}: {news}", sequence=pulled.sequence, changed=pulled.changed)


@cli.command()
@with_vault
def status(vault: Vault) -> None:
    """Say where the vault stands, for all this device knows."""
    found = vault.status()
    where = f"on chain {found.chain_id}, sequence {found.sequence}" if found.chain_id else "on no chain yet"
    lines = [
        f"vault {found.name}: {found.memories:,} memories in {', '.join(map(shown, found.scopes))}",
        f"{where}; {found.waiting:,} entries wait for a push; {found.proposals} proposals wait for you",
    ]
    if found.last_push:
        lines.append(f"last push {day(found.last_push.at)}: {shown(found.last_push.detail)}")
    if found.words_kept:
        lines.append("the 24 words are still on this device; the first push lets them go")
    answer(
        lines,
        vault=found.name,
        id=found.vault.hex() if found.vault else None,
        chain_id=found.chain_id,
        sequence=found.sequence,
        memories=found.memories,
        waiting=found.waiting,
        proposals=found.proposals,
        scopes=list(found.scopes),
        words_kept=found.words_kept,
    )


@cli.command()
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many.")
@with_vault
def history(vault: Vault, *, limit: int) -> None:
    """List what this device did on the chain, the latest first."""
    deeds = vault.history(limit)
    answer(
        [
            f"{day(deed.at)}  {deed.kind:<8}{'' if deed.sequence is None else deed.sequence:>6}  {shown(deed.detail)}  "
            f"{'' if deed.transaction is None else '0x' + deed.transaction.hex()}".rstrip()
            for deed in deeds
        ]
        or "nothing yet",
        history=[
            {
                "at": deed.at,
                "kind": deed.kind,
                "sequence": deed.sequence,
                "block": deed.block,
                "transaction": deed.transaction.hex() if deed.transaction else None,
                "detail": deed.detail,
            }
            for deed in deeds
        ],
    )


@cli.command()
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="A new or empty folder, in which everything is left to play with.",
)
def demo(*, keep: Path | None) -> None:
    """Play the whole flow on a chain of its own.

    A year of ChatGPT becomes memory that its owner holds: imported, sealed, anchored, granted, revoked, restored, and searched for leaks.
    """
    from memsync.demo import run_demo

    lines: list[str] = []
    with tempfile.TemporaryDirectory(prefix="memsync-ape-") as data_folder:
        if "ape" not in sys.modules:  # Ape keeps caches in the user's ~/.ape otherwise
            os.environ["APE_DATA_FOLDER"] = data_folder
        before = signal.signal(signal.SIGTERM, _end)
        try:
            run_demo(_teller(lines), keep=keep)
        except ModuleNotFoundError as err:
            raise ChainError(str(err)) from err
        finally:
            signal.signal(signal.SIGTERM, before)
    answer([], acts=lines)


def _teller(lines: list[str]) -> Callable[[str], None]:
    """Keep each line, and print it at once unless JSON is asked for."""

    def tell(line: str) -> None:
        lines.append(line)
        say(line)

    return tell


def _end(*_: object) -> None:
    """As if asked politely: what was started is ended, what was made is taken away."""
    sys.exit(128 + signal.SIGTERM)


def _words(file: Path | None) -> str:
    if file is None and sys.stdin.isatty():
        words: str = click.prompt("The 24 words", hide_input=True, err=True)
        return words
    if file is None or str(file) == "-":
        return sys.stdin.readline()
    return first_line(file)
