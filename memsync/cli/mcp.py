"""The commands about AI tools that speak the Model Context Protocol: mcp, and how a client is told of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from memsync.cli.asking import confirm
from memsync.cli.calling import call, target, vault_option
from memsync.cli.frame import answer, note, say, shown
from memsync.cli.root import cli
from memsync.errors import InputError, MemSyncError
from memsync.home import memsync_home
from memsync.mcp_server.change import Change, Place
from memsync.mcp_server.clients import CLIENTS, Machine, find_client
from memsync.mcp_server.registering import (
    find_place,
    is_here,
    make_entry,
    own_command,
    own_environment,
    plan_install,
    plan_uninstall,
    read_entry,
    whole,
    write,
)

_client = click.argument("client", metavar="CLIENT", type=click.Choice(list(CLIENTS)))
_project = click.option(
    "--project", is_flag=True, help="In this folder's own file, for this project only; not for every project."
)
_yes = click.option("--yes", is_flag=True, help="Write without asking.")
_dry_run = click.option("--dry-run", is_flag=True, help="Only show what would be written.")


@cli.group(invoke_without_command=True)
@click.option("--client", metavar="NAME", help="Who is calling: the name that was granted something.")
@click.option(
    "--token-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The caller's token, in a file of its own.",
)
@click.option("--http", is_flag=True, help="Over streamable HTTP, to callers that bring their tokens.")
@click.option("--host", default="127.0.0.1", show_default=True, help="With --http: a loopback address.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="With --http: a free one is taken if left out."
)
@click.option("--log", is_flag=True, help="Tell on stderr each verb, its outcome and its time.")
@vault_option
@click.pass_context
def mcp(
    ctx: click.Context,
    client: str | None,
    token_file: Path | None,
    http: bool,
    host: str,
    port: int,
    log: bool,
) -> None:
    """Serve what is granted to AI tools, by the Model Context Protocol: on stdin and stdout, for the client that starts it.

    Opens no vault: each call goes to the keeper, with the token of --client, of --token-file or of MEMSYNC_TOKEN. Before there is a vault,
    an unlocked keeper or a grant it starts all the same, and answers calls with what to type.

    \b
    Example: memsync mcp --client cursor
    """
    if ctx.invoked_subcommand is not None:
        return
    from memsync.mcp_server.running import check_installed

    check_installed()
    if http:
        if client or token_file:
            raise InputError("over HTTP each request brings its token; leave --client and --token-file out")
        _serve_http(host, port, log=log)
    else:
        _serve_stdio(client, token_file, log=log)


def _serve_stdio(client: str | None, token_file: Path | None, *, log: bool) -> None:
    from memsync.mcp_server import identity
    from memsync.mcp_server.running import run_stdio

    home, token = memsync_home(), os.environ.get("MEMSYNC_TOKEN")
    if not (client or token_file or token) and sys.stdin.isatty():
        click.echo(click.get_current_context().get_help())  # somebody looks what there is
        return
    if client and token_file:
        raise InputError("--client and --token-file both say who is calling; give one of the two")
    if client:
        who = identity.of_client(client, target().get("vault"), home)
    elif token_file:
        who = identity.of_file(token_file.absolute())
    else:
        who = identity.of_token(token.strip()) if token else identity.nobody
    run_stdio(who, home, log=log)


def _serve_http(host: str, port: int, *, log: bool) -> None:
    from memsync.http.serving import serve
    from memsync.mcp_server.running import http_app
    from memsync.mcp_server.streamable import PATH, check_loopback

    def ready(url: str) -> None:
        say(f"MCP is at {url}{PATH}; Ctrl-C ends it")
        answer([], {"url": url + PATH})

    serve(http_app(memsync_home(), log=log), host=check_loopback(host), port=port, ready=ready)


@mcp.command()
@_client
@_project
@_yes
@_dry_run
@vault_option
def install(client: str, project: bool, yes: bool, dry_run: bool) -> None:
    """Tell CLIENT of MemSync, in the client's own file of servers.

    CLIENT is claude-code, claude-desktop, cursor, vscode or codex. Shows what changes in the file, and asks; all else in it stays as it is.
    The file gets no secret: the client's token lies with the vault. What the client may read is another step: `memsync grant`.

    \b
    Example: memsync mcp install cursor
    """
    place = _place(client, project=project)
    entry = make_entry(place.client, own_command(), _environment())
    change = plan_install(place, entry, _records())
    found: dict[str, Any] = {
        "client": client,
        "file": str(place.real),
        "changed": bool(change),
        "token": None,
    }
    if change:
        _show(change)
    if dry_run:
        answer(_lines(place, change, "would be registered"), found)
        return
    if change:
        confirm("Write this?", yes=yes)
        found["token"] = call("client token", name=client)["file"]
        [known] = [one for one in call("client list")["clients"] if one["name"] == client]
        change = write(place, lambda: plan_install(place, entry, _records()), _records())
        lines = _lines(place, change, "is registered")
        if not known["grants"]:
            lines.append(f"nothing is granted to it yet: memsync grant {client} --scope personal --for 30d")
        answer([*lines, f"then {place.client.after}"], found)
        return
    found["token"] = _token_of(client)
    answer(_lines(place, change, ""), found)


@mcp.command()
@_client
@_project
@_yes
@_dry_run
def uninstall(client: str, project: bool, yes: bool, dry_run: bool) -> None:
    """Take MemSync out of CLIENT's file of servers.

    CLIENT is one of those that `memsync mcp install` takes. Its grants stay until they end, or until `memsync revoke`.

    \b
    Example: memsync mcp uninstall cursor
    """
    place = _place(client, project=project)
    change = plan_uninstall(place, _records())
    found = {"client": client, "file": str(place.real), "changed": bool(change)}
    if not change:
        answer(f"{place.client.title} is not registered in {shown(str(place.real))}", found)
        return
    _show(change)
    if not dry_run:
        confirm("Write this?", yes=yes)
        write(place, lambda: plan_uninstall(place, _records()), _records())
    lines = _lines(place, change, "would be taken out" if dry_run else "is taken out")
    answer([*lines, f"what it was granted stands; to end it: memsync revoke {client}"], found)


@mcp.command("clients")
def list_clients() -> None:
    """List the clients that are found on this machine, and whether they are told of MemSync.

    Looks at the files for every project, and at those of this folder.

    \b
    Example: memsync mcp clients
    """
    machine, rows = Machine.this(), []
    for client in CLIENTS.values():
        for project in (None, Path.cwd()) if client.project_file else (None,):
            row: dict[str, Any] = {"client": client.name, "project": project is not None}
            row |= {"found": False, "file": None, "registered": False, "trouble": None}
            try:
                row["found"] = is_here(client, machine)
                place = find_place(client, machine, project)
                row["file"] = str(place.real)
                row["registered"] = read_entry(place) is not None
            except MemSyncError as err:
                row["trouble"] = str(err)
            if project is None or row["registered"] or row["trouble"]:
                rows.append(row)
    answer([line for row in rows for line in _row(row)], {"clients": rows})


@mcp.command("bundle")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@vault_option
def write_bundle(file: Path) -> None:
    """Write FILE, a bundle (.mcpb) that Claude Desktop installs when it is opened.

    It runs the MemSync of this machine, and holds no secret.

    \b
    Example: memsync mcp bundle memsync.mcpb
    """
    from memsync import __version__
    from memsync.mcp_server.bundle import CLIENT, bundle
    from memsync.store.faults import named

    if file.suffix != ".mcpb":
        raise InputError(f"{file} does not end in .mcpb, by which Claude Desktop knows it; name it so")
    command = own_command()
    if len(command) > 1:
        raise InputError(
            "the memsync command is not beside this Python; install MemSync as a package, then repeat"
        )
    data = bundle(__version__, command[0], _environment())
    with named(str(file), "written"), whole(file.absolute(), data, 0o644) as temporary:
        temporary.replace(file)
    lines = [
        f"{shown(str(file))}: open it with Claude Desktop",
        f"then memsync grant {CLIENT} --scope personal --for 30d",
    ]
    answer(lines, {"file": str(file.absolute()), "size": len(data)})


def _place(client: str, *, project: bool) -> Place:
    return find_place(find_client(client), Machine.this(), Path.cwd() if project else None)


def _environment() -> dict[str, str]:
    """What the client's file says of the vault: which it is, where there could be another, so that `vault use` moves no tool."""
    from memsync.device.config import settings
    from memsync.device.paths import vault_names

    home, said = memsync_home(), target().get("vault")
    chosen = settings(said, home).vault
    named = said is not None or chosen != "default" or len(vault_names(home)) > 1
    return own_environment(Machine.this(), home, chosen if named else None)


def _token_of(client: str) -> str:
    """The file with the client's token; the vault is opened only where there is none."""
    from memsync.device.config import settings
    from memsync.device.paths import VaultPaths

    home = memsync_home()
    file = VaultPaths.of(settings(target().get("vault"), home).vault, home).client_token(client)
    return str(file) if file.exists() else str(call("client token", name=client)["file"])


def _records() -> Path:
    return memsync_home() / "clients"


def _show(change: Change) -> None:
    for line in change.diff():
        note(shown(line))


def _lines(place: Place, change: Change, done: str) -> list[str]:
    where = shown(str(place.real))
    if not change:
        return [f"{place.client.title} has it already, in {where}"]
    return [f"{place.client.title}: MemSync {done} in {where}"]


def _row(row: dict[str, Any]) -> list[str]:
    title = CLIENTS[row["client"]].title + (", this folder" if row["project"] else "")
    what = "registered" if row["registered"] else "not registered" if row["found"] else "not found"
    if row["trouble"]:
        return [f"{title:<28}{shown(row['trouble'])}"]
    return [f"{title:<28}{what:<16}{shown(row['file'])}"]
