"""The commands that answer more than one question at a time: context, profile, changed, contradicting."""

from __future__ import annotations

import click

from memsync.cli.calling import call, on_vault
from memsync.cli.frame import answer, shown
from memsync.cli.memories import any_scope
from memsync.cli.root import cli
from memsync.cli.show import memory_line, memory_lines


@cli.command()
@click.argument("question")
@click.option(
    "--also", multiple=True, metavar="QUESTION", help="A part of the question, asked too; may be given again."
)
@click.option(
    "--tokens", type=click.IntRange(min=50), default=1500, show_default=True, help="How long at most."
)
@any_scope
@on_vault
def context(question: str, also: tuple[str, ...], tokens: int, scope: str | None) -> None:
    """Put what answers QUESTION into a block for a prompt.

    Dated, by conversation, quoted as data; what is shaped like an instruction to a model is fenced and flagged.

    \b
    Example: memsync context "what do we know about the lighthouse" --tokens 800
    """
    found = call("context", question=question, also=also, tokens=tokens, scope=scope)
    answer([shown(line) for line in found["text"].splitlines()], found)


@cli.command()
@click.option(
    "--tokens", type=click.IntRange(min=50), default=500, show_default=True, help="How long at most."
)
@click.option(
    "--rewrite", is_flag=True, help="Also in sentences, by the language model of `profile.endpoint`."
)
@any_scope
@on_vault
def profile(tokens: int, scope: str | None, rewrite: bool) -> None:
    """Sum up what lasts: who you are, whom you know, what you do, prefer and decided.

    Made on this device without a model; each line with its date and id, quoted as data. What a later memory undoes is left out, and so are
    secrets and what is shaped like an instruction. --rewrite sends these lines to the model that you chose, and to none else.

    \b
    Example: memsync profile --scope personal --tokens 300
    """
    found = call("profile", tokens=tokens, scope=scope, rewrite=rewrite or None)
    lines = [shown(line) for line in found["text"].splitlines()]
    if found["rewritten"]:
        lines += [
            "",
            *(shown(line) for line in found["rewritten"].splitlines()),
            "(a model's words; the lines above are yours)",
        ]
    answer(lines if found["lines"] else "nothing that lasts is kept yet", found)


@cli.command()
@click.argument("since")
@any_scope
@on_vault
def changed(since: str, scope: str | None) -> None:
    """Show what was added or edited since SINCE.

    SINCE is a day such as 2025-01-31, a weekday, yesterday, or 3d.

    \b
    Example: memsync changed monday
    """
    found = call("changed", since=since, scope=scope)
    answer(
        [f"{one['change']:7} {memory_line(one)}" for one in found["changes"]] or "nothing has changed", found
    )


@cli.command()
@click.argument("text")
@any_scope
@on_vault
def contradicting(text: str, scope: str | None) -> None:
    """Show what may speak against TEXT.

    TEXT is the id of a memory, or any text. For you to judge; nothing is changed.

    \b
    Example: memsync contradicting "Ruth gets the draft in July."
    """
    found = call("contradicting", text=text, scope=scope)
    lines = [
        line
        for one in found["contradictions"]
        for line in (*memory_lines(one), f"    {shown(one['reason'])}")
    ]
    answer(lines or "nothing found that speaks against it", found)
