"""The commands about the tools of this device: client grant, revoke, list, token, block, unblock, remove; disclosures."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from memsync.cli.asking import confirm
from memsync.cli.calling import call, on_vault
from memsync.cli.frame import answer, note, shown
from memsync.cli.root import cli
from memsync.cli.show import amount, day, minute
from memsync.device.paths import check_name
from memsync.errors import InputError


def granted_terms(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say what any grant gives: which scope, until when, to read or to write."""
    scope = click.option(
        "--scope", envvar="MEMSYNC_SCOPE", metavar="NAME", help="The scope to grant.  [default: personal]"
    )
    until = click.option(
        "--for",
        "--until",
        "until",
        default="30d",
        show_default=True,
        help="A span such as 12h, 30d or 1y, or a day.",
    )
    can = click.option(
        "--can", type=click.Choice(["read", "write", "read+write"]), default="read", show_default=True
    )
    return scope(until(can(command)))


def served_line(grant: dict[str, Any]) -> str:
    """Who, what, until when."""
    more = "".join(f", {word}" for word in ("secrets", "trusted") if grant[word])
    return f"{shown(grant['client'])}  {shown(grant['scope'])}  {grant['can']}{more}  on this device  until {minute(grant['until'])}"


def is_client_name(name: str) -> bool:
    """Whether a tool of this device can be called so; a contact can have any name."""
    try:
        check_name(name, "a client")
    except InputError:
        return False
    return True


def grant_here(
    name: str, scope: str | None, until: str, can: str, *, secrets: bool, trusted: bool, yes: bool
) -> None:
    """Grant a tool of this device a scope, after it was shown what that means."""
    terms = {"name": name, "scope": scope, "until": until, "can": can, "secrets": secrets, "trusted": trusted}
    plan = call("client grant", preview=True, **terms)
    for line in _plan_lines(plan, can, secrets=secrets, trusted=trusted):
        note(line)
    confirm("Do you grant this?", yes=yes)
    found = call("client grant", **terms)
    lines = [served_line(found["grant"])]
    if not found["known"]:
        lines.append(
            f"its token is in {found['token']}; `memsync mcp install {name}` sets a known client up with it"
        )
    answer(lines, found)


def revoke_here(name: str, scope: str | None = None) -> None:
    """End what a tool of this device may do."""
    found = call("client revoke", name=name, scope=scope)
    lines = [f"ended: {served_line(one)}" for one in found["ended"]]
    answer([*lines, f"what it was given: `memsync disclosures --who {shown(name)}`"], found)


@cli.group()
def client() -> None:
    """The tools of this device: AI clients that the keeper serves.

    \b
    Example: memsync client list
    """


@client.command("list")
@on_vault
def list_clients() -> None:
    """List the tools of this device, what each may do, and how many answers it got.

    \b
    Example: memsync client list
    """
    found = call("client list")
    lines = []
    for one in found["clients"]:
        lines.append(f"{shown(one['name'])}  since {day(one['made'])}, {amount(one['answers'], 'answer')}")
        lines += [f"    {served_line(grant)}" for grant in one["grants"]] or ["    no grant"]
    answer(lines or "none yet; `memsync grant NAME --scope SCOPE` lets one in", found)


@client.command("grant")
@click.argument("name")
@granted_terms
@click.option("--secrets", is_flag=True, help="Also what is tagged as a secret.")
@click.option("--trusted", is_flag=True, help="What it writes is kept without review.")
@click.option("--yes", is_flag=True, help="What would become readable was seen; don't ask.")
@on_vault
def client_grant(
    name: str, scope: str | None, until: str, can: str, secrets: bool, trusted: bool, yes: bool
) -> None:
    """Grant a scope to the tool NAME of this device, as `memsync grant NAME` does.

    \b
    Example: memsync client grant cursor --scope work --can read+write
    """
    grant_here(name, scope, until, can, secrets=secrets, trusted=trusted, yes=yes)


@client.command("revoke")
@click.argument("name")
@click.option("--scope", metavar="NAME", help="Only in this scope.")
@on_vault
def client_revoke(name: str, scope: str | None) -> None:
    """End what the tool NAME may do, from its next call on. What it was given, it was given.

    \b
    Example: memsync client revoke cursor --scope work
    """
    revoke_here(name, scope)


