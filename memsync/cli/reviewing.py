"""The command about what tools propose: review. In a terminal one proposal after the other, elsewhere by options.

Each decision is done when it is said, so that who stops, by q or Ctrl-C, has decided what was said before and nothing else.
"""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from typing import Any

import click

from memsync.cli.calling import Decorator, call, on_chain
from memsync.cli.editor import write_in_editor
from memsync.cli.frame import answer, as_json, note, say, shown
from memsync.cli.proposals import ROOM, counted, proposal_line, proposal_lines, quoted
from memsync.cli.root import cli
from memsync.cli.show import WIDTH, Value, amount, day
from memsync.errors import InputError, NotFoundError

_KEYS = "[a]ccept [e]dit [r]efuse a[l]ways [b]lock [s]kip [q]uit"
_NARROW = 40  # columns
_ENDED = "[r]efuse [b]lock [s]kip [q]uit"


def _ids(name: str, help: str, metavar: str = "ID") -> Decorator:  # noqa: A002 - click's word
    return click.option(name, multiple=True, metavar=metavar, help=help)


@cli.command()
@_ids("--accept", "Make a memory of this proposal, or forget what it would have forgotten.")
@_ids(
    "--accept-all",
    "Accept what waits of this tool, except what would forget, holds a secret or is shaped like an order.",
    "FROM",
)
@_ids("--refuse", "Say no to it, for good.")
@click.option(
    "--always",
    "trust",
    multiple=True,
    metavar="ID",
    help="Accept it, and from now on what this tool would keep or forget in this scope.",
)
@_ids("--block", "Refuse all that waits of its tool, and take no more of it.")
@_ids("--unblock", "Take what this tool proposes again.", "FROM")
@_ids("--edit", "Accept it with this text instead.", "ID=TEXT")
@_ids("--supersede", "Accept it in the place of this memory, which is ranked lower.", "ID=MEMORY")
@_ids("--only", "List this proposal only.")
@click.option("--limit", type=click.IntRange(min=0), default=100, show_default=True, help="How many to list.")
@click.option("--here", is_flag=True, help="What is on this device already; the chain isn't asked.")
@on_chain
def review(**given: Any) -> None:
    """Decide about what tools propose: of each tool one in turn, each beside what is kept about the same thing.

    In a terminal it asks about one after the other; with options, or elsewhere, it lists or does what they say.

    \b
    Example: memsync review --accept 3fa9 --refuse 07
    """
    deciding = any(value for name, value in given.items() if name not in ("limit", "here"))
    given = {name: value for name, value in given.items() if value not in ((), False)}
    found = call("review", **given)
    for one in found["troubles"]:
        note(f"{shown(one['name'])}: what it has could not be taken in: {shown(one['why'])}")
    if found["proposals"] and not deciding and not as_json() and sys.stdin.isatty() and sys.stdout.isatty():
        _Session(found).run()
        return
    answer(_lines(found), found)


def _lines(found: Value) -> list[str]:
    lines = []
    if found["accepted"] or found["refused"]:
        later = "; push to let readers have it" if found["accepted"] else ""
        lines.append(f"{found['accepted']} accepted, {found['refused']} refused{later}")
    lines += [f"{shown(one['who'])} needs no review in {shown(one['scope'])}" for one in found["trusted"]]
    lines += [
        f"{shown(who)} is blocked; `memsync review --unblock {shown(who)}` takes its proposals again"
        for who in found["blocked"]
    ]
    if found["waiting"]:
        lines.append(counted(found["tools"]))
    lines += [proposal_line(one, WIDTH) for one in found["proposals"]]
    return lines or ["nothing waits"]


