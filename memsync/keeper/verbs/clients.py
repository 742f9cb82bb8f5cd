"""The verbs about the tools of this device: client grant, revoke, list, token, block, unblock, remove; disclosures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from memsync.errors import NotFoundError
from memsync.keeper.at import At
from memsync.keeper.values import iso, read_id, read_time
from memsync.keeper.verb import Needs, Values, verb

if TYPE_CHECKING:
    from memsync.vault import ServedGrant


@verb("client grant", Needs.VAULT, "Vault.grant_served")
def client_grant(
    at: At,
    *,
    name: str,
    scope: str | None = None,
    until: str = "30d",
    can: Literal["read", "write", "read+write"] = "read",
    secrets: bool = False,
    trusted: bool = False,
    preview: bool = False,
) -> Values:
    """Let a tool of this device read a scope, or write to it; a new one gets a token. ``preview``: only what it would read."""
    scope = scope or at.settings.scope
    summary = at.vault.scope_summary(scope)
    at.vault.check_client_name(name)
    known = any(one.name == name for one in at.vault.clients())
    told: Values = {
        "name": name,
        "known": known,
        "memories": 0 if can == "write" else summary.memories,
        "earliest": iso(summary.earliest),
        "latest": iso(summary.latest),
    }
    if preview:
        return told | {"grant": None, "token": None}
    if not known:
        at.vault.client_token(name)
    made = at.vault.grant_served(name, scope=scope, until=until, can=can, secrets=secrets, trusted=trusted)
    file = at.vault.paths.client_token(name)
    return told | {"grant": served_value(made), "token": str(file) if file.exists() else None}


@verb("client revoke", Needs.VAULT, "Vault.revoke_served")
def client_revoke(at: At, *, name: str, scope: str | None = None) -> Values:
    """End what a tool of this device may do, in one scope or in all."""
    return {"ended": [served_value(one) for one in at.vault.revoke_served(name, scope=scope)]}


@verb("client list", Needs.VAULT, "Vault.clients")
def client_list(at: At) -> Values:
    """The tools of this device, each with what it may do and how many answers it got."""
    vault = at.vault
    grants, counts = vault.served_grants(), vault.disclosure_counts()
    return {
        "clients": [
            {
                "name": one.name,
                "made": iso(one.made),
                "grants": [served_value(grant) for grant in grants if grant.client == one.name],
                "answers": counts.get(one.name, 0),
            }
            for one in vault.clients()
        ]
    }


@verb("client token", Needs.VAULT, "Vault.client_token")
def client_token(at: At, *, name: str, renew: bool = False) -> Values:
    """Have a tool's token lie in its file; ``renew``: another one in place of the old."""
    made = at.vault.client_token(name, renew=renew)
    return {"name": name, "file": str(at.vault.paths.client_token(name)), "made": made}


@verb("client block", Needs.VAULT, "Vault.block_client")
def client_block(at: At, *, name: str) -> Values:
    """Drop what a tool proposes from now on."""
    at.vault.block_client(name)
    return {"name": name, "blocked": True}


@verb("client unblock", Needs.VAULT, "Vault.block_client")
def client_unblock(at: At, *, name: str) -> Values:
    """Take what a tool proposes again."""
    at.vault.block_client(name, blocked=False)
    return {"name": name, "blocked": False}


@verb("client remove", Needs.VAULT, "Vault.remove_client")
def client_remove(at: At, *, name: str) -> Values:
    """End all that a tool may do and know its token no longer."""
    at.vault.remove_client(name)
    return {"removed": name}


@verb("disclosures", Needs.VAULT, "Vault.disclosures")
def disclosures(
    at: At,
    *,
    who: str | None = None,
    scope: str | None = None,
    memory: str | None = None,
    since: str | None = None,
    until: str | None = None,
    limit: int = 20,
    texts: bool = False,
) -> Values:
    """What left this device, to whom, when and for which question, the latest first; ``texts``: with what the memories say now."""
    now, vault = time.time(), at.vault
    found = vault.disclosures(
        who=who,
        scope=scope,
        memory=None if memory is None else _memory_id(at, memory),
        since=read_time(since, now=now),
        until=read_time(until, now=now),
        limit=limit,
    )
    ids = {one: _text(at, one) for row in found for one in row.memories} if texts else {}
    return {
        "disclosures": [
            {
                "at": iso(one.at),
                "who": one.who,
                "channel": one.channel,
                "verb": one.verb,
                "scope": vault.scope_name(one.scope),
                "question": one.question,
                "memories": [one.hex() for one in one.memories],
                "texts": [ids[memory] for memory in one.memories] if texts else None,
            }
            for one in found
        ],
        "totals": vault.disclosure_counts(since=read_time(since, now=now)),
    }


def served_value(grant: ServedGrant) -> dict[str, object]:
    """A served grant."""
    return {
        "client": grant.client,
        "scope": grant.scope,
        "can": grant.can,
        "start": iso(grant.start * 1000),
        "until": iso(grant.end * 1000),
        "secrets": grant.secrets,
        "trusted": grant.trusted,
    }


def _memory_id(at: At, text: str) -> bytes:
    """The whole id; one of a memory that is forgotten has to be given whole."""
    start = read_id(text)
    return start if len(start) == 16 else at.vault.get(start).id


def _text(at: At, memory: bytes) -> str | None:
    """What a memory says now; None once it is forgotten."""
    try:
        return at.vault.get(memory).text
    except NotFoundError:
        return None
