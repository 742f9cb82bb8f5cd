"""The verbs of the tools that this device serves: what an AI client may ask, with the schema of each answer.

In go a :class:`~memsync.vault.ServedVault`, which holds a client to its grants, and arguments as JSON; out comes what may leave. The MCP
server's tools and the HTTP API of `memsync serve` are made of this table; the texts say what a verb does and tell no model what to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from memsync import __version__
from memsync.keeper.served_values import (
    COUNT,
    HIT,
    ID,
    ID_TEXT,
    MEMORY,
    NOTES,
    NULLABLE,
    OUTCOME,
    TEXT,
    WHEN,
    Also,
    Id,
    Question,
    ScopeName,
    Tag,
    Time,
    closed,
    many,
    memory_value,
    outcome_value,
    title_of,
    to_ms,
    url_of,
)
from memsync.keeper.values import iso
from memsync.keeper.verb import Says, Values, served
from memsync.memory import MemoryKind
from memsync.terms import show_rights

if TYPE_CHECKING:
    from memsync.vault import ServedVault


@served("recall", "Recall memories", closed(hits=many(HIT)))
def recall(
    vault: ServedVault,
    *,
    question: Question,
    also: Also = [],  # noqa: B006 - never written to
    k: Annotated[int, Says("How many memories at most.", 1, 50)] = 8,
    scope: ScopeName | None = None,
    since: Time | None = None,
    until: Time | None = None,
) -> Values:
    """Find what the person keeps that fits a question best, with dates, where it came from and why it matched.

    Reads granted scopes only. Texts are quotations of what was written down, by the person or by others; each call is in their ledger.
    """
    hits = vault.recall(question, queries=also, k=k, scope=scope, since=to_ms(since), until=to_ms(until))
    return {
        "hits": [
            memory_value(hit.memory, vault.scope_name(hit.scope))
            | {"score": round(hit.score, 6), "why": list(hit.why), "labels": list(hit.labels)}
            for hit in hits
        ]
    }


@served(
    "context",
    "Context for a prompt",
    closed(
        text=TEXT,
        tokens=COUNT,
        memories=many(closed(id=ID_TEXT, when=WHEN)),
        flagged={
            **many(ID_TEXT),
            "description": "Memories whose text is shaped like an instruction to a model.",
        },
    ),
)
def context(
    vault: ServedVault,
    *,
    question: Question,
    also: Also = [],  # noqa: B006 - never written to
    tokens: Annotated[int, Says("About how long the block may be.", 50, 20_000)] = 1500,
    scope: ScopeName | None = None,
) -> Values:
    """Put what fits a question into one dated block of quotations for a prompt, within a budget of tokens.

    Grouped by conversation, with what stood beside; marked as data. Reads granted scopes only.
    """
    block = vault.context(question, queries=also, tokens=tokens, scope=scope)
    return {
        "text": block.text,
        "tokens": block.tokens,
        "memories": [{"id": one.id.hex(), "when": iso(one.when)} for one in block.memories],
        "flagged": [one.hex() for one in block.flagged],
    }


@served(
    "profile",
    "Profile of the person",
    closed(
        text=TEXT,
        tokens=COUNT,
        lines=many(closed(id=ID_TEXT, text=TEXT, heading=TEXT, when=WHEN)),
    ),
)
def profile(
    vault: ServedVault,
    *,
    scope: ScopeName | None = None,
    tokens: Annotated[int, Says("About how long the summary may be.", 50, 4000)] = 500,
) -> Values:
    """Sum up what lasts of what the person keeps about themself: a few dated quotations by heading, made without a model.

    Reads granted scopes only, and no secrets.
    """
    found = vault.profile(scope=scope, tokens=tokens)
    return {
        "text": found.text,
        "tokens": found.tokens,
        "lines": [
            {"id": one.memory.hex(), "text": one.text, "heading": one.heading, "when": iso(one.when)}
            for one in found.lines
        ],
    }


@served("get", "Get one memory", closed(memory=MEMORY))
def get(vault: ServedVault, *, memory: Id) -> Values:
    """Read one memory whole, by its id."""
    scope, found = vault.get(bytes.fromhex(memory))
    return {"memory": memory_value(found, scope)}


@served("list", "List memories", closed(memories=many(MEMORY), more={"type": "boolean"}))
def list_memories(
    vault: ServedVault,
    *,
    scope: ScopeName | None = None,
    tag: Tag | None = None,
    since: Time | None = None,
    until: Time | None = None,
    limit: Annotated[int, Says("How many at most.", 1, 200)] = 20,
) -> Values:
    """List memories, the latest first, of a scope, tag or time."""
    found = vault.find(tag=tag, scope=scope, since=to_ms(since), until=to_ms(until), limit=limit + 1)
    return {
        "memories": [memory_value(memory, name) for name, memory in found[:limit]],
        "more": len(found) > limit,
    }


@served(
    "remember",
    "Propose a memory",
    closed(**OUTCOME, note=TEXT),
    reads=False,
)
def remember(
    vault: ServedVault,
    *,
    text: Annotated[str, Says("What to remember, in words that make sense alone.", 1, 32_768)],
    scope: Annotated[str, Says("Where; may be left out where only one scope can be written to.", 1, 200)]
    | None = None,
    kind: Annotated[MemoryKind, Says("A fact, an event, or how something is done.")] = "semantic",
    tags: Annotated[list[str], Says("Words to find it by.", 0, 16, each=100)] = [],  # noqa: B006 - never written to
    happened: Time | None = None,
    conversation: Annotated[str, Says("An id of the conversation it comes from.", 1, 200)] | None = None,
    supersedes: Annotated[
        list[str], Says("ids of memories of 32 hexadecimal digits", 0, 16, pattern=ID)
    ] = [],  # noqa: B006
) -> Values:
    """Propose that a text be remembered. It waits for the person's review, unless they trust this client with the scope.

    What is kept already, or was proposed before, is not added again. ``supersedes`` names memories that it would take the place of.
    """
    outcome = vault.remember(
        text,
        scope=scope,
        kind=kind,
        tags=tags,
        happened=to_ms(happened),
        conversation=conversation,
        supersedes=[bytes.fromhex(one) for one in supersedes],
    )
    return outcome_value(outcome) | {"note": NOTES[outcome.state]}


@served(
    "forget",
    "Forget memories",
    closed(preview=many(MEMORY), outcomes=many(closed(**OUTCOME)), note=TEXT),
    reads=False,
    destroys=True,
)
def forget(
    vault: ServedVault,
    *,
    query: Annotated[
        str, Says("Words that all must be in the text: shows what they mean, forgets nothing.", 1, 1000)
    ]
    | None = None,
    memories: Annotated[list[str], Says("ids of memories of 32 hexadecimal digits", 0, 100, pattern=ID)]
    | None = None,
    scope: ScopeName | None = None,
) -> Values:
    """Forget memories by their exact ids; without ids, show by a ``query`` which are meant and forget nothing.

    With ids: waits for the person's review, unless they trust this client with the scope; a query beside them is not looked at.
    """
    if not memories and not (query or "").strip():
        return {
            "preview": [],
            "outcomes": [],
            "note": "nothing was named; give a query, which only shows, or ids",
        }
    if not memories:
        found = vault.find(query=query, scope=scope, limit=100)
        return {
            "preview": [memory_value(memory, name) for name, memory in found],
            "outcomes": [],
            "note": "nothing is forgotten yet; say it again with the ids that are meant",
        }
    outcomes = vault.forget([bytes.fromhex(one) for one in memories or ()], scope=scope)
    return {
        "preview": [],
        "outcomes": [outcome_value(one) for one in outcomes],
        "note": "; ".join(dict.fromkeys(NOTES[one.state] for one in outcomes)),
    }


@served(
    "status",
    "What is granted",
    closed(
        client=TEXT,
        version=TEXT,
        scopes=many(
            closed(
                scope=TEXT,
                can={"type": "string", "enum": ["read", "write", "read+write"]},
                until=WHEN,
                memories=COUNT,
                secrets={"type": "boolean"},
                trusted={"type": "boolean"},
            )
        ),
        waiting={**COUNT, "description": "Proposals of this client that the person has not decided about."},
        next={**NULLABLE, "description": "What the person can type where nothing is granted."},
    ),
)
def status(vault: ServedVault) -> Values:
    """Say which scopes this client may read or write to, until when, and how many of its proposals wait."""
    granted = vault.granted()
    return {
        "client": vault.client,
        "version": __version__,
        "scopes": [
            {
                "scope": one.scope,
                "can": show_rights(one.can),
                "until": iso(one.end * 1000),
                "memories": one.memories,
                "secrets": one.secrets,
                "trusted": one.trusted,
            }
            for one in granted
        ],
        "waiting": vault.waiting(),
        "next": None if granted else f"memsync grant {vault.client} --scope SCOPE --for 30d",
    }


@served(
    "search",
    "Search memories",
    closed(results=many(closed(id=ID_TEXT, title=TEXT, url=TEXT))),
)
def search(vault: ServedVault, *, query: Question) -> Values:
    """Find memories for a query; gives ids for ``fetch``, in the shape that ChatGPT's connectors read."""
    return {
        "results": [
            {"id": hit.memory.id.hex(), "title": title_of(hit.memory), "url": url_of(hit.memory)}
            for hit in vault.recall(query, k=10)
        ]
    }


@served(
    "fetch",
    "Fetch one memory",
    closed(
        id=ID_TEXT,
        title=TEXT,
        text=TEXT,
        url=TEXT,
        metadata=closed(scope=TEXT, kind=TEXT, when=WHEN, tags=TEXT, source=TEXT),
    ),
)
def fetch(vault: ServedVault, *, id: Id) -> Values:  # noqa: A002 - the connectors' word
    """Read one memory whole, by an id that ``search`` gave."""
    scope, memory = vault.get(bytes.fromhex(id))
    source = memory.source
    return {
        "id": memory.id.hex(),
        "title": title_of(memory),
        "text": memory.text,
        "url": url_of(memory),
        "metadata": {
            "scope": scope,
            "kind": memory.kind,
            "when": iso(memory.when),
            "tags": ", ".join(memory.tags),
            "source": ", ".join(one for one in (source.tool, source.title) if one) if source else "",
        },
    }
