"""The commands about the chain: which it is, another, moving there; and a node on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memsync.cli.calling import call, on_chain, vault_option
from memsync.cli.frame import answer, shown
from memsync.cli.root import cli
from memsync.cli.show import minute, network_name
from memsync.home import memsync_home

if TYPE_CHECKING:
    from memsync.chain.lasting import NodeStatus

_TARGET = "memsync.target"


@cli.group(invoke_without_command=True)
@on_chain
@click.pass_context
def chain(ctx: click.Context) -> None:
    """The chain: which it is, its contract and who pays."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(show)


@chain.command("show")
@on_chain
def show() -> None:
    """Show network, contract, payer and the last block.

    \b
    Example: memsync chain show
    """
    found = call("chain")
    answer(_chain_lines(found), found)


@chain.command("use")
@click.argument("network")
@click.option("--payer", metavar="ACCOUNT", help="The Ape account that pays (see `ape accounts list`).")
@vault_option
@click.pass_context
def use(ctx: click.Context, network: str, payer: str | None) -> None:
    """Choose NETWORK for the vault: `node`, an Ape network choice, or an RPC's URL.

    A vault that was pushed stays where it is: `chain move` brings it elsewhere.

    \b
    Example: memsync chain use ethereum:sepolia:node --payer ada
    """
    said = ctx.meta.setdefault(_TARGET, {})
    said["network"] = network
    if payer or network == "node":
        said["payer"] = payer or "TEST::0"
    found = call("chain use")
    answer(_chain_lines(found), found)


@chain.command("move")
@click.argument("network")
@click.option("--payer", metavar="ACCOUNT", help="The Ape account that pays there.")
@click.option(
    "--words",
    "file",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="A file with the words, - for stdin; without it they are asked for.",
)
@click.option(
    "--revoke-old", is_flag=True, help="End the grants on the old chain, which else go on over what it has."
)
@vault_option
def move(network: str, payer: str | None, file: Path | None, revoke_old: bool) -> None:
    """Bring the vault to NETWORK, another chain or contract.

    Asks for the 24 words. The vault gets a new id; everything is sealed anew there; your other devices are told on the old chain.
    Grants are listed, to be given again. Whatever breaks it
    off, say it again.

    \b
    Example: memsync chain move ethereum:sepolia:node --payer ada
    """
    from memsync.cli.moving import move_vault

    found = move_vault(
        network, payer or ("TEST::0" if network == "node" else None), file, revoke_old=revoke_old
    )
    lines = [
        f"the vault is on chain {found['chain_id']} now, sequence {found['sequence']}",
        *(shown(warning) for warning in found["warnings"]),
    ]
    if found["grants"]:
        lines.append("to grant again:")
        lines += [
            f"    {shown(one['name'])}  {shown(one['scope'])}  {one['can']}  until {minute(one['until'])}"
            for one in found["grants"]
        ]
    answer(lines, found)


def _chain_lines(found: dict[str, Any]) -> list[str]:
    registry = (
        "the registry of this release"
        if found["registry"]
        else ("other code" if found["code_hash"] else "no contract: `ape run deploy` puts it there")
    )
    lines = [
        f"network   {network_name(found['network'])}, chain {found['chain_id']}, block {found['block']:,} of {minute(found['block_time'])}",
        f"contract  {found['contract']}  ({registry})",
        f"code      {found['code_hash'] or 'none'}",
    ]
    if found["account"]:
        lines.append(
            f"payer     {shown(found['payer'] or '')} {found['account']}, {int(found['balance']) / 10**18:.6f} ether"
        )
    else:
        lines.append(
            "payer     none: what changes the chain needs one; `memsync chain use NETWORK --payer ACCOUNT`"
        )
    return lines


@cli.group()
def node() -> None:
    """A chain on this machine that is still there tomorrow.

    A Foundry node: for trying, and for who needs no public chain.
    """


@node.command("start")
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Its port.  [default: that of last time, or a free one]"
)
def start(port: int | None) -> None:
    """Start the node, with the registry on it. Vaults that have no chain yet use it.

    \b
    Example: memsync node start
    """
    from memsync.chain.lasting import start_node
    from memsync.device.config import change_config, read_config
    from memsync.keeper.chains import OWN_NODE, node_folder

    home = memsync_home()
    found = start_node(node_folder(home), port=port)
    chosen = read_config(home).get("chain", {}).get("network")
    if chosen is None:
        change_config({"chain.network": OWN_NODE, "chain.payer": "TEST::0"}, home)
    line = f"the node runs at {found.url}, chain {found.chain_id}, block {found.block}"
    answer(
        [
            line,
            *_node_notes(found),
            *(
                []
                if chosen in (None, OWN_NODE)
                else [f"vaults go on using {network_name(chosen)}: see `memsync chain`"]
            ),
        ],
        _node_fields(found),
    )


@node.command("stop")
def stop() -> None:
    """Stop the node. Its chain stays.

    \b
    Example: memsync node stop
    """
    from memsync.chain.lasting import stop_node
    from memsync.keeper.chains import node_folder

    found = stop_node(node_folder(memsync_home()))
    answer(
        [f"the node is stopped; block {found.saved_block} is kept", *_node_notes(found)], _node_fields(found)
    )


@node.command("status")
def status() -> None:
    """Say whether the node runs, and what of its chain is on the disk.

    \b
    Example: memsync node status
    """
    from memsync.chain.lasting import node_status
    from memsync.keeper.chains import node_folder

    found = node_status(node_folder(memsync_home()))
    line = (
        f"runs at {found.url}, chain {found.chain_id}, block {found.block}"
        if found.running
        else "doesn't run; `memsync node start` starts it"
    )
    answer([line, *_node_notes(found)], _node_fields(found))


def _node_notes(found: NodeStatus) -> list[str]:
    return [found.lost] if found.lost else []


def _node_fields(found: NodeStatus) -> dict[str, object]:
    from memsync.keeper.values import iso

    return {
        "running": found.running,
        "url": found.url,
        "chain_id": found.chain_id,
        "contract": "0x" + found.contract.hex(),
        "block": found.block,
        "saved_block": found.saved_block,
        "saved_at": iso(found.saved_at * 1000) if found.saved_at else None,
        "clean": found.clean,
        "pid": found.pid,
    }
