"""The commands about several vaults of the same words: create, list, use, restore, rename, forget.

Making and restoring take the words, so both are done in this process. The list is in the first vault, whichever is chosen.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memsync.cli.asking import ask_passphrase, ask_words, confirm
from memsync.cli.calling import (
    aim_at,
    call,
    network_option,
    on_vault,
    payer_option,
    target,
    token_option,
    vault_option,
)
from memsync.cli.frame import answer, note, shown
from memsync.cli.here import on_its_chain, opened_here
from memsync.cli.root import cli
from memsync.cli.show import amount
from memsync.errors import InputError, MemSyncError
from memsync.home import memsync_home

if TYPE_CHECKING:
    from memsync.device.config import Settings
    from memsync.keeper.at import At
    from memsync.store import BlockStore
    from memsync.vault import ListedVault, Vault

_words = click.option(
    "--words",
    "file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="A file with the words, - for stdin; without it they are asked for.",
)


@cli.group()
def vault() -> None:
    """Several vaults from the same 24 words, each with keys, places, devices and grants of its own.

    The first lists the others, encrypted, so that the words bring all of them back. Nobody without the words can tell that two vaults
    belong together, unless one account pays for both, or one RPC or store sees you use both.
    """


@vault.command("create")
@click.argument("name")
@click.option(
    "--store",
    "stores",
    multiple=True,
    metavar="PLACE",
    help="Where its blocks are kept, if not where the first vault's are: a folder or a gateway's URL; may be given again.",
)
@click.option("--paid-by", metavar="ACCOUNT", help="The Ape account that pays for it, if not the first's.")
@_words
@vault_option
@network_option
@payer_option
def create(name: str, stores: tuple[str, ...], paid_by: str | None, file: Path | None) -> None:
    """Make a further vault, NAME, from the same 24 words.

    Asks for the words and a passphrase for the new vault. The first vault lists it by a push, then it is opened on the same chain.
    Whatever breaks it off, say it again.

    \b
    Example: memsync vault create company
    """
    from memsync.cli.making import whole_places

    aim_at(first_vault())
    with opened_here() as opened:
        words = _words_of(opened, file)
        passphrase = ask_passphrase("Passphrase of the new vault", new=True)
        if not passphrase:
            raise InputError("an empty passphrase protects nothing; choose one")
        listed = on_its_chain(opened, lambda at: at.vault_on_chain.list_vault(name, words))
        more = {} if paid_by is None else {"payer": paid_by}
        found = on_its_chain(
            opened,
            lambda at: _made(
                at, listed, words, passphrase=passphrase, places=whole_places(stores), payer=paid_by
            ),
            **more,
        )
    lines = [f"vault {found['vault']} is there, number {found['number']} of these words; {_HOW}"]
    if paid_by is None:
        lines.append(
            "one account paid for both vaults, so everybody can see that they belong together: --paid-by names another"
        )
    answer(lines, found)


@vault.command("list")
@on_vault
def list_vaults() -> None:
    """List the vaults of these words, as of the last push or pull.

    \b
    Example: memsync vault list
    """
    from memsync.device.config import settings

    current = settings(target().get("vault")).vault
    aim_at(first_vault())
    found = call("vault list")
    lines = []
    for one in found["vaults"]:
        where = "not on this device" if one["here"] is None else "here"
        if one["here"] not in (None, one["name"]):
            where = f"here as {one['here']}"
        where += "" if one["listed"] else ", listed with the next push"
        mark = "*" if one["here"] == current else " "
        number, short = one["number"], (one["id"] or "on no chain")[:12]
        lines.append(f"{mark} {shown(one['name']):<24}{number:>3}  {short:<12}  {where}")
    answer(lines, found | {"current": current})


@vault.command("use")
@click.argument("name")
def use(name: str) -> None:
    """Choose the vault of this device that is meant when none is named.

    --vault and MEMSYNC_VAULT come before it.

    \b
    Example: memsync vault use company
    """
    from memsync.device.config import change_config
    from memsync.keeper.held import Open

    home = memsync_home()
    Open(home).find_vault(name)
    file = change_config({"vault": name}, home)
    answer(f"{name} is meant where none is named", {"vault": name, "file": str(file)})


@vault.command("restore")
@click.argument("who", required=False, metavar="[NAME]")
@click.option("--all", "everything", is_flag=True, help="Every listed vault that is not on this device.")
@click.option(
    "--as", "local", metavar="NAME", help="What to call it on this device, if not as the list does."
)
@click.option(
    "--store",
    "stores",
    multiple=True,
    metavar="PLACE",
    help="Where its blocks are, if not where the first vault's are: a folder, FILE.car or a gateway's URL; may be given again.",
)
@_words
@vault_option
@token_option
@network_option
@payer_option
def restore(
    who: str | None, everything: bool, local: str | None, stores: tuple[str, ...], file: Path | None
) -> None:
    """Bring back the listed vault NAME, or --all, from the same 24 words.

    The first vault is restored before, by `memsync restore`. NAME may be a number too: of a vault that was taken off the list. With --all
    the chain is also asked for vaults that the list lacks.

    \b
    Example: memsync vault restore company --store /media/usb/blocks
    """
    from memsync.cli.making import places_of

    if (who is None) != everything or (everything and local is not None):
        raise InputError("say which vault, by its name, or --all; `memsync vault list` shows them")
    aim_at(first_vault())
    places = places_of(stores)
    with opened_here() as opened:
        words = _words_of(opened, file)
        passphrase = ask_passphrase("New passphrase", new=True)
        found = on_its_chain(
            opened, lambda at: _restored(at, who, local, words, passphrase=passphrase, places=places)
        )
    answer(back_lines(found) or "no other vault was brought back", {"vaults": found})


@vault.command("rename")
@click.argument("who")
@click.argument("name")
@on_vault
def rename(who: str, name: str) -> None:
    """Have the list call vault WHO by another NAME, from the next push on.

    On a device that has it, it keeps the name that it has there.

    \b
    Example: memsync vault rename company firm
    """
    aim_at(first_vault())
    found = call("vault rename", who=who, name=name)
    here = found["vault"]["here"]
    kept = "" if here in (None, name) else f"; on this device it is still --vault {here}"
    answer(f"listed as {name} from the next push on{kept}", found)


@vault.command("forget")
@click.argument("who")
@click.option("--yes", is_flag=True, help="Don't ask.")
@on_vault
def forget(who: str, yes: bool) -> None:
    """Take vault WHO off the list, from the next push on and for good.

    The vault stays: on the chain, in its places, on the devices that have it. The words bring it back by its number only.

    \b
    Example: memsync vault forget company
    """
    aim_at(first_vault())
    confirm(f"Take {shown(who)} off the list, on every device and for good?", yes=yes)
    found = call("vault forget", who=who)
    number = found["vault"]["number"]
    answer(
        f"{found['vault']['name']} is off the list from the next push on; note its number, {number}: `memsync vault restore {number}` "
        "brings it back while its blocks are somewhere",
        found,
    )


_HOW = "choose it with --vault, or by `memsync vault use`"


def first_vault() -> str:
    """The vault that has the list, whichever of its vaults is chosen."""
    from memsync.device.config import settings

    found = settings(target().get("vault"))
    return found.listed_in or found.vault


def bring_back(
    first: Vault,
    listed: ListedVault,
    words: str,
    *,
    passphrase: str,
    local: str | None,
    places: list[str],
    store: BlockStore | None,
    found: Settings,
    registry: Any,
) -> dict[str, Any]:
    """Restore one listed vault, and remember where it is; what there is to say of it."""
    from memsync.cli.making import remember_places

    with first.bring_vault(
        listed, words, passphrase=passphrase, name=local, make=False, store=store, registry=registry
    ) as back:
        if places:
            remember_places(back, replace(found, vault=back.name), places, store, memsync_home())
        status = back.status()
        return {
            "vault": back.name,
            "number": listed.number,
            "memories": status.memories,
            "sequence": status.sequence,
        }


def bring_all_back(
    first: Vault,
    words: str,
    *,
    passphrase: str,
    places: list[str],
    store: BlockStore | None,
    found: Settings,
    registry: Any,
) -> list[dict[str, Any]]:
    """Restore every listed vault that isn't here, those among them that only the chain knows; one that fails is told of and passed over."""
    first.find_vaults(words)
    done = []
    for listed in first.vaults():
        if listed.here is None:
            try:
                done.append(
                    bring_back(
                        first,
                        listed,
                        words,
                        passphrase=passphrase,
                        local=None,
                        places=places,
                        store=store,
                        found=found,
                        registry=registry,
                    )
                )
            except MemSyncError as error:
                note(f"{shown(listed.name)} is not back: {error}")
    return done


