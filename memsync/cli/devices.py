"""The commands about the person's own devices: join, add, list, rename, remove.

Joining asks for a passphrase and removing for the words, so both are done in this process; so is what two devices say over a socket.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from memsync.cli.asking import ask_words, confirm, read_stdin
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
from memsync.cli.here import on_its_chain, opened_here
from memsync.cli.root import cli
from memsync.cli.show import amount, day, grant_lines
from memsync.errors import InputError
from memsync.home import memsync_home

_out = click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write it to, instead of stdout.",
)


@cli.group()
def device() -> None:
    """Your own devices: add one without the words, remove one with them.

    Side by side: `device add --listen PORT` on the one that has the vault, `device join --connect HOST:PORT` on the new one, and a code to
    carry from one screen to the other. Or by files: the new device asks (`device join`), one that has the vault adds it (`device add`), the
    new one takes the answer (`device join ANSWER`). Both show a fingerprint: compare it, for what passes between them proves nothing
    about who made it.
    """


@device.command("join")
@click.argument("reply", metavar="[ANSWER]", required=False)
@click.option(
    "--connect",
    "where",
    metavar="HOST:PORT",
    help="Where the other device listens, by `device add --listen`.",
)
@click.option("--name", metavar="NAME", help="What to call this device.  [default: as the system does]")
@_out
@click.option(
    "--store",
    "stores",
    multiple=True,
    metavar="PLACE",
    help="With ANSWER or --connect: where the vault's blocks are, a folder, FILE.car or a gateway's URL; may be given again.",
)
@click.option(
    "--fingerprint", metavar="ID", help="The vault's whole fingerprint, or its id, instead of comparing here."
)
@click.option("--yes", is_flag=True, help="With ANSWER: the vault's fingerprint was compared; don't ask.")
@vault_option
@token_option
@network_option
@payer_option
def join(
    reply: str | None,
    where: str | None,
    name: str | None,
    out: Path | None,
    stores: tuple[str, ...],
    fingerprint: str | None,
    yes: bool,
) -> None:
    """Ask for the vault on a new device, then take the ANSWER (a file, - for stdin); or both at once, with --connect.

    With --connect: shows a code, which is typed on the device that listens. A request that was made before holds, with its fingerprint;
    whatever breaks it off, say it again. Without: makes a keystore under a new passphrase and prints a request, which holds no secret, for
    `device add` on a device that has the vault. With ANSWER or --connect: needed are the vault's chain and a place that has its blocks, as
    for `restore`; both are remembered. On a device that has the vault and lost its way, after another was reported stolen, the same steps
    bring it back with all that waits.

    \b
    Example: memsync device join --connect 192.0.2.7:8042 --store https://blocks.example --network ethereum:sepolia:node
      memsync device join --name phone --out request.json
      memsync device join answer.json --store /media/usb/blocks --network node
    """
    from memsync.cli import joining
    from memsync.device.config import settings
    from memsync.device.paths import VaultPaths
    from memsync.format.pairing import write_request

    vault = settings(target().get("vault")).vault
    known = VaultPaths.of(vault, memsync_home()).keystore.exists()
    if where is not None:
        _only_over_a_socket("--connect", ANSWER=reply, out=out, yes=yes)
        if known:
            return joining.join_again_over(vault, where, name, fingerprint)
        return joining.join_over(vault, where, name, stores, fingerprint)
    if reply is not None:
        data = _read(reply, "an answer")
        if known:
            return joining.join_again(vault, data.encode())
        return joining.join(vault, data, stores, fingerprint, yes=yes)
    request = joining.ask(vault, name, known=known)
    text = write_request(request).decode()
    file = _put(out, text)
    note(
        f"{shown(request.name)}, fingerprint {request.fingerprint}: compare it where you say `memsync device add`"
    )
    return answer(
        [text] if file is None else f"the request is in {file}",
        {"device": request.name, "fingerprint": request.fingerprint, "request": text, "file": file},
    )


@device.command("add")
@click.argument("request", required=False)
@click.option(
    "--listen",
    "where",
    metavar="[HOST:]PORT",
    help="Let the device in that says `device join --connect`; port 0: any free one; without HOST from this machine only.",
)
@click.option("--name", metavar="NAME", help="What to call it, if not as it calls itself.")
@click.option("--again", is_flag=True, help="It is listed, and its answer was lost or it lost its way.")
@_out
@click.option(
    "--fingerprint", metavar="FINGERPRINT", help="The device's whole fingerprint, instead of comparing here."
)
@click.option("--yes", is_flag=True, help="With REQUEST: the fingerprint was compared; don't ask.")
@on_chain
def add(
    request: str | None,
    where: str | None,
    name: str | None,
    again: bool,
    out: Path | None,
    fingerprint: str | None,
    yes: bool,
) -> None:
    """Add the device that made REQUEST (a file, - for stdin), or the one that connects, with --listen.

    With --listen: prints what to type on the new device, waits ten minutes for it, and asks for the code of seven digits that it shows. A
    code that is not the one of here ends it on both: somebody stands between, or it was mistyped. With REQUEST: shows the request's
    fingerprint and asks: whoever made it gets the whole vault, all but the words. Pushes what waits, and prints the answer, which opens
    on that device only.

    \b
    Example: memsync device add --listen 192.0.2.7:8042
      memsync device add request.json --out answer.json
    """
    if where is not None:
        _only_over_a_socket("--listen", REQUEST=request, out=out, yes=yes, again=again)
        from memsync.cli.pairing import add_over

        found = add_over(where, name, fingerprint)
        return answer(
            f"{shown(found['device']['name'])} is in the vault, and has its keys", found | {"file": None}
        )
    if request is None:
        raise InputError("`device add` needs REQUEST, or --listen PORT; give one of them")
    data = _read(request, "a request")
    plan = call("device add", request=data, name=name, preview=True, fingerprint=fingerprint)["device"]
    if fingerprint is None:
        note(f"{shown(plan['name'])}, asked {day(plan['asked'])}, fingerprint {plan['fingerprint']}")
        confirm("Is that the fingerprint on the other device, and shall it have the whole vault?", yes=yes)
    found = call("device add", request=data, name=name, again=again, fingerprint=plan["fingerprint"])
    file = _put(out, found["answer"])
    note(f"{shown(found['device']['name'])} is in the vault; there it is to show {found['vault']}")
    return answer([found["answer"]] if file is None else f"its answer is in {file}", found | {"file": file})


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
    with opened_here() as at:
        found = on_its_chain(at, lambda at: at.vault_on_chain.remove_device(who, words, stolen=stolen))
        others = [one.name for one in at.vault.vaults()] if at.vault.number == 0 else []
    from memsync.keeper.values import grant_value

    if others:
        note(
            f"it was removed from this vault only; say it for each other that it had: {', '.join(map(shown, others))}"
        )
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


def _only_over_a_socket(option: str, **given: object) -> None:
    """Nothing passes by a file there, and a yes beforehand would be one to what nobody has looked at."""
    for name, value in given.items():
        if value:
            said = name if name.isupper() else f"--{name}"
            why = ": the code must be compared, in a script by --fingerprint" if name == "yes" else ""
            raise InputError(f"{option} goes without {said}{why}; leave it away")


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
