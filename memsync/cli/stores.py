"""The commands about where blocks are kept: store add, list, remove, repair, serve."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from memsync.cli.asking import first_line
from memsync.cli.calling import call, target, vault_option, whole_path
from memsync.cli.frame import answer, note, say, shown
from memsync.cli.root import cli
from memsync.cli.show import amount
from memsync.store.faults import named


@cli.group()
def store() -> None:
    """Where the blocks are kept."""


@store.command("add")
@click.argument("place")
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file with a gateway's token.",
)
@vault_option
def add_store(place: str, token_file: Path | None) -> None:
    """Keep the blocks in PLACE too: a folder (of another disk, or one that is synchronised), or read them from a gateway's URL.

    All that the vault needs is copied there now.

    \b
    Example: memsync store add /media/usb/blocks
    """
    where = whole_path(place)
    found = call(
        "store add", place=where, token_file=None if token_file is None else str(token_file.absolute())
    )
    answer(
        f"{shown(where)}: {amount(found['copied'], 'block')} copied, {found['present']} there already", found
    )


@store.command("list")
@vault_option
def list_stores() -> None:
    """List the stores, and what each has of what the vault needs.

    \b
    Example: memsync store list
    """
    found = call("store list")
    lines = []
    for one in found["stores"]:
        state = one["error"] or (
            f"{amount(one['blocks'], 'block')}"
            + (f", {one['missing']} missing: `memsync store repair`" if one["missing"] else "")
        )
        lines.append(f"{shown(one['store'])}  {shown(state)}")
    answer(lines, found)


@store.command("remove")
@click.argument("place")
@vault_option
def remove_store(place: str) -> None:
    """Use PLACE no longer. What is there stays there.

    \b
    Example: memsync store remove /media/usb/blocks
    """
    where = place if place == "blocks" else whole_path(place)
    answer(f"{shown(where)} is used no longer; what is there stays there", call("store remove", place=where))


@store.command("repair")
@vault_option
def repair_stores() -> None:
    """Give each store the blocks that it lacks and another has.

    \b
    Example: memsync store repair
    """
    found = call("store repair")
    line = f"{amount(found['copied'], 'block')} copied"
    if found["missing"]:
        line += f"; {amount(found['missing'], 'block is', 'blocks are')} in no store that answers"
    answer(line, found)


@store.command("serve")
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on; others than this machine's on purpose only.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8040, show_default=True, help="0: any free one."
)
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The token, in a file; made if it isn't there.",
)
@click.option(
    "--public",
    is_flag=True,
    help="No token: the blocks are ciphertext, yet who fetches them sees how many there are.",
)
@vault_option
def serve(folder: Path | None, host: str, port: int, token_file: Path | None, public: bool) -> None:
    """Let others read blocks over HTTP: of FOLDER, or of the vault's own. Read only, by name only, until Ctrl-C.

    A trustless gateway: who reads checks each block. Put a server with a certificate before it to let it be reached from elsewhere.

    \b
    Example: memsync store serve --port 8040 --token-file token
    """
    from memsync.device.config import settings
    from memsync.device.paths import VaultPaths
    from memsync.http.gateway import serve_gateway
    from memsync.store import DirectoryStore

    name = settings(target().get("vault")).vault
    blocks = DirectoryStore(folder or VaultPaths.of(name).blocks)
    token = None if public else _token(token_file)
    if token is not None and token_file is None:
        note(f"token: {token}")

    def ready(url: str) -> None:
        say(f"{blocks.place} is at {url}; Ctrl-C ends it")
        answer([], {"url": url, "token": token if token_file is None else None})

    serve_gateway(blocks, host=host, port=port, token=token, ready=ready)


def _token(file: Path | None) -> str:
    if file is None:
        return secrets.token_urlsafe(24)
    with named(f"{file}", "written"):
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(secrets.token_urlsafe(24) + "\n", encoding="utf-8")
    return first_line(file)
