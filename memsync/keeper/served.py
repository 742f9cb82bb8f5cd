"""The verbs of the tools that this device serves: what an AI client may ask, with the schema of each answer.

In go a :class:`~memsync.vault.ServedVault`, which holds a client to its grants, and arguments as JSON; out comes what may leave. The MCP
server's tools and the HTTP API of `memsync serve` are made of this table; the texts say what a verb does and tell no model what to do.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Final

from memsync import __version__
from memsync.keeper.values import iso, read_time
from memsync.keeper.verb import Says, Schema, Values, served
from memsync.memory import KINDS, MemoryKind
from memsync.terms import show_rights

if TYPE_CHECKING:
    from memsync.memory import Memory
    from memsync.vault import Outcome, ServedVault

ID: Final = "[0-9a-f]{32}"
_YEAR: Final = "[12][0-9]{3}"
_LEAP: Final = "(?:[12][0-9](?:0[48]|[2468][048]|[13579][26])|(?:12|16|20|24|28)00)"
_DAY: Final = (
    f"(?:{_YEAR}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    f"|{_LEAP}-02-29)"
)
_CLOCK: Final = "(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9])?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])?"
_TIME: Final = Says(
    "an ISO 8601 day or time such as 2025-01-31, or 7d for so long ago",
    pattern=f"{_DAY}(?:T{_CLOCK})?|[1-9][0-9]{{0,3}}[hdwy]",
)
Time = Annotated[str, _TIME]
Question = Annotated[str, Says("The question, in plain words.", 1, 4000)]
Also = Annotated[list[str], Says("Other wordings, or parts of a hard question.", 0, 8, each=4000)]
ScopeName = Annotated[str, Says("One of the scopes that `status` lists; all of them if left out.", 1, 200)]
Tag = Annotated[str, Says("Only memories with this tag.", 1, 200)]
Id = Annotated[
    str, Says("a memory's id of 32 hexadecimal digits, as `recall` and `list` give it", pattern=ID)
]


def closed(**properties: Schema) -> Schema:
    """The schema of an object with these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def many(items: Schema) -> Schema:
    """The schema of a list."""
    return {"type": "array", "items": items}


