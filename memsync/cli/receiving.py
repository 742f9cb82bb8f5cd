"""The commands of who is granted something: key, accept, propose.

A tool's key is kept under a name in ``keys`` of MemSync's folder, in a keystore under a passphrase, beside what it has read.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from memsync.cli.asking import ask_passphrase
from memsync.cli.calling import by_key, call, key_option, target
from memsync.cli.frame import answer, shown
from memsync.cli.root import cli
from memsync.cli.show import amount, memory_lines, minute
from memsync.errors import StorageError
from memsync.home import memsync_home


@cli.group()
def key() -> None:
    """The key of a tool, or of yourself as a reader."""


@key.command("card")
@click.argument("name")
@key_option
@click.option("--url", default="", help="Where the tool is at home, https.")
@click.option(
    "--request", metavar="NONCE", help="A nonce that the grant must carry: 32 hexadecimal digits, or `new`."
)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="The file to write; stdout if not named."
)
def card(name: str, url: str, request: str | None, out: Path | None) -> None:
    """Write the card of NAME, for who is to grant.

    Makes the key if there is none yet.

    \b
    Example: memsync key card Inkwell --out inkwell.json
    """
    _make_key()
    nonce = secrets.token_hex(16) if request == "new" else request
    found = call("key card", name=name, url=url, request=nonce) | {"request": nonce}
    data = found["card"].encode()
    if out is not None:
        try:
            out.write_bytes(data)
        except OSError as err:
            raise StorageError(f"{out} can't be written: {err.strerror}; name another file") from err
    lines = [
        found["card"] if out is None else f"{out}: {shown(found['name'])}, fingerprint {found['fingerprint']}"
    ]
    if request == "new":
        lines.append(
            f"the grant must carry the nonce {nonce}: keep it for `memsync accept LINK --request {nonce}`"
        )
    answer(lines, found)


@key.command("publish")
@click.argument("name")
@click.option("--url", default="", help="Where the tool is at home, https.")
@by_key
def publish(name: str, url: str) -> None:
    """Have the chain say that the card of NAME is the current one of its account.

    \b
    Example: memsync key publish Inkwell --url https://inkwell.example > .well-known/memsync.json
    """
    found = call("key publish", name=name, url=url)
    answer(found["card"], found)


@cli.command()
@click.argument("link")
@click.option("--recall", "question", metavar="QUESTION", help="Ask this of what was granted.")
@click.option("-k", "k", type=click.IntRange(min=1), default=5, show_default=True, help="How many answers.")
@click.option("--request", metavar="NONCE", help="Refuse a grant that does not carry this nonce.")
@by_key
def accept(link: str, question: str | None, k: int, request: str | None) -> None:
    """Read what LINK grants.

    Takes up the grant, pulls, and answers a question; again whenever you like. Blocks are fetched from --store (a gateway's URL, a
    folder or FILE.car), else from the https addresses in the link.

    \b
    Example: memsync accept memsync:1:… --store inkwell-novel.car --recall "when does the tide turn"
    """
    found = call("accept", link=link, question=question, k=k, request=request)
    lines = [
        f"{shown(found['scope'])}: {amount(found['memories'], 'memory', 'memories')}, {found['added']} new; until {minute(found['until'])}",
        *(line for hit in found["hits"] for line in memory_lines(hit)),
    ]
    if question and not found["hits"]:
        lines.append("nothing found")
    answer(lines, found)


@cli.command()
@click.argument("link")
@click.argument("texts", nargs=-1, required=True, metavar="TEXT...")
@by_key
def propose(link: str, texts: tuple[str, ...]) -> None:
    """Propose each TEXT to the owner behind LINK.

    \b
    Example: memsync propose memsync:1:… "The reading starts with chapter 11."
    """
    found = call("propose", link=link, texts=texts)
    answer(f"{found['proposed']} proposed, transaction {found['transaction']}", found)


def _make_key() -> None:
    """Make the key that is meant, if there is none yet."""
    from memsync.device.keystore_file import create_keystore
    from memsync.device.paths import VaultPaths, check_name
    from memsync.device.secrets import Secrets
    from memsync.keeper.held import key_folder

    name = target().get("key", "default")
    check_name(name)
    folder = key_folder(memsync_home(), name)
    if not (folder / "keystore").exists():
        VaultPaths(name, folder).make()
        create_keystore(
            folder / "keystore", ask_passphrase("New passphrase for the key", new=True), Secrets.new()
        )
