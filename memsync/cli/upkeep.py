"""The commands about the vault as a whole: push, pull, status, history, verify, gc."""

from __future__ import annotations

from typing import Any

import click

from memsync.cli.calling import call, network_option, on_chain, on_vault, payer_option
from memsync.cli.frame import answer, note, shown
from memsync.cli.root import cli
from memsync.cli.show import amount, bytes_of, day, minute, network_name

ONE_COPY = "one copy, on this machine only: the words alone can't bring it back; `memsync store add PLACE` makes a second"


@cli.command()
@on_chain
def push() -> None:
    """Store and commit all that waits. Whatever goes wrong, push again.

    \b
    Example: memsync push
    """
    found = call("push")
    for trouble in found["troubles"]:
        note(f"memsync: {shown(trouble)}")
    if not found["sequence"]:
        answer("nothing waits", found)
        return
    line = (
        f"pushed {amount(found['memories'], 'record')} in {amount(found['blocks'], 'block')}, {bytes_of(found['size'])}; "
        f"sequence {found['sequence']}, {found['gas_used']:,} gas, transaction {found['transaction']}"
    )
    if found["rotated"]:
        line += f"; new keys for {', '.join(map(shown, found['rotated']))}"
    if not found["final"]:
        line += "; pending until the chain calls it final"
    answer(line, found)


@cli.command()
@on_chain
def pull() -> None:
    """Take in what your other devices pushed.

    \b
    Example: memsync pull
    """
    found = call("pull")
    news = (
        f"{amount(found['segments'], 'segment')} came, {found['dropped']} went"
        if found["changed"]
        else "nothing new"
    )
    answer(f"sequence {found['sequence']}: {news}", found)


@cli.command()
@click.option(
    "--all", is_flag=True, help="Also what each scope and each store holds, and what gc would free."
)
@on_vault
def status(all: bool) -> None:  # noqa: A002 the option's name
    """Say where the vault stands, as far as this device knows.

    \b
    Example: memsync status --all
    """
    found = call("status", all=all)
    answer([*_status_lines(found), *_holdings_lines(found["holdings"])], found)


def _status_lines(found: dict[str, Any]) -> list[str]:
    scopes = ", ".join(map(shown, found["scopes"]))
    if found["sequence"]:
        where = f"on chain {found['chain_id']}, sequence {found['sequence']}"
    elif found["network"]:
        where = f"not pushed yet (to {network_name(found['network'])})"
    else:
        where = "on no chain yet; `memsync chain use NETWORK` chooses one, `memsync node start` starts one on this machine"
    proposals = amount(found["proposals"], "proposal waits", "proposals wait")
    lines = [
        f"vault {found['vault']}: {amount(found['memories'], 'memory', 'memories')} in {scopes}",
        where,
        f"{amount(found['waiting'], 'entry waits', 'entries wait')} for a push; {proposals} for you; {amount(found['grants'], 'grant')}",
    ]
    if found["embedder_trouble"]:
        lines.append(f"found by words only: {shown(found['embedder_trouble'])}")
    elif found["embedder"]:
        lines.append(f"{found['embedded']:,} embedded by {shown(found['embedder'])}")
    if found["last_push"]:
        lines.append(f"last push {minute(found['last_push']['at'])}: {shown(found['last_push']['detail'])}")
    if len(found["places"]) < 2:
        lines.append(ONE_COPY)
    else:
        lines.append("copies: " + ", ".join(map(shown, found["places"])))
    if found["words_kept"]:
        lines.append("the 24 words are still on this device; the first push lets them go")
    return lines


def _holdings_lines(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return []
    lines = [
        f"{shown(one['scope'])}: {amount(one['memories'], 'memory', 'memories')}, {amount(one['records'], 'record')} "
        f"in {amount(one['segments'], 'segment')}, {amount(one['nodes'], 'catalog node')}, {amount(one['epochs'], 'epoch')}, "
        f"{bytes_of(one['size'])}; waste {bytes_of(one['waste'])}"
        for one in found["scopes"]
    ]
    lines += [
        shown(one["error"])
        if one["error"]
        else f"{shown(one['place'])}: {amount(one['blocks'], 'block')}, {bytes_of(one['size'])}; waste {bytes_of(one['waste'])}"
        for one in found["places"]
    ]
    if found["waste"]:
        lines.append(f"`memsync gc` frees {bytes_of(found['waste'])} in each place that has it")
    return lines


@cli.command()
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many.")
@on_vault
def history(limit: int) -> None:
    """List what this device did on the chain, the latest first.

    \b
    Example: memsync history --limit 5
    """
    found = call("history", limit=limit)
    lines = [
        f"{day(deed['at'])}  {deed['kind']:<8}{'' if deed['sequence'] is None else deed['sequence']:>6}  "
        f"{shown(deed['detail'])}  {deed['transaction'] or ''}".rstrip()
        for deed in found["history"]
    ]
    answer(lines or "nothing yet", found)


@cli.command()
@click.option("--deep", is_flag=True, help="Read every block again, and open it.")
@on_vault
@network_option
@payer_option
def verify(deep: bool) -> None:
    """Look whether all is as it must be.

    Vault, stores, chain and contract; changes nothing.

    \b
    Example: memsync verify --deep
    """
    found = call("verify", deep=deep)
    lines = [f"{shown(one['what'])}\n    {shown(one['next'])}" for one in found["findings"]]
    notes = [f"{shown(one['what'])}; {shown(one['next'])}" for one in found["notes"]]
    looked = (
        f"{amount(found['checked'] if deep else found['blocks'], 'block')} {'read' if deep else 'looked for'}"
    )
    wrong = f"{amount(len(lines), 'thing is', 'things are')} wrong" if lines else "all is well"
    answer([*lines, *notes, f"{wrong}; {looked}{'' if found['chain'] else '; no chain was asked'}"], found)
    if lines:
        click.get_current_context().exit(6)


@cli.command()
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many of the last sequences to keep whole.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@on_chain
def gc(keep: int, dry_run: bool) -> None:
    """Delete from the stores what the vault needs no more.

    What may still be needed stays, and every block that is not known to be this vault's.

    \b
    Example: memsync gc --dry-run
    """
    found = call("gc", keep=keep, dry_run=dry_run)
    would = "would free" if dry_run else "freed"
    lines = [
        f"{shown(one['place'])}: {would} {amount(one['blocks'], 'block')}, {bytes_of(one['size'])}"
        for one in found["places"]
    ]
    kept = f"{amount(found['kept'], 'block')} kept, of sequences {found['oldest']} to {found['sequence']}"
    if found["young"]:
        kept += f"; {found['young']:,} more until they are an hour old"
    answer([*lines, kept], found)
    failed = [one["error"] for one in found["places"] if one["error"]]
    for error in failed:
        note(f"memsync: {shown(error)}")
    if failed:
        click.get_current_context().exit(7)