_TEXT: Final[Schema] = {"type": "string"}
_ID: Final[Schema] = {"type": "string", "pattern": f"^{ID}$"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_WHEN: Final[Schema] = {"type": ["string", "null"], "description": "ISO 8601, UTC"}
_NULLABLE: Final[Schema] = {"type": ["string", "null"]}
_SOURCE: Final = closed(
    tool=_NULLABLE,
    conversation=_NULLABLE,
    title=_NULLABLE,
    turn=_NULLABLE,
    part=_NULLABLE,
    role=_NULLABLE,
    model=_NULLABLE,
)
_MEMORY: Final[dict[str, Schema]] = {
    "id": _ID,
    "scope": _TEXT,
    "text": _TEXT,
    "kind": {"type": "string", "enum": list(KINDS)},
    "when": _WHEN,
    "created": _WHEN,
    "tags": many(_TEXT),
    "source": {"anyOf": [_SOURCE, {"type": "null"}]},
}
MEMORY: Final = closed(**_MEMORY)
HIT: Final = closed(**_MEMORY, score={"type": "number"}, why=many(_TEXT), labels=many(_TEXT))
STATES: Final = ("kept", "forgotten", "known", "pending", "refused", "empty")
_OUTCOME: Final[dict[str, Schema]] = {
    "state": {"type": "string", "enum": list(STATES)},
    "memory": {"anyOf": [_ID, {"type": "null"}]},
    "proposal": {"anyOf": [_ID, {"type": "null"}]},
}
_NOTES: Final = {
    "kept": "kept",
    "forgotten": "forgotten",
    "known": "kept already; nothing was added",
    "pending": "waits for the person, who decides by `memsync review`",
    "refused": "the person said no to this before",
    "empty": "there is nothing in it to keep",
}


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
    hits = vault.recall(question, queries=also, k=k, scope=scope, since=_ms(since), until=_ms(until))
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
        text=_TEXT,
        tokens=_COUNT,
        memories=many(closed(id=_ID, when=_WHEN)),
        flagged={**many(_ID), "description": "Memories whose text is shaped like an instruction to a model."},
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
        text=_TEXT,
        tokens=_COUNT,
        lines=many(closed(id=_ID, text=_TEXT, heading=_TEXT, when=_WHEN)),
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
    found = vault.find(tag=tag, scope=scope, since=_ms(since), until=_ms(until), limit=limit + 1)
    return {
        "memories": [memory_value(memory, name) for name, memory in found[:limit]],
        "more": len(found) > limit,
    }


@served(
    "remember",
    "Propose a memory",
    closed(**_OUTCOME, note=_TEXT),
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
        happened=_ms(happened),
        conversation=conversation,
        supersedes=[bytes.fromhex(one) for one in supersedes],
    )
    return _outcome(outcome) | {"note": _NOTES[outcome.state]}


@served(
    "forget",
    "Forget memories",
    closed(preview=many(MEMORY), outcomes=many(closed(**_OUTCOME)), note=_TEXT),
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
        "outcomes": [_outcome(one) for one in outcomes],
        "note": "; ".join(dict.fromkeys(_NOTES[one.state] for one in outcomes)),
    }


@served(
    "status",
    "What is granted",
    closed(
        client=_TEXT,
        version=_TEXT,
        scopes=many(
            closed(
                scope=_TEXT,
                can={"type": "string", "enum": ["read", "write", "read+write"]},
                until=_WHEN,
                memories=_COUNT,
                secrets={"type": "boolean"},
                trusted={"type": "boolean"},
            )
        ),
        waiting={**_COUNT, "description": "Proposals of this client that the person has not decided about."},
        next={**_NULLABLE, "description": "What the person can type where nothing is granted."},
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
    closed(results=many(closed(id=_ID, title=_TEXT, url=_TEXT))),
)
def search(vault: ServedVault, *, query: Question) -> Values:
    """Find memories for a query; gives ids for ``fetch``, in the shape that ChatGPT's connectors read."""
    return {
        "results": [
            {"id": hit.memory.id.hex(), "title": _title(hit.memory), "url": url_of(hit.memory)}
            for hit in vault.recall(query, k=10)
        ]
    }


@served(
    "fetch",
    "Fetch one memory",
    closed(
        id=_ID,
        title=_TEXT,
        text=_TEXT,
        url=_TEXT,
        metadata=closed(scope=_TEXT, kind=_TEXT, when=_WHEN, tags=_TEXT, source=_TEXT),
    ),
)
def fetch(vault: ServedVault, *, id: Id) -> Values:  # noqa: A002 - the connectors' word
    """Read one memory whole, by an id that ``search`` gave."""
    scope, memory = vault.get(bytes.fromhex(id))
    source = memory.source
    return {
        "id": memory.id.hex(),
        "title": _title(memory),
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


def memory_value(memory: Memory, scope: str) -> dict[str, object]:
    """A memory as a tool gets it: without the key of who proposed it."""
    source = memory.source
    return {
        "id": memory.id.hex(),
        "scope": scope,
        "text": memory.text,
        "kind": memory.kind,
        "when": iso(memory.when),
        "created": iso(memory.created),
        "tags": list(memory.tags),
        "source": {name: getattr(source, name) for name in source.__slots__} if source else None,
    }


def url_of(memory: Memory) -> str:
    """Where a memory is, as a resource."""
    return f"memory://{memory.id.hex()}"


def _outcome(outcome: Outcome) -> dict[str, object]:
    return {
        "state": outcome.state,
        "memory": outcome.memory.hex() if outcome.memory else None,
        "proposal": outcome.proposal.hex() if outcome.proposal else None,
    }


def _title(memory: Memory) -> str:
    line = " ".join(memory.text.split())
    return line if len(line) <= 80 else line[:79] + "…"


def _ms(text: str | None) -> int | None:
    return read_time(text, now=time.time())
