"""Put the registry on a chain, at the address it has on every chain; does nothing where it stands already.

    ape run deploy --network ethereum:sepolia:node --account ALIAS
    ape run deploy --network http://127.0.0.1:8545 --account TEST::0 --dry-run

Shows what it costs first; ``--dry-run`` ends there and needs no account. A real deployment is noted by chain id in ``deployments.json``,
to be committed. ``--standard-json`` prints the compiler's input, which block explorers take to verify the code, and connects to nothing.
"""

from __future__ import annotations

import json
from pathlib import Path

import ape
import click
from ape.api import AccountAPI, ProviderAPI
from ape.cli import ConnectedProviderCommand, account_option, network_option
from ape.exceptions import ApeException

from memsync.chain.artifact import load_artifact
from memsync.chain.deploy import ThroughApe, ensure_deployed, in_ether, plan_deployment, record_deployment
from memsync.errors import MemSyncError

LOCAL = 31337
DEPLOYMENTS = Path(__file__).parent.parent / "deployments.json"


def print_standard_json(context: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001
    if wanted:
        click.echo(json.dumps(load_artifact().standard_json, indent=2))
        context.exit()


@click.command(cls=ConnectedProviderCommand, short_help="Put the registry on a chain")
@network_option()
@account_option(prompt=False)
@click.option("--dry-run", is_flag=True, help="Say what it would cost, and send nothing.")
@click.option(
    "--record",
    type=click.Path(dir_okay=False, path_type=Path),
    default=DEPLOYMENTS,
    help="Where to note a deployment; deployments.json in the project if not named.",
)
@click.option(
    "--standard-json",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_standard_json,
    help="Print the compiler's standard-JSON input, for explorers, and exit.",
)
def cli(account: AccountAPI | None, provider: ProviderAPI, record: Path, *, dry_run: bool) -> None:
    """Put the registry on a chain, at the address it has on every chain."""
    if account is None and provider.chain_id == LOCAL and not dry_run:
        account = ape.accounts.test_accounts[0]
        click.echo(f"no --account: test account {account.address} pays on this local chain")
    try:
        deploy(ThroughApe(provider, account), record, dry_run=dry_run)
    except (MemSyncError, ApeException) as err:
        raise click.ClickException(str(err)) from err


def deploy(chain: ThroughApe, record: Path, *, dry_run: bool) -> None:
    plan = plan_deployment(chain)
    where = f"0x{plan.address.hex()} on chain {plan.chain_id}"
    if plan.there:
        click.echo(f"the registry is at {where} already; nothing to do")
        return
    price = f"{plan.gas_price / 10**9:.3f} gwei"
    click.echo(f"the registry goes to {where}: about {plan.gas} gas at {price}, {in_ether(plan.cost)}")
    if dry_run:
        click.echo("dry run: nothing was sent")
        return
    if not chain.has_account:
        raise click.ClickException("name who pays: --account ALIAS (see `ape accounts list`)")
    done = ensure_deployed(chain, plan)
    click.echo(
        f"the registry is at {where}, since block {done.block}, transaction 0x{done.transaction.hex()}"
    )
    if record_deployment(record, done):
        click.echo(f"noted in {record.name}; commit it")
