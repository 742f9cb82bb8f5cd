"""The verbs about memories and scopes. None talks to a chain or a store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from memsync.errors import InputError
from memsync.keeper.at import At
from memsync.keeper.values import iso, memory_value, read_id, read_time
from memsync.keeper.verb import Needs, Values, verb
from memsync.memory import MemoryKind

if TYPE_CHECKING:
    from memsync.memory import Memory

SHOWN = 20
_ALWAYS = -(1 << 53)  # ms; before any memory


@verb("remember", Needs.VAULT, "Vault.remember")
def remember(
    at: At,
    *,
    text: str,
    scope: str | None = None,
    kind: MemoryKind = "semantic",
    tags: list[str] | None = None,
    happened: str | None = None,
) -> Values:
    """Keep a text."""
    name = scope or at.settings.scope
    memory = at.vault.remember(
        text, scope=name, kind=kind, tags=tags or (), happened=read_time(happened, now=time.time())
    )
    return {"memory": memory_value(memory, name)}


@verb("edit", Needs.VAULT, "Vault.edit")
def edit(at: At, *, memory: str, text: str, scope: str | None = None) -> Values:
    """Give a memory another text."""
    return {"memory": memory_value(at.vault.edit(read_id(memory), text, scope=scope))}


@verb("get", Needs.VAULT, "Vault.get")
def get(at: At, *, memory: str, scope: str | None = None) -> Values:
    """One memory, whole."""
    [(name, found)] = _one(at, memory, scope)
    return {"memory": memory_value(found, name)}


@verb("list", Needs.VAULT, "Vault.memories")
def list_memories(
    at: At,
    *,
    scope: str | None = None,
    tag: str | None = None,
    since: str | None = None,
    until: str | None = None,
    limit: int = SHOWN,
) -> Values:
    """Memories, the latest first."""
    now = time.time()
    begin = read_time(since, now=now)
    found = at.vault.find(
        scope=scope,
        tag=tag,
        since=_ALWAYS if begin is None else begin,
        until=read_time(until, now=now),
        limit=limit,
    )
    return {
        "memories": [memory_value(memory, name) for name, memory in found],
        "count": at.vault.count(scope=scope),
    }


@verb("recall", Needs.VAULT, "Vault.recall")
def recall(
    at: At,
    *,
    question: str,
    k: int = 5,
    scope: str | None = None,
    now: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Values:
    """What fits a question best."""
    clock = time.time()
    hits = at.vault.recall(
        question,
        k=k,
        scope=scope,
        now=read_time(now, now=clock),
        since=read_time(since, now=clock),
        until=read_time(until, now=clock),
    )
    return {
        "hits": [
            memory_value(hit.memory, at.vault.scope_name(hit.scope))
            | {"score": hit.score, "why": list(hit.why)}
            for hit in hits
        ]
    }


@verb("forget", Needs.VAULT, "Vault.forget_many")
def forget(
    at: At,
    *,
    memories: list[str] | None = None,
    query: str | None = None,
    scope: str | None = None,
    tag: str | None = None,
    since: str | None = None,
    until: str | None = None,
    preview: bool = False,
) -> Values:
    """Forget memories by their ids, or all that hold every word of a query. ``preview`` only shows them."""
    found = _meant(at, memories, query, scope, tag, since, until)
    if preview:
        return {"memories": _few(found), "count": len(found)}
    return {"forgotten": at.vault.forget_many([memory for _, memory in found])}


@verb("move", Needs.VAULT, "Vault.move")
def move(
    at: At,
    *,
    to: str,
    memories: list[str] | None = None,
    query: str | None = None,
    scope: str | None = None,
    tag: str | None = None,
    since: str | None = None,
    until: str | None = None,
    preview: bool = False,
) -> Values:
    """Move memories to another scope, which has keys of its own. ``preview`` only shows them."""
    found = [
        (name, memory) for name, memory in _meant(at, memories, query, scope, tag, since, until) if name != to
    ]
    if preview:
        at.vault.count(scope=to)
        return {"memories": _few(found), "count": len(found), "to": to}
    by_scope: dict[str, list[Memory]] = {}
    for name, memory in found:
        by_scope.setdefault(name, []).append(memory)
    moved = [memory for name, some in by_scope.items() for memory in at.vault.move(some, to=to, scope=name)]
    return {"moved": len(moved), "to": to}


@verb("scope add", Needs.VAULT, "Vault.add_scope")
def add_scope(at: At, *, name: str) -> Values:
    """Make a scope."""
    at.vault.add_scope(name)
    return {"scopes": list(at.vault.scopes())}


@verb("scope list", Needs.VAULT, "Vault.scopes")
def list_scopes(at: At) -> Values:
    """The scopes, each with how many memories it has and from when to when."""
    found = [at.vault.scope_summary(name) for name in at.vault.scopes()]
    return {
        "scopes": {
            one.scope: {"memories": one.memories, "earliest": iso(one.earliest), "latest": iso(one.latest)}
            for one in found
        }
    }


@verb("scope rename", Needs.VAULT, "Vault.rename_scope")
def rename_scope(at: At, *, old: str, new: str) -> Values:
    """Give a scope another name."""
    at.vault.rename_scope(old, new)
    return {"scopes": list(at.vault.scopes())}


def _one(at: At, memory: str, scope: str | None) -> list[tuple[str, Memory]]:
    found = at.vault.get(read_id(memory), scope=scope)
    return at.vault.find(ids=[found.id], scope=scope, limit=1)


def _meant(
    at: At,
    memories: list[str] | None,
    query: str | None,
    scope: str | None,
    tag: str | None,
    since: str | None,
    until: str | None,
) -> list[tuple[str, Memory]]:
    """The memories that ids or a query mean; something must be said, for nothing would mean all."""
    if memories:
        if query is not None:
            raise InputError("ids and a query both say which memories are meant; give one of them")
        return [one for text in memories for one in _one(at, text, scope)]
    if query is None and tag is None and since is None and until is None:
        raise InputError("say which memories are meant: ids, words that they hold, a tag or a time")
    now = time.time()
    return at.vault.find(
        query=query, scope=scope, tag=tag, since=read_time(since, now=now), until=read_time(until, now=now)
    )


def _few(found: list[tuple[str, Memory]]) -> list[dict[str, object]]:
    return [memory_value(memory, name) for name, memory in found[:SHOWN]]