class _Session:
    """One proposal after the other, until all were seen or the person stops."""

    def __init__(self, found: Value) -> None:
        self._left = found["waiting"]
        self._tools = found["tools"]
        self._rest: list[Value] = found["proposals"]
        self._count: Counter[str] = Counter()
        self._stale = False
        self._width = max(_NARROW, min(shutil.get_terminal_size().columns, WIDTH))

    def run(self) -> None:
        say(counted(self._tools))
        try:
            while self._rest:
                if not self._about(self._rest[0]):
                    break
        finally:
            self._tell()

    def _about(self, one: Value) -> bool:
        """Show a proposal and do what the person says; whether they go on."""
        say("")
        for line in proposal_lines(one, self._width):
            say(line)
        long = sum(1 for _ in quoted(one["text"], self._width)) > ROOM
        while True:
            said = self._asked(_ENDED if one["scope"] is None else _KEYS, whole=long)
            if said == "q":
                return False
            if said == "w":
                for line in proposal_lines(one, self._width, whole=True):
                    say(line)
                continue
            try:
                decision = self._decision(one, said)
            except InputError as err:
                note(f"memsync: {shown(str(err))}")
                continue
            if decision is not None:
                self._go_on(decision)
                return True

    def _asked(self, keys: str, *, whole: bool) -> str:
        keys = keys.replace("[s]kip", "[w]hole [s]kip") if whole else keys
        letters = [part[0] for part in keys.split("[")[1:]]
        chosen: str = click.prompt(
            keys, type=click.Choice(letters, case_sensitive=False), show_choices=False, err=True
        )
        return chosen

    def _decision(self, one: Value, said: str) -> dict[str, list[str]] | None:
        """What to tell the verb; nothing where the person thinks again."""
        id, who = one["id"], shown(one["who"])  # noqa: A001
        if said == "s":
            self._count["skipped"] += 1
            return {}
        if said == "r":
            return {"refuse": [id]}
        if said == "b":
            sure = f"Refuse all that waits of {who}, and take nothing of it from now on?"
            return {"block": [id]} if click.confirm(sure, err=True) else None
        decision = {"trust" if said == "l" else "accept": [id]}
        if said == "l":
            deeds = "Keep, or forget," if one["via"] == "client" else "Keep"
            sure = f"{deeds} what {who} proposes in {shown(one['scope'])} from now on without asking?"
            if not click.confirm(sure, err=True):
                return None
        if said == "e":
            text = write_in_editor(one["text"]).rstrip("\n")
            if not text.strip():
                raise InputError("an empty text is nothing to remember; edit it again, or refuse it")
            if text != one["text"]:
                decision["edit"] = [f"{id}={text}"]
        if one["deed"] == "remember" and (not one["same_as"] or "edit" in decision):
            decision["supersede"] = [
                f"{id}={old['memory']['id']}" for old in one["supersedes"] if self._takes_place_of(old)
            ]
        return decision

    def _takes_place_of(self, old: Value) -> bool:
        kept = old["memory"]
        return click.confirm(f"Rank what was kept on {day(kept['when'])} below it from now on?", err=True)

    def _go_on(self, decision: dict[str, list[str]]) -> None:
        """Have it done, and come to the next that still waits, as it stands now."""
        self._rest = self._rest[1:]
        if not decision and not self._stale:
            return
        self._stale = True
        after = [one["id"] for one in self._rest]
        try:
            found = call("review", here=True, only=after, limit=1, **decision)
        except NotFoundError as err:
            note(f"memsync: {shown(str(err))}")
            found = call("review", here=True, only=after, limit=1)
        self._left = found["waiting"]
        for name in ("accepted", "refused"):
            self._count[name] += found[name]
        if found["proposals"]:
            self._rest = [*found["proposals"], *self._rest[after.index(found["proposals"][0]["id"]) + 1 :]]
        else:
            self._rest = []

    def _tell(self) -> None:
        counts = [f"{self._count[name]} {name}" for name in ("accepted", "refused", "skipped")]
        told = [", ".join(counts), *([amount(self._left, "still waits", "still wait")] if self._left else [])]
        say("")
        say("; ".join([*told, *(["push to let readers have it"] if self._count["accepted"] else [])]))
