"""The commands that make a vault or bring one back, and change its passphrase. They ask for secrets and are done in this process."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from memsync.cli.asking import ask_passphrase, ask_payer_passphrase, ask_words, first_line
from memsync.cli.bars import watching
from memsync.cli.calling import network_option, payer_option, target, token_option, vault_option, whole_path
from memsync.cli.frame import answer, as_json, note, say, shown
from memsync.cli.root import cli
from memsync.cli.show import amount, network_name
from memsync.cli.upkeep import ONE_COPY
from memsync.errors import ChainError, InputError, MemSyncError, PayerLocked
from memsync.home import memsync_home

if TYPE_CHECKING:
    from memsync.chain.registry import Registry
    from memsync.device.config import Settings
    from memsync.store import BlockStore
    from memsync.vault import Vault

NEW_PASSPHRASE_FILE = "MEMSYNC_NEW_PASSPHRASE_FILE"  # noqa: S105
_stores = click.option(
    "--store",
    "stores",
    multiple=True,
    metavar="PLACE",
    help="Where its blocks are kept: a folder or a gateway's URL; may be given again.",
)


@cli.command()
@vault_option
@_stores
@click.option("--yes", is_flag=True, help="Don't ask three of the words back.")
def init(stores: tuple[str, ...], yes: bool) -> None:
    """Make a vault, and show its 24 words once.

    \b
    Example: memsync init
    """
    from memsync.device.config import change_config, settings
    from memsync.vault import Vault

    home, found = memsync_home(), settings(target().get("vault"))
    if not yes and not as_json() and not sys.stdin.isatty():
        raise InputError("nobody here to ask the words back; say --yes if they will be written down")
    places = whole_places(stores)
    vault = Vault.create(found.vault, passphrase=ask_passphrase("New passphrase", new=True))
    try:
        words = vault.words
        for line in _sheet(vault, found, places, words):
            say(line)
        if not yes and not as_json():
            _ask_back(words)
        if places:
            change_config({f"vaults.{found.vault}.stores": places}, home)
        if found.network and found.payer:
            last = f"{found.payer} will be seen paying on {network_name(found.network)}"
        else:
            last = (
                "next: `memsync unlock`; and a chain: `memsync node start` for one on this machine, or\n"
                "`memsync chain use NETWORK --payer ACCOUNT`, where that account will be seen paying"
            )
        answer(
            last,
            {
                "vault": found.vault,
                "folder": str(vault.paths.folder),
                "words": words,
                "stores": places or ["blocks"],
                "network": found.network,
                "payer": found.payer,
            },
        )
    except BaseException:  # its words did not reach the paper, and are shown once
        _unmake(vault)
        if places:
            with suppress(MemSyncError):
                change_config({f"vaults.{found.vault}.stores": None}, home)
        note("no vault was made")
        raise
    vault.close()


@cli.command()
@vault_option
@_stores
@token_option
@network_option
@payer_option
@click.option(
    "--words",
    "file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="A file with the words, - for stdin; without it they are asked for.",
)
@click.option("--all", "everything", is_flag=True, help="The further vaults of the same words too.")
def restore(stores: tuple[str, ...], file: Path | None, everything: bool) -> None:
    """Bring a vault back from its words.

    Needed: its 24 words, its chain, and a place that has its blocks (a folder, FILE.car, or a gateway's URL). Chain and places are
    remembered. Further vaults of the same words, which the first lists, come back with --all or by `vault restore`.

    \b
    Example: memsync restore --store /media/usb/blocks --network node
    """
    from memsync.cli.vaults import back_lines, bring_all_back
    from memsync.progress import watched
    from memsync.vault import Vault

    home, places = memsync_home(), places_of(stores)
    with ExitStack() as stack:
        found, registry, opener = stack.enter_context(settled(home, "restoring"))
        words = ask_words(file)
        passphrase = ask_passphrase("New passphrase", new=True)
        progress = stack.enter_context(watching())
        stack.enter_context(watched(lambda one: progress(one.what, one.done, one.total)))
        store = store_of(places, opener)
        with Vault.restore(
            words, passphrase=passphrase, name=found.vault, store=store, registry=registry
        ) as vault:
            status = vault.status()
            remember_places(vault, found, places, store, home)
            others = (
                bring_all_back(
                    vault,
                    words,
                    passphrase=passphrase,
                    places=places,
                    store=store,
                    found=found,
                    registry=registry,
                )
                if everything
                else []
            )
            left = [one.name for one in vault.vaults() if one.here is None]
    scopes = amount(len(status.scopes), "scope")
    lines = [
        f"{amount(status.memories, 'memory is', 'memories are')} back in {scopes}, as of push {status.sequence}",
        *back_lines(others),
    ]
    if left:
        lines.append(
            f"listed too: {', '.join(map(shown, left))}; `memsync vault restore --all` brings them back"
        )
    answer(
        lines,
        {
            "vault": found.vault,
            "memories": status.memories,
            "sequence": status.sequence,
            "vaults": others,
            "left": left,
        },
    )


@cli.command()
@vault_option
def passphrase() -> None:
    """Change the vault's passphrase.

    \b
    Example: memsync passphrase
    """
    import os

    from memsync.device.config import settings
    from memsync.keeper.held import Open
    from memsync.vault import Vault

    name = settings(target().get("vault")).vault
    Open(memsync_home()).find_vault(name)
    old = ask_passphrase("The passphrase until now")
    with Vault.open(name, passphrase=old) as vault:
        file = os.environ.get(NEW_PASSPHRASE_FILE)
        vault.change_passphrase(old, first_line(Path(file)) if file else _new_passphrase())
    answer("the passphrase is changed; the 24 words are what they were", {"vault": name})


def places_of(stores: tuple[str, ...]) -> list[str]:
    """The places that the command names, or that the environment does."""
    return whole_places(stores) or list(target().get("stores", ()))


def store_of(places: list[str], opener: Callable[[list[str]], BlockStore]) -> BlockStore | None:
    """These places as one store; None for none."""
    return opener(places) if places else None


def remember_places(
    vault: Vault, found: Settings, places: list[str], store: BlockStore | None, home: Path
) -> None:
    """Have the settings say where the vault that was brought here is: its chain and places, with a folder of its own where no place can be
    written to, into which the blocks are copied."""
    from memsync.device.config import change_config
    from memsync.store.places import place_kind, writable

    kept = [place for place in places if place_kind(place) != "car"]
    if not any(map(writable, kept)):
        kept = ["blocks", *kept]
    name = f"vaults.{found.vault}"
    changes: dict[str, Any] = {
        f"{name}.network": found.network,
        f"{name}.payer": found.payer,
        f"{name}.stores": kept,
    }
    if "token_file" in target():
        changes |= {f"{name}.tokens.{place}": target()["token_file"] for place in kept if "://" in place}
    change_config(changes, home)
    if store is not None and "blocks" in kept:
        vault.keep_from(store)


@contextmanager
def settled(home: Path, doing: str) -> Iterator[tuple[Settings, Registry, Any]]:
    """The settings, the chain and the way to stores, without a vault."""
    from memsync.keeper.at import At, Target
    from memsync.keeper.held import Open

    opened = Open(home)
    try:
        with At(
            Target.taken_from({name: value for name, value in target().items() if name != "stores"}), opened
        ) as at:
            if at.settings.network is None:
                raise ChainError(
                    f"{doing} needs the vault's chain; say --network NETWORK, an Ape network choice or an RPC's URL"
                )
            try:
                registry = at.registry
            except PayerLocked:
                registry = at.held.connected(at.settings, ask_payer_passphrase()).__enter__()
            yield at.settings, registry, lambda places: at.store_of(tuple(places))
    finally:
        opened.lock()


def _sheet(vault: Vault, found: Settings, places: list[str], words: str) -> list[str]:
    """What to write on paper."""
    from memsync.chain.artifact import load_artifact

    return [
        f"vault {found.vault} is in {vault.paths.folder}",
        "",
        "    RECOVERY SHEET: write it on paper",
        "",
        *wrap(words, 60, initial_indent="    ", subsequent_indent="    "),
        "",
        f"    chain     {network_name(found.network) if found.network else 'none chosen yet: write it down when it is'}",
        f"    contract  0x{load_artifact().address.hex()}",
        f"    blocks    {', '.join(map(shown, places)) if places else str(vault.paths.blocks)}",
        "",
        "These words, the chain and a copy of the blocks bring everything back. Whoever has them has everything. They leave this",
        "device with the first push.",
        *([] if len(places) > 1 else [ONE_COPY[0].upper() + ONE_COPY[1:] + "."]),
        "",
    ]


def _ask_back(words: str) -> None:
    """Go on when three of the words were typed."""
    _, *every = words.split()  # the first says whose words they are
    numbers = sorted(secrets.SystemRandom().sample(range(len(every)), 3))
    for number in numbers:
        while click.prompt(f"Word {number + 1}", err=True).strip().lower() != every[number]:
            note("that is another word; look at the paper again")


def _unmake(vault: Vault) -> None:
    """Take away the files of a vault that was just made, and no others: its folder may have held blocks before."""
    vault.close()
    paths = vault.paths
    for file in (paths.keystore, *paths.folder.glob(paths.database.name + "*"), paths.lock):
        with suppress(OSError):
            file.unlink()
    for folder in (paths.blocks, paths.folder):
        with suppress(OSError):
            folder.rmdir()


def whole_places(stores: tuple[str, ...]) -> list[str]:
    """Stores as the settings have them: whole paths and URLs."""
    return [one if one == "blocks" else whole_path(one) for one in stores]


def _new_passphrase() -> str:
    if not sys.stdin.isatty():
        raise InputError(
            f"nobody here to type the new passphrase; let {NEW_PASSPHRASE_FILE} name a file that holds it"
        )
    typed: str = click.prompt("New passphrase", hide_input=True, confirmation_prompt=True, err=True)
    return typed
