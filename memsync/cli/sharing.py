"""The verbs about others: a tool's card, grant, grants, revoke, review for the owner; accept and propose for who is granted.

A tool's key is kept under a name in ``keys`` of MemSync's folder, in a keystore under a passphrase, beside what it has read.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from memsync.cli.frame import answer, note, shown
from memsync.cli.root import cli
from memsync.cli.session import ask_passphrase, with_chain, with_vault_on_chain
from memsync.cli.show import grant_line, grant_value, memory_lines, memory_value
from memsync.errors import InputError, NotFoundError, StorageError

if TYPE_CHECKING:
    from memsync.chain.registry import Registry
    from memsync.device.proposals import Proposed
    from memsync.shared import SharedVault, Tool
    from memsync.store import BlockStore
    from memsync.vault import Vault

_key_option = click.option("--key", "key_name", default="default", show_default=True, help="The key's name.")


@cli.group()
def key() -> None:
    """The key of a tool, or of yourself as a reader of others' vaults."""


@key.command("card")
@click.argument("name")
@_key_option
@click.option("--url", default="", help="Where the tool is at home, https.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="The file to write; stdout if not named."
)
def card(*, name: str, key_name: str, url: str, out: Path | None) -> None:
    """Write the card of NAME, for who is to grant.

    Makes the key if there is none yet.
    """
    from memsync.format.card import write_card

    made = _tool(key_name, make=True).card(name, url=url)
    data = write_card(made)
    if out is not None:
        try:
            out.write_bytes(data)
        except OSError as err:
            raise StorageError(f"{out} can't be written: {err.strerror}; name another file") from err
    answer(
        data.decode() if out is None else f"{out}: {shown(made.name)}, fingerprint {made.fingerprint}",
        card=data.decode(),
        fingerprint=made.fingerprint,
    )


