"""The commands about memories: remember, recall, list, get, edit, forget, move."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from memsync.cli.asking import confirm, read_stdin
from memsync.cli.calling import call, on_vault
from memsync.cli.frame import answer, note, shown
from memsync.cli.root import cli
from memsync.cli.show import amount, memory_line, memory_lines
from memsync.errors import InputError

any_scope = click.option("--scope", envvar="MEMSYNC_SCOPE", metavar="NAME", help="One scope only.")
home_scope = click.option(
    "--scope", envvar="MEMSYNC_SCOPE", metavar="NAME", help="The scope to put it in.  [default: personal]"
)
since_option = click.option(
    "--since", metavar="TIME", help="From this day or time on: 2025-01-31, or 7d for a week ago."
)
until_option = click.option("--until", metavar="TIME", help="Before this day or time.")
tag_option = click.option("--tag", metavar="TAG", help="Only what has this tag.")
_yes = click.option("--yes", is_flag=True, help="Don't show them first and ask.")
_KINDS = click.Choice(["semantic", "episodic", "procedural"])


@cli.command()
@click.argument("text", required=False)
@home_scope
@click.option("--kind", type=_KINDS, help="What kind of memory.  [default: semantic]")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="A tag; may be given again.")
@click.option("--happened", metavar="TIME", help="When it happened, where that is not now.")
@on_vault
def remember(
    text: str | None, scope: str | None, kind: str | None, tags: tuple[str, ...], happened: str | None
) -> None:
    """Keep TEXT, or what comes on stdin.

    A shell's history is plain text: without TEXT, in a terminal, an editor opens ($EDITOR) on a file that is never on a disk.

    \b
    Example: memsync remember "Ruth gets the full draft by 30 June." --tag novel
    """
    found = call("remember", text=_text(text), scope=scope, kind=kind, tags=tags, happened=happened)
    answer(found["memory"]["id"], found)


@cli.command()
@click.argument("question")
@click.option("-k", "k", type=click.IntRange(min=1), default=5, show_default=True, help="How many answers.")
@any_scope
@since_option
@until_option
@click.option("--now", metavar="TIME", help="The moment from which “last week” and what is valid are seen.")
@on_vault
def recall(
    question: str, k: int, scope: str | None, since: str | None, until: str | None, now: str | None
) -> None:
    """Answer QUESTION with what fits best.

    \b
    Example: memsync recall "when does Ruth get the draft" -k 1
    """
    found = call("recall", question=question, k=k, scope=scope, since=since, until=until, now=now)
    answer([line for hit in found["hits"] for line in memory_lines(hit)] or "nothing found", found)


@cli.command("list")
@any_scope
@tag_option
@since_option
@until_option
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many.")
@on_vault
def list_memories(
    scope: str | None, tag: str | None, since: str | None, until: str | None, limit: int
) -> None:
    """List memories, the latest first.

    \b
    Example: memsync list --scope work --since 7d
    """
    found = call("list", scope=scope, tag=tag, since=since, until=until, limit=limit)
    memories = found["memories"]
    answer(
        [*map(memory_line, memories), f"{len(memories)} of {amount(found['count'], 'memory', 'memories')}"],
        found,
    )


@cli.command()
@click.argument("memory")
@any_scope
@on_vault
def get(memory: str, scope: str | None) -> None:
    """Show MEMORY whole, by its id or how that begins.

    \b
    Example: memsync get 0197c2
    """
    found = call("get", memory=memory, scope=scope)
    answer(memory_lines(found["memory"]), found)


@cli.command()
@click.argument("memory")
@click.argument("text", required=False)
@any_scope
@on_vault
def edit(memory: str, text: str | None, scope: str | None) -> None:
    """Give MEMORY another TEXT, or what comes on stdin.

    MEMORY is an id, or how it begins. Without TEXT, in a terminal, an editor opens on what it says now.

    \b
    Example: memsync edit 0197c2 "Ruth gets the full draft by 15 July."
    """
    if text is None and sys.stdin.isatty():
        text = _written(call("get", memory=memory, scope=scope)["memory"]["text"])
    found = call("edit", memory=memory, text=_text(text), scope=scope)
    answer(memory_lines(found["memory"]), found)


def _meant(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (until_option, since_option, tag_option, any_scope):
        command = option(command)
    query = click.option("--query", metavar="WORDS", help="All that hold each of these words.")
    return click.argument("memories", nargs=-1, metavar="[MEMORY]...")(query(command))


@cli.command()
@_meant
@_yes
@on_vault
def forget(yes: bool, **meant: Any) -> None:
    """Forget memories for good.

    Each MEMORY is an id, or how it begins; or say which by a query, tag or time. They are shown, and you are asked. They are gone here
    at once, and for every later reader with the next push.

    \b
    Example: memsync forget --query "old address"
    """
    if not _shown("forget", meant, yes=yes, question="Forget {}?"):
        return
    found = call("forget", **meant)
    answer(f"{found['forgotten']} forgotten here; push, so that later readers don't get them", found)


@cli.command()
@_meant
@click.option("--to", required=True, metavar="SCOPE", help="The scope to move them to.")
@_yes
@on_vault
def move(yes: bool, **meant: Any) -> None:
    """Move memories to another scope.

    Each MEMORY is an id, or how it begins; or say which by a query, tag or time. They are shown, and you are asked. The other scope has
    keys of its own; who could read them in the old scope keeps what it has read.

    \b
    Example: memsync move --query "meeting" --to work
    """
    if not _shown("move", meant, yes=yes, question=f"Move {{}} to {shown(meant['to'])}?"):
        return
    found = call("move", **meant)
    answer(f"{found['moved']} moved to {found['to']}; push, so that readers see it", found)


def _shown(verb: str, meant: dict[str, Any], *, yes: bool, question: str) -> bool:
    """Show what is meant and ask; False, after saying so, where nothing is. Ids that are given without a terminal are meant."""
    if yes or (meant["memories"] and not sys.stdin.isatty()):
        return True
    found = call(verb, preview=True, **meant)
    if not found["count"]:
        answer("nothing is meant by that", found)
        return False
    for memory in found["memories"]:
        note(memory_line(memory))
    if found["count"] > len(found["memories"]):
        note(f"… and {found['count'] - len(found['memories']):,} more")
    confirm(question.replace("{}", amount(found["count"], "memory", "memories"), 1), yes=False)
    return True


def _text(text: str | None) -> str:
    if text is None:
        text = _written("") if sys.stdin.isatty() else read_stdin()
    text = text.rstrip("\n")
    if not text.strip():
        raise InputError("no text: give it as an argument, on stdin, or write it in the editor")
    return text


def _written(before: str) -> str:
    """What the person writes in an editor, on a file in memory where the system has one."""
    from memsync.cli.editor import write_in_editor

    return write_in_editor(before)
