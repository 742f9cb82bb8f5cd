"""The verbs that answer more than one question at a time: context, profile, changed, contradicting."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from memsync.errors import InputError
from memsync.keeper.at import At
from memsync.keeper.values import iso, memory_value, read_time
from memsync.keeper.verb import Needs, Values, verb

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@verb("context", Needs.VAULT, "Vault.context")
def context(
    at: At, *, question: str, also: list[str] | None = None, tokens: int = 1500, scope: str | None = None
) -> Values:
    """What answers a question, as a block for a prompt."""
    if tokens < 50:
        raise InputError("a block has 50 tokens or more; say how many")
    block = at.vault.context(question, queries=also or (), tokens=tokens, scope=scope)
    return {
        "text": block.text,
        "tokens": block.tokens,
        "memories": [memory_value(one) for one in block.memories],
        "flagged": [one.hex() for one in block.flagged],
    }


@verb("profile", Needs.VAULT, "Vault.profile")
def profile(at: At, *, scope: str | None = None, tokens: int = 500, rewrite: bool = False) -> Values:
    """What lasts of what is kept about the person, as a block for a prompt; ``rewrite``: also in sentences, by a model."""
    if tokens < 50:
        raise InputError("a profile has 50 tokens or more; say how many")
    found = at.vault.profile(scope=scope, tokens=tokens)
    return {
        "text": found.text,
        "tokens": found.tokens,
        "scope": found.scope,
        "made": iso(found.made),
        "rewritten": at.vault.rewrite_profile(found) if rewrite else None,
        "lines": [
            {"text": one.text, "id": one.memory.hex(), "when": iso(one.when), "heading": one.heading}
            for one in found.lines
        ],
    }


@verb("changed", Needs.VAULT, "Vault.changed")
def changed(at: At, *, since: str, scope: str | None = None) -> Values:
    """What was added or edited since a day, a weekday, yesterday, or so many days ago."""
    found = at.vault.changed(_read_since(since, datetime.fromtimestamp(at.clock()).astimezone()), scope=scope)
    return {"changes": [memory_value(one) | {"change": what} for what, one in found]}


@verb("contradicting", Needs.VAULT, "Vault.contradicting")
def contradicting(at: At, *, text: str, scope: str | None = None) -> Values:
    """What may speak against a text, or a memory by its id."""
    of = bytes.fromhex(text) if re.fullmatch(r"(?:[0-9a-f]{2}){4,16}", text) else text
    found = at.vault.contradicting(of, scope=scope)
    return {"contradictions": [memory_value(one.memory) | {"reason": one.reason} for one in found]}


def _read_since(text: str, now: datetime) -> datetime:
    """The beginning of a day that is named: a weekday (the last one, today's being a week ago), today, yesterday; or a time."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    name = text.strip().lower()
    if name in _DAYS:
        return midnight - timedelta((now.weekday() - _DAYS.index(name)) % 7 or 7)
    if name in {"today", "yesterday"}:
        return midnight - timedelta(name == "yesterday")
    if back := re.fullmatch(r"(\d{1,4})d", name):
        return midnight - timedelta(int(back[1]))
    try:
        ms = read_time(text, now=now.timestamp())
    except InputError:
        raise InputError(
            f"{text!r} is no day: give one such as 2025-01-31, monday, yesterday or 3d"
        ) from None
    return datetime.fromtimestamp((ms or 0) / 1000).astimezone()