@cli.command()
@click.argument("card_file", metavar="CARD", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--scope", required=True, help="The scope to grant.")
@click.option("--until", default="30d", show_default=True, help="A span such as 12h, 30d or 1y, or a day.")
@click.option("--can", type=click.Choice(["read", "write", "read+write"]), default="read", show_default=True)
@click.option("--from-now", is_flag=True, help="Only what is pushed from now on.")
@click.option("--yes", is_flag=True, help="The fingerprint was compared; don't ask.")
@with_vault_on_chain
def grant(
    vault: Vault, *, card_file: Path, scope: str, until: str, can: str, from_now: bool, yes: bool
) -> None:
    """Grant a scope to whom CARD names.

    CARD is a file that the other side made with `memsync key card`. Prints the link to hand over.
    """
    from memsync.format.card import LIMIT, read_card

    with card_file.open("rb") as file:
        read = read_card(file.read(LIMIT))
    note(f"{shown(read.name)}, fingerprint {read.fingerprint}")
    if not yes:
        if not sys.stdin.isatty():
            raise InputError("nobody here to compare the fingerprint; say --yes if you have")
        click.confirm("Is it what the other side says?", abort=True, err=True)
    made = vault.grant(read, scope=scope, until=until, can=can, from_now=from_now)
    answer(grant_line(made), grant=grant_value(made))


@cli.command()
@with_vault_on_chain
def grants(vault: Vault) -> None:
    """List who is granted what."""
    found = vault.grants()
    answer([grant_line(one) for one in found] or "none", grants=[grant_value(one) for one in found])


@cli.command()
@click.argument("who")
@click.option(
    "--emergency", is_flag=True, help="Only the bare call on chain, whatever state the store is in."
)
@with_vault_on_chain
def revoke(vault: Vault, *, who: str, emergency: bool) -> None:
    """End the grant of WHO.

    WHO is a name, or a grant's id in hexadecimal. What was read stays read, and nothing new is.
    """
    known = {one.id.hex(): one.id for one in vault.grants()}
    receipt = vault.revoke(known.get(who.removeprefix("0x"), who), emergency=emergency)
    if receipt is None:
        answer("ended on chain; its keys change with the next push", sequence=None)
    else:
        answer(
            f"ended; new keys for {', '.join(map(shown, receipt.rotated))}; sequence {receipt.sequence}",
            sequence=receipt.sequence,
            rotated=list(receipt.rotated),
        )


@cli.command()
@click.option("--accept", "accepted", multiple=True, metavar="ID", help="Make a memory of this proposal.")
@click.option("--refuse", "refused", multiple=True, metavar="ID", help="Say no to it, for good.")
@with_vault_on_chain
def review(vault: Vault, *, accepted: tuple[str, ...], refused: tuple[str, ...]) -> None:
    """List what tools propose, or decide about it."""
    collected = vault.collect()
    for name, why in collected.refused:
        note(f"{shown(name)}: its parcel could not be taken in: {shown(why)}")
    waiting = vault.review()
    yes, no = [_one(waiting, start) for start in accepted], [_one(waiting, start) for start in refused]
    for proposal in yes:
        vault.accept(proposal)
    for proposal in no:
        vault.refuse(proposal)
    left = vault.review()
    lines = [f"{one.id.hex()}  {' '.join(shown(one.draft.text).split())}" for one in left]
    if yes or no:
        lines.insert(0, f"{len(yes)} accepted, {len(no)} refused; push to let readers have it")
    answer(
        lines or "nothing waits",
        accepted=len(yes),
        refused=len(no),
        proposals=[{"id": one.id.hex(), "text": one.draft.text, "author": one.author.hex()} for one in left],
    )


@cli.command()
@click.argument("link")
@_key_option
@click.option("--recall", "question", metavar="QUESTION", help="Ask this of what was granted.")
@with_chain
def accept(
    registry: Registry, store: BlockStore | None, *, link: str, key_name: str, question: str | None
) -> None:
    """Read what LINK grants.

    Takes up the grant, pulls, and answers a question; again whenever you like.
    """
    with _shared(link, key_name, registry, store) as shared:
        refreshed = shared.pull()
        hits = shared.recall(question) if question else []
        count = sum(1 for _ in shared.memories())
        answer(
            [
                f"{shown(shared.scope)}: {count:,} memories, {refreshed.added} new",
                *(line for hit in hits for line in memory_lines(hit.memory)),
            ],
            scope=shared.scope,
            until=shared.until,
            memories=count,
            added=refreshed.added,
            removed=refreshed.removed,
            hits=[memory_value(hit.memory) for hit in hits],
        )


@cli.command()
@click.argument("link")
@click.argument("texts", nargs=-1, required=True)
@_key_option
@with_chain
def propose(
    registry: Registry, store: BlockStore | None, *, link: str, texts: tuple[str, ...], key_name: str
) -> None:
    """Propose TEXTS to the owner behind LINK."""
    with _shared(link, key_name, registry, store) as shared:
        receipt = shared.propose(texts)
        answer(
            f"{len(texts)} proposed, transaction 0x{receipt.transaction.hex()}",
            proposed=len(texts),
            transaction=receipt.transaction.hex(),
        )


@contextmanager
def _shared(link: str, key_name: str, registry: Registry, store: BlockStore | None) -> Iterator[SharedVault]:
    from memsync.shared import SharedVault

    if store is None:
        raise InputError("say where the granter's blocks are: --store FOLDER, or MEMSYNC_STORE")
    tool = _tool(key_name)
    state = _folder(key_name) / f"{hashlib.sha256(link.encode()).hexdigest()[:16]}.db"
    with SharedVault.accept(link, key=tool, registry=registry, store=store, state=state) as shared:
        yield shared


def _tool(name: str, *, make: bool = False) -> Tool:
    """The key of this name, after its passphrase."""
    from memsync.device.keystore_file import create_keystore, read_keystore
    from memsync.device.paths import VaultPaths
    from memsync.device.secrets import Secrets
    from memsync.shared import Tool

    folder = _folder(name)
    file = folder / "keystore"
    if not file.exists():
        if not make:
            raise NotFoundError(f"no key {name!r} on this device; `memsync key card NAME` makes one")
        VaultPaths(name, folder).make()
        secrets = Secrets.new()
        create_keystore(file, ask_passphrase("New passphrase for the key", new=True), secrets)
        return Tool(secrets.device)
    return Tool(read_keystore(file, ask_passphrase("Passphrase of the key")).device)


def _folder(name: str) -> Path:
    from memsync.device.paths import check_name, memsync_home

    check_name(name)
    return memsync_home() / "keys" / name


def _one(waiting: list[Proposed], start: str) -> Proposed:
    found = [one for one in waiting if one.id.hex().startswith(start.lower())]
    if len(found) != 1:
        raise NotFoundError(f"{len(found)} proposals begin with {start!r}; `memsync review` lists them")
    return found[0]