def link_joined(joined: Vault, home: Path) -> None:
    """Have the settings know a further vault that this device joined, as one of the vault that is meant when none is named."""
    from memsync.device.config import change_config, settings
    from memsync.device.paths import vault_names

    first = settings(None, home)
    name = first.listed_in or first.vault
    if joined.number and name != joined.name and name in vault_names(home):
        prefix = f"vaults.{joined.name}"
        change_config({f"{prefix}.listed_in": name, f"{prefix}.number": str(joined.number)}, home)


def _words_of(opened: At, file: Path | None) -> str:
    if opened.vault.number:
        opened.vault.vaults()  # says where the list is
    kept = opened.vault.status().words_kept and file is None
    return opened.vault.words if kept else ask_words(file)


def _made(
    at: At,
    listed: ListedVault,
    words: str,
    *,
    passphrase: str,
    places: list[str],
    payer: str | None,
) -> dict[str, Any]:
    with at.vault.bring_vault(
        listed, words, passphrase=passphrase, places=places, payer=payer, registry=at.registry
    ) as made:
        status = made.status()
        return {
            "vault": made.name,
            "number": made.number,
            "id": None if status.vault is None else "0x" + status.vault.hex(),
            "folder": str(made.paths.folder),
            "stores": list(made.store_names()),
            "sequence": status.sequence,
        }


def _restored(
    at: At, who: str | None, local: str | None, words: str, *, passphrase: str, places: list[str]
) -> list[dict[str, Any]]:
    first, store = at.vault_on_chain, at.store_of(tuple(places)) if places else None
    if who is None:
        return bring_all_back(
            first,
            words,
            passphrase=passphrase,
            places=places,
            store=store,
            found=at.settings,
            registry=at.registry,
        )
    first.pull()
    return [
        bring_back(
            first,
            first.listed_vault(who, words),
            words,
            passphrase=passphrase,
            local=local,
            places=places,
            store=store,
            found=at.settings,
            registry=at.registry,
        )
    ]


def back_lines(found: list[dict[str, Any]]) -> list[str]:
    """What came back, vault by vault."""
    return [
        f"{one['vault']}: {amount(one['memories'], 'memory is', 'memories are')} back, as of push {one['sequence']}"
        for one in found
    ]
