"""The commands about the person's own devices: join, add, list, rename, remove.

Joining asks for a passphrase and removing for the words, so both are done in this process.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from memsync.cli.asking import ask_passphrase, ask_payer_passphrase, ask_words, confirm, read_stdin
from memsync.cli.bars import watching
from memsync.cli.calling import (
    call,
    network_option,
    on_chain,
    on_vault,
    payer_option,
    target,
    token_option,
    vault_option,
)
from memsync.cli.frame import answer, note, shown
from memsync.cli.root import cli
from memsync.cli.show import amount, day, grant_lines
from memsync.errors import InputError, PayerLocked
from memsync.home import memsync_home

if TYPE_CHECKING:
    from memsync.keeper.at import At
    from memsync.vault import Status

T = TypeVar("T")
_out = click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write it to, instead of stdout.",
)


@cli.group()
def device() -> None:
    """Your own devices: add one without the words, remove one with them.

    The new device asks (`device join`), one that has the vault adds it (`device add`), the new one takes the answer (`device join ANSWER`).
    Both show a fingerprint: compare it, for what passes between them proves nothing about who made it.
    """


@device.command("join")
@click.argument("reply", metavar="[ANSWER]", required=False)
@click.option("--name", metavar="NAME", help="What to call this device.  [default: as the system does]")
@_out
@click.option(
    "--store",
    "stores",
    multiple=True,
    metavar="PLACE",
    help="With ANSWER: where the vault's blocks are, a folder, FILE.car or a gateway's URL; may be given again.",
)
@click.option("--yes", is_flag=True, help="The vault's fingerprint was compared; don't ask.")
@vault_option
@token_option
@network_option
@payer_option
def join(reply: str | None, name: str | None, out: Path | None, stores: tuple[str, ...], yes: bool) -> None:
    """Ask for the vault on a new device, then take the ANSWER (a file, - for stdin).

    Without ANSWER: makes a keystore under a new passphrase and prints a request, which holds no secret, for `device add` on a device that
    has the vault. With ANSWER: needed are the vault's chain and a place that has its blocks, as for `restore`; both are remembered. On a
    device that has the vault and lost its way, after another was reported stolen, the same two steps bring it back with all that waits.

    \b
    Example: memsync device join --name phone --out request.json
      memsync device join answer.json --store /media/usb/blocks --network node
    """
    from memsync.device.config import settings
    from memsync.device.paths import VaultPaths

    vault = settings(target().get("vault")).vault
    known = VaultPaths.of(vault, memsync_home()).keystore.exists()
    if reply is None:
        return _ask(vault, name, out, known=known)
    data = _read(reply, "an answer")
    if known:
        return _join_again(vault, data)
    return _join(vault, data, stores, yes=yes)


@device.command("add")
@click.argument("request")
@click.option("--name", metavar="NAME", help="What to call it, if not as it calls itself.")
@click.option("--again", is_flag=True, help="It is listed, and its answer was lost or it lost its way.")
@_out
@click.option("--yes", is_flag=True, help="The fingerprint was compared; don't ask.")
@on_chain
def add(request: str, name: str | None, again: bool, out: Path | None, yes: bool) -> None:
    """Add the device that made REQUEST (a file, - for stdin).

    Shows the request's fingerprint and asks: whoever made it gets the whole vault, all but the words. Pushes what waits, and prints the
    answer, which opens on that device only.

    \b
    Example: memsync device add request.json --out answer.json
    """
    data = _read(request, "a request")
    plan = call("device add", request=data, name=name, preview=True)["device"]
    note(f"{shown(plan['name'])}, asked {day(plan['asked'])}, fingerprint {plan['fingerprint']}")
    confirm("Is that the fingerprint on the other device, and shall it have the whole vault?", yes=yes)
    found = call("device add", request=data, name=name, again=again, fingerprint=plan["fingerprint"])
    file = _put(out, found["answer"])
    note(f"{shown(found['device']['name'])} is in the vault; there it is to show {found['vault']}")
    answer([found["answer"]] if file is None else f"its answer is in {file}", found | {"file": file})


@device.command("list")
@on_vault
def list_devices() -> None:
    """List the vault's devices, as of the last push or pull.

    \b
    Example: memsync device list
    """
    found = call("device list")
    lines = []
    for one in found["devices"]:
        what = "this device" if one["this"] else ""
        what += "" if one["listed"] else ", listed with its next push"
        lines.append(
            f"{shown(one['name']):<24}{one['fingerprint']}  since {day(one['added'])}  {what}".rstrip()
        )
    removals = found["generation"]
    lines.append(
        f"generation {removals}: {amount(removals, 'removal')} until now"
        if removals
        else "none was ever removed"
    )
    answer(lines, found)


@device.command("rename")
@click.argument("who")
@click.argument("name")
@on_vault
def rename(who: str, name: str) -> None:
    """Call device WHO by another NAME, from the next push on.

    \b
    Example: memsync device rename phone "old phone"
    """
    found = call("device rename", who=who, name=name)
    answer(f"called {shown(found['name'])} from the next push on", found)


@device.command("remove")
@click.argument("who")
@click.option(
    "--stolen",
    is_flag=True,
    help="It shall not even see that the vault changes: all grants are made anew, the other devices join again.",
)
@click.option(
    "--words",
    "file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="A file with the words, - for stdin; without it they are asked for.",
)
@click.option("--yes", is_flag=True, help="Don't ask.")
@on_chain
def remove(who: str, stolen: bool, file: Path | None, yes: bool) -> None:
    """Remove device WHO, by name or fingerprint.

    Asks for the 24 words. What it has, it keeps; it reads nothing that is pushed from now on, and signs nothing. What waits there and was
    not pushed stays there. Every scope gets new keys; grants that may write are made anew, and their links are shown, to be handed over.
    Whatever breaks it off, say it again, or push.

    \b
    Example: memsync device remove phone
    """
    if not yes:
        note(
            f"{shown(who)} will read nothing that is pushed from now on, and what it has not pushed stays there"
        )
        if stolen:
            note("all grants are made anew, with new links, and your other devices are to be joined again")
    confirm("Remove it?", yes=yes)
    words = ask_words(file)
    found = _with_chain(lambda at: at.vault_on_chain.remove_device(who, words, stolen=stolen))
    from memsync.keeper.values import grant_value

    grants = [grant_value(one) for one in found.grants]
    rotated = ", ".join(map(shown, found.rotated)) or "nothing"
    lines = [
        f"{shown(found.name)} is removed; generation {found.generation}, new keys for {rotated}; sequence {found.sequence}"
    ]
    if grants:
        lines.append("made anew, hand over these links:")
        lines += [line for one in grants for line in grant_lines(one)]
    if found.again:
        lines.append(f"to be joined again: {', '.join(map(shown, found.again))}")
    answer(
        lines,
        {
            "name": found.name,
            "generation": found.generation,
            "sequence": found.sequence,
            "transaction": "0x" + found.transaction.hex() if found.transaction else None,
            "rotated": list(found.rotated),
            "grants": grants,
            "again": list(found.again),
        },
    )


def _ask(vault: str, name: str | None, out: Path | None, *, known: bool) -> None:
    from memsync.format.pairing import write_request
    from memsync.vault import Vault

    if known:
        with _opened() as at:
            request = at.vault.request_again(name)
    else:
        request = Vault.request(vault, passphrase=ask_passphrase("New passphrase", new=True), device=name)
    text = write_request(request).decode()
    file = _put(out, text)
    note(
        f"{shown(request.name)}, fingerprint {request.fingerprint}: compare it where you say `memsync device add`"
    )
    answer(
        [text] if file is None else f"the request is in {file}",
        {"device": request.name, "fingerprint": request.fingerprint, "request": text, "file": file},
    )


def _join(vault: str, data: str, stores: tuple[str, ...], *, yes: bool) -> None:
    from memsync.cli.making import places_of, remember_places, settled, store_of
    from memsync.device.paths import VaultPaths
    from memsync.format.pairing import fingerprint
    from memsync.vault import Vault
    from memsync.vault.joining import answered, asked

    home, places = memsync_home(), places_of(stores)
    with settled(home, "joining") as (found, registry, opener):
        passphrase = ask_passphrase()
        secrets, request = asked(VaultPaths.of(vault, home), passphrase)
        keys = answered(data.encode(), request, secrets)
        note(f"the vault's fingerprint is {fingerprint(keys.vault)}")
        confirm("Is that what the other device shows?", yes=yes)
        store = store_of(places, opener)
        with (
            watching() as progress,
            _told(progress),
            Vault.join(
                data.encode(),
                passphrase=passphrase,
                name=vault,
                vault=keys.vault,
                store=store,
                registry=registry,
            ) as joined,
        ):
            remember_places(joined, found, places, store, home)
            status = joined.status()
    answer(
        f"{amount(status.memories, 'memory is', 'memories are')} here in {amount(len(status.scopes), 'scope')}, "
        f"as of push {status.sequence}",
        {"vault": vault, "memories": status.memories, "sequence": status.sequence},
    )


def _join_again(vault: str, data: str) -> None:
    status = _with_chain(lambda at: _joined_again(at, data))
    answer(
        f"back in the vault, as of push {status.sequence}; {amount(status.waiting, 'thing waits', 'things wait')} to be pushed",
        {"vault": vault, "memories": status.memories, "sequence": status.sequence},
    )


def _joined_again(at: At, data: str) -> Status:
    at.vault_on_chain.join_again(data.encode())
    return at.vault.status()


@contextmanager
def _opened() -> Iterator[At]:
    """The vault that is meant, opened in this process; its chain with the payer's passphrase, where that is needed."""
    from memsync.device.config import settings
    from memsync.keeper.at import At, Target
    from memsync.keeper.held import Open

    home = memsync_home()
    opened = Open(home)
    vault = settings(target().get("vault"), home).vault
    try:
        opened.find_vault(vault)
        opened.unlock_vault(vault, ask_passphrase())
        with At(Target.taken_from(target()), opened) as at:
            yield at
    finally:
        opened.lock()


