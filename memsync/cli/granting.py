"""The commands about others, for the owner: grant, grants, revoke, contacts.

Who is meant is somebody with a card, whose grant is on the chain, or a tool of this device, which the keeper serves.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from memsync.cli.asking import confirm, read_stdin
from memsync.cli.calling import call, on_chain, on_vault
from memsync.cli.clients import grant_here, granted_terms, is_client_name, revoke_here, served_line
from memsync.cli.frame import answer, note, shown
from memsync.cli.root import cli
from memsync.cli.show import amount, day, grant_lines, minute
from memsync.errors import InputError


@cli.command()
@click.argument("who")
@granted_terms
@click.option("--from-now", is_flag=True, help="By card only: what is pushed from now on.")
@click.option("--name", metavar="NAME", help="By card only: what to call it here, if not as the card does.")
@click.option(
    "--at",
    "at_places",
    multiple=True,
    metavar="URL",
    help="By card only: an https address of the blocks, for the link.",
)
@click.option(
    "--car",
    type=click.Path(dir_okay=False, path_type=Path),
    help="By card only: where to write the blocks if no place is in reach from elsewhere.",
)
@click.option("--secrets", is_flag=True, help="To a tool of this device: also what is tagged as a secret.")
@click.option(
    "--trusted", is_flag=True, help="To a tool of this device: what it writes is kept without review."
)
@click.option(
    "--yes",
    is_flag=True,
    help="What would become readable was seen, and a card's fingerprint compared; don't ask.",
)
@on_chain
def grant(
    who: str,
    car: Path | None,
    secrets: bool,
    trusted: bool,
    yes: bool,
    at_places: tuple[str, ...],
    **terms: Any,
) -> None:
    """Grant a scope to WHO.

    WHO is a tool of this device by a name that you give it (claude-desktop, cursor); or somebody elsewhere: a card's file, - for stdin, a
    card's https address, or a contact's name. Shows what will become readable, for a card its fingerprint too, and asks. A tool gets a
    token in a file; who has a card gets a link, which carries no secret.

    \b
    Example: memsync grant claude-desktop --scope work --for 30d
      memsync grant inkwell.json --scope novel --for 30d
    """
    card = _card(who)
    if (
        card == who
        and is_client_name(who)
        and not any(one["name"] == who for one in call("contacts")["contacts"])
    ):
        if terms["from_now"] or terms["name"] or at_places or car:
            raise InputError(
                f"{who} is no card and no contact; --from-now, --name, --at and --car are for those: leave them out, or name a card"
            )
        return grant_here(
            who, terms["scope"], terms["until"], terms["can"], secrets=secrets, trusted=trusted, yes=yes
        )
    if secrets or trusted:
        raise InputError("--secrets and --trusted are for tools of this device; leave them out")
    terms |= {"who": card, "at_places": at_places or None}
    plan = call("grant", preview=True, **terms)
    for line in _plan_lines(plan):
        note(line)
    confirm("Is that the other side's fingerprint, and do you grant this?", yes=yes)
    if not plan["places"]:
        car = car or Path(f"{_file_name(plan['card']['name'])}-{_file_name(plan['scope'])}.car")
    found = call(
        "grant",
        fingerprint=plan["card"]["fingerprint"],
        car=None if car is None else str(car.absolute()),
        **terms,
    )
    lines = grant_lines(found["grant"])
    if found.get("car"):
        lines += [
            "no store of this vault is in reach from elsewhere: hand over this file too",
            f"    {found['car']['file']} ({amount(found['car']['blocks'], 'block')})",
        ]
    return answer(lines, found)


@cli.command()
@on_chain
def grants() -> None:
    """List who is granted what.

    \b
    Example: memsync grants
    """
    found = call("grants")
    lines = [line for one in found["grants"] for line in grant_lines(one)]
    answer(lines + [served_line(one) for one in found["served"]] or "none", found)


@cli.command()
@click.argument("who")
@click.option(
    "--emergency", is_flag=True, help="Only the bare call on chain, whatever state the store is in."
)
@on_chain
def revoke(who: str, emergency: bool) -> None:
    """End the grant of WHO.

    WHO is a tool of this device, or the grantee's name, or the grant's id. Of a grant on the chain the scope's keys change in the same
    transaction. What was read stays read.

    \b
    Example: memsync revoke claude-desktop
    """
    if any(one["name"] == who and one["grants"] for one in call("client list")["clients"]):
        return revoke_here(who)
    found = call("revoke", who=who, emergency=emergency)
    if found["emergency"]:
        return answer("ended on chain; its keys change with the next push", found)
    return answer(
        f"ended; new keys for {', '.join(map(shown, found['rotated']))}; sequence {found['sequence']}",
        found,
    )


@cli.group(invoke_without_command=True)
@click.pass_context
def contacts(ctx: click.Context) -> None:
    """Whose cards this device has met."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_contacts)


@contacts.command("list")
@on_vault
def list_contacts() -> None:
    """List the contacts.

    \b
    Example: memsync contacts list
    """
    found = call("contacts")
    lines = [
        f"{shown(one['name']):<24}{one['fingerprint']}  since {day(one['added'])}"
        for one in found["contacts"]
    ]
    answer(lines or "none yet", found)


@contacts.command("remove")
@click.argument("who")
@on_vault
def remove_contact(who: str) -> None:
    """Forget the contact WHO, so that another key under its name is taken. Its grants stay.

    \b
    Example: memsync contacts remove Inkwell
    """
    found = call("contacts remove", who=who)
    answer(
        f"{shown(found['removed']['name'])} is no contact any more; its grants stay: see `memsync grants`",
        found,
    )


def _plan_lines(plan: dict[str, Any]) -> list[str]:
    card, scope, until = plan["card"], shown(plan["scope"]), minute(plan["until"])
    known = "known" if card["known"] else "new"
    lines = [f"{shown(card['name'])} ({known}), fingerprint {card['fingerprint']}"]
    if plan["can"] == "write":
        lines.append(f"may propose memories to {scope} until {until}, and read nothing")
        return lines
    new = f"new ones until {until}"
    if plan["from_now"]:
        lines.append(f"will read of {scope}: nothing that is there, and {new}")
    elif plan["memories"]:
        lines.append(
            f"will read {amount(plan['memories'], 'memory', 'memories')} of {scope}, "
            f"{day(plan['earliest'])} to {day(plan['latest'])}, and {new}"
        )
    else:
        lines.append(f"will read of {scope}, which is empty: {new}")
    if plan["can"] == "read+write":
        lines.append("may propose memories, which wait for your review")
    return lines


def _card(who: str) -> str:
    """A card's text where WHO says where one is; else a contact's name, as it is."""
    if who == "-":
        return read_stdin()
    if "://" in who:
        from memsync.format.card import LIMIT
        from memsync.store.fetching import fetch

        return _utf8(fetch(who, limit=LIMIT), who)
    file = Path(who)
    try:
        if file.is_file():
            from memsync.format.card import LIMIT

            with file.open("rb") as opened:
                return _utf8(opened.read(LIMIT + 1), who)
    except OSError as err:
        raise InputError(f"{who} can't be read: {err.strerror}; name a card's file, or a contact") from err
    if "/" in who or who.endswith(".json"):
        raise InputError(f"there is no file {who}; name a card's file, its https address, or a contact")
    return who


def _utf8(data: bytes, where: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InputError(f"{where} is no card: not UTF-8; ask for a new one") from None


def _file_name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "grant"