@client.command("token")
@click.argument("name")
@click.option(
    "--renew", is_flag=True, help="Another token in place of the old, which opens nothing any more."
)
@click.option("--show", is_flag=True, help="Print it, for a client that speaks HTTP.")
@on_vault
def client_token(name: str, renew: bool, show: bool) -> None:
    """Have the token of the tool NAME lie in a file for this user alone.

    \b
    Example: memsync client token cursor --renew
    """
    found = call("client token", name=name, renew=renew)
    if show:
        found["token"] = Path(found["file"]).read_text().strip()
        return answer(found["token"], found)
    return answer(f"{found['file']}{' (new)' if found['made'] else ''}", found)


@client.command("block")
@click.argument("name")
@on_vault
def client_block(name: str) -> None:
    """Take no proposals of the tool NAME any more; what it reads it goes on to read.

    \b
    Example: memsync client block cursor
    """
    answer(f"no proposals of {shown(name)} are taken", call("client block", name=name))


@client.command("unblock")
@click.argument("name")
@on_vault
def client_unblock(name: str) -> None:
    """Take proposals of the tool NAME again.

    \b
    Example: memsync client unblock cursor
    """
    answer(f"proposals of {shown(name)} are taken again", call("client unblock", name=name))


@client.command("remove")
@click.argument("name")
@on_vault
def client_remove(name: str) -> None:
    """End all grants of the tool NAME and know its token no longer. What it was given stays in the ledger.

    \b
    Example: memsync client remove cursor
    """
    answer(f"{shown(name)} is known no more", call("client remove", name=name))


@cli.command()
@click.option("--who", metavar="NAME", help="To this tool.")
@click.option("--scope", metavar="NAME", help="Of this scope.")
@click.option("--memory", metavar="ID", help="In which this memory was: who has seen it?")
@click.option("--since", metavar="TIME", help="From this day, time or span (7d) on.")
@click.option("--until", metavar="TIME", help="Before this day or time.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many at most.")
@click.option("--texts", is_flag=True, help="With what the memories say now.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write them to a new file, a JSON object a line.",
)
@on_vault
def disclosures(out: Path | None, **asked: Any) -> None:
    """What left this device, to whom, when and for which question, the latest first.

    \b
    Example: memsync disclosures --memory 019a3f --texts
    """
    if out is not None:
        asked["limit"] = 1 << 31
    found = call("disclosures", **asked)
    if out is not None:
        _write_lines(out, found["disclosures"])
        return answer(
            f"{amount(len(found['disclosures']), 'answer')} written to {out}, in plain text",
            {"file": str(out.absolute()), "count": len(found["disclosures"])},
        )
    lines = [line for one in found["disclosures"] for line in _disclosure_lines(one)]
    if found["totals"]:
        totals = ", ".join(f"{shown(who)} {count:,}" for who, count in found["totals"].items())
        lines.append(f"answers in all: {totals}")
    return answer(lines or "nothing has left this device", found)


def _write_lines(file: Path, values: list[dict[str, Any]]) -> None:
    """A new file for this user alone, a JSON object a line; none where that fails."""
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            try:
                opened.writelines(json.dumps(one) + "\n" for one in values)
                opened.flush()
            except OSError:
                file.unlink()
                raise
    except OSError as err:
        raise InputError(
            f"{file} can't be written: {(err.strerror or str(err)).lower()}; name a new file"
        ) from err


def _disclosure_lines(one: dict[str, Any]) -> list[str]:
    asked = f"“{' '.join(shown(one['question']).split())}”" if one["question"] else one["verb"]
    lines = [
        f"{minute(one['at'])}  {shown(one['who'])} ({one['channel']})  {shown(one['scope'])}  {asked}",
    ]
    if one["texts"] is None:
        ids = "  ".join(one["memories"][:4]) + ("  …" if len(one["memories"]) > 4 else "")
        return [*lines, f"    {amount(len(one['memories']), 'memory', 'memories')}{': ' if ids else ''}{ids}"]
    for memory, text in zip(one["memories"], one["texts"], strict=True):
        said = "(forgotten)" if text is None else " ".join(shown(text).split())
        lines.append(f"    {memory}  {said}")
    return lines


def _plan_lines(plan: dict[str, Any], can: str, *, secrets: bool, trusted: bool) -> list[str]:
    name = shown(plan["name"])
    lines = [f"{name}, a tool of this device" + ("" if plan["known"] else ", not known yet")]
    if can != "write":
        period = f", {day(plan['earliest'])} to {day(plan['latest'])}" if plan["memories"] else ""
        without = "secrets among them" if secrets else "without what is tagged as a secret"
        lines.append(
            f"will read {amount(plan['memories'], 'memory', 'memories')}{period}, and new ones; {without}"
        )
    if can != "read":
        lines.append(
            "what it writes is kept without review"
            if trusted
            else "may propose memories, which wait for your review"
        )
    return lines