def _with_chain(do: Callable[[At], T]) -> T:
    """Do what needs the vault's chain; again with the payer's passphrase where its account is locked."""
    from memsync.keeper.at import At, Target

    with _opened() as at, watching() as progress, _told(progress):
        try:
            return do(at)
        except PayerLocked:
            said = target() | {"payer_passphrase": ask_payer_passphrase()}
            with At(Target.taken_from(said), at.held) as again:
                return do(again)


@contextmanager
def _told(progress: Any) -> Iterator[None]:
    from memsync.progress import watched

    with watched(lambda one: progress(one.what, one.done, one.total)):
        yield


def _put(out: Path | None, text: str) -> str | None:
    """Write what is to be handed over, for this user alone; the whole path, None for stdout."""
    if out is None:
        return None
    try:
        handle = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        return str(out.absolute())
    except OSError as err:
        raise InputError(f"{out} can't be written: {err.strerror}; name another file with --out") from err


def _read(where: str, what: str) -> str:
    from memsync.format.pairing import LIMIT

    if where == "-":
        return read_stdin()
    try:
        with Path(where).open("rb") as file:
            return file.read(LIMIT + 1).decode()
    except (OSError, UnicodeDecodeError) as err:
        reason = getattr(err, "strerror", None) or "not UTF-8"
        raise InputError(
            f"{where} can't be read: {reason}; name the file with {what}, or - for stdin"
        ) from err
